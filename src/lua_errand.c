#include "lua_errand.h"

#include <stdint.h>

#include "lua_content.h"
#include "lua_load.h"
#include "lua_producer.h"
#include "mime/pieces.h"

enum { CALLED_NONE, CALLED_TRACER, CALLED_GIVER, CALLED_CONTENT };

void nm_errand_release(struct nm_errand *e) {
  if (e->called == CALLED_TRACER) { /* it never came back */
    e->client->is_showing = 0;
  }
  nm_client_cancel(&e->sending, NULL);
  nm_sent_free(&e->sent);
  nm_client_unref(&e->client);
}

/* ---- the trace ---- */

static const char *const froms[] = {
    [NM_TRACE_CLIENT] = "client", [NM_TRACE_SERVER] = "server", [NM_TRACE_EVENT] = "event"};

/* The next line that is to be shown; 0: there is none. */
static int next_line(struct nm_client *c, enum nm_trace_from *from, struct nm_str *line) {
  while (c->trace != NULL && nm_trace_next(c->trace, from, line)) {
    if (c->tracer.what != NULL && (int)*from < c->trace_level) {
      return 1;
    }
  }
  return 0;
}

/* Pushes function and arguments; 0: nothing to show. A tracer that asks its own client for something would be called within itself,
   once for each line that waits. */
static int push_trace(lua_State *L, struct nm_errand *e) {
  enum nm_trace_from from;
  struct nm_str line;
  struct nm_error left_out = {0}; /* a room for words */
  struct nm_client *c = e->client;
  if (c->is_showing) {
    return 0;
  }
  if (!next_line(c, &from, &line)) {
    size_t n = c->tracer.what != NULL ? nm_trace_dropped(c->trace) : 0;
    if (n == 0) {
      return 0;
    }
    nm_error_set(&left_out, 0, NM_KIND_NONE, "%zu lines are not shown: there were too many at once", n);
    from = NM_TRACE_EVENT;
    line = nm_str_c(left_out.text);
  }
  nm_producer_push(L, c->tracer.what);
  lua_pushstring(L, froms[from]);
  nm_push_str(L, line);
  return 1;
}

/* What it returns is nobody's business. One that raises is taken away: who only looks on must not make a mail that was accepted look
   like one that was not. */
static void take_trace(lua_State *L, struct nm_errand *e) {
  e->client->is_showing = 0;
  nm_pace_rest(&e->pace);
  if (!lua_toboolean(L, 3)) {
    (void)nm_client_set_tracer(e->client, NULL, NULL);
    nm_producers_sweep(L);
  }
}

/* ---- the password ---- */

static const char *secret_name(const struct nm_credential *c) {
  return c->is_token ? "Token" : "Password";
}

static void fail(struct nm_errand *e, const char *what, const char *why) {
  struct nm_error error;
  int is_again;
  const struct nm_credential *c = nm_connect_giver(&e->sending.connecting, &is_again);
  nm_error_set(&error, NM_EINVAL, NM_KIND_AUTH, "no %s for %s as %s: %s%s", secret_name(c),
               NM_PLACE(e->client), c->user.n > 0 ? c->user.p : "(no UserName)", what, why);
  nm_client_cancel(&e->sending, &error);
}

static void push_giver(lua_State *L, const struct nm_errand *e) {
  int is_again;
  const struct nm_credential *c = nm_connect_giver(&e->sending.connecting, &is_again);
  nm_producer_push(L, c->giver.what);
  lua_pushboolean(L, is_again);
}

static const char *words_at(lua_State *L, int i) {
  return lua_type(L, i) == LUA_TSTRING ? lua_tostring(L, i) : "no reason was given";
}

static void take_secret(lua_State *L, struct nm_errand *e) {
  struct nm_error error = {0};
  if (nm_client_need(&e->sending) != NM_NEED_SECRET) {
    return; /* closed meanwhile */
  }
  if (!lua_toboolean(L, 3)) {
    fail(e, "its function failed: ", words_at(L, 4));
  } else if (lua_isnoneornil(L, 4)) {
    fail(e, "its function gave none: ", words_at(L, 5));
  } else if (lua_type(L, 4) != LUA_TSTRING) {
    fail(e, "its function gave something else than a string: ", luaL_typename(L, 4));
  } else {
    size_t n;
    const char *p = lua_tolstring(L, 4, &n);
    if (nm_credential_check_secret("Password", nm_str(p, n), &error) != 0) {
      fail(e, "what its function gave cannot be used: ", error.text);
    } else {
      nm_client_give_secret(&e->sending, nm_str(p, n));
    }
  }
}

/* ---- between two steps ---- */

static struct nm_feed *waiting(const struct nm_errand *e) {
  return e->source != NULL ? nm_pieces_waiting(e->source) : NULL;
}

static int call(lua_State *L, struct nm_errand *e, int i, int what) {
  e->called = what;
  e->client->is_showing = e->client->is_showing || what == CALLED_TRACER;
  return what == CALLED_TRACER ? nm_drive_call2(L, i) : nm_drive_call(L, i);
}

static int step(lua_State *L, struct nm_job *job);

/* Nobody else has these addresses. */
static const char waits = 0, done = 0;

void nm_errand_push_waits(lua_State *L) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)&waits);
}

void nm_errand_push_done(lua_State *L) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)&done);
}

static int rest(lua_State *L, struct nm_errand *e) {
  nm_errand_push_waits(L);
  lua_pushinteger(L, nm_client_rest(&e->sending));
  return 2;
}

static int end(lua_State *L, struct nm_errand *e, int i) {
  i = lua_absindex(L, i);
  if (e->is_task) {
    nm_errand_push_done(L);
  }
  int pushed = e->finish(L, e) + e->is_task;
  nm_scratch_release(L, i);
  return pushed;
}

int nm_errand_end(lua_State *L, struct nm_errand *e, int i, int err) {
  e->err = err;
  return end(L, e, i);
}

int nm_errand_run(lua_State *L, struct nm_errand *e, int i, int err) {
  e->job.step = step;
  e->err = err;
  for (;;) {
    if (e->err < 0 && e->retry != NULL) {
      e->err = e->retry(e);
    }
    if (push_trace(L, e)) {
      return call(L, e, i, CALLED_TRACER);
    }
    if (e->err != NM_AGAIN) {
      break;
    }
    switch (nm_client_need(&e->sending)) {
      case NM_NEED_SECRET:
        push_giver(L, e);
        return call(L, e, i, CALLED_GIVER);
      case NM_NEED_CONTENT:
        if (nm_content_ask(L, waiting(e))) {
          return call(L, e, i, CALLED_CONTENT);
        }
        break;
      case NM_NEED_CRYPTO:
        e->client->binding = nm_load_binding(L);
        e->client->digest = nm_load_digest(L);
        break;
      case NM_NEED_LINE:
        if (e->is_task) {
          return rest(L, e);
        }
        nm_client_wait(&e->sending);
        break;
      case NM_NEED_TURN:
        return rest(L, e);
      case NM_NEED_NOTHING:
        break;
    }
    e->err = nm_client_step(&e->sending);
  }
  return end(L, e, i);
}

/* Stack: 1 the job, 2 the method's argument, 3 whether the call succeeded, 4 and so on its results. */
static int step(lua_State *L, struct nm_job *job) {
  struct nm_errand *e = (struct nm_errand *)(void *)job;
  int called = e->called;
  e->called = CALLED_NONE;
  switch (called) {
    case CALLED_TRACER:
      take_trace(L, e);
      return nm_errand_run(L, e, 1, e->err);
    case CALLED_GIVER:
      take_secret(L, e);
      break;
    case CALLED_CONTENT:
      nm_content_answer(L, waiting(e), 3);
      break;
    default:
      break;
  }
  return nm_errand_run(L, e, 1, nm_client_step(&e->sending));
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
  return nm_errand_run(L, e, 2, 0);
}
