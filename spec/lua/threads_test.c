#include "support/ctest.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>

/* Several threads of one process with a Lua state in each, which load netmail and send over TLS at the same time, each to a server of its own
   state. Threads share nothing but what libraries hold for all of a process, and what is found out once (which OpenSSL libcurl uses). */

int luaopen_netmail_core(lua_State *L);
int luaopen_netmail_crypto(lua_State *L);
int luaopen_netmail_net(lua_State *L);
int luaopen_netmail_testing(lua_State *L);

enum { THREADS = 4 };

static const struct luaL_Reg modules[] = {{"netmail.core", luaopen_netmail_core},
                                          {"netmail.crypto", luaopen_netmail_crypto},
                                          {"netmail.net", luaopen_netmail_net},
                                          {"netmail.testing", luaopen_netmail_testing}};

/* Twice: a state in a process where others have been. */
static const char work[] =
    "package.path = 'lua/?.lua;lua/?/init.lua;?.lua'\n"
    "local mark = ...\n"
    "local netmail = require 'netmail'\n"
    "local testing = require 'netmail.testing'\n"
    "local function message(i)\n"
    "  return netmail.MailMessage{ From = 'a@example.test', To = 'Имя <b@пример.test>, c@example.test',\n"
    "    Subject = mark .. ' ' .. i, Text = 'Текст\\n', SubjectEncoding = 'koi8-r' }\n"
    "end\n"
    "for _, tls in ipairs{ 'implicit', 'starttls' } do\n"
    "  local server = testing.Server{ Tls = tls, Users = { u = 'p' } }\n"
    "  for i = 1, 3 do\n"
    "    local client = server:Client{ UserName = 'u', Password = 'p' }\n"
    "    assert(client:Send(message(i)))\n"
    "    client:Close()\n"
    "  end\n"
    "  local client, left = server:Client{ UserName = 'u', Password = 'p' }, 8\n"
    "  local summary = client:SendMany(function()\n"
    "    left = left - 1\n"
    "    return left >= 0 and message(left) or nil\n"
    "  end, { Connections = 2, MaxMessagesPerConnection = 4 })\n"
    "  assert(summary.Accepted == 8)\n"
    "  client:Close()\n"
    "  local n = 0\n"
    "  for _, got in ipairs(server:Messages()) do\n"
    "    n = n + 1\n"
    "    assert(got.Data:find('Subject: ' .. mark .. ' %d'))\n"
    "  end\n"
    "  assert(n == 11, n)\n"
    "  server:Stop()\n"
    "end\n";

static pthread_barrier_t together;

struct thread {
  pthread_t id;
  char mark[32];
  char wrong[512]; /* empty: nothing */
};

static void note(struct thread *t, lua_State *L) {
  const char *text = lua_tostring(L, -1);
  (void)snprintf(t->wrong, sizeof t->wrong, "%s: %s", t->mark, text != NULL ? text : "?");
}

static void live(struct thread *t) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
    lua_pushcfunction(L, modules[i].func);
    lua_setfield(L, -2, modules[i].name);
  }
  lua_settop(L, 0);
  (void)pthread_barrier_wait(&together); /* what is done once is wanted by all of them now */
  if (luaL_loadstring(L, work) != LUA_OK) {
    note(t, L);
  } else {
    lua_pushstring(L, t->mark);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      note(t, L);
    }
  }
  lua_close(L);
}

static void *run(void *state) {
  struct thread *t = state;
  live(t);
  live(t);
  return NULL;
}

static void each_state_sends_for_itself(void) {
  struct thread all[THREADS];
  CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
  for (int i = 0; i < THREADS; i++) {
    all[i].wrong[0] = '\0';
    (void)snprintf(all[i].mark, sizeof all[i].mark, "thread%d", i);
    CHECK(pthread_create(&all[i].id, NULL, run, &all[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(all[i].id, NULL) == 0);
    CHECK_ROW(all[i].wrong[0] == '\0', all[i].wrong);
  }
  (void)pthread_barrier_destroy(&together);
}

int main(void) {
  RUN(each_state_sends_for_itself);
  return ctest_end();
}
