#include "support/ctest.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/alloc.h"

/* Memory that runs out while Lua uses the module (spec/support/exercise.lua): Lua's own at each of its allocations, once
   (then Lua collects and asks again, so this is also a collection at every possible place) or from then on; and the
   core's, one by one. Each time there is an error that says so, nothing is left behind, and the same state goes on. */

int luaopen_netmail_core(lua_State *L);

struct memory {
  size_t live;
  long calls; /* counted while last is not 0 */
  long first; /* those from first to last fail */
  long last;
  long failed;
};

/* Lua relies on it that a block can be made smaller. */
static void *allocate(void *state, void *p, size_t old, size_t size) {
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

static void fail_between(struct memory *m, long first, long last) {
  m->calls = 0;
  m->failed = 0;
  m->first = first;
  m->last = last;
}

static const char setup[] = "package.path = 'lua/?.lua;lua/?/init.lua;?.lua'\n"
                            "return require 'spec.support.exercise'";

/* A state with the exercise's function at index 1. */
static lua_State *open_state(struct memory *m) {
  lua_State *L = lua_newstate(allocate, m);
  if (L == NULL) {
    return NULL;
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_netmail_core);
  lua_setfield(L, -2, "netmail.core");
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
static int says_memory(lua_State *L, int status) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(no text)";
  if (status == LUA_ERRMEM || strstr(text, "not enough memory") != NULL ||
      strstr(text, "out of memory") != NULL) {
    return 1;
  }
  printf("status %d: %s\n", status, text);
  return 0;
}

/* The exercise once. 0: it went through; 1: memory ran out and the error said so; -1: something else. */
static int run(lua_State *L) {
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 0, 0, 0);
  return status == LUA_OK ? 0 : says_memory(L, status) ? 1 : -1;
}

/* A function that a content holds, and what it refers to in turn, go in the rounds behind the one that takes the content. */
static void clean(lua_State *L) {
  lua_settop(L, 1);
  for (int i = 0; i < 5; i++) {
    lua_gc(L, LUA_GCCOLLECT, 0);
  }
}

/* When memory ran out in the finalizer that watches over producers, what remembers them (and nothing else) waits for the next one. */
static void clean_up(lua_State *L) {
  clean(L);
  if (nm_test_alloc_live() > 0) {
    CHECK(luaL_dostring(L, "require('netmail').Part{Content = print}") == LUA_OK);
    clean(L);
  }
}

/* With so many of Lua's allocations in a row failing, from the n-th on, for every n. */
static void sweep_lua(long width) {
  struct memory m = {0};
  lua_State *L = open_state(&m);
  CHECK(L != NULL);
  if (L == NULL) {
    return;
  }
  clean(L);
  long n = 0, failed;
  int result, bad = ctest_bad;
  do {
    n++;
    fail_between(&m, n, n + width - 1);
    result = run(L);
    failed = m.failed;
    fail_between(&m, 0, 0);
    clean_up(L);
    CHECK(result >= 0);
    CHECK(nm_test_alloc_live() == 0);
  } while (failed > 0 && ctest_bad == bad);
  CHECK(result == 0);
  CHECK(n > 80); /* else it was not the exercise that ran */
  lua_close(L);
  CHECK(m.live == 0);
}

static void lua_memory_fails_once(void) {
  sweep_lua(1);
}

static void lua_memory_runs_out(void) {
  sweep_lua(1000000000);
}

/* The harness cannot tell when the n-th allocation is beyond the last, so it goes on for a while: a success before
   a failure would mean that somebody did not look. */
static void core_memory_fails(void) {
  struct memory m = {0};
  lua_State *L = open_state(&m);
  CHECK(L != NULL);
  if (L == NULL) {
    return;
  }
  clean(L);
  int passed = 0, bad = ctest_bad;
  long n = 0;
  while (passed < 50 && ctest_bad == bad) {
    n++;
    nm_test_alloc_fail_at(n);
    int result = run(L);
    nm_test_alloc_fail_at(0);
    clean(L);
    passed += result == 0;
    CHECK(result >= 0);
    CHECK(result == 0 || passed == 0);
    CHECK(nm_test_alloc_live() == 0);
  }
  CHECK(n > 100);
  lua_close(L);
  CHECK(m.live == 0);
}

/* The module itself is loaded; a state in which that failed can try again. */
static void loading_fails(void) {
  long failed = 1;
  int bad = ctest_bad;
  for (long n = 1; failed > 0 && ctest_bad == bad; n++) {
    struct memory m = {0};
    lua_State *L = lua_newstate(allocate, &m);
    CHECK(L != NULL);
    if (L == NULL) {
      return;
    }
    fail_between(&m, n, 1000000000);
    lua_pushcfunction(L, luaopen_netmail_core);
    int status = lua_pcall(L, 0, 1, 0);
    failed = m.failed;
    fail_between(&m, 0, 0);
    CHECK(status == LUA_OK ? failed == 0 : says_memory(L, status));
    lua_settop(L, 0);
    lua_pushcfunction(L, luaopen_netmail_core);
    CHECK(lua_pcall(L, 0, 1, 0) == LUA_OK);
    CHECK(lua_getfield(L, -1, "MailMessage") == LUA_TTABLE);
    lua_close(L);
    CHECK(m.live == 0);
  }
}

int main(void) {
  RUN(loading_fails);
  RUN(lua_memory_fails_once);
  RUN(lua_memory_runs_out);
  RUN(core_memory_fails);
  return ctest_end();
}
