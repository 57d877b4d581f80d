#include "lua_util.h"

#include <limits.h>
#include <stdint.h>

#define OBJECTS "netmail.objects"
#define SCRATCH "netmail.scratch"
#define DETAIL "netmail.detail"

/* ---- the table of boxes: object address -> box, weak values ---- */

static void push_objects(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, OBJECTS);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, OBJECTS);
  }
}

void nm_class_know_box(lua_State *L, void *object) {
  push_objects(L);
  lua_pushlightuserdata(L, object);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static void gc_pressure(lua_State *L, size_t bytes) {
  /* Enough to be worth a step of the collector, and not so much that a loop could pile up what it drops. */
  static const size_t enough = (size_t)128 << 10;
  static const char key = 0;
  lua_pushlightuserdata(L, (void *)(uintptr_t)&key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  size_t *sum = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (sum == NULL) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)&key);
    sum = lua_newuserdata(L, sizeof *sum);
    *sum = 0;
    lua_rawset(L, LUA_REGISTRYINDEX);
  }
  *sum = bytes < SIZE_MAX - *sum ? *sum + bytes : SIZE_MAX;
  if (*sum >= enough) {
    size_t kb = *sum / 1024;
    *sum = 0;
    lua_gc(L, LUA_GCSTEP, kb < INT_MAX / 1024 ? (int)kb : INT_MAX / 1024);
  }
}

/* Length of the string at i, else 0. */
static size_t string_length(lua_State *L, int i) {
  return lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) : 0;
}

void nm_gc_announce(lua_State *L, const struct nm_class *c) {
  size_t bytes = c->weight;
  for (int i = lua_gettop(L); i > 0; i--) {
    bytes += string_length(L, i);
    if (lua_type(L, i) == LUA_TTABLE) {
      lua_pushnil(L);
      while (lua_next(L, i) != 0) {
        bytes += string_length(L, -1);
        lua_pop(L, 1);
      }
    }
  }
  gc_pressure(L, bytes);
}

void **nm_class_new_box(lua_State *L, const struct nm_class *c) {
  void **box = lua_newuserdata(L, sizeof *box);
  *box = NULL;
  luaL_setmetatable(L, c->registry);
  return box;
}

void nm_class_push(lua_State *L, const struct nm_class *c, void *object, void *(*ref)(void *)) {
  if (object == NULL) {
    lua_pushnil(L);
    return;
  }
  push_objects(L);
  lua_pushlightuserdata(L, object);
  if (nm_lua_rawget(L, -2) == LUA_TUSERDATA && *(void **)lua_touserdata(L, -1) != NULL) {
    lua_remove(L, -2);
    return;
  } /* one that is emptied was finalized, and lives on only because the state is closing */
  lua_pop(L, 2);
  void **box = nm_class_new_box(L, c);
  *box = ref(object);
  nm_class_know_box(L, object);
}

void *nm_class_test(lua_State *L, const struct nm_class *c, int i) {
  void **box = luaL_testudata(L, i, c->registry);
  return box != NULL ? *box : NULL;
}

void *nm_class_check(lua_State *L, const struct nm_class *c, int n) {
  void *object = nm_class_test(L, c, n);
  if (object == NULL) {
    luaL_argerror(L, n, lua_pushfstring(L, "%s expected, got %s", c->name, luaL_typename(L, n)));
  }
  return object;
}

void *nm_class_self(lua_State *L, const struct nm_class *c, const char *method) {
  void *object = nm_class_test(L, c, 1);
  if (object == NULL) {
    luaL_error(L, "%s.%s was called with a dot or on a wrong object: write object:%s(...) with a colon",
               c->name, method, method);
  }
  return object;
}

/* ---- members ---- */

const struct nm_property *nm_class_property(const struct nm_class *c, struct nm_str name) {
  for (const struct nm_property *p = c->properties; p->name != NULL; p++) {
    if (nm_str_eq(nm_str_c(p->name), name)) {
      return p;
    }
  }
  return NULL;
}

/* A member that differs only in case: people write subject, or Cc for CC. */
static const char *similar_member(const struct nm_class *c, struct nm_str name) {
  for (const struct nm_property *p = c->properties; p->name != NULL; p++) {
    if (nm_str_ieq(nm_str_c(p->name), name)) {
      return p->name;
    }
  }
  for (const luaL_Reg *m = c->methods; m->name != NULL; m++) {
    if (nm_str_ieq(nm_str_c(m->name), name)) {
      return m->name;
    }
  }
  return NULL;
}

static int no_member(lua_State *L, const struct nm_class *c, int key) {
  if (lua_type(L, key) != LUA_TSTRING) {
    return luaL_error(L, "%s has no member with a %s as its name", c->name, luaL_typename(L, key));
  }
  struct nm_str name;
  name.p = lua_tolstring(L, key, &name.n);
  const char *similar = similar_member(c, name);
  if (similar != NULL) {
    return luaL_error(L, "%s has no property '%s'; did you mean '%s'?", c->name, name.p, similar);
  }
  return luaL_error(L, "%s has no property '%s'", c->name, name.p);
}

static const struct nm_class *class_upvalue(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static void *receiver(lua_State *L, const struct nm_class *c) {
  void *object = nm_class_test(L, c, 1);
  if (object == NULL) {
    luaL_error(L, "%s expected, got %s", c->name, luaL_typename(L, 1));
  }
  return object;
}

/* Upvalues: the class, the table of methods. */
static int meta_index(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  void *object = receiver(L, c);
  if (lua_type(L, 2) == LUA_TNUMBER && c->item != NULL) {
    return c->item(L, object, lua_tonumber(L, 2));
  }
  if (lua_type(L, 2) == LUA_TSTRING) {
    struct nm_str name;
    name.p = lua_tolstring(L, 2, &name.n);
    const struct nm_property *p = nm_class_property(c, name);
    if (p != NULL) {
      return p->get(L, object);
    }
    lua_pushvalue(L, 2);
    if (nm_lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) {
      return 1;
    }
  }
  return c->get_other != NULL ? c->get_other(L, object) : no_member(L, c, 2);
}

static int meta_newindex(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  gc_pressure(L, string_length(L, 3)); /* before the receiver is looked at: see nm_gc_announce */
  void *object = receiver(L, c);
  if (c->set_other != NULL) {
    return c->set_other(L, object);
  }
  const struct nm_property *p = NULL;
  if (lua_type(L, 2) == LUA_TSTRING) {
    struct nm_str name;
    name.p = lua_tolstring(L, 2, &name.n);
    p = nm_class_property(c, name);
  }
  if (p == NULL) {
    return no_member(L, c, 2);
  }
  if (p->set == NULL) {
    return luaL_error(L, "property '%s' of %s is read only", p->name, c->name);
  }
  struct nm_error e = {0};
  return p->set(L, object, 3, &e) < 0 ? nm_raise(L, &e) : 0;
}

#if LUA_VERSION_NUM < 502
/* Lua 5.1 and LuaJIT collect even while they close a state, when every object is finalized whether it is in use or not: a method that
   some other finalizer has called allocates, and its own self is taken from under it. Such a box is left alone: the state ends
   here. The method stands near the top of the stack; deeper ones have nothing to do with this step of the collector. */
static int is_in_use(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; level <= 16 && lua_getstack(L, level, &ar); level++) {
    int is_c = lua_getinfo(L, "S", &ar) != 0 && ar.what[0] == 'C';
    for (int n = 1; is_c && n <= 16 && lua_getlocal(L, &ar, n) != NULL; n++) {
      int same = lua_rawequal(L, 1, -1);
      lua_pop(L, 1);
      if (same) {
        return 1;
      }
    }
  }
  return 0;
}
#else
/* Later ones do not collect within a finalizer. */
static int is_in_use(lua_State *L) {
  (void)L;
  return 0;
}
#endif

static int meta_gc(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  void **box = luaL_testudata(L, 1, c->registry);
  if (box != NULL && *box != NULL && !is_in_use(L)) {
    void *object = *box;
    *box = NULL;
    c->unref(object);
  }
  return 0;
}

static int meta_close(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  void *object = nm_class_test(L, c, 1);
  if (object != NULL && c->close != NULL) {
    c->close(object);
  }
  return 0;
}

static int meta_tostring(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  void *object = nm_class_test(L, c, 1);
  if (object == NULL) {
    lua_pushfstring(L, "%s (closed)", c->name);
    return 1;
  }
  return c->to_string(L, object);
}

static int meta_len(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  lua_pushinteger(L, c->length(receiver(L, c)));
  return 1;
}

static void set_meta(lua_State *L, const struct nm_class *c, const char *name, lua_CFunction f) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, name);
}

void nm_class_register(lua_State *L, const struct nm_class *c) {
  luaL_getmetatable(L, c->registry);
  int is_known = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (is_known) {
    return;
  }
  /* Into the registry only when it is complete: memory may run out in between, and require may be called again. */
  lua_newtable(L);
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  lua_newtable(L);
  for (const luaL_Reg *m = c->methods; m->name != NULL; m++) {
    set_meta(L, c, m->name, m->func);
  }
  lua_pushcclosure(L, meta_index, 2);
  lua_setfield(L, -2, "__index");
  set_meta(L, c, "__newindex", meta_newindex);
  set_meta(L, c, "__gc", meta_gc);
  set_meta(L, c, "__close", meta_close);
  set_meta(L, c, "__tostring", meta_tostring);
  if (c->length != NULL) {
    set_meta(L, c, "__len", meta_len);
  }
  if (c->call != NULL) {
    lua_pushcfunction(L, c->call);
    lua_setfield(L, -2, "__call");
  }
  lua_pushstring(L, c->registry);
  lua_setfield(L, -2, "__name");
  lua_pushstring(L, c->registry); /* what getmetatable gives: nobody reaches __gc by hand */
  lua_setfield(L, -2, "__metatable");
  lua_setfield(L, LUA_REGISTRYINDEX, c->registry);
}

/* A metatable of one function, in the registry once it is complete. */
static void push_metatable(lua_State *L, const char *name, const char *event, lua_CFunction f) {
  luaL_getmetatable(L, name);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushcfunction(L, f);
    lua_setfield(L, -2, event);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
  }
}

/* ---- tables of functions ---- */

static int no_function(lua_State *L) {
  return luaL_error(L, "netmail.%s has no member '%s'", lua_tostring(L, lua_upvalueindex(1)),
                    lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
}

void nm_push_class_table(lua_State *L, const char *name, const luaL_Reg *functions, lua_CFunction call) {
  lua_newtable(L);
  for (const luaL_Reg *f = functions; f->name != NULL; f++) {
    lua_pushcfunction(L, f->func);
    lua_setfield(L, -2, f->name);
  }
  lua_newtable(L);
  if (call != NULL) {
    lua_pushcfunction(L, call);
    lua_setfield(L, -2, "__call");
  }
  lua_pushstring(L, name);
  lua_pushcclosure(L, no_function, 1);
  lua_setfield(L, -2, "__index");
  lua_pushfstring(L, "netmail.%s", name);
  lua_setfield(L, -2, "__metatable"); /* __call counts on the class as its first argument */
  lua_setmetatable(L, -2);
}

/* ---- a table of options ---- */

int nm_has_field(lua_State *L, int i, const char *name) {
  lua_pushstring(L, name);
  int has = nm_lua_rawget(L, i) != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

static int is_extra(const char *const *extra, struct nm_str name) {
  for (; extra != NULL && *extra != NULL; extra++) {
    if (nm_str_eq(nm_str_c(*extra), name)) {
      return 1;
    }
  }
  return 0;
}

static void check_keys(lua_State *L, const struct nm_class *c, int i, const char *const *extra) {
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
      luaL_error(L, "%s takes one table of named values; found a %s as a key", c->name, luaL_typename(L, -1));
    }
    struct nm_str name;
    name.p = lua_tolstring(L, -1, &name.n);
    const struct nm_property *p = nm_class_property(c, name);
    if (p == NULL && !is_extra(extra, name)) {
      no_member(L, c, lua_gettop(L));
    }
    if (p != NULL && p->set == NULL && !is_extra(extra, name)) {
      luaL_error(L, "property '%s' of %s is read only", p->name, c->name);
    }
  }
}

/* Two names of one property: one of the values would be lost. */
static void check_aliases(lua_State *L, const struct nm_class *c, int i) {
  for (const struct nm_property *p = c->properties; p->name != NULL; p++) {
    for (const struct nm_property *q = p + 1; q->name != NULL; q++) {
      if (p->set != NULL && p->set == q->set && nm_has_field(L, i, p->name) && nm_has_field(L, i, q->name)) {
        luaL_error(L, "%s: %s and %s are the same; give one of them", c->name, p->name, q->name);
      }
    }
  }
}

int nm_class_set_all(lua_State *L, const struct nm_class *c, void *object, int i, const char *const *extra,
                     struct nm_error *e) {
  i = lua_absindex(L, i);
  check_keys(L, c, i, extra);
  check_aliases(L, c, i);
  int top = lua_gettop(L);
  for (const struct nm_property *p = c->properties; p->name != NULL; p++) {
    lua_pushstring(L, p->name);
    if (p->set != NULL && nm_lua_rawget(L, i) != LUA_TNIL) {
      int err = p->set(L, object, lua_gettop(L), e);
      if (err < 0) {
        return err;
      }
    }
    lua_settop(L, top); /* a setter may leave scratch values behind */
  }
  return 0;
}

/* ---- scratch ---- */

struct scratch {
  void (*release)(void *);
  _Alignas(int64_t) unsigned char memory[]; /* Lua aligns a userdata for its own types: 8, not 16 */
};

static int scratch_gc(lua_State *L) {
  nm_scratch_release(L, 1);
  return 0;
}

void *nm_scratch(lua_State *L, size_t n, void (*release)(void *memory)) {
  struct scratch *s = lua_newuserdata(L, sizeof *s + n);
  memset(s, 0, sizeof *s + n);
  push_metatable(L, SCRATCH, "__gc", scratch_gc);
  lua_setmetatable(L, -2);
  s->release = release;
  return s->memory;
}

void nm_scratch_release(lua_State *L, int i) {
  struct scratch *s = luaL_testudata(L, i, SCRATCH);
  if (s != NULL && s->release != NULL) {
    void (*release)(void *) = s->release;
    s->release = NULL;
    release(s->memory);
  }
}

/* ---- failures ---- */

static int detail_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushliteral(L, "Message");
  lua_rawget(L, 1);
  return 1;
}

void nm_set_detail_metatable(lua_State *L) {
  push_metatable(L, DETAIL, "__tostring", detail_tostring);
  lua_setmetatable(L, -2);
}

int nm_push_failure(lua_State *L, const struct nm_error *e, const char *outcome) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "Message");
  lua_pushstring(L, nm_kind_name(e->kind));
  lua_setfield(L, -2, "Kind");
  if (outcome != NULL) {
    lua_pushstring(L, outcome);
    lua_setfield(L, -2, "Outcome");
  }
  nm_set_detail_metatable(L);
  return 3;
}

int nm_raise(lua_State *L, const struct nm_error *e) {
  return luaL_error(L, "%s", e->text);
}

/* ---- values ---- */

int nm_type_error(lua_State *L, int i, const char *what, const char *expected) {
  const char *got = lua_isnoneornil(L, i) ? "nothing" : luaL_typename(L, i);
  if (luaL_getmetafield(L, i, "__name") && lua_type(L, -1) == LUA_TSTRING) {
    got = lua_tostring(L, -1);
  }
  return luaL_error(L, "bad value for '%s' (%s expected, got %s)", what, expected, got);
}

struct nm_str nm_check_string(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TSTRING) { /* lua_tolstring would turn a number into a string in place */
    nm_type_error(L, i, what, "string");
  }
  struct nm_str s;
  s.p = lua_tolstring(L, i, &s.n);
  return s;
}

struct nm_str nm_opt_string(lua_State *L, int i, const char *what) {
  return lua_isnoneornil(L, i) ? nm_str(NULL, 0) : nm_check_string(L, i, what);
}

int nm_check_boolean(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TBOOLEAN) {
    nm_type_error(L, i, what, "boolean");
  }
  return lua_toboolean(L, i);
}

long nm_check_integer(lua_State *L, int i, const char *what, long low, long high) {
  if (lua_type(L, i) != LUA_TNUMBER) {
    nm_type_error(L, i, what, "number");
  }
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= (lua_Number)low && n <= (lua_Number)high)) { /* false for NaN too */
    luaL_error(L, "bad value for '%s' (a whole number from %d to %d expected)", what, (int)low, (int)high);
  }
  long v = (long)n;
  if ((lua_Number)v != n) {
    luaL_error(L, "bad value for '%s' (a whole number expected, got a fraction)", what);
  }
  return v;
}

void nm_push_str(lua_State *L, struct nm_str s) {
  lua_pushlstring(L, s.n > 0 ? s.p : "", s.n);
}

void nm_set_field_str(lua_State *L, const char *key, struct nm_str s) {
  nm_push_str(L, s);
  lua_setfield(L, -2, key);
}
