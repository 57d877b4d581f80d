#include "send_options.h"

#include "base/alloc.h"

int nm_send_options_new(struct nm_send_options **out) {
  struct nm_send_options *o = nm_zalloc(sizeof *o);
  if (o == NULL) {
    return NM_ENOMEM;
  }
  o->refs = 1;
  o->all_or_nothing = -1;
  o->orcpt.max = NM_ORCPT_MAX;
  o->envid.max = NM_ENVID_MAX;
  *out = o;
  return 0;
}

int nm_send_options_copy(const struct nm_send_options *from, struct nm_send_options **out) {
  int err = nm_send_options_new(out);
  if (err != 0 || from == NULL) {
    return err;
  }
  struct nm_send_options *o = *out;
  nm_buf_add_str(&o->orcpt, nm_buf_str(&from->orcpt));
  nm_buf_add_str(&o->envid, nm_buf_str(&from->envid));
  if (o->orcpt.err != 0 || o->envid.err != 0) {
    nm_send_options_unref(out);
    return NM_ENOMEM;
  }
  o->has_from = from->has_from;
  o->from = from->from != NULL ? nm_addr_ref(from->from) : NULL;
  o->to = from->to != NULL ? nm_list_ref(from->to) : NULL;
  o->notify = from->notify;
  o->mail = from->mail;
  o->all_or_nothing = from->all_or_nothing;
  o->chunking = from->chunking;
  return 0;
}

struct nm_send_options *nm_send_options_ref(struct nm_send_options *o) {
  o->refs++;
  return o;
}

void nm_send_options_clear(struct nm_send_options *o) {
  nm_addr_unref(&o->from);
  nm_list_unref(&o->to);
  nm_buf_free(&o->orcpt);
  nm_buf_free(&o->envid);
  o->has_from = 0;
  o->notify = 0;
  o->mail = (struct nm_mail_options){0};
  o->all_or_nothing = -1;
  o->chunking = NM_CHUNKING_OFFERED;
}

void nm_send_options_swap(struct nm_send_options *a, struct nm_send_options *b) {
  struct nm_send_options was = *a;
  *a = *b;
  *b = was;
  b->refs = a->refs;
  a->refs = was.refs;
}

void nm_send_options_unref(struct nm_send_options **at) {
  struct nm_send_options *o = *at;
  *at = NULL;
  if (o != NULL && --o->refs == 0) {
    nm_send_options_clear(o);
    nm_free(o);
  }
}

int nm_send_options_set_envid(struct nm_send_options *o, struct nm_str envid, struct nm_error *e) {
  struct nm_mail_options asked = {.envid = envid};
  int err = nm_mail_options_check(&asked, e);
  return err != 0 ? err : nm_buf_replace(&o->envid, "EnvelopeId", envid, e);
}

int nm_send_options_set_orcpt(struct nm_send_options *o, struct nm_str orcpt, struct nm_error *e) {
  struct nm_rcpt_options asked = {.orcpt = orcpt};
  int err = nm_rcpt_options_check(&asked, e);
  return err != 0 ? err : nm_buf_replace(&o->orcpt, "OriginalRecipient", orcpt, e);
}

int nm_send_options_set_mail(struct nm_send_options *o, const struct nm_mail_options *mail,
                             struct nm_error *e) {
  int err = nm_mail_options_check(mail, e);
  if (err == 0) {
    o->mail = *mail;
    o->mail.envid = nm_str("", 0);
  }
  return err;
}
