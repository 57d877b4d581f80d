#include "sent.h"

static void drop_answers(struct nm_sent *s) {
  nm_txn_result_free(&s->txn);
  nm_reply_free(&s->reply);
}

void nm_sent_renew(struct nm_sent *s) {
  drop_answers(s);
  *s = (struct nm_sent){.place = s->place, .key = s->key};
}

void nm_sent_free(struct nm_sent *s) {
  drop_answers(s);
  nm_buf_free(&s->key);
  *s = (struct nm_sent){0};
}

int nm_sent_may_elsewhere(const struct nm_sent *s) {
  enum nm_kind kind = s->error.kind;
  return kind == NM_KIND_CONNECT || kind == NM_KIND_TIMEOUT || kind == NM_KIND_PROTOCOL ||
         (kind == NM_KIND_AUTH && nm_reply_class(&s->reply) == 4);
}

int nm_sent_say_all_failed(struct nm_sent *s) {
  struct nm_error e = s->error;
  return nm_error_set(&s->error, e.code, e.kind, "%s; the other servers could not be had either", e.text);
}
