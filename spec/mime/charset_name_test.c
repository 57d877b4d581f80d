/* The registered names of charsets. */

#include "mime/charset.h"
#include "support/ctest.h"

static void knows_what_people_write(void) {
  static const struct {
    const char *given, *name;
  } rows[] = {
      {"cp1251", "windows-1251"},
      {"CP1252", "windows-1252"},
      {"Windows-1251", "windows-1251"},
      {"win1250", "windows-1250"},
      {"x-cp1251", "windows-1251"},
      {"MS-CYRL", "windows-1251"},
      {"KOI8R", "koi8-r"},
      {"koi8-u", "koi8-u"},
      {"8859_5", "iso-8859-5"},
      {"ISO8859-15", "iso-8859-15"},
      {"ISO_8859-1", "iso-8859-1"},
      {"iso-8859-16", "iso-8859-16"},
      {"latin1", "iso-8859-1"},
      {"UTF8", "utf-8"},
      {"utf-8", "utf-8"},
      {"sjis", "shift_jis"},
      {"ASCII", "us-ascii"},
      {"cp866", "ibm866"},
      {"iso-8859-12", "iso-8859-12"},
      {"iso-8859-0", "iso-8859-0"},
      {"cp1259", "cp1259"},
      {"cp12511", "cp12511"},
      {"CP437", "CP437"},
      {"", ""},
      {"\"utf-8\"", "\"utf-8\""},
      {"utf 8", "utf 8"},
      {"x-unknown", "x-unknown"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf out = {.max = 100};
    nm_charset_mime_name(nm_str_c(rows[i].given), &out);
    CHECK_ROW(out.err == 0 && nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].name)), rows[i].given);
    nm_buf_free(&out);
  }
}

/* A long name must not be cut into one that is known. */
static void leaves_long_names_alone(void) {
  char name[200];
  struct nm_buf out = {.max = 300};
  memset(name, 'x', sizeof name);
  memcpy(name, "utf8", 4);
  nm_charset_mime_name(nm_str(name, sizeof name), &out);
  CHECK(nm_str_eq(nm_buf_str(&out), nm_str(name, sizeof name)));
  nm_buf_free(&out);
}

int main(void) {
  RUN(knows_what_people_write);
  RUN(leaves_long_names_alone);
  return ctest_end();
}
