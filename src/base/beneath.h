#ifndef NM_BASE_BENEATH_H
#define NM_BASE_BENEATH_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Files below one directory and nowhere else, by paths that strangers may have written. A path with "..", an absolute one, one that a
   symbolic link leads out of the directory: refused. Where the kernel can see to that (openat2 with RESOLVE_BENEATH, Linux
   5.6), a link to another place below the directory is followed; elsewhere the path is walked component by component, and any
   link is refused. */
struct nm_beneath {
  int fd;            /* of the directory, + 1; 0: closed */
  struct nm_str dir; /* as it was given, for errors */
  int walk;          /* openat2 is not to be had */
};

NM_HIDDEN_BEGIN

/* Keeps dir until close. NM_EINVAL with a text that names it when it is no directory or cannot be opened. */
int nm_beneath_open(struct nm_beneath *b, struct nm_str dir, struct nm_error *e);
/* NM_EINVAL for a path that nm_beneath_read would not even try. */
int nm_beneath_check(const struct nm_beneath *b, struct nm_str path, struct nm_error *e);
/* Appends the bytes of a regular file, all of them or (on failure) none. NM_EINVAL for the path and what it leads to, NM_ELIMIT
   when it is longer than max (for which out has room, and one octet more), NM_EIO when reading fails. Read at once, so that what was checked is what is used. */
int nm_beneath_read(struct nm_beneath *b, struct nm_str path, size_t max, struct nm_buf *out,
                    struct nm_error *e);
/* Twice is fine. */
void nm_beneath_close(struct nm_beneath *b);

NM_HIDDEN_END

#endif
