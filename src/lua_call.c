#include "lua_call.h"

#include "lua_load.h"
#include "lua_producer.h"

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

/* A tracer that asks its own client for something would be called within itself, once for each line that waits. */
int nm_call_push_tracer(lua_State *L, struct nm_client *c) {
  enum nm_trace_from from;
  struct nm_str line;
  struct nm_error left_out = {0}; /* a room for words */
  if (c->trace == NULL || c->is_showing) {
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
  c->is_showing = 1;
  return 1;
}

/* What it returns is nobody's business. One that raises is taken away: who only looks on must not make a mail that was accepted look
   like one that was not. */
void nm_call_take_tracer(lua_State *L, struct nm_client *c, int at) {
  c->is_showing = 0;
  if (!lua_toboolean(L, at)) {
    (void)nm_client_set_tracer(c, NULL, NULL);
    nm_producers_sweep(L);
  }
}

void nm_call_forget_tracer(struct nm_client *c) {
  c->is_showing = 0;
}

/* ---- the password ---- */

static const char *secret_name(const struct nm_credential *c) {
  return c->is_token ? "Token" : "Password";
}

static int fail(const struct nm_connecting *k, const char *what, const char *why, struct nm_error *e) {
  int is_again;
  const struct nm_credential *c = nm_connect_giver(k, &is_again);
  return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "no %s for %s as %s: %s%s", secret_name(c),
                      k->out->place.text, c->user.n > 0 ? c->user.p : "(no UserName)", what, why);
}

void nm_call_push_giver(lua_State *L, const struct nm_connecting *k) {
  int is_again;
  const struct nm_credential *c = nm_connect_giver(k, &is_again);
  nm_producer_push(L, c->giver.what);
  lua_pushboolean(L, is_again);
}

static const char *words_at(lua_State *L, int i) {
  return lua_type(L, i) == LUA_TSTRING ? lua_tostring(L, i) : "no reason was given";
}

int nm_call_take_secret(lua_State *L, struct nm_connecting *k, int at, struct nm_error *e) {
  if (!lua_toboolean(L, at)) {
    return fail(k, "its function failed: ", words_at(L, at + 1), e);
  }
  if (lua_isnoneornil(L, at + 1)) {
    return fail(k, "its function gave none: ", words_at(L, at + 2), e);
  }
  if (lua_type(L, at + 1) != LUA_TSTRING) {
    return fail(k, "its function gave something else than a string: ", luaL_typename(L, at + 1), e);
  }
  size_t n;
  const char *p = lua_tolstring(L, at + 1, &n);
  struct nm_error why;
  if (nm_credential_check_secret("Password", nm_str(p, n), &why) != 0) {
    return fail(k, "what its function gave cannot be used: ", why.text, e);
  }
  nm_connect_give_secret(k, nm_str(p, n));
  return 0;
}

/* ---- what lies in another shared object ---- */

void nm_call_load_crypto(lua_State *L, struct nm_client *c) {
  c->binding = nm_load_binding(L);
  c->digest = nm_load_digest(L);
}
