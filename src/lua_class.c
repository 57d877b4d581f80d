#include "lua_util.h"

#include <stdint.h>

/* What a metatable has at 1: its class. Nothing of Lua's own can be the same, and it is found without a name. */
#define CLASS 1
/* And at 2: the members. */
#define MEMBERS 2

const struct nm_class *nm_class_of(lua_State *L, int i) {
  if (lua_touserdata(L, i) == NULL || !lua_getmetatable(L, i)) {
    return NULL;
  }
  lua_rawgeti(L, -1, CLASS);
  const struct nm_class *c = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return c;
}

void nm_class_push_metatable(lua_State *L, const struct nm_class *c) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, c);
}

/* ---- members ---- */

static int is_named(const char *name, struct nm_str s) {
  size_t k = 0;
  while (k < s.n && name[k] != '\0' && name[k] == s.p[k]) {
    k++;
  }
  return k == s.n && name[k] == '\0';
}

const struct nm_property *nm_class_property(const struct nm_class *c, struct nm_str name) {
  for (const struct nm_property *p = c->properties; p->name != NULL && name.n > 0; p++) {
    if (p->name[0] == name.p[0] && is_named(p->name, name)) {
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

int nm_class_no_member(lua_State *L, const struct nm_class *c, int key) {
  if (lua_type(L, key) != LUA_TSTRING) {
    return luaL_error(L, "%s has no member with a %s as its name", c->name, luaL_typename(L, key));
  }
  struct nm_str name;
  name.p = lua_tolstring(L, key, &name.n);
  const char *similar = similar_member(c, name);
  if (similar != NULL) {
    return luaL_error(L, "%s has no property '%s'; did you mean '%s'?", c->name, nm_push_shown(L, name),
                      similar);
  }
  const char *instead = c->instead != NULL ? c->instead(name) : NULL;
  return luaL_error(L, "%s has no property '%s'%s%s", c->name, nm_push_shown(L, name),
                    instead != NULL ? ": " : "", instead != NULL ? instead : "");
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

/* The property that the key at index 2 names, or NULL; leaves a method of that name, or what else there is, on the stack. */
static const struct nm_property *find_member(lua_State *L) {
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(MEMBERS));
  return lua_touserdata(L, -1);
}

/* Upvalues, here and below: the class, its members. */
static int meta_index(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  void *object = receiver(L, c);
  if (lua_type(L, 2) == LUA_TNUMBER && c->item != NULL) {
    return c->item(L, c, object, lua_tonumber(L, 2));
  }
  const struct nm_property *p = find_member(L);
  if (p == NULL && !lua_isnil(L, -1)) {
    return 1;
  }
  lua_settop(L, 2);
  if (p != NULL) {
    return p->get(L, object);
  }
  return c->get_other != NULL ? c->get_other(L, object) : nm_class_no_member(L, c, 2);
}

static int meta_newindex(lua_State *L) {
  const struct nm_class *c = class_upvalue(L);
  nm_gc_pressure(L, nm_value_weight(L, 3)); /* before the receiver is looked at: see nm_gc_announce */
  void *object = receiver(L, c);
  if (c->set_other != NULL) {
    return c->set_other(L, object);
  }
  const struct nm_property *p = find_member(L);
  if (p == NULL) {
    return nm_class_no_member(L, c, 2);
  }
  if (p->set == NULL) {
    return luaL_error(L, "property '%s' of %s is read only", p->name, c->name);
  }
  lua_settop(L, 3);
  struct nm_error e = {0};
  return nm_class_assign(L, c, p, object, 3, &e) < 0 ? nm_raise(L, &e) : 0;
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
  void **box = nm_class_of(L, 1) == c ? lua_touserdata(L, 1) : NULL;
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

/* Properties as their addresses, methods as functions. */
static void push_members(lua_State *L, const struct nm_class *c) {
  lua_newtable(L);
  for (const luaL_Reg *m = c->methods; m->name != NULL; m++) {
    set_meta(L, c, m->name, m->func);
  }
  for (const struct nm_property *p = c->properties; p->name != NULL; p++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)p);
    lua_setfield(L, -2, p->name);
  }
}

/* The metatable and the members are on the top of the stack. */
static void set_access(lua_State *L, const struct nm_class *c, const char *event, lua_CFunction f) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, f, 2);
  lua_setfield(L, -3, event);
}

static void set_string(lua_State *L, const char *event, const char *s) {
  lua_pushstring(L, s);
  lua_setfield(L, -2, event);
}

void nm_class_register(lua_State *L, const struct nm_class *c) {
  nm_class_push_metatable(L, c);
  int is_known = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (is_known) {
    return;
  }
  /* Into the registry only when it is complete: memory may run out in between, and require may be called again. */
  lua_newtable(L);
  push_members(L, c);
  set_access(L, c, "__index", meta_index);
  set_access(L, c, "__newindex", meta_newindex);
  lua_rawseti(L, -2, MEMBERS);
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  lua_rawseti(L, -2, CLASS);
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
  set_string(L, "__name", c->registry);
  set_string(L, "__metatable", c->registry); /* what getmetatable gives: nobody reaches __gc by hand */
  lua_rawsetp(L, LUA_REGISTRYINDEX, c);
}

void nm_class_push_members(lua_State *L, const struct nm_class *c) {
  nm_class_push_metatable(L, c);
  lua_rawgeti(L, -1, MEMBERS);
  lua_remove(L, -2);
}

/* ---- tables of functions ---- */

static int no_function(lua_State *L) {
  const char *name =
      lua_type(L, 2) == LUA_TSTRING ? nm_push_shown(L, nm_check_string(L, 2, "name")) : luaL_typename(L, 2);
  return luaL_error(L, "netmail.%s has no member '%s'", lua_tostring(L, lua_upvalueindex(1)), name);
}

void nm_push_class_table(lua_State *L, const char *name, const luaL_Reg *functions, lua_CFunction call) {
  lua_newtable(L);
  nm_set_functions(L, functions);
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
