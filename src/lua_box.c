/* Userdata that hold a C object. */

#include "lua_util.h"

#include <limits.h>
#include <stdint.h>

/* ---- which object has a box: a table by their addresses, with weak values ---- */

static void push_objects(lua_State *L) {
  static const char key = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
}

void nm_class_know_box(lua_State *L, void *object) {
  push_objects(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, object);
  lua_pop(L, 1);
}

/* ---- boxes ---- */

void **nm_class_new_box(lua_State *L, const struct nm_class *c) {
  void **box = lua_newuserdata(L, sizeof *box);
  *box = NULL;
  nm_class_push_metatable(L, c);
  lua_setmetatable(L, -2);
  return box;
}

void nm_class_push(lua_State *L, const struct nm_class *c, void *object) {
  if (object == NULL) {
    lua_pushnil(L);
    return;
  }
  push_objects(L);
  lua_rawgetp(L, -1, object);
  void **known = lua_touserdata(L, -1);
  if (known != NULL && *known != NULL) {
    lua_remove(L, -2);
    return;
  } /* one that is emptied was finalized, and lives on only because the state is closing */
  lua_pop(L, 2);
  void **box = nm_class_new_box(L, c);
  *box = c->ref(object);
  nm_class_know_box(L, object);
}

void *nm_class_test(lua_State *L, const struct nm_class *c, int i) {
  return nm_class_of(L, i) == c ? *(void **)lua_touserdata(L, i) : NULL;
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

/* ---- what the collector cannot see ---- */

void nm_gc_pressure(lua_State *L, size_t bytes) {
  /* Enough to be worth a step of the collector, and not so much that a loop could pile up what it drops. */
  static const size_t enough = (size_t)128 << 10;
  static const char key = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  size_t *sum = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (sum == NULL) {
    sum = lua_newuserdata(L, sizeof *sum);
    *sum = 0;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
  *sum = bytes < SIZE_MAX - *sum ? *sum + bytes : SIZE_MAX;
  if (*sum >= enough) {
    size_t kb = *sum / 1024;
    *sum = 0;
    lua_gc(L, LUA_GCSTEP, kb < INT_MAX / 1024 ? (int)kb : INT_MAX / 1024);
  }
}

size_t nm_string_length(lua_State *L, int i) {
  return lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) : 0;
}

void nm_gc_announce(lua_State *L, const struct nm_class *c) {
  size_t bytes = c->weight;
  for (int i = lua_gettop(L); i > 0; i--) {
    bytes += nm_string_length(L, i);
    if (lua_type(L, i) == LUA_TTABLE) {
      lua_pushnil(L);
      while (lua_next(L, i) != 0) {
        bytes += nm_string_length(L, -1);
        lua_pop(L, 1);
      }
    }
  }
  nm_gc_pressure(L, bytes);
}
