#include "mail.h"

#include <stddef.h>
#include <string.h>

static void note_deadline(struct nm_mails *l, const struct nm_mail *m) {
  if (m->deadline > 0 && (l->due == 0 || m->deadline < l->due)) {
    l->due = m->deadline;
  }
}

static void count_in(struct nm_mails *l, struct nm_mail *m) {
  m->list = l;
  l->n++;
  note_deadline(l, m);
}

int nm_mails_may_be_late(const struct nm_mails *l, int64_t now) {
  return l->due > 0 && now >= l->due;
}

void nm_mails_look_ahead(struct nm_mails *l, int64_t now) {
  l->due = 0;
  for (const struct nm_mail *m = l->first; m != NULL; m = m->next) {
    if (m->deadline > now) {
      note_deadline(l, m);
    }
  }
}

void nm_mails_add(struct nm_mails *l, struct nm_mail *m) {
  m->next = NULL;
  m->previous = l->last;
  *(l->last != NULL ? &l->last->next : &l->first) = m;
  l->last = m;
  count_in(l, m);
}

void nm_mails_add_first(struct nm_mails *l, struct nm_mail *m) {
  m->next = l->first;
  m->previous = NULL;
  *(l->first != NULL ? &l->first->previous : &l->last) = m;
  l->first = m;
  count_in(l, m);
}

void nm_mails_remove(struct nm_mail *m) {
  struct nm_mails *l = m->list;
  if (l == NULL) {
    return;
  }
  *(m->previous != NULL ? &m->previous->next : &l->first) = m->next;
  *(m->next != NULL ? &m->next->previous : &l->last) = m->previous;
  l->n--;
  l->due = l->n > 0 ? l->due : 0;
  m->next = m->previous = NULL;
  m->list = NULL;
}

struct nm_mail *nm_mails_take(struct nm_mails *l) {
  struct nm_mail *m = l->first;
  if (m != NULL) {
    nm_mails_remove(m);
  }
  return m;
}

void nm_mail_clear(struct nm_mail *m) {
  memset(m, 0, offsetof(struct nm_mail, split));
  nm_split_free(&m->split);
}

void nm_mail_begin(struct nm_mail *m) {
  nm_split_init(&m->split, m->env, m->rcpt_max);
}

int nm_mail_begin_again(struct nm_mail *m) {
  struct nm_sent *out = m->out;
  if (nm_source_rewind(m->content) != 0) {
    return NM_EINVAL;
  }
  int err = nm_split_resume(&m->split, m->env, m->rcpt_max, &out->txn);
  if (err == 0) {
    nm_error_clear(&out->error);
    nm_error_clear(&out->rest);
    out->command = NULL;
    nm_reply_free(&out->reply);
    m->n_lost = 0;
  }
  return err;
}

/* For the recipients that are left. */
static int may_rewind(struct nm_mail *m) {
  if (nm_source_rewind(m->content) == 0) {
    return 1;
  }
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_MESSAGE,
               "the server takes the recipients in several transactions, and the message has a content that "
               "can be read only once");
  nm_split_stop(&m->split, &why);
  return 0;
}

int nm_mail_add(struct nm_mail *m, struct nm_txn_result *r) {
  nm_split_add(&m->split, r);
  return nm_split_has_more(&m->split) && may_rewind(m);
}

void nm_mail_stop(struct nm_mail *m) {
  struct nm_sent *out = m->out;
  if (m->split.n_runs == 0) {
    return;
  }
  nm_split_stop(&m->split, &out->error);
  if (m->split.is_good) {
    nm_error_clear(&out->error);
    out->command = NULL;
    nm_reply_free(&out->reply);
  }
}

const struct nm_error *nm_mail_too_late(const struct nm_mail *m, struct nm_error *e) {
  nm_error_set(e, NM_ETIME, NM_KIND_TIMEOUT, "the Deadline of %lld ms for the whole send is over",
               (long long)m->patience);
  return e;
}

/* MAIL was refused: for the address, or for what else it says (RFC 3463 3.4 and 3.7: x.3.y is about the system, x.6.y about the content). */
static const char *sender_advice(const struct nm_reply *r) {
  if (r->code == 530) {
    return nm_reply_has_word(r, NM_STR("TLS")) ? "; set EnableSsl"
                                               : "; the server wants a login: set UserName and Password";
  }
  if (r->code == 552 || r->code == 555 || r->enhanced[1] == 3 || r->enhanced[1] == 6) {
    return "";
  }
  return "; use an address in From (or Sender) that this login may send from";
}

static const char *advice_of(const struct nm_txn_result *r) {
  if (r->outcome == NM_OUTCOME_UNKNOWN) {
    return ": sending it again may deliver it twice";
  }
  if (r->error.kind == NM_KIND_CONNECT) {
    return "; nobody has got it, so it is safe to try again";
  }
  if (r->reply.code / 100 == 4) {
    return "; try again later";
  }
  if (r->command != NULL && strcmp(r->command, "BDAT") == 0 && r->reply.code >= 500 && r->reply.code <= 504) {
    return "; it announces CHUNKING and does not have it: set Chunking = \"off\" in SendOptions";
  }
  return r->error.kind == NM_KIND_SENDER ? sender_advice(&r->reply) : "";
}

/* The engine's words with the server's name and advice: a sentence that stands alone. */
static void explain(const char *place, const struct nm_txn_result *r, struct nm_error *e) {
  if (r->error.kind == NM_KIND_MESSAGE) { /* not the server's affair */
    nm_error_set(e, r->error.code, r->error.kind, "%s", r->error.text);
  } else {
    /* The words in the middle are the server's, as many as it likes; ours at the end must not be lost for them. */
    nm_error_set(e, r->error.code, r->error.kind, "%.*s (server %s)%s", NM_ERROR_TEXT_MAX / 2, r->error.text,
                 place, advice_of(r));
  }
}

void nm_mail_end(struct nm_mail *m) {
  struct nm_sent *out = m->out;
  nm_split_finish(&m->split, &out->txn);
  nm_error_copy(&out->rest, &m->split.rest);
  if (out->error.code == 0 && out->txn.error.code != 0) {
    explain(out->place.text, &out->txn, &out->error);
    out->command = out->txn.command;
  }
}
