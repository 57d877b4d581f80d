#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#if defined(__linux__)
#  include <sys/random.h>
#endif

#include "base/error.h"

#if defined(__linux__)
int nm_random(void *p, size_t n) {
  unsigned char *at = p;
  while (n > 0) {
    ssize_t got = getrandom(at, n, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return NM_EIO;
    }
    at += got;
    n -= (size_t)got;
  }
  return 0;
}
#else
/* macOS and the BSDs. */
int nm_random(void *p, size_t n) {
  arc4random_buf(p, n);
  return 0;
}
#endif
