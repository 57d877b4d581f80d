#include "mime/head_read.h"

#include "base/buf.h"
#include "support/ctest.h"

/* "name[value]..." then "|" and the body. */
static void show(struct nm_buf *b, struct nm_str s) {
  struct nm_head_field f;
  size_t at = nm_head_begin(s), sum = at;
  nm_buf_reset(b);
  while (nm_head_next(s, &at, &f) > 0) {
    nm_buf_add_str(b, f.name);
    nm_buf_add_byte(b, '[');
    nm_buf_add_str(b, f.value);
    nm_buf_add_byte(b, ']');
    CHECK(f.all.p == s.p + sum && f.all.n > 0); /* no octet is lost */
    sum += f.all.n;
    CHECK(at == sum);
  }
  CHECK(at - sum <= 2 && at <= s.n);
  nm_buf_add_byte(b, '|');
  nm_buf_add(b, s.p + at, s.n - at);
}

static void reads_headers(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", "|"},
      {"\r\nbody", "|body"},
      {"\nbody", "|body"},
      {"A: b\r\nC: d\r\n\r\nbody\r\n", "A[ b]C[ d]|body\r\n"},
      {"A: b\nC: d\n\nbody\n", "A[ b]C[ d]|body\n"},
      {"A: b\r\nC: d\n\r\nbody", "A[ b]C[ d]|body"},
      {"A: b", "A[ b]|"},
      {"A: b\r\n", "A[ b]|"},
      {"A:b\r\n c\r\n\td\r\n\r\n", "A[b\r\n c\r\n\td]|"},
      {"A:\r\n b\r\n\r\n", "A[\r\n b]|"},
      {"A: b\r\n \r\nC: d\r\n\r\nx", "A[ b\r\n ]C[ d]|x"}, /* a fold of white space alone (RFC 5322 4.2) */
      {"A : b\r\n\r\n", "A[ b]|"},
      {"A\t :\r\n\r\n", "A[]|"},
      {"From a@b Sat Nov 21\r\nA: b\r\n\r\nx", "A[ b]|x"},
      {"From a@b Sat Nov 21", "|"},
      {"From: a@b\n\n", "From[ a@b]|"},
      {"no field\r\nA: b\r\n\r\n", "[no field]A[ b]|"},
      {"no field\r\n folded\r\nA: b\r\n\r\n", "[no field\r\n folded]A[ b]|"},
      {" folded\r\nA: b\r\n\r\n", "[ folded]A[ b]|"},
      {": b\r\n\r\n", "[: b]|"},
      {"a b: c\r\n\r\n", "[a b: c]|"},
      {"\xd0: c\r\n\r\n", "[\xd0: c]|"},
      {"A: b\rC: d\r\n\r\n", "A[ b\rC: d]|"}, /* a bare CR is no line end */
      {"A: b\r\r\n\r\nx", "A[ b\r]|x"},
      {"A: b:c\r\n\r\n", "A[ b:c]|"},
      {"A: b\r\n\r", "A[ b][\r]|"},
  };
  struct nm_buf b = {.max = 10000};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    show(&b, nm_str_c(rows[i].in));
    CHECK_ROW(strcmp(b.p, rows[i].out) == 0, b.p);
  }
  nm_buf_free(&b);
}

int main(void) {
  RUN(reads_headers);
  return ctest_end();
}
