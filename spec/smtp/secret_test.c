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
      /* within a longer text, behind one octet and behind two: OAUTHBEARER, XOAUTH2 */
      {"eEFhdXRoPUJlYXJlciBtbV9sb25nX3Rva2VuXzQy", "mm_long_token_42", 1},
      {"eHhBYXV0aD1CZWFyZXIgbW1fbG9uZ190b2tlbl80MgEB", "mm_long_token_42", 1},
      {"eHh4QWF1dGg9QmVhcmVyIG1tX2xvbmdfdG9rZW5fNDIB", "mm_long_token_42", 1},
      {"eHh4QWF1dGg9QmVhcmVyIG1tX2xvbmdfdG9rZW5fNDMB", "mm_long_token", 1},
      {"eHh4QWF1dGg9QmVhcmVyIG1tX2xvbmdfdG9r", "mm_long_token_42", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_secret_shown(nm_str_c(rows[i].text), NM_STR("tim"), nm_str_c(rows[i].password)) ==
                  rows[i].shown,
              rows[i].text);
  }
  CHECK(nm_secret_shown(NM_STR("x AHBlbmNpbA=="), NM_STR(""), NM_STR("pencil")) == 0);
  CHECK(nm_secret_shown(NM_STR("x AABwZW5jaWw= y"), NM_STR(""), NM_STR("pencil")) == 1);
}

/* What is forgotten is known again; short ones are words of everybody's. */
static void knows_a_secret_again(void) {
  static const struct {
    const char *text, *password;
    int shown;
  } rows[] = {
      {"5.1.1 no such user", "tanstaaf", 0},
      {"tanstaaf", "tanstaaf", 1},
      {"550 is it tanstaaf?", "tanstaaf", 1},
      {"tanstaa", "tanstaaf", 0},
      {"tanstaatanstaagtanstaaf", "tanstaaf", 1},
      {"Tanstaaf", "tanstaaf", 0},
      {"what is dGFuc3RhYWY=?", "tanstaaf", 1},
      {"MAIL AHRpbQB0YW5zdGFhZg", "tanstaaf", 1},
      {"MAIL AHRpbQB0", "tanstaaf", 0},
      {"eHh4QWF1dGg9QmVhcmVyIG1tX2xvbmdfdG9rZW5fNDIB", "mm_long_token_42", 1},
      {"", "tanstaaf", 0},
      {"no such user", "user", 0},
      {"MAIL AHRpbQB1c2Vy", "user", 1}, /* PLAIN */
      {"\xff\xfe\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff", 0},
      {"\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_secret_marks m = {0};
    CHECK(!nm_secret_marks_show(&m, nm_str_c(rows[i].text)));
    nm_secret_marks_add(&m, NM_STR("tim"), nm_str_c(rows[i].password));
    CHECK_ROW(nm_secret_marks_show(&m, nm_str_c(rows[i].text)) == rows[i].shown, rows[i].text);
    nm_secret_marks_add(&m, NM_STR("tim"), NM_STR("the next one"));
    CHECK_ROW(nm_secret_marks_show(&m, nm_str_c(rows[i].text)) == rows[i].shown, rows[i].text);
    CHECK(nm_secret_marks_show(&m, NM_STR("for the next one")));
    for (int k = 0; k < 3; k++) {
      nm_secret_marks_add(&m, NM_STR("tim"), NM_STR("and the one behind it"));
    }
    CHECK_ROW(!nm_secret_marks_show(&m, nm_str_c(rows[i].text)), rows[i].text);
  }
}

/* The first octet of the text and the last, a window as long as the text, and nothing by chance. */
static void hides_no_other_text(void) {
  struct nm_secret_marks m = {0};
  char text[4096];
  nm_secret_marks_add(&m, NM_STR("tim"), NM_STR("Tr0ub4dor&3"));
  unsigned x = 1;
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < sizeof text; i++) {
      x = x * 1103515245 + 12345;
      text[i] = (char)(x >> 16);
    }
    CHECK(!nm_secret_marks_show(&m, nm_str(text, sizeof text)));
    memcpy(text + (size_t)round * 20, "Tr0ub4dor&3", 11);
    CHECK(nm_secret_marks_show(&m, nm_str(text, sizeof text)));
    CHECK(nm_secret_marks_show(&m, nm_str(text + (size_t)round * 20, 11)));
    CHECK(!nm_secret_marks_show(&m, nm_str(text + (size_t)round * 20, 10)));
  }
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
    struct nm_secret_marks m = {0};
    nm_test_alloc_fail_at(k);
    nm_secret_marks_add(&m, NM_STR("tim"), NM_STR("tanstaaf"));
    CHECK(nm_secret_marks_show(&m, NM_STR("5.7.8 no")) == (k < 3));
    nm_test_alloc_fail_at(0);
  }
}

int main(void) {
  long live = nm_test_alloc_live();
  RUN(sees_a_secret_in_each_of_its_forms);
  RUN(knows_a_secret_again);
  RUN(hides_no_other_text);
  RUN(sees_a_line_quoted);
  RUN(short_memory_hides);
  CHECK(nm_test_alloc_live() == live);
  return ctest_end();
}
