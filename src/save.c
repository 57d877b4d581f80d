#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

#define PIECE 16384

/* strerror is not safe beside other threads; these are what happens to people. */
static const char *reason(int number) {
  switch (number) {
    case EACCES:
    case EPERM:
      return "permission denied";
    case ENOENT:
      return "there is no such folder";
    case ENOTDIR:
      return "a part of the path is not a folder";
    case EISDIR:
      return "it is a folder";
    case ENOSPC:
    case EDQUOT:
      return "no space is left there";
    case EROFS:
      return "the file system is read only";
    case ENAMETOOLONG:
      return "the name is too long";
    case EMFILE:
    case ENFILE:
      return "too many files are open";
    case EPIPE:
      return "nobody reads it any more";
    default:
      return "the system says no";
  }
}

static int fail(struct nm_error *e, const char *path) {
  int number = errno;
  return nm_error_set(e, NM_EIO, NM_KIND_MESSAGE, "cannot write '%s': %s (error %d)", path, reason(number),
                      number);
}

static int write_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return NM_EIO;
    }
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

static int copy(struct nm_source *s, int fd, const char *path, struct nm_error *e) {
  char piece[PIECE];
  for (;;) {
    size_t n = 0;
    int err = nm_source_read(s, piece, sizeof piece, &n);
    if (err < 0) {
      *e = s->error;
      return err;
    }
    if (n == 0) {
      return 0;
    }
    if (write_all(fd, piece, n) != 0) {
      return fail(e, path);
    }
  }
}

static int save_as_it_is(struct nm_source *s, const char *path, struct nm_error *e) {
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    return fail(e, path);
  }
  int err = copy(s, fd, path, e);
  if (close(fd) != 0 && err == 0) {
    err = fail(e, path);
  }
  return err;
}

/* A name beside path that nobody has: path and 64 random bits. */
static int name_beside(const char *path, char *out, size_t cap) {
  unsigned long long r;
  if (nm_random(&r, sizeof r) != 0) {
    return NM_EIO;
  }
  int n = snprintf(out, cap, "%s.%016llx", path, r);
  return n > 0 && (size_t)n < cap ? 0 : NM_ELIMIT;
}

/* old: NULL for a new file, else whose mode is kept. */
static int replace(struct nm_source *s, const char *path, const struct stat *old, struct nm_error *e) {
  char beside[PATH_MAX];
  if (name_beside(path, beside, sizeof beside) != 0) {
    errno = ENAMETOOLONG;
    return fail(e, path);
  }
  int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    return fail(e, path);
  }
  int err = old != NULL && fchmod(fd, old->st_mode & 07777) != 0 ? fail(e, path) : 0;
  err = err == 0 ? copy(s, fd, path, e) : err;
  if (close(fd) != 0 && err == 0) {
    err = fail(e, path);
  }
  if (err == 0 && rename(beside, path) != 0) {
    err = fail(e, path);
  }
  if (err != 0) {
    (void)unlink(beside);
  }
  return err;
}

int nm_save(struct nm_source *s, const char *path, struct nm_error *e) {
  struct stat st;
  char real[PATH_MAX];
  if (stat(path, &st) != 0) {
    return errno == ENOENT ? replace(s, path, NULL, e) : fail(e, path);
  }
  if (!S_ISREG(st.st_mode)) {
    return save_as_it_is(s, path, e);
  }
  return realpath(path, real) != NULL ? replace(s, real, &st, e) : fail(e, path);
}
