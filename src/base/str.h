#ifndef NM_BASE_STR_H
#define NM_BASE_STR_H

#include <stddef.h>
#include <string.h>
#include "base/hidden.h"

/* A piece of somebody else's bytes: borrowed, not NUL-terminated, may hold NUL. */
struct nm_str {
  const char *p;
  size_t n;
};

/* From a literal or a C string. */
#define NM_STR(s) ((struct nm_str){(s), sizeof(s) - 1})

static inline struct nm_str nm_str(const char *p, size_t n) {
  return (struct nm_str){p, n};
}

static inline struct nm_str nm_str_c(const char *s) {
  return (struct nm_str){s, s != NULL ? strlen(s) : 0};
}

/* How many octets of s an error's text shows: the precision of its "%.*s". */
static inline int nm_shown(struct nm_str s, int max) {
  return s.n < (size_t)max ? (int)s.n : max;
}

NM_HIDDEN_BEGIN

int nm_str_eq(struct nm_str a, struct nm_str b);
/* ASCII letters compare without case, all other bytes exactly; no locale. */
int nm_str_ieq(struct nm_str a, struct nm_str b);
/* Whether s begins with that, likewise; it may be no more than that. */
int nm_str_istarts(struct nm_str s, struct nm_str with);
/* As strcmp: s, its ASCII letters in lower case, and a C string, which has none in upper case. A NUL in s ends nothing. */
int nm_str_order(struct nm_str s, const char *lower);
/* s without the characters at its ends that are in set, a C string. */
struct nm_str nm_str_trim(struct nm_str s, const char *set);

NM_HIDDEN_END

#endif
