#include "support/ctest.h"

#include "base/alloc.h"
#include "smtp/saslprep.h"

static int prep(const char *text, size_t n, struct nm_buf *out, struct nm_error *e) {
  char *copy = malloc(n > 0 ? n : 1); /* a block of its own size: a byte read beyond it is caught */
  memcpy(copy, text, n);
  int err = nm_saslprep(out, "the password", nm_str(copy, n), e);
  free(copy);
  return err;
}

static const struct {
  const char *text;
  const char *want;
} valid[] = {
    /* RFC 4013 3, 1 to 5 */
    {"I\xc2\xadX", "IX"},
    {"user", "user"},
    {"USER", "USER"},
    {"\xc2\xaa", "a"},
    {"\xe2\x85\xa8", "IX"},
    /* spaces of any kind are SP, and stay where they are */
    {" a  b ", " a  b "},
    {"a\xc2\xa0\xe3\x80\x80\xe2\x80\x8b"
     "b",
     "a   b"},
    /* nothing: joiners, variation selectors, BOM, soft hyphens */
    {"a\xe2\x80\x8d\xe2\x80\x8c\xef\xb8\x8f\xef\xbb\xbf\xe2\x81\xa0\xe1\xa0\x86"
     "b",
     "ab"},
    /* compatibility: full width, ligature, fractions, and the one that becomes eleven times longer */
    {"\xef\xbc\xb0\xef\xbd\x81\xef\xbd\x93\xef\xbd\x93", "Pass"},
    {"\xef\xac\x80\xef\xac\x83", "ffffi"},
    {"\xc2\xbd", "1\xe2\x81\x84"
                 "2"},
    {"\xef\xb7\xba", "صلى الله عليه وسلم"},
    {"\xef\xb7\xba\xef\xb7\xba", "صلى الله عليه وسلمصلى الله عليه وسلم"},
    /* composed: u and U+0308, Hangul, a mark out of its order */
    {"bu\xcc\x88"
     "cher",
     "bücher"},
    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "한"},
    {"a\xcc\x95\xcc\xa8", "ą\xcc\x95"},
    {"пароль", "пароль"},
    /* not yet in Unicode 3.2: let through */
    {"p\xf0\x9f\x92\xa9w", "p\xf0\x9f\x92\xa9w"},
    /* right to left, first and last; digits between */
    {"\xd7\x90"
     "1\xd7\x91",
     "\xd7\x90"
     "1\xd7\x91"},
    {"\xd8\xa7\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"},
    {",=\"\\", ",=\"\\"},
};

static void prepares(void) {
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    struct nm_buf out = {.max = 1000, .secret = 1};
    struct nm_error e = {0};
    CHECK_ROW(prep(valid[i].text, strlen(valid[i].text), &out, &e) == 0, e.text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(valid[i].want)), valid[i].want);
    /* what is prepared stays as it is */
    struct nm_buf again = {.max = 1000, .secret = 1};
    CHECK_ROW(prep(out.p, out.n, &again, &e) == 0 && nm_str_eq(nm_buf_str(&out), nm_buf_str(&again)),
              valid[i].want);
    nm_buf_free(&out);
    nm_buf_free(&again);
  }
}

static const struct {
  const char *text;
  size_t n;
  const char *why;
} refused[] = {
    /* RFC 4013 3, 6 and 7 */
    {"\x07", 1, "control"},
    {"\xd8\xa7\x31", 3, "right to left"},
    {"a\0b", 3, "control"},
    {"a\r\nb", 4, "control"},
    {"\x7f", 1, "control"},
    {"a\xc2\x85", 3, "control"},
    {"\xe2\x80\xae"
     "abc",
     6, "control"}, /* an override of direction */
    {"a\xe2\x80\x8e", 4, "control"},
    {"\xee\x80\x80", 3, "control"},     /* private use */
    {"\xef\xbf\xbd", 3, "control"},     /* U+FFFD */
    {"\xef\xb7\x90", 3, "control"},     /* a noncharacter */
    {"\xf4\x8f\xbf\xbf", 4, "control"}, /* U+10FFFF */
    {"\xf3\xa0\x80\xa0", 4, "control"}, /* a tag */
    {"\xe2\xbf\xb0", 3, "control"},     /* ideographic description */
    {"a\xd7\x90", 3, "right to left"},  /* left first */
    {"\xd7\x90z\xd7\x90", 5, "right to left"},
    {"1\xd7\x90", 3, "right to left"},
    {"\xff", 1, "UTF-8"},
    {"\xed\xa0\x80", 3, "UTF-8"}, /* a surrogate */
    {"\xc0\x80", 2, "UTF-8"},
    {"abc\xe2\x80", 5, "UTF-8"},
    {"", 0, "empty"},
    {"\xc2\xad\xe2\x80\x8d", 5, "empty"},
};

static void refuses(void) {
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    struct nm_buf out = {.max = 1000, .secret = 1};
    struct nm_error e = {0};
    CHECK_ROW(prep(refused[i].text, refused[i].n, &out, &e) == NM_EINVAL, refused[i].text);
    CHECK_ROW(out.n == 0 && e.code == NM_EINVAL && e.kind == NM_KIND_AUTH, refused[i].text);
    CHECK_ROW(strncmp(e.text, "the password ", 13) == 0 && strstr(e.text, refused[i].why) != NULL, e.text);
    nm_buf_free(&out);
  }
}

static void keeps_to_the_maximum(void) {
  for (size_t max = 0; max < 40; max++) {
    struct nm_buf out = {.max = max, .secret = 1};
    struct nm_error e = {0};
    int err = prep("\xef\xb7\xba", 3, &out, &e);
    CHECK((err == 0) == (max >= 33) && (err == 0 || (err == NM_ELIMIT && e.code == err)));
    nm_buf_free(&out);
  }
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_buf out = {.max = 1000, .secret = 1};
    struct nm_error e = {0};
    nm_test_alloc_fail_at(n);
    int err = nm_saslprep(&out, "the password", NM_STR("bücher und \xef\xb7\xba"), &e);
    nm_test_alloc_fail_at(0);
    nm_buf_free(&out);
    CHECK(nm_test_alloc_live() == live);
    if (err != NM_ENOMEM) {
      CHECK(n > 2 && err == NM_EINVAL);
      break;
    }
    CHECK(e.code == NM_ENOMEM);
  }
}

int main(void) {
  RUN(prepares);
  RUN(refuses);
  RUN(keeps_to_the_maximum);
  RUN(survives_failed_allocations);
  return ctest_end();
}
