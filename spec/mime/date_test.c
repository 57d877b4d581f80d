#include "base/buf.h"
#include "mime/date.h"

#include "base/error.h"
#include "support/ctest.h"

static void add_date(struct nm_buf *b, int64_t t, int offset) {
  char text[NM_DATE_SIZE];
  nm_date_put(text, t, offset);
  nm_buf_add(b, text, sizeof text);
}

static void writes_dates(void) {
  static const struct {
    int64_t t;
    int offset;
    const char *text;
  } rows[] = {
      {0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"},
      {-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"},
      {INT64_C(1795294365), 180, "Sat, 21 Nov 2026 23:52:45 +0300"},
      {INT64_C(880127706), -360, "Fri, 21 Nov 1997 09:55:06 -0600"}, /* RFC 5322 A.1.1 */
      {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"},
      {951868799, 0, "Tue, 29 Feb 2000 23:59:59 +0000"},
      {951868800, 0, "Wed, 01 Mar 2000 00:00:00 +0000"},
      {951868800, -1, "Tue, 29 Feb 2000 23:59:00 -0001"},
      {1709164800, 345, "Thu, 29 Feb 2024 05:45:00 +0545"},
      {INT64_C(4107542400), 0, "Mon, 01 Mar 2100 00:00:00 +0000"}, /* 2100 has no leap day */
      {INT64_C(4107542399), 0, "Sun, 28 Feb 2100 23:59:59 +0000"},
      {INT64_C(2147483648), 0, "Tue, 19 Jan 2038 03:14:08 +0000"},
      {1735689599, 0, "Tue, 31 Dec 2024 23:59:59 +0000"},
      {1735689599, 60, "Wed, 01 Jan 2025 00:59:59 +0100"},
      {INT64_C(253402300799), 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
      {INT64_C(253402300800), 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
      {INT64_MAX, INT32_MAX, "Fri, 31 Dec 9999 23:59:59 +9959"},
      {INT64_MIN, INT32_MIN, "Mon, 01 Jan 1900 00:00:00 -9959"},
      {INT64_C(-2208988800), 0, "Mon, 01 Jan 1900 00:00:00 +0000"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b = {.max = 64};
    add_date(&b, rows[i].t, rows[i].offset);
    CHECK_ROW(b.err == 0 && nm_str_eq(nm_buf_str(&b), nm_str_c(rows[i].text)), rows[i].text);
    nm_buf_free(&b);
  }
}

/* Every day of four centuries, counted up by the calendar's own rule beside it. */
static void never_loses_a_day(void) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  static const char week[] = "ThuFriSatSunMonTueWed";
  int year = 1970;
  int month = 0;
  int day = 1;
  for (int i = 0; year < 2370; i++) {
    char want[64];
    snprintf(want, sizeof want, "%.3s, %02d %.3s %04d 12:34:56 +0000", week + i % 7 * 3, day,
             months + month * 3, year);
    struct nm_buf b = {.max = 64};
    add_date(&b, (int64_t)i * 86400 + 45296, 0);
    CHECK_ROW(nm_str_eq(nm_buf_str(&b), nm_str_c(want)), want);
    nm_buf_free(&b);
    int leap = month == 1 && (year % 400 == 0 || (year % 4 == 0 && year % 100 != 0));
    day++;
    if (day > lengths[month] + leap) {
      day = 1;
      month = (month + 1) % 12;
      year += month == 0;
    }
  }
}

static void reads_dates(void) {
  static const struct {
    const char *text;
    int64_t t;
    int offset;
  } rows[] = {
      {"Fri, 21 Nov 1997 09:55:06 -0600", INT64_C(880127706), -360}, /* RFC 5322 A.1.1 */
      {"21 nov 1997\t09:55:06 -0600", INT64_C(880127706), -360},
      {" fri ,21 Nov 1997 09:55:06 -0600", 0, 9999},
      {"Fri,21 Nov 1997 09:55:06 -0600", INT64_C(880127706), -360},
      {"1 Jan 1970 00:00 GMT", 0, 0},
      {"1 Jan 1970 00:00:00 ut", 0, 0},
      {"31 Dec 1998 23:59:60 +0000", INT64_C(915148800), 0},
      {"29 Feb 2024 05:45:00 +0545", 1709164800, 345},
      {"1 Jan 1900 00:00:00 +0000", INT64_C(-2208988800), 0},
      {"31 Dec 9999 23:59:59 +0000", INT64_C(253402300799), 0},
      {"31 Dec 9999 23:59:59 -0001", 0, 9999},
      {"1 Jan 1900 00:00:00 +0001", 0, 9999},
      {"31 Dec 1899 23:59:59 +0000", 0, 9999},
      {"29 Feb 2023 00:00:00 +0000", 0, 9999},
      {"29 Feb 1900 00:00:00 +0000", 0, 9999},
      {"31 Apr 2024 00:00:00 +0000", 0, 9999},
      {"0 Jan 2024 00:00:00 +0000", 0, 9999},
      {"Sat, 21 Nov 1997 09:55:06 -0600", 0, 9999}, /* it was a Friday */
      {"Fri 21 Nov 1997 09:55:06 -0600", 0, 9999},
      {"21 Nov 97 09:55:06 -0600", 0, 9999},
      {"21 Nov 1997 24:00:00 +0000", 0, 9999},
      {"21 Nov 1997 09:60:00 +0000", 0, 9999},
      {"21 Nov 1997 09:55:61 +0000", 0, 9999},
      {"21 Nov 1997 9:55:00 +0000", 0, 9999},
      {"21 Nov 1997 09:55:06", 0, 9999},
      {"21 Nov 1997 09:55:06 EST", 0, 9999},
      {"21 Nov 1997 09:55:06 +0060", 0, 9999},
      {"21 Nov 1997 09:55:06 +000", 0, 9999},
      {"21 Nov 1997 09:55:06 +00000", 0, 9999},
      {"21 Nov 1997 09:55:06 +0000 x", 0, 9999},
      {"21 Nov 1997 09:55:06 +0000\r\nBcc: x", 0, 9999},
      {"21Nov 1997 09:55:06 +0000", 0, 9999},
      {"", 0, 9999},
      {"Fri", 0, 9999},
      {"Fri,", 0, 9999},
      {"2", 0, 9999},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t t = -1;
    int offset = -1;
    int err = nm_date_parse(nm_str_c(rows[i].text), &t, &offset);
    if (rows[i].offset == 9999) {
      CHECK_ROW(err == NM_EINVAL && t == -1 && offset == -1, rows[i].text);
    } else {
      CHECK_ROW(err == 0 && t == rows[i].t && offset == rows[i].offset, rows[i].text);
    }
  }
}

/* Every prefix of a date is refused or read, and none is read beyond its end. */
static void reads_no_further(void) {
  static const char text[] = "Fri, 21 Nov 1997 09:55:06 -0600";
  for (size_t n = 0; n < sizeof text - 1; n++) {
    char *copy = malloc(n + 1);
    memcpy(copy, text, n);
    int64_t t = 0;
    int offset = 0;
    CHECK_ROW(nm_date_parse(nm_str(copy, n), &t, &offset) == NM_EINVAL, text + n);
    free(copy);
  }
}

static void reads_what_it_writes(void) {
  for (int64_t t = NM_DATE_FIRST + 86400; t < NM_DATE_LAST - 86400; t += INT64_C(7777777)) {
    int offset = (int)(t % 841);
    struct nm_buf b = {.max = 64};
    add_date(&b, t, offset);
    int64_t got = 0;
    int east = 0;
    CHECK_ROW(nm_date_parse(nm_buf_str(&b), &got, &east) == 0 && got == t && east == offset, b.p);
    nm_buf_free(&b);
  }
}

int main(void) {
  RUN(writes_dates);
  RUN(never_loses_a_day);
  RUN(reads_dates);
  RUN(reads_no_further);
  RUN(reads_what_it_writes);
  return ctest_end();
}
