#ifndef NM_LUA_COMPAT_H
#define NM_LUA_COMPAT_H

/* One source for Lua 5.1, 5.2, 5.3, 5.4 and LuaJIT: what 5.3 has and older ones lack, and nothing else. */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>

#if LUA_VERSION_NUM < 502

#  define lua_rawlen(L, i) lua_objlen(L, i)
#  define LUA_OK 0

static inline int lua_absindex(lua_State *L, int i) {
  return i > 0 || i <= LUA_REGISTRYINDEX ? i : lua_gettop(L) + i + 1;
}

static inline void lua_rawgetp(lua_State *L, int i, const void *key) {
  i = lua_absindex(L, i);
  lua_pushlightuserdata(L, (void *)(uintptr_t)key);
  lua_rawget(L, i);
}

static inline void lua_rawsetp(lua_State *L, int i, const void *key) {
  i = lua_absindex(L, i);
  lua_pushlightuserdata(L, (void *)(uintptr_t)key);
  lua_insert(L, -2);
  lua_rawset(L, i);
}

/* LuaJIT 2.1 has it, 2.0 and PUC 5.1 have not: ours under a name of its own. */
#  define luaL_testudata nm_lua_testudata

static inline void *nm_lua_testudata(lua_State *L, int i, const char *name) {
  void *p = lua_touserdata(L, i);
  if (p == NULL || !lua_getmetatable(L, i)) {
    return NULL;
  }
  luaL_getmetatable(L, name);
  int same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? p : NULL;
}

#endif

#if LUA_VERSION_NUM < 503
/* The types as return values, which 5.3 brought. */
static inline int nm_lua_rawget(lua_State *L, int i) {
  lua_rawget(L, i);
  return lua_type(L, -1);
}
#else
#  define nm_lua_rawget(L, i) lua_rawget(L, i)
#endif

#endif
