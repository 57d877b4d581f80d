#ifndef _FILE_OFFSET_BITS
#  define _FILE_OFFSET_BITS 64 /* files over 2 GB where off_t would have 32 bits */
#endif
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* So much of a file is asked for before it is read, in halves. The system reads ahead by itself, but mostly 128 KB at once, and from a disk that is
   not near that takes four times as long. */
#define AHEAD ((int64_t)4 << 20)
/* A smaller file comes quickly enough. */
#define AHEAD_MIN ((int64_t)256 << 10)

/* As much of a path as an error shows: its end, where the name is. */
#define SHOWN_MAX 300

static int fail(struct nm_error *e, int code, const char *path, const char *fmt, ...) NM_PRINTF(4, 5);

static int fail(struct nm_error *e, int code, const char *path, const char *fmt, ...) {
  char why[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(why, sizeof why, fmt, args);
  va_end(args);
  size_t n = strlen(path);
  const char *tail = path + (n > SHOWN_MAX ? n - SHOWN_MAX : 0);
  while (tail > path && ((unsigned char)*tail & 0xc0) == 0x80) {
    tail++; /* not within a character */
  }
  return nm_error_set(e, code, NM_KIND_MESSAGE, "the file \"%s%s\" %s", tail > path ? "..." : "", tail, why);
}

/* strerror speaks the locale's language and is not safe between threads; these are the ones that happen. */
static const char *reason_of(int number) {
  switch (number) {
    case ENOENT:
      return "it does not exist; check the path";
    case EACCES:
    case EPERM:
      return "reading it is not permitted";
    case ENOTDIR:
      return "a part of its path is not a directory; check the path";
    case ENAMETOOLONG:
      return "its path is too long";
    case ELOOP:
      return "its path has too many symbolic links";
    case EMFILE:
    case ENFILE:
      return "too many files are open";
    case EIO:
    case ESTALE:
      return "the disk or the network does not deliver it";
    default:
      return NULL;
  }
}

int nm_file_fail(struct nm_error *e, int code, const char *path, int number) {
  const char *reason = reason_of(number);
  return reason != NULL ? fail(e, code, path, "cannot be read: %s", reason)
                        : fail(e, code, path, "cannot be read: system error %d", number);
}

int nm_file_check_regular(mode_t mode, int code, const char *path, struct nm_error *e) {
  if (S_ISREG(mode)) {
    return 0;
  }
  const char *kind = S_ISDIR(mode)    ? "a directory"
                     : S_ISFIFO(mode) ? "a pipe"
                     : S_ISSOCK(mode) ? "a socket"
                                      : "a device";
  return fail(e, code, path, "is %s, not a regular file; give another path, or the content itself", kind);
}

/* stat before open: opening a pipe or a device for reading may already change something behind it. */
static int look(const char *path, int code, struct stat *st, struct nm_error *e) {
  return stat(path, st) != 0 ? nm_file_fail(e, code, path, errno)
                             : nm_file_check_regular(st->st_mode, code, path, e);
}

/* What is not a regular file does not get past here, whatever has come into the path's place since look;
   O_NONBLOCK keeps a pipe without a writer from holding us up. */
static int open_regular(const char *path, int code, int *fd_out, struct stat *st, struct nm_error *e) {
  int fd;
  do {
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    return nm_file_fail(e, code, path, errno);
  }
  int err = fstat(fd, st) != 0 ? nm_file_fail(e, code, path, errno)
                               : nm_file_check_regular(st->st_mode, code, path, e);
  if (err != 0) {
    close(fd);
    return err;
  }
  *fd_out = fd;
  return 0;
}

int nm_file_check(const char *path, struct nm_error *e) {
  struct stat st;
  int fd = -1;
  int err = look(path, NM_EINVAL, &st, e);
  err = err != 0 ? err : open_regular(path, NM_EINVAL, &fd, &st, e);
  if (err == 0) {
    close(fd);
  }
  return err;
}

int64_t nm_file_size(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

struct file_source {
  struct nm_source source;
  const char *path;
  struct stat first; /* as the file was when the source was made */
  int fd;            /* -1 while closed */
  int is_over;
  int64_t at;
  int64_t ahead; /* up to there the system has been asked for it */
};

static void close_file(struct file_source *f) {
  if (f->fd >= 0) {
    close(f->fd);
    f->fd = -1;
  }
}

static int fail_changed(struct file_source *f) {
  return fail(&f->source.error, NM_EIO, f->path,
              "changed while it was read; send again when nothing writes to it");
}

#if defined(__APPLE__)
#  define MTIME st_mtimespec
#else
#  define MTIME st_mtim
#endif

/* Size 0 is left to the reading: files of /proc have that size and a new time at every look. */
static int is_same(const struct stat *a, const struct stat *b) {
  return a->st_size == b->st_size &&
         (a->st_size == 0 || (a->MTIME.tv_sec == b->MTIME.tv_sec && a->MTIME.tv_nsec == b->MTIME.tv_nsec));
}

static int check_same(struct file_source *f, const struct stat *now) {
  return is_same(now, &f->first) ? 0 : fail_changed(f);
}

static int open_file(struct file_source *f) {
  struct stat st;
  int err = open_regular(f->path, NM_EIO, &f->fd, &st, &f->source.error);
  if (err == 0) {
#ifdef POSIX_FADV_SEQUENTIAL
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    err = check_same(f, &st);
  }
  return err;
}

static int end_file(struct file_source *f) {
  struct stat st;
  if (f->at < (int64_t)f->first.st_size) {
    return fail(&f->source.error, NM_EIO, f->path,
                "changed while it was read: it ended after %lld of %lld bytes", (long long)f->at,
                (long long)f->first.st_size);
  }
  if (fstat(f->fd, &st) != 0) {
    return nm_file_fail(&f->source.error, NM_EIO, f->path, errno);
  }
  int err = check_same(f, &st);
  if (err == 0) {
    close_file(f);
    f->is_over = 1;
  }
  return err;
}

/* It says so and does not wait. */
static void ask_ahead(struct file_source *f) {
#ifdef POSIX_FADV_WILLNEED
  int64_t size = (int64_t)f->first.st_size, end = f->at + AHEAD;
  if (size >= AHEAD_MIN && f->ahead < size && f->ahead - f->at <= AHEAD / 2) {
    int64_t from = f->ahead > f->at ? f->ahead : f->at;
    (void)posix_fadvise(f->fd, (off_t)from, (off_t)(end - from), POSIX_FADV_WILLNEED);
    f->ahead = end;
  }
#else
  (void)f;
#endif
}

/* pread: after a fork the child shares the descriptor's offset. */
static int read_piece(struct file_source *f, char *p, size_t cap, size_t *n_out) {
  ssize_t n;
  ask_ahead(f);
  do {
    n = pread(f->fd, p, cap < SSIZE_MAX ? cap : SSIZE_MAX, (off_t)f->at);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return nm_file_fail(&f->source.error, NM_EIO, f->path, errno);
  }
  if (n == 0) {
    return end_file(f);
  }
  if (n > (int64_t)f->first.st_size - f->at) {
    return f->first.st_size > 0 ? fail(&f->source.error, NM_EIO, f->path,
                                       "changed while it was read: it is longer than %lld bytes now",
                                       (long long)f->first.st_size)
                                : fail(&f->source.error, NM_EIO, f->path,
                                       "has content though its size is 0 (it grew, or is of a kind like "
                                       "/proc); give the content itself");
  }
  f->at += n;
  *n_out = (size_t)n;
  return 0;
}

static int file_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct file_source *f = (struct file_source *)s;
  *n_out = 0;
  if (s->error.code != 0 || f->is_over) {
    return s->error.code;
  }
  int err = f->fd < 0 ? open_file(f) : 0;
  err = err != 0 ? err : read_piece(f, p, cap, n_out);
  if (err != 0) {
    close_file(f);
  }
  return err;
}

static int file_rewind(struct nm_source *s) {
  struct file_source *f = (struct file_source *)s;
  close_file(f);
  f->at = f->ahead = 0;
  f->is_over = 0;
  return s->error.code;
}

static int64_t file_size(struct nm_source *s) {
  return (int64_t)((struct file_source *)s)->first.st_size;
}

static void file_free(struct nm_source *s) {
  close_file((struct file_source *)s);
  nm_free(s);
}

int nm_file_look(const char *path, struct stat *out, struct nm_error *e) {
  return look(path, NM_EIO, out, e);
}

int nm_file_source(const char *path, const struct stat *as, struct nm_source **out, struct nm_error *e) {
  static const struct nm_source_ops ops = {file_read, file_rewind, file_size, file_free, NULL, NULL};
  *out = NULL;
  struct stat st;
  int err = look(path, NM_EIO, &st, e);
  if (err == 0 && as != NULL && !is_same(&st, as)) {
    err = fail(e, NM_EIO, path, "changed after the template with it was made; make a new template");
  }
  if (err != 0) {
    return err;
  }
  struct file_source *f = nm_zalloc(sizeof *f);
  if (f == NULL) {
    return nm_error_nomem(e);
  }
  f->source.ops = &ops;
  f->path = path;
  f->first = st;
  f->fd = -1;
  *out = &f->source;
  return 0;
}
