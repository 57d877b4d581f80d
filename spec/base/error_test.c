#include "support/ctest.h"

#include "base/error.h"
#include "base/str.h"
#include "base/utf8.h"

static void shows_what_came_in_safely(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", "<>"},
      {"plain text, 100% (\\x0A)", "<plain text, 100% (\\x0A)>"},
      {"Иванов", "<Иванов>"},
      {"\xf0\x9f\x93\xa7", "<\xf0\x9f\x93\xa7>"},
      {"a\r\nb", "<a\\x0D\\x0Ab>"},
      {"\t\x01\x1b[31m\x7f", "<\\x09\\x01\\x1B[31m\\x7F>"},
      {"\xff\xfe", "<\\xFF\\xFE>"},
      {"\xd0", "<\\xD0>"},
      {"\xc0\xaf", "<\\xC0\\xAF>"},
      {"\xed\xa0\x80", "<\\xED\\xA0\\x80>"},
      {"\xc2\x85\xc2\x9b", "<\\xC2\\x85\\xC2\\x9B>"}, /* C1 */
      {"\xe2\x80\xae"
       "cod.exe",
       "<\\xE2\\x80\\xAE"
       "cod.exe>"}, /* right-to-left override */
      {"\xe2\x80\x8b\xef\xbb\xbf\xe2\x80\xa8", "<\\xE2\\x80\\x8B\\xEF\\xBB\\xBF\\xE2\\x80\\xA8>"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    CHECK(nm_error_set(&e, NM_EINVAL, NM_KIND_MESSAGE, "<%s>", rows[i].in) == NM_EINVAL);
    CHECK(e.code == NM_EINVAL && e.kind == NM_KIND_MESSAGE);
    CHECK_ROW(strcmp(e.text, rows[i].out) == 0, e.text);
  }
}

/* At every length around the room there is, and with every way to cut a character. */
static void cuts_between_characters(void) {
  static const char *const characters[] = {"x", "\xd0\xb6", "\xe2\x82\xac", "\xf0\x9f\x93\xa7", "\x01"};
  static const size_t size[] = {1, 2, 3, 4, 4};
  for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
    for (size_t lead = 0; lead < 8; lead++) {
      char text[3 * NM_ERROR_TEXT_MAX] = "aaaaaaaa";
      size_t n = lead;
      while (n + 5 < sizeof text) {
        memcpy(text + n, characters[i], strlen(characters[i]) + 1);
        n += strlen(characters[i]);
      }
      struct nm_error e = {0};
      nm_error_set(&e, NM_EIO, NM_KIND_DATA, "%s", text);
      size_t len = strlen(e.text);
      CHECK_ROW(len < NM_ERROR_TEXT_MAX && len >= NM_ERROR_TEXT_MAX - 8, characters[i]);
      CHECK_ROW((len - lead) % size[i] == 0, e.text + len - 8);
      CHECK_ROW(nm_utf8_valid(nm_str_c(e.text)) == len, e.text + len - 8);
      CHECK_ROW(characters[i][0] == '\x01' || strstr(e.text, "\\x") == NULL, e.text + len - 8);
    }
  }
}

static void takes_its_own_text_as_an_argument(void) {
  struct nm_error e = {0};
  nm_error_set(&e, NM_EIO, NM_KIND_DATA, "inner");
  nm_error_set(&e, NM_EPROTO, NM_KIND_PROTOCOL, "outer: %s", e.text);
  CHECK(strcmp(e.text, "outer: inner") == 0 && e.code == NM_EPROTO && e.kind == NM_KIND_PROTOCOL);
}

static void needs_no_room_for_the_code(void) {
  struct nm_error e = {0};
  CHECK(nm_error_set(NULL, NM_ELIMIT, NM_KIND_DATA, "%s", "x") == NM_ELIMIT);
  CHECK(nm_error_nomem(NULL) == NM_ENOMEM);
  CHECK(nm_error_nomem(&e) == NM_ENOMEM && e.code == NM_ENOMEM && strcmp(e.text, "out of memory") == 0);
}

static void names_each_kind(void) {
  CHECK(strcmp(nm_kind_name(NM_KIND_NONE), "") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_CONNECT), "connect") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_TLS), "tls") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_AUTH), "auth") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_SENDER), "sender") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_RECIPIENT), "recipient") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_DATA), "data") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_TIMEOUT), "timeout") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_PROTOCOL), "protocol") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_MESSAGE), "message") == 0);
  CHECK(strcmp(nm_kind_name(NM_KIND_CANCELLED), "cancelled") == 0);
  CHECK(strcmp(nm_kind_name((enum nm_kind)99), "") == 0);
}

int main(void) {
  RUN(shows_what_came_in_safely);
  RUN(cuts_between_characters);
  RUN(takes_its_own_text_as_an_argument);
  RUN(needs_no_room_for_the_code);
  RUN(names_each_kind);
  return ctest_end();
}
