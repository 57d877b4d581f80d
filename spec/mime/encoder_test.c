#include "mime/encoder.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/error.h"
#include "support/ctest.h"
#include "support/sources.h"

/* Encodes in steps of n octets (0: all at once); the result is NUL-terminated, the caller frees it. */
static char *encode(enum nm_cte cte, int text, const char *in, size_t len, size_t step, size_t *n_out) {
  struct nm_encoder e = {.cte = cte, .text = text};
  char *out = malloc(NM_ENCODER_ROOM(len) + (len + 1) * 2 * NM_ENCODER_ROOM(1));
  size_t n = 0;
  step = step == 0 ? len + 1 : step;
  for (size_t at = 0; at < len; at += step) {
    size_t piece = len - at < step ? len - at : step;
    size_t wrote = nm_encoder_step(&e, in + at, piece, out + n);
    CHECK(wrote <= NM_ENCODER_ROOM(piece));
    n += wrote;
  }
  n += nm_encoder_flush(&e, out + n);
  out[n] = '\0';
  *n_out = n;
  return out;
}

struct row {
  enum nm_cte cte;
  int text;
  const char *in;
  const char *out;
};

#define A10 "aaaaaaaaaa"
#define A70 A10 A10 A10 A10 A10 A10 A10

static const struct row rows[] = {
    /* quoted-printable */
    {NM_CTE_QP, 1, "", ""},
    {NM_CTE_QP, 1, "plain", "plain"},
    {NM_CTE_QP, 1, "a=b", "a=3Db"},
    {NM_CTE_QP, 1, "a\nb", "a\r\nb"},
    {NM_CTE_QP, 1, "a\r\nb\rc\n", "a\r\nb\r\nc\r\n"},
    {NM_CTE_QP, 1, "\r\r\n\n\n\r", "\r\n\r\n\r\n\r\n\r\n"},
    {NM_CTE_QP, 0, "a\r\nb\n", "a=0D=0Ab=0A"},
    {NM_CTE_QP, 1, "blank \nend ", "blank=20\r\nend=20"},
    {NM_CTE_QP, 1, "tab\t\r\n\t", "tab=09\r\n=09"},
    {NM_CTE_QP, 1, "two  \n", "two =20\r\n"},
    {NM_CTE_QP, 1, " in side\n", " in side\r\n"},
    {NM_CTE_QP, 1, ".\n..\n.", "=2E\r\n..\r\n=2E"},
    {NM_CTE_QP, 1, ".a", ".a"},
    {NM_CTE_QP, 1, "From x\nFrom", "=46rom x\r\nFrom"},
    {NM_CTE_QP, 1, "From \nA From b\nFrom\tx", "=46rom=20\r\nA From b\r\nFrom\tx"},
    {NM_CTE_QP, 1, "from x\nFromage", "from x\r\nFromage"},
    {NM_CTE_QP, 1, "\xd0\x96\x7f\x01", "=D0=96=7F=01"},
    {NM_CTE_QP, 1, A70 "123456", A70 "123456"},
    {NM_CTE_QP, 1, A70 "123456\n", A70 "123456\r\n"},
    {NM_CTE_QP, 1, A70 "1234567", A70 "12345=\r\n67"},
    {NM_CTE_QP, 1, A70 "12345 ", A70 "12345=\r\n=20"},
    {NM_CTE_QP, 1, A70 "123 \n", A70 "123=20\r\n"},
    {NM_CTE_QP, 1, A70 "1234 \n", A70 "1234=\r\n=20\r\n"},
    {NM_CTE_QP, 1, A70 "123=", A70 "123=3D"},
    {NM_CTE_QP, 1, A70 "1234=", A70 "1234=\r\n=3D"},
    {NM_CTE_QP, 1, A70 "123=x", A70 "123=\r\n=3Dx"},
    {NM_CTE_QP, 1, A70 "12345From x", A70 "12345=\r\n=46rom x"},
    {NM_CTE_QP, 1, A70 "123456.\n", A70 "12345=\r\n6.\r\n"},
    {NM_CTE_QP, 1, A70 "12345..", A70 "12345=\r\n.."},
    /* a soft break does not part a character: 2, 3 and 4 octets, and what is none */
    {NM_CTE_QP, 1, A70 "\xd0\x96", A70 "=D0=96"},
    {NM_CTE_QP, 1, A70 "\xd0\x96x", A70 "=\r\n=D0=96x"},
    {NM_CTE_QP, 1, A70 "1\xd0\x96", A70 "1=\r\n=D0=96"},
    {NM_CTE_QP, 1, A70 "\xe2\x82\xac", A70 "=\r\n=E2=82=AC"},
    {NM_CTE_QP, 1, A70 "\xf0\x9f\x98\x80", A70 "=\r\n=F0=9F=98=80"},
    {NM_CTE_QP, 1, A70 "\x80\x80\x80", A70 "=80=\r\n=80=80"},
    {NM_CTE_QP, 1, A70 "\xd0\xd0\x96", A70 "=D0=\r\n=D0=96"},
    {NM_CTE_QP, 1, A70 "\xd0 \x96\x96", A70 "=D0 =\r\n=96=96"},
    {NM_CTE_QP, 0, A70 "12\r\n", A70 "12=0D=\r\n=0A"},
    /* 7bit */
    {NM_CTE_7BIT, 1, "a\nb\r\nc\rd\r\r\n", "a\r\nb\r\nc\r\nd\r\n\r\n"},
    {NM_CTE_7BIT, 0, "a\nb\r\nc\rd", "a\nb\r\nc\rd"},
    {NM_CTE_7BIT, 1, "", ""},
    /* base64: RFC 4648 10, then lines */
    {NM_CTE_BASE64, 0, "", ""},
    {NM_CTE_BASE64, 0, "f", "Zg==\r\n"},
    {NM_CTE_BASE64, 0, "fo", "Zm8=\r\n"},
    {NM_CTE_BASE64, 0, "foobar", "Zm9vYmFy\r\n"},
    {NM_CTE_BASE64, 0, "a\nb", "YQpi\r\n"},
    {NM_CTE_BASE64, 1, "a\nb", "YQ0KYg==\r\n"},
    {NM_CTE_BASE64, 1, "a\r\nb", "YQ0KYg==\r\n"},
    {NM_CTE_BASE64, 0, "123456789012345678901234567890123456789012345678901234567",
     "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\r\n"},
    {NM_CTE_BASE64, 0, "1234567890123456789012345678901234567890123456789012345678",
     "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\r\nOA==\r\n"},
};

static void encodes_the_same_at_every_split(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    size_t len = strlen(r->in);
    for (size_t step = 0; step <= len; step++) {
      size_t n = 0;
      char *out = encode(r->cte, r->text, r->in, len, step, &n);
      CHECK_ROW(n == strlen(r->out) && memcmp(out, r->out, n) == 0, r->out);
      if (n != strlen(r->out) || memcmp(out, r->out, n) != 0) {
        printf("  step %zu gave: %s\n", step, out);
      }
      free(out);
    }
  }
}

static void nul_octets_are_encoded(void) {
  size_t n = 0;
  char *out = encode(NM_CTE_QP, 1, "a\0b", 3, 1, &n);
  CHECK(n == 5 && memcmp(out, "a=00b", 5) == 0);
  free(out);
}

static void base64_size_is_exact(void) {
  static char zeros[1000];
  for (size_t len = 0; len < sizeof zeros; len++) {
    size_t n = 0;
    free(encode(NM_CTE_BASE64, 0, zeros, len, 0, &n));
    CHECK(nm_encoder_base64_size((int64_t)len) == (int64_t)n);
  }
  CHECK(nm_encoder_base64_size(-1) == -1);
  CHECK(nm_encoder_base64_size(INT64_MAX) == -1);
}

struct choice {
  const char *in;
  int text;
  enum nm_cte cte;
};

#define CYRILLIC "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"
#define A998 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A70 A10 "aaaaaaaa"

static const struct choice choices[] = {
    {"", 1, NM_CTE_7BIT},
    {"plain\n", 1, NM_CTE_7BIT},
    {"plain\r\n", 0, NM_CTE_7BIT},
    {"unix\n", 0, NM_CTE_BASE64},
    {"mac\r", 0, NM_CTE_BASE64},
    {"mac\r", 1, NM_CTE_7BIT},
    {"esc \x1b$B0!\x1b(B\n", 1, NM_CTE_7BIT},
    {A998 "\n", 1, NM_CTE_7BIT},
    {A998 "a\n", 1, NM_CTE_QP},
    {A998 "a", 0, NM_CTE_QP},
    {"From here\n", 1, NM_CTE_QP},
    {"x\r\nFrom here", 0, NM_CTE_QP},
    {"caf\xc3\xa9 noir, s'il vous pla\xc3\xaet\n", 1, NM_CTE_QP},
    {"caf\xc3\xa9 noir, s'il vous pla\xc3\xaet\r\n", 0, NM_CTE_QP},
    {"caf\xc3\xa9 noir, s'il vous pla\xc3\xaet\n", 0, NM_CTE_BASE64},
    {CYRILLIC CYRILLIC CYRILLIC CYRILLIC, 1, NM_CTE_BASE64},
    {"latin one caf\xe9 of many octets\n", 1, NM_CTE_QP},
    {"latin one caf\xe9 of many octets\r\n", 0, NM_CTE_BASE64},
    {"cut off \xd0", 0, NM_CTE_BASE64},
    {"\xc3\xa9", 1, NM_CTE_QP}, /* as long as base64: the one that can be read */
};

/* The size promised is the size that comes, and the content survives. */
static void chooses_what_is_shorter_and_says_its_size(void) {
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
    const struct choice *c = &choices[i];
    struct nm_source *s = nm_source_memory(nm_str_c(c->in));
    struct nm_scan scan;
    struct nm_encoding how = {0};
    CHECK_ROW(nm_encoding_choose(s, c->text, NULL, &scan, &how) == 0, c->in);
    CHECK_ROW(how.cte == c->cte, c->in);
    size_t len = strlen(c->in);
    size_t n = 0;
    char *whole = encode(how.cte, how.text, c->in, len, 0, &n);
    CHECK_ROW(how.line_end == (n > 1 && memcmp(whole + n - 2, "\r\n", 2) == 0), c->in);
    CHECK_ROW((int64_t)n == how.size, c->in);
    static const size_t caps[] = {1, 2, 3, 7, 977, 978, 979, 4095, 65536};
    struct nm_source *e = nm_encoded_source(s, &how);
    for (size_t k = 0; k < sizeof caps / sizeof caps[0]; k++) {
      struct nm_buf got = {.max = 1 << 20};
      CHECK_ROW(source_read_all(e, caps[k], &got) == 0, c->in);
      CHECK_ROW(got.n == n && (n == 0 || memcmp(got.p, whole, n) == 0), c->in);
      CHECK_ROW(nm_source_size(e) == (int64_t)n, c->in);
      CHECK(nm_source_rewind(e) == 0);
      nm_buf_free(&got);
    }
    nm_source_free(&e);
    free(whole);
  }
}

/* A large content, at all buffer sizes, through an inner source that gives odd pieces and says "not now" between. */
static void an_encoded_source_gives_the_same_at_any_size(void) {
  enum { LEN = 57 * 512 * 3 + 41 };
  char *in = malloc(LEN);
  uint32_t x = 7;
  for (size_t i = 0; i < LEN; i++) {
    x = x * 1664525u + 1013904223u;
    in[i] = (char)(x >> 24);
  }
  for (int cte = NM_CTE_QP; cte <= NM_CTE_BASE64; cte++) {
    for (int text = 0; text <= 1; text++) {
      size_t n = 0;
      char *whole = encode((enum nm_cte)cte, text, in, LEN, 0, &n);
      struct nm_encoding how = {.cte = (enum nm_cte)cte, .text = text, .size = (int64_t)n};
      static const size_t caps[] = {1, 3, 4095, 65536, 1 << 20};
      for (size_t k = 0; k < sizeof caps / sizeof caps[0]; k++) {
        struct nm_source *e = nm_encoded_source(stuttering_source(nm_str(in, LEN), 4099), &how);
        for (int again = 0; again < 2; again++) {
          struct nm_buf got = {.max = 1 << 20};
          CHECK(source_read_all(e, caps[k], &got) == 0);
          CHECK(got.n == n && memcmp(got.p, whole, n) == 0);
          nm_buf_free(&got);
          CHECK(nm_source_rewind(e) == 0);
          char some[100]; /* a rewind from the middle, too: whatever was held is forgotten */
          size_t began = 0;
          while (nm_source_read(e, some, sizeof some, &began) == NM_AGAIN) {
          }
          CHECK(began > 0 && nm_source_rewind(e) == 0);
        }
        nm_source_free(&e);
      }
      free(whole);
    }
  }
  free(in);
}

static void an_error_of_the_inner_source_comes_after_what_was_read(void) {
  struct nm_encoding how = {.cte = NM_CTE_BASE64, .size = -1};
  struct nm_source *e =
      nm_encoded_source(failing_source(NM_STR("some octets come first, then none. ........................."),
                                       "the disk is gone"),
                        &how);
  struct nm_buf got = {.max = 1000};
  CHECK(source_read_all(e, 65536, &got) == NM_EIO);
  CHECK(got.n == 78);
  CHECK(strcmp(e->error.text, "the disk is gone") == 0);
  size_t n = 0;
  char byte;
  CHECK(nm_source_read(e, &byte, 1, &n) == NM_EIO && n == 0);
  nm_buf_free(&got);
  nm_source_free(&e);
}

static void seven_bit_stays_seven_bit(void) {
  struct nm_encoding how = {.cte = NM_CTE_7BIT, .text = 1, .size = 3};
  struct nm_source *e = nm_encoded_source(nm_source_memory(NM_STR("a\xd0"
                                                                  "b")),
                                          &how);
  struct nm_buf got = {.max = 1000};
  CHECK(source_read_all(e, 100, &got) == NM_EIO);
  CHECK(got.n == 0);
  CHECK(strstr(e->error.text, "changed") != NULL);
  nm_buf_free(&got);
  nm_source_free(&e);
}

static void short_memory_frees_the_inner_source(void) {
  long before = nm_test_alloc_live();
  struct nm_encoding how = {.cte = NM_CTE_BASE64, .size = -1};
  struct nm_source *inner = nm_source_memory(NM_STR("x"));
  nm_test_alloc_fail_at(1);
  CHECK(nm_encoded_source(inner, &how) == NULL);
  nm_test_alloc_fail_at(0);
  CHECK(nm_test_alloc_live() == before);
}

int main(void) {
  RUN(encodes_the_same_at_every_split);
  RUN(nul_octets_are_encoded);
  RUN(base64_size_is_exact);
  RUN(chooses_what_is_shorter_and_says_its_size);
  RUN(an_encoded_source_gives_the_same_at_any_size);
  RUN(an_error_of_the_inner_source_comes_after_what_was_read);
  RUN(seven_bit_stays_seven_bit);
  RUN(short_memory_frees_the_inner_source);
  return ctest_end();
}
