/// Rules by which a test server misbehaves: the `Faults` of `testing.Server` and `Server:SetFaults`.
// @module netmail.testing

#include "lua_testing.h"

/* An hour: longer than anybody waits for a test. */
#define SECONDS_MAX 3600.0
#define COUNT_MAX 0x7fffffffL

static struct nm_fault *fault(void *object) {
  return object;
}

/* ---- where and when ---- */

static int set_at(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_fault_set_at(object, nm_check_string(L, i, "At"), e);
}

static int set_text(lua_State *L, struct nm_buf *b, int i, const char *what, struct nm_error *e) {
  return nm_buf_replace(b, what, nm_check_string(L, i, what), e);
}

static int set_match(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_text(L, &fault(object)->match, i, "Match", e);
}

#define COUNT(name, label, field, low)                                                                       \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    (void)e;                                                                                                 \
    fault(object)->field = (uint64_t)nm_check_integer(L, i, label, low, COUNT_MAX);                          \
    return 0;                                                                                                \
  }

COUNT(nth, "Nth", nth, 1)
COUNT(every, "Every", every, 1)
COUNT(times, "Times", times, 1)
COUNT(connection, "Connection", connection, 1)
COUNT(after, "After", after, 0)

/* ---- what ---- */

/* true: the usual reply; false: none; a text. */
static int set_reply(lua_State *L, void *object, int i, struct nm_error *e) {
  if (lua_type(L, i) == LUA_TBOOLEAN) {
    fault(object)->say = lua_toboolean(L, i) ? NM_SAY_USUAL : NM_SAY_NOTHING;
    return 0;
  }
  if (lua_type(L, i) != LUA_TSTRING) {
    return nm_type_error(L, i, "Reply", "string or boolean");
  }
  return nm_fault_set_reply(object, nm_check_string(L, i, "Reply"), e);
}

static int set_raw(lua_State *L, void *object, int i, struct nm_error *e) {
  fault(object)->say = NM_SAY_TEXT;
  return set_text(L, &fault(object)->reply, i, "Raw", e);
}

static int set_inject(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_text(L, &fault(object)->inject, i, "Inject", e);
}

static int64_t check_seconds(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TNUMBER) {
    nm_type_error(L, i, what, "number");
  }
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= 0 && n <= SECONDS_MAX)) { /* false for NaN too */
    luaL_error(L, "bad value for '%s' (seconds from 0 to %d expected)", what, (int)SECONDS_MAX);
  }
  int64_t ms = (int64_t)(n * 1000);
  return ms + ((lua_Number)ms < n * 1000); /* something is not nothing */
}

static int set_delay(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  fault(object)->delay = check_seconds(L, i, "Delay");
  return 0;
}

static int set_drip(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  fault(object)->drip = check_seconds(L, i, "Drip");
  return 0;
}

/* One of some words, or true for the first. Returns its place. */
static int check_word(lua_State *L, int i, const char *what, const char *const *words, struct nm_error *e) {
  if (lua_type(L, i) == LUA_TBOOLEAN && lua_toboolean(L, i)) {
    return 0;
  }
  struct nm_str given = nm_check_string(L, i, what);
  for (int k = 0; words[k] != NULL; k++) {
    if (nm_str_eq(given, nm_str_c(words[k]))) {
      return k;
    }
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "bad value for '%s' (\"%s\", \"%s\" or the like expected, got \"%.*s\")", what,
                      words[0], words[1], (int)(given.n < 40 ? given.n : 40), given.p);
}

static int set_drop(lua_State *L, void *object, int i, struct nm_error *e) {
  static const char *const words[] = {"close", "cut", "reset", NULL};
  static const enum nm_end ends[] = {NM_END_CLOSE, NM_END_CUT, NM_END_RESET};
  int k = check_word(L, i, "Drop", words, e);
  fault(object)->end = k >= 0 ? ends[k] : NM_END_NONE;
  return k < 0 ? k : 0;
}

static int set_endless(lua_State *L, void *object, int i, struct nm_error *e) {
  static const char *const words[] = {"line", "lines", NULL};
  int k = check_word(L, i, "Endless", words, e);
  fault(object)->endless = k == 1 ? NM_ENDLESS_LINES : NM_ENDLESS_LINE;
  return k < 0 ? k : 0;
}

static int set_silent(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  fault(object)->silent = nm_check_boolean(L, i, "Silent");
  return 0;
}

static int set_stall(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  fault(object)->stall = nm_check_boolean(L, i, "Stall");
  return 0;
}

int nm_testing_read_certificate(lua_State *L, int i, enum nm_tls_certificate *out, struct nm_error *e) {
  static const char *const words[] = {"good", "expired", "wrong-name", "self-signed", NULL};
  int k = check_word(L, i, "Certificate", words, e);
  *out = k >= 0 ? (enum nm_tls_certificate)k : NM_TLS_CERT_GOOD;
  return k < 0 ? k : 0;
}

static int set_certificate(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_testing_read_certificate(L, i, &fault(object)->certificate, e);
}

/* ---- a rule ---- */

static const struct nm_property properties[] = {
    {"At", NULL, set_at},
    {"Match", NULL, set_match},
    {"Nth", NULL, set_nth},
    {"Every", NULL, set_every},
    {"Times", NULL, set_times},
    {"Connection", NULL, set_connection},
    {"After", NULL, set_after},
    {"Reply", NULL, set_reply},
    {"Raw", NULL, set_raw},
    {"Inject", NULL, set_inject},
    {"Delay", NULL, set_delay},
    {"Drip", NULL, set_drip},
    {"Drop", NULL, set_drop},
    {"Endless", NULL, set_endless},
    {"Silent", NULL, set_silent},
    {"Stall", NULL, set_stall},
    {"Certificate", NULL, set_certificate},
    {NULL, NULL, NULL},
};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

/* Never a userdata: it checks the names in the table, and says which was meant. */
static const struct nm_class fault_class = {
    .name = "a fault", .properties = properties, .methods = no_methods, .takes_octets = 1};

static int is(const struct nm_fault *f, const char *place) {
  return nm_str_eq(nm_buf_str(&f->at), nm_str_c(place));
}

static int check_rule(lua_State *L, int i, struct nm_fault *f, struct nm_error *e) {
  int has_reply = nm_has_field(L, i, "Reply"), has_raw = nm_has_field(L, i, "Raw");
  if (f->at.n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "a fault needs At: the place where it happens");
  }
  if (has_reply && has_raw) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "a fault has either Reply or Raw");
  }
  if (nm_has_field(L, i, "After") && !is(f, "CONTENT")) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "After counts the octets of the content: it goes with At = \"CONTENT\"");
  }
  if (nm_has_field(L, i, "Certificate") && !is(f, "TLS")) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "Certificate goes with At = \"TLS\"");
  }
  if (f->end != NM_END_NONE && !has_reply && !has_raw) {
    f->say = NM_SAY_NOTHING;
  }
  return 0;
}

int nm_testing_read_faults(lua_State *L, int i, struct nm_faults *faults, struct nm_error *e) {
  if (lua_type(L, i) != LUA_TTABLE) {
    return nm_type_error(L, i, "Faults", "table");
  }
  size_t n = lua_rawlen(L, i);
  if (n == 0 && (lua_pushnil(L), lua_next(L, i) != 0)) {
    lua_pop(L, 2);
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "Faults is a list of faults: { { At = …, … }, … }");
  }
  for (size_t k = 1; k <= n; k++) {
    lua_rawgeti(L, i, (int)k);
    int at = lua_gettop(L);
    if (lua_type(L, at) != LUA_TTABLE) {
      return nm_type_error(L, at, "Faults", "table of tables");
    }
    struct nm_fault *f = nm_faults_add(faults);
    if (f == NULL) {
      return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "no room for %zu faults", n);
    }
    int err = nm_class_set_all(L, &fault_class, f, at, NULL, e);
    err = err < 0 ? err : check_rule(L, at, f, e);
    if (err < 0) {
      return err;
    }
    lua_settop(L, at - 1);
  }
  return 0;
}
