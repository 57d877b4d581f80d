#ifndef NM_SENT_H
#define NM_SENT_H

#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"
#include "client.h"
#include "net/api.h"
#include "smtp/session.h"

/* Of one send; the last three are the session's, of each transaction. */
enum { NM_PHASE_CONNECT, NM_PHASE_ENVELOPE, NM_PHASE_CONTENT, NM_PHASE_REPLY, NM_PHASES };

/* What became of one send, or one question; all-zero before. */
struct nm_sent {
  struct nm_place place; /* where it went to: where the client was when it began */
  struct nm_buf key;     /* whose connections these were (kept.h), the first one's; secrets too: wiped */
  struct nm_reply
      reply; /* of the dial phase, when it failed there, or to the question; code 0: see txn.reply */
  const char *command;       /* the command error is about; NULL */
  int64_t spent[NM_PHASES];  /* ms in each phase, of all transactions together */
  struct nm_dial_times dial; /* of the last dial; all-zero: a kept connection was used */
  struct nm_txn_result txn;
  struct nm_error error; /* the whole sentence for the user; code 0 on success */
  struct nm_error rest;  /* partial: why a transaction after the first was not accepted; code 0: they were */
};

NM_HIDDEN_BEGIN

void nm_sent_free(struct nm_sent *s);
/* Before another attempt: with whom it is stays. */
void nm_sent_renew(struct nm_sent *s);
/* The dial has failed: another server that does the same service may be had. Not where a login was refused: that would count elsewhere
   too. */
int nm_sent_may_elsewhere(const struct nm_sent *s);
/* They could not, either: says so. Returns the code. */
int nm_sent_say_all_failed(struct nm_sent *s);

NM_HIDDEN_END

#endif
