#ifndef NM_BASE_DECIMAL_H
#define NM_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"

/* 2^64 - 1 has as many digits. */
#define NM_DECIMAL_MAX 20

NM_HIDDEN_BEGIN

/* Writes 1*DIGIT, without leading zeros and without NUL; returns how many. For where printf's way is too long. */
size_t nm_decimal(uint64_t value, char out[NM_DECIMAL_MAX]);
/* How many that would be. */
size_t nm_decimal_size(uint64_t value);

NM_HIDDEN_END

#endif
