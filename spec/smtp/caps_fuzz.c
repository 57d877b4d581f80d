/* Invariant: any EHLO reply gives known flags, a size >= 0, numbers within their range, and mechanisms and lines that are bounded. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "smtp/caps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mechanisms(const struct nm_caps *c) {
  assert(c->auth.n <= 2048);
  for (size_t i = 0; i < c->auth.n; i++) {
    char ch = c->auth.p[i];
    assert((ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_' || ch == ' ');
    assert(ch != ' ' || (i > 0 && i + 1 < c->auth.n && c->auth.p[i - 1] != ' '));
  }
  assert(c->auth.n == 0 || (c->flags & NM_CAP_AUTH) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nm_reply r = {.code = 250, .text = {.max = NM_REPLY_MAX}};
  struct nm_caps c = {0};
  if (size > NM_REPLY_MAX) {
    return 0;
  }
  nm_buf_add(&r.text, (const char *)data, size);
  assert(nm_caps_parse(&c, &r) == 0);
  assert(c.size >= 0 && (c.size == 0 || (c.flags & NM_CAP_SIZE) != 0) && c.flags < 1 << 19);
  assert(c.rcpt_max <= 999999 && c.mail_max <= 999999 && c.domain_max <= 999999);
  assert(c.by_min <= 999999999 && c.hold_max <= 999999999 && c.hold_until >= 0);
  assert(c.lines.n <= 16384 && (c.lines.n == 0 || c.lines.p[c.lines.n - 1] == '\n'));
  check_mechanisms(&c);
  nm_caps_free(&c);
  nm_reply_free(&r);
  return 0;
}
