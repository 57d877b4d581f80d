/* Invariant: whole == byte by byte: the same replies, the same verdict; and every limit holds. */
#include <assert.h>
#include <stdint.h>

#include "smtp/reply_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reply(const struct nm_reply *r) {
  assert(r->code >= 200 && r->code <= 599);
  assert(r->enhanced[0] == 0 || r->enhanced[0] == nm_reply_class(r));
  assert(r->text.n <= NM_REPLY_MAX);
  struct nm_buf line = {.max = 4 * NM_REPLY_MAX + 16};
  nm_reply_print(r, &line);
  assert(line.err == 0);
  for (size_t i = 0; i < line.n; i++) {
    assert((unsigned char)line.p[i] >= 32 && line.p[i] != 127);
  }
  struct nm_str id = nm_reply_queue_id(r);
  assert(id.n == 0 || (id.p >= r->text.p && id.p + id.n <= r->text.p + r->text.n));
  nm_buf_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *bytes = (const char *)data;
  struct nm_buf whole = {.max = 1 << 24}, single = {.max = 1 << 24};
  struct nm_reply_parser *p = nm_reply_parser_new();
  int rc = reply_log_feed(p, bytes, size, &whole);
  if (rc == 1) {
    check_reply(nm_reply_parser_get(p));
  }
  reply_log_end(p, rc, &whole);
  nm_reply_parser_free(&p);

  p = nm_reply_parser_new();
  rc = 0;
  for (size_t i = 0; i < size && rc >= 0; i++) {
    rc = reply_log_feed(p, bytes + i, 1, &single);
  }
  reply_log_end(p, rc, &single);
  nm_reply_parser_free(&p);

  assert(nm_str_eq(nm_buf_str(&whole), nm_buf_str(&single)));
  nm_buf_free(&whole);
  nm_buf_free(&single);
  return 0;
}
