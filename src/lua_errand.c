#include "lua_errand.h"

#include <limits.h>

#include "base/clock.h"
#include "lua_call.h"
#include "lua_content.h"
#include "mime/pieces.h"

#define FORERUNNER "netmail.forerunner"

enum { CALLED_NONE, CALLED_FORERUNNER, CALLED_TRACER, CALLED_GIVER, CALLED_CONTENT };

void nm_errand_release(struct nm_errand *e) {
  if (e->called == CALLED_TRACER) {
    nm_call_forget_tracer(e->client);
  }
  nm_client_cancel(&e->sending, NULL);
  nm_sent_free(&e->sent);
  nm_client_unref(&e->client);
}

static void take_secret(lua_State *L, struct nm_errand *e) {
  struct nm_error error;
  if (nm_client_need(&e->sending) == NM_NEED_SECRET && /* else it was closed meanwhile */
      nm_call_take_secret(L, &e->sending.connecting, 3, &error) != 0) {
    nm_client_cancel(&e->sending, &error);
  }
}

/* ---- between two steps ---- */

static struct nm_feed *waiting(const struct nm_errand *e) {
  return e->source != NULL ? nm_pieces_waiting(e->source) : NULL;
}

static int call(lua_State *L, struct nm_errand *e, int i, int what) {
  e->called = what;
  return what == CALLED_TRACER || what == CALLED_FORERUNNER ? nm_drive_call2(L, i) : nm_drive_call(L, i);
}

static int end(lua_State *L, struct nm_errand *e, int i) {
  i = lua_absindex(L, i);
  int pushed = e->finish(L, e);
  nm_scratch_release(L, i);
  return pushed;
}

/* Until a function is to be called, or it is over. err: as nm_client_begin returned it. */
static int run(lua_State *L, struct nm_errand *e, int i, int err) {
  e->err = err;
  for (;;) {
    if (e->err < 0 && e->retry != NULL) {
      e->err = e->retry(e);
    }
    if (nm_call_push_tracer(L, e->client)) {
      return call(L, e, i, CALLED_TRACER);
    }
    if (e->err != NM_AGAIN) {
      break;
    }
    switch (nm_client_need(&e->sending)) {
      case NM_NEED_SECRET:
        nm_call_push_giver(L, &e->sending.connecting);
        return call(L, e, i, CALLED_GIVER);
      case NM_NEED_CONTENT:
        if (nm_content_ask(L, waiting(e))) {
          return call(L, e, i, CALLED_CONTENT);
        }
        break;
      case NM_NEED_CRYPTO:
        nm_call_load_crypto(L, e->sending.via);
        break;
      case NM_NEED_LINE:
        nm_client_wait(&e->sending);
        break;
      case NM_NEED_TURN: /* nobody has asked for one */
      case NM_NEED_NOTHING:
        break;
    }
    e->err = nm_client_step(&e->sending);
  }
  return end(L, e, i);
}

int nm_errand_set_forerunner(lua_State *L) {
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, FORERUNNER);
  return 0;
}

/* 1: the function and its arguments are on the top. */
static int push_forerunner(lua_State *L, struct nm_errand *e) {
  const struct nm_client *c = e->client;
  if (c->n_errands == 0 || c->sending != NULL || c->is_showing) {
    return 0;
  }
  lua_getfield(L, LUA_REGISTRYINDEX, FORERUNNER);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, c->deadline > 0 ? (lua_Integer)(e->pace.begin + c->deadline - nm_clock_ms()) : INT_MAX);
  return 1;
}

static int step(lua_State *L, struct nm_job *job);

int nm_errand_begin(lua_State *L, struct nm_errand *e, int i) {
  e->job.step = step;
  if (e->err == 0 && push_forerunner(L, e)) {
    return call(L, e, i, CALLED_FORERUNNER);
  }
  return run(L, e, i, e->err == 0 ? e->begin(L, e) : e->err);
}

/* It was the tasks' time, not the line's. */
static int follow(lua_State *L, struct nm_errand *e) {
  if (!lua_toboolean(L, 3)) {
    lua_settop(L, 4);
    return nm_drive_raise_value(L);
  }
  nm_pace_rest(&e->pace);
  int is_late = nm_pace_left(&e->pace, e->pace.progress) == 0;
  return run(L, e, 1,
             is_late ? nm_pace_over(&e->pace, "tasks that are sent before it", &e->sent.error)
                     : e->begin(L, e));
}

/* Stack: 1 the job, 2 the method's argument, 3 whether the call succeeded, 4 and so on its results. */
static int step(lua_State *L, struct nm_job *job) {
  struct nm_errand *e = (struct nm_errand *)(void *)job;
  int called = e->called;
  e->called = CALLED_NONE;
  switch (called) {
    case CALLED_FORERUNNER:
      return follow(L, e);
    case CALLED_TRACER:
      nm_call_take_tracer(L, e->client, 3);
      nm_pace_rest(&e->pace);
      return run(L, e, 1, e->err);
    case CALLED_GIVER:
      take_secret(L, e);
      break;
    case CALLED_CONTENT:
      nm_content_answer(L, waiting(e), 3);
      break;
    default:
      break;
  }
  return run(L, e, 1, nm_client_step(&e->sending));
}

static int show_nothing(lua_State *L, struct nm_errand *e) {
  (void)e;
  return nm_drive_nothing(L);
}

static void show_release(void *memory) {
  nm_errand_release(memory);
}

int nm_errand_show(lua_State *L) {
  struct nm_client *c = nm_class_test(L, &nm_client_class, 1);
  if (c == NULL || c->tracer.what == NULL) {
    return nm_drive_nothing(L);
  }
  lua_settop(L, 1);
  struct nm_errand *e = nm_scratch(L, sizeof *e, show_release);
  c = nm_class_test(L, &nm_client_class, 1); /* as for every errand */
  if (c == NULL) {
    return nm_drive_nothing(L);
  }
  e->client = nm_client_ref(c);
  e->finish = show_nothing;
  e->job.step = step;
  return run(L, e, 2, 0);
}
