/* Invariant: any octets are read as a message or refused with a sentence; what was read can be written unless the reason is told; what
   we wrote is read, and from the second time on always written to the same octets (at the first, what could not be sent is mended,
   and may be readable then). What is written for a server of 1982 is ASCII in lines of at most 998 octets, and each header in it, also
   those of parts, has nothing but printable ASCII, HTAB and CRLF; UTF-8 beside it only where an address has no other form. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mime/eai.h"
#include "mime/entity.h"
#include "mime/fields.h"
#include "mime/parse.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static struct nm_message *parse(struct nm_str bytes) {
  struct nm_content *content = NULL;
  struct nm_message *m = NULL;
  struct nm_error e = {0};
  must(nm_content_memory(bytes, &content, NULL) == 0);
  int err = nm_message_parse(content, &m, &e);
  must(err == 0 ? m != NULL : m == NULL && e.text[0] != '\0' && e.code == err && e.kind == NM_KIND_MESSAGE);
  must(err == 0 || err == NM_EINVAL || err == NM_ELIMIT);
  nm_content_unref(&content);
  return m;
}

/* The octets, or nothing when it cannot be written. */
static struct nm_buf render(const struct nm_message *m, const unsigned char boundary[16]) {
  struct nm_stamp stamp = {.date = m->has_date ? m->date : 1000000000,
                           .offset = m->has_date ? m->date_offset : 180,
                           .message_id =
                               m->message_id.n > 0 ? nm_buf_str(&m->message_id) : NM_STR("<id@fuzz.test>")};
  struct nm_source *s = NULL;
  struct nm_buf b = {.max = 1 << 26};
  struct nm_error e = {0};
  memcpy(stamp.boundary, boundary, sizeof stamp.boundary);
  if (nm_message_render(m, &stamp, &s, &e) != 0) {
    must(e.text[0] != '\0');
    return b;
  }
  size_t n = 1;
  while (n > 0) {
    char piece[1000];
    must(nm_source_read(s, piece, sizeof piece, &n) == 0);
    nm_buf_add(&b, piece, n);
  }
  must(b.err == 0 && b.n > 0);
  nm_source_free(&s);
  return b;
}

static void check_lines(struct nm_str s, int is_utf8) {
  size_t line = 0;
  for (size_t i = 0; i < s.n; i++) {
    int is_end = s.p[i] == '\r' || s.p[i] == '\n';
    must((is_utf8 || (unsigned char)s.p[i] < 128) && s.p[i] != '\0');
    must(!is_end || (s.p[i] == '\r' ? i + 1 < s.n && s.p[i + 1] == '\n' : i > 0 && s.p[i - 1] == '\r'));
    line = is_end ? 0 : line + 1;
    must(line <= 998);
  }
}

static void check_head(struct nm_str s, int is_utf8) {
  must(nm_utf8_valid(s) == s.n);
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    must((c >= ' ' && c <= '~') || c == '\t' || c == '\r' || c == '\n' || (is_utf8 && c >= 128));
  }
}

static void check_wire(struct nm_str s, int is_utf8) {
  struct nm_entities all = {0};
  struct nm_error e = {0};
  size_t budget = NM_ENTITIES_MAX;
  check_lines(s, is_utf8);
  must(nm_entities_read(&all, s, 0, &budget, &e) == 0);
  for (size_t i = 0; i < all.n; i++) {
    check_head(all.items[i].head, is_utf8);
  }
  nm_entities_free(&all);
}

static struct nm_buf again(struct nm_str bytes, const unsigned char boundary[16]) {
  struct nm_message *m = parse(bytes);
  must(m != NULL);
  struct nm_buf b = render(m, boundary);
  must(b.n > 0);
  nm_message_unref(&m);
  return b;
}

/* Boundaries that are in no input. */
static void make_boundary(const uint8_t *data, size_t size, unsigned char boundary[16]) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < size; i++) {
    hash = (hash ^ data[i]) * 1099511628211u;
  }
  for (size_t i = 0; i < 16; i++) {
    boundary[i] = (unsigned char)(hash >> (i & 7) * 8);
    hash = i == 7 ? hash * 1099511628211u + 1 : hash;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char boundary[16];
  struct nm_message *m = parse(nm_str((const char *)data, size));
  if (m == NULL) {
    return 0;
  }
  make_boundary(data, size, boundary);
  if (m->from == NULL && nm_fields_find(m->fields, NM_STR("From"), 0) == m->fields->n) {
    must(nm_addr_parse(NM_STR("a@fuzz.test"), &m->from, NULL) == 0);
  }
  struct nm_buf first = render(m, boundary);
  if (first.n > 0) {
    check_wire(nm_buf_str(&first), nm_message_check_header(m, NULL) != 0);
    struct nm_buf second = again(nm_buf_str(&first), boundary);
    struct nm_buf third = again(nm_buf_str(&second), boundary);
    must(nm_str_eq(nm_buf_str(&second), nm_buf_str(&third)));
    nm_buf_free(&second);
    nm_buf_free(&third);
  }
  nm_buf_free(&first);
  nm_message_unref(&m);
  return 0;
}
