/// Parts of a message: attachments and all others, and collections of them.
// @module netmail

#include "lua_part.h"

#include "lua_message.h"

/* ---- Part, which is also Attachment ---- */

static void *ref_part(void *p) {
  return nm_part_ref(p);
}

static void unref_part(void *object) {
  struct nm_part *a = object;
  nm_part_unref(&a);
}

/* Fore: path and name of the file; for content from memory the name alone. */
static int get_content_name(lua_State *L, void *object) {
  const struct nm_part *a = object;
  struct nm_str path = a->content != NULL ? nm_content_path(a->content) : nm_str("", 0);
  return nm_push_opt_str(L, path.n > 0 ? path : nm_buf_str(&a->name));
}

static int get_name(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&((struct nm_part *)object)->name));
}

static int set_name(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_name(object, nm_opt_string(L, i, "Name"), e);
}

static int get_type(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_part_type(object));
}

static int set_type(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_type(object, nm_opt_string(L, i, "ContentType"), e);
}

static int get_content_id(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&((struct nm_part *)object)->content_id));
}

static int set_content_id(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_content_id(object, nm_opt_string(L, i, "ContentId"), e);
}

static int get_inline(lua_State *L, void *object) {
  lua_pushboolean(L, ((struct nm_part *)object)->disposition == NM_DISPOSITION_INLINE);
  return 1;
}

static int set_inline(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  int on = nm_check_boolean(L, i, "Inline");
  ((struct nm_part *)object)->disposition = on ? NM_DISPOSITION_INLINE : NM_DISPOSITION_ATTACHMENT;
  return 0;
}

static int get_disposition(lua_State *L, void *object) {
  static const struct nm_str names[] = {{"", 0}, {"inline", 6}, {"attachment", 10}, {"none", 4}};
  return nm_push_opt_str(L, names[((struct nm_part *)object)->disposition]);
}

static int set_disposition(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_str value = nm_opt_string(L, i, "Disposition");
  enum nm_disposition d = NM_DISPOSITION_DEFAULT;
  if (nm_str_ieq(value, NM_STR("inline"))) {
    d = NM_DISPOSITION_INLINE;
  } else if (nm_str_ieq(value, NM_STR("attachment"))) {
    d = NM_DISPOSITION_ATTACHMENT;
  } else if (nm_str_ieq(value, NM_STR("none"))) {
    d = NM_DISPOSITION_NONE;
  } else if (value.n > 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "Disposition \"%.*s\" is not inline, attachment or none", nm_shown(value, 100),
                        value.p);
  }
  ((struct nm_part *)object)->disposition = d;
  return 0;
}

static int get_description(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&((struct nm_part *)object)->description));
}

static int set_description(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_description(object, nm_opt_string(L, i, "ContentDescription"), e);
}

static int get_location(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&((struct nm_part *)object)->location));
}

static int set_location(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_location(object, nm_opt_string(L, i, "ContentLocation"), e);
}

static int get_language(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&((struct nm_part *)object)->language));
}

static int set_language(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_language(object, nm_opt_string(L, i, "ContentLanguage"), e);
}

static int get_charset(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_params_get(&((struct nm_part *)object)->params, NM_STR("charset")));
}

static int set_charset(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_param(object, NM_STR("charset"), nm_opt_string(L, i, "Charset"), e);
}

static int get_transfer_encoding(lua_State *L, void *object) {
  const struct nm_cte_wish *wish = &((struct nm_part *)object)->wish;
  if (wish->is_forced) {
    lua_pushstring(L, nm_cte_name(wish->forced));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int set_transfer_encoding(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_part_set_transfer_encoding(object, nm_opt_string(L, i, "TransferEncoding"), e);
}

static int get_parameters(lua_State *L, void *object) {
  const struct nm_params *params = &((struct nm_part *)object)->params;
  lua_newtable(L);
  for (size_t i = 0; i < params->n; i++) {
    nm_push_str(L, params->items[i].value);
    lua_setfield(L, -2, params->items[i].name.p);
  }
  return 1;
}

static void check_parameters(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TTABLE) {
    nm_type_error(L, i, "Parameters", "table of names and values");
  }
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      luaL_error(L, "Parameters takes names and values: { format = \"flowed\" }");
    }
    nm_check_string(L, lua_gettop(L), "the value of a parameter");
  }
}

static void free_params(void *params) {
  nm_params_free(params);
}

static void swap_params(struct nm_params *a, struct nm_params *b) {
  struct nm_params kept = *a;
  *a = *b;
  *b = kept;
}

/* Adds to those that there are; an empty value takes one away. All of them or none. */
static int set_parameters(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_part *part = object;
  i = lua_absindex(L, i);
  check_parameters(L, i);
  struct nm_params *old = nm_scratch(L, sizeof *old, free_params);
  int err = nm_params_assign(old, &part->params) != 0 ? nm_error_nomem(e) : 0;
  if (err != 0) {
    return err;
  }
  for (lua_pushnil(L); err == 0 && lua_next(L, i) != 0; lua_pop(L, 1)) {
    err = nm_part_set_param(part, nm_check_string(L, lua_gettop(L) - 1, "the name of a parameter"),
                            nm_check_string(L, lua_gettop(L), "the value of a parameter"), e);
  }
  if (err != 0) {
    swap_params(&part->params, old);
  }
  nm_params_sort(&part->params, NM_STR(""));
  return err;
}

/* A message within is a copy, and gives copies: a message is never within itself. */
static int get_message(lua_State *L, void *object) {
  const struct nm_part *part = object;
  if (part->message == NULL) {
    lua_pushnil(L);
    return 1;
  }
  nm_gc_announce(L, &nm_message_class);
  void **box = nm_class_new_box(L, &nm_message_class);
  part = nm_class_check(L, &nm_part_class, 1);
  struct nm_message *copy = NULL;
  if (nm_message_copy(part->message, &copy) != 0) {
    return luaL_error(L, "out of memory");
  }
  *box = copy;
  return 1;
}

static int get_parts(lua_State *L, void *object) {
  const struct nm_list *children = ((struct nm_part *)object)->children;
  if (children == NULL) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  for (size_t i = 0; i < children->n; i++) {
    nm_class_push(L, &nm_part_class, children->items[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

static int get_text(lua_State *L, void *object) {
  const struct nm_part *part = object;
  if (part->kind == NM_PART_TEXT) {
    nm_push_str(L, nm_content_bytes(part->content));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* The octets of a part that has them in memory. */
static int get_content(lua_State *L, void *object) {
  const struct nm_part *part = object;
  struct nm_str bytes = part->content != NULL ? nm_content_bytes(part->content) : nm_str(NULL, 0);
  if (bytes.p == NULL) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, bytes);
  }
  return 1;
}

static int get_size(lua_State *L, void *object) {
  const struct nm_part *part = object;
  int64_t size = part->content != NULL ? nm_content_size(part->content) : -1;
  if (size < 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)size);
  }
  return 1;
}

/* In the order in which the values of a table are set: what belongs to a type behind it; an id makes the part inline, unless
   the same table says otherwise. */
static const struct nm_property part_properties[] = {
    {"ContentName", get_content_name, NULL},
    {"Name", get_name, set_name},
    {"ContentType", get_type, set_type},
    {"Charset", get_charset, set_charset},
    {"Parameters", get_parameters, set_parameters},
    {"ContentId", get_content_id, set_content_id},
    {"ContentDescription", get_description, set_description},
    {"ContentLocation", get_location, set_location},
    {"ContentLanguage", get_language, set_language},
    {"TransferEncoding", get_transfer_encoding, set_transfer_encoding},
    {"Disposition", get_disposition, set_disposition},
    {"Inline", get_inline, set_inline},
    {"Size", get_size, NULL},
    {"Content", get_content, NULL},
    {"Text", get_text, NULL},
    {"Parts", get_parts, NULL},
    {"Message", get_message, NULL},
    {NULL, NULL, NULL},
};

static int part_to_string(lua_State *L, void *object) {
  const struct nm_part *a = object;
  struct nm_str type = nm_part_type(a);
  lua_pushstring(L, a->disposition == NM_DISPOSITION_ATTACHMENT ? "Attachment (" : "Part (");
  nm_push_str(L, a->name.n > 0 ? nm_buf_str(&a->name) : NM_STR("unnamed"));
  lua_pushliteral(L, ", ");
  nm_push_str(L, type);
  lua_pushliteral(L, ")");
  lua_concat(L, 5);
  return 1;
}

static int part_m_to_string(lua_State *L) {
  return part_to_string(L, nm_class_self(L, &nm_part_class, "ToString"));
}

/// Lets go of the file. netmail holds no descriptor between sends, so this frees nothing; the attachment stays usable.
// @function Attachment:ReleaseResource
static int part_release(lua_State *L) {
  nm_class_self(L, &nm_part_class, "ReleaseResource");
  return 0;
}

static const luaL_Reg part_methods[] = {
    {"ReleaseResource", part_release},
    {"ToString", part_m_to_string},
    {NULL, NULL},
};

const struct nm_class nm_part_class = {
    .name = "Part",
    .weight = 768,
    .registry = "netmail.Part",
    .properties = part_properties,
    .methods = part_methods,
    .ref = ref_part,
    .unref = unref_part,
    .to_string = part_to_string,
};

/* ---- PartCollection ---- */

static int append_part(lua_State *L, struct nm_list *list, int i, struct nm_error *e) {
  struct nm_part *a = nm_class_test(L, &nm_part_class, i);
  if (a == NULL) {
    return nm_list_type_error(L, &nm_part_list_class, i);
  }
  return nm_list_error(list, nm_list_add(list, a), e);
}

static long find_part(lua_State *L, const struct nm_list *list, int i) {
  void *a = nm_class_check(L, &nm_part_class, i);
  for (size_t at = 0; at < list->n; at++) {
    if (list->items[at] == a) {
      return (long)at;
    }
  }
  return -1;
}

static int list_to_string(lua_State *L, void *object) {
  lua_pushfstring(L, "PartCollection (%d)", nm_list_length(object));
  return 1;
}

static const luaL_Reg list_methods[] = {NM_LIST_METHODS, {NULL, NULL}};

const struct nm_list_class nm_part_list_class = {
    .class = NM_LIST_CLASS("PartCollection", list_methods, list_to_string),
    .item = &nm_part_class,
    .what = "part",
    .expected = "Attachment or Part; for a file write Attachment.Create(path)",
    .make = nm_part_list_new,
    .append = append_part,
    .find = find_part,
};
