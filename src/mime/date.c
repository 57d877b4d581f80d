#include "mime/date.h"

#define DAY INT64_C(86400)
/* zone = ("+" / "-") 4DIGIT, hours and minutes. */
#define OFFSET_MAX (99 * 60 + 59)

static int64_t clamp(int64_t n, int64_t low, int64_t high) {
  return n < low ? low : n > high ? high : n;
}

static int is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days of the years from 1900 up to this one. */
static int days_before(int year) {
  int last = year - 1;
  return 365 * (year - 1900) + last / 4 - last / 100 + last / 400 - (1899 / 4 - 1899 / 100 + 1899 / 400);
}

/* Turns days since 1900-01-01 into day of month (0-based), month and year. */
static int year_month_day(int days, int *month_out, int *day_out) {
  static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = 1900 + days / 366;
  while (days >= days_before(year + 1)) {
    year++;
  }
  days -= days_before(year);
  int month = 0;
  while (days >= lengths[month] + (month == 1 && is_leap(year))) {
    days -= lengths[month] + (month == 1 && is_leap(year));
    month++;
  }
  *month_out = month;
  *day_out = days;
  return year;
}

static void put_number(char *to, int n, int digits) {
  for (int i = digits - 1; i >= 0; i--) {
    to[i] = (char)('0' + n % 10);
    n /= 10;
  }
}

/* date-time = [ day-of-week "," ] date time   (RFC 5322 3.3)
   A clock beyond the years it has is broken: its date is written as the nearest one that a reader can parse. */
void nm_date_put(char text[NM_DATE_SIZE], int64_t t, int offset) {
  static const char names[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  offset = (int)clamp(offset, -OFFSET_MAX, OFFSET_MAX);
  int64_t local =
      clamp(clamp(t, NM_DATE_FIRST, NM_DATE_LAST) + (int64_t)offset * 60, NM_DATE_FIRST, NM_DATE_LAST) -
      NM_DATE_FIRST;
  int days = (int)(local / DAY); /* 1900-01-01 was a Monday */
  int seconds = (int)(local % DAY);
  int month = 0;
  int day = 0;
  int year = year_month_day(days, &month, &day);
  int zone = offset < 0 ? -offset : offset;
  memcpy(text, "Mon, 01 Jan 1900 00:00:00 +0000", NM_DATE_SIZE);
  memcpy(text, names[days % 7], 3);
  put_number(text + 5, day + 1, 2);
  memcpy(text + 8, months[month], 3);
  put_number(text + 12, year, 4);
  put_number(text + 17, seconds / 3600, 2);
  put_number(text + 20, seconds / 60 % 60, 2);
  put_number(text + 23, seconds % 60, 2);
  text[26] = offset < 0 ? '-' : '+';
  put_number(text + 27, zone / 60, 2);
  put_number(text + 29, zone % 60, 2);
}
