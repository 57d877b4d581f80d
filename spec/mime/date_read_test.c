#include "base/buf.h"
#include "mime/date.h"

#include <stdio.h>

#include "base/error.h"
#include "mime/head_read.h"
#include "smtp/vectors.h"
#include "support/json.h"
#include "support/misses.h"

static void add_date(struct nm_buf *b, int64_t t, int offset) {
  char text[NM_DATE_SIZE];
  nm_date_put(text, t, offset);
  nm_buf_add(b, text, sizeof text);
}

static void reads_what_others_wrote(void) {
  static const struct {
    const char *in;
    const char *out; /* "": none */
  } rows[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", "Fri, 21 Nov 1997 09:55:06 -0600"},
      {" Thu,\r\n  13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)",
       "Thu, 13 Feb 1969 23:32:00 -0330"},
      {"21 Nov 97 09:55:06 GMT", "Fri, 21 Nov 1997 09:55:06 +0000"},
      {"21 Nov 07 09:55:06 Z", "Wed, 21 Nov 2007 09:55:06 +0000"},
      {"21 Nov 103 09:55:06 PDT", "Fri, 21 Nov 2003 09:55:06 -0700"},
      {"Mon, 21 November 1997 9:5:6 +0300", "Fri, 21 Nov 1997 09:05:06 +0300"}, /* a Friday */
      {"Fri 21 Nov 1997 09:55", "Fri, 21 Nov 1997 09:55:00 +0000"},
      {"1 Jul 2003 ((nested) comment) 10:52:37 +0200", "Tue, 01 Jul 2003 10:52:37 +0200"},
      {"", ""},
      {",", ""},
      {"(only)", ""},
      {"32 Nov 1997 09:55:06 -0600", ""},
      {"21 Nox 1997 09:55:06 -0600", ""},
      {"21 No 1997 09:55:06 -0600", ""},
      {"21 Nov 7 09:55:06 -0600", ""},
      {"21 Nov 19970 09:55:06 -0600", ""},
      {"21 Nov 1997 24:00:00 -0600", ""},
      {"21 Nov 1997 09", ""},
      {"21 Nov 1997 09:", ""},
      {"21 Nov 1997 09:55:06:07 -0600", ""},
      {"21 Nov 1997 095506 -0600", ""},
      {"21 Nov 1997 09:55:06 -06xx", ""},
      {"1997-11-21T09:55:06Z", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t t = 0;
    int offset = 0;
    struct nm_buf b = {.max = 100};
    nm_buf_add(&b, "", 0);
    if (nm_date_read(nm_str_c(rows[i].in), &t, &offset) == 0) {
      add_date(&b, t, offset);
    }
    CHECK_ROW(strcmp(b.p, rows[i].out) == 0, rows[i].in);
    nm_buf_free(&b);
  }
}

static int get(const struct json *v, const char *key) {
  const struct json *m = json_get(v, key);
  return m->s[0] == 't' ? 1 : m->s[0] == 'f' ? 0 : atoi(m->s);
}

static void agrees_with_mail_parser(void) {
  static const struct miss misses[] = {
      {11, "a month is a name"},
      {13, "the same: these numbers are no date"},
      {29, "a Received field: the date behind its \";\" is no Date"},
      {0, NULL},
  };
  char *text = vectors_load("stalwart/date.json");
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS is not set, or has no stalwart/date.json");
  }
  struct tally tally = {.name = "mail-parser, dates", .misses = misses};
  struct json *all = json_parse(text);
  for (struct json *row = all->child; row != NULL; row = row->next) {
    struct json *header = json_get(row, "header"), *want = json_get(row, "expected");
    struct nm_buf field = {.max = 1000}, got = {.max = 100}, expected = {.max = 100};
    struct nm_head_field f;
    size_t at = 0;
    int64_t t = 0;
    int offset = 0;
    nm_buf_add_c(&field, "Date:");
    nm_buf_add(&field, header->s, header->n);
    CHECK(nm_head_next(nm_buf_str(&field), &at, &f) == 1);
    nm_buf_add(&got, "", 0);
    nm_buf_add(&expected, "", 0);
    if (nm_date_read(f.value, &t, &offset) == 0) {
      add_date(&got, t, offset);
    }
    if (want->kind == '{') {
      nm_buf_addf(&expected, "%02d %.3s %04d %02d:%02d:%02d %c%02d%02d", get(want, "day"),
                  &"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * (get(want, "month") - 1)], get(want, "year"),
                  get(want, "hour"), get(want, "minute"), get(want, "second"),
                  get(want, "tz_before_gmt") ? '-' : '+', get(want, "tz_hour"), get(want, "tz_minute"));
    }
    struct nm_str tail = got.n > 5 ? nm_str(got.p + 5, got.n - 5) : nm_buf_str(&got);
    tally_add(&tally, nm_str_eq(tail, nm_buf_str(&expected)), got.p);
    nm_buf_free(&field);
    nm_buf_free(&got);
    nm_buf_free(&expected);
  }
  tally_end(&tally, 40);
  json_free(all);
  free(text);
}

int main(void) {
  RUN(reads_what_others_wrote);
  RUN(agrees_with_mail_parser);
  return ctest_end();
}
