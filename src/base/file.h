#ifndef NM_BASE_FILE_H
#define NM_BASE_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/source.h"

NM_HIDDEN_BEGIN

/* NM_EINVAL unless path is a regular file that can be opened for reading. Nothing stays open. */
int nm_file_check(const char *path, struct nm_error *e);
/* Bytes now, or -1 when there is no regular file. */
int64_t nm_file_size(const char *path);
/* The regular file as it is now. NM_EIO. */
int nm_file_look(const char *path, struct stat *out, struct nm_error *e);
/* A source of the file's bytes; keeps path. What it promises about change is said in base/content.h. as (may be NULL): the file as
   nm_file_look saw it; one that has another size or time of change now is NM_EIO. */
int nm_file_source(const char *path, const struct stat *as, struct nm_source **out, struct nm_error *e);
/* "the file "path" cannot be read: ..." for an errno; returns code. */
int nm_file_fail(struct nm_error *e, int code, const char *path, int number);
/* 0 for a regular file, else code with a text that says what it is instead. */
int nm_file_check_regular(mode_t mode, int code, const char *path, struct nm_error *e);

NM_HIDDEN_END

#endif
