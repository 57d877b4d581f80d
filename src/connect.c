#include "connect.h"

#include "base/clock.h"
#include "kept.h"
#include "pump.h"
#include "smtp/sasl_choice.h"

/* Connecting as a machine of few states: see enum nm_connect_state. Everything that may take time, or is Lua's, is the caller's. */

void nm_connect_need(struct nm_connecting *k, enum nm_need need) {
  k->need = need;
}

static void let_go(struct nm_connecting *k) {
  k->state = NM_CONNECT_OVER;
  nm_logins_free(&k->logins);
  nm_dialogue_free(&k->said);
  nm_auth_free(&k->auth);
  nm_buf_free(&k->key);
  nm_buf_free(&k->secret);
}

int nm_connect_fail(struct nm_connecting *k, int code) {
  struct nm_client *c = k->client;
  code = nm_dialogue_explain(&k->said, &k->out->place, code, &k->out->error);
  nm_kept_hang_up(c);
  return code;
}

/* The connection is the client's, with all that made it. */
static void keep(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  k->out->error = (struct nm_error){0};
  nm_buf_free(&c->key);
  c->key = k->key;
  k->key = (struct nm_buf){.max = c->key.max, .secret = 1};
  for (size_t i = 0; i < k->logins.n; i++) {
    struct nm_credential *credential = k->logins.ways[i].credential;
    c->users[i] = credential != NULL ? nm_credential_ref(credential) : NULL;
  }
  c->pid = nm_process_id(c->process);
  c->lives_since = c->rests_since = nm_clock_ms();
}

/* The end, one way or the other. */
static int finish(struct nm_connecting *k, int err) {
  struct nm_client *c = k->client;
  if (err != 0) {
    nm_kept_drop(c);
    if (k->said.last.code >= 400) { /* else the last word was friendly, and the fault is ours to name */
      (void)nm_reply_copy(&k->out->reply, &k->said.last);
    }
    k->out->command = k->said.command;
  } else if (k->fresh) {
    keep(k);
  }
  let_go(k);
  return err;
}

int nm_connect_check(struct nm_connecting *k) {
  struct nm_buf key = {.max = k->client->key.max, .secret = 1};
  int err = nm_kept_key(k->client, &k->logins, &key);
  if (err != 0) {
    err = nm_error_nomem(&k->out->error);
  } else if (!nm_str_eq(nm_buf_str(&key), nm_buf_str(&k->key))) {
    err = nm_error_set(&k->out->error, NM_EINVAL, NM_KIND_CANCELLED,
                       "the client's properties were changed while it connected; send again");
  }
  nm_buf_free(&key);
  return err;
}

/* ---- the dial ---- */

static int all_foreign(const struct nm_logins *l) {
  for (size_t i = 0; i < l->n; i++) {
    if (!nm_login_is_foreign(&l->ways[i])) {
      return 0;
    }
  }
  return l->n > 0;
}

/* Without a login first, so that no password leaves before the engine has seen what is offered. Where only libcurl can log in, one dial
   does both. */
static int dial(struct nm_connecting *k) {
  const struct nm_login *way = all_foreign(&k->logins) ? &k->logins.ways[k->i] : NULL;
  if (way != NULL && way->credential != NULL && way->credential->giver.what != NULL && !k->has_secret) {
    nm_connect_need(k, NM_NEED_SECRET);
    return NM_AGAIN;
  }
  int err = nm_connect_dial(k, way);
  return err == 0 ? NM_AGAIN : nm_connect_fail(k, err);
}

/* A login by libcurl that did not come about, for want of the mechanism: another way may do. */
static int next_way(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  unsigned wanted = k->said.way->mechs;
  int is_offered = nm_caps_has_auth(&k->said.caps, nm_sasl_name(wanted));
  int code = nm_dialogue_no_auth(&k->said, &k->out->place, &k->said.caps, wanted, &k->out->error);
  nm_kept_hang_up(c);
  nm_connect_next_way(k);
  if (is_offered || k->i == k->logins.n) {
    return code;
  }
  k->state = NM_CONNECT_CHOOSE;
  return NM_AGAIN;
}

/* The dial is over. */
static int dialled(struct nm_connecting *k, int err) {
  struct nm_client *c = k->client;
  const struct nm_login *way = k->said.way;
  int is_refused = err != 0 && way != NULL && k->out->error.kind == NM_KIND_AUTH;
  if (is_refused && !nm_caps_has_auth(&k->said.caps, nm_sasl_name(way->mechs))) {
    return next_way(k);
  }
  if (is_refused && k->said.last.code == 535 && nm_connect_may_ask_again(k)) {
    return nm_connect_ask_again(k);
  }
  if (err != 0) {
    return nm_connect_fail(k, err);
  }
  if (way != NULL && !k->said.authenticated) {
    return next_way(k);
  }
  k->is_logged_in = way != NULL;
  c->mechanism = way != NULL ? way->mechs : 0;
  return NM_AGAIN;
}

/* ---- the engine's turn ---- */

/* A server that begins with TLS waits for us to do so, and says nothing. */
static const char *awaited(const struct nm_connecting *k) {
  if (!nm_session_is_unheard(k->client->session)) {
    return "the server's words";
  }
  return k->security.tls == NM_TLS_NONE && k->out->place.port != 0
             ? "the server's greeting (if it begins with TLS on this port, set EnableSsl and ImplicitTls)"
             : "the server's greeting";
}

static int lose_time(struct nm_connecting *k) {
  struct nm_error over = {0};
  nm_pace_over(k->pace, awaited(k), &over);
  nm_session_lost(k->client->session, &over);
  return 1;
}

/* Who watches sees them now, however quick the server is, and may change the client. */
static int has_lines(const struct nm_connecting *k) {
  return nm_trace_has_lines(nm_client_trace(k->client));
}

/* 1: it has come to an end. */
static int talk(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  struct nm_io *io = c->api->conn_io(c->conn);
  while (nm_session_state(c->session) == NM_SESSION_TALKING) {
    int moved = nm_pump(c->session, io);
    if (nm_session_state(c->session) != NM_SESSION_TALKING) {
      return 1;
    }
    if (nm_pace_left(k->pace, nm_session_progress(c->session)) == 0) {
      return lose_time(k);
    }
    if (!moved || nm_pace_turn_is_over(k->pace)) {
      nm_connect_need(k, moved ? NM_NEED_TURN : NM_NEED_LINE);
      return 0;
    }
    if (has_lines(k)) {
      return 0;
    }
  }
  return 1;
}

/* The handshake of a bare line is over, one way or another. */
static int said_hello(struct nm_connecting *k, const struct nm_talk_result *r) {
  k->out->dial.ready += (nm_clock_ms() - k->hello_since) * 1000;
  nm_dialogue_take(&k->said, r);
  if (r->error.code != 0) {
    k->out->error = r->error;
    if (r->error.code == NM_EIO) {
      (void)k->client->api->conn_loss(k->client->conn, &k->out->error);
    }
    return nm_connect_fail(k, k->out->error.code);
  }
  k->state = NM_CONNECT_CHOOSE;
  return NM_AGAIN;
}

static int talked(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  const struct nm_talk_result *r = nm_session_talk_result(c->session);
  if (r->error.code == 0 && nm_session_state(c->session) == NM_SESSION_CLOSED) {
    /* It went well, and then the server said something that nobody had asked for. */
    k->out->error = *nm_session_error(c->session);
    nm_dialogue_take(&k->said, r);
    return nm_connect_fail(k, k->out->error.code);
  }
  return k->auth != NULL ? nm_connect_logged_in(k) : said_hello(k, r);
}

/* A function may have taken all the time there was: nobody is told then what it gave. What was waited for is there, and counts, however late
   it was looked for. */
static int check_time(struct nm_connecting *k) {
  nm_pace_rest(k->pace);
  return nm_pace_left(k->pace, k->pace->progress) > 0 ? 0
                                                      : nm_pace_over(k->pace, "the login", &k->out->error);
}

/* ---- steps ---- */

/* 0: all is done; NM_AGAIN: go on, or k->need says what is needed first; negative: it has failed. */
static int step(struct nm_connecting *k) {
  int err;
  switch (k->state) {
    case NM_CONNECT_CHOOSE:
      err = nm_connect_check(k);
      err = err == 0 ? check_time(k) : err;
      if (err != 0) {
        return nm_connect_fail(k, err);
      }
      if (k->client->conn == NULL) {
        return dial(k);
      }
      return k->is_logged_in ? 0 : nm_connect_login(k);
    case NM_CONNECT_DIAL:
      err = nm_connect_dial_step(k);
      return err == NM_AGAIN ? err : dialled(k, err);
    case NM_CONNECT_TALK:
      return talk(k) ? talked(k) : NM_AGAIN;
    case NM_CONNECT_OVER:
      break;
  }
  return k->out->error.code;
}

int nm_connect_step(struct nm_connecting *k) {
  int err;
  if (k->state == NM_CONNECT_OVER) {
    return k->out->error.code;
  }
  k->need = NM_NEED_NOTHING;
  if (k->secret.err != 0) { /* an empty one is not what was given */
    return finish(k, nm_error_nomem(&k->out->error));
  }
  do {
    err = step(k);
  } while (err == NM_AGAIN && k->need == NM_NEED_NOTHING && !has_lines(k));
  return err == NM_AGAIN ? err : finish(k, err);
}

static int take_key(struct nm_connecting *k) {
  int err = nm_login_find(k->client, &k->logins, &k->out->error);
  return err == 0 && nm_kept_key(k->client, &k->logins, &k->key) != 0 ? nm_error_nomem(&k->out->error) : err;
}

/* With whom all the transactions of one send are. */
static int take_place(struct nm_connecting *k) {
  struct nm_sent *out = k->out;
  int is_first = out->key.n == 0;
  if (is_first) {
    (void)nm_client_place(k->client, &out->place);
  }
  int err = take_key(k);
  if (is_first && err == 0) {
    out->key = (struct nm_buf){.max = k->key.max, .secret = 1};
    nm_buf_add_str(&out->key, nm_buf_str(&k->key));
    return out->key.err != 0 ? nm_error_nomem(&out->error) : 0;
  }
  if (is_first || err == NM_ENOMEM || (err == 0 && nm_str_eq(nm_buf_str(&out->key), nm_buf_str(&k->key)))) {
    return err;
  }
  return nm_error_set(&out->error, NM_EINVAL, NM_KIND_CANCELLED,
                      "the client's properties were changed while it sent, and the rest would go elsewhere");
}

int nm_connect_begin(struct nm_connecting *k, struct nm_client *c, struct nm_pace *pace,
                     struct nm_sent *out) {
  *k = (struct nm_connecting){.client = c,
                              .pace = pace,
                              .out = out,
                              .key = {.max = c->key.max, .secret = 1},
                              .secret = {.max = NM_SECRET_MAX, .secret = 1}};
  nm_kept_leave_parents(c);
  int err = take_place(k);
  if (err == 0 && nm_kept_is_usable(c, &k->key)) {
    nm_session_trace(c->session, nm_client_trace(c));
    return finish(k, 0);
  }
  k->fresh = 1;
  if (err == 0) {
    nm_kept_hang_up(c);
    err = nm_security_choose(c, &k->logins, &k->security, &out->error);
  }
  if (err != 0) {
    return finish(k, err);
  }
  k->state = NM_CONNECT_CHOOSE;
  return nm_connect_step(k);
}

int nm_connect_left(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  return nm_pace_left(k->pace, k->state == NM_CONNECT_DIAL ? c->api->dial_progress(c->conn)
                                                           : nm_session_progress(c->session));
}

void nm_connect_wait(struct nm_connecting *k, int ms) {
  struct nm_client *c = k->client;
  if (k->state != NM_CONNECT_DIAL && k->state != NM_CONNECT_TALK) {
    return;
  }
  int left = nm_connect_left(k);
  left = left < ms ? left : ms;
  if (k->state == NM_CONNECT_DIAL) {
    (void)c->api->dial_wait(c->conn, left);
  } else {
    nm_pump_wait(c->session, c->api->conn_io(c->conn), left);
  }
}

void nm_connect_cancel(struct nm_connecting *k, int politely) {
  if (k->state != NM_CONNECT_OVER) {
    if (politely) {
      nm_kept_hang_up(k->client);
    }
    nm_kept_drop(k->client);
    let_go(k);
  }
}
