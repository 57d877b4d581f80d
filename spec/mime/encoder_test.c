#include "mime/encoder.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mime/encode.h"
#include "support/ctest.h"
#include "support/sources.h"

/* Line by line, as strictly as RFC 2045 6.8 writes it: full lines but for the last, padding only there. */
static size_t decode_base64(const char *p, size_t n, char **out) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t wrote = 0;
  *out = malloc(n + 1);
  for (size_t at = 0; at < n;) {
    size_t line = 0;
    while (at + line < n && p[at + line] != '\r') {
      line++;
    }
    CHECK(line > 0 && line % 4 == 0 && line <= NM_LINE_COLUMNS && n - at >= line + 2 &&
          p[at + line + 1] == '\n');
    CHECK(line == NM_LINE_COLUMNS || at + line + 2 == n);
    for (size_t i = 0; i < line; i += 4) {
      unsigned v = 0, octets = 3;
      for (size_t k = 0; k < 4; k++) {
        const char *c = p[at + i + k] == '=' ? NULL : strchr(alphabet, p[at + i + k]);
        CHECK(c != NULL || (k >= 2 && at + i + 6 == n));
        octets -= c == NULL;
        v = v << 6 | (c == NULL ? 0 : (unsigned)(c - alphabet));
      }
      for (unsigned k = 0; k < octets; k++) {
        (*out)[wrote++] = (char)(v >> (16 - 8 * k));
      }
    }
    at += line + 2;
  }
  return wrote;
}

struct row {
  enum nm_cte cte;
  int text;
  const char *in;
  const char *out;
};

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
    /* 7bit, 8bit, binary */
    {NM_CTE_8BIT, 1, "a\nb\xd0\r\nc\rd\r\r\n", "a\r\nb\xd0\r\nc\r\nd\r\n\r\n"},
    {NM_CTE_8BIT, 0, "a\n\xd0\xe9\r", "a\n\xd0\xe9\r"},
    {NM_CTE_BINARY, 1, "a\n\xff\r\n", "a\r\n\xff\r\n"},
    {NM_CTE_BINARY, 0, "\n\xff\r\r\n ", "\n\xff\r\r\n "},
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

/* Octet by octet none of the ways to be fast is open. */
static void a_long_text_is_written_as_it_is_octet_by_octet(void) {
  static const char *const words[] = {CYRILLIC, " ", "\n",   "\r\n", "\r",           "From ",
                                      "F",      ".", "\t",   "=",    "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                      "\xd0",   "x", "\x80", "\x01", "plain words",  A10 A10};
  enum { WORDS = sizeof words / sizeof words[0] };
  uint32_t x = 3;
  for (int round = 0; round < 3000; round++) {
    char in[600];
    size_t len = 0, n = 0, slow_n = 0;
    for (unsigned kinds = 1 + (unsigned)round % WORDS; len < 500;) {
      x = x * 1664525u + 1013904223u;
      const char *word = words[(x >> 28) == 0 ? (x >> 8) % WORDS : (x >> 8) % kinds];
      memcpy(in + len, word, strlen(word));
      len += strlen(word);
    }
    int text = (int)(x >> 30 & 1);
    char *slow = encode(NM_CTE_QP, text, in, len, 1, &slow_n);
    char *fast = encode(NM_CTE_QP, text, in, len, round % 2 == 0 ? 0 : 1 + x % 300, &n);
    CHECK(n == slow_n && memcmp(fast, slow, n) == 0);
    free(slow);
    free(fast);
  }
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

/* All lengths around the ends of groups and lines; a line end at the end is not lost. */
static void base64_of_any_length_decodes(void) {
  static const char *const ends[] = {"", "\n", "\r\n", "\0", "\r"};
  for (size_t len = 0; len <= 200; len++) {
    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
      char in[203], *back = NULL;
      size_t end = k == 3 ? 1 : strlen(ends[k]), n = 0;
      for (size_t i = 0; i < len; i++) {
        in[i] = (char)(i * 7 + len);
      }
      memcpy(in + len, ends[k], end);
      char *out = encode(NM_CTE_BASE64, 0, in, len + end, 1 + len % 60, &n);
      size_t back_n = decode_base64(out, n, &back);
      CHECK(back_n == len + end && memcmp(back, in, back_n) == 0);
      CHECK(n == 0 || memcmp(out + n - 2, "\r\n", 2) == 0);
      free(back);
      free(out);
    }
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

/* The header says already what it is. */
static void a_content_that_changed_is_not_sent(void) {
  static const struct {
    enum nm_cte cte;
    struct nm_str in;
  } changed[] = {
      {NM_CTE_7BIT, NM_STR("a\xd0")},
      {NM_CTE_7BIT, NM_STR("a\0")},
      {NM_CTE_7BIT, NM_STR(A998 "a")},
      {NM_CTE_8BIT, NM_STR("a\xd0\0")},
      {NM_CTE_8BIT, NM_STR("\r\n" A998 "\xd0")},
  };
  for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
    for (size_t piece = 1; piece <= changed[i].in.n; piece += piece > 2 ? 499 : 1) {
      struct nm_encoding how = {.cte = changed[i].cte, .text = 1, .size = 3};
      struct nm_source *e = nm_encoded_source(odd_source(changed[i].in, piece, 0, NULL), &how);
      struct nm_buf got = {.max = 10000};
      CHECK(source_read_all(e, 5000, &got) == NM_EIO);
      CHECK(got.n < changed[i].in.n);
      CHECK(strstr(e->error.text, "changed") != NULL && strstr(e->error.text, nm_cte_name(how.cte)) != NULL);
      nm_buf_free(&got);
      nm_source_free(&e);
    }
  }
}

/* What was text with CRLF alone, and is not any more. */
static void a_content_with_other_line_ends_is_not_sent_as_it_is(void) {
  static const struct {
    struct nm_str in;
    int err;
  } texts[] = {{NM_STR("ab\r\ncd\r\n"), 0},    {NM_STR("ab\ncd\r\n"), NM_EIO},
               {NM_STR("ab\rcd\r\n"), NM_EIO}, {NM_STR("ab\r\n\ncd"), NM_EIO},
               {NM_STR("ab\r\ncd"), 0},        {NM_STR("ab\r\n\xd0"), NM_EIO}};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    for (size_t piece = 1; piece <= texts[i].in.n; piece++) {
      struct nm_encoding how = {.cte = NM_CTE_7BIT, .text = 1, .size = 8, .as_is = 1};
      struct nm_source *e = nm_encoded_source(odd_source(texts[i].in, piece, (int)piece & 1, NULL), &how);
      struct nm_buf got = {.max = 100};
      CHECK_ROW(source_read_all(e, 50, &got) == texts[i].err, texts[i].in.p);
      CHECK_ROW(texts[i].err != 0 || nm_str_eq(nm_buf_str(&got), texts[i].in), texts[i].in.p);
      CHECK(texts[i].err == 0 || nm_source_read(e, got.p, 1, &got.n) == NM_EIO);
      nm_buf_free(&got);
      nm_source_free(&e);
    }
  }
}

static void each_has_its_name(void) {
  static const char *const names[] = {"7bit", "quoted-printable", "base64", "8bit", "binary"};
  for (int cte = NM_CTE_7BIT; cte <= NM_CTE_BINARY; cte++) {
    CHECK(strcmp(nm_cte_name((enum nm_cte)cte), names[cte]) == 0);
  }
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
  RUN(a_long_text_is_written_as_it_is_octet_by_octet);
  RUN(base64_size_is_exact);
  RUN(base64_of_any_length_decodes);
  RUN(an_encoded_source_gives_the_same_at_any_size);
  RUN(an_error_of_the_inner_source_comes_after_what_was_read);
  RUN(a_content_that_changed_is_not_sent);
  RUN(a_content_with_other_line_ends_is_not_sent_as_it_is);
  RUN(each_has_its_name);
  RUN(short_memory_frees_the_inner_source);
  return ctest_end();
}
