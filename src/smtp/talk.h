#ifndef NM_SMTP_TALK_H
#define NM_SMTP_TALK_H

#include "base/hidden.h"
#include "smtp/session.h"
#include "smtp/txn.h"

/* All that is said outside of transactions, in lock-step: the handshake (RFC 5321 3.1, RFC 3207), AUTH (RFC 4954), one simple
   command. Like a transaction it knows nothing of buffers that are half sent: that is the session's. */
enum nm_talk_step {
  NM_TALK_NONE,
  NM_TALK_GREETING,
  NM_TALK_EHLO, /* LHLO with LMTP */
  NM_TALK_HELO,
  NM_TALK_STARTTLS,
  NM_TALK_TLS, /* the 220 is here: not a byte may come in clear any more */
  NM_TALK_AUTH,
  NM_TALK_COMMAND
};

/* All-zero is none. */
struct nm_talk {
  enum nm_talk_step step; /* what is answered next */
  int is_due;             /* its line is still to be written */
  struct nm_buf line;     /* of AUTH and of a command: what is due, with its CRLF */
  char shown[40];         /* what a trace shows of the line just written; "": the line itself */
  int may_quit; /* it ended in good order, and the connection is of no use: QUIT may still be said */
  /* the handshake */
  struct nm_hello hello;
  struct nm_buf name; /* hello's */
  int is_secured;
  /* AUTH */
  struct nm_auth *auth;
  int is_working; /* the mechanism calculates */
  /* a command */
  enum nm_verb verb;
  struct nm_talk_result result;
};

NM_HIDDEN_BEGIN

/* Each forgets the result of before, and checks all before a byte is written. A negative code is in the result. */
int nm_talk_hello(struct nm_talk *t, const struct nm_hello *h);
int nm_talk_auth(struct nm_talk *t, struct nm_auth *a);
int nm_talk_command(struct nm_talk *t, enum nm_verb verb, struct nm_str argument, const struct nm_caps *caps);
/* TLS is there: EHLO is due again. */
void nm_talk_secured(struct nm_talk *t);
/* A slice of the mechanism's calculation; a verdict as nm_talk_reply's. */
int nm_talk_work(struct nm_talk *t);
/* Forgets, and overwrites, what was only kept while it ran. */
void nm_talk_let_go(struct nm_talk *t);
void nm_talk_free(struct nm_talk *t);

/* Writes the line that is due; out is empty. */
int nm_talk_write(struct nm_talk *t, struct nm_buf *out);
/* The reply to the line that was sent last. A verdict (smtp/txn.h), or a negative code: the server broke the protocol. EHLO's fills caps. */
int nm_talk_reply(struct nm_talk *t, const struct nm_reply *r, struct nm_caps *caps);
/* A reply that nothing asked for: 421, or a broken protocol. */
int nm_talk_early_reply(struct nm_talk *t, const struct nm_reply *r);
/* It ends here. */
void nm_talk_fail(struct nm_talk *t, const struct nm_error *why);
/* RSET was done: the server holds no transaction any more. */
int nm_talk_has_reset(const struct nm_talk *t);
/* What is answered next: "CONNECT", "EHLO", "AUTH", … */
const char *nm_talk_name(const struct nm_talk *t);
/* A challenge of AUTH: no words, and nobody's business. */
int nm_talk_is_challenge(const struct nm_talk *t, const struct nm_reply *r);
/* The server says what only it should know. */
int nm_talk_repeats_secret(const struct nm_talk *t, const struct nm_reply *r);

/* Between the files talk*.c. */
const char *nm_talk_verb(enum nm_verb verb);
void nm_talk_begin(struct nm_talk *t, enum nm_talk_step step);
int nm_talk_next(struct nm_talk *t, enum nm_talk_step step);
void nm_talk_keep(struct nm_talk *t, const struct nm_reply *r);
int nm_talk_done(struct nm_talk *t, const struct nm_reply *r);
int nm_talk_unexpected(struct nm_talk *t, const struct nm_reply *r);
void nm_talk_auth_write(struct nm_talk *t, struct nm_buf *out);
int nm_talk_auth_reply(struct nm_talk *t, const struct nm_reply *r);
int nm_talk_command_reply(struct nm_talk *t, const struct nm_reply *r);

NM_HIDDEN_END

#endif
