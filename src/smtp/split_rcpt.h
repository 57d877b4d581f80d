#ifndef NM_SMTP_SPLIT_RCPT_H
#define NM_SMTP_SPLIT_RCPT_H

#include "base/hidden.h"
#include "smtp/session.h"

struct nm_split_entry {
  struct nm_addr *addr;
  size_t at; /* its place in env */
};

/* One message in as many transactions as its recipients need: the server may say how many recipients and domains one may have (LIMITS,
   RFC 9422), the caller may know (rcpt_max), and a server may say so only when it is too late (452 to RCPT, RFC 5321 4.5.3.1.10): those
   recipients then come in the next one. No I/O: the caller runs each part, and hands back what became of it.

   What became of all together: each recipient has the fate that its own transaction gave it.
   - unknown, as soon as one transaction's end is unknown, whoever else got the message: sending all again may deliver it twice;
   - accepted when all got it, partial when some did;
   - otherwise what the last transaction says: rejected or not_sent.
   A transaction that is refused as a whole (sender, content) or ends the connection is the last; those that it left out have the fate
   not_sent, and rest says why. All-zero is empty. */
struct nm_split {
  const struct nm_envelope *env;
  size_t rcpt_max;
  size_t learned; /* as many were accepted before a 452; 0: never */
  struct nm_split_entry
      *pending; /* those that are still to be sent to, n_pending of them; NULL: all, and none was tried */
  size_t n_pending;
  struct nm_envelope part; /* what nm_split_next has chosen */
  struct nm_addr **to;
  struct nm_rcpt_options *rcpt;
  size_t n_runs;
  int is_over;
  int is_unknown; /* of one transaction */
  int is_good;    /* one transaction was accepted, for some at least */
  struct nm_txn_result result;
  struct nm_error rest;
};

NM_HIDDEN_BEGIN

/* Keeps env and all that it points to. rcpt_max: 0 for no limit of the caller's. Allocates nothing before one transaction turns out to be
   too few. */
void nm_split_init(struct nm_split *s, const struct nm_envelope *env, size_t rcpt_max);
/* As init, after an end whose result is in r: for those recipients who have not got it and were not refused for good. What has become of
   the others stays as it is; r is moved. NM_EINVAL: there are none; NM_ENOMEM: r is as before. */
int nm_split_resume(struct nm_split *s, const struct nm_envelope *env, size_t rcpt_max,
                    struct nm_txn_result *r);
/* 1: s->part is to be run, with the content at its first byte; again until nm_split_add, for another server too. 0: it is over.
   NM_ELIMIT: all_or_nothing cannot be kept in several transactions, NM_ENOMEM; the result says so. */
int nm_split_next(struct nm_split *s, const struct nm_caps *caps);
/* Another part is to be run after this one. */
int nm_split_has_more(const struct nm_split *s);
/* The part was run: takes the result out of r. */
void nm_split_add(struct nm_split *s, struct nm_txn_result *r);
/* No further part can be run: why (copied). */
void nm_split_stop(struct nm_split *s, const struct nm_error *why);
/* What became of all: moved out of s, which is as free as after nm_split_free, but for rest. */
void nm_split_finish(struct nm_split *s, struct nm_txn_result *out);
void nm_split_free(struct nm_split *s);

NM_HIDDEN_END

#endif
