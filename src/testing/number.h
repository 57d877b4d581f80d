#ifndef NM_TESTING_NUMBER_H
#define NM_TESTING_NUMBER_H

#include <stdint.h>
#include "base/chars.h"

/* 1*DIGIT up to UINT64_MAX; 0 when it is not that. */
static inline int nm_number(struct nm_str s, uint64_t *out) {
  uint64_t v = 0;
  for (size_t i = 0; i < s.n; i++) {
    unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
    if (digit > 9 || v > (UINT64_MAX - digit) / 10) {
      return 0;
    }
    v = v * 10 + digit;
  }
  *out = v;
  return s.n > 0;
}

/* Cuts the word at the beginning of *rest off, and the spaces behind it; empty at the end. */
static inline struct nm_str nm_word(struct nm_str *rest) {
  size_t n = 0;
  while (n < rest->n && rest->p[n] != ' ') {
    n++;
  }
  struct nm_str word = nm_str(rest->p, n);
  while (n < rest->n && rest->p[n] == ' ') {
    n++;
  }
  *rest = nm_str(rest->p + n, rest->n - n);
  return word;
}

#endif
