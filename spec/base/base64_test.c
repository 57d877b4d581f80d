#include "support/ctest.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/str.h"

/* RFC 4648 10. */
static void encodes_the_rfcs_rows(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xbf", "+/+/"},
      {"\xff\xff\xff", "////"},
      {"\xff", "/w=="},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t size = NM_BASE64_SIZE(strlen(rows[i].in));
    char *out = malloc(size > 0 ? size : 1); /* exact: one octet too many is caught */
    size_t n = nm_base64_encode(out, rows[i].in, strlen(rows[i].in));
    CHECK_ROW(n == size && nm_str_eq(nm_str(out, n), nm_str_c(rows[i].out)), rows[i].in);
    free(out);
    struct nm_buf b = {.max = 1 + size};
    nm_buf_add_c(&b, "<");
    nm_base64_add(&b, rows[i].in, strlen(rows[i].in));
    CHECK_ROW(b.err == 0 && b.n == 1 + size && b.p[b.n] == '\0' &&
                  nm_str_eq(nm_str(b.p + 1, size), nm_str_c(rows[i].out)),
              rows[i].in);
    nm_base64_add(&b, "f", 1);
    CHECK_ROW(b.err == NM_ELIMIT && b.n == 1 + size, rows[i].in);
    nm_buf_free(&b);
  }
  CHECK(nm_base64_encode(NULL, NULL, 0) == 0);
}

static int value(char c) {
  return c >= 'A' && c <= 'Z'   ? c - 'A'
         : c >= 'a' && c <= 'z' ? c - 'a' + 26
         : c >= '0' && c <= '9' ? c - '0' + 52
         : c == '+'             ? 62
         : c == '/'             ? 63
                                : -1;
}

/* Every length up to 100, every octet value at every place of a group. */
static void decodes_to_what_went_in(void) {
  for (size_t n = 0; n <= 100; n++) {
    for (unsigned shift = 0; shift < 256; shift += 5) {
      unsigned char in[100];
      char out[NM_BASE64_SIZE(100)];
      for (size_t i = 0; i < n; i++) {
        in[i] = (unsigned char)(i * 37 + shift);
      }
      CHECK(nm_base64_encode(out, (const char *)in, n) == NM_BASE64_SIZE(n));
      unsigned bits = 0;
      int have = 0;
      size_t got = 0;
      for (size_t i = 0; i < NM_BASE64_SIZE(n) && out[i] != '='; i++) {
        CHECK(value(out[i]) >= 0);
        bits = (bits << 6 | (unsigned)value(out[i])) & 0xffff;
        have += 6;
        if (have >= 8) {
          have -= 8;
          CHECK(got < n && (bits >> have & 0xff) == in[got]);
          got++;
        }
      }
      CHECK(got == n && (bits & ((1u << have) - 1)) == 0);
    }
  }
}

int main(void) {
  RUN(encodes_the_rfcs_rows);
  RUN(decodes_to_what_went_in);
  return ctest_end();
}
