/// Attachments and collections of them.
// @module netmail

#include "lua_part.h"

/* ---- Attachment ---- */

static void *ref_attachment(void *a) {
  return nm_part_ref(a);
}

static void unref_attachment(void *object) {
  struct nm_part *a = object;
  nm_part_unref(&a);
}

static int push_text(lua_State *L, struct nm_str s) {
  if (s.n == 0) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, s);
  }
  return 1;
}

/* Fore: path and name of the file; for content from memory the name alone. */
static int get_content_name(lua_State *L, void *object) {
  const struct nm_part *a = object;
  struct nm_str path = nm_content_path(a->content);
  return push_text(L, path.n > 0 ? path : nm_buf_str(&a->name));
}

static int get_name(lua_State *L, void *object) {
  return push_text(L, nm_buf_str(&((struct nm_part *)object)->name));
}

static int set_name(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_name(object, nm_opt_string(L, i, "Name"), e);
}

static int get_type(lua_State *L, void *object) {
  return push_text(L, nm_part_type(object));
}

static int set_type(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_type(object, nm_opt_string(L, i, "ContentType"), e);
}

static int get_content_id(lua_State *L, void *object) {
  return push_text(L, nm_buf_str(&((struct nm_part *)object)->content_id));
}

static int set_content_id(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_content_id(object, nm_opt_string(L, i, "ContentId"), e);
}

static int get_inline(lua_State *L, void *object) {
  lua_pushboolean(L, ((struct nm_part *)object)->inline_part);
  return 1;
}

static int set_inline(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  ((struct nm_part *)object)->inline_part = nm_check_boolean(L, i, "Inline");
  return 0;
}

static int get_size(lua_State *L, void *object) {
  int64_t size = nm_content_size(((struct nm_part *)object)->content);
  if (size < 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)size);
  }
  return 1;
}

/* Inline after ContentId: an id makes the part inline, unless the same table says otherwise. */
static const struct nm_property attachment_properties[] = {
    {"ContentName", get_content_name, NULL},
    {"Name", get_name, set_name},
    {"ContentType", get_type, set_type},
    {"ContentId", get_content_id, set_content_id},
    {"Inline", get_inline, set_inline},
    {"Size", get_size, NULL},
    {NULL, NULL, NULL},
};

static int attachment_to_string(lua_State *L, void *object) {
  const struct nm_part *a = object;
  struct nm_str type = nm_part_type(a);
  lua_pushliteral(L, "Attachment (");
  nm_push_str(L, a->name.n > 0 ? nm_buf_str(&a->name) : NM_STR("unnamed"));
  lua_pushliteral(L, ", ");
  nm_push_str(L, type);
  lua_pushliteral(L, ")");
  lua_concat(L, 5);
  return 1;
}

static int attachment_m_to_string(lua_State *L) {
  return attachment_to_string(L, nm_class_self(L, &nm_part_class, "ToString"));
}

/// Lets go of the file. netmail holds no descriptor between sends, so this frees nothing; the attachment stays usable.
// @function Attachment:ReleaseResource
static int attachment_release(lua_State *L) {
  nm_class_self(L, &nm_part_class, "ReleaseResource");
  return 0;
}

static const luaL_Reg attachment_methods[] = {
    {"ReleaseResource", attachment_release},
    {"ToString", attachment_m_to_string},
    {NULL, NULL},
};

const struct nm_class nm_part_class = {
    .name = "Attachment",
    .weight = 512,
    .registry = "netmail.Attachment",
    .properties = attachment_properties,
    .methods = attachment_methods,
    .unref = unref_attachment,
    .to_string = attachment_to_string,
};

static int new_attachment(struct nm_str path, struct nm_str bytes, struct nm_str name, struct nm_part **out,
                          struct nm_error *e) {
  struct nm_content *content = NULL;
  int err = path.p != NULL ? nm_content_file(path, &content, e) : nm_content_memory(bytes, &content, e);
  if (err == 0) {
    err = nm_part_new(content, name, out, e);
  }
  nm_content_unref(&content);
  return err;
}

/* path or bytes, with the name that it has to begin with. */
static int push_attachment(lua_State *L, struct nm_str path, struct nm_str bytes, struct nm_str name) {
  void **box = nm_class_new_box(L, &nm_part_class);
  struct nm_part *a = NULL;
  struct nm_error e = {0};
  if (new_attachment(path, bytes, name, &a, &e) < 0) {
    return nm_raise(L, &e);
  }
  *box = a;
  nm_class_know_box(L, a);
  return 1;
}

/// Attaches a file.
// The path is checked at once to be a readable regular file; the content is read at each send.
// @function Attachment.Create
// @string FileName path of the file
// @treturn Attachment
static int attachment_create(lua_State *L) {
  nm_gc_announce(L, &nm_part_class);
  struct nm_str path = nm_check_string(L, 1, "FileName");
  return push_attachment(L, path, nm_str(NULL, 0), nm_part_file_name(path));
}

static struct nm_str field(lua_State *L, int i, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, i);
  return nm_opt_string(L, -1, name); /* stays on the stack: the bytes live there */
}

/// Makes an attachment from a table: `Path` or `Content` (a string of bytes), `Name`, `ContentType`, `ContentId`, `Inline`.
// @function Attachment
// @tparam table Fields
// @treturn Attachment
static int attachment_call(lua_State *L) {
  nm_gc_announce(L, &nm_part_class);
  static const char *const extra[] = {"Path", "Content", NULL};
  if (lua_type(L, 2) != LUA_TTABLE) {
    return luaL_error(
        L, "Attachment takes a table: Attachment{ Path = \"file\" } or Attachment{ Content = bytes, "
           "Name = \"file.txt\" }; for a path alone there is Attachment.Create(path)");
  }
  struct nm_str path = field(L, 2, "Path");
  struct nm_str content = field(L, 2, "Content");
  if ((path.p == NULL) == (content.p == NULL)) {
    return luaL_error(L, "Attachment takes either Path or Content%s", path.p != NULL ? ", not both" : "");
  }
  /* A file may have any name; where the table gives another one, it does not matter. */
  int by_path = path.p != NULL && !nm_has_field(L, 2, "Name");
  push_attachment(L, path, content, by_path ? nm_part_file_name(path) : nm_str("", 0));
  struct nm_error e = {0};
  if (nm_class_set_all(L, &nm_part_class, nm_class_check(L, &nm_part_class, -1), 2, extra, &e) < 0) {
    return nm_raise(L, &e);
  }
  return 1;
}

/* ---- AttachmentCollection ---- */

static int append_attachment(lua_State *L, struct nm_list *list, int i, struct nm_error *e) {
  struct nm_part *a = nm_class_test(L, &nm_part_class, i);
  if (a == NULL) {
    return nm_type_error(L, i, "attachment", "Attachment; for a file write Attachment.Create(path)");
  }
  return nm_list_error(list, nm_list_add(list, a), e);
}

static long find_attachment(lua_State *L, const struct nm_list *list, int i) {
  void *a = nm_class_check(L, &nm_part_class, i);
  for (size_t at = 0; at < list->n; at++) {
    if (list->items[at] == a) {
      return (long)at;
    }
  }
  return -1;
}

static int list_number(lua_State *L, void *object, lua_Number n) {
  return nm_list_get(L, &nm_part_list_class, object, n);
}

static int list_to_string(lua_State *L, void *object) {
  lua_pushfstring(L, "AttachmentCollection (%d)", nm_list_length(object));
  return 1;
}

static const luaL_Reg list_methods[] = {NM_LIST_METHODS, {NULL, NULL}};

const struct nm_list_class nm_part_list_class = {
    .class =
        {
            .name = "AttachmentCollection",
            .registry = "netmail.AttachmentCollection",
            .properties = nm_list_properties,
            .methods = list_methods,
            .unref = nm_list_unref_object,
            .to_string = list_to_string,
            .length = nm_list_length,
            .item = list_number,
        },
    .item = &nm_part_class,
    .item_ref = ref_attachment,
    .make = nm_part_list_new,
    .append = append_attachment,
    .find = find_attachment,
};

void nm_open_part(lua_State *L) {
  static const luaL_Reg functions[] = {{"Create", attachment_create}, {NULL, NULL}};
  nm_class_register(L, &nm_part_class);
  nm_class_register(L, &nm_part_list_class.class);
  nm_push_class_table(L, "Attachment", functions, attachment_call);
}
