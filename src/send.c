#include "send.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "flight.h"
#include "kept.h"
#include "mime/pieces.h"
#include "pool.h"
#include "pump.h"
#include "send_dial.h"

/* What has passed since it was asked last was spent in the phase that it found then. */
static void measure(struct nm_sending *s, int phase) {
  int64_t now = nm_clock_ms();
  s->out->spent[s->phase] += now - s->since;
  s->since = now;
  s->phase = phase;
}

static int phase_of(const struct nm_session *s) {
  if (!nm_session_content_begun(s)) {
    return NM_PHASE_ENVELOPE;
  }
  return nm_session_handed_over(s) ? NM_PHASE_REPLY : NM_PHASE_CONTENT;
}

/* Until the transaction, or the question, is over, one way or another, or something is needed first (NM_AGAIN). The clock is asked
   at each turn: a server that is quick must not put off the Deadline. */
static int pump(struct nm_sending *s) {
  struct nm_client *c = s->via;
  struct nm_io *io = c->api->conn_io(c->conn);
  while (nm_pump_runs(c->session)) {
    int moved = nm_pump(c->session, io);
    measure(s, phase_of(c->session));
    int left = nm_pace_left(s->pace, nm_session_progress(c->session));
    if (!nm_pump_runs(c->session)) {
      return 0;
    }
    int want = nm_session_want(c->session);
    if (left == 0) {
      nm_pump_out_of_time(s->via->session, s->pace,
                          (want & NM_WANT_CONTENT) != 0 ? "the content" : "the server's words");
    } else if ((want & NM_WANT_CONTENT) != 0) {
      s->need = NM_NEED_CONTENT;
      return NM_AGAIN;
    } else if (!moved || nm_pace_turn_is_over(s->pace)) {
      s->need = moved ? NM_NEED_TURN : NM_NEED_LINE;
      return NM_AGAIN;
    } else if (nm_trace_has_lines(
                   nm_client_trace(c))) { /* who watches sees them now, however quick the server is */
      return NM_AGAIN;
    }
  }
  return 0;
}

/* The content was asked for its next bytes. When it took the whole Deadline for them, they come too late: handed to
   the server now, they would make an unknown outcome of one that is known. */
static void resume(struct nm_sending *s) {
  struct nm_client *c = s->via;
  if (nm_pieces_waiting(s->mail.content) == NULL) {
    s->n_idle = 0;
    nm_pace_rest(s->pace);
  } else if (s->n_idle < NM_IDLE_FREE) {
    s->n_idle++;
  } else {
    struct nm_io *io = c->api->conn_io(c->conn);
    (void)io->ops->wait(io, NM_IO_READ, NM_IDLE_REST_MS);
  }
  if (nm_pace_left(s->pace, nm_session_progress(c->session)) == 0) {
    nm_pump_out_of_time(s->via->session, s->pace, "the content");
  }
}

/* The kept line was dead, and nothing that counts was handed over: DESIGN.md 3.3 lets us dial again in silence. 421 to the
   first command is how a server says that it hung up a while ago. */
static int may_redial(const struct nm_client *c, int fresh, const struct nm_txn_result *r) {
  return !fresh && r->outcome == NM_OUTCOME_NOT_SENT && !nm_session_handed_over(c->session) &&
         (r->error.kind == NM_KIND_CONNECT || (r->reply.code == 421 && r->n_accepted == 0));
}

static int end(struct nm_sending *s) {
  struct nm_sent *out = s->out;
  if (s->mail.content != NULL) {
    nm_mail_end(&s->mail);
  }
  nm_buf_free(&s->argument);
  s->need = NM_NEED_NOTHING;
  s->client->sending = NULL;
  nm_client_unref(&s->as);
  nm_client_unref(&s->client);
  return out->error.code;
}

static int begin_transaction(struct nm_sending *s) {
  struct nm_client *c = s->via;
  if (nm_split_next(&s->mail.split, nm_session_caps(c->session)) != 1) {
    return NM_ELIMIT;
  }
  s->mail.split.part.is_idle = !s->fresh && nm_clock_ms() - c->rests_since > NM_REST_SHORT_MS;
  s->mail.split.part.is_lmtp = c->is_lmtp;
  s->mail.split.part.is_tls = c->is_secure;
  int is_off = nm_client_pipelining(s->client) == NM_PIPELINING_OFF;
  if (is_off != (nm_session_mode(c->session) == NM_PIPELINING_OFF)) {
    (void)nm_session_pipelining(c->session, is_off ? NM_PIPELINING_OFF : NM_PIPELINING_ENVELOPE);
  }
  /* What cannot be begun is a result too, and the session as good as before. */
  (void)nm_session_begin(c->session, &s->mail.split.part, s->mail.content);
  return 0;
}

/* Goes on from the connection: 0: it is there and spoken over. */
static int connected(struct nm_sending *s, int err) {
  measure(s, err == 0 ? NM_PHASE_ENVELOPE : NM_PHASE_CONNECT);
  if (err == NM_AGAIN) {
    s->need = s->connecting.need;
    return err;
  }
  if (err != 0) {
    if (s->mail.content != NULL) {
      nm_mail_stop(&s->mail);
    }
    return err;
  }
  s->fresh = s->connecting.fresh;
  s->is_connected = 1;
  nm_servers_note(&s->client->servers, s->server, 1, s->since);
  if (s->mail.content != NULL) {
    return begin_transaction(s);
  }
  (void)nm_session_command(s->via->session, s->verb, nm_buf_str(&s->argument));
  return 0;
}

static int start(struct nm_sending *s) {
  s->is_connected = 0;
  measure(s, NM_PHASE_CONNECT);
  return connected(s, nm_sending_dial(s));
}

/* The transaction is over. 1: it, or another for the recipients that are left, is to be run. */
static int take_result(struct nm_sending *s) {
  struct nm_client *c = s->via;
  struct nm_txn_result r;
  int again = may_redial(c, s->fresh, nm_session_result(c->session));
  nm_session_take_result(c->session, &r);
  c->rests_since = nm_clock_ms();
  if (nm_session_state(c->session) == NM_SESSION_CLOSED) {
    nm_kept_drop(c);
  }
  if (again && nm_source_rewind(s->mail.content) == 0) {
    nm_txn_result_free(&r);
    return 1;
  }
  return nm_mail_add(&s->mail, &r);
}

/* The question is answered. 1: it is to be asked again, on a new line. */
static int take_answer(struct nm_sending *s) {
  struct nm_client *c = s->via;
  struct nm_sent *out = s->out;
  const struct nm_talk_result *r = nm_session_talk_result(c->session);
  int is_closed = nm_session_state(c->session) == NM_SESSION_CLOSED;
  c->rests_since = nm_clock_ms();
  if (is_closed && !s->fresh && (r->error.kind == NM_KIND_CONNECT || r->reply.code == 421)) {
    nm_kept_drop(c);
    return 1;
  }
  (void)nm_reply_copy(&out->reply, &r->reply);
  out->command = r->command;
  if (r->error.code != 0) {
    nm_error_set(&out->error, r->error.code, r->error.kind, "%.*s (server %s)", NM_ERROR_TEXT_MAX / 2,
                 r->error.text, out->place.text);
  }
  if (is_closed) {
    nm_kept_drop(c);
  }
  return 0;
}

int nm_client_check_free(const struct nm_client *c, struct nm_error *e) {
  /* The tracer sees the last lines when all is over but the return. */
  if (c->sending == NULL && c->flight == NULL && !c->is_showing) {
    return 0;
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_CONNECT, "%s",
      c->flight != NULL ? "the client is sending another message: a task or a SendMany of its is not over; "
                          "wait for that, or use "
                          "another client"
                        : "the client is sending another message; wait until that Send has returned, or use "
                          "another client");
}

/* Takes the client. */
static int claim(struct nm_sending *s, struct nm_client *c, struct nm_pace *pace, struct nm_sent *out) {
  *s = (struct nm_sending){0};
  int err = nm_client_check_free(c, &out->error);
  if (err != 0) {
    return err;
  }
  *s = (struct nm_sending){
      .client = nm_client_ref(c), .via = c, .pace = pace, .out = out, .since = nm_clock_ms()};
  c->sending = s;
  return 0;
}

static int unclaim(struct nm_sending *s) {
  s->client->sending = NULL;
  nm_client_unref(&s->client);
  return nm_error_nomem(&s->out->error);
}

/* Until something is needed, or it is over. */
static int go_on(struct nm_sending *s, int err) {
  while (err == 0) {
    if (pump(s) == NM_AGAIN) {
      return NM_AGAIN;
    }
    if (!(s->mail.content != NULL ? take_result(s) : take_answer(s))) {
      break;
    }
    err = start(s);
  }
  return err == NM_AGAIN ? err : end(s);
}

int nm_client_begin(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                    struct nm_pace *pace, struct nm_sent *out, struct nm_sending *s) {
  int err = claim(s, c, pace, out);
  if (err != 0) {
    return err;
  }
  s->mail = (struct nm_mail){.env = env, .content = content, .out = out, .rcpt_max = c->rcpt_max};
  nm_mail_begin(&s->mail);
  return go_on(s, start(s));
}

int nm_client_ask(struct nm_client *c, enum nm_verb verb, struct nm_str argument, struct nm_pace *pace,
                  struct nm_sent *out, struct nm_sending *s) {
  int err = claim(s, c, pace, out);
  if (err != 0) {
    return err;
  }
  s->verb = verb;
  s->argument.max = argument.n;
  nm_buf_add_str(&s->argument, argument);
  return s->argument.err == 0 ? go_on(s, start(s)) : unclaim(s);
}

int nm_client_step(struct nm_sending *s) {
  if (s->client == NULL) {
    return s->out->error.code;
  }
  enum nm_need need = s->need;
  s->need = NM_NEED_NOTHING;
  if (!s->is_connected) {
    return go_on(s, connected(s, nm_sending_dial_on(s, nm_connect_step(&s->connecting))));
  }
  if (need == NM_NEED_CONTENT) {
    resume(s);
  }
  return go_on(s, 0);
}

enum nm_need nm_client_need(const struct nm_sending *s) {
  return s->need;
}

void nm_client_wait(struct nm_sending *s) {
  struct nm_client *c = s->via;
  if (s->client == NULL || s->need != NM_NEED_LINE) {
    return;
  }
  if (!s->is_connected) {
    nm_connect_wait(&s->connecting, INT_MAX);
    return;
  }
  nm_pump_wait(c->session, c->api->conn_io(c->conn), nm_pace_left(s->pace, nm_session_progress(c->session)));
}

void nm_client_cancel(struct nm_sending *s, const struct nm_error *why) {
  struct nm_client *c = s->via;
  if (s->client == NULL) {
    return;
  }
  if (!s->is_connected) {
    nm_connect_cancel(&s->connecting, why != NULL);
  } else {
    nm_session_lost(c->session, why);
  }
  if (s->mail.content != NULL && s->is_connected) {
    struct nm_txn_result r;
    nm_session_take_result(c->session, &r);
    (void)nm_mail_add(&s->mail, &r);
  } else if (why != NULL) {
    s->out->error = *why;
    if (s->mail.content != NULL) {
      nm_mail_stop(&s->mail);
    }
  }
  nm_kept_drop(c);
  (void)end(s);
}

void nm_client_close(struct nm_client *c) {
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "the client was closed");
  if (c->sending != NULL) {
    nm_client_cancel(c->sending, &why);
  }
  if (c->flight != NULL) {
    nm_flight_close(c->flight, &why);
  }
  nm_kept_hang_up(c);
  nm_pool_hang_up(c);
}
