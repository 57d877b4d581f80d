#ifndef NM_BASE_RANGES_H
#define NM_BASE_RANGES_H

#include <stddef.h>
#include <stdint.h>

/* A small set of characters, as code points from first to last. */
struct nm_range {
  uint32_t first;
  uint32_t last;
};

static inline int nm_in_ranges(const struct nm_range *ranges, size_t n, uint32_t cp) {
  for (size_t i = 0; i < n; i++) {
    if (cp >= ranges[i].first && cp <= ranges[i].last) {
      return 1;
    }
  }
  return 0;
}

/* ranges: an array. */
#define NM_IN_RANGES(ranges, cp) nm_in_ranges(ranges, sizeof(ranges) / sizeof(ranges)[0], cp)

#endif
