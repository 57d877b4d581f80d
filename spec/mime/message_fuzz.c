/* Whatever a message is made of: if it renders, it is ASCII without NUL in lines of at most 998 octets that end in CRLF and nothing else,
   but where 8bit or binary was wished and allowed, and then its header says so; its header has exactly the fields that were set, its
   body exactly the parts; its size is as promised, and any buffer size, a rewind and a copy give the same bytes. If not, a
   sentence says why. */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/eai.h"
#include "mime/message.h"
#include "mime/part.h"

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

static struct nm_content *content(struct input *in) {
  struct nm_content *c = NULL;
  assert(nm_content_memory(text(in), &c, &error) == 0);
  return c;
}

static struct nm_part *octets(struct input *in) {
  static const char *const types[] = {"",          "text/plain",      "text/x-any",      "message/rfc822",
                                      "image/png", "application/xml", "message/partial", "message/global"};
  struct nm_content *c = content(in);
  struct nm_part *p = NULL;
  if (taken(nm_part_new(c, text(in), &p, &error))) {
    taken(nm_part_set_type(p, nm_str_c(types[byte(in) % 8]), &error));
  }
  nm_content_unref(&c);
  return p;
}

static struct nm_part *text_part(struct input *in) {
  static const char *const types[] = {"", "text/html", "text/x-amp-html", "text/calendar"};
  struct nm_content *c = content(in);
  struct nm_part *p = NULL;
  if (taken(nm_part_new_text(c, &p, &error))) {
    taken(nm_part_set_type(p, nm_str_c(types[byte(in) % 4]), &error));
  }
  nm_content_unref(&c);
  return p;
}

static struct nm_part *external(struct input *in) {
  struct nm_params access = {0};
  struct nm_part *p = NULL;
  assert(nm_params_set(&access, NM_STR("access-type"), NM_STR("URL"), &error) == 0);
  taken(nm_params_set(&access, NM_STR("URL"), text(in), &error));
  struct nm_str name = text(in);
  taken(nm_params_set(&access, name, text(in), &error));
  taken(nm_part_new_external(&access, &p, &error));
  nm_params_free(&access);
  return p;
}

#define DEPTH 6

static struct nm_part *part(struct input *in, int depth);
static void fill(struct nm_message *m, struct input *in, int depth);

static void add_parts(struct nm_list *list, unsigned n, struct input *in, int depth) {
  for (; n > 0; n--) {
    struct nm_part *p = part(in, depth);
    if (p != NULL) {
      assert(nm_list_add(list, p) == 0);
      if (byte(in) % 8 == 0) {
        assert(nm_list_add(list, p) == 0); /* in two places */
      }
    }
    nm_part_unref(&p);
  }
}

static struct nm_part *multipart(struct input *in, int depth) {
  static const char *const types[] = {"multipart/mixed", "multipart/related", "multipart/digest",
                                      "multipart/x-own"};
  struct nm_list *children = nm_part_list_new();
  struct nm_part *p = NULL;
  add_parts(children, 1 + byte(in) % 3, in, depth + 1);
  taken(nm_part_new_multipart(nm_str_c(types[byte(in) % 4]), children, &p, &error));
  nm_list_unref(&children);
  return p;
}

static struct nm_part *message_part(struct input *in, int depth) {
  struct nm_message *m = NULL;
  struct nm_part *p = NULL;
  assert(nm_message_new(&m) == 0);
  fill(m, in, depth + 1);
  taken(nm_part_new_message(m, &p, &error));
  nm_message_unref(&m);
  return p;
}

/* The fields of any part. */
static void decorate(struct nm_part *p, struct input *in) {
  static const char *const encodings[] = {"", "7bit", "8bit", "binary", "quoted-printable", "base64"};
  unsigned flags = byte(in);
  taken(nm_part_set_transfer_encoding(p, nm_str_c(encodings[byte(in) % 6]), &error));
  taken(flags & 1 ? nm_part_set_type(p, text(in), &error) : 0);
  taken(flags & 2 ? nm_part_set_content_id(p, text(in), &error) : 0);
  taken(flags & 4 ? nm_part_set_name(p, text(in), &error) : 0);
  taken(flags & 8 ? nm_part_set_description(p, text(in), &error) : 0);
  taken(flags & 16 ? nm_part_set_location(p, text(in), &error) : 0);
  taken(flags & 32 ? nm_part_set_language(p, text(in), &error) : 0);
  if (flags & 64) {
    struct nm_str name = byte(in) % 4 == 0 ? NM_STR("charset") : text(in);
    taken(nm_part_set_param(p, name, text(in), &error));
  }
  if (flags & 128) {
    p->disposition = (enum nm_disposition)(byte(in) % 4);
  }
}

static struct nm_part *part(struct input *in, int depth) {
  struct nm_part *p = NULL;
  switch (byte(in) % (depth < DEPTH ? 6 : 3)) {
    case 0:
      p = text_part(in);
      break;
    case 2:
      p = external(in);
      break;
    case 3:
      p = multipart(in, depth);
      break;
    case 4:
      p = message_part(in, depth);
      break;
    default:
      p = octets(in);
  }
  if (p != NULL) {
    decorate(p, in);
  }
  return p;
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

static void set_calendar(struct nm_message *m, struct input *in) {
  static const char begin[] = "BEGIN:VCALENDAR\nMETHOD:REQUEST\n", end[] = "\nEND:VCALENDAR";
  struct nm_buf ics = {.max = 100000};
  nm_buf_add_c(&ics, begin);
  nm_buf_add_str(&ics, text(in));
  nm_buf_add_c(&ics, end);
  taken(nm_message_set_calendar(m, nm_buf_str(&ics), &error));
  nm_buf_free(&ics);
}

/* What it is made of beside texts. */
static void add_all_parts(struct nm_message *m, struct input *in, int depth) {
  static const char *const encodings[] = {"", "7bit", "8bit", "binary", "quoted-printable", "base64"};
  unsigned has = byte(in), root = byte(in);
  add_parts(m->attachments, has % 4, in, depth);
  add_parts(m->views, (has >> 2) % 3, in, depth);
  add_parts(m->linked, (has >> 4) % 3, in, depth);
  if (has & 128) {
    set_calendar(m, in);
  }
  taken(nm_message_set_body_transfer_encoding(m, nm_str_c(encodings[byte(in) % 6]), &error));
  if (root % 8 == 0) {
    m->root = part(in, depth);
  }
}

static void fill(struct nm_message *m, struct input *in, int depth) {
  static const char *const charsets[] = {
      "", "utf-8", "koi8-r", "iso-8859-1", "iso-2022-jp", "windows-1251", "gb18030"};
  unsigned flags = byte(in);
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
  if (flags & 16) {
    add_all_parts(m, in, depth);
  }
  if (flags & 32) {
    m->has_date = 1;
    m->date = (int64_t)byte(in) * 100000000;
  }
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

/* What an octet or a line of the message asks of the way. */
enum { PLAIN, EIGHT_BIT, BINARY };

static int kind_of(struct nm_str s) {
  size_t col = 0;
  int kind = PLAIN;
  for (size_t i = 0; i < s.n; i++) {
    int is_crlf = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
    if (is_crlf) {
      i++;
      col = 0;
    } else if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0' || ++col > 998) {
      return BINARY;
    } else if ((unsigned char)s.p[i] > 127) {
      kind = EIGHT_BIT;
    }
  }
  return kind;
}

/* The header's own words for it. is_utf8: one that has to be in UTF-8 (RFC 6532). */
static void check_lines(struct nm_str s, size_t body, unsigned allowed, int is_utf8) {
  int header = kind_of(nm_str(s.p, body)), whole = kind_of(s);
  const char *eight = memmem(s.p, body, "\r\nContent-Transfer-Encoding: 8bit\r\n", 35);
  const char *binary = memmem(s.p, body, "\r\nContent-Transfer-Encoding: binary\r\n", 37);
  assert(header == PLAIN || (header == EIGHT_BIT && is_utf8));
  assert(whole == PLAIN || is_utf8 || eight != NULL || binary != NULL);
  assert(whole != BINARY || binary != NULL);
  assert(eight == NULL || is_utf8 || (allowed & NM_ALLOW_8BIT) != 0);
  assert(binary == NULL || (allowed & NM_ALLOW_BINARY) != 0);
  assert(s.n >= 2 && memcmp(s.p + s.n - 2, "\r\n", 2) == 0);
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

/* The tree as the documentation says it, without the code that makes it. */
struct shape {
  int is_leaf;                /* Text, Html, calendar or nothing */
  const struct nm_part *part; /* the only thing there is; NULL: is_leaf, or several */
  size_t delimiters;          /* lines: one before each part of a multipart, one behind the last */
};

static struct shape shape_of_message(const struct nm_message *m);

static size_t delimiters_of(const struct nm_part *p) {
  size_t n = p->kind == NM_PART_MULTIPART ? p->children->n + 1 : 0;
  for (size_t i = 0; p->kind == NM_PART_MULTIPART && i < p->children->n; i++) {
    n += delimiters_of(p->children->items[i]);
  }
  return p->kind == NM_PART_MESSAGE ? shape_of_message(p->message).delimiters : n;
}

static size_t delimiters_of_all(const struct nm_list *list) {
  size_t n = 0;
  for (size_t i = 0; i < list->n; i++) {
    n += delimiters_of(list->items[i]);
  }
  return n;
}

static int has_html(const struct nm_message *m) {
  int found = m->html != NULL;
  for (size_t i = 0; i < m->views->n; i++) {
    found |= nm_str_ieq(nm_part_type(m->views->items[i]), NM_STR("text/html"));
  }
  return found;
}

static size_t several(size_t n) {
  return n > 1 ? n + 1 : 0;
}

static struct shape shape_of_message(const struct nm_message *m) {
  struct shape s = {0};
  size_t texts = (size_t)(m->text != NULL) + (m->html != NULL) + (m->calendar != NULL) + m->views->n;
  size_t html = (size_t)(m->root == NULL && has_html(m)), shown = 0;
  for (size_t i = 0; i < m->attachments->n && html; i++) {
    const struct nm_part *a = m->attachments->items[i];
    shown += a->disposition == NM_DISPOSITION_INLINE && a->content_id.n > 0;
  }
  size_t related = m->root != NULL ? 1 : (size_t)(texts > 0) + (html ? m->linked->n + shown : 0);
  size_t attached = m->attachments->n - shown + (m->calendar != NULL) + (html ? 0 : m->linked->n);
  s.delimiters = several(texts) + several(related) + (attached > 0 ? (related > 0) + attached + 1 : 0) +
                 delimiters_of_all(m->attachments) + delimiters_of_all(m->linked) +
                 delimiters_of_all(m->views);
  s.delimiters += m->root != NULL ? delimiters_of(m->root) : 0;
  if (attached == 0 && related <= 1 && texts <= 1) {
    s.part = m->root != NULL ? m->root : m->views->n > 0 ? m->views->items[0] : NULL;
    s.is_leaf = s.part == NULL;
  }
  return s;
}

/* The names behind MIME-Version. A composite says its encoding when it is not 7bit; got knows. */
static void body_names(const struct shape *shape, const char *got, char *names, size_t cap) {
  const struct nm_part *p = shape->part;
  int is_leaf = shape->is_leaf || (p != NULL && (p->kind == NM_PART_OCTETS || p->kind == NM_PART_TEXT));
  int is_external = p != NULL && p->kind == NM_PART_EXTERNAL;
  const char *cte =
      is_leaf || strstr(got, "Content-Transfer-Encoding:") != NULL ? "Content-Transfer-Encoding:" : "";
  int is_shown = p != NULL && !is_external &&
                 (p->disposition == NM_DISPOSITION_INLINE || p->disposition == NM_DISPOSITION_ATTACHMENT);
  snprintf(names, cap, "Content-Type:%s%s%s%s%s%s", cte,
           p != NULL && !is_external && p->content_id.n > 0 ? "Content-ID:" : "",
           p != NULL && p->description.n > 0 ? "Content-Description:" : "",
           p != NULL && !is_external && p->location.n > 0 ? "Content-Location:" : "",
           p != NULL && !is_external && p->language.n > 0 ? "Content-Language:" : "",
           is_shown ? "Content-Disposition:" : "");
}

/* Returns where the body begins. */
static size_t check_fields(const struct nm_message *m, struct nm_str s, const struct shape *shape) {
  char want[3000], got[3000], own[1000], body[500];
  size_t at = field_names(s, got, sizeof got);
  own_names(m, own, sizeof own);
  body_names(shape, got, body, sizeof body);
  snprintf(want, sizeof want, "%s%sDate:From:%s%s%s%s%sMessage-ID:%s%s%sMIME-Version:%s",
           m->resent->n > 0 ? "Resent-Date:Resent-From:Resent-To:" : "",
           m->resent->n > 0 ? "Resent-Message-ID:" : "", m->sender != NULL ? "Sender:" : "",
           m->reply_to->n > 0 ? "Reply-To:" : "", m->to->n > 0 || m->cc->n == 0 ? "To:" : "",
           m->cc->n > 0 ? "Cc:" : "", m->subject.n > 0 ? "Subject:" : "", own,
           m->notify->n > 0 ? "Disposition-Notification-To:" : "",
           m->priority != NM_PRIORITY_NORMAL ? "X-Priority:Importance:Priority:" : "", body);
  assert(strcmp(want, got) == 0);
  return at;
}

static void check_parts(size_t want, struct nm_str s) {
  size_t got = 0;
  for (const char *p = s.p, *end = s.p + s.n; (p = memmem(p, (size_t)(end - p), "\r\n--=_", 6)) != NULL;) {
    p += 6;
    const char *digits = p;
    while (p < end && *p >= '0' && *p <= '9') {
      p++;
    }
    got += p > digits && (size_t)(end - p) > strlen(TAG) && *p == '_' && memcmp(p + 1, TAG, strlen(TAG)) == 0;
  }
  assert(got == want);
}

static void check_copy(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_str whole) {
  struct nm_message *copy = NULL;
  struct nm_source *s = NULL;
  assert(nm_message_copy(m, &copy) == 0);
  assert(nm_message_render(copy, stamp, &s, &error) == 0);
  struct nm_str again = read_all(s, 1000);
  assert(nm_str_eq(whole, again));
  free((void *)(uintptr_t)again.p);
  nm_source_free(&s);
  nm_message_unref(&copy);
}

static void check_message(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_source *s,
                          size_t cap) {
  struct nm_str whole = read_all(s, 65536);
  assert(nm_source_rewind(s) == 0);
  struct nm_str again = read_all(s, cap);
  assert(nm_str_eq(whole, again));
  struct shape shape = shape_of_message(m);
  size_t body = check_fields(m, whole, &shape);
  check_lines(whole, body, stamp->allowed, nm_message_check_header(m, NULL) != 0);
  check_parts(shape.delimiters, whole);
  check_copy(m, stamp, whole);
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
  unsigned allowed = byte(&in) % 4;
  struct nm_message *m = NULL;
  assert(nm_message_new(&m) == 0);
  fill(m, &in, 0);
  struct nm_stamp stamp = {
      .date = (int64_t)byte(&in) * 100000000, .message_id = NM_STR("<1@a.test>"), .allowed = allowed};
  memset(stamp.boundary, 0xe5, sizeof stamp.boundary);
  struct nm_source *s = NULL;
  error = (struct nm_error){0};
  int err = nm_message_render(m, &stamp, &s, &error);
  if (taken(err)) {
    check_message(m, &stamp, s, cap);
  } else {
    assert(s == NULL && error.kind == NM_KIND_MESSAGE);
  }
  nm_source_free(&s);
  nm_message_unref(&m);
  return 0;
}
