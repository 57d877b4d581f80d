#include "mime/eai.h"

#include <stdint.h>

#include "mime/template.h"

static int check(const char *field, const struct nm_addr *a, struct nm_error *e) {
  if (a == NULL || !nm_addr_is_utf8(a)) {
    return 0;
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "the address <%.*s> in %s is not ASCII before its \"@\": it can only go to a server with SMTPUTF8 (RFC "
      "6531); use an ASCII address of that mailbox",
      (int)a->address.n, a->address.p, field);
}

static int check_list(const char *field, const struct nm_list *list, struct nm_error *e) {
  int err = 0;
  for (size_t i = 0; i < list->n && err == 0; i++) {
    err = check(field, list->items[i], e);
  }
  return err;
}

static int check_resent(const struct nm_resent *r, struct nm_error *e) {
  int err = check("From of Resend", r->from, e);
  err = err != 0 ? err : check("Sender of Resend", r->sender, e);
  err = err != 0 ? err : check_list("To of Resend", r->to, e);
  return err != 0 ? err : check_list("CC of Resend", r->cc, e);
}

static int check_parts(const char *field, const struct nm_list *parts, struct nm_error *e) {
  for (size_t i = 0; i < parts->n; i++) {
    if (((const struct nm_part *)parts->items[i])->is_utf8) {
      return nm_error_set(
          e, NM_EINVAL, NM_KIND_MESSAGE,
          "a message in %s has an address that is not ASCII before its \"@\": it can only go to a server "
          "with SMTPUTF8 (RFC 6531); leave that message out",
          field);
    }
  }
  return 0;
}

static int check_root(const struct nm_message *m, struct nm_error *e) {
  struct nm_list root = {.items = (void **)(uintptr_t)&m->root, .n = m->root != NULL};
  return check_parts("RootPart", &root, e);
}

int nm_message_check_parts(const struct nm_message *m, struct nm_error *e) {
  const struct nm_error *known = m->template != NULL ? &m->template->utf8 : NULL;
  if (known != NULL && known->code != 0) {
    return nm_error_set(e, known->code, known->kind, "%s", known->text);
  }
  int err = check_parts("Attachments", m->attachments, e);
  err = err != 0 ? err : check_parts("LinkedResources", m->linked, e);
  err = err != 0 ? err : check_parts("AlternateViews", m->views, e);
  return err != 0 ? err : check_root(m, e);
}

static int check_members(const struct nm_message *m, struct nm_error *e) {
  int err = check("From", m->from, e);
  err = err != 0 ? err : check("Sender", m->sender, e);
  err = err != 0 ? err : check_list("ReplyTo", m->reply_to, e);
  err = err != 0 ? err : check_list("To", m->to, e);
  err = err != 0 ? err : check_list("CC", m->cc, e);
  err = err != 0 ? err : check_list("DispositionNotificationTo", m->notify, e);
  return err != 0 ? err : nm_message_check_parts(m, e);
}

/* Of a message that goes as it is, only the Resent- blocks are written. */
int nm_message_check_header(const struct nm_message *m, struct nm_error *e) {
  int err = m->raw == NULL ? check_members(m, e) : 0;
  for (size_t i = 0; i < m->resent->n && err == 0; i++) {
    err = check_resent(m->resent->items[i], e);
  }
  return err;
}
