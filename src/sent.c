#include "sent.h"

#include <string.h>

/* All but with whom it is. Of the texts, which are most of it, what is in use. */
void nm_sent_renew(struct nm_sent *s) {
  nm_txn_result_free(&s->txn);
  nm_reply_free(&s->reply);
  s->command = NULL;
  memset(s->spent, 0, sizeof s->spent);
  s->dial = (struct nm_dial_times){0};
  nm_error_clear(&s->error);
  nm_error_clear(&s->rest);
}

void nm_sent_free(struct nm_sent *s) {
  nm_sent_renew(s);
  nm_buf_free(&s->key);
  s->key = (struct nm_buf){0};
  s->place.text[0] = s->place.host[0] = '\0';
  s->place.port = s->place.is_proxied = 0;
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
