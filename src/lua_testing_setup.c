/// The options of `testing.Server`.
// @module netmail.testing

#include "lua_testing.h"

#define MESSAGES_MAX 1000000
#define BYTES_MAX (1L << 30)

static struct nm_setup *setup(void *object) {
  return &((struct nm_house *)object)->setup;
}

static int set_host(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_buf_replace(&setup(object)->address, "Host", nm_check_string(L, i, "Host"), e);
}

static int set_hostname(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_buf_replace(&setup(object)->hostname, "Hostname", nm_check_string(L, i, "Hostname"), e);
}

static int set_port(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  setup(object)->port = (int)nm_check_integer(L, i, "Port", 0, 65535);
  return 0;
}

static int set_tls(lua_State *L, void *object, int i, struct nm_error *e) {
  static const char *const words[] = {"none", "starttls", "implicit"};
  struct nm_str given = nm_check_string(L, i, "Tls");
  for (int k = 0; k < 3; k++) {
    if (nm_str_eq(given, nm_str_c(words[k]))) {
      setup(object)->tls = (enum nm_setup_tls)k;
      return 0;
    }
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "bad value for 'Tls' (\"none\", \"starttls\" or \"implicit\" expected)");
}

static int set_tls_version(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_str given = nm_check_string(L, i, "TlsVersion");
  int is_12 = nm_str_eq(given, NM_STR("1.2")), is_13 = nm_str_eq(given, NM_STR("1.3"));
  setup(object)->tls_version_max = is_12 ? 12 : 13;
  return is_12 || is_13 ? 0
                        : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                                       "bad value for 'TlsVersion' (\"1.2\" or \"1.3\" expected)");
}

static int set_certificate(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_testing_read_certificate(L, i, &setup(object)->certificate, e);
}

#define BOOLEAN(name, label, field)                                                                          \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    (void)e;                                                                                                 \
    setup(object)->field = nm_check_boolean(L, i, label);                                                    \
    return 0;                                                                                                \
  }

#define INTEGER(name, label, field, type, low, high)                                                         \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    (void)e;                                                                                                 \
    setup(object)->field = (type)nm_check_integer(L, i, label, low, high);                                   \
    return 0;                                                                                                \
  }

BOOLEAN(lmtp, "Lmtp", lmtp)
BOOLEAN(require_tls, "RequireTls", require_tls)
BOOLEAN(require_auth, "RequireAuth", require_auth)
INTEGER(iterations, "Iterations", iterations, uint32_t, 1, 10000000)
INTEGER(max_messages, "MaxMessages", max_messages, size_t, 1, MESSAGES_MAX)
INTEGER(max_bytes, "MaxBytes", max_bytes, size_t, 1024, BYTES_MAX)

static void check_table(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TTABLE) {
    nm_type_error(L, i, what, "table");
  }
}

static int check_added(const struct nm_texts *t, const char *what, struct nm_error *e) {
  return t->b.err == NM_ELIMIT
             ? nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "bad value for '%s' (too much of it)", what)
         : t->b.err != 0 ? nm_error_nomem(e)
                         : 0;
}

/* { name = secret, … } */
static int read_pairs(lua_State *L, int i, struct nm_texts *t, const char *what, struct nm_error *e) {
  check_table(L, i, what);
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    int top = lua_gettop(L);
    nm_texts_add(t, nm_check_string(L, top - 1, what));
    nm_texts_add(t, nm_check_string(L, top, what));
    lua_pop(L, 1);
  }
  return check_added(t, what, e);
}

static int read_list(lua_State *L, int i, struct nm_texts *t, const char *what, struct nm_error *e) {
  check_table(L, i, what);
  for (size_t k = 1, n = lua_rawlen(L, i); k <= n; k++) {
    lua_rawgeti(L, i, (int)k);
    nm_texts_add(t, nm_check_string(L, lua_gettop(L), what));
    lua_pop(L, 1);
  }
  return check_added(t, what, e);
}

static int set_users(lua_State *L, void *object, int i, struct nm_error *e) {
  return read_pairs(L, i, &setup(object)->users, "Users", e);
}

static int set_tokens(lua_State *L, void *object, int i, struct nm_error *e) {
  return read_pairs(L, i, &setup(object)->tokens, "Tokens", e);
}

static int set_mechanisms(lua_State *L, void *object, int i, struct nm_error *e) {
  setup(object)->has_mechanisms = 1;
  return read_list(L, i, &setup(object)->mechanisms, "Mechanisms", e);
}

static int set_extensions(lua_State *L, void *object, int i, struct nm_error *e) {
  setup(object)->has_extensions = 1;
  return read_list(L, i, &setup(object)->extensions, "Extensions", e);
}

static int set_faults(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_testing_read_faults(L, i, &((struct nm_house *)object)->faults, e);
}

static const struct nm_property properties[] = {
    {"Host", NULL, set_host},
    {"Port", NULL, set_port},
    {"Hostname", NULL, set_hostname},
    {"Tls", NULL, set_tls},
    {"TlsVersion", NULL, set_tls_version},
    {"Certificate", NULL, set_certificate},
    {"Lmtp", NULL, set_lmtp},
    {"RequireTls", NULL, set_require_tls},
    {"RequireAuth", NULL, set_require_auth},
    {"Users", NULL, set_users},
    {"Tokens", NULL, set_tokens},
    {"Mechanisms", NULL, set_mechanisms},
    {"Extensions", NULL, set_extensions},
    {"Iterations", NULL, set_iterations},
    {"MaxMessages", NULL, set_max_messages},
    {"MaxBytes", NULL, set_max_bytes},
    {"Faults", NULL, set_faults},
    {NULL, NULL, NULL},
};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

/* Never a userdata: it checks the names in the table. */
static const struct nm_class setup_class = {
    .name = "testing.Server", .properties = properties, .methods = no_methods};

int nm_testing_read_setup(lua_State *L, int i, struct nm_house *house, struct nm_error *e) {
  return nm_class_set_all(L, &setup_class, house, i, NULL, e);
}
