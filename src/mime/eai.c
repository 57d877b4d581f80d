#include "mime/eai.h"

#include "mime/resent.h"

static int check(const char *field, const struct nm_addr *a, struct nm_error *e) {
  if (a == NULL || !nm_addr_is_utf8(a)) {
    return 0;
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "the address <%.*s> in %s is not ASCII before its \"@\": it can only be sent with SMTPUTF8 (RFC "
      "6531), which is not supported; use an ASCII address of that mailbox",
      (int)a->address.n, a->address.p, field);
}

static int check_list(const char *field, const struct nm_list *list, struct nm_error *e) {
  int err = 0;
  for (size_t i = 0; i < list->n && err == 0; i++) {
    err = check(field, list->items[i], e);
  }
  return err;
}

static int check_resent(const struct nm_resent *r, int is_newest, struct nm_error *e) {
  int err = check("From of Resend", r->from, e);
  err = err != 0 ? err : check("Sender of Resend", r->sender, e);
  err = err != 0 ? err : check_list("To of Resend", r->to, e);
  err = err != 0 ? err : check_list("CC of Resend", r->cc, e);
  return err != 0 || !is_newest ? err : check_list("Bcc of Resend", r->bcc, e);
}

int nm_message_check_ascii(const struct nm_message *m, struct nm_error *e) {
  int err = check("From", m->from, e);
  err = err != 0 ? err : check("Sender", m->sender, e);
  err = err != 0 ? err : check_list("ReplyTo", m->reply_to, e);
  err = err != 0 ? err : check_list("To", m->to, e);
  err = err != 0 ? err : check_list("CC", m->cc, e);
  err = err != 0 ? err : check_list("DispositionNotificationTo", m->notify, e);
  if (err == 0 && m->resent->n == 0) { /* else only those of the newest block are in the envelope */
    err = check_list("Bcc", m->bcc, e);
  }
  for (size_t i = 0; i < m->resent->n && err == 0; i++) {
    err = check_resent(m->resent->items[i], i + 1 == m->resent->n, e);
  }
  return err;
}
