#ifndef NM_SPEC_OOM_H
#define NM_SPEC_OOM_H

/* Lua states whose memory runs out when a test wants it to. */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/alloc.h"
#include "support/ctest.h"

int luaopen_netmail_core(lua_State *L);

struct memory {
  size_t live;
  long calls; /* counted while last is not 0 */
  long first; /* those from first to last fail */
  long last;
  long failed;
};

/* Lua relies on it that a block can be made smaller. */
static inline void *allocate(void *state, void *p, size_t old, size_t size) {
  struct memory *m = state;
  old = p != NULL ? old : 0;
  if (size == 0) {
    m->live -= old;
    free(p);
    return NULL;
  }
  if (size > old && m->last != 0 && ++m->calls >= m->first && m->calls <= m->last) {
    m->failed++;
    return NULL;
  }
  void *q = realloc(p, size);
  if (q != NULL) {
    m->live = m->live - old + size;
  }
  return q;
}

static inline void fail_between(struct memory *m, long first, long last) {
  m->calls = 0;
  m->failed = 0;
  m->first = first;
  m->last = last;
}

/* A state with the function at index 1 that setup returns, a text of Lua's; preload: further modules. */
static inline lua_State *open_state(struct memory *m, const luaL_Reg *preload, const char *setup) {
  lua_State *L = lua_newstate(allocate, m);
  if (L == NULL) {
    return NULL;
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_netmail_core);
  lua_setfield(L, -2, "netmail.core");
  luaL_setfuncs(L, preload, 0);
  lua_pop(L, 1);
  /* lauxlib of 5.4 registers the metatable of its buffers' boxes before it is complete: when memory runs out just then, no large
     buffer can be made in that state any more. That is Lua's fault, not ours to be found here: it is made first. */
  (void)luaL_dostring(L, "return ('x'):rep(100000)");
  lua_settop(L, 0);
  if (luaL_dostring(L, setup) != LUA_OK) {
    printf("%s\n", lua_tostring(L, -1));
    lua_close(L);
    return NULL;
  }
  lua_settop(L, 1);
  return L;
}

/* Lua's words, or ours. */
static inline int says_memory(lua_State *L, int status) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(no text)";
  if (status == LUA_ERRMEM || strstr(text, "not enough memory") != NULL ||
      strstr(text, "out of memory") != NULL) {
    return 1;
  }
  printf("status %d: %s\n", status, text);
  return 0;
}

/* The exercise once. 0: it went through; 1: memory ran out and the error said so; -1: something else. */
static inline int run(lua_State *L) {
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 0, 0, 0);
  return status == LUA_OK ? 0 : says_memory(L, status) ? 1 : -1;
}

/* A function that a content holds, and what it refers to in turn, go in the rounds behind the one that takes the content. */
static inline void clean(lua_State *L) {
  lua_settop(L, 1);
  for (int i = 0; i < 5; i++) {
    lua_gc(L, LUA_GCCOLLECT, 0);
  }
}

/* When memory ran out in the finalizer that watches over producers, what remembers them (and nothing else) waits for the next one. */
static inline void clean_up(lua_State *L) {
  clean(L);
  if (nm_test_alloc_live() > 0) {
    CHECK(luaL_dostring(L, "require('netmail').Part{Content = print}") == LUA_OK);
    clean(L);
  }
}

#endif
