#ifndef _FILE_OFFSET_BITS
#  define _FILE_OFFSET_BITS 64
#endif
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#  include <sys/syscall.h>
#  if defined(SYS_openat2)
#    include <linux/openat2.h>
#  endif
#endif

#include "base/file.h"

/* Longer than any system takes (PATH_MAX is 4096 on Linux). */
#define PATH_OCTETS_MAX 4096
/* openat2 says "again" when somebody renames directories meanwhile. */
#define TRIES 8

/* O_NONBLOCK: a pipe without a writer does not hold us up. */
#define FILE_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#if defined(O_PATH) /* to walk through a directory, nobody has to be allowed to list it */
#  define DIRECTORY_FLAGS (O_PATH | O_CLOEXEC | O_DIRECTORY)
#else
#  define DIRECTORY_FLAGS (O_RDONLY | O_CLOEXEC | O_DIRECTORY)
#endif

/* ---- paths ---- */

/* Copies to out with a NUL. */
static int copy_path(struct nm_str path, const char *what, char out[PATH_OCTETS_MAX + 1],
                     struct nm_error *e) {
  int shown = nm_shown(path, 300);
  if (path.n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the path of %s is empty; give one", what);
  }
  if (memchr(path.p, '\0', path.n) != NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the path of %s, \"%.*s\", has a NUL byte in it; take it out", what,
                        (int)strlen(path.p) < shown ? (int)strlen(path.p) : shown, path.p);
  }
  if (path.n > PATH_OCTETS_MAX) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the path of %s, \"%.*s...\", is too long", what,
                        shown, path.p);
  }
  memcpy(out, path.p, path.n);
  out[path.n] = '\0';
  return 0;
}

static int fail_outside(const struct nm_beneath *b, const char *path, const char *why, struct nm_error *e) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "the file \"%.300s\" is refused: %s, and only files below \"%.*s\" are read", path, why,
                      nm_shown(b->dir, 300), b->dir.p);
}

/* The next component from *at on, without slashes; 0 when there is none left. */
static size_t component(const char *path, size_t *at) {
  while (path[*at] == '/') {
    ++*at;
  }
  return strcspn(path + *at, "/");
}

/* Here and not by the kernel alone: "a/../b" is below the directory, but "a" may be a link to anywhere. */
static int check_path(const struct nm_beneath *b, const char *path, struct nm_error *e) {
  if (path[0] == '/') {
    return fail_outside(b, path, "its path is absolute", e);
  }
  size_t n, at = 0;
  for (n = component(path, &at); n > 0; at += n, n = component(path, &at)) {
    if (n == 2 && path[at] == '.' && path[at + 1] == '.') {
      return fail_outside(b, path, "its path has \"..\" in it", e);
    }
  }
  return 0;
}

/* ---- opening ---- */

/* ELOOP: O_NOFOLLOW met a link (EMLINK, EFTYPE: on the BSDs); EXDEV: RESOLVE_BENEATH did not let it out. */
static int fail_open(const struct nm_beneath *b, const char *path, int number, struct nm_error *e) {
#if defined(EFTYPE)
  number = number == EFTYPE ? ELOOP : number;
#endif
  if (number == EXDEV) {
    return fail_outside(b, path, "a symbolic link leads out", e);
  }
  if (number == ELOOP || number == EMLINK) {
    return fail_outside(b, path, "a symbolic link is on its path", e);
  }
  if (number == ENXIO || number == ENODEV) { /* a socket, a device without a driver */
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the file \"%.300s\" is a socket or a device, not a regular file", path);
  }
  return nm_file_fail(e, NM_EINVAL, path, number);
}

/* -1 with errno ENOSYS where there is no such call. */
static int open_by_kernel(int dir, const char *path) {
#if defined(SYS_openat2)
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = FILE_FLAGS;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < TRIES && fd < 0; i++) {
    fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd < 0 && errno != EINTR && errno != EAGAIN) {
      break;
    }
  }
  return (int)fd;
#else
  (void)dir;
  (void)path;
  errno = ENOSYS;
  return -1;
#endif
}

static int open_component(int dir, const char *name, int flags) {
  int fd;
  do {
    fd = openat(dir, name, flags | O_NOFOLLOW);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0 && errno == ENOTDIR) { /* what Linux says of a link where a directory is asked for */
    struct stat st;
    int is_link = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
    errno = is_link ? ELOOP : ENOTDIR;
  }
  return fd;
}

/* path is cut into its components on the way, and is whole again in the end. */
static int open_by_steps(int dir, char *path) {
  size_t at = 0, n = component(path, &at);
  int fd = dir;
  while (n > 0) {
    size_t end = at + n, next = end;
    size_t next_n = component(path, &next);
    /* "a/" asks for a directory as much as "a/b" does */
    int flags = path[end] == '/' ? DIRECTORY_FLAGS : FILE_FLAGS;
    char cut = path[end];
    path[end] = '\0';
    int inner = open_component(fd, path + at, flags);
    path[end] = cut;
    int number = errno;
    if (fd != dir) {
      close(fd);
    }
    errno = number;
    fd = inner;
    at = next;
    n = fd < 0 ? 0 : next_n;
  }
  if (fd == dir) { /* "/" or "" */
    errno = EISDIR;
    return -1;
  }
  return fd;
}

static int open_file(struct nm_beneath *b, char *path, int *fd_out, struct nm_error *e) {
  int dir = b->fd - 1;
  int fd = b->walk ? -1 : open_by_kernel(dir, path);
  /* EPERM: a sandbox that does not know the call; E2BIG, EINVAL: a kernel that knows another form of it */
  if (!b->walk && fd < 0 && (errno == ENOSYS || errno == EPERM || errno == E2BIG || errno == EINVAL)) {
    b->walk = 1;
  }
  if (b->walk && fd < 0) {
    fd = open_by_steps(dir, path);
  }
  *fd_out = fd;
  return fd < 0 ? fail_open(b, path, errno, e) : 0;
}

int nm_beneath_open(struct nm_beneath *b, struct nm_str dir, struct nm_error *e) {
  char path[PATH_OCTETS_MAX + 1];
  int err = copy_path(dir, "the base directory", path, e);
  if (err != 0) {
    return err;
  }
  int fd;
  do {
    fd = open(path, DIRECTORY_FLAGS);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    struct nm_error why = {0};
    nm_file_fail(&why, NM_EINVAL, path, errno);
    return errno == ENOTDIR ? nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                                           "the base directory \"%.300s\" is not a directory", path)
                            : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the base directory: %s", why.text);
  }
  *b = (struct nm_beneath){.fd = fd + 1, .dir = dir};
  return 0;
}

void nm_beneath_close(struct nm_beneath *b) {
  if (b->fd > 0) {
    close(b->fd - 1);
  }
  *b = (struct nm_beneath){0};
}

/* ---- reading ---- */

static int fail_long(const char *path, size_t max, struct nm_error *e) {
  return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                      "the file \"%.300s\" is too long: at most %zu bytes are allowed", path, max);
}

/* To its end, whatever size it said it has. The last read, which finds the end, has room for one octet at least. */
static int read_all(int fd, const char *path, size_t max, size_t expected, struct nm_buf *out,
                    struct nm_error *e) {
  for (size_t got = 0;;) {
    size_t left = max - got + 1, want = got < expected ? expected - got + 1 : 65536;
    want = want < left ? want : left;
    char *room = nm_buf_room(out, want);
    if (room == NULL) {
      return out->err == NM_ELIMIT ? fail_long(path, max, e) : nm_error_nomem(e);
    }
    ssize_t n = read(fd, room, want);
    if (n < 0 && errno != EINTR) {
      return nm_file_fail(e, NM_EIO, path, errno);
    }
    if (n == 0) {
      return 0;
    }
    got += n > 0 ? (size_t)n : 0;
    out->n += n > 0 ? (size_t)n : 0;
    if (got > max) {
      return fail_long(path, max, e);
    }
  }
}

static int read_file(int fd, const char *path, size_t max, struct nm_buf *out, struct nm_error *e) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return nm_file_fail(e, NM_EIO, path, errno);
  }
  int err = nm_file_check_regular(st.st_mode, NM_EINVAL, path, e);
  if (err == 0 && st.st_size > 0 && (uint64_t)st.st_size > max) {
    err = fail_long(path, max, e);
  }
  return err != 0 ? err : read_all(fd, path, max, st.st_size > 0 ? (size_t)st.st_size : 0, out, e);
}

int nm_beneath_check(const struct nm_beneath *b, struct nm_str path, struct nm_error *e) {
  char copy[PATH_OCTETS_MAX + 1];
  int err = copy_path(path, "a file", copy, e);
  return err != 0 ? err : check_path(b, copy, e);
}

int nm_beneath_read(struct nm_beneath *b, struct nm_str path, size_t max, struct nm_buf *out,
                    struct nm_error *e) {
  char copy[PATH_OCTETS_MAX + 1];
  size_t begin = out->n;
  int fd = -1;
  int err = copy_path(path, "a file", copy, e);
  err = err != 0 ? err : check_path(b, copy, e);
  err = err != 0 ? err : open_file(b, copy, &fd, e);
  if (err != 0) {
    return err;
  }
  err = read_file(fd, copy, max, out, e);
  close(fd);
  if (err != 0) {
    out->n = begin;
    out->err = 0;
  }
  if (out->p != NULL) {
    out->p[out->n] = '\0';
  }
  return err;
}
