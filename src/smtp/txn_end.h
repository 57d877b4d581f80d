#ifndef NM_SMTP_TXN_END_H
#define NM_SMTP_TXN_END_H

#include "base/hidden.h"
#include "smtp/txn.h"

/* How a transaction ends: the answers that are kept, the outcome, and the words for it. */

NM_HIDDEN_BEGIN

int nm_txn_nobody_gets_it(const struct nm_txn *t);
/* The server has said no already, whatever may still be answered: a line that breaks from here on changes nothing. */
int nm_txn_is_refused(const struct nm_txn *t);
/* The reply that decides, so far. */
void nm_txn_keep_reply(struct nm_txn *t, const struct nm_reply *r);
/* The answer for recipient i. */
void nm_txn_keep_rcpt_reply(struct nm_txn *t, size_t i, const struct nm_reply *r);
/* The error: "what: 550 5.1.1 no such user". */
void nm_txn_say(struct nm_txn *t, int code, enum nm_kind kind, const char *what, const struct nm_reply *r);
/* The one place where a transaction gets its outcome, and its recipients their fates. */
void nm_txn_conclude(struct nm_txn *t, enum nm_outcome outcome);
/* Rejected, with the words of the reply that decided. */
void nm_txn_conclude_refused(struct nm_txn *t);

NM_HIDDEN_END

#endif
