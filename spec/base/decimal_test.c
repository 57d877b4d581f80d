#include "base/decimal.h"

#include <inttypes.h>

#include "support/ctest.h"

static void check(uint64_t value) {
  char want[32];
  char *got = malloc(NM_DECIMAL_MAX); /* exact: one octet too many is caught */
  int n = snprintf(want, sizeof want, "%" PRIu64, value);
  CHECK_ROW(nm_decimal_size(value) == (size_t)n, want);
  CHECK_ROW(nm_decimal(value, got) == (size_t)n && memcmp(got, want, (size_t)n) == 0, want);
  free(got);
}

static void writes_what_printf_writes(void) {
  uint64_t power = 1;
  for (int i = 0; i < 20; i++, power *= 10) {
    check(power - 1);
    check(power);
    check(power + 1);
    check(power * 7 + 3);
  }
  check(UINT64_MAX);
  check(UINT64_MAX - 1);
}

int main(void) {
  RUN(writes_what_printf_writes);
  return ctest_end();
}
