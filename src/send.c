#include "client.h"

#include <string.h>

#include "connect.h"

/* One turn: whatever can be written or read without waiting. 1: something moved. A dead line ends the session. */
static int turn(struct nm_client *c, struct nm_io *io, int want) {
  static const char closed[] = "the server closed the connection";
  char in[4096];
  struct nm_error why = {0};
  int moved = 0;
  const char *p;
  size_t n = 0, done = 0;
  if ((want & NM_WANT_WRITE) != 0) {
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

/* Until the transaction is over, one way or another. The clock is asked at each turn: a server that is quick must not put
   off the Deadline. */
static void pump(struct nm_client *c, struct nm_pace *pace) {
  struct nm_io *io = c->api->conn_io(c->conn);
  while (nm_session_state(c->session) == NM_SESSION_BUSY) {
    int want = nm_session_want(c->session);
    int moved = turn(c, io, want);
    int left = nm_pace_left(pace, nm_session_progress(c->session));
    if (nm_session_state(c->session) != NM_SESSION_BUSY) {
      return;
    }
    if (left == 0) {
      struct nm_error over = {0};
      nm_pace_over(pace, "the server's words", &over);
      nm_session_lost(c->session, &over);
    } else if (!moved) {
      want = nm_session_want(c->session) & (NM_IO_READ | NM_IO_WRITE);
      (void)io->ops->wait(io, want != 0 ? want : NM_IO_READ, left);
    }
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

int nm_client_send(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                   struct nm_pace *pace, struct nm_sent *out) {
  for (;;) {
    int fresh = 0;
    int err = nm_connect(c, pace, out, &fresh);
    if (err != 0) {
      return err;
    }
    if (nm_session_begin(c->session, env, content) == 0) {
      pump(c, pace);
    } /* else the result says why, and the session is as good as before */
    int again = may_redial(c, fresh, nm_session_result(c->session));
    nm_session_take_result(c->session, &out->txn);
    if (nm_session_state(c->session) == NM_SESSION_CLOSED) {
      nm_connect_drop(c);
    }
    if (!again || nm_source_rewind(content) != 0) {
      break;
    }
    nm_txn_result_free(&out->txn);
  }
  if (out->txn.error.code != 0) {
    explain(c, &out->txn, &out->error);
    out->command = out->txn.command;
  }
  return out->error.code;
}
