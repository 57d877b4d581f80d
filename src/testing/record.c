#include "testing/record.h"

#include "base/alloc.h"
#include "base/error.h"

/* Of a command line: nothing longer is read. */
#define TEXT_MAX 65536
#define LIST_MAX ((size_t)16 << 20)

struct nm_mail *nm_mail_new(size_t max_data) {
  struct nm_mail *m = nm_zalloc(sizeof *m);
  if (m == NULL) {
    return NULL;
  }
  atomic_init(&m->refs, 1);
  struct nm_buf *const texts[] = {&m->tls, &m->helo, &m->user, &m->mechanism, &m->from, &m->parameters};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    texts[i]->max = TEXT_MAX;
  }
  m->to.b.max = LIST_MAX;
  m->data.max = max_data;
  return m;
}

struct nm_mail *nm_mail_ref(struct nm_mail *m) {
  atomic_fetch_add(&m->refs, 1);
  return m;
}

void nm_mail_unref(struct nm_mail **m) {
  struct nm_mail *mail = *m;
  *m = NULL;
  if (mail == NULL || atomic_fetch_sub(&mail->refs, 1) > 1) {
    return;
  }
  nm_buf_free(&mail->tls);
  nm_buf_free(&mail->helo);
  nm_buf_free(&mail->user);
  nm_buf_free(&mail->mechanism);
  nm_buf_free(&mail->from);
  nm_buf_free(&mail->parameters);
  nm_texts_free(&mail->to);
  nm_buf_free(&mail->data);
  nm_free(mail);
}

static size_t bytes_of(const struct nm_mail *m) {
  return sizeof *m + m->helo.n + m->user.n + m->from.n + m->parameters.n + m->to.b.n + m->data.n;
}

void nm_record_init(struct nm_record *r, size_t max_messages, size_t max_bytes) {
  *r = (struct nm_record){.max_messages = max_messages, .max_bytes = max_bytes, .lines.b.max = max_bytes};
}

/* Whether n octets more may be kept. */
static int has_room(const struct nm_record *r, size_t n) {
  return n <= r->max_bytes && r->bytes <= r->max_bytes - n;
}

int nm_record_mail(struct nm_record *r, struct nm_mail *m) {
  size_t n = bytes_of(m);
  if (r->n_mails >= r->max_messages || !has_room(r, n)) {
    return NM_ELIMIT;
  }
  struct nm_mail **mails = nm_realloc_array(r->mails, r->n_mails + 1, sizeof *mails);
  if (mails == NULL) {
    return NM_ENOMEM;
  }
  r->mails = mails;
  mails[r->n_mails++] = nm_mail_ref(m);
  r->bytes += m->bytes = n;
  return 0;
}

void nm_record_drop_last(struct nm_record *r) {
  r->bytes -= r->mails[--r->n_mails]->bytes;
  nm_mail_unref(&r->mails[r->n_mails]);
}

void nm_record_line(struct nm_record *r, uint64_t connection, struct nm_str line) {
  size_t n = line.n + 2 * NM_TEXTS_EXTRA + sizeof connection, before = r->lines.b.n, count = r->lines.n;
  if (has_room(r, n)) {
    nm_texts_add(&r->lines, nm_str((const char *)&connection, sizeof connection));
    nm_texts_add(&r->lines, line);
    if (r->lines.b.err == 0) {
      r->bytes += n;
      return;
    }
    r->lines.b.n = before;
    r->lines.n = count;
    r->lines.b.err = 0;
  }
  r->lost++;
}

int nm_record_visitor(struct nm_record *r, uint64_t *out) {
  if (!has_room(r, sizeof *r->visitors)) {
    return NM_ELIMIT;
  }
  struct nm_visitor *visitors = nm_realloc_array(r->visitors, r->n_visitors + 1, sizeof *visitors);
  if (visitors == NULL) {
    return NM_ENOMEM;
  }
  r->visitors = visitors;
  r->bytes += sizeof *visitors;
  *out = ++r->n_visitors;
  visitors[*out - 1] = (struct nm_visitor){.number = *out, .how = "", .tls.max = 256, .user.max = TEXT_MAX};
  return 0;
}

struct nm_visitor *nm_record_get(const struct nm_record *r, uint64_t number) {
  return number > 0 && number <= r->n_visitors ? &r->visitors[number - 1] : NULL;
}

static int copy_visitors(const struct nm_record *r, struct nm_record *out) {
  out->visitors = r->n_visitors > 0 ? nm_realloc_array(NULL, r->n_visitors, sizeof *out->visitors) : NULL;
  if (r->n_visitors > 0 && out->visitors == NULL) {
    return NM_ENOMEM;
  }
  int err = 0;
  for (size_t i = 0; i < r->n_visitors; i++) {
    const struct nm_visitor *from = &r->visitors[i];
    struct nm_visitor *to = &out->visitors[out->n_visitors++];
    *to = *from;
    to->tls = (struct nm_buf){.max = from->tls.max};
    to->user = (struct nm_buf){.max = from->user.max};
    nm_buf_add_str(&to->tls, nm_buf_str(&from->tls));
    nm_buf_add_str(&to->user, nm_buf_str(&from->user));
    err = to->tls.err != 0 || to->user.err != 0 ? NM_ENOMEM : err;
  }
  return err;
}

int nm_record_copy(const struct nm_record *r, struct nm_record *out) {
  nm_record_init(out, r->max_messages, r->max_bytes);
  out->lost = r->lost;
  out->mails = r->n_mails > 0 ? nm_realloc_array(NULL, r->n_mails, sizeof *out->mails) : NULL;
  if (r->n_mails > 0 && out->mails == NULL) {
    return NM_ENOMEM;
  }
  for (size_t i = 0; i < r->n_mails; i++) {
    out->mails[out->n_mails++] = nm_mail_ref(r->mails[i]);
  }
  nm_buf_add_str(&out->lines.b, nm_buf_str(&r->lines.b));
  out->lines.n = r->lines.n;
  int err = copy_visitors(r, out);
  return out->lines.b.err != 0 ? NM_ENOMEM : err;
}

void nm_record_free(struct nm_record *r) {
  for (size_t i = 0; i < r->n_mails; i++) {
    nm_mail_unref(&r->mails[i]);
  }
  nm_free(r->mails);
  for (size_t i = 0; i < r->n_visitors; i++) {
    nm_buf_free(&r->visitors[i].tls);
    nm_buf_free(&r->visitors[i].user);
  }
  nm_free(r->visitors);
  nm_texts_free(&r->lines);
  nm_record_init(r, r->max_messages, r->max_bytes);
}

void nm_record_reset(struct nm_record *r) {
  nm_record_free(r);
}
