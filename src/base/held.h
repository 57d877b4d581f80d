#ifndef NM_BASE_HELD_H
#define NM_BASE_HELD_H

#include <stddef.h>

/* Something of somebody else's (a function of Lua's) that lives as long as its holder. All-zero: nothing. */
struct nm_held {
  void *what;
  void (*release)(void *what);
};

/* Takes what, and lets go of what was held before. */
static inline void nm_held_set(struct nm_held *h, void *what, void (*release)(void *what)) {
  struct nm_held old = *h;
  *h = (struct nm_held){what, release};
  if (old.what != NULL && old.release != NULL) {
    old.release(old.what);
  }
}

#endif
