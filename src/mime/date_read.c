#include <stdio.h>

#include "base/chars.h"
#include "base/error.h"
#include "mime/comment.h"
#include "mime/date.h"

/* The words of a date, without comments, commas and white space. */
struct words {
  struct nm_str text;
  size_t at;
  unsigned open; /* mime/comment.h */
};

static struct nm_str next_word(struct words *w) {
  struct nm_str s = w->text;
  do {
    w->at = nm_comment_skip(s, w->at, &w->open);
  } while (w->at < s.n && s.p[w->at] == ',' && w->at++ < s.n);
  size_t begin = w->at;
  while (w->at < s.n && nm_is((unsigned char)s.p[w->at], NM_CHAR_PRINT) && s.p[w->at] != ' ' &&
         s.p[w->at] != ',' && s.p[w->at] != '(') {
    w->at++;
  }
  return nm_str(s.n > 0 ? s.p + begin : "", w->at - begin);
}

static size_t leading(struct nm_str s, int classes) {
  size_t n = 0;
  while (n < s.n && nm_is((unsigned char)s.p[n], classes)) {
    n++;
  }
  return n;
}

/* All of it digits, at most max of them; -1: no number. */
static int number(struct nm_str s, size_t max) {
  int value = 0;
  if (s.n == 0 || s.n > max || leading(s, NM_CHAR_DIGIT) != s.n) {
    return -1;
  }
  for (size_t i = 0; i < s.n; i++) {
    value = value * 10 + (s.p[i] - '0');
  }
  return value;
}

/* "If a two digit year is encountered whose value is between 00 and 49, the year is interpreted by adding 2000 … between 50 and 99,
   or any three digit year … by adding 1900."   (RFC 5322 4.3) */
static int read_year(struct nm_str s) {
  int year = number(s, 4);
  if (year < 0 || s.n < 2 || s.n == 4) {
    return s.n < 2 ? -1 : year;
  }
  return year + (s.n == 2 && year < 50 ? 2000 : 1900);
}

/* time-of-day = hour ":" minute [ ":" second ]   (RFC 5322 3.3), also with one digit */
static int read_time(struct nm_str s, int parts[3]) {
  parts[2] = 0;
  for (size_t i = 0; i < 3; i++) {
    size_t n = leading(s, NM_CHAR_DIGIT);
    parts[i] = number(nm_str(s.p, n), 2);
    if (parts[i] < 0 || (n < s.n && (s.p[n] != ':' || i == 2))) {
      return NM_EINVAL;
    }
    if (n == s.n) {
      return i > 0 ? 0 : NM_EINVAL;
    }
    s = nm_str(s.p + n + 1, s.n - n - 1);
  }
  return 0;
}

/* obs-zone   (RFC 5322 4.3): names of North America; "other multi-character (usually between 3 and 5) alphabetic time zones …
   SHOULD be considered equivalent to "-0000"", and so must the military letters. */
static const char *read_zone(struct nm_str s) {
  static const char *const zones[][2] = {{"EST", "-0500"}, {"EDT", "-0400"}, {"CST", "-0600"},
                                         {"CDT", "-0500"}, {"MST", "-0700"}, {"MDT", "-0600"},
                                         {"PST", "-0800"}, {"PDT", "-0700"}};
  struct nm_str name = nm_str(s.p, leading(s, NM_CHAR_ALPHA));
  for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
    if (nm_str_ieq(name, nm_str_c(zones[i][0]))) {
      return zones[i][1];
    }
  }
  return "+0000";
}

int nm_date_read(struct nm_str value, int64_t *t_out, int *offset_out) {
  struct words w = {.text = value};
  struct nm_str day = next_word(&w);
  if (leading(day, NM_CHAR_DIGIT) == 0) { /* its name, also a wrong one */
    day = next_word(&w);
  }
  struct nm_str month = next_word(&w);
  int year = read_year(next_word(&w));
  int time[3];
  int bad = read_time(next_word(&w), time);
  struct nm_str zone = next_word(&w);
  if (bad != 0 || number(day, 2) < 0 || year < 0 || leading(month, NM_CHAR_ALPHA) < 3) {
    return NM_EINVAL;
  }
  int is_number = zone.n == 5 && (zone.p[0] == '+' || zone.p[0] == '-');
  char canonical[64];
  snprintf(canonical, sizeof canonical, "%d %.3s %04d %02d:%02d:%02d %.5s", number(day, 2), month.p, year,
           time[0], time[1], time[2], is_number ? zone.p : read_zone(zone));
  return nm_date_parse(nm_str_c(canonical), t_out, offset_out);
}
