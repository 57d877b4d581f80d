#include "base/alloc.h"
#include "smtp/session.h"

void nm_txn_result_free(struct nm_txn_result *r) {
  nm_reply_free(&r->reply);
  for (size_t i = 0; i < r->n_rcpt; i++) {
    nm_reply_free(&r->rcpt[i].reply);
  }
  nm_free(r->rcpt);
  *r = (struct nm_txn_result){0};
}

const char *nm_outcome_name(enum nm_outcome o) {
  static const char *const names[] = {"not_sent", "rejected", "partial", "accepted", "unknown"};
  return (size_t)o < sizeof names / sizeof names[0] ? names[o] : "";
}

const char *nm_auth_end_name(enum nm_auth_end o) {
  static const char *const names[] = {"none", "done", "refused", "unusable", "temporary", "forged", "digest"};
  return (size_t)o < sizeof names / sizeof names[0] ? names[o] : "";
}
