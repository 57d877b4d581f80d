#include "base/percent.h"

#include "support/ctest.h"

static void decodes_once(void) {
  static const char *const rows[][2] = {
      {"", ""},       {"abc", "abc"},  {"a%20b", "a b"},     {"%41%4a%4A", "AJJ"},
      {"%", "%"},     {"%4", "%4"},    {"%4g%g4", "%4g%g4"}, {"%2541", "%41"},
      {"%%41", "%A"}, {"%D0%B0", "а"}, {"100%", "100%"},     {"%25%", "%%"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b = {.max = 100};
    nm_buf_add_c(&b, "x");
    nm_percent_decode(&b, nm_str_c(rows[i][0]));
    CHECK_ROW(b.p[0] == 'x' && strcmp(b.p + 1, rows[i][1]) == 0, rows[i][0]);
    nm_buf_free(&b);
  }
}

static void leaves_what_stands_before(void) {
  struct nm_buf b = {.max = 100};
  nm_percent_undo(&b, 0);
  CHECK(b.p == NULL && b.n == 0);
  nm_buf_add_c(&b, "%41%42%");
  nm_percent_undo(&b, 3);
  CHECK(b.n == 5 && strcmp(b.p, "%41B%") == 0);
  nm_percent_undo(&b, 5);
  CHECK(b.n == 5 && strcmp(b.p, "%41B%") == 0);
  nm_buf_free(&b);
}

static void keeps_nul_and_the_maximum(void) {
  struct nm_buf b = {.max = 3};
  nm_percent_decode(&b, NM_STR("%00"));
  CHECK(b.n == 1 && b.p[0] == '\0');
  nm_percent_decode(&b, NM_STR("abcd"));
  CHECK(b.err == NM_ELIMIT && b.n == 1);
  nm_buf_free(&b);
}

int main(void) {
  RUN(decodes_once);
  RUN(leaves_what_stands_before);
  RUN(keeps_nul_and_the_maximum);
  return ctest_end();
}
