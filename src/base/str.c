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

int nm_str_istarts(struct nm_str s, struct nm_str with) {
  return s.n >= with.n && nm_str_ieq(nm_str(s.p, with.n), with);
}

int nm_str_order(struct nm_str s, const char *lower) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char a = (unsigned char)nm_lower(s.p[i]);
    unsigned char b = (unsigned char)lower[i];
    if (a != b || b == '\0') {
      return a < b ? -1 : 1;
    }
  }
  return lower[s.n] == '\0' ? 0 : -1;
}

static int is_in(const char *set, char c) {
  return c != '\0' && strchr(set, c) != NULL;
}

struct nm_str nm_str_trim(struct nm_str s, const char *set) {
  while (s.n > 0 && is_in(set, s.p[0])) {
    s = nm_str(s.p + 1, s.n - 1);
  }
  while (s.n > 0 && is_in(set, s.p[s.n - 1])) {
    s.n--;
  }
  return s;
}
