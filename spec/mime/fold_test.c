#include "mime/fold.h"

#include "support/ctest.h"

static void folds_before_a_token_that_would_pass_78(void) {
  static const struct {
    size_t col;
    size_t n;
    size_t col_out;
    const char *before;
  } rows[] = {
      {8, 1, 10, " "},      {8, 69, 78, " "},     {8, 70, 71, "\r\n "},   {77, 1, 2, "\r\n "},
      {76, 1, 78, " "},     {78, 1, 2, "\r\n "},  {500, 1, 2, "\r\n "},   {1, 76, 78, " "},
      {1, 77, 78, "\r\n "}, {8, 78, 79, "\r\n "}, {8, 990, 991, "\r\n "}, {0, 77, 78, " "},
  };
  char token[1000];
  memset(token, 'x', sizeof token);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b = {.max = 2000};
    CHECK_ROW(nm_fold_token(&b, rows[i].col, nm_str(token, rows[i].n)) == rows[i].col_out, rows[i].before);
    size_t n = strlen(rows[i].before);
    CHECK_ROW(b.n == n + rows[i].n && memcmp(b.p, rows[i].before, n) == 0 && b.p[b.n - 1] == 'x',
              rows[i].before);
    nm_buf_free(&b);
  }
}

static void writes_nothing_for_an_empty_token(void) {
  struct nm_buf b = {.max = 100};
  size_t col = nm_fold_name(&b, "Subject");
  CHECK(col == 8);
  CHECK(nm_fold_token(&b, 78, nm_str("", 0)) == 78);
  CHECK(nm_fold_end(&b) == 0);
  CHECK(nm_str_eq(nm_buf_str(&b), NM_STR("Subject:\r\n")));
  nm_buf_free(&b);
}

static void says_what_is_wrong_with_the_buffer(void) {
  struct nm_error e = {0};
  struct nm_buf b = {.max = 4};
  CHECK(nm_fold_status(&b, &e) == 0 && e.code == 0);
  nm_fold_name(&b, "Subject");
  CHECK(nm_fold_status(&b, &e) == NM_ELIMIT && e.code == NM_ELIMIT && e.kind == NM_KIND_MESSAGE);
  b.err = NM_ENOMEM;
  CHECK(nm_fold_status(&b, &e) == NM_ENOMEM && strcmp(e.text, "out of memory") == 0);
  CHECK(nm_fold_status(&b, NULL) == NM_ENOMEM);
  nm_buf_free(&b);
}

int main(void) {
  RUN(folds_before_a_token_that_would_pass_78);
  RUN(writes_nothing_for_an_empty_token);
  RUN(says_what_is_wrong_with_the_buffer);
  return ctest_end();
}
