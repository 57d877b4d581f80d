/* What lua/netmail/errand.lua makes its tasks of: functions that take the scratch of an errand (lua_errand.h). */

#include "lua_task.h"

#include <limits.h>
#include <poll.h>

#include "base/clock.h"

#define KIT "netmail.task.kit"
/* Where there is no descriptor to wait for. */
#define BLIND_MS 10

static struct nm_errand *errand_at(lua_State *L, int i) {
  struct nm_errand *e = nm_scratch_at(L, i);
  if (e == NULL || e->client == NULL) {
    luaL_error(L, "this task is over");
  }
  return e;
}

/* nil: as long as it takes. */
static void set_turn(lua_State *L, struct nm_errand *e, int i) {
  nm_pace_turn(&e->pace, lua_isnil(L, i) ? -1 : nm_check_integer(L, i, "the budget", 0, INT_MAX));
}

static int is_late(const struct nm_errand *e) {
  return e->pace.deadline > 0 && nm_clock_ms() - e->pace.begin >= e->pace.deadline;
}

static int start(lua_State *L) {
  struct nm_errand *e = errand_at(L, 1);
  lua_settop(L, 2);
  set_turn(L, e, 2);
  nm_client_calm(e->client);
  return nm_errand_run(L, e, 1, nm_send_start(e));
}

static int go_on(lua_State *L) {
  struct nm_errand *e = errand_at(L, 1);
  lua_settop(L, 2);
  set_turn(L, e, 2);
  nm_client_calm(e->client);
  return nm_errand_run(L, e, 1, nm_client_step(&e->sending));
}

/* It ends here, whether or not a function of the user's is at work for it; returns as a step that is its last. */
static int cancel(lua_State *L) {
  struct nm_errand *e = errand_at(L, 1);
  struct nm_error why;
  lua_settop(L, 1);
  if (is_late(e)) {
    nm_pace_over(&e->pace, "a function of the program's own", &why);
  } else {
    nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "the task was cancelled");
  }
  nm_client_cancel(&e->sending, &why);
  if (e->sent.error.code == 0) { /* it had not begun */
    e->sent.error = why;
  }
  return nm_errand_end(L, e, 1, e->sent.error.code);
}

/* While a function of the user's is at work: the client was closed, or the Deadline is over. */
static int is_lost(lua_State *L) {
  struct nm_errand *e = errand_at(L, 1);
  lua_pushboolean(L, e->sending.client == NULL || is_late(e));
  return 1;
}

/* It has not begun, and may not yet: the client has another errand, or shows the last of it. */
static int is_busy(lua_State *L) {
  struct nm_error e;
  lua_pushboolean(L, nm_client_check_free(errand_at(L, 1)->client, &e) != 0);
  return 1;
}

/* The ms that the Deadline leaves, negative when it is over; nil: there is none. */
static int left(lua_State *L) {
  const struct nm_pace *p = &errand_at(L, 1)->pace;
  if (p->deadline > 0) {
    lua_pushnumber(L, (lua_Number)(p->begin + p->deadline - nm_clock_ms()));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* The descriptor of the client; nil where there is none. */
static int descriptor(lua_State *L) {
  int fd = nm_client_watch(errand_at(L, 1)->client);
  if (fd >= 0) {
    lua_pushinteger(L, fd);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* Waits for the descriptor, ms at the most. */
static int wait(lua_State *L) {
  struct nm_errand *e = errand_at(L, 1);
  int ms = (int)nm_check_integer(L, 2, "the time", 0, INT_MAX);
  struct pollfd p = {.fd = nm_client_watch(e->client), .events = POLLIN};
  if (p.fd < 0 && ms > BLIND_MS) {
    ms = BLIND_MS;
  }
  (void)poll(&p, 1, ms); /* also after a signal: who waits looks again */
  return 0;
}

static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)nm_clock_ms());
  return 1;
}

/* The table that errand.lua works with; made once a state. */
static void push_kit(lua_State *L) {
  static const luaL_Reg functions[] = {{"start", start},     {"go_on", go_on},           {"cancel", cancel},
                                       {"wait", wait},       {"descriptor", descriptor}, {"now", now},
                                       {"is_lost", is_lost}, {"is_busy", is_busy},       {"left", left},
                                       {NULL, NULL}};
  lua_getfield(L, LUA_REGISTRYINDEX, KIT);
  if (!lua_isnil(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  lua_newtable(L);
  for (const luaL_Reg *f = functions; f->name != NULL; f++) {
    lua_pushcfunction(L, f->func);
    lua_setfield(L, -2, f->name);
  }
  nm_drive_set_parts(L);
  nm_errand_push_waits(L);
  lua_setfield(L, -2, "waits");
  nm_errand_push_done(L);
  lua_setfield(L, -2, "done");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, KIT);
}

int nm_task_new(lua_State *L, int client, int job) {
  client = lua_absindex(L, client);
  job = lua_absindex(L, job);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "netmail.errand");
  lua_call(L, 1, 1);
  lua_pushvalue(L, client);
  lua_pushvalue(L, job);
  push_kit(L);
  lua_call(L, 3, 1);
  return 1;
}
