#ifndef NM_SAVE_H
#define NM_SAVE_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/source.h"

/* A file that is being written. A regular one, new or not, is replaced as a whole when all is written, so that a failure
   leaves what was there, and the source may itself read from that file; a link is followed; a device or pipe is written to
   as it is. */
struct nm_save;

NM_HIDDEN_BEGIN

int nm_save_begin(const char *path, struct nm_save **out, struct nm_error *e);
/* Writes what the source gives. 0: all is written and the file in its place; NM_AGAIN: the source gives nothing now, call again. */
int nm_save_step(struct nm_save *w, struct nm_source *s, struct nm_error *e);
/* What was not finished is taken away. NULL and twice are fine. */
void nm_save_free(struct nm_save **w);

NM_HIDDEN_END

#endif
