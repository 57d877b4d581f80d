#include "smtp/moment.h"

#include "base/error.h"
#include "support/ctest.h"

static const struct {
  const char *text;
  int64_t at; /* -1: refused */
} rows[] = {
    /* RFC 3339 5.8 */
    {"1985-04-12T23:20:50.52Z", 482196050},
    {"1996-12-19T16:39:57-08:00", 851042397},
    {"1990-12-31T23:59:60Z", 662688000},
    {"1990-12-31T15:59:60-08:00", 662688000},
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01t00:00:01z", 1},
    {"1970-01-01T03:00:00+03:00", 0},
    {"2024-02-29T12:00:00Z", 1709208000},
    {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
    {"1937-01-01T12:00:27.87+00:20", -1}, /* before 1970 */
    {"1970-01-01T00:00:00+00:01", -1},
    {"2023-02-29T12:00:00Z", -1},
    {"2023-04-31T12:00:00Z", -1},
    {"2023-13-01T12:00:00Z", -1},
    {"2023-00-01T12:00:00Z", -1},
    {"2023-01-00T12:00:00Z", -1},
    {"2023-01-01T24:00:00Z", -1},
    {"2023-01-01T23:60:00Z", -1},
    {"2023-01-01T23:59:61Z", -1},
    {"2023-01-01T23:59:59", -1},
    {"2023-01-01 23:59:59Z", -1},
    {"2023-01-01T23:59:59.Z", -1},
    {"2023-01-01T23:59:59Z ", -1},
    {" 2023-01-01T23:59:59Z", -1},
    {"2023-1-01T23:59:59Z", -1},
    {"2023-01-01T23:59:59+0300", -1},
    {"2023-01-01T23:59:59+24:00", -1},
    {"2023-01-01T23:59:59-00:60", -1},
    {"2023-01-01T23:59:59~00:00", -1},
    {"2023-01-01", -1},
    {"", -1},
};

static void reads_dates_with_times(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t at = -1;
    int err = nm_moment_read(nm_str_c(rows[i].text), &at);
    CHECK_ROW(err == (rows[i].at < 0 ? NM_EINVAL : 0) && at == rows[i].at, rows[i].text);
  }
}

/* Nothing shorter than a date with time is one; and no octet behind the text is read. */
static void takes_no_part_for_the_whole(void) {
  static const char whole[] = "1996-12-19T16:39:57.5-08:00";
  for (size_t n = 0; n < sizeof whole - 1; n++) {
    int64_t at = 0;
    CHECK_ROW(nm_moment_read(nm_str(whole, n), &at) == NM_EINVAL, whole + n);
  }
}

int main(void) {
  RUN(reads_dates_with_times);
  RUN(takes_no_part_for_the_whole);
  return ctest_end();
}
