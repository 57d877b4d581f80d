/* What lua/netmail/many.lua sends its messages with: functions that take a flight, the scratch below. */

#include "lua_flight.h"

#include <limits.h>
#include <poll.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flight.h"
#include "lua_call.h"
#include "lua_client.h"
#include "lua_content.h"
#include "lua_envelope.h"
#include "lua_errand.h"
#include "lua_load.h"
#include "lua_message.h"
#include "lua_result.h"
#include "mime/pieces.h"
#include "outgoing.h"

enum { CALLED_NONE, CALLED_TRACER, CALLED_GIVER, CALLED_CONTENT };

/* What one message owns from put to release. Lua knows it by its number. */
struct slot {
  struct nm_mail mail; /* first */
  struct nm_outgoing message;
  struct nm_sent sent;
  int64_t begin;
  int number;
  enum { SLOT_FREE, SLOT_ON_WAY, SLOT_OVER } state;
  struct slot *next_free;
};

struct flight {
  struct nm_job job; /* first */
  struct nm_client *client;
  struct nm_flight_limits limits;
  struct nm_flight flight; /* its client NULL: it has not begun */
  struct slot **slots;     /* as many as were ever needed at once */
  int n_slots;
  struct slot *free;
  int called;                /* which function was called last */
  struct nm_line *called_by; /* the line that it was called for */
  int64_t turn_end;          /* ms; 0: none */
  int is_watched;            /* by an event loop */
  int is_plain;              /* nobody asks for more about a message than that all have accepted it */
  int wakes_in;              /* ms after which it is to be woken in any case */
};

static void empty(struct slot *s) {
  nm_outgoing_free(&s->message);
  nm_sent_free(&s->sent);
  s->message = (struct nm_outgoing){0};
  s->mail = (struct nm_mail){0};
  s->state = SLOT_FREE;
}

static void release(void *memory) {
  struct flight *f = memory;
  if (f->called == CALLED_TRACER) {
    nm_call_forget_tracer(f->client);
  }
  nm_flight_end(&f->flight);
  for (int i = 0; i < f->n_slots; i++) {
    empty(f->slots[i]);
    nm_free(f->slots[i]);
  }
  nm_free(f->slots);
  nm_client_unref(&f->client);
  *f = (struct flight){0};
}

static struct flight *flight_at(lua_State *L, int i) {
  struct flight *f = nm_scratch_at(L, i);
  if (f == NULL || f->client == NULL) {
    luaL_error(L, "this flight is over");
  }
  return f;
}

/* ---- begin and end ---- */

static int step(lua_State *L, struct nm_job *job);

static size_t limit(lua_State *L, int i, const char *name, long low, long high, size_t otherwise) {
  lua_getfield(L, i, name);
  size_t n = lua_isnil(L, -1) ? otherwise : (size_t)nm_check_integer(L, -1, name, low, high);
  lua_pop(L, 1);
  return n;
}

/* For `return`: what lies on the top is the flight. */
static int begin_flight(lua_State *L, struct flight *f) {
  struct nm_error e;
  return nm_flight_begin(&f->flight, f->client, &f->limits, &e) == 0
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
  struct flight *f = nm_scratch(L, sizeof *f, release);
  c = nm_class_check(L, &nm_client_class,
                     1); /* what allocates may have finalized it, in a state that closes */
  f->job.step = step;
  f->is_watched = is_watched;
  f->is_plain = is_plain;
  f->limits = limits;
  f->client = nm_client_ref(c);
  c->api = api;
  if (!is_watched) {
    return begin_flight(L, f);
  }
  (void)nm_client_watch(c);
  nm_client_alarm(c, 0); /* its first step is due */
  return 1;
}

/* (flight): whether somebody else has its client. */
static int is_busy(lua_State *L) {
  struct nm_error e;
  lua_pushboolean(L, nm_client_check_free(flight_at(L, 1)->client, &e) != 0);
  return 1;
}

/* (flight): itself; or nil, message, detail. */
static int begin(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  lua_settop(L, 1);
  return begin_flight(L, f);
}

/* (flight): what is on its way is dropped; the connections are kept for the next. */
static int close_flight(lua_State *L) {
  nm_scratch_release(L, 1);
  return 0;
}

/* (flight): all that is not over ends; run gives them back. */
static int cancel(lua_State *L) {
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "the sending was cancelled");
  nm_flight_cancel(&flight_at(L, 1)->flight, &why);
  return 0;
}

/* ---- messages ---- */

static struct slot *new_slot(struct flight *f) {
  struct slot **slots = nm_realloc_array(f->slots, (size_t)f->n_slots + 1, sizeof *slots);
  if (slots == NULL) {
    return NULL;
  }
  f->slots = slots;
  struct slot *s = nm_zalloc(sizeof *s);
  if (s != NULL) {
    slots[f->n_slots++] = s;
    s->number = f->n_slots;
  }
  return s;
}

/* An error of Lua's leaves it with nobody: it is in the list of free ones until it is filled. */
static struct slot *free_slot(lua_State *L, struct flight *f) {
  if (f->free == NULL) {
    f->free = new_slot(f);
  }
  if (f->free == NULL) {
    luaL_error(L, "out of memory");
  }
  empty(f->free);
  return f->free;
}

static struct slot *slot_at(lua_State *L, struct flight *f, int i) {
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= 1 && n <= f->n_slots) || f->slots[(int)n - 1]->state != SLOT_OVER) {
    luaL_error(L, "this message is not over");
  }
  return f->slots[(int)n - 1];
}

/* (flight): how many more there is room for; how many connections are up. */
static int room(lua_State *L) {
  const struct nm_flight *f = &flight_at(L, 1)->flight;
  lua_pushinteger(L, (lua_Integer)nm_flight_room(f));
  lua_pushinteger(L, (lua_Integer)nm_flight_up(f));
  return 2;
}

/* (flight, message, options or nil): its number. What is wrong with it becomes its result. */
static int put(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  struct slot *s = free_slot(L, f);
  lua_settop(L, 3);
  if (!lua_isnil(L, 3) || f->client->options != NULL) {
    if (nm_send_options_copy(f->client->options, &s->message.options) != 0) {
      return luaL_error(L, "out of memory");
    }
    if (!lua_isnil(L, 3)) {
      luaL_checktype(L, 3, LUA_TTABLE);
      (void)nm_options_set(L, s->message.options, 3, &s->sent.error);
    }
  }
  struct nm_message *m = nm_message_at(L, 2);
  if (m == NULL) {
    return luaL_error(L, "MailMessage expected, got %s", luaL_typename(L, 2));
  }
  s->begin = nm_clock_ms();
  if (s->sent.error.code == 0) {
    (void)nm_outgoing_take(&s->message, f->client, m, &s->sent.error);
  }
  f->free = s->next_free;
  s->next_free = NULL;
  s->state = SLOT_ON_WAY;
  s->mail = (struct nm_mail){.env = &s->message.env,
                             .content = s->message.content,
                             .out = &s->sent,
                             .rcpt_max = f->client->rcpt_max,
                             .deadline = f->client->deadline > 0 ? s->begin + f->client->deadline : 0};
  nm_flight_add(&f->flight, &s->mail);
  lua_pushinteger(L, s->number);
  return 1;
}

/* (flight, number): one that is over goes once more to those who may still get it; false when there is nobody, or no way. */
static int again(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  struct slot *s = slot_at(L, f, 2);
  int ok = s->message.content != NULL && nm_flight_add_again(&f->flight, &s->mail) == 0;
  s->state = ok ? SLOT_ON_WAY : s->state;
  lua_pushboolean(L, ok);
  return 1;
}

/* (flight, number) */
static int release_slot(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  struct slot *s = slot_at(L, f, 2);
  empty(s);
  s->next_free = f->free;
  f->free = s;
  return 0;
}

/* ---- running ---- */

static int call(lua_State *L, struct flight *f, int what, struct nm_line *by) {
  f->called = what;
  f->called_by = by;
  return what == CALLED_TRACER ? nm_drive_call2(L, 1) : nm_drive_call(L, 1);
}

static struct nm_feed *feed_of(const struct nm_line *l) {
  struct nm_source *content = nm_line_content(l);
  return content != NULL ? nm_pieces_waiting(content) : NULL;
}

/* 1: a function is to be called; 0: the line has what it needed. */
static int serve(lua_State *L, struct nm_line *l, enum nm_need need) {
  switch (need) {
    case NM_NEED_SECRET:
      nm_call_push_giver(L, &l->connecting);
      return 1;
    case NM_NEED_CONTENT:
      if (nm_content_ask(L, feed_of(l))) {
        return 1;
      }
      break;
    case NM_NEED_CRYPTO:
      nm_call_load_crypto(L, l->client);
      break;
    default:
      break;
  }
  nm_line_resume(l);
  return 0;
}

/* A server that does not take the message as it was rendered said so before a byte of it went out: it may take it in another way. */
static int goes_on_narrower(struct flight *f, struct slot *s) {
  struct nm_caps caps = {.flags = s->mail.caps};
  const struct nm_txn_result *r = &s->sent.txn;
  if (r->error.code != NM_EINVAL || r->outcome != NM_OUTCOME_NOT_SENT || !s->mail.has_caps) {
    return 0;
  }
  struct nm_error e;
  int narrowed = nm_outgoing_narrow(&s->message, &caps, &e);
  s->mail.content = s->message.content;
  if (narrowed > 0 && nm_flight_add_again(&f->flight, &s->mail) == 0) {
    return 1;
  }
  nm_outgoing_explain(&s->message, &caps, s->sent.place.text, &s->sent.error);
  return 0;
}

/* What lies before the next result that is nobody's but ours. NULL: none is there. */
static struct slot *next_over(struct flight *f) {
  struct nm_mail *m;
  while ((m = nm_flight_take(&f->flight)) != NULL) {
    struct slot *s = (struct slot *)(void *)m;
    if (!goes_on_narrower(f, s)) {
      s->state = SLOT_OVER;
      return s;
    }
  }
  return NULL;
}

/* done, number, and what Send would have returned; true in place of the table that nobody will look at. */
static int give(lua_State *L, const struct flight *f, const struct slot *s) {
  struct nm_result r = {f->client, &s->sent, s->begin, nm_buf_str(&s->message.now.id), &s->message.env};
  nm_errand_push_done(L);
  lua_pushinteger(L, s->number);
  if (f->is_plain && s->sent.error.code == 0 && s->sent.txn.outcome == NM_OUTCOME_ACCEPTED) {
    lua_pushboolean(L, 1);
    return 3;
  }
  return 2 + nm_result_push(L, &r);
}

static int64_t turn_left(const struct flight *f) {
  if (f->turn_end == 0) {
    return -1;
  }
  int64_t left = f->turn_end - nm_clock_ms();
  return left > 0 ? left : 0;
}

/* waits, and the ms after which to come back in any case. */
static int rest(lua_State *L, struct flight *f) {
  int ms = f->is_watched ? nm_flight_rest(&f->flight, f->wakes_in) : nm_flight_left(&f->flight);
  nm_errand_push_waits(L);
  lua_pushinteger(L, ms);
  return 2;
}

/* Until a function is to be called, a message is over, or there is nothing but to wait. */
static int go_on(lua_State *L, struct flight *f) {
  int has_stepped = 0;
  for (;;) {
    struct nm_line *line;
    if (nm_call_push_tracer(L, f->client)) {
      return call(L, f, CALLED_TRACER, NULL);
    }
    const struct slot *s = next_over(f);
    if (s != NULL) {
      return give(L, f, s);
    }
    enum nm_need need = nm_flight_need(&f->flight, &line);
    if (line != NULL) {
      if (serve(L, line, need)) {
        return call(L, f, need == NM_NEED_SECRET ? CALLED_GIVER : CALLED_CONTENT, line);
      }
    } else if (has_stepped && (need == NM_NEED_LINE || turn_left(f) == 0)) {
      return rest(L, f);
    }
    nm_flight_step(&f->flight, turn_left(f));
    has_stepped = 1;
  }
}

/* (flight, budget in ms or nil, ms or nil after which the descriptor is to become readable in any case) */
static int run(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  f->wakes_in = lua_isnoneornil(L, 3) ? INT_MAX : (int)nm_check_integer(L, 3, "the time", 0, INT_MAX);
  int64_t budget = lua_isnoneornil(L, 2) ? -1 : nm_check_integer(L, 2, "the budget", 0, INT_MAX);
  lua_settop(L, 1);
  f->turn_end = budget >= 0 ? nm_clock_ms() + budget : 0;
  if (f->is_watched) {
    nm_client_calm(f->client);
  }
  return go_on(L, f);
}

static void take_secret(lua_State *L, struct nm_line *l) {
  struct nm_error e;
  if (l->state != NM_LINE_CONNECTING || l->need != NM_NEED_SECRET) {
    return; /* closed meanwhile */
  }
  if (nm_call_take_secret(L, &l->connecting, 3, &e) == 0) {
    nm_line_resume(l);
  } else {
    nm_line_refuse(l, &e);
  }
}

/* Stack: 1 the flight, 2 unused, 3 whether the call succeeded, 4 and so on its results. */
static int step(lua_State *L, struct nm_job *job) {
  struct flight *f = (struct flight *)(void *)job;
  struct nm_line *by = f->called_by;
  int called = f->called;
  f->called = CALLED_NONE;
  f->called_by = NULL;
  switch (called) {
    case CALLED_TRACER:
      nm_call_take_tracer(L, f->client, 3);
      break;
    case CALLED_GIVER:
      take_secret(L, by);
      break;
    case CALLED_CONTENT:
      nm_content_answer(L, feed_of(by), 3);
      nm_line_resume(by);
      break;
    default:
      break;
  }
  lua_settop(L, 1);
  return go_on(L, f);
}

/* ---- waiting ---- */

/* (flight, ms): until something may get on. */
static int wait(lua_State *L) {
  struct flight *f = flight_at(L, 1);
  int ms = (int)nm_check_integer(L, 2, "the time", 0, INT_MAX);
  if (f->flight.client != NULL) {
    nm_flight_wait(&f->flight, ms);
  } else {
    (void)poll(NULL, 0, ms); /* until somebody else has done with the client */
  }
  return 0;
}

/* (flight): the descriptor of the client; nil where there is none. */
static int descriptor(lua_State *L) {
  int fd = nm_client_watch(flight_at(L, 1)->client);
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

/* Whether the client was closed, and all ended with it. */
static int is_lost(lua_State *L) {
  lua_pushboolean(L, flight_at(L, 1)->flight.is_closed);
  return 1;
}

static void push_kit(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"open", open},   {"close", close_flight},    {"cancel", cancel},   {"room", room},
      {"put", put},     {"again", again},           {"run", run},         {"release", release_slot},
      {"wait", wait},   {"descriptor", descriptor}, {"is_lost", is_lost}, {"now", now},
      {"begin", begin}, {"is_busy", is_busy},       {NULL, NULL}};
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
}

/* Methods that are Lua's, since functions are called in them that may yield. Their module is loaded with the first call, which puts
   it in their place. */
static const char methods_source[] = "local members, kit = ...\n"
                                     "local names = { 'SendMany', 'SendManyAsync', 'SendEach' }\n"
                                     "for i = 1, #names do\n"
                                     "  members[names[i]] = function(...)\n"
                                     "    local methods = require 'netmail.many'(kit)\n"
                                     "    for j = 1, #names do members[names[j]] = methods[names[j]] end\n"
                                     "    return methods[names[i]](...)\n"
                                     "  end\n"
                                     "end\n";

void nm_flight_add_methods(lua_State *L, const struct nm_class *c) {
  if (luaL_loadbuffer(L, methods_source, sizeof methods_source - 1, "=netmail") != 0) {
    lua_error(L);
  }
  nm_class_push_members(L, c);
  push_kit(L);
  lua_call(L, 2, 0);
}
