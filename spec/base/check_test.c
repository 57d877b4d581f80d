/* Texts of the caller's: what is wrong with one is found wherever it stands, and named by its place. */

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#include "support/ctest.h"

#define TEXT_MAX 300

static void check(char *text, size_t n, const char *want, const char *what) {
  struct nm_error e = {0};
  int err = nm_check_text("Text", nm_str(text, n), &e);
  CHECK_ROW((err == 0) == (want == NULL), what);
  CHECK_ROW(want == NULL || (err == NM_EINVAL && strncmp(e.text, want, strlen(want)) == 0), what);
}

/* One octet or character at each place of texts of many lengths, the last place too. */
static void names_the_place(void) {
  char text[TEXT_MAX], want[80];
  for (size_t n = 1; n <= TEXT_MAX; n += n < 70 ? 1 : 23) {
    for (size_t at = 0; at < n; at++) {
      memset(text, 'x', n);
      check(text, n, NULL, "plain");
      text[at] = '\0';
      snprintf(want, sizeof want, "Text has a NUL (\\0) at byte %zu;", at + 1);
      check(text, n, want, "NUL");
      text[at] = '\x7f';
      check(text, n, NULL, "127");
      text[at] = '\x80';
      snprintf(want, sizeof want, "Text is not valid UTF-8 at byte %zu;", at + 1);
      check(text, n, want, "a lone octet");
      text[at] = '\xc3';
      check(text, n, want, "a character cut off");
      if (at + 1 < n) {
        text[at + 1] = '\xb6';
        check(text, n, NULL, "a character");
      }
    }
  }
}

/* What is no UTF-8 is said first, wherever the NUL is. */
static void says_one_thing(void) {
  char text[200];
  memset(text, 'x', sizeof text);
  text[3] = '\0';
  text[150] = '\xff';
  check(text, sizeof text, "Text is not valid UTF-8 at byte 151;", "both");
  text[150] = '\xc3';
  text[151] = '\xb6';
  check(text, sizeof text, "Text has a NUL (\\0) at byte 4;", "a NUL among characters");
}

static void takes_nothing(void) {
  struct nm_error e = {0};
  CHECK(nm_check_text("Text", nm_str("", 0), &e) == 0 && nm_check_text("Text", nm_str(NULL, 0), &e) == 0);
  CHECK(nm_check_line("Subject", nm_str(NULL, 0), &e) == 0 &&
        nm_check_nul("Password", nm_str(NULL, 0), &e) == 0);
}

static void keeps_to_one_line(void) {
  char text[100];
  struct nm_error e = {0};
  for (size_t at = 0; at < sizeof text; at++) {
    memset(text, 'x', sizeof text);
    text[at] = at % 2 ? '\r' : '\n';
    CHECK(nm_check_line("Subject", nm_str(text, sizeof text), &e) == NM_EINVAL);
    CHECK(nm_check_text("Subject", nm_str(text, sizeof text), &e) == 0);
  }
}

int main(void) {
  RUN(names_the_place);
  RUN(says_one_thing);
  RUN(takes_nothing);
  RUN(keeps_to_one_line);
  return ctest_end();
}
