/* Invariant: HTML in UTF-8 becomes a text in UTF-8 without controls but LF and tab, without blanks around it, no longer than 40 octets for
   each of its own; other bytes are refused. The tokens are the input, piece by piece, and what an attribute is said to be stands in
   its tag. */

#include "base/utf8.h"
#include "mime/html_scan.h"
#include "mime/html_text.h"

#include <stdint.h>
#include <stdlib.h>

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static int is_within(struct nm_str inner, struct nm_str outer) {
  return inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n;
}

static void check_tokens(struct nm_str html) {
  struct nm_html_scan s = {.in = html};
  struct nm_html_token t;
  size_t at = 0;
  while (nm_html_next(&s, &t) != NM_HTML_OVER) {
    struct nm_html_attribute a;
    size_t i = 0;
    must(t.all.p == html.p + at && t.all.n > 0);
    at += t.all.n;
    must(t.name.n == 0 || is_within(t.name, t.all));
    while (nm_html_attribute_next(t.attributes, &i, &a)) {
      must(a.name.n > 0 && is_within(a.name, t.all));
      must(a.value.p == NULL || is_within(a.value, t.all));
    }
  }
  must(at + t.all.n == html.n && nm_html_next(&s, &t) == NM_HTML_OVER && t.all.n == 0);
}

static void check_text(struct nm_str text, size_t in) {
  must(nm_utf8_valid(text) == text.n && text.n <= 40 * in + 1);
  if (text.n == 0) {
    return;
  }
  must(text.n > 1 && text.p[0] != '\n' && text.p[text.n - 1] == '\n' && text.p[text.n - 2] != '\n' &&
       text.p[text.n - 2] != ' ');
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    must((c >= ' ' || c == '\n' || c == '\t') && c != 0x7f);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nm_str html = nm_str((const char *)data, size);
  struct nm_buf out = {.max = (size_t)1 << 28};
  struct nm_error e = {0};
  int err = nm_html_to_text(html, &out, &e);
  must(err == (nm_utf8_valid(html) == size ? 0 : NM_EINVAL));
  check_text(nm_buf_str(&out), size);
  check_tokens(html);
  nm_buf_free(&out);
  return 0;
}
