#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"

#define PIECE 16384

struct nm_save {
  int fd;                /* -1: none */
  char path[PATH_MAX];   /* where it belongs, behind all links */
  char beside[PATH_MAX]; /* what is written until it is whole; empty: path itself */
};

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

/* A name beside path that nobody has: path and 64 random bits. */
static int name_beside(struct nm_save *w) {
  unsigned long long r;
  if (nm_random(&r, sizeof r) != 0) {
    return NM_EIO;
  }
  int n = snprintf(w->beside, sizeof w->beside, "%s.%016llx", w->path, r);
  return n > 0 && (size_t)n < sizeof w->beside ? 0 : NM_ELIMIT;
}

/* old: NULL for a new file, else whose mode is kept. */
static int open_beside(struct nm_save *w, const struct stat *old, struct nm_error *e) {
  if (name_beside(w) != 0) {
    w->beside[0] = '\0';
    errno = ENAMETOOLONG;
    return fail(e, w->path);
  }
  w->fd = open(w->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (w->fd < 0) {
    w->beside[0] = '\0';
    return fail(e, w->path);
  }
  return old != NULL && fchmod(w->fd, old->st_mode & 07777) != 0 ? fail(e, w->path) : 0;
}

static int open_as_it_is(struct nm_save *w, struct nm_error *e) {
  w->fd = open(w->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  return w->fd < 0 ? fail(e, w->path) : 0;
}

static int open_target(struct nm_save *w, const char *path, struct nm_error *e) {
  struct stat st;
  size_t n = strlen(path);
  if (n >= sizeof w->path) {
    errno = ENAMETOOLONG;
    return fail(e, path);
  }
  memcpy(w->path, path, n + 1);
  if (stat(path, &st) != 0) {
    return errno == ENOENT ? open_beside(w, NULL, e) : fail(e, path);
  }
  if (!S_ISREG(st.st_mode)) {
    return open_as_it_is(w, e);
  }
  return realpath(path, w->path) != NULL ? open_beside(w, &st, e) : fail(e, path);
}

int nm_save_begin(const char *path, struct nm_save **out, struct nm_error *e) {
  *out = nm_zalloc(sizeof **out);
  if (*out == NULL) {
    return nm_error_nomem(e);
  }
  (*out)->fd = -1;
  int err = open_target(*out, path, e);
  if (err != 0) {
    nm_save_free(out);
  }
  return err;
}

static int finish(struct nm_save *w, struct nm_error *e) {
  int fd = w->fd;
  w->fd = -1;
  if (close(fd) != 0 || (w->beside[0] != '\0' && rename(w->beside, w->path) != 0)) {
    return fail(e, w->path);
  }
  w->beside[0] = '\0';
  return 0;
}

int nm_save_step(struct nm_save *w, struct nm_source *s, struct nm_error *e) {
  char piece[PIECE];
  for (;;) {
    size_t n = 0;
    int err = nm_source_read(s, piece, sizeof piece, &n);
    if (err < 0) {
      *e = s->error;
    }
    if (err != 0) {
      return err;
    }
    if (n == 0) {
      return finish(w, e);
    }
    if (write_all(w->fd, piece, n) != 0) {
      return fail(e, w->path);
    }
  }
}

void nm_save_free(struct nm_save **at) {
  struct nm_save *w = *at;
  *at = NULL;
  if (w == NULL) {
    return;
  }
  if (w->fd >= 0) {
    (void)close(w->fd);
  }
  if (w->beside[0] != '\0') {
    (void)unlink(w->beside);
  }
  nm_free(w);
}
