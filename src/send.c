#include "client.h"

#include <string.h>

#include "base/clock.h"
#include "connect.h"
#include "mime/pieces.h"

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

/* One turn: whatever can be written or read without waiting. 1: something moved. A dead line ends the session. */
static int turn(struct nm_client *c, struct nm_io *io, int want) {
  static const char closed[] = "the server closed the connection";
  char in[4096];
  struct nm_error why = {0};
  int moved = 0;
  const char *p;
  size_t n = 0, done = 0;
  if ((want & (NM_WANT_WRITE | NM_WANT_CONTENT)) != 0) {
    nm_session_output(c->session, &p, &n);
    int err = n > 0 ? io->ops->send(io, p, n, &done) : NM_AGAIN;
    if (err == 0) {
      nm_session_sent(c->session, done);
      moved = 1;
    } else if (err < 0) {
      nm_error_set(&why, NM_EIO, NM_KIND_CONNECT, "%s", closed);
    }
  }
  /* What the server said before it hung up is worth more than the fact that it did. */
  while (nm_session_state(c->session) == NM_SESSION_BUSY) {
    int err = io->ops->recv(io, in, sizeof in, &done);
    if (err == NM_AGAIN) {
      break;
    }
    if (err < 0 || done == 0) {
      nm_error_set(&why, NM_EIO, NM_KIND_CONNECT, "%s", closed);
      break;
    }
    nm_session_input(c->session, in, done);
    moved = 1;
  }
  if (why.code != 0 && nm_session_state(c->session) != NM_SESSION_CLOSED) {
    nm_session_lost(c->session, &why);
  }
  return moved;
}

static void lose_time(struct nm_sending *s, const char *what) {
  struct nm_error over = {0};
  nm_pace_over(s->pace, what, &over);
  nm_session_lost(s->client->session, &over);
}

/* Until the transaction is over, one way or another, or the content gives nothing now (NM_AGAIN). The clock is asked at each
   turn: a server that is quick must not put off the Deadline. */
static int pump(struct nm_sending *s) {
  struct nm_client *c = s->client;
  struct nm_io *io = c->api->conn_io(c->conn);
  while (nm_session_state(c->session) == NM_SESSION_BUSY) {
    int moved = turn(c, io, nm_session_want(c->session));
    measure(s, phase_of(c->session));
    int left = nm_pace_left(s->pace, nm_session_progress(c->session));
    if (nm_session_state(c->session) != NM_SESSION_BUSY) {
      return 0;
    }
    int want = nm_session_want(c->session);
    if (left == 0) {
      lose_time(s, (want & NM_WANT_CONTENT) != 0 ? "the content" : "the server's words");
    } else if ((want & NM_WANT_CONTENT) != 0) {
      s->is_waiting = 1;
      return NM_AGAIN;
    } else if (!moved) {
      want &= NM_IO_READ | NM_IO_WRITE;
      (void)io->ops->wait(io, want != 0 ? want : NM_IO_READ, left);
    }
  }
  return 0;
}

/* Vain answers in a row that cost no rest: filters need a few to make a chunk of many. */
#define IDLE_FREE 100
#define REST_MS 10

/* The content was asked for its next bytes. When it took the whole Deadline for them, they come too late: handed to
   the server now, they would make an unknown outcome of one that is known. */
static void resume(struct nm_sending *s) {
  struct nm_client *c = s->client;
  s->is_waiting = 0;
  if (nm_pieces_waiting(s->content) == NULL) {
    s->n_idle = 0;
    nm_pace_rest(s->pace);
  } else if (s->n_idle < IDLE_FREE) {
    s->n_idle++;
  } else {
    struct nm_io *io = c->api->conn_io(c->conn);
    (void)io->ops->wait(io, NM_IO_READ, REST_MS);
  }
  if (nm_pace_left(s->pace, nm_session_progress(c->session)) == 0) {
    lose_time(s, "the content");
  }
}

/* The kept line was dead, and nothing that counts was handed over: DESIGN.md 3.3 lets us dial again in silence. 421 to the
   first command is how a server says that it hung up a while ago. */
static int may_redial(const struct nm_client *c, int fresh, const struct nm_txn_result *r) {
  return !fresh && r->outcome == NM_OUTCOME_NOT_SENT && !nm_session_handed_over(c->session) &&
         (r->error.kind == NM_KIND_CONNECT || (r->reply.code == 421 && r->n_accepted == 0));
}

/* The engine's words with the server's name and advice: a sentence that stands alone. */
static void explain(const struct nm_client *c, const struct nm_txn_result *r, struct nm_error *e) {
  const char *advice = "";
  if (r->outcome == NM_OUTCOME_UNKNOWN) {
    advice = ": sending it again may deliver it twice";
  } else if (r->error.kind == NM_KIND_CONNECT) {
    advice = "; nothing was sent, so it is safe to try again";
  } else if (r->reply.code / 100 == 4) {
    advice = "; try again later";
  } else if (r->error.kind == NM_KIND_SENDER) {
    advice = "; use an address in From (or Sender) that this login may send from";
  }
  if (r->error.kind == NM_KIND_MESSAGE) { /* not the server's affair */
    nm_error_set(e, r->error.code, r->error.kind, "%s", r->error.text);
  } else {
    /* The words in the middle are the server's, as many as it likes; ours at the end must not be lost for them. */
    nm_error_set(e, r->error.code, r->error.kind, "%.*s (server %s:%d)%s", NM_ERROR_TEXT_MAX / 2,
                 r->error.text, c->host.p, c->port, advice);
  }
}

static int end(struct nm_sending *s) {
  struct nm_sent *out = s->out;
  nm_split_finish(&s->split, &out->txn);
  out->rest = s->split.rest;
  if (out->error.code == 0 && out->txn.error.code != 0) {
    explain(s->client, &out->txn, &out->error);
    out->command = out->txn.command;
  }
  s->client->sending = NULL;
  nm_client_unref(&s->client);
  return out->error.code;
}

/* What some have got is no failure, though the way to the others is closed. */
static void stop_rest(struct nm_sending *s) {
  struct nm_sent *out = s->out;
  nm_split_stop(&s->split, &out->error);
  if (s->split.is_good) {
    out->error = (struct nm_error){0};
    out->command = NULL;
    nm_reply_free(&out->reply);
  }
}

/* DESIGN.md 3.3: on a line that has rested for longer, content waits until the server is known to be there. */
#define REST_SHORT_MS 1000

static int start(struct nm_sending *s) {
  struct nm_client *c = s->client;
  measure(s, NM_PHASE_CONNECT);
  int err = nm_connect(c, s->pace, s->out, &s->fresh);
  measure(s, NM_PHASE_ENVELOPE);
  if (err != 0) {
    if (s->split.n_runs > 0) {
      stop_rest(s);
    }
    return err;
  }
  int more = nm_split_next(&s->split, nm_session_caps(c->session));
  if (more == 1) { /* what cannot be begun is a result too, and the session as good as before */
    s->split.part.is_tls = c->enable_ssl; /* then it is verified, always */
    s->split.part.is_idle = !s->fresh && nm_clock_ms() - c->rests_since > REST_SHORT_MS;
    (void)nm_session_begin(c->session, &s->split.part, s->content);
  }
  return more == 1 ? 0 : NM_ELIMIT;
}

/* For the recipients that are left. */
static int may_rewind(struct nm_sending *s) {
  if (nm_source_rewind(s->content) == 0) {
    return 1;
  }
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_MESSAGE,
               "the server takes the recipients in several transactions, and the message has a content that "
               "can be read "
               "only once");
  nm_split_stop(&s->split, &why);
  return 0;
}

/* The transaction is over. 1: it, or another for the recipients that are left, is to be run. */
static int take_result(struct nm_sending *s) {
  struct nm_client *c = s->client;
  struct nm_txn_result r;
  int again = may_redial(c, s->fresh, nm_session_result(c->session));
  nm_session_take_result(c->session, &r);
  c->rests_since = nm_clock_ms();
  if (nm_session_state(c->session) == NM_SESSION_CLOSED) {
    nm_connect_drop(c);
  }
  if (again && nm_source_rewind(s->content) == 0) {
    nm_txn_result_free(&r);
    return 1;
  }
  nm_split_add(&s->split, &r);
  return nm_split_has_more(&s->split) && may_rewind(s);
}

int nm_client_begin(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                    struct nm_pace *pace, struct nm_sent *out, struct nm_sending *s) {
  *s = (struct nm_sending){0};
  if (c->sending != NULL) {
    return nm_error_set(&out->error, NM_EINVAL, NM_KIND_CONNECT,
                        "the client is sending another message; wait until that Send has returned, or use "
                        "another client");
  }
  *s = (struct nm_sending){.client = nm_client_ref(c), .content = content, .pace = pace, .out = out};
  if (nm_split_init(&s->split, env, c->rcpt_max) != 0) {
    nm_client_unref(&s->client);
    return nm_error_nomem(&out->error);
  }
  c->sending = s;
  s->since = nm_clock_ms();
  return start(s) == 0 ? nm_client_step(s) : end(s);
}

int nm_client_step(struct nm_sending *s) {
  if (s->client == NULL) {
    return s->out->error.code;
  }
  if (s->is_waiting) {
    resume(s);
  }
  do {
    if (pump(s) == NM_AGAIN) {
      return NM_AGAIN;
    }
  } while (take_result(s) && start(s) == 0);
  return end(s);
}

void nm_client_cancel(struct nm_sending *s, const struct nm_error *why) {
  struct nm_client *c = s->client;
  struct nm_txn_result r;
  if (c == NULL) {
    return;
  }
  nm_session_lost(c->session, why);
  nm_session_take_result(c->session, &r);
  nm_split_add(&s->split, &r);
  nm_connect_drop(c);
  (void)end(s);
}
