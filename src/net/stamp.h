#ifndef NM_NET_STAMP_H
#define NM_NET_STAMP_H

#include <stdint.h>
#include <sys/stat.h>

/* What a file, or a folder, is at the moment: a path that leads to something else, or to something that was written anew, has another. Plain numbers
   without gaps, to be compared as octets. */
struct nm_stamp {
  int64_t device, inode, size, seconds, nanoseconds;
};

/* All zero: there is no such file, or no path (NULL). */
static inline struct nm_stamp nm_stamp_of(const char *path) {
  struct stat st;
  if (path == NULL || stat(path, &st) != 0) {
    return (struct nm_stamp){0};
  }
  return (struct nm_stamp){.device = (int64_t)st.st_dev,
                           .inode = (int64_t)st.st_ino,
                           .size = st.st_size,
                           .seconds = st.st_mtim.tv_sec,
                           .nanoseconds = st.st_mtim.tv_nsec};
}

#endif
