#include "smtp/talk.h"

#include "smtp/command.h"

/* The handshake, and what all of talking shares: the life of one exchange, its lines, how it ends. */

static const char *step_name(const struct nm_talk *t) {
  switch (t->step) {
    case NM_TALK_NONE:
      break;
    case NM_TALK_GREETING:
      return "CONNECT";
    case NM_TALK_EHLO:
      return t->hello.is_lmtp ? "LHLO" : "EHLO";
    case NM_TALK_HELO:
      return "HELO";
    case NM_TALK_STARTTLS:
    case NM_TALK_TLS:
      return "STARTTLS";
    case NM_TALK_AUTH:
      return "AUTH";
    case NM_TALK_COMMAND:
      return nm_talk_verb(t->verb);
  }
  return "";
}

const char *nm_talk_name(const struct nm_talk *t) {
  return step_name(t);
}

static enum nm_kind kind_of(const struct nm_talk *t) {
  switch (t->step) {
    case NM_TALK_STARTTLS:
    case NM_TALK_TLS:
      return NM_KIND_TLS;
    case NM_TALK_AUTH:
      return NM_KIND_AUTH;
    default:
      return NM_KIND_CONNECT;
  }
}

/* ---- life ---- */

void nm_talk_let_go(struct nm_talk *t) {
  struct nm_talk_result result = t->result;
  int may_quit = t->may_quit;
  nm_buf_free(&t->line);
  nm_buf_free(&t->name);
  *t = (struct nm_talk){.may_quit = may_quit, .result = result};
}

void nm_talk_free(struct nm_talk *t) {
  nm_talk_let_go(t);
  nm_reply_free(&t->result.reply);
  *t = (struct nm_talk){0};
}

void nm_talk_begin(struct nm_talk *t, enum nm_talk_step step) {
  nm_talk_free(t);
  t->step = step;
  t->is_due = step != NM_TALK_GREETING; /* the server speaks first, once */
}

int nm_talk_hello(struct nm_talk *t, const struct nm_hello *h) {
  nm_talk_begin(t, NM_TALK_GREETING);
  if (nm_ehlo_name_check(h->name) != 0) {
    return nm_error_set(&t->result.error, NM_EINVAL, NM_KIND_CONNECT,
                        "the name for EHLO is neither a domain nor an address literal such as [192.0.2.1]");
  }
  t->hello = *h;
  t->name.max = h->name.n;
  nm_buf_add_str(&t->name, h->name);
  t->hello.name = nm_buf_str(&t->name);
  return t->name.err != 0 ? nm_error_nomem(&t->result.error) : 0;
}

/* ---- how a step ends ---- */

int nm_talk_next(struct nm_talk *t, enum nm_talk_step step) {
  t->step = step;
  t->is_due = 1;
  return NM_VERDICT_GOES_ON;
}

/* When memory is short only the text is lost. */
void nm_talk_keep(struct nm_talk *t, const struct nm_reply *r) {
  t->result.command = step_name(t);
  nm_reply_copy(&t->result.reply, r);
}

int nm_talk_done(struct nm_talk *t, const struct nm_reply *r) {
  nm_talk_keep(t, r);
  return NM_VERDICT_DONE;
}

int nm_talk_unexpected(struct nm_talk *t, const struct nm_reply *r) {
  struct nm_error what;
  nm_error_set(&what, 0, NM_KIND_NONE, "unexpected reply to %s",
               t->step == NM_TALK_GREETING ? "a new connection" : step_name(t));
  nm_talk_keep(t, r);
  return nm_reply_error(r, NM_EPROTO, NM_KIND_PROTOCOL, what.text, &t->result.error);
}

/* No use for the connection any more. It is in good order all the same. */
static int refused(struct nm_talk *t, const struct nm_reply *r, enum nm_kind kind, const char *what) {
  if (nm_reply_class(r) < 4) {
    return nm_talk_unexpected(t, r);
  }
  nm_talk_keep(t, r);
  nm_reply_error(r, NM_EREJECT, kind, what, &t->result.error);
  t->may_quit = 1;
  return NM_VERDICT_CLOSE;
}

/* ---- the handshake ---- */

/* RFC 5321 3.1: 220, or 554 for "no mail here"; many say 4yz or 5yz of another sort, and mean the same. */
static int on_greeting(struct nm_talk *t, const struct nm_reply *r) {
  return r->code == 220 ? nm_talk_next(t, NM_TALK_EHLO)
                        : refused(t, r, NM_KIND_CONNECT, "the server refuses the connection");
}

/* RFC 5321 3.2: a server of before extensions answers EHLO with "command not recognized" or the like, and takes HELO. */
static int knows_no_ehlo(int code) {
  return code == 500 || code == 501 || code == 502 || code == 504;
}

static int is_tls_missing(const struct nm_talk *t) {
  return t->hello.starttls == NM_STARTTLS_REQUIRED && !t->is_secured;
}

static int on_ehlo_refused(struct nm_talk *t, const struct nm_reply *r) {
  if (!knows_no_ehlo(r->code) || t->hello.is_lmtp) {
    return refused(t, r, NM_KIND_CONNECT, "the server refuses us");
  }
  if (is_tls_missing(t)) {
    return refused(t, r, NM_KIND_TLS,
                   "TLS is required, and the server does not know EHLO, so it has no STARTTLS");
  }
  if (t->hello.needs_extensions) {
    return refused(t, r, NM_KIND_CONNECT,
                   "the server does not know EHLO, and so has none of the extensions that are needed");
  }
  return nm_talk_next(t, NM_TALK_HELO);
}

static int on_ehlo(struct nm_talk *t, const struct nm_reply *r, struct nm_caps *caps) {
  if (r->code != 250) {
    return on_ehlo_refused(t, r);
  }
  if (nm_caps_parse(caps, r) != 0) {
    return nm_error_nomem(&t->result.error);
  }
  if (t->hello.starttls == NM_STARTTLS_NONE || t->is_secured) {
    return nm_talk_done(t, r);
  }
  if ((caps->flags & NM_CAP_STARTTLS) != 0) {
    return nm_talk_next(t, NM_TALK_STARTTLS);
  }
  if (t->hello.starttls == NM_STARTTLS_WISHED) {
    return nm_talk_done(t, r);
  }
  nm_talk_keep(t, r);
  nm_error_set(&t->result.error, NM_EREJECT, NM_KIND_TLS,
               "TLS is required, and the server does not offer STARTTLS");
  t->may_quit = 1;
  return NM_VERDICT_CLOSE;
}

static int on_helo(struct nm_talk *t, const struct nm_reply *r) {
  return r->code == 250 ? nm_talk_done(t, r) : refused(t, r, NM_KIND_CONNECT, "the server refuses us");
}

/* RFC 3207 4: 220, else there is no TLS; a client that must have it goes away. */
static int on_starttls(struct nm_talk *t, const struct nm_reply *r) {
  if (r->code == 220) {
    t->step = NM_TALK_TLS;
    return NM_VERDICT_GOES_ON;
  }
  if (nm_reply_class(r) >= 4 && t->hello.starttls == NM_STARTTLS_WISHED) {
    return nm_talk_done(t, r);
  }
  return refused(t, r, NM_KIND_TLS, "TLS is required, and the server refuses STARTTLS");
}

void nm_talk_secured(struct nm_talk *t) {
  t->is_secured = 1;
  nm_talk_next(t, NM_TALK_EHLO);
}

/* ---- lines ---- */

int nm_talk_write(struct nm_talk *t, struct nm_buf *out) {
  t->is_due = 0;
  t->shown[0] = '\0';
  switch (t->step) {
    case NM_TALK_EHLO:
    case NM_TALK_HELO:
      nm_buf_addf(out, "%s ", step_name(t));
      nm_buf_add_str(out, t->hello.name);
      nm_buf_add(out, "\r\n", 2);
      break;
    case NM_TALK_STARTTLS:
      nm_buf_add_c(out, "STARTTLS\r\n");
      break;
    case NM_TALK_AUTH:
      nm_talk_auth_write(t, out);
      break;
    case NM_TALK_COMMAND:
      nm_buf_add_str(out, nm_buf_str(&t->line));
      break;
    case NM_TALK_NONE:
    case NM_TALK_GREETING:
    case NM_TALK_TLS:
      return NM_EINVAL;
  }
  return out->err;
}

/* RFC 5321 3.8: 421 may answer anything, and nothing more may be said. */
static int closing(struct nm_talk *t, const struct nm_reply *r) {
  nm_talk_keep(t, r);
  nm_reply_error(r, NM_EREJECT, kind_of(t), "the server closes the connection", &t->result.error);
  t->result.auth = t->step == NM_TALK_AUTH ? NM_AUTH_END_TEMPORARY : NM_AUTH_END_NONE;
  return NM_VERDICT_CLOSE;
}

int nm_talk_reply(struct nm_talk *t, const struct nm_reply *r, struct nm_caps *caps) {
  if (r->code == 421) {
    return closing(t, r);
  }
  switch (t->step) {
    case NM_TALK_GREETING:
      return on_greeting(t, r);
    case NM_TALK_EHLO:
      return on_ehlo(t, r, caps);
    case NM_TALK_HELO:
      return on_helo(t, r);
    case NM_TALK_STARTTLS:
      return on_starttls(t, r);
    case NM_TALK_AUTH:
      return nm_talk_auth_reply(t, r);
    case NM_TALK_COMMAND:
      return nm_talk_command_reply(t, r);
    case NM_TALK_NONE:
    case NM_TALK_TLS:
      break;
  }
  return nm_talk_early_reply(t, r);
}

int nm_talk_early_reply(struct nm_talk *t, const struct nm_reply *r) {
  if (r->code == 421) {
    return closing(t, r);
  }
  nm_talk_keep(t, r);
  return nm_reply_error(r, NM_EPROTO, NM_KIND_PROTOCOL, "a reply that nothing asked for", &t->result.error);
}

void nm_talk_fail(struct nm_talk *t, const struct nm_error *why) {
  t->result.command = step_name(t);
  t->result.error = *why;
}
