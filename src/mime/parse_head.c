#include "base/chars.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/encword_read.h"
#include "mime/field_read.h"
#include "mime/fields.h"
#include "mime/msgid.h"
#include "mime/parse_state.h"
#include "mime/stamp.h"

/* Fields of one Resent- block: date, from, sender, to, cc, bcc, message-id. */
#define BLOCK_MAX 7
/* With others whose names begin so, as Resent-Reply-To of RFC 822. */
#define BLOCK_FIELDS_MAX 20

struct reader {
  struct nm_message *m;
  struct nm_error *e;
  struct nm_resent *block;                       /* the Resent- block that is being read */
  struct nm_head_field fields[BLOCK_FIELDS_MAX]; /* its fields, in case it does not become one */
  unsigned others;                               /* those that are kept in any case, a bit each */
  size_t fields_n;
  unsigned seen; /* which of them, a bit each */
  int is_broken; /* one of them cannot be read */
  int has_resent_date;
  struct nm_str charset; /* of the first encoded word that is not UTF-8; of Subject before all others */
};

/* What a property takes: 1; 0: the field is kept as it is; negative: an error. */
typedef int take_fn(struct reader *r, struct nm_str value, void *to);

static int error(struct reader *r, int err) {
  return err == NM_ENOMEM ? nm_error_nomem(r->e) : err;
}

static void see_charset(struct reader *r, struct nm_str value, int is_subject) {
  struct nm_str charset = nm_encword_charset(value);
  int other = charset.p != NULL && !nm_charset_is_utf8(charset) && !nm_str_ieq(charset, NM_STR("us-ascii"));
  if (is_subject && charset.p != NULL) {
    r->charset = other ? charset : nm_str("", 0);
  } else if (other && r->charset.p == NULL) {
    r->charset = charset;
  }
}

static int take_list(struct reader *r, struct nm_str value, void *to) {
  int err = nm_parse_mailboxes(value, to);
  if (err == 0) {
    see_charset(r, value, 0);
  }
  return err == 0 ? 1 : err == NM_ENOMEM ? error(r, err) : 0;
}

/* Whoever answers all wants those that there are. */
static int take_good(struct reader *r, struct nm_str value, void *to) {
  int err = nm_parse_good_mailboxes(value, to);
  if (err == 0) {
    see_charset(r, value, 0);
  }
  return err == 0 ? 1 : err == NM_ENOMEM ? error(r, err) : 0;
}

static int take_one(struct reader *r, struct nm_str value, void *to) {
  struct nm_addr **slot = to;
  struct nm_list *list = nm_addr_list_new();
  int took = list != NULL ? take_list(r, value, list) : error(r, NM_ENOMEM);
  if (took == 1) {
    took = list->n == 1 && *slot == NULL;
    if (took) {
      *slot = nm_addr_ref(list->items[0]);
    }
  }
  nm_list_unref(&list);
  return took;
}

static int take_subject(struct reader *r, struct nm_str value, void *to) {
  struct nm_buf *subject = to, text = {.max = NM_SUBJECT_MAX};
  size_t lost = 0;
  if (subject->n > 0) {
    return 0;
  }
  nm_encword_read_text(&text, value, &lost);
  int err = text.err;
  if (err == 0) { /* what is lost of it is U+FFFD, and the field is kept beside it */
    see_charset(r, value, 1);
    err = nm_buf_replace(subject, "Subject", nm_buf_str(&text), r->e);
  }
  nm_buf_free(&text);
  return err == NM_ENOMEM ? error(r, err) : err == 0 && lost == 0;
}

static int take_date(struct reader *r, struct nm_str value, void *to) {
  (void)to;
  if (r->m->has_date || nm_date_read(value, &r->m->date, &r->m->date_offset) != 0) {
    return 0;
  }
  r->m->has_date = 1;
  return 1;
}

/* msg-id   (RFC 5322 3.6.4), or anything that may stand in the field; also without its brackets. */
static int take_id(struct reader *r, struct nm_str value, void *to) {
  struct nm_buf *id = to, text = {.max = value.n + 2};
  if (id->n > 0) {
    return 0;
  }
  nm_encword_read_text(&text, value, NULL);
  if (text.n > 0 && text.p[0] != '<' && memchr(text.p, '@', text.n) != NULL) {
    nm_buf_reset(&text);
    nm_buf_add_byte(&text, '<');
    nm_encword_read_text(&text, value, NULL);
    nm_buf_add_byte(&text, '>');
  }
  int safe = text.err == 0 && nm_message_id_is_safe(nm_buf_str(&text));
  int err = safe ? nm_buf_replace(id, "MessageId", nm_buf_str(&text), r->e) : 0;
  err = text.err == NM_ENOMEM ? text.err : err;
  nm_buf_free(&text);
  return err == NM_ENOMEM ? error(r, err) : safe && err == 0;
}

/* One that the property takes when it is set, so that an answer may name it. */
static int take_message_id(struct reader *r, struct nm_str value, void *to) {
  struct nm_buf text = {.max = value.n + 1}, id = {.max = NM_MSGID_MAX};
  nm_encword_unfold(&text, value, NULL);
  int err = text.err != 0 ? text.err : nm_msgid_list(&id, "", nm_buf_str(&text), 1, NULL);
  err = err == 0 ? id.err : err;
  nm_buf_free(&text);
  nm_buf_free(&id);
  return err == NM_ENOMEM ? error(r, err) : err == 0 ? take_id(r, value, to) : 0;
}

/* X-Priority: 1 to 5. Importance: high, normal, low. Priority: urgent, normal, non-urgent (RFC 2156). The first one counts. */
static int take_priority(struct reader *r, struct nm_str value, void *to) {
  static const struct {
    const char *word;
    enum nm_priority priority;
  } words[] = {{"1", NM_PRIORITY_HIGH},       {"2", NM_PRIORITY_HIGH},  {"3", NM_PRIORITY_NORMAL},
               {"4", NM_PRIORITY_LOW},        {"5", NM_PRIORITY_LOW},   {"high", NM_PRIORITY_HIGH},
               {"urgent", NM_PRIORITY_HIGH},  {"low", NM_PRIORITY_LOW}, {"non-urgent", NM_PRIORITY_LOW},
               {"normal", NM_PRIORITY_NORMAL}};
  enum nm_priority *priority = to;
  (void)r;
  size_t begin = 0;
  while (begin < value.n && !nm_is((unsigned char)value.p[begin], NM_CHAR_LDH)) {
    begin++;
  }
  size_t end = begin;
  while (end < value.n && nm_is((unsigned char)value.p[end], NM_CHAR_LDH)) {
    end++;
  }
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (nm_str_ieq(nm_str(value.p + begin, end - begin), nm_str_c(words[i].word))) {
      *priority = *priority == NM_PRIORITY_NORMAL ? words[i].priority : *priority;
      return 1;
    }
  }
  return 0;
}

static int drop(struct reader *r, struct nm_str value, void *to) {
  (void)r;
  (void)value;
  (void)to;
  return 1;
}

struct taker {
  struct nm_str name;
  take_fn *take;
  void *to;
};

static const struct taker *find(const struct taker *takers, size_t n, struct nm_str name) {
  for (size_t i = 0; i < n; i++) {
    if (nm_str_ieq(takers[i].name, name)) {
      return &takers[i];
    }
  }
  return NULL;
}

static int keep(struct reader *r, const struct nm_head_field *f) {
  return nm_field_read(r->m->fields, f, r->e);
}

static int read_field(struct reader *r, const struct nm_head_field *f) {
  struct nm_message *m = r->m;
  const struct taker takers[] = {
      {NM_STR("From"), take_one, &m->from},
      {NM_STR("Sender"), take_one, &m->sender},
      {NM_STR("Reply-To"), take_good, m->reply_to},
      {NM_STR("To"), take_good, m->to},
      {NM_STR("Cc"), take_good, m->cc},
      {NM_STR("Bcc"), take_good, m->bcc},
      {NM_STR("Disposition-Notification-To"), take_list, m->notify},
      {NM_STR("Subject"), take_subject, &m->subject},
      {NM_STR("Date"), take_date, NULL},
      {NM_STR("Message-ID"), take_message_id, &m->message_id},
      {NM_STR("X-Priority"), take_priority, &m->priority},
      {NM_STR("Importance"), take_priority, &m->priority},
      {NM_STR("Priority"), take_priority, &m->priority},
      {NM_STR("MIME-Version"), drop, NULL},
      {NM_STR("Return-Path"), drop, NULL}, /* "MUST remove" it (RFC 5321 4.4): the last server writes it */
  };
  const struct taker *t = find(takers, sizeof takers / sizeof takers[0], f->name);
  int took = t != NULL ? t->take(r, f->value, t->to) : 0;
  return took < 0 ? took : took == 1 ? 0 : keep(r, f);
}

/* ---- Resent- blocks ---- */

static int take_resent_date(struct reader *r, struct nm_str value, void *to) {
  (void)to;
  r->has_resent_date = nm_date_read(value, &r->block->date, &r->block->offset) == 0;
  return r->has_resent_date;
}

/* The block ends. Blocks stand with the newest first, and are in the list with the oldest first. */
static int end_block(struct reader *r) {
  if (r->block == NULL) {
    return 0;
  }
  r->block->is_read = 1;
  int whole = !r->is_broken && r->has_resent_date && r->block->from != NULL;
  int err = whole ? nm_list_insert(r->m->resent, 0, r->block) : 0;
  whole = whole && err != NM_ELIMIT;
  err = err == NM_ENOMEM ? nm_error_nomem(r->e) : 0;
  for (size_t i = 0; i < r->fields_n && err == 0; i++) {
    int is_other = (r->others >> i & 1) != 0;
    err = is_other || !whole ? keep(r, &r->fields[i]) : 0;
  }
  nm_resent_unref(&r->block);
  r->fields_n = 0;
  r->seen = r->others = 0;
  r->is_broken = r->has_resent_date = 0;
  return err;
}

static int read_resent(struct reader *r, const struct nm_head_field *f) {
  for (int again = 0; again < 2; again++) {
    if (r->block == NULL && nm_resent_new(&r->block) != 0) {
      return nm_error_nomem(r->e);
    }
    const struct taker takers[BLOCK_MAX] = {
        {NM_STR("Resent-Date"), take_resent_date, NULL},
        {NM_STR("Resent-From"), take_one, &r->block->from},
        {NM_STR("Resent-Sender"), take_one, &r->block->sender},
        {NM_STR("Resent-To"), take_list, r->block->to},
        {NM_STR("Resent-Cc"), take_list, r->block->cc},
        {NM_STR("Resent-Bcc"), take_list, r->block->bcc},
        {NM_STR("Resent-Message-ID"), take_id, &r->block->message_id},
    };
    const struct taker *t = find(takers, BLOCK_MAX, f->name);
    unsigned bit = t != NULL ? 1u << (t - takers) : 0;
    if ((r->seen & bit) == 0 && r->fields_n < BLOCK_FIELDS_MAX) {
      r->seen |= bit;
      r->others |= t == NULL ? 1u << r->fields_n : 0;
      r->fields[r->fields_n++] = *f;
      if (t == NULL) {
        return 0;
      }
      int took = t->take(r, f->value, t->to);
      r->is_broken |= took == 0;
      return took < 0 ? took : 0;
    }
    int err = end_block(r); /* the second of a kind, or too many: the next block */
    if (err != 0) {
      return err;
    }
  }
  return 0;
}

/* ---- all ---- */

/* The charset of what was read is the one to write it in, if it can. */
static int set_charset(struct reader *r) {
  struct nm_buf test = {.max = 4 * NM_SUBJECT_MAX};
  struct nm_error why = {0};
  int err =
      r->charset.n > 0 ? nm_charset_encode(r->charset, nm_buf_str(&r->m->subject), &test, &why) : NM_EINVAL;
  if (err == 0) {
    err = nm_message_set_subject_encoding(r->m, r->charset, &why);
  }
  nm_buf_free(&test);
  return err == NM_ENOMEM ? nm_error_nomem(r->e) : 0;
}

int nm_parse_head(struct nm_parse *p, struct nm_str head) {
  struct reader r = {.m = p->m, .e = p->e};
  struct nm_head_field f;
  size_t at = 0;
  int err = 0;
  while (err == 0 && nm_head_next(head, &at, &f) > 0) {
    int is_resent = nm_str_istarts(f.name, NM_STR("Resent-"));
    if (!is_resent) {
      err = end_block(&r);
    }
    if (err == 0 && !nm_str_istarts(f.name, NM_STR("Content-"))) {
      err = is_resent ? read_resent(&r, &f) : read_field(&r, &f);
    }
  }
  err = err == 0 ? end_block(&r) : err;
  nm_resent_unref(&r.block);
  return err == 0 ? set_charset(&r) : err;
}
