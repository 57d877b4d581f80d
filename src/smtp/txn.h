#ifndef NM_SMTP_TXN_H
#define NM_SMTP_TXN_H

#include "base/hidden.h"
#include "smtp/session.h"

/* One mail transaction (RFC 5321 3.3): [RSET] MAIL RCPT… and the content, after DATA or in BDAT's chunks (RFC 3030). Two cursors run
   over these steps: the command cursor at what is written next, the response cursor at what is answered next; all of
   pipelining (RFC 2920) is how far the first may run ahead of the second. It knows nothing of buffers that are half sent, nor of
   other transactions: those are the session's. */
enum nm_step {
  NM_STEP_RSET,
  NM_STEP_MAIL,
  NM_STEP_RCPT,
  NM_STEP_DATA,
  NM_STEP_DOT,
  NM_STEP_BDAT,
  NM_STEP_END
};

struct nm_cursor {
  enum nm_step step;
  size_t i; /* which recipient at NM_STEP_RCPT, which chunk at NM_STEP_BDAT */
};

/* What a reply did to the transaction; a negative code is one more answer: the server broke the protocol. */
enum nm_verdict {
  NM_VERDICT_GOES_ON,
  NM_VERDICT_STAYS, /* goes on, and what was answered has another reply (LMTP) */
  NM_VERDICT_DONE,  /* the result is complete, the connection is good for another */
  NM_VERDICT_CLOSE  /* the result is complete, nothing more may be spoken */
};

/* What one transaction added to a buffer: commands up to content, from there on content, or a chunk with its BDAT, of which octets is
   the place behind that line. Commands only: both are end. Behind the buffer's bytes, as if they were of it, come those of the content
   that are sent from where they lie. */
struct nm_stretch {
  struct nm_txn *txn; /* NULL: no transaction's */
  size_t begin;
  size_t commands; /* before content; 0: nobody counted */
  size_t content;
  size_t octets;
  size_t end;
  struct nm_str lent;
};

/* All-zero is none. */
struct nm_txn {
  struct nm_envelope env; /* as nm_envelope_settle left it */
  struct nm_source *content;
  struct nm_source *wire; /* the content as it goes on the wire; borrowed, from nm_txn_start on */
  struct nm_cursor cmd;
  struct nm_cursor rsp;
  int pipelining;
  int chunking;    /* BDAT, not DATA */
  size_t held;     /* bytes of a chunk that waits for more, in the buffer at held_at */
  size_t held_at;  /* with room for its BDAT before it */
  size_t n_chunks; /* all of them, once the last is written */
  int is_stopped;  /* no further command; it ends when all are answered */
  int is_mail_refused;
  int is_data_refused;
  int is_blind; /* content went before the replies to its envelope: only their number says which is which */
  int is_lone_dot; /* 354 though no recipient was accepted: a dot alone takes the transaction back (RFC 2920 3.1) */
  int is_waiting;       /* the content has said "not now" */
  int is_content_begun; /* a byte of the content was sent */
  int is_handed_over;
  int is_over;       /* the result is complete */
  int is_delivering; /* LMTP: the first reply to the content has come */
  size_t delivered;  /* LMTP: recipients before this one have their last answer */
  size_t n_due;      /* LMTP: replies to come */
  int is_reset_due; /* by the last reply: the server still holds a transaction that the next one must clear */
  int64_t size;     /* of the content, also where the server is not told; -1: not known */
  uint64_t written; /* octets */
  uint64_t weight;  /* what the row counts for it */
  size_t rcpt_text_n; /* kept of RCPT's replies */
  /* For those to come: memory of results before, and what was said last to a RCPT, which will be said again. */
  struct nm_rcpt *spare;
  size_t spare_cap;
  struct nm_words *said;
  struct nm_txn_result result;
};

NM_HIDDEN_BEGIN

/* t is new or recycled. Checks all before a byte is written. When it cannot begin it is over. */
int nm_txn_begin(struct nm_txn *t, const struct nm_envelope *env, struct nm_source *content,
                 const struct nm_caps *caps, int may_pipeline);
/* What it is about to say comes next on the line, which is_reset_due says to clear first. wire is its own from here on, until all is
   written. */
void nm_txn_start(struct nm_txn *t, struct nm_source *wire, int is_reset_due);
int nm_txn_is_started(const struct nm_txn *t);
/* Forgets what was only kept while it ran: envelope and content. */
void nm_txn_let_go(struct nm_txn *t);
/* Forgets the result too; memory of a modest size is kept for the next. */
void nm_txn_recycle(struct nm_txn *t);
void nm_txn_free(struct nm_txn *t);
void nm_txn_advance(const struct nm_txn *t, struct nm_cursor *c);
/* Every command that was written has its reply. */
int nm_txn_is_answered(const struct nm_txn *t);
/* A command or a piece of the content may be written now. */
int nm_txn_may_write(const struct nm_txn *t);
/* Nothing of it is left to be written, now or later: the next transaction may follow. */
int nm_txn_is_written(const struct nm_txn *t);
/* When it is written, and until its last reply: whether the next one must clear what it may leave at the server. */
int nm_txn_may_linger(const struct nm_txn *t);
/* Adds what may go to out: commands, content, or commands and a chunk. When some of the content is lent, nothing may be added behind it.
   Nothing when there is no room, or the content gives nothing now; what such a chunk has already lies behind the bytes of out, which must be empty, and must not be touched. A negative code: the
   content failed, and the transaction is over. */
int nm_txn_write(struct nm_txn *t, struct nm_buf *out, struct nm_stretch *s);
/* The content that was written last has been sent to its last byte. Returns how many replies that calls for: 0 or 1. */
size_t nm_txn_content_sent(struct nm_txn *t);

/* The next reply in order; the command it answers was sent. */
int nm_txn_reply(struct nm_txn *t, const struct nm_reply *r);
/* A reply that nothing asked for: 421, or a refusal while the content goes out; anything else is a broken protocol. */
int nm_txn_early_reply(struct nm_txn *t, const struct nm_reply *r);
/* It is over, and the server says more than was asked for: of a blind one nobody knows which reply was the message's. */
void nm_txn_doubt(struct nm_txn *t, const struct nm_error *why);
/* It ends here, by what was handed over and refused so far. */
void nm_txn_fail(struct nm_txn *t, const struct nm_error *why);
/* It ends here, and the server has done nothing with what it may have got of it. */
void nm_txn_leave_out(struct nm_txn *t, const struct nm_error *why);
/* The command that is answered next. */
const char *nm_txn_command(const struct nm_txn *t);

NM_HIDDEN_END

#endif
