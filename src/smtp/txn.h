#ifndef NM_SMTP_TXN_H
#define NM_SMTP_TXN_H

#include "base/hidden.h"
#include "smtp/session.h"

/* One mail transaction (RFC 5321 3.3): [RSET] MAIL RCPT… DATA, the content. Two cursors run over these steps: the command
   cursor at what is written next, the response cursor at what is answered next; all of pipelining (RFC 2920) is how
   far the first may run ahead of the second. It knows nothing of buffers that are half sent: that is the session's. */
enum nm_step { NM_STEP_RSET, NM_STEP_MAIL, NM_STEP_RCPT, NM_STEP_DATA, NM_STEP_DOT, NM_STEP_END };

struct nm_cursor {
  enum nm_step step;
  size_t rcpt; /* which, at NM_STEP_RCPT */
};

/* What a reply did to the transaction; a negative code is one more answer: the server broke the protocol. */
enum nm_verdict {
  NM_VERDICT_GOES_ON,
  NM_VERDICT_DONE, /* the result is complete, the connection is good for another */
  NM_VERDICT_CLOSE /* the result is complete, nothing more may be spoken */
};

/* All-zero is none. */
struct nm_txn {
  struct nm_envelope env;
  struct nm_source *dot; /* the content as it goes on the wire */
  struct nm_cursor cmd;
  struct nm_cursor rsp;
  int pipelining;
  int may_size;   /* the server offers SIZE */
  int is_stopped; /* no further command; it ends when all are answered */
  int is_mail_refused;
  int is_data_refused;
  int is_lone_dot; /* 354 though no recipient was accepted: a dot alone takes the transaction back (RFC 2920 3.1) */
  int is_waiting;       /* the content has said "not now" */
  int is_content_begun; /* a byte of the content was sent */
  int is_handed_over;
  int is_reset_due;   /* the server still holds a transaction that the next one must clear */
  size_t rcpt_text_n; /* kept of RCPT's replies */
  struct nm_txn_result result;
};

NM_HIDDEN_BEGIN

/* Checks all before a byte is written; frees the result of before. */
int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps);
/* Forgets what was only kept while it ran: envelope and content. */
void nm_txn_let_go(struct nm_txn *t);
void nm_txn_free(struct nm_txn *t);
void nm_txn_advance(const struct nm_txn *t, struct nm_cursor *c);
/* Every command that was written has its reply. */
int nm_txn_is_answered(const struct nm_txn *t);
/* A command or a piece of the content may be written now. */
int nm_txn_may_write(const struct nm_txn *t);
/* What is written next is content and not a command. */
int nm_txn_at_content(const struct nm_txn *t);
/* Writes as many commands as may go and fit; out is empty. */
int nm_txn_write_commands(struct nm_txn *t, struct nm_buf *out);
/* Fills out with content. A negative code: the source failed, and the transaction has ended. */
int nm_txn_write_content(struct nm_txn *t, struct nm_buf *out);
/* All of the content, with its dot, is written. */
int nm_txn_content_written(const struct nm_txn *t);

/* The next reply in order; the command it answers was sent. */
int nm_txn_reply(struct nm_txn *t, const struct nm_reply *r);
/* A reply that nothing asked for: 421, or a refusal while the content goes out; anything else is a broken protocol. */
int nm_txn_early_reply(struct nm_txn *t, const struct nm_reply *r);
/* It ends here, by what was handed over and refused so far. */
void nm_txn_fail(struct nm_txn *t, const struct nm_error *why);
/* The command that is answered next. */
const char *nm_txn_command(const struct nm_txn *t);

NM_HIDDEN_END

#endif
