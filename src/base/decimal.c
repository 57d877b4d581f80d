#include "base/decimal.h"

size_t nm_decimal_size(uint64_t value) {
  size_t n = 1;
  while (value >= 10) {
    value /= 10;
    n++;
  }
  return n;
}

size_t nm_decimal(uint64_t value, char out[NM_DECIMAL_MAX]) {
  size_t n = nm_decimal_size(value);
  for (size_t i = n; i > 0; i--) {
    out[i - 1] = (char)('0' + value % 10);
    value /= 10;
  }
  return n;
}
