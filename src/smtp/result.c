#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/session.h"

/* ---- of a transaction ---- */

static void clear(struct nm_txn_result *r) {
  memset(r, 0, offsetof(struct nm_txn_result, error));
  nm_error_clear(&r->error);
}

void nm_txn_result_free(struct nm_txn_result *r) {
  nm_buf_free(&r->reply.text);
  for (size_t i = 0; i < r->n_rcpt; i++) {
    nm_rcpt_free(&r->rcpt[i]);
  }
  nm_free(r->rcpt);
  clear(r);
}

void nm_txn_result_move(struct nm_txn_result *to, struct nm_txn_result *from) {
  memcpy(to, from, offsetof(struct nm_txn_result, error));
  nm_error_copy(&to->error, &from->error);
  clear(from);
}

const char *nm_outcome_name(enum nm_outcome o) {
  static const char *const names[] = {"not_sent", "rejected", "partial", "accepted", "unknown"};
  return (size_t)o < sizeof names / sizeof names[0] ? names[o] : "";
}

/* ---- of a recipient ---- */

struct nm_reply nm_rcpt_reply(const struct nm_rcpt *r) {
  struct nm_reply said = {.code = r->code, .enhanced = {r->enhanced[0], r->enhanced[1], r->enhanced[2]}};
  if (r->words != NULL) {
    said.text.p = r->words->text;
    said.text.n = r->words->n;
  }
  return said;
}

void nm_rcpt_answer(struct nm_rcpt *r, const struct nm_reply *answer, size_t text_max,
                    struct nm_words *before) {
  size_t n = answer->text.n < text_max ? answer->text.n : text_max;
  struct nm_words *words = nm_words_same(before, nm_str(answer->text.p, n));
  nm_words_unref(&r->words); /* LMTP answers twice */
  r->words = words;
  r->code = (short)answer->code; /* three digits, as each of these */
  r->enhanced[0] = (short)answer->enhanced[0];
  r->enhanced[1] = (short)answer->enhanced[1];
  r->enhanced[2] = (short)answer->enhanced[2];
}

void nm_rcpt_take(struct nm_rcpt *r, struct nm_rcpt *from) {
  nm_words_unref(&r->words);
  r->words = from->words;
  r->code = from->code;
  memcpy(r->enhanced, from->enhanced, sizeof r->enhanced);
  r->fate = from->fate;
  from->words = NULL;
  from->code = 0;
}

void nm_rcpt_free(struct nm_rcpt *r) {
  nm_words_unref(&r->words);
}
