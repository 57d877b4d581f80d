#include "base/chars.h"
#include "base/error.h"
#include "mime/date.h"

#define DAY INT64_C(86400)

struct reader {
  struct nm_str text;
  size_t at;
  int failed; /* sticks */
};

/* Spaces and tabs. */
static size_t skip(struct reader *r) {
  size_t begin = r->at;
  r->at = nm_skip(r->text, begin, NM_CHAR_WSP);
  return r->at - begin;
}

static int next_is(const struct reader *r, char c) {
  return r->at < r->text.n && r->text.p[r->at] == c;
}

static void expect(struct reader *r, int there) {
  r->failed |= !there;
}

static void expect_char(struct reader *r, char c) {
  expect(r, next_is(r, c));
  r->at += r->failed ? 0 : 1;
}

/* low to high digits. */
static int number(struct reader *r, size_t low, size_t high) {
  size_t n = 0;
  int value = 0;
  while (n < high && r->at < r->text.n && nm_is((unsigned char)r->text.p[r->at], NM_CHAR_DIGIT)) {
    value = value * 10 + (r->text.p[r->at++] - '0');
    n++;
  }
  expect(r, n >= low);
  return value;
}

/* One of n names of three letters each, without case; its index. */
static int name(struct reader *r, const char *names, int n) {
  struct nm_str rest = nm_str(r->text.p + r->at, r->text.n - r->at);
  for (int i = 0; i < n && rest.n >= 3; i++) {
    if (nm_str_ieq(nm_str(rest.p, 3), nm_str(names + 3 * i, 3))) {
      r->at += 3;
      return i;
    }
  }
  expect(r, 0);
  return 0;
}

/* Days from 1970-01-01; March is the first month of its year, so that the leap day is its last. */
static int64_t days(int year, int month, int day) {
  int y = month < 2 ? year - 1 : year;
  int m = month < 2 ? month + 10 : month - 2;
  int leap = y / 4 - y / 100 + y / 400;
  return (int64_t)y * 365 + leap + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int month_length(int year, int month) {
  return (int)(days(month < 11 ? year : year + 1, (month + 1) % 12, 1) - days(year, month, 1));
}

/* date = day month year, day = 1*2DIGIT, year = 4*DIGIT   (RFC 5322 3.3); four digits will do until 9999. */
static int64_t date(struct reader *r) {
  int day = number(r, 1, 2);
  expect(r, skip(r) > 0);
  int month = name(r, "JanFebMarAprMayJunJulAugSepOctNovDec", 12);
  expect(r, skip(r) > 0);
  int year = number(r, 4, 4);
  expect(r, year >= 1900 && day >= 1 && day <= month_length(year, month));
  return days(year, month, day);
}

/* time-of-day = hour ":" minute [ ":" second ]   (RFC 5322 3.3); 60 is a leap second, and the first of the next minute here. */
static int64_t time_of_day(struct reader *r) {
  int hour = number(r, 2, 2), second = 0;
  expect_char(r, ':');
  int minute = number(r, 2, 2);
  if (next_is(r, ':')) {
    r->at++;
    second = number(r, 2, 2);
  }
  expect(r, hour < 24 && minute < 60 && second <= 60);
  return hour * INT64_C(3600) + minute * 60 + second;
}

/* zone = ("+" / "-") 4DIGIT   (RFC 5322 3.3), or obs-zone's names of UTC (4.3; the others say different things to different
   readers). Minutes east. */
static int zone(struct reader *r) {
  struct nm_str rest = nm_str(r->text.p + r->at, r->text.n - r->at);
  if (nm_str_ieq(rest, NM_STR("GMT")) || nm_str_ieq(rest, NM_STR("UT")) || nm_str_ieq(rest, NM_STR("UTC"))) {
    r->at = r->text.n;
    return 0;
  }
  int west = next_is(r, '-');
  expect(r, west || next_is(r, '+'));
  r->at += r->failed ? 0 : 1;
  int hours = number(r, 2, 2);
  int minutes = number(r, 2, 2);
  expect(r, minutes < 60);
  return (west ? -1 : 1) * (hours * 60 + minutes);
}

/* date-time = [ day-of-week "," ] date time [CFWS]   (RFC 5322 3.3), on one line and without comments */
int nm_date_parse(struct nm_str text, int64_t *t_out, int *offset_out) {
  struct reader r = {text, 0, 0};
  if (text.n == 0) {
    return NM_EINVAL;
  }
  int weekday = -1;
  skip(&r);
  if (r.at < text.n && nm_is((unsigned char)text.p[r.at], NM_CHAR_ALPHA)) {
    weekday = name(&r, "ThuFriSatSunMonTueWed", 7); /* 1970-01-01 was a Thursday */
    expect_char(&r, ',');
    skip(&r);
  }
  int64_t day = r.failed ? 0 : date(&r);
  expect(&r, skip(&r) > 0);
  int64_t seconds = time_of_day(&r);
  expect(&r, skip(&r) > 0);
  int offset = zone(&r);
  int64_t t = day * DAY + seconds - (int64_t)offset * 60;
  expect(&r, r.at == text.n && t >= NM_DATE_FIRST && t <= NM_DATE_LAST);
  expect(&r, weekday < 0 || weekday == (int)(((day % 7) + 7) % 7));
  if (r.failed) {
    return NM_EINVAL;
  }
  *t_out = t;
  *offset_out = offset;
  return 0;
}
