/* The messages of a flight, as Lua knows them: by numbers, from put to release. */

#include "base/alloc.h"
#include "base/clock.h"
#include "lua_flight_own.h"
#include "lua_message.h"
#include "lua_send.h"

/* With small rooms for the next message. */
static void empty(struct nm_flight_slot *s) {
  nm_outgoing_reset(&s->message);
  nm_sent_free(&s->sent);
  nm_mail_clear(&s->mail);
  s->state = NM_SLOT_FREE;
}

void nm_flight_free_slots(struct nm_flight_job *f) {
  for (int i = 0; i < f->n_slots; i++) {
    empty(f->slots[i]);
    nm_outgoing_free(&f->slots[i]->message);
    nm_free(f->slots[i]);
  }
  nm_free(f->slots);
  f->slots = NULL;
  f->free = NULL;
  f->n_slots = 0;
}

static struct nm_flight_slot *new_slot(struct nm_flight_job *f) {
  struct nm_flight_slot **slots = nm_realloc_array(f->slots, (size_t)f->n_slots + 1, sizeof *slots);
  if (slots == NULL) {
    return NULL;
  }
  f->slots = slots;
  struct nm_flight_slot *s = nm_zalloc(sizeof *s);
  if (s != NULL) {
    slots[f->n_slots++] = s;
    s->number = f->n_slots;
  }
  return s;
}

/* An error of Lua's leaves it with nobody: it is in the list of free ones until it is filled. */
struct nm_flight_slot *nm_flight_free_slot(lua_State *L, struct nm_flight_job *f) {
  if (f->free == NULL) {
    f->free = new_slot(f);
  }
  if (f->free == NULL) {
    luaL_error(L, "out of memory");
  }
  if (f->free->state != NM_SLOT_FREE) {
    empty(f->free);
  }
  f->free->state = NM_SLOT_BEGUN;
  return f->free;
}

struct nm_flight_slot *nm_flight_slot_at(lua_State *L, const struct nm_flight_job *f, int i, int state) {
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= 1 && n <= f->n_slots) || (int)f->slots[(int)n - 1]->state != state) {
    luaL_error(L, "there is no such message in the flight");
  }
  return f->slots[(int)n - 1];
}

int nm_flight_is_full(const struct nm_flight_job *f) {
  return f->flight.done.n > 0 || nm_flight_room(&f->flight) == 0;
}

int nm_flight_launch(lua_State *L, struct nm_flight_job *f, struct nm_flight_slot *s, int64_t patience,
                     size_t rcpt_max) {
  f->free = s->next_free;
  s->next_free = NULL;
  s->state = NM_SLOT_ON_WAY;
  struct nm_mail *m = &s->mail; /* empty */
  m->env = &s->message.env;
  m->content = s->message.content;
  m->out = &s->sent;
  m->rcpt_max = rcpt_max;
  m->deadline = patience > 0 ? s->begin + patience : 0;
  m->patience = patience;
  nm_flight_add(&f->flight, m);
  lua_pushinteger(L, s->number);
  lua_pushboolean(L, nm_flight_is_full(f));
  return 2;
}

/* (flight, message, options or nil, whether also behind Close): its number, and whether the flight is full; nothing behind Close. What is
   wrong with the message becomes its result. */
static int put(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  if (f->flight.ended.code != 0 && !lua_toboolean(L, 4)) {
    return 0;
  }
  struct nm_flight_slot *s = nm_flight_free_slot(L, f);
  lua_settop(L, 3);
  nm_send_read_options(L, 3, f->client->options, &s->message.options, &s->sent.error);
  struct nm_message *m = nm_message_at(L, 2);
  if (m == NULL) {
    return luaL_error(L, "MailMessage expected, got %s", luaL_typename(L, 2));
  }
  s->begin = nm_clock_ms();
  if (s->sent.error.code == 0) {
    (void)nm_outgoing_take(&s->message, f->client, m, &s->sent.error);
  }
  return nm_flight_launch(L, f, s, f->client->deadline, f->client->rcpt_max);
}

/* (flight, number): one that is over goes once more to those who may still get it; false when there is nobody, or no way. And whether the
   flight is full. */
static int again(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  struct nm_flight_slot *s = nm_flight_slot_at(L, f, 2, NM_SLOT_OVER);
  int ok = s->message.content != NULL && nm_flight_add_again(&f->flight, &s->mail) == 0;
  s->state = ok ? NM_SLOT_ON_WAY : s->state;
  lua_pushboolean(L, ok);
  lua_pushboolean(L, nm_flight_is_full(f));
  return 2;
}

/* (flight, number): of one that is over: whether its last try came to a connection, and the moment of its Deadline, or nil. */
static int last_try(lua_State *L) {
  const struct nm_mail *m = &nm_flight_slot_at(L, nm_flight_job_at(L, 1), 2, NM_SLOT_OVER)->mail;
  lua_pushboolean(L, m->is_begun);
  if (m->deadline == 0) {
    return 1;
  }
  lua_pushnumber(L, (lua_Number)m->deadline);
  return 2;
}

void nm_flight_release_slot(struct nm_flight_job *f, struct nm_flight_slot *s) {
  empty(s);
  s->next_free = f->free;
  f->free = s;
}

/* (flight, number) */
static int release(lua_State *L) {
  struct nm_flight_job *f = nm_flight_job_at(L, 1);
  nm_flight_release_slot(f, nm_flight_slot_at(L, f, 2, NM_SLOT_OVER));
  return 0;
}

void nm_flight_add_slot_functions(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"put", put}, {"again", again}, {"last_try", last_try}, {"release", release}, {NULL, NULL}};
  nm_set_functions(L, functions);
}
