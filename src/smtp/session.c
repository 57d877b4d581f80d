#include "smtp/session.h"

#include "base/alloc.h"
#include "smtp/dot.h"
#include "smtp/session_own.h"

/* The life of a session, and what it is asked to do. Its bytes are in session_out.c and session_in.c. */

struct nm_session *nm_session_new(void) {
  struct nm_session *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  s->state = NM_SESSION_CLOSED;
  s->closed_code = NM_EINVAL;
  s->out.max = NM_OUT_SMALL;
  s->parser = nm_reply_parser_new();
  s->wire = nm_wire_source();
  if (s->parser == NULL || s->wire == NULL || nm_row_resize(&s->row, 1, UINT64_MAX) != 0 ||
      nm_buf_room(&s->out, NM_OUT_SMALL) == NULL) {
    nm_session_free(&s);
  }
  return s;
}

void nm_session_free(struct nm_session **s) {
  if (*s != NULL) {
    nm_row_free(&(*s)->row);
    nm_source_free(&(*s)->wire);
    nm_talk_free(&(*s)->talk);
    nm_wipe(&(*s)->secrets, sizeof(*s)->secrets);
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
  return &nm_row_at(&s->row, 0)->result;
}

size_t nm_session_results(const struct nm_session *s) {
  return s->row.n_over;
}

void nm_session_drop_result(struct nm_session *s) {
  if (s->row.n_over > 0) {
    nm_row_drop(&s->row);
  }
}

void nm_session_take_result(struct nm_session *s, struct nm_txn_result *out) {
  if (s->row.n_over > 0) {
    nm_txn_result_move(out, &nm_row_at(&s->row, 0)->result);
    nm_row_drop(&s->row);
  } else {
    *out = (struct nm_txn_result){0};
  }
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
  return nm_row_at(&s->row, 0)->is_content_begun;
}

int nm_session_handed_over(const struct nm_session *s) {
  return nm_row_at(&s->row, 0)->is_handed_over;
}

int nm_session_is_unheard(const struct nm_session *s) {
  return s->state == NM_SESSION_TALKING && s->talk.step == NM_TALK_GREETING &&
         !nm_reply_parser_partial(s->parser);
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
  s->lent = (struct nm_str){0};
  s->out_at = 0;
  s->traced = 0;
  s->n_stretch = s->at_stretch = 0;
  s->out_is_secret = 0;
}

void nm_session_size_output(struct nm_session *s, size_t max) {
  struct nm_buf sized = {.max = max};
  if (s->out.max != max && nm_buf_room(&sized, max) != NULL) {
    nm_buf_free(&s->out);
    s->out = sized;
  }
}

void nm_session_one_stretch(struct nm_session *s) {
  size_t n = s->out.n;
  s->stretch[0] = (struct nm_stretch){.content = n, .octets = n, .end = n};
  s->n_stretch = 1;
}

void nm_session_set_state(struct nm_session *s, enum nm_session_state state) {
  s->state = state;
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
    nm_reply_parser_quote(s->parser);
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
  nm_auth_mark_secret(a, &s->secrets);
  return enter_talk(s, nm_talk_auth(&s->talk, a));
}

int nm_session_command(struct nm_session *s, enum nm_verb verb, struct nm_str argument) {
  if (s->state != NM_SESSION_IDLE) {
    return NM_EINVAL;
  }
  return enter_talk(s, nm_talk_command(&s->talk, verb, argument, &s->caps));
}

/* ---- transactions ---- */

int nm_session_pipelining(struct nm_session *s, enum nm_pipelining mode) {
  int is_full = mode == NM_PIPELINING_FULL;
  if (s->state == NM_SESSION_BUSY || (s->pipelining == NM_PIPELINING_FULL && s->row.n > 0)) {
    return NM_EINVAL;
  }
  int rc =
      nm_row_resize(&s->row, is_full ? NM_WINDOW_DEFAULT : 1, is_full ? NM_WINDOW_BYTES_DEFAULT : UINT64_MAX);
  if (rc == 0) {
    s->pipelining = mode;
  }
  return rc;
}

enum nm_pipelining nm_session_mode(const struct nm_session *s) {
  return s->pipelining;
}

int nm_session_window(struct nm_session *s, size_t window, uint64_t bytes) {
  if (s->pipelining != NM_PIPELINING_FULL || s->row.n > 0 || window == 0 || window > NM_WINDOW_MAX) {
    return NM_EINVAL;
  }
  return nm_row_resize(&s->row, window, bytes);
}

int nm_session_is_spent(const struct nm_session *s) {
  return s->is_hung_up || (s->caps.mail_max > 0 && s->n_begun >= s->caps.mail_max);
}

void nm_session_hung_up(struct nm_session *s) {
  s->is_hung_up = 1;
}

/* Behind those that run. */
static int may_follow(const struct nm_session *s) {
  return s->pipelining == NM_PIPELINING_FULL && (s->caps.flags & NM_CAP_PIPELINING) != 0 && s->ending == 0 &&
         nm_row_has_room(&s->row) && !nm_row_hearing(&s->row)->env.is_lmtp && !nm_session_is_spent(s);
}

/* When idle. */
static int has_slot(const struct nm_session *s) {
  return s->pipelining != NM_PIPELINING_FULL || s->row.n < s->row.window;
}

int nm_session_may_begin(const struct nm_session *s) {
  if (s->state == NM_SESSION_IDLE) {
    return has_slot(s) && !nm_session_is_spent(s);
  }
  return s->state == NM_SESSION_BUSY && may_follow(s);
}

int nm_session_begin(struct nm_session *s, const struct nm_envelope *env, struct nm_source *content) {
  int is_idle = s->state == NM_SESSION_IDLE;
  if (is_idle ? !has_slot(s) : !nm_session_may_begin(s) || env->is_lmtp) {
    return NM_EINVAL;
  }
  if (s->pipelining != NM_PIPELINING_FULL) {
    nm_session_drop_result(s);
  }
  struct nm_txn *t = nm_row_add(&s->row);
  int rc = nm_txn_begin(t, env, content, &s->caps, s->pipelining != NM_PIPELINING_OFF);
  nm_row_settle(&s->row);
  if (rc != 0) {
    return rc;
  }
  s->n_begun++;
  nm_row_weigh(&s->row, t);
  if (is_idle) {
    /* RSET has something to clear, and may be refused: the content waits until the server has said what it holds. */
    t->env.is_idle |= s->is_reset_due;
    nm_txn_start(t, s->wire, s->is_reset_due);
    enter(s, NM_SESSION_BUSY);
    if (env->size >= 0 && env->size <= NM_OUT_SMALL) {
      nm_session_size_output(s, NM_OUT_SMALL);
    }
  }
  return 0;
}

int nm_session_quit(struct nm_session *s) {
  if (s->state != NM_SESSION_IDLE && !(s->state == NM_SESSION_CLOSED && s->may_quit)) {
    return NM_EINVAL;
  }
  s->may_quit = 0;
  enter(s, NM_SESSION_QUITTING);
  nm_buf_add_c(&s->out, "QUIT\r\n");
  nm_session_one_stretch(s);
  return s->out.err;
}
