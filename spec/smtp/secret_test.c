#include "smtp/secret.h"

#include "base/alloc.h"
#include "support/ctest.h"

/* user tim, password tanstaaf: dGFuc3RhYWY= alone, AHRpbQB0YW5zdGFhZg== in PLAIN. */
static void sees_a_secret_in_each_of_its_forms(void) {
  static const struct {
    const char *text, *password;
    int shown;
  } rows[] = {
      {"5.7.8 authentication failed", "tanstaaf", 0},
      {"user tim is not known", "tanstaaf", 0},
      {"tanstaaf", "tanstaaf", 1},
      {"is it tanstaaf?", "tanstaaf", 1},
      {"tanstaa", "tanstaaf", 0},
      {"Tanstaaf", "tanstaaf", 0},
      {"what is dGFuc3RhYWY=?", "tanstaaf", 1},
      {"AUTH PLAIN AHRpbQB0YW5zdGFhZg==", "tanstaaf", 1},
      {"dGFuc3RhYWZ0YW5zdGFhZg", "tanstaaftanstaaf", 1}, /* cut before its padding */
      {"AUTH PLAIN AHRpbQB0YW5zdGFhZg", "tanstaaf", 1},
      {"AUTH PLAIN AHRpbQB0YW5zdGFh", "tanstaaf", 1},
      {"AUTH PLAIN AHRpbQB0", "tanstaaf", 0},
      {"", "tanstaaf", 0},
      {"an ab in the text", "ab", 0}, /* hidden by nobody */
      {"anything", "", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_secret_shown(nm_str_c(rows[i].text), NM_STR("tim"), nm_str_c(rows[i].password)) ==
                  rows[i].shown,
              rows[i].text);
  }
  CHECK(nm_secret_shown(NM_STR("x AHBlbmNpbA=="), NM_STR(""), NM_STR("pencil")) == 0);
  CHECK(nm_secret_shown(NM_STR("x AABwZW5jaWw= y"), NM_STR(""), NM_STR("pencil")) == 1);
}

static void sees_a_line_quoted(void) {
  struct nm_str sent = NM_STR("AHRpbQB0YW5zdGFhZg==");
  CHECK(nm_secret_quoted(NM_STR("what? AUTH PLAIN AHRpbQB0YW5zdGFhZg=="), sent));
  CHECK(nm_secret_quoted(NM_STR("what? AUTH PLAIN AHRpbQB0YW5z..."), sent));
  CHECK(!nm_secret_quoted(NM_STR("what? AUTH PLAIN AHRpbQB0..."), sent));
  CHECK(nm_secret_quoted(NM_STR("dGlt is nobody"), NM_STR("dGlt")));
  CHECK(!nm_secret_quoted(NM_STR("nobody"), NM_STR("dGlt")));
  CHECK(!nm_secret_quoted(NM_STR("nobody"), NM_STR("")) && !nm_secret_quoted(NM_STR(""), sent));
}

/* Better nothing shown than a password. */
static void short_memory_hides(void) {
  for (long k = 1; k < 4; k++) {
    nm_test_alloc_fail_at(k);
    CHECK(nm_secret_shown(NM_STR("5.7.8 no"), NM_STR("tim"), NM_STR("tanstaaf")) == (k < 3));
    nm_test_alloc_fail_at(0);
  }
}

int main(void) {
  long live = nm_test_alloc_live();
  RUN(sees_a_secret_in_each_of_its_forms);
  RUN(sees_a_line_quoted);
  RUN(short_memory_hides);
  CHECK(nm_test_alloc_live() == live);
  return ctest_end();
}
