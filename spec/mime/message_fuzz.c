/* Whatever a message is made of: if it renders, it is ASCII without NUL in lines of at most 998 octets that end in CRLF and
   nothing else; its header has exactly the fields that were set, its body exactly the parts; its size is as promised,
   and any buffer size and a rewind give the same bytes. If not, a sentence says why. */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/part.h"
#include "mime/message.h"

#define TAG "e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5" /* the boundaries' random part */

struct input {
  const char *p;
  size_t n;
};

static unsigned byte(struct input *in) {
  if (in->n == 0) {
    return 0;
  }
  in->n--;
  return (unsigned char)*in->p++;
}

/* A length, then that many octets. Never NULL. */
static struct nm_str text(struct input *in) {
  size_t n = byte(in);
  n = n > 200 ? (n - 200) * 60 : n;
  n = n < in->n ? n : in->n;
  struct nm_str s = nm_str(in->n > 0 ? in->p : "", n);
  in->p += n;
  in->n -= n;
  return s;
}

static struct nm_error error;

/* A refusal has a sentence. */
static int taken(int err) {
  assert(err == 0 || (err == NM_EINVAL && error.text[0] != '\0') ||
         (err == NM_ELIMIT && error.text[0] != '\0'));
  return err == 0;
}

static void add_list(struct nm_list *list, struct input *in) {
  struct nm_addr *a = NULL;
  taken(nm_addr_parse_list(text(in), list, &error));
  if (taken(nm_addr_make(NM_STR("x@[127.0.0.1]"), text(in), &a, &error))) {
    assert(nm_list_add(list, a) == 0);
    nm_addr_unref(&a);
  }
}

static void add_attachment(struct nm_message *m, struct input *in) {
  static const char *const types[] = {"", "text/plain", "text/x-any", "message/rfc822", "image/png"};
  struct nm_content *c = NULL;
  struct nm_part *a = NULL;
  assert(nm_content_memory(text(in), &c, &error) == 0);
  if (taken(nm_part_new(c, text(in), &a, &error))) {
    taken(nm_part_set_type(a, nm_str_c(types[byte(in) % 5]), &error));
    taken(nm_part_set_type(a, text(in), &error));
    taken(nm_part_set_content_id(a, text(in), &error));
    assert(nm_list_add(m->attachments, a) == 0);
  }
  nm_part_unref(&a);
  nm_content_unref(&c);
}

/* Fields of all kinds, and one whose name is the input's. */
static void add_fields(struct nm_message *m, struct input *in) {
  static const char *const names[] = {"X-A",     "References",       "Keywords",
                                      "List-ID", "List-Unsubscribe", "Comments"};
  for (unsigned i = byte(in) % 5; i > 0; i--) {
    taken(nm_fields_add(m->fields, nm_str_c(names[byte(in) % 6]), text(in), &error));
  }
  struct nm_str name = text(in);
  taken(nm_fields_set(m->fields, name, text(in), &error));
  taken(nm_message_set_message_id(m, text(in), &error));
}

static void resend(struct nm_message *m, struct input *in) {
  struct nm_resent *r = NULL;
  assert(nm_resent_new(&r) == 0);
  taken(nm_addr_make(NM_STR("resent@a.test"), text(in), &r->from, &error));
  add_list(r->to, in);
  taken(nm_message_resend(m, r, &error));
  nm_resent_unref(&r);
}

static struct nm_message *build(struct input *in) {
  static const char *const charsets[] = {
      "", "utf-8", "koi8-r", "iso-8859-1", "iso-2022-jp", "windows-1251", "gb18030"};
  struct nm_message *m = NULL;
  unsigned flags = byte(in);
  assert(nm_message_new(&m) == 0);
  assert(nm_addr_make(NM_STR("from@a.test"), NM_STR(""), &m->from, &error) == 0);
  struct nm_addr *named = NULL;
  if (taken(nm_addr_make(NM_STR("from@a.test"), text(in), &named, &error))) {
    nm_addr_unref(&m->from);
    m->from = named;
  }
  if (flags & 1) {
    assert(nm_addr_make(NM_STR("sender@a.test"), NM_STR(""), &m->sender, &error) == 0);
    add_list(m->reply_to, in);
  }
  if (flags & 2) {
    add_list(m->to, in);
    add_list(m->cc, in);
    add_list(m->bcc, in);
  }
  if (byte(in) % 4 == 0) {
    add_fields(m, in);
    add_list(m->notify, in);
    resend(m, in);
  }
  taken(nm_message_set_subject(m, text(in), &error));
  taken(nm_message_set_subject_encoding(m, nm_str_c(charsets[byte(in) % 7]), &error));
  taken(nm_message_set_body_encoding(m, nm_str_c(charsets[byte(in) % 7]), &error));
  taken(flags & 4 ? nm_message_set_text(m, text(in), &error) : 0);
  taken(flags & 8 ? nm_message_set_html(m, text(in), &error) : 0);
  m->priority = (enum nm_priority)(1 + byte(in) % 3);
  for (unsigned i = 0; i < (flags >> 4) % 4; i++) {
    add_attachment(m, in);
  }
  return m;
}

static struct nm_str read_all(struct nm_source *s, size_t cap) {
  int64_t size = nm_source_size(s);
  assert(size >= 0);
  char *whole = malloc((size_t)size + 1);
  char *piece = malloc(cap);
  size_t at = 0, n = 0;
  int err;
  while ((err = nm_source_read(s, piece, cap, &n)) == 0 && n > 0) {
    assert(n <= cap && n <= (size_t)size - at);
    memcpy(whole + at, piece, n);
    at += n;
  }
  assert(err == 0 && (int64_t)at == size);
  free(piece);
  return nm_str(whole, at);
}

static void check_lines(struct nm_str s) {
  size_t col = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '\r') {
      assert(i + 1 < s.n && s.p[i + 1] == '\n');
      i++;
      col = 0;
      continue;
    }
    assert(s.p[i] != '\n' && s.p[i] != '\0' && (unsigned char)s.p[i] < 128);
    assert(++col <= 998);
  }
  assert(col == 0);
}

/* The names of the fields, each with its colon; returns where the body begins. */
static size_t field_names(struct nm_str s, char *names, size_t cap) {
  size_t at = 0, used = 0;
  while (memcmp(s.p + at, "\r\n", 2) != 0) {
    const char *end = memchr(s.p + at, '\r', s.n - at);
    if (s.p[at] != ' ' && s.p[at] != '\t') {
      const char *colon = memchr(s.p + at, ':', (size_t)(end - s.p) - at);
      assert(colon != NULL);
      size_t n = (size_t)(colon - s.p) - at + 1;
      assert(used + n < cap);
      memcpy(names + used, s.p + at, n);
      used += n;
    } else {
      size_t blank = at;
      while (s.p[blank] == ' ' || s.p[blank] == '\t') {
        blank++;
      }
      assert(s.p + blank != end); /* a line of white space alone would look like the end of the header */
    }
    at = (size_t)(end - s.p) + 2;
  }
  names[used] = '\0';
  return at + 2;
}

/* The names of the fields in m->fields, each with its colon. */
static void own_names(const struct nm_message *m, char *names, size_t cap) {
  size_t used = 0;
  names[0] = '\0';
  for (size_t i = 0; i < m->fields->n; i++) {
    const struct nm_field *f = m->fields->items[i];
    used += (size_t)snprintf(names + used, cap - used, "%s:", f->name.p);
    assert(used < cap);
  }
}

static void check_fields(const struct nm_message *m, struct nm_str s) {
  char want[2000], got[2000], own[1000];
  int multipart = m->attachments->n > 0 || (m->text != NULL && m->html != NULL);
  own_names(m, own, sizeof own);
  snprintf(want, sizeof want, "%s%sDate:From:%s%s%s%s%sMessage-ID:%s%s%sMIME-Version:Content-Type:%s",
           m->resent->n > 0 ? "Resent-Date:Resent-From:Resent-To:" : "",
           m->resent->n > 0 ? "Resent-Message-ID:" : "", m->sender != NULL ? "Sender:" : "",
           m->reply_to->n > 0 ? "Reply-To:" : "", m->to->n > 0 || m->cc->n == 0 ? "To:" : "",
           m->cc->n > 0 ? "Cc:" : "", m->subject.n > 0 ? "Subject:" : "", own,
           m->notify->n > 0 ? "Disposition-Notification-To:" : "",
           m->priority != NM_PRIORITY_NORMAL ? "X-Priority:Importance:Priority:" : "",
           multipart ? "" : "Content-Transfer-Encoding:");
  field_names(s, got, sizeof got);
  assert(strcmp(want, got) == 0);
}

/* Lines that begin with a delimiter: one for each part of a multipart and one for its end. */
static void check_parts(const struct nm_message *m, struct nm_str s) {
  size_t shown = 0, bodies = (size_t)(m->text != NULL) + (m->html != NULL);
  for (size_t i = 0; i < m->attachments->n; i++) {
    const struct nm_part *a = m->attachments->items[i];
    shown += m->html != NULL && a->content_id.n > 0;
  }
  size_t attached = m->attachments->n - shown;
  size_t want = bodies == 2 ? 3 : 0;
  want += shown > 0 ? 1 + shown + 1 : 0;
  want += attached > 0 ? (bodies > 0) + attached + 1 : 0;
  size_t got = 0;
  for (size_t at = 0; at < s.n;) {
    const char *line = s.p + at;
    const char *end = memchr(line, '\r', s.n - at);
    size_t n = (size_t)(end - line);
    got += n >= 6 + strlen(TAG) && memcmp(line, "--=_", 4) == 0 && memcmp(line + 6, TAG, strlen(TAG)) == 0;
    at += n + 2;
  }
  assert(got == want);
}

static void check_message(const struct nm_message *m, struct nm_source *s, size_t cap) {
  struct nm_str whole = read_all(s, 65536);
  assert(nm_source_rewind(s) == 0);
  struct nm_str again = read_all(s, cap);
  assert(nm_str_eq(whole, again));
  check_lines(whole);
  check_fields(m, whole);
  check_parts(m, whole);
  free((void *)(uintptr_t)whole.p);
  free((void *)(uintptr_t)again.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {(const char *)data, size};
  if (size > 12 && memmem(data, size, TAG, 12) != NULL) {
    return 0; /* in life nobody knows the random part beforehand */
  }
  size_t cap = 1 + byte(&in) * byte(&in) % 3000;
  struct nm_message *m = build(&in);
  struct nm_stamp stamp = {.date = (int64_t)byte(&in) * 100000000, .message_id = NM_STR("<1@a.test>")};
  memset(stamp.boundary, 0xe5, sizeof stamp.boundary);
  struct nm_source *s = NULL;
  error = (struct nm_error){0};
  int err = nm_message_render(m, &stamp, &s, &error);
  if (taken(err)) {
    check_message(m, s, cap);
  } else {
    assert(s == NULL && error.kind == NM_KIND_MESSAGE);
  }
  nm_source_free(&s);
  nm_message_unref(&m);
  return 0;
}
