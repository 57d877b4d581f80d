/* A flight at work, as Lua sees it: what it wants to have called, what is over, and how long there is nothing to do. */

#include <limits.h>
#include <stdint.h>

#include "base/clock.h"
#include "lua_call.h"
#include "lua_client.h"
#include "lua_content.h"
#include "lua_flight_own.h"
#include "lua_result.h"
#include "mime/pieces.h"
#include "pool.h"

/* Nobody else has these addresses. */
static const char waits = 0, done = 0, accepted = 0;

static void push_mark(lua_State *L, const char *mark) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)mark);
}

void nm_flight_forget_call(struct nm_flight_job *f) {
  if (f->called == NM_CALLED_TRACER) {
    nm_call_forget_tracer(f->client);
  }
  f->called = NM_CALLED_NONE;
  f->called_by = NULL;
}

static int call(lua_State *L, struct nm_flight_job *f, int what, struct nm_line *by) {
  f->called = what;
  f->called_by = by;
  return what == NM_CALLED_TRACER ? nm_drive_call2(L, 1) : nm_drive_call(L, 1);
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
static int goes_on_narrower(struct nm_flight_job *f, struct nm_flight_slot *s) {
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

static struct nm_flight_slot *slot_of(struct nm_mail *m) {
  return (struct nm_flight_slot *)(void *)m;
}

/* By all its recipients: there is nothing more to be done for it. */
static int is_accepted(const struct nm_flight_slot *s) {
  return s->sent.error.code == 0 && s->sent.txn.outcome == NM_OUTCOME_ACCEPTED;
}

/* Those before the next other result, of a plain flight: they are released, and no more in the table at index 2. Returns how many. */
static int count_accepted(lua_State *L, struct nm_flight_job *f) {
  int n = 0;
  while (f->is_plain && f->flight.done.first != NULL && is_accepted(slot_of(f->flight.done.first))) {
    struct nm_flight_slot *s = slot_of(f->flight.done.first);
    lua_pushnil(L);
    lua_rawseti(L, 2, s->number); /* the first that is done with it: this may raise */
    (void)nm_flight_take(&f->flight);
    nm_flight_release_slot(f, s);
    n++;
  }
  return n;
}

/* What lies before the next result that is nobody's but ours. NULL: none is there. */
static struct nm_flight_slot *next_over(struct nm_flight_job *f) {
  struct nm_mail *m;
  if (f->given != NULL) {
    return f->given;
  }
  while ((m = nm_flight_take(&f->flight)) != NULL) {
    struct nm_flight_slot *s = slot_of(m);
    if (!goes_on_narrower(f, s)) {
      s->state = NM_SLOT_OVER;
      f->given = s;
      return s;
    }
  }
  return NULL;
}

/* Its number, and what Send would have returned. */
static int push_over(lua_State *L, struct nm_flight_job *f, struct nm_flight_slot *s) {
  struct nm_result r = {f->client, &s->sent, s->begin, nm_buf_str(&s->message.now.id), &s->message.env};
  lua_pushinteger(L, s->number);
  int pushed = nm_result_push(L, &r);
  if (f->given == s) {
    f->given = NULL;
  }
  if (is_accepted(s)) {
    nm_flight_release_slot(f, s);
  }
  return 1 + pushed;
}

int nm_flight_give(lua_State *L, struct nm_flight_job *f, struct nm_flight_slot *s) {
  push_mark(L, &done);
  return 1 + push_over(L, f, s);
}

static int give_count(lua_State *L, int n) {
  push_mark(L, &accepted);
  lua_pushinteger(L, n);
  return 2;
}

static int64_t turn_left(const struct nm_flight_job *f) {
  if (f->turn_end == 0) {
    return -1;
  }
  int64_t left = f->turn_end - nm_clock_ms();
  return left > 0 ? left : 0;
}

/* waits, and the ms after which to come back in any case. */
static int rest(lua_State *L, struct nm_flight_job *f) {
  int ms = f->is_watched ? nm_flight_rest(&f->flight, f->wakes_in) : nm_flight_left(&f->flight);
  push_mark(L, &waits);
  lua_pushinteger(L, ms);
  return 2;
}

/* Until a function is to be called, messages are over, or there is nothing but to wait. */
static int go_on(lua_State *L, struct nm_flight_job *f) {
  int has_stepped = 0;
  for (;;) {
    struct nm_line *line;
    if (nm_call_push_tracer(L, f->client)) {
      return call(L, f, NM_CALLED_TRACER, NULL);
    }
    int n_accepted = count_accepted(L, f);
    if (n_accepted > 0) {
      return give_count(L, n_accepted);
    }
    struct nm_flight_slot *s = next_over(f);
    if (s != NULL) {
      return nm_flight_give(L, f, s);
    }
    enum nm_need need = nm_flight_need(&f->flight, &line);
    if (has_stepped && (need == NM_NEED_LINE || turn_left(f) == 0)) {
      return rest(L, f);
    }
    if (line != NULL && serve(L, line, need)) {
      return call(L, f, need == NM_NEED_SECRET ? NM_CALLED_GIVER : NM_CALLED_CONTENT, line);
    }
    nm_flight_step(&f->flight, turn_left(f));
    has_stepped = 1;
  }
}

/* (flight): number and result of the next message, if it is what run would give next, and all have accepted it; nothing otherwise. Who wants to
   be told of each line is told by run. */
static int another(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  struct nm_mail *next = f->flight.done.first;
  int is_next = f->given == NULL && next != NULL && is_accepted(slot_of(next)) && f->flight.ended.code == 0 &&
                f->client->trace == NULL;
  return is_next ? push_over(L, f, next_over(f)) : 0;
}

/* Index 2 is the table of messages by number, where the flight is plain. */
static void check_messages(lua_State *L, const struct nm_flight_job *f) {
  if (f->is_plain) {
    luaL_checktype(L, 2, LUA_TTABLE);
  }
}

/* (flight, messages by number or nil, budget in ms or nil, ms or nil after which the descriptor is to become readable in any case) */
static int run(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  check_messages(L, f);
  f->wakes_in = lua_isnoneornil(L, 4) ? INT_MAX : (int)nm_check_integer(L, 4, "the time", 0, INT_MAX);
  int64_t budget = lua_isnoneornil(L, 3) ? -1 : nm_check_integer(L, 3, "the budget", 0, INT_MAX);
  lua_settop(L, 2);
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

/* Stack: 1 the flight, 2 as of run, 3 whether the call succeeded, 4 and so on its results. */
int nm_flight_step_job(lua_State *L, struct nm_job *job) {
  struct nm_flight_job *f = (struct nm_flight_job *)(void *)job;
  check_messages(L, f);
  struct nm_line *by = f->called_by;
  int called = f->called;
  f->called = NM_CALLED_NONE;
  f->called_by = NULL;
  switch (called) {
    case NM_CALLED_TRACER:
      nm_call_take_tracer(L, f->client, 3);
      break;
    case NM_CALLED_GIVER:
      take_secret(L, by);
      break;
    case NM_CALLED_CONTENT:
      nm_content_answer(L, feed_of(by), 3);
      nm_line_resume(by);
      break;
    default:
      break;
  }
  lua_settop(L, 2);
  return go_on(L, f);
}

void nm_flight_add_run_functions(lua_State *L) {
  static const luaL_Reg functions[] = {{"run", run}, {"another", another}, {NULL, NULL}};
  nm_set_functions(L, functions);
  push_mark(L, &waits);
  lua_setfield(L, -2, "waits");
  push_mark(L, &done);
  lua_setfield(L, -2, "done");
  push_mark(L, &accepted);
  lua_setfield(L, -2, "accepted");
}
