#include "smtp/moment.h"

#include <time.h>

#include "base/chars.h"
#include "base/error.h"

/* Takes digits, and other characters of the form without case, from the front of s. */
static int take(struct nm_str *s, const char *form, int *numbers) {
  int value = 0;
  for (; *form != 0; form++, s->p++, s->n--) {
    char c = s->n > 0 ? s->p[0] : 0;
    if (*form == 'd') {
      if (!nm_is((unsigned char)c, NM_CHAR_DIGIT)) {
        return NM_EINVAL;
      }
      value = value * 10 + (c - '0');
      if (form[1] != 'd') {
        *numbers++ = value;
        value = 0;
      }
    } else if (nm_lower(c) != nm_lower(*form)) {
      return NM_EINVAL;
    }
  }
  return 0;
}

/* time-secfrac = "." 1*DIGIT */
static int take_fraction(struct nm_str *s) {
  if (s->n == 0 || s->p[0] != '.') {
    return 0;
  }
  int unused;
  *s = nm_str(s->p + 1, s->n - 1);
  int err = take(s, "d", &unused);
  while (err == 0 && s->n > 0 && nm_is((unsigned char)s->p[0], NM_CHAR_DIGIT)) {
    *s = nm_str(s->p + 1, s->n - 1);
  }
  return err;
}

/* time-offset = "Z" / time-numoffset   time-numoffset = ("+" / "-") time-hour ":" time-minute */
static int take_offset(struct nm_str *s, int *minutes_out) {
  int at[2];
  *minutes_out = 0;
  if (take(&(struct nm_str){s->p, s->n}, "Z", at) == 0) {
    *s = nm_str(s->p + 1, s->n - 1);
    return 0;
  }
  int sign = s->n > 0 && s->p[0] == '-' ? -1 : 1;
  int err = take(s, sign < 0 ? "-dd:dd" : "+dd:dd", at);
  if (err != 0 || at[0] > 23 || at[1] > 59) {
    return NM_EINVAL;
  }
  *minutes_out = sign * (at[0] * 60 + at[1]);
  return 0;
}

/* timegm makes another day of one that the calendar does not have. A second 60 is the one that follows 59 (RFC 3339 5.7). */
static int to_seconds(const int *part, int64_t *out) {
  struct tm t = {.tm_year = part[0] - 1900,
                 .tm_mon = part[1] - 1,
                 .tm_mday = part[2],
                 .tm_hour = part[3],
                 .tm_min = part[4]};
  time_t at = timegm(&t);
  if (part[5] > 60 || t.tm_mon != part[1] - 1 || t.tm_mday != part[2] || t.tm_hour != part[3] ||
      t.tm_min != part[4]) {
    return NM_EINVAL;
  }
  *out = (int64_t)at + part[5];
  return 0;
}

/* date-time = full-date "T" full-time   full-time = partial-time time-offset
   full-date = date-fullyear "-" date-month "-" date-mday
   partial-time = time-hour ":" time-minute ":" time-second [time-secfrac]   (RFC 3339 5.6; "T" and "Z" without case) */
int nm_moment_read(struct nm_str text, int64_t *out) {
  int part[6], offset = 0;
  int64_t at = 0;
  int err = take(&text, "dddd-dd-ddTdd:dd:dd", part);
  err = err == 0 ? take_fraction(&text) : err;
  err = err == 0 ? take_offset(&text, &offset) : err;
  err = err == 0 ? to_seconds(part, &at) : err;
  at -= (int64_t)offset * 60;
  if (err != 0 || text.n > 0 || at < 0) {
    return NM_EINVAL;
  }
  *out = at;
  return 0;
}

void nm_moment_add(struct nm_buf *b, int64_t moment) {
  time_t at = (time_t)moment;
  struct tm t;
  if (gmtime_r(&at, &t) != NULL) {
    nm_buf_addf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                t.tm_min, t.tm_sec);
  }
}
