#include <string.h>

#include "smtp/talk.h"

/* AUTH: smtp/auth.h says which lines, and what of their replies is to be believed; here they take their turn in the session, and the
   login's end becomes the talk's. */

static enum nm_auth_end end_of(const struct nm_talk *t, int code) {
  if (code == NM_EPROTO && nm_auth_fault(t->auth) == NM_SASL_FAULT_SERVER) {
    return NM_AUTH_END_FORGED;
  }
  if (code == NM_ENOMEM) {
    return NM_AUTH_END_NONE;
  }
  if (nm_auth_fault(t->auth) == NM_SASL_FAULT_MECHANISM || nm_auth_bit(t->auth) == 0) {
    return NM_AUTH_END_UNUSABLE;
  }
  return nm_reply_class(&t->result.reply) == 4 ? NM_AUTH_END_TEMPORARY : NM_AUTH_END_REFUSED;
}

/* What nm_auth_begin, nm_auth_reply and nm_auth_work return becomes a verdict. */
static int go_on(struct nm_talk *t, int next, const struct nm_error *why) {
  t->result.command = "AUTH";
  t->is_working = next == NM_AUTH_WORK;
  if (next == NM_AUTH_WORK) {
    return NM_VERDICT_GOES_ON;
  }
  if (next == NM_AUTH_SAY) {
    return nm_talk_next(t, NM_TALK_AUTH);
  }
  if (next >= 0) {
    t->result.auth = next == NM_AUTH_DIGEST ? NM_AUTH_END_DIGEST : NM_AUTH_END_DONE;
    return NM_VERDICT_DONE;
  }
  t->result.auth = end_of(t, next);
  t->result.error = *why;
  return next == NM_EPROTO || next == NM_ENOMEM ? next : NM_VERDICT_DONE;
}

int nm_talk_auth(struct nm_talk *t, struct nm_auth *a) {
  struct nm_error why = {0};
  nm_talk_begin(t, NM_TALK_AUTH);
  t->is_due = 0;
  t->auth = a;
  t->line = (struct nm_buf){.max = NM_AUTH_LINE_MAX, .secret = 1};
  (void)go_on(t, nm_auth_begin(a, &t->line, &why), &why);
  if (t->result.auth == NM_AUTH_END_DIGEST) {
    return NM_AGAIN;
  }
  return t->result.error.code;
}

int nm_talk_work(struct nm_talk *t) {
  struct nm_error why = {0};
  return go_on(t, nm_auth_work(t->auth, &t->line, &why), &why);
}

/* The line has its CRLF. */
void nm_talk_auth_write(struct nm_talk *t, struct nm_buf *out) {
  static const char hidden[] = "***";
  size_t open_n = nm_auth_secret_at(t->auth);
  nm_buf_add_str(out, nm_buf_str(&t->line));
  if (t->line.n > open_n + 2 && open_n + sizeof hidden <= sizeof t->shown) {
    memcpy(t->shown, t->line.p, open_n);
    memcpy(t->shown + open_n, hidden, sizeof hidden);
  }
  nm_buf_free(&t->line);
}

int nm_talk_is_challenge(const struct nm_talk *t, const struct nm_reply *r) {
  return t->step == NM_TALK_AUTH && r->code == 334;
}

int nm_talk_repeats_secret(const struct nm_talk *t, const struct nm_reply *r) {
  return t->auth != NULL && !nm_talk_is_challenge(t, r) &&
         nm_auth_repeats_secret(t->auth, nm_buf_str(&r->text));
}

int nm_talk_auth_reply(struct nm_talk *t, const struct nm_reply *r) {
  struct nm_error why = {0};
  if (!nm_talk_is_challenge(t, r)) {
    nm_talk_keep(t, r);
  }
  return go_on(t, nm_auth_reply(t->auth, r->code, nm_buf_str(&r->text), &t->line, &why), &why);
}
