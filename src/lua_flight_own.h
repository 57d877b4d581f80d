#ifndef NM_LUA_FLIGHT_OWN_H
#define NM_LUA_FLIGHT_OWN_H

#include "flight.h"
#include "lua_drive.h"
#include "outgoing.h"

/* Between lua_flight*.c and lua_task.c: a flight as Lua has it. */

enum { NM_CALLED_NONE, NM_CALLED_TRACER, NM_CALLED_GIVER, NM_CALLED_CONTENT };

/* What one message owns from put to release. Lua knows it by its number. */
struct nm_flight_slot {
  struct nm_mail mail; /* first */
  struct nm_outgoing message;
  struct nm_sent sent;
  int64_t begin;
  int number;
  enum { NM_SLOT_FREE, NM_SLOT_BEGUN, NM_SLOT_ON_WAY, NM_SLOT_OVER } state; /* BEGUN: free, but not empty */
  struct nm_flight_slot *next_free;
};

struct nm_flight_job {
  struct nm_job job; /* first */
  struct nm_client *client;
  struct nm_flight flight;       /* planned; its client NULL: it has not begun */
  struct nm_flight_slot **slots; /* as many as were ever needed at once */
  int n_slots;
  struct nm_flight_slot *free;
  struct nm_flight_slot *given; /* over, but its tables are not made yet: that may fail; NULL: none */
  int called;                   /* which function was called last */
  struct nm_line *called_by;    /* the line that it was called for */
  int64_t turn_end;             /* ms; 0: none */
  int is_watched; /* by an event loop: it is a task's, and counts as one of its client's errands */
  int is_plain;   /* of messages that all have accepted nobody asks more than how many they are */
  int wakes_in;   /* ms after which it is to be woken in any case */
};

NM_HIDDEN_BEGIN

/* Raises when it is over. */
struct nm_flight_job *nm_flight_job_at(lua_State *L, int i);

/* lua_flight_run.c */
/* Of its job (lua_drive.h). */
int nm_flight_step_job(lua_State *L, struct nm_job *job);
/* For `return`, of one that is over: done, its number, and what Send would have returned. When all have accepted it, it is released. */
int nm_flight_give(lua_State *L, struct nm_flight_job *f, struct nm_flight_slot *s);
/* The function that is at work is not waited for any more. */
void nm_flight_forget_call(struct nm_flight_job *f);
/* run, and the marks that it returns first, of the table on the top of the stack. */
void nm_flight_add_run_functions(lua_State *L);

/* lua_flight_slot.c */
/* An empty one, which stays free until it is launched. Raises when there is no memory. */
struct nm_flight_slot *nm_flight_free_slot(lua_State *L, struct nm_flight_job *f);
/* Nothing more is to be put: there is no room, or there are messages that are over, and are to be given back first. */
int nm_flight_is_full(const struct nm_flight_job *f);
/* Its message, begun at s->begin, is handed in; the Deadline is patience ms, or 0. s->sent.error says what is wrong with it already.
   For `return`: its number, and whether the flight is full. */
int nm_flight_launch(lua_State *L, struct nm_flight_job *f, struct nm_flight_slot *s, int64_t patience,
                     size_t rcpt_max);
/* It is over, and free for the next message. */
void nm_flight_release_slot(struct nm_flight_job *f, struct nm_flight_slot *s);
/* The one of that number, in that state; raises otherwise. */
struct nm_flight_slot *nm_flight_slot_at(lua_State *L, const struct nm_flight_job *f, int i, int state);
void nm_flight_free_slots(struct nm_flight_job *f);
/* put, again, last_try and release, of the table on the top of the stack. */
void nm_flight_add_slot_functions(lua_State *L);

/* lua_task.c: what tasks need beside. */
void nm_task_add_functions(lua_State *L);

NM_HIDDEN_END

#endif
