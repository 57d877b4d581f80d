#include "mime/mediatype.h"

#include "support/ctest.h"

static void knows_types_by_extension(void) {
  static const struct {
    const char *name;
    const char *type;
  } rows[] = {
      {"a.pdf", "application/pdf"},
      {"a.PDF", "application/pdf"},
      {"archive.tar.gz", "application/gzip"},
      {"photo.JpEg", "image/jpeg"},
      {"image01.jpeg", "image/jpeg"},
      {"x.png", "image/png"},
      {"x.3gp", "video/3gpp"}, /* first and last of the table are found, too */
      {"x.zst", "application/zstd"},
      {"x.7z", "application/x-7z-compressed"},
      {"x.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"x.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"x.txt", "text/plain"},
      {"x.html", "text/html"},
      {"x.csv", "text/csv"},
      {"x.ics", "text/calendar"},
      {"x.lua", "text/x-lua"},
      {"x.mp3", "audio/mpeg"},
      {"отчёт.pdf", "application/pdf"},
      {"x.eml", "application/octet-stream"},
      {"", "application/octet-stream"},
      {".", "application/octet-stream"},
      {"a.", "application/octet-stream"},
      {".png", "application/octet-stream"},
      {"png", "application/octet-stream"},
      {"a.pn", "application/octet-stream"},
      {"a.pngg", "application/octet-stream"},
      {"a.d/png", "application/octet-stream"},
      {"a.a-very-long-extension-indeed", "application/octet-stream"},
      {"a.пнг", "application/octet-stream"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(strcmp(nm_media_type_by_name(nm_str_c(rows[i].name)), rows[i].type) == 0, rows[i].name);
  }
  CHECK(strcmp(nm_media_type_by_name(nm_str("a.png\0", 6)), "application/octet-stream") == 0);
  CHECK(strcmp(nm_media_type_by_name(nm_str("a.p\0g", 5)), "application/octet-stream") == 0);
  CHECK(strcmp(nm_media_type_by_name(nm_str(NULL, 0)), "application/octet-stream") == 0);
}

/* Tries every extension of up to four letters and digits: whatever answers is a well-formed type, and there are many. A
   table out of order would lose some of them. */
static void finds_every_short_extension(void) {
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  char name[8] = "a.";
  int found = 0;
  for (int i = 0; i < 36 * 36 * 36; i++) {
    name[2] = alphabet[i % 36];
    name[3] = alphabet[i / 36 % 36];
    name[4] = alphabet[i / 1296];
    const char *type = nm_media_type_by_name(nm_str(name, 5));
    if (strcmp(type, "application/octet-stream") != 0) {
      found++;
      CHECK_ROW(nm_media_type_check(nm_str_c(type), NULL) == 0, type);
    }
  }
  CHECK(found >= 120);
}

static void checks_the_grammar(void) {
  static const char *const good[] = {"text/plain", "image/svg+xml", "application/vnd.ms-excel",
                                     "x/y",        "TEXT/HTML",     "message/rfc822"};
  static const char *const bad[] = {
      "",
      "text",
      "text/",
      "/plain",
      "text/plain; charset=utf-8",
      "a/b/c",
      "a b/c",
      "a/b ",
      " a/b",
      "text/html\r\nX: y",
      "té/xt",
      "text/pl\xff",
      "a/\"b\"",
      "text/(x)",
      "text/\x7f",
      "text/html; x=y",
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    CHECK_ROW(nm_media_type_check(nm_str_c(good[i]), NULL) == 0, good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_error e = {0};
    CHECK_ROW(nm_media_type_check(nm_str_c(bad[i]), &e) == NM_EINVAL && e.kind == NM_KIND_MESSAGE, bad[i]);
    CHECK_ROW(strstr(e.text, "type") != NULL && strpbrk(e.text, "\r\n") == NULL, bad[i]);
  }
  CHECK(nm_media_type_check(nm_str("text/pl\0in", 10), NULL) == NM_EINVAL);
  char name[300];
  memset(name, 'x', sizeof name);
  name[127] = '/';
  CHECK(nm_media_type_check(nm_str(name, 255), NULL) == 0);
  CHECK(nm_media_type_check(nm_str(name, 256), NULL) == NM_EINVAL);
}

static void tells_text(void) {
  CHECK(nm_media_type_is_text(NM_STR("text/plain")));
  CHECK(nm_media_type_is_text(NM_STR("TEXT/x")));
  CHECK(!nm_media_type_is_text(NM_STR("text/")));
  CHECK(!nm_media_type_is_text(NM_STR("text")));
  CHECK(!nm_media_type_is_text(NM_STR("application/text")));
  CHECK(!nm_media_type_is_text(NM_STR("")));
}

int main(void) {
  RUN(knows_types_by_extension);
  RUN(finds_every_short_extension);
  RUN(checks_the_grammar);
  RUN(tells_text);
  return ctest_end();
}
