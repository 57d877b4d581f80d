#include "mime/head.h"

#include "base/alloc.h"
#include "mime/date.h"
#include "mime/encword.h"
#include "mime/fields.h"
#include "mime/fold.h"
#include "mime/mailbox.h"
#include "mime/stamp.h"
#include "mime/template.h"

/* NM_FIELDS_MAX fields of their greatest length are less when they are written. */
#define KEPT_MAX ((size_t)1 << 30)

/* A whole field of mailboxes; the name in the given charset. */
typedef int field_fn(struct nm_buf *b, const char *field, const void *value, struct nm_str charset,
                     struct nm_error *e);

static int list_field(struct nm_buf *b, const char *field, const void *list, struct nm_str charset,
                      struct nm_error *e) {
  return nm_mailbox_field(b, field, list, charset, e);
}

static int one_field(struct nm_buf *b, const char *field, const void *addr, struct nm_str charset,
                     struct nm_error *e) {
  size_t col = nm_fold_name(b, field);
  int err = nm_mailbox_write(b, &col, addr, charset, 0, e);
  nm_fold_end(b);
  return err;
}

/* Display names go in SubjectEncoding for the sake of old readers, but a name that it cannot write is no reason to refuse a
   message: nobody chose the charset for it. Such a field is in UTF-8; every encoded word says its own charset. */
static int mailboxes(struct nm_buf *b, field_fn *write, const char *field, const void *value,
                     struct nm_str charset, struct nm_error *e) {
  size_t before = b->n;
  int err = write(b, field, value, charset, e);
  if (err == NM_EINVAL) {
    b->n = before;
    err = write(b, field, value, NM_STR("utf-8"), e);
  }
  return err;
}

static int has_kept(const struct nm_message *m, struct nm_str name) {
  return nm_fields_find(m->fields, name, 0) < m->fields->n;
}

/* from = "From:" mailbox-list   sender = "Sender:" mailbox   (RFC 5322 3.6.2)
   "If the originator of the message can be indicated by a single mailbox and the author and transmitter are identical,
   the Sender: field SHOULD NOT be used." */
static int originators(struct nm_buf *b, const struct nm_message *m, struct nm_str charset,
                       struct nm_error *e) {
  if (m->from == NULL && !has_kept(m, NM_STR("From"))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the message has no From; set it to the author's address");
  }
  int err = m->from != NULL ? mailboxes(b, one_field, "From", m->from, charset, e) : 0;
  int is_other = m->sender != NULL && (m->from == NULL || !nm_addr_same(m->sender, m->from));
  if (err == 0 && is_other) {
    err = mailboxes(b, one_field, "Sender", m->sender, charset, e);
  }
  return err != 0 ? err : mailboxes(b, list_field, "Reply-To", m->reply_to, charset, e);
}

/* A message to Bcc recipients alone gets an empty group: a header without any of To, Cc and Bcc was not allowed by RFC 822,
   and some MTAs add a field of their own that names everybody. */
static int destinations(struct nm_buf *b, const struct nm_message *m, struct nm_str charset,
                        struct nm_error *e) {
  if (m->to->n == 0 && m->cc->n == 0) {
    if (has_kept(m, NM_STR("To")) || has_kept(m, NM_STR("Cc"))) {
      return 0;
    }
    nm_buf_add_c(b, "To: undisclosed-recipients:;\r\n");
    return 0;
  }
  int err = mailboxes(b, list_field, "To", m->to, charset, e);
  return err != 0 ? err : mailboxes(b, list_field, "Cc", m->cc, charset, e);
}

static int subject(struct nm_buf *b, const struct nm_message *m, struct nm_str charset, struct nm_error *e) {
  if (m->subject.n == 0) {
    return 0;
  }
  struct nm_error why;
  nm_error_clear(&why);
  size_t col = nm_fold_name(b, "Subject");
  int err = nm_encword_text(b, &col, nm_buf_str(&m->subject), charset, &why);
  nm_fold_end(b);
  if (err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return err == 0 ? 0 : nm_error_set(e, err, NM_KIND_MESSAGE, "Subject: %s", why.text);
}

/* Never folded: there are readers that then see none. */
static int message_id(struct nm_buf *b, struct nm_str field, struct nm_str id, int is_made,
                      struct nm_error *e) {
  if (id.n == 0) {
    return 0;
  }
  if (!is_made && !nm_message_id_is_safe(id)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "\"%.*s\" is not a Message-ID; write it as <name@domain>", nm_shown(id, 200), id.p);
  }
  nm_fold_line(b, field, id);
  return 0;
}

/* No standard for the first, but what most readers look at; the others are RFC 2156 5.3.4 and 5.3.6. */
static void priority(struct nm_buf *b, enum nm_priority p) {
  if (p == NM_PRIORITY_HIGH) {
    nm_buf_add_c(b, "X-Priority: 1 (Highest)\r\nImportance: high\r\nPriority: urgent\r\n");
  } else if (p == NM_PRIORITY_LOW) {
    nm_buf_add_c(b, "X-Priority: 5 (Lowest)\r\nImportance: low\r\nPriority: non-urgent\r\n");
  }
}

static void date(struct nm_buf *b, struct nm_str field, int64_t t, int offset) {
  char text[NM_DATE_SIZE];
  nm_date_put(text, t, offset);
  nm_fold_line(b, field, nm_str(text, sizeof text));
}

static void date_of(struct nm_buf *b, const struct nm_stamp *stamp) {
  if (stamp->dated[0] != '\0') {
    nm_fold_line(b, NM_STR("Date"), nm_str(stamp->dated, NM_DATE_SIZE));
  } else {
    date(b, NM_STR("Date"), stamp->date, stamp->offset);
  }
}

/* resent-date, resent-from, resent-sender, resent-to, resent-cc, resent-msg-id   (RFC 5322 3.6.6) */
static int resent_block(struct nm_buf *b, const struct nm_resent *r, struct nm_str charset,
                        struct nm_error *e) {
  date(b, NM_STR("Resent-Date"), r->date, r->offset);
  int err = mailboxes(b, one_field, "Resent-From", r->from, charset, e);
  if (err == 0 && r->sender != NULL && !nm_addr_same(r->sender, r->from)) {
    err = mailboxes(b, one_field, "Resent-Sender", r->sender, charset, e);
  }
  err = err != 0 ? err : mailboxes(b, list_field, "Resent-To", r->to, charset, e);
  err = err != 0 ? err : mailboxes(b, list_field, "Resent-Cc", r->cc, charset, e);
  return err != 0 ? err : message_id(b, NM_STR("Resent-Message-ID"), nm_buf_str(&r->message_id), 0, e);
}

/* "Each new set of resent fields is prepended to the message; that is, the most recent set of resent fields appears earlier in
   the message."   (RFC 5322 3.6.6) */
static int resent(struct nm_buf *b, const struct nm_message *m, struct nm_str charset, struct nm_error *e) {
  int err = 0;
  for (size_t i = m->resent->n; i > 0 && err == 0; i--) {
    err = resent_block(b, m->resent->items[i - 1], charset, e);
  }
  return err;
}

int nm_head_write_resent(struct nm_buf *b, const struct nm_message *m, struct nm_error *e) {
  return resent(b, m, nm_buf_str(&m->subject_encoding), e);
}

/* A field that a property stands for is only in the list when it was read and cannot be one (a From of two mailboxes). It is written
   where the property has nothing to say; those that are always written (Date, Message-ID, MIME-Version) take its place. */
static int is_written(const struct nm_message *m, const struct nm_field *f) {
  const struct {
    struct nm_str name;
    int written;
  } owned[] = {
      {NM_STR("From"), m->from == NULL},
      {NM_STR("Sender"), m->sender == NULL},
      {NM_STR("Reply-To"), m->reply_to->n == 0},
      {NM_STR("To"), m->to->n == 0},
      {NM_STR("Cc"), m->cc->n == 0},
      {NM_STR("Bcc"), 0},
      {NM_STR("Resent-Bcc"), 0},
      {NM_STR("Subject"), m->subject.n == 0},
      {NM_STR("Date"), 0},
      {NM_STR("Message-ID"), 0},
      {NM_STR("MIME-Version"), 0},
      {NM_STR("Return-Path"), 0},
      {NM_STR("Disposition-Notification-To"), m->notify->n == 0},
      {NM_STR("X-Priority"), m->priority == NM_PRIORITY_NORMAL},
      {NM_STR("Importance"), m->priority == NM_PRIORITY_NORMAL},
      {NM_STR("Priority"), m->priority == NM_PRIORITY_NORMAL},
  };
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
    if (nm_str_ieq(f->name, owned[i].name)) {
      return owned[i].written;
    }
  }
  return 1;
}

/* ---- what a template keeps: addresses and fields never change, so that the same ones are written in the same way ---- */

static int is_same_list(const struct nm_list *a, const struct nm_list *b) {
  return a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof *a->items) == 0);
}

static struct nm_str kept(const struct nm_head_kept *k, size_t begin, size_t end) {
  return nm_str(k->text.p + begin, end - begin);
}

/* p NULL: m has others. Here and below. */
static struct nm_str kept_originators(const struct nm_message *m) {
  const struct nm_template *t = m->template;
  int is_same = t != NULL && t->head.from_end > 0 && m->from == t->common->from &&
                m->sender == t->common->sender && is_same_list(m->reply_to, t->common->reply_to);
  return is_same ? kept(&t->head, 0, t->head.from_end) : nm_str(NULL, 0);
}

static struct nm_str kept_subject(const struct nm_message *m) {
  const struct nm_template *t = m->template;
  int is_same =
      t != NULL && m->subject.n > 0 && nm_str_eq(nm_buf_str(&m->subject), nm_buf_str(&t->common->subject));
  return is_same ? kept(&t->head, t->head.from_end, t->head.subject_end) : nm_str(NULL, 0);
}

static struct nm_str kept_field(const struct nm_message *m, size_t i) {
  const struct nm_template *t = m->template;
  int is_same = t != NULL && i < t->common->fields->n && m->fields->items[i] == t->common->fields->items[i];
  return is_same ? kept(&t->head, i > 0 ? t->head.ends[i - 1] : t->head.subject_end, t->head.ends[i])
                 : nm_str(NULL, 0);
}

static int keep_fields(struct nm_head_kept *k, const struct nm_message *m, struct nm_str charset,
                       struct nm_error *e) {
  size_t n = m->fields->n;
  k->ends = n > 0 ? nm_realloc_array(NULL, n, sizeof *k->ends) : NULL;
  int err = n > 0 && k->ends == NULL ? nm_error_nomem(e) : 0;
  for (size_t i = 0; i < n && err == 0; i++) {
    err = nm_field_write(&k->text, m->fields->items[i], charset, e);
    k->ends[i] = k->text.n;
  }
  return err;
}

/* Who has no From yet must give each its own. */
int nm_head_keep(struct nm_head_kept *k, const struct nm_message *m, struct nm_error *e) {
  struct nm_str charset = nm_buf_str(&m->subject_encoding);
  k->text.max = KEPT_MAX;
  int err = m->from != NULL ? originators(&k->text, m, charset, e) : 0;
  k->from_end = k->text.n;
  err = err == 0 ? subject(&k->text, m, charset, e) : err;
  k->subject_end = k->text.n;
  err = err == 0 ? keep_fields(k, m, charset, e) : err;
  return err == 0 ? nm_fold_status(&k->text, e) : err;
}

void nm_head_kept_free(struct nm_head_kept *k) {
  nm_buf_free(&k->text);
  nm_free(k->ends);
  *k = (struct nm_head_kept){0};
}

/* ---- the header ---- */

static int fields(struct nm_buf *b, const struct nm_message *m, struct nm_str charset, struct nm_error *e) {
  int err = nm_fields_check(m->fields, e);
  for (size_t i = 0; i < m->fields->n && err == 0; i++) {
    const struct nm_field *f = m->fields->items[i];
    struct nm_str same = kept_field(m, i);
    if (f->is_read && !is_written(m, f)) {
      continue;
    }
    nm_buf_add_str(b, same);
    err = same.p == NULL ? nm_field_write(b, f, charset, e) : 0;
  }
  return err;
}

/* From, Sender and Reply-To. */
static int write_originators(struct nm_buf *b, const struct nm_message *m, struct nm_str charset,
                             struct nm_error *e) {
  struct nm_str same = kept_originators(m);
  nm_buf_add_str(b, same);
  return same.p == NULL ? originators(b, m, charset, e) : 0;
}

static int write_subject(struct nm_buf *b, const struct nm_message *m, struct nm_str charset,
                         struct nm_error *e) {
  struct nm_str same = kept_subject(m);
  nm_buf_add_str(b, same);
  return same.p == NULL ? subject(b, m, charset, e) : 0;
}

int nm_head_write(struct nm_buf *b, const struct nm_message *m, const struct nm_stamp *stamp,
                  struct nm_error *e) {
  struct nm_str charset = nm_buf_str(&m->subject_encoding);
  int err = resent(b, m, charset, e);
  date_of(b, stamp);
  err = err != 0 ? err : write_originators(b, m, charset, e);
  err = err != 0 ? err : destinations(b, m, charset, e);
  err = err != 0 ? err : write_subject(b, m, charset, e);
  err = err != 0 ? err : message_id(b, NM_STR("Message-ID"), stamp->message_id, stamp->is_id_made, e);
  err = err != 0 ? err : fields(b, m, charset, e);
  err = err != 0 ? err : mailboxes(b, list_field, "Disposition-Notification-To", m->notify, charset, e);
  priority(b, m->priority);
  nm_buf_add_c(b, "MIME-Version: 1.0\r\n");
  return err;
}
