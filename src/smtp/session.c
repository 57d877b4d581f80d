#include "smtp/session.h"

#include "base/alloc.h"
#include "smtp/session_own.h"

/* The life of a session, and what it is asked to do. Its bytes are in session_io.c. */

/* What is written at once: four TLS records, and enough that a content of any size costs few calls. */
#define OUT_MAX 65536

struct nm_session *nm_session_new(void) {
  struct nm_session *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  s->state = NM_SESSION_CLOSED;
  s->closed_code = NM_EINVAL;
  s->out.max = OUT_MAX;
  s->parser = nm_reply_parser_new();
  if (s->parser == NULL || nm_buf_room(&s->out, OUT_MAX) == NULL) {
    nm_session_free(&s);
  }
  return s;
}

void nm_session_free(struct nm_session **s) {
  if (*s != NULL) {
    nm_txn_free(&(*s)->txn);
    nm_talk_free(&(*s)->talk);
    nm_session_drop_output(*s);
    nm_buf_free(&(*s)->out);
    nm_reply_parser_free(&(*s)->parser);
    nm_caps_free(&(*s)->caps);
    nm_free(*s);
    *s = NULL;
  }
}

/* ---- what others see ---- */

enum nm_session_state nm_session_state(const struct nm_session *s) {
  return s->state;
}

const struct nm_caps *nm_session_caps(const struct nm_session *s) {
  return &s->caps;
}

const struct nm_txn_result *nm_session_result(const struct nm_session *s) {
  return &s->txn.result;
}

void nm_session_take_result(struct nm_session *s, struct nm_txn_result *out) {
  *out = s->txn.result;
  s->txn.result = (struct nm_txn_result){0};
}

const struct nm_talk_result *nm_session_talk_result(const struct nm_session *s) {
  return &s->talk.result;
}

const struct nm_error *nm_session_error(const struct nm_session *s) {
  return &s->closed;
}

uint64_t nm_session_progress(const struct nm_session *s) {
  return s->progress;
}

int nm_session_content_begun(const struct nm_session *s) {
  return s->txn.is_content_begun;
}

int nm_session_handed_over(const struct nm_session *s) {
  return s->txn.is_handed_over;
}

int nm_session_wants_tls(const struct nm_session *s) {
  return s->state == NM_SESSION_TALKING && s->talk.step == NM_TALK_TLS;
}

void nm_session_trace(struct nm_session *s, struct nm_trace *t) {
  s->trace = t;
}

/* ---- from state to state ---- */

void nm_session_drop_output(struct nm_session *s) {
  if (s->out_is_secret && s->out.n > 0) {
    nm_wipe(s->out.p, s->out.n);
  }
  nm_buf_reset(&s->out);
  s->out_at = 0;
  s->traced = 0;
  s->out_content = s->out_octets = SIZE_MAX;
  s->out_is_secret = 0;
}

void nm_session_set_state(struct nm_session *s, enum nm_session_state state) {
  s->state = state;
  if (state != NM_SESSION_BUSY) {
    nm_txn_let_go(&s->txn);
  }
  if (state != NM_SESSION_TALKING) {
    nm_talk_let_go(&s->talk);
  }
}

void nm_session_shut(struct nm_session *s, int code, const struct nm_error *why) {
  nm_session_trace_content(s);
  nm_session_drop_output(s);
  s->closed_code = code;
  if (why != NULL) {
    s->closed = *why;
    nm_trace_addf(s->trace, NM_TRACE_EVENT, "closed: %s", why->text);
  }
  nm_session_set_state(s, NM_SESSION_CLOSED);
}

/* From a state where all was sent and answered. */
static void enter(struct nm_session *s, enum nm_session_state state) {
  nm_session_drop_output(s);
  nm_session_set_state(s, state);
}

static int enter_talk(struct nm_session *s, int rc) {
  if (rc == 0) {
    enter(s, NM_SESSION_TALKING);
  } else {
    nm_talk_let_go(&s->talk);
  }
  return rc;
}

int nm_session_adopt(struct nm_session *s, const struct nm_caps *caps) {
  if (s->has_begun) {
    return NM_EINVAL;
  }
  int rc = nm_caps_copy(&s->caps, caps);
  if (rc == 0) {
    s->has_begun = 1;
    enter(s, NM_SESSION_IDLE);
  }
  return rc;
}

int nm_session_start(struct nm_session *s, const struct nm_hello *h) {
  if (s->has_begun) {
    return NM_EINVAL;
  }
  int rc = enter_talk(s, nm_talk_hello(&s->talk, h));
  if (rc == 0) {
    s->has_begun = 1;
    s->awaited = 1; /* the greeting */
  }
  return rc;
}

/* RFC 3207 4.2: the client must discard any knowledge obtained before. */
int nm_session_secured(struct nm_session *s) {
  if (!nm_session_wants_tls(s)) {
    return NM_EINVAL;
  }
  nm_caps_free(&s->caps);
  nm_talk_secured(&s->talk);
  s->progress++;
  nm_trace_addf(s->trace, NM_TRACE_EVENT, "the line has TLS");
  return 0;
}

int nm_session_auth(struct nm_session *s, struct nm_auth *a) {
  if (s->state != NM_SESSION_IDLE || s->is_authenticated) {
    return NM_EINVAL;
  }
  return enter_talk(s, nm_talk_auth(&s->talk, a));
}

int nm_session_command(struct nm_session *s, enum nm_verb verb, struct nm_str argument) {
  if (s->state != NM_SESSION_IDLE) {
    return NM_EINVAL;
  }
  return enter_talk(s, nm_talk_command(&s->talk, verb, argument, &s->caps));
}

int nm_session_begin(struct nm_session *s, const struct nm_envelope *env, struct nm_source *content) {
  if (s->state != NM_SESSION_IDLE) {
    return NM_EINVAL;
  }
  int rc = nm_txn_begin(&s->txn, env, content, &s->caps);
  if (rc == 0) {
    enter(s, NM_SESSION_BUSY);
  } else {
    nm_txn_let_go(&s->txn);
  }
  return rc;
}

int nm_session_is_spent(const struct nm_session *s) {
  return s->caps.mail_max > 0 && s->txn.n_begun >= s->caps.mail_max;
}

int nm_session_quit(struct nm_session *s) {
  if (s->state != NM_SESSION_IDLE && !(s->state == NM_SESSION_CLOSED && s->may_quit)) {
    return NM_EINVAL;
  }
  s->may_quit = 0;
  enter(s, NM_SESSION_QUITTING);
  nm_buf_add_c(&s->out, "QUIT\r\n");
  return s->out.err;
}
