#ifndef NM_LUA_PIN_H
#define NM_LUA_PIN_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include "lua_compat.h"

/* Keeps the shared object that holds the function at address in memory for ever: a Lua state may close its libraries
   before it collects the objects that use them. LuaRocks' builtin build cannot pass -Wl,-z,nodelete, so it is done by code. */
static inline void nm_pin(void *address) {
  Dl_info info;
  if (dladdr(address, &info) != 0 && info.dli_fname != NULL) {
    /* Never closed: that is the point. In a program that links us statically it finds nothing to do. */
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
  }
}

/* A table of functions for core, which finds it in the registry under key. */
static inline void nm_hand_over(lua_State *L, const char *key, const void *api) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)api);
  lua_setfield(L, LUA_REGISTRYINDEX, key);
}

/* What opening a module beside core does once it has handed over its tables: it stays in memory, and what require gives is a table with
   the version of its library. */
static inline int nm_open_beside(lua_State *L, lua_CFunction opener, const char *version) {
  nm_pin((void *)(uintptr_t)opener);
  lua_newtable(L);
  lua_pushstring(L, version);
  lua_setfield(L, -2, "LibraryVersion");
  return 1;
}

#endif
