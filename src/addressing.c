#include "addressing.h"

#include "base/alloc.h"
#include "recipient.h"

/* Recipients for whose list the room is kept. */
#define KEPT_MAX 64

static int list_error(int err, struct nm_error *e) {
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "the message has more than %d recipients", NM_ADDR_LIST_MAX);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

static int take_from(struct nm_addressing *a, const struct nm_message *m, struct nm_error *e) {
  const struct nm_send_options *o = a->options;
  const struct nm_resent *r = nm_message_resent(m);
  struct nm_addr *sender = r != NULL ? r->sender : m->sender;
  struct nm_addr *from = sender != NULL ? sender : r != NULL ? r->from : m->from;
  int is_said = o != NULL && o->has_from;
  from = is_said ? o->from : from;
  if (from == NULL && !is_said) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the message has no From; set Message.From");
  }
  a->from = from != NULL ? nm_addr_ref(from) : NULL;
  return 0;
}

/* To, CC and Bcc. */
static int gather(struct nm_list *to, const struct nm_message *m) {
  const struct nm_resent *r = nm_message_resent(m);
  int err = nm_list_add_all(to, r != NULL ? r->to : m->to);
  err = err == 0 ? nm_list_add_all(to, r != NULL ? r->cc : m->cc) : err;
  return err == 0 ? nm_list_add_all(to, r != NULL ? r->bcc : m->bcc) : err;
}

static int gather_said(struct nm_list *to, const struct nm_list *said) {
  int err = 0;
  for (size_t i = 0; i < said->n && err == 0; i++) {
    err = nm_list_add(to, ((const struct nm_recipient *)said->items[i])->addr);
  }
  return err;
}

static int asks(const struct nm_send_options *o) {
  int asked = o->notify != 0 || o->orcpt.n > 0;
  for (size_t i = 0; o->to != NULL && i < o->to->n && !asked; i++) {
    const struct nm_recipient *r = o->to->items[i];
    asked = r->notify != 0 || r->orcpt.n > 0;
  }
  return asked;
}

/* What one more naming of a recipient asks for. One RCPT has one ORCPT, and who never wants a report wants none of a failure; reports of
   several kinds go together (RFC 3461 4.1). */
static int merge(struct nm_rcpt_options *all, const struct nm_recipient *r, struct nm_error *e) {
  struct nm_str spec = r->addr->spec;
  unsigned both = all->notify | r->notify;
  if ((both & NM_NOTIFY_NEVER) != 0 && both != NM_NOTIFY_NEVER) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "To names <%.*s> more than once, with Notify \"never\" and with another one; take one of "
        "them out",
        (int)spec.n, spec.p);
  }
  if (all->orcpt.n > 0 && r->orcpt.n > 0 && !nm_str_eq(all->orcpt, r->orcpt)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "To names <%.*s> more than once, with two OriginalRecipients; take one of them out, or "
        "send the message once for each",
        (int)spec.n, spec.p);
  }
  all->notify = both;
  all->orcpt = r->orcpt.n > 0 ? r->orcpt : all->orcpt;
  return 0;
}

/* place: where among the recipients each one that was gathered is. */
static int take_rcpt(struct nm_addressing *a, const size_t *place, struct nm_error *e) {
  const struct nm_send_options *o = a->options;
  a->rcpt = nm_realloc_array(NULL, a->to->n, sizeof *a->rcpt);
  if (a->rcpt == NULL) {
    return nm_error_nomem(e);
  }
  memset(a->rcpt, 0, a->to->n * sizeof *a->rcpt);
  int err = 0;
  for (size_t i = 0; o->to != NULL && i < o->to->n && err == 0; i++) {
    err = merge(&a->rcpt[place[i]], o->to->items[i], e);
  }
  for (size_t i = 0; i < a->to->n; i++) {
    struct nm_rcpt_options *r = &a->rcpt[i];
    r->notify = r->notify != 0 ? r->notify : o->notify;
    r->orcpt = r->orcpt.n > 0 ? r->orcpt : nm_buf_str(&o->orcpt);
  }
  return err;
}

static int make_unique(struct nm_addressing *a, struct nm_error *e) {
  if (a->options == NULL || !asks(a->options)) {
    return a->to->n < 2 || nm_addr_list_unique(a->to, NULL) == 0 ? 0 : nm_error_nomem(e);
  }
  size_t *place = nm_realloc_array(NULL, a->to->n, sizeof *place);
  int err = place != NULL ? nm_addr_list_unique(a->to, place) : NM_ENOMEM;
  err = err != 0 ? nm_error_nomem(e) : take_rcpt(a, place, e);
  nm_free(place);
  return err;
}

static int take_to(struct nm_addressing *a, const struct nm_message *m, struct nm_error *e) {
  const struct nm_list *said = a->options != NULL ? a->options->to : NULL;
  a->to = a->to != NULL ? a->to : nm_addr_list_new();
  int err = a->to == NULL ? NM_ENOMEM : said != NULL ? gather_said(a->to, said) : gather(a->to, m);
  if (err != 0) {
    return list_error(err, e);
  }
  if (a->to->n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        said != NULL ? "the option To names no recipient"
                                     : "the message has no recipients; add one to To, CC or Bcc");
  }
  return make_unique(a, e);
}

int nm_addressing_take(struct nm_addressing *a, const struct nm_message *m, struct nm_send_options *options,
                       struct nm_error *e) {
  a->options = options != NULL ? nm_send_options_ref(options) : NULL;
  int err = take_from(a, m, e);
  return err == 0 ? take_to(a, m, e) : err;
}

void nm_addressing_write(const struct nm_addressing *a, struct nm_envelope *env) {
  const struct nm_send_options *o = a->options;
  env->from = a->from;
  env->to = (struct nm_addr *const *)a->to->items;
  env->n_to = a->to->n;
  env->rcpt = a->rcpt;
  if (o != NULL) {
    env->mail = o->mail;
    env->mail.envid = nm_buf_str(&o->envid);
    env->chunking = o->chunking;
  }
}

void nm_addressing_reset(struct nm_addressing *a) {
  if (a->to != NULL && a->to->cap <= KEPT_MAX) {
    nm_list_clear(a->to);
  } else {
    nm_list_unref(&a->to);
  }
  nm_addr_unref(&a->from);
  nm_free(a->rcpt);
  a->rcpt = NULL;
  nm_send_options_unref(&a->options);
}

void nm_addressing_free(struct nm_addressing *a) {
  nm_addressing_reset(a);
  nm_list_unref(&a->to);
  *a = (struct nm_addressing){0};
}
