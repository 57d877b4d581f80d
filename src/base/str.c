#include "base/str.h"

#include "base/chars.h"

int nm_str_eq(struct nm_str a, struct nm_str b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int nm_str_ieq(struct nm_str a, struct nm_str b) {
  if (a.n != b.n) {
    return 0;
  }
  for (size_t i = 0; i < a.n; i++) {
    if (nm_lower(a.p[i]) != nm_lower(b.p[i])) {
      return 0;
    }
  }
  return 1;
}
