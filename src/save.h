#ifndef NM_SAVE_H
#define NM_SAVE_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/source.h"

NM_HIDDEN_BEGIN

/* Writes all of s to the file at path. A regular file, new or not, is replaced as a whole when all is written, so that a failure
   leaves what was there, and s may itself read from that file; a link is followed; a device or pipe is written to as it is. */
int nm_save(struct nm_source *s, const char *path, struct nm_error *e);

NM_HIDDEN_END

#endif
