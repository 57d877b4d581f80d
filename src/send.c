#include "client.h"

#include <string.h>

#include "connect.h"
#include "mime/pieces.h"

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
  if (s->out->txn.error.code != 0) {
    explain(s->client, &s->out->txn, &s->out->error);
    s->out->command = s->out->txn.command;
  }
  s->client->sending = NULL;
  nm_client_unref(&s->client);
  return s->out->error.code;
}

static int start(struct nm_sending *s) {
  int err = nm_connect(s->client, s->pace, s->out, &s->fresh);
  if (err == 0) { /* what cannot be begun is a result too, and the session as good as before */
    (void)nm_session_begin(s->client->session, s->env, s->content);
  }
  return err;
}

/* The transaction is over. 1: it is to be run again. */
static int take_result(struct nm_sending *s) {
  struct nm_client *c = s->client;
  int again = may_redial(c, s->fresh, nm_session_result(c->session));
  nm_session_take_result(c->session, &s->out->txn);
  if (nm_session_state(c->session) == NM_SESSION_CLOSED) {
    nm_connect_drop(c);
  }
  if (!again || nm_source_rewind(s->content) != 0) {
    return 0;
  }
  nm_txn_result_free(&s->out->txn);
  return 1;
}

int nm_client_begin(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                    struct nm_pace *pace, struct nm_sent *out, struct nm_sending *s) {
  *s = (struct nm_sending){0};
  if (c->sending != NULL) {
    return nm_error_set(&out->error, NM_EINVAL, NM_KIND_CONNECT,
                        "the client is sending another message; wait until that Send has returned, or use "
                        "another client");
  }
  *s = (struct nm_sending){
      .client = nm_client_ref(c), .env = env, .content = content, .pace = pace, .out = out};
  c->sending = s;
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
  if (c == NULL) {
    return;
  }
  nm_session_lost(c->session, why);
  nm_session_take_result(c->session, &s->out->txn);
  nm_connect_drop(c);
  (void)end(s);
}
