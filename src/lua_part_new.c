/// How parts are made.
// @module netmail

#include "lua_content.h"
#include "lua_message.h"
#include "lua_part.h"

/* What a part is made of: one of these fields, and those that belong to it. */
static const char *const sources[] = {"Path",    "Content", "Text",     "Html",
                                      "Message", "Parts",   "External", NULL};
static const char *const extra[] = {"Path",    "Content", "Size",      "Text",     "Html",
                                    "Message", "Parts",   "Multipart", "External", NULL};

/* The one field of sources that the table has; raises when there is none or more. */
static const char *source_of(lua_State *L, int i, const char *what) {
  const char *found = NULL;
  for (const char *const *s = sources; *s != NULL; s++) {
    if (nm_has_field(L, i, *s) && found != NULL) {
      luaL_error(L, "%s takes either %s or %s, not both", what, found, *s);
    } else if (nm_has_field(L, i, *s)) {
      found = *s;
    }
  }
  if (found == NULL) {
    luaL_error(
        L,
        "%s takes either Path or Content, or what else it is made of (Text, Html, Message, Parts, External)",
        what);
  }
  return found;
}

/* Takes content. */
static int of_content(void **box, struct nm_content *content, struct nm_str name, int is_text,
                      struct nm_error *e) {
  struct nm_part *part = NULL;
  int err = is_text ? nm_part_new_text(content, &part, e) : nm_part_new(content, name, &part, e);
  nm_content_unref(&content);
  *box = part;
  return err;
}

static int of_path(lua_State *L, void **box, int i, struct nm_error *e) {
  struct nm_str path = nm_opt_field(L, i, "Path");
  /* A file may have any name; where the table gives another one, it does not matter. */
  struct nm_str name = nm_has_field(L, i, "Name") ? nm_str("", 0) : nm_part_file_name(path);
  struct nm_content *content = NULL;
  int err = nm_content_file(path, &content, e);
  return err == 0 ? of_content(box, content, name, 0, e) : err;
}

static int of_bytes(lua_State *L, void **box, int i, struct nm_error *e) {
  struct nm_content *content = NULL;
  int at = nm_push_field(L, i, "Content");
  int size_at = nm_push_field(L, i, "Size");
  int err = nm_to_content(L, at, lua_isnil(L, size_at) ? 0 : size_at, "Content", &content, e);
  return err == 0 ? of_content(box, content, nm_str("", 0), 0, e) : err;
}

static int of_text(lua_State *L, void **box, int i, const char *name, struct nm_error *e) {
  struct nm_content *content = NULL;
  int err = nm_content_memory(nm_opt_field(L, i, name), &content, e);
  err = err == 0 ? of_content(box, content, nm_str("", 0), 1, e) : err;
  return err == 0 && name[0] == 'H' ? nm_part_set_type(*box, NM_STR("text/html"), e) : err;
}

static int of_message(lua_State *L, void **box, int i, struct nm_error *e) {
  struct nm_message *m = nm_class_test(L, &nm_message_class, nm_push_field(L, i, "Message"));
  if (m == NULL) {
    return nm_type_error(L, -1, "Message", "MailMessage");
  }
  struct nm_part *part = NULL;
  int err = nm_part_new_message(m, &part, e);
  *box = part;
  return err;
}

/* "mixed" and "multipart/mixed" are the same. */
static int of_parts(lua_State *L, void **box, int i, struct nm_error *e) {
  struct nm_str subtype = nm_opt_field(L, i, "Multipart");
  char type[128] = "multipart/";
  size_t n = strlen(type);
  if (memchr(subtype.n > 0 ? subtype.p : "", '/', subtype.n) != NULL) {
    n = 0;
  }
  if (subtype.n > sizeof type - n) {
    return luaL_error(L, "Multipart is too long");
  }
  if (subtype.p == NULL) {
    return luaL_error(L,
                      "Part with Parts also takes Multipart: \"mixed\", \"alternative\", \"related\", ...");
  }
  memcpy(type + n, subtype.p, subtype.n);
  struct nm_list *children = nm_new_list(L, &nm_part_list_class);
  int err = nm_assign_list(L, &nm_part_list_class, children, nm_push_field(L, i, "Parts"), e);
  struct nm_part *part = NULL;
  err = err == 0 ? nm_part_new_multipart(nm_str(type, n + subtype.n), children, &part, e) : err;
  *box = part;
  return err;
}

static void free_params(void *params) {
  nm_params_free(params);
}

static int read_access(lua_State *L, int at, struct nm_params *access, struct nm_error *e) {
  int err = 0;
  for (lua_pushnil(L); err == 0 && lua_next(L, at) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      return luaL_error(
          L, "External takes names and values: { [\"access-type\"] = \"URL\", URL = \"https://...\" }");
    }
    err = nm_params_set(access, nm_check_string(L, lua_gettop(L) - 1, "the name of a parameter"),
                        nm_check_string(L, lua_gettop(L), "the value of a parameter"), e);
  }
  return err;
}

static int of_external(lua_State *L, void **box, int i, struct nm_error *e) {
  int at = nm_push_field(L, i, "External");
  if (lua_type(L, at) != LUA_TTABLE) {
    return nm_type_error(L, at, "External", "table of access parameters");
  }
  struct nm_params *access = nm_scratch(L, sizeof *access, free_params);
  int err = read_access(L, at, access, e);
  nm_params_sort(access, NM_STR("access-type"));
  struct nm_part *part = NULL;
  err = err == 0 ? nm_part_new_external(access, &part, e) : err;
  *box = part;
  return err;
}

/* A field that would do nothing is a mistake of the program. */
static void check_belongs(lua_State *L, int i, const char *what, const char *name, const char *source,
                          const char *owner) {
  if (strcmp(source, owner) != 0 && nm_has_field(L, i, name)) {
    luaL_error(L, "%s: %s belongs to %s; with %s leave it out", what, name, owner, source);
  }
}

static int make(lua_State *L, void **box, int i, const char *what, struct nm_error *e) {
  const char *source = source_of(L, i, what);
  check_belongs(L, i, what, "Size", source, "Content");
  check_belongs(L, i, what, "Multipart", source, "Parts");
  switch (source[0]) {
    case 'P':
      return source[2] == 't' ? of_path(L, box, i, e) : of_parts(L, box, i, e);
    case 'C':
      return of_bytes(L, box, i, e);
    case 'M':
      return of_message(L, box, i, e);
    case 'E':
      return of_external(L, box, i, e);
    default:
      return of_text(L, box, i, source, e);
  }
}

/* The part of the table at 2, on the top of the stack. */
static int push_part(lua_State *L, const char *what, enum nm_disposition disposition) {
  struct nm_error e = {0};
  void **box = nm_class_new_box(L, &nm_part_class);
  int at = lua_gettop(L);
  if (make(L, box, 2, what, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, at);
  nm_class_know_box(L, *box);
  ((struct nm_part *)*box)->disposition = disposition;
  if (nm_class_set_all(L, &nm_part_class, *box, 2, extra, &e) < 0) {
    return nm_raise(L, &e);
  }
  return 1;
}

/// Attaches a file.
// The path is checked at once to be a readable regular file; the content is read at each send.
// @function Attachment.Create
// @string FileName path of the file
// @treturn Attachment
static int attachment_create(lua_State *L) {
  nm_gc_announce(L, &nm_part_class);
  struct nm_error e = {0};
  struct nm_content *content = NULL;
  struct nm_str path = nm_check_string(L, 1, "FileName");
  void **box = nm_class_new_box(L, &nm_part_class);
  int err = nm_content_file(path, &content, &e);
  if (err < 0 || of_content(box, content, nm_part_file_name(path), 0, &e) < 0) {
    return nm_raise(L, &e);
  }
  nm_class_know_box(L, *box);
  ((struct nm_part *)*box)->disposition = NM_DISPOSITION_ATTACHMENT;
  return 1;
}

/// Makes an attachment from a table: `Path` or `Content` (a string of bytes, a function, an open file), and the properties of a Part.
// An attachment is a Part whose `Disposition` is "attachment" from the beginning.
// @function Attachment
// @tparam table Fields
// @treturn Part
static int attachment_call(lua_State *L) {
  nm_gc_announce(L, &nm_part_class);
  if (lua_type(L, 2) != LUA_TTABLE) {
    return luaL_error(
        L, "Attachment takes a table: Attachment{ Path = \"file\" } or Attachment{ Content = bytes, "
           "Name = \"file.txt\" }; for a path alone there is Attachment.Create(path)");
  }
  lua_settop(L, 2);
  return push_part(L, "Attachment", NM_DISPOSITION_ATTACHMENT);
}

/// Makes a part of a message from a table of its properties and one of these, which says what it is:
//
// - `Content`: bytes, a function that gives them piece by piece (`Size`: how many it will be), or an open file; `Path`: a file
// - `Text` or `Html`: UTF-8 text, written in `Charset` (default utf-8); another `ContentType` must be text/... too
// - `Message`: a MailMessage as it is now (message/rfc822, RFC 2046 5.2.1)
// - `Parts`, an array of parts, and `Multipart`: "mixed", "alternative", "related", "parallel", "digest", ... (RFC 2046 5.1)
// - `External`: a table of access parameters, for what is not sent along (message/external-body, RFC 2046 5.2.3)
//
// What a part is made of never changes; its other properties do.
// @function Part
// @tparam table Fields
// @treturn Part
static int part_call(lua_State *L) {
  nm_gc_announce(L, &nm_part_class);
  if (lua_type(L, 2) != LUA_TTABLE) {
    return luaL_error(
        L, "Part takes a table: Part{ Text = \"...\" }, Part{ Multipart = \"mixed\", Parts = { ... } }");
  }
  lua_settop(L, 2);
  return push_part(L, "Part", NM_DISPOSITION_DEFAULT);
}

void nm_open_part(lua_State *L) {
  static const luaL_Reg functions[] = {{"Create", attachment_create}, {NULL, NULL}};
  nm_class_register(L, &nm_part_class);
  nm_class_register(L, &nm_part_list_class.class);
  nm_push_class_table(L, "Attachment", functions, attachment_call);
}

void nm_push_part_table(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  nm_push_class_table(L, "Part", none, part_call);
}
