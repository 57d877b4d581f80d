/// Mail addresses.
// @module netmail

#include "lua_addr.h"

#include "base/chars.h"

/* ---- MailAddress ---- */

static void *ref_addr(void *a) {
  return nm_addr_ref(a);
}

static void unref_addr(void *a) {
  struct nm_addr *addr = a;
  nm_addr_unref(&addr);
}

void nm_push_addr(lua_State *L, struct nm_addr *a) {
  nm_class_push(L, &nm_addr_class, a);
}

int nm_to_addr_in(lua_State *L, int i, const char *what, struct nm_block *room, struct nm_addr **out,
                  struct nm_error *e) {
  struct nm_addr *a = nm_class_test(L, &nm_addr_class, i);
  if (a != NULL) {
    *out = nm_addr_ref(a);
    return 0;
  }
  if (lua_type(L, i) != LUA_TSTRING) {
    return nm_type_error(L, i, what, "MailAddress or string");
  }
  return nm_addr_parse_in(room, nm_check_string(L, i, what), out, e);
}

int nm_to_addr(lua_State *L, int i, const char *what, struct nm_addr **out, struct nm_error *e) {
  return nm_to_addr_in(L, i, what, NULL, out, e);
}

static int get_address(lua_State *L, void *object) {
  nm_push_str(L, ((struct nm_addr *)object)->address);
  return 1;
}

/* What stands in the envelope and in the header; nil when that cannot be ASCII. */
static int get_ascii_address(lua_State *L, void *object) {
  const struct nm_addr *a = object;
  if (nm_addr_is_utf8(a)) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, a->spec);
  }
  return 1;
}

/* In lower case, so that it can be compared with a list of domains. */
static int get_ascii_host(lua_State *L, void *object) {
  struct nm_str domain = ((struct nm_addr *)object)->domain;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < domain.n; i++) {
    luaL_addchar(&b, nm_lower(domain.p[i]));
  }
  luaL_pushresult(&b);
  return 1;
}

static int get_display_name(lua_State *L, void *object) {
  nm_push_str(L, ((struct nm_addr *)object)->name);
  return 1;
}

static int get_host(lua_State *L, void *object) {
  nm_push_str(L, ((struct nm_addr *)object)->host);
  return 1;
}

static int get_user(lua_State *L, void *object) {
  nm_push_str(L, ((struct nm_addr *)object)->local);
  return 1;
}

static const struct nm_property addr_properties[] = {
    {"Address", get_address, NULL},
    {"AsciiAddress", get_ascii_address, NULL},
    {"AsciiHost", get_ascii_host, NULL},
    {"DisplayName", get_display_name, NULL},
    {"Host", get_host, NULL},
    {"User", get_user, NULL},
    {NULL, NULL, NULL},
};

void nm_addr_print(luaL_Buffer *b, const struct nm_addr *a) {
  if (a->name.n == 0) {
    luaL_addlstring(b, a->address.p, a->address.n);
    return;
  }
  luaL_addchar(b, '"');
  for (size_t i = 0; i < a->name.n; i++) {
    if (a->name.p[i] == '"' || a->name.p[i] == '\\') {
      luaL_addchar(b, '\\');
    }
    luaL_addchar(b, a->name.p[i]);
  }
  luaL_addlstring(b, "\" <", 3);
  luaL_addlstring(b, a->address.p, a->address.n);
  luaL_addchar(b, '>');
}

static int addr_to_string(lua_State *L, void *object) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  nm_addr_print(&b, object);
  luaL_pushresult(&b);
  return 1;
}

static int addr_m_to_string(lua_State *L) {
  return addr_to_string(L, nm_class_self(L, &nm_addr_class, "ToString"));
}

static const luaL_Reg addr_methods[] = {{"ToString", addr_m_to_string}, {NULL, NULL}};

const struct nm_class nm_addr_class = {
    .name = "MailAddress",
    .weight = 192,
    .registry = "netmail.MailAddress",
    .properties = addr_properties,
    .methods = addr_methods,
    .ref = ref_addr,
    .unref = unref_addr,
    .to_string = addr_to_string,
};

/* Pushes the box of a, of which the caller gives its reference away. */
static int push_new(lua_State *L, void **box, struct nm_addr *a) {
  *box = a;
  nm_class_know_box(L, a);
  return 1;
}

/* ---- how a text is to be read ---- */

static int set_lenient(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  *(int *)object = nm_check_boolean(L, i, "Lenient");
  return 0;
}

/* The options of Parse and its like, in the manner of a class, so that an unknown one is named. */
static int check_lenient(lua_State *L, int i) {
  static const struct nm_property properties[] = {{"Lenient", NULL, set_lenient}, {NULL, NULL, NULL}};
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const struct nm_class options = {
      .name = "the table of options", .properties = properties, .methods = methods};
  struct nm_error e = {0};
  int is_lenient = 0;
  if (lua_isnoneornil(L, i)) {
    return 0;
  }
  if (lua_type(L, i) != LUA_TTABLE) {
    nm_type_error(L, i, "options", "table");
  }
  nm_class_set_all(L, &options, &is_lenient, i, NULL, &e);
  return is_lenient;
}

/* Text and options are arguments 1 and 2. is_raised: bad content raises, else it is returned. */
static int parse(lua_State *L, int is_raised) {
  struct nm_str text = nm_check_string(L, 1, "Text");
  int is_lenient = check_lenient(L, 2);
  void **box = nm_class_new_box(L, &nm_addr_class);
  struct nm_error e = {0};
  struct nm_addr *a = NULL;
  int err = is_lenient ? nm_addr_parse_lenient(text, &a, &e) : nm_addr_parse(text, &a, &e);
  if (err < 0) {
    return is_raised ? nm_raise(L, &e) : nm_push_failure(L, &e, NULL);
  }
  return push_new(L, box, a);
}

static int parse_list(lua_State *L, int is_raised) {
  struct nm_str text = nm_check_string(L, 1, "Text");
  int is_lenient = check_lenient(L, 2);
  struct nm_list *list = nm_new_list(L, &nm_addr_list_class);
  struct nm_error e = {0};
  int err = is_lenient ? nm_addr_parse_list_lenient(text, list, &e) : nm_addr_parse_list(text, list, &e);
  if (err < 0) {
    return is_raised ? nm_raise(L, &e) : nm_push_failure(L, &e, NULL);
  }
  nm_class_know_box(L, list);
  return 1;
}

/// Makes an address from `addr` or `Name <addr>`.
// Raises when the text is not exactly one mailbox (RFC 5322 3.4, RFC 6532), or has CR, LF or NUL in it.
//
// `Address` is the address as it is shown, an international domain in its U-labels (`a@пример.рф`); `AsciiAddress` is what
// stands in envelope and header, with A-labels (`a@xn--e1afmkfd.xn--p1ai`), and nil when the local part is not ASCII: such a
// mailbox needs a server with SMTPUTF8. `Host` is the domain as it is shown, `AsciiHost` the same in ASCII and lower case:
// what to compare with a list of allowed domains. `User` is the local part without quotes.
// @function MailAddress.Create
// @string Address the text, UTF-8
// @treturn MailAddress
static int addr_create(lua_State *L) {
  nm_gc_announce(L, &nm_addr_class);
  struct nm_str text = nm_check_string(L, 1, "Address");
  void **box = nm_class_new_box(L, &nm_addr_class);
  struct nm_error e = {0};
  struct nm_addr *a = NULL;
  return nm_addr_parse(text, &a, &e) < 0 ? nm_raise(L, &e) : push_new(L, box, a);
}

/// Makes an address from an addr-spec and a display name.
// @function MailAddress.CreateWithName
// @string Address `user@domain`, nothing more
// @string DisplayName any UTF-8 text without control characters
// @treturn MailAddress
static int addr_create_with_name(lua_State *L) {
  nm_gc_announce(L, &nm_addr_class);
  struct nm_str spec = nm_check_string(L, 1, "Address");
  struct nm_str name = nm_opt_string(L, 2, "DisplayName");
  void **box = nm_class_new_box(L, &nm_addr_class);
  struct nm_error e = {0};
  struct nm_addr *a = NULL;
  return nm_addr_make(spec, name, &a, &e) < 0 ? nm_raise(L, &e) : push_new(L, box, a);
}

/// As Create, with a choice of how to read.
// @function MailAddress.Parse
// @string Text
// @tparam[opt] table options `Lenient` (boolean, default false): take what header fields of others have (RFC 5322 3.2.2 and 4):
//   comments, folds, white space around "." and "@", a local part quoted in part, source routes, and in lists commas with nothing
//   between them. Comments and routes are left out, and never become part of an address or a name
// @treturn MailAddress
static int addr_parse(lua_State *L) {
  return parse(L, 1);
}

/// As Parse, for data from strangers: never raises for bad content.
// @function MailAddress.TryParse
// @string Text
// @tparam[opt] table options as for Parse
// @treturn[1] MailAddress
// @treturn[2] nil
// @treturn[2] string what is wrong with it
// @treturn[2] table detail, `Kind` "message"
static int addr_try_parse(lua_State *L) {
  nm_gc_announce(L, &nm_addr_class);
  return parse(L, 0);
}

/// The mailboxes of a text: several with commas between them, groups (`Name: a@x, b@y;`) as their members.
// @function MailAddress.ParseList
// @string Text
// @tparam[opt] table options as for Parse
// @treturn MailAddressCollection a new one; empty when the text has nothing but empty groups
static int addr_parse_list(lua_State *L) {
  return parse_list(L, 1);
}

/// As ParseList, for data from strangers: never raises for bad content.
// @function MailAddress.TryParseList
// @string Text
// @tparam[opt] table options as for Parse
// @treturn[1] MailAddressCollection
// @treturn[2] nil
// @treturn[2] string what is wrong with it
// @treturn[2] table detail, `Kind` "message"
static int addr_try_parse_list(lua_State *L) {
  nm_gc_announce(L, &nm_addr_class);
  return parse_list(L, 0);
}

/* MailAddress("text") and MailAddress("addr", "Name"). The class table is argument 1. */
static int addr_call(lua_State *L) {
  lua_settop(L, 3);
  lua_remove(L, 1);
  return lua_isnoneornil(L, 2) ? addr_create(L) : addr_create_with_name(L);
}

void nm_open_addr(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"Create", addr_create},
      {"CreateWithName", addr_create_with_name},
      {"Parse", addr_parse},
      {"TryParse", addr_try_parse},
      {"ParseList", addr_parse_list},
      {"TryParseList", addr_try_parse_list},
      {NULL, NULL},
  };
  nm_class_register(L, &nm_addr_class);
  nm_class_register(L, &nm_addr_list_class.class);
  nm_push_class_table(L, "MailAddress", functions, addr_call);
}
