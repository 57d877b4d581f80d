/* Messages of tasks (lua/netmail/sends.lua): taken when the task is made, and waiting, as small as they can be, until a flight has room for
   them. Further functions of the kit of lua_flight.c. */

#include "base/clock.h"
#include "lua_client.h"
#include "lua_errand.h"
#include "lua_flight_own.h"
#include "lua_message.h"
#include "lua_result.h"
#include "lua_send.h"
#include "send.h"

/* A scratch of Lua's. It owns the message until a slot does. */
struct waiting {
  struct nm_outgoing message;
  int64_t begin;
  int64_t patience; /* ms of the Deadline; 0: none */
  size_t rcpt_max;
};

static void release(void *memory) {
  struct waiting *w = memory;
  nm_outgoing_free(&w->message);
}

/* For `return`: it never came to be sent. */
static int give_failure(lua_State *L, const struct nm_client *c, const struct waiting *w,
                        const struct nm_sent *sent) {
  struct nm_result r = {c, sent, w->begin, nm_buf_str(&w->message.now.id), &w->message.env};
  return nm_result_push(L, &r);
}

/* (client, message, options or nil): what waits, and the moment of its Deadline, or nil; a message that cannot be sent: nil, text, detail. */
static int take(lua_State *L) {
  lua_settop(L, 3);
  nm_send_check(L, "SendAsync");
  struct waiting *w = nm_scratch(L, sizeof *w, release);
  struct nm_sent sent = {0};
  struct nm_client *c = nm_class_check(L, &nm_client_class, 1);
  nm_send_read_options(L, 3, c->options, &w->message.options, &sent.error);
  /* Behind the last allocation before the work: it may have finalized them, in a state that closes. */
  nm_send_check(L, "SendAsync");
  c = nm_class_check(L, &nm_client_class, 1);
  *w = (struct waiting){
      .message = w->message, .begin = nm_clock_ms(), .patience = c->deadline, .rcpt_max = c->rcpt_max};
  if (sent.error.code != 0 || nm_outgoing_take(&w->message, c, nm_message_at(L, 2), &sent.error) != 0) {
    return give_failure(L, c, w, &sent);
  }
  if (w->patience > 0) {
    lua_pushnumber(L, (lua_Number)(w->begin + w->patience));
    return 2;
  }
  return 1;
}

static struct waiting *waiting_at(lua_State *L, int i) {
  struct waiting *w = nm_scratch_at(L, i);
  if (w == NULL || w->message.content == NULL) {
    luaL_error(L, "this message waits no more");
  }
  return w;
}

/* (flight, what waits): as put. */
static int put_waiting(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  struct waiting *w = waiting_at(L, 2);
  struct nm_flight_slot *s = nm_flight_free_slot(L, f);
  nm_outgoing_free(&s->message);
  s->message = w->message; /* nothing points into it but itself, by what is allocated */
  s->begin = w->begin;
  w->message = (struct nm_outgoing){0};
  return nm_flight_launch(L, f, s, w->patience, w->rcpt_max);
}

/* Why a message ends that nobody waits for any more: its Deadline is over, or somebody says so. */
static void say_why(int64_t begin, int64_t patience, const char *text, struct nm_error *e) {
  if (patience > 0 && nm_clock_ms() >= begin + patience) {
    (void)nm_mail_too_late(&(struct nm_mail){.patience = patience}, e);
  } else {
    nm_error_set(e, NM_EINVAL, NM_KIND_CANCELLED, "%s", text);
  }
}

/* (flight, what waits, text): it waits no more. What Send would have returned. */
static int drop(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  struct waiting *w = waiting_at(L, 2);
  struct nm_sent sent = {.place = f->flight.place};
  say_why(w->begin, w->patience, luaL_checkstring(L, 3), &sent.error);
  int pushed = give_failure(L, f->client, w, &sent);
  nm_scratch_release(L, 2);
  return pushed;
}

/* Whether the function that is at work is for this message, as far as anybody knows: one that gives a password is for those that wait for a
   line. */
static int is_called_for(const struct nm_flight_job *f, const struct nm_mail *m) {
  switch (f->called) {
    case NM_CALLED_TRACER:
      return 1;
    case NM_CALLED_GIVER:
      return m->list == &f->flight.queue;
    case NM_CALLED_CONTENT:
      return m->list == &f->called_by->mails;
    default:
      return 0;
  }
}

/* (flight, number, text): ends one that is on its way. The same as run when it is over; and before that, whether the function that was at
   work has nobody left who waits for it. */
static int cancel_one(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  struct nm_flight_slot *s = nm_flight_slot_at(L, f, 2, NM_SLOT_ON_WAY);
  struct nm_error why;
  say_why(s->begin, s->mail.patience, luaL_checkstring(L, 3), &why);
  int is_freed = is_called_for(f, &s->mail);
  if (is_freed && f->called == NM_CALLED_GIVER) {
    nm_line_cancel(f->called_by, NULL);
  }
  if (is_freed) {
    nm_flight_forget_call(f);
  }
  nm_flight_cancel_mail(&f->flight, &s->mail, &why);
  s->state = NM_SLOT_OVER;
  lua_pushboolean(L, is_freed);
  return 1 + nm_flight_give(L, f, s);
}

/* (flight): as said; the function that is at work, if any, is for nobody. */
static int forget_call(lua_State *L) {
  nm_flight_forget_call(nm_flight_job_at(L, 1));
  return 0;
}

/* (flight): what was on its way when the client was closed has been given; it begins anew for the others. As begin. */
static int stop(lua_State *L) {
  nm_flight_stop(&nm_flight_job_at(L, 1)->flight);
  return 0;
}

/* (flight, client): whether a message of the client, as that is now, may be one of the flight's. */
static int fits(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  const struct nm_client *c = nm_class_check(L, &nm_client_class, 2);
  lua_pushboolean(L, c == f->client && nm_flight_fits(&f->flight, c));
  return 1;
}

/* (flight, ms): the descriptor is to become readable after that. */
static int nudge(lua_State *L) {
  nm_client_alarm(nm_flight_job_at(L, 1)->client, (int)nm_check_integer(L, 2, "the time", 0, 0x7fffffff));
  return 0;
}

void nm_task_add_functions(lua_State *L) {
  static const luaL_Reg functions[] = {{"take", take},
                                       {"put_waiting", put_waiting},
                                       {"drop", drop},
                                       {"cancel_one", cancel_one},
                                       {"stop", stop},
                                       {"forget_call", forget_call},
                                       {"fits", fits},
                                       {"nudge", nudge},
                                       {"set_forerunner", nm_errand_set_forerunner},
                                       {NULL, NULL}};
  nm_set_functions(L, functions);
}
