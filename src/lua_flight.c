/* What lua/netmail/many.lua and sends.lua send their messages with: a kit of functions that take a flight, the scratch below. */

#include "lua_flight.h"

#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "lua_client.h"
#include "lua_flight_own.h"
#include "lua_load.h"
#include "lua_result.h"
#include "send.h"

static void release(void *memory) {
  struct nm_flight_job *f = memory;
  nm_flight_forget_call(f);
  nm_flight_end(&f->flight);
  nm_flight_free_slots(f);
  if (f->is_watched) {
    f->client->n_errands--;
  }
  nm_client_unref(&f->client);
  *f = (struct nm_flight_job){0};
}

struct nm_flight_job *nm_flight_job_at(lua_State *L, int i) {
  struct nm_flight_job *f = nm_scratch_of(L, i, sizeof *f, release);
  if (f == NULL || f->client == NULL) {
    luaL_error(L, "this flight is over");
  }
  return f;
}

/* ---- begin and end ---- */

static size_t limit(lua_State *L, int i, const char *name, long low, long high, size_t otherwise) {
  lua_getfield(L, i, name);
  size_t n = lua_isnil(L, -1) ? otherwise : (size_t)nm_check_integer(L, -1, name, low, high);
  lua_pop(L, 1);
  return n;
}

/* For `return`: what lies on the top is the flight. */
static int begin_flight(lua_State *L, struct nm_flight_job *f) {
  struct nm_error e;
  return nm_flight_start(&f->flight, f->client, &e) == 0
             ? 1
             : nm_push_failure(L, &e, nm_outcome_name(NM_OUTCOME_NOT_SENT));
}

/* (client, { connections, window, per_connection, is_watched, is_plain }): the flight; or nil, message, detail. One that an event loop watches
   has yet to begin. */
static int open(lua_State *L) {
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TTABLE);
  struct nm_client *c = nm_class_check(L, &nm_client_class, 1);
  struct nm_flight_limits limits = {
      .lines = limit(L, 2, "connections", 1, NM_FLIGHT_LINES_MAX, c->max_connections),
      .window = limit(L, 2, "window", 1, NM_WINDOW_MAX, NM_WINDOW_DEFAULT),
      .per_line = limit(L, 2, "per_connection", 1, INT_MAX, 0)};
  lua_getfield(L, 2, "is_watched");
  int is_watched = lua_toboolean(L, -1);
  lua_getfield(L, 2, "is_plain");
  int is_plain = lua_toboolean(L, -1);
  const struct nm_net_api *api = nm_load_net(L);
  struct nm_flight_job *f = nm_scratch(L, sizeof *f, release);
  c = nm_class_check(L, &nm_client_class,
                     1); /* what allocates may have finalized it, in a state that closes */
  f->job.step = nm_flight_step_job;
  f->is_plain = is_plain;
  f->client = nm_client_ref(c);
  nm_load_net_for(L, c, api);
  struct nm_error e;
  if (nm_flight_plan(&f->flight, c, &limits, &e) != 0) {
    return nm_push_failure(L, &e, nm_outcome_name(NM_OUTCOME_NOT_SENT));
  }
  if (!is_watched) {
    return begin_flight(L, f);
  }
  f->is_watched = 1;
  c->n_errands++;
  (void)nm_client_watch(c);
  nm_client_alarm(c, 0); /* its first step is due */
  return 1;
}

/* (flight): whether somebody else has its client. */
static int is_busy(lua_State *L) {
  struct nm_error e;
  lua_pushboolean(L, nm_client_check_free(nm_flight_job_at(L, 1)->client, &e) != 0);
  return 1;
}

/* (flight): itself; or nil, message, detail. */
static int begin(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  lua_settop(L, 1);
  return begin_flight(L, f);
}

/* (flight): what is on its way is dropped; the connections are kept for the next. */
static int close_flight(lua_State *L) {
  nm_scratch_release(L, 1);
  return 0;
}

/* (flight, text): all that is not over ends, and says that; run gives them back. */
static int cancel(lua_State *L) {
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "%s", luaL_checkstring(L, 2));
  nm_flight_cancel(&nm_flight_job_at(L, 1)->flight, &why);
  return 0;
}

/* (flight): how many more there is room for; how many connections are up. */
static int room(lua_State *L) {
  const struct nm_flight *f = &nm_flight_job_at(L, 1)->flight;
  lua_pushinteger(L, (lua_Integer)nm_flight_room(f));
  lua_pushinteger(L, (lua_Integer)nm_flight_up(f));
  return 2;
}

/* (flight): whether nothing more is to be put now; why all of it has ended for good, or nil. */
static int look(lua_State *L) {
  const struct nm_flight_job *f = nm_flight_job_at(L, 1);
  lua_pushboolean(L, nm_flight_is_full(f));
  if (f->flight.ended.code == 0) {
    return 1;
  }
  lua_pushstring(L, f->flight.ended.text);
  return 2;
}

/* (flight): in a forked child, why one of its parent's is none of its own; else nil. */
static int disowned(lua_State *L) {
  struct nm_error why;
  if (nm_flight_is_parents(&nm_flight_job_at(L, 1)->flight, &why) == NULL) {
    return 0;
  }
  lua_pushstring(L, why.text);
  return 1;
}

/* ---- waiting ---- */

/* (flight, ms, whether nothing may get on before that: a function of the program's is at work): until something may get on. */
static int wait(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  int ms = (int)nm_check_integer(L, 2, "the time", 0, INT_MAX);
  if (f->flight.client != NULL && !lua_toboolean(L, 3)) {
    nm_flight_wait(&f->flight, ms);
  } else {
    (void)poll(NULL, 0, ms); /* until somebody else has done with the client */
  }
  return 0;
}

/* (flight): the descriptor of the client; nil where there is none. */
static int descriptor(lua_State *L) {
  int fd = nm_client_watch(nm_flight_job_at(L, 1)->client);
  if (fd >= 0) {
    lua_pushinteger(L, fd);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)nm_clock_ms());
  return 1;
}

static void push_kit(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", open},         {"close", close_flight},
                                       {"begin", begin},       {"is_busy", is_busy},
                                       {"room", room},         {"look", look},
                                       {"cancel", cancel},     {"wait", wait},
                                       {"now", now},           {"descriptor", descriptor},
                                       {"disowned", disowned}, {NULL, NULL}};
  lua_newtable(L);
  nm_set_functions(L, functions);
  nm_flight_add_run_functions(L);
  nm_flight_add_slot_functions(L);
  nm_task_add_functions(L);
  nm_drive_set_parts(L);
}

/* Methods that are Lua's, since functions are called in them that may yield. Their module is loaded with the first call, which puts
   it in their place. Those who make tasks share one row of them for each client, whatever becomes of package.loaded in between: busted
   empties it behind each file. */
static const char methods_source[] = "local members, kit = ...\n"
                                     "local function add(names, module)\n"
                                     "  for i = 1, #names do\n"
                                     "    members[names[i]] = function(...)\n"
                                     "      if not kit.tasks then\n"
                                     "        local tasks = require 'netmail.task'\n"
                                     "        kit.set_forerunner(tasks.finish_forgotten)\n"
                                     "        kit.tasks = tasks\n"
                                     "      end\n"
                                     "      local methods = require(module)(kit)\n"
                                     "      for j = 1, #names do members[names[j]] = methods[names[j]] end\n"
                                     "      return methods[names[i]](...)\n"
                                     "    end\n"
                                     "  end\n"
                                     "end\n"
                                     "add({ 'SendMany', 'SendManyAsync', 'SendEach' }, 'netmail.many')\n"
                                     "add({ 'SendAsync' }, 'netmail.sends')\n";

void nm_flight_add_methods(lua_State *L, const struct nm_class *c) {
  if (luaL_loadbuffer(L, methods_source, sizeof methods_source - 1, "=netmail") != 0) {
    lua_error(L);
  }
  nm_class_push_members(L, c);
  push_kit(L);
  lua_call(L, 2, 0);
}
