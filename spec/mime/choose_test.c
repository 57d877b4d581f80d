#include "mime/encoder.h"

#include "base/error.h"
#include "mime/encode.h"
#include "support/ctest.h"
#include "support/sources.h"

struct choice {
  const char *in;
  int text;
  enum nm_cte cte;
};

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

#define FORCE(cte)                                                                                           \
  { 1, cte, 0 }
#define ALLOW(cte)                                                                                           \
  { 1, cte, NM_ALLOW_8BIT | NM_ALLOW_BINARY }

/* What is wanted, and what comes of it. */
static const struct wish {
  struct nm_cte_wish wish;
  const char *in;
  int text;
  enum nm_cte cte;
  const char *out; /* its beginning */
  int line_end;
} wishes[] = {
    {{0}, "plain\n", 1, NM_CTE_7BIT, "plain\r\n", 1},
    {{0, NM_CTE_BASE64, NM_ALLOW_8BIT | NM_ALLOW_BINARY},
     "caf\xc3\xa9 noir, s'il vous\n",
     1,
     NM_CTE_QP,
     "caf=C3=A9",
     1},
    {FORCE(NM_CTE_BASE64), "plain\n", 1, NM_CTE_BASE64, "cGxhaW4NCg==\r\n", 1},
    {FORCE(NM_CTE_BASE64), "plain\n", 0, NM_CTE_BASE64, "cGxhaW4K\r\n", 1},
    {FORCE(NM_CTE_BASE64), "", 1, NM_CTE_BASE64, "", 0},
    {FORCE(NM_CTE_QP), "plain\n", 1, NM_CTE_QP, "plain\r\n", 1},
    {FORCE(NM_CTE_QP), "plain", 1, NM_CTE_QP, "plain", 0},
    {FORCE(NM_CTE_QP), "plain\r\n", 0, NM_CTE_QP, "plain\r\n", 1},
    {FORCE(NM_CTE_QP), "unix\n", 0, NM_CTE_QP, "unix=0A", 0},
    {FORCE(NM_CTE_QP), "latin\xe9\r\n", 0, NM_CTE_QP, "latin=E9\r\n", 1},
    {FORCE(NM_CTE_QP), CYRILLIC CYRILLIC, 1, NM_CTE_QP, "=D0=9F=D1=80", 0},
    {FORCE(NM_CTE_7BIT), "plain\n", 1, NM_CTE_7BIT, "plain\r\n", 1},
    {FORCE(NM_CTE_7BIT), "From here\n", 1, NM_CTE_7BIT, "From here\r\n", 1},
    {FORCE(NM_CTE_7BIT), "plain\r\n", 0, NM_CTE_7BIT, "plain\r\n", 1},
    /* not allowed: the best one */
    {FORCE(NM_CTE_8BIT), CYRILLIC CYRILLIC, 1, NM_CTE_BASE64, "0J/R", 1},
    {FORCE(NM_CTE_8BIT), "plain\n", 1, NM_CTE_7BIT, "plain\r\n", 1},
    {{1, NM_CTE_8BIT, NM_ALLOW_BINARY}, CYRILLIC CYRILLIC, 1, NM_CTE_BASE64, "0J/R", 1},
    {FORCE(NM_CTE_BINARY), "unix\n", 0, NM_CTE_BASE64, "dW5peAo=\r\n", 1},
    {{1, NM_CTE_BINARY, NM_ALLOW_8BIT}, "unix\n", 0, NM_CTE_BASE64, "dW5peAo=\r\n", 1},
    /* allowed */
    {ALLOW(NM_CTE_8BIT), CYRILLIC "\n", 1, NM_CTE_8BIT, CYRILLIC "\r\n", 1},
    {ALLOW(NM_CTE_8BIT), CYRILLIC "\r\n", 0, NM_CTE_8BIT, CYRILLIC "\r\n", 1},
    {ALLOW(NM_CTE_8BIT), "latin\xe9", 0, NM_CTE_8BIT, "latin\xe9", 0},
    {ALLOW(NM_CTE_8BIT), "plain\n", 1, NM_CTE_8BIT, "plain\r\n", 1},
    {ALLOW(NM_CTE_8BIT), A998 "\n", 1, NM_CTE_8BIT, A998 "\r\n", 1},
    {ALLOW(NM_CTE_BINARY), "unix\n\xff", 0, NM_CTE_BINARY, "unix\n\xff", 0},
    {ALLOW(NM_CTE_BINARY), "\rmixed\r\n", 0, NM_CTE_BINARY, "\rmixed\r\n", 1},
    {ALLOW(NM_CTE_BINARY), "unix\n", 0, NM_CTE_BINARY, "unix\n", 0},
    {ALLOW(NM_CTE_BINARY), "text\n", 1, NM_CTE_BINARY, "text\r\n", 1},
    /* allowed, but no 8bit: the best one */
    {ALLOW(NM_CTE_8BIT), A998 "\xd0\n", 1, NM_CTE_QP, A70, 1},
    {ALLOW(NM_CTE_8BIT), "caf\xc3\xa9\n", 0, NM_CTE_BASE64, "Y2Fmw6kK\r\n", 1},
    {ALLOW(NM_CTE_8BIT), "caf\xc3\xa9\r\r\n", 0, NM_CTE_BASE64, "Y2Fmw6kNDQo=\r\n", 1},
};

static void takes_what_is_wanted_where_it_can(void) {
  for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
    const struct wish *w = &wishes[i];
    size_t len = strlen(w->in), n = 0, begin = strlen(w->out);
    struct nm_source *s = nm_source_memory(nm_str(w->in, len));
    struct nm_scan scan;
    struct nm_encoding how = {.cte = NM_CTE_BINARY, .text = 9, .size = 9, .line_end = 9};
    CHECK_ROW(nm_encoding_choose(s, w->text, &w->wish, &scan, &how) == 0, w->in);
    CHECK_ROW(how.cte == w->cte, w->in);
    CHECK_ROW(how.line_end == w->line_end, w->in);
    char *whole = encode(how.cte, how.text, w->in, len, 0, &n);
    CHECK_ROW((int64_t)n == how.size && n >= begin && memcmp(whole, w->out, begin) == 0, w->in);
    struct nm_source *e = nm_encoded_source(s, &how);
    struct nm_buf got = {.max = 1 << 20};
    CHECK_ROW(source_read_all(e, 7, &got) == 0, w->in);
    CHECK_ROW(got.n == n && (n == 0 || memcmp(got.p, whole, n) == 0), w->in);
    nm_buf_free(&got);
    nm_source_free(&e);
    free(whole);
  }
}

/* Content with a NUL is 8bit for nobody. */
static void a_nul_is_not_8bit(void) {
  struct nm_cte_wish wish = ALLOW(NM_CTE_8BIT);
  struct nm_source *s = nm_source_memory(NM_STR("a\0b"));
  struct nm_scan scan;
  struct nm_encoding how;
  CHECK(nm_encoding_choose(s, 0, &wish, &scan, &how) == 0 && how.cte == NM_CTE_BASE64);
  CHECK(nm_encoding_choose(s, 1, &wish, &scan, &how) == 0 && how.cte != NM_CTE_8BIT);
  wish.forced = NM_CTE_QP;
  CHECK(nm_encoding_choose(s, 0, &wish, &scan, &how) == 0 && how.cte == NM_CTE_QP && how.size == 5);
  nm_source_free(&s);
}

static void says_what_is_in_the_way_of_7bit(void) {
  static const struct {
    struct nm_str in;
    int text;
    const char *why;
  } rows_7bit[] = {
      {NM_STR("\xd0"), 1, "line 1 has the octet 0xD0;"},
      {NM_STR("one\r\ntwo\rthree\nfour \xe9\xff"), 1, "line 4 has the octet 0xE9;"},
      {NM_STR("one\n\nthree\0"), 1, "line 3 has the octet 0x00;"},
      {NM_STR("one\n" A998 "\n" A998 "a\n\xff"), 1, "line 3 is longer than 998 octets;"},
      {NM_STR(A998 "a\xff"), 0, "line 1 is longer than 998 octets;"},
      {NM_STR("one\r\ntwo\n\xff"), 0, "line 2 ends in a bare LF, which would not arrive as it is;"},
      {NM_STR("one\r\ntwo\r\xff"), 0, "line 2 ends in a bare CR, which would not arrive as it is;"},
      {NM_STR("one\r\n\r"), 0, "line 2 ends in a bare CR,"},
      {NM_STR("\r\r\n"), 0, "line 1 ends in a bare CR,"},
      {NM_STR("\r\xff"), 1, "line 2 has the octet 0xFF;"},
  };
  const struct nm_cte_wish wish = FORCE(NM_CTE_7BIT);
  for (size_t i = 0; i < sizeof rows_7bit / sizeof rows_7bit[0]; i++) {
    for (size_t piece = 1; piece <= rows_7bit[i].in.n; piece += piece > 10 ? 997 : 1) {
      struct nm_source *s = odd_source(rows_7bit[i].in, piece, 0, NULL);
      struct nm_scan scan;
      struct nm_encoding how;
      CHECK(nm_encoding_choose(s, rows_7bit[i].text, &wish, &scan, &how) == NM_EINVAL);
      CHECK(s->error.code == NM_EINVAL && s->error.kind == NM_KIND_MESSAGE);
      CHECK_ROW(strstr(s->error.text, rows_7bit[i].why) != NULL, s->error.text);
      nm_source_free(&s);
    }
  }
}

int main(void) {
  RUN(chooses_what_is_shorter_and_says_its_size);
  RUN(takes_what_is_wanted_where_it_can);
  RUN(a_nul_is_not_8bit);
  RUN(says_what_is_in_the_way_of_7bit);
  return ctest_end();
}
