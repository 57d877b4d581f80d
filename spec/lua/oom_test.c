#include "support/oom.h"

/* Memory that runs out while Lua uses the module (spec/support/exercise.lua): Lua's own at each of its allocations, once
   (then Lua collects and asks again, so this is also a collection at every possible place) or from then on; and the
   core's, one by one. Each time there is an error that says so, nothing is left behind, and the same state goes on. */

static const luaL_Reg none[] = {{NULL, NULL}};

static const char setup[] = "package.path = 'lua/?.lua;lua/?/init.lua;?.lua'\n"
                            "return require 'spec.support.exercise'";

/* With so many of Lua's allocations in a row failing, from the n-th on, for every n. */
static void sweep_lua(long width) {
  struct memory m = {0};
  lua_State *L = open_state(&m, none, setup);
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
  lua_State *L = open_state(&m, none, setup);
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
