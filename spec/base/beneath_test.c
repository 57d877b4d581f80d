#include "base/beneath.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/ctest.h"

static char root[64];

static const char *at(const char *name) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void write_file(const char *name, const char *text) {
  FILE *f = fopen(at(name), "wb");
  fputs(text, f);
  fclose(f);
}

static void link_to(const char *to, const char *name) {
  CHECK(symlink(to, at(name)) == 0);
}

static void make_socket(const char *name) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(a.sun_path, sizeof a.sun_path, "%s", at(name));
  CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
  close(fd);
}

/* root/secret, and root/base, which is the directory. */
static void set_up(void) {
  snprintf(root, sizeof root, "/tmp/netmail-beneath-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  mkdir(at("base"), 0700);
  mkdir(at("base/sub"), 0700);
  mkdir(at("base/sub/deep"), 0700);
  write_file("secret", "secret");
  write_file("base/a.png", "picture a");
  write_file("base/sub/b.png", "picture b");
  write_file("base/sub/deep/c d.png", "picture c");
  write_file("base/empty", "");
  write_file("base/..dots", "dots");
  write_file("base/locked", "locked");
  chmod(at("base/locked"), 0);
  link_to("../secret", "base/out");
  link_to("..", "base/up");
  link_to("/etc/passwd", "base/passwd");
  link_to("/dev/zero", "base/zero");
  link_to("/proc/self/root", "base/slash");
  link_to("sub/b.png", "base/inner");
  link_to("sub", "base/inner_dir");
  link_to("loop", "base/loop");
  link_to("nowhere", "base/dangling");
  mkfifo(at("base/pipe"), 0600);
  make_socket("base/socket");
}

static void tear_down(void) {
  static const char *const names[] = {"base/a.png",
                                      "base/sub/b.png",
                                      "base/sub/deep/c d.png",
                                      "base/empty",
                                      "base/..dots",
                                      "base/locked",
                                      "base/out",
                                      "base/up",
                                      "base/passwd",
                                      "base/zero",
                                      "base/slash",
                                      "base/inner",
                                      "base/loop",
                                      "base/inner_dir",
                                      "base/dangling",
                                      "base/pipe",
                                      "base/socket",
                                      "secret",
                                      "base/sub/deep",
                                      "base/sub",
                                      "base",
                                      ""};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    CHECK_ROW(remove(at(names[i])) == 0, names[i]);
  }
}

static int open_base(struct nm_beneath *b, int walk) {
  static char dir[100];
  struct nm_error e = {0};
  snprintf(dir, sizeof dir, "%s", at("base"));
  int err = nm_beneath_open(b, nm_str_c(dir), &e);
  b->walk = b->walk || walk;
  return err;
}

static void reads_what_is_below(void) {
  static const char *const rows[][2] = {
      {"a.png", "picture a"},
      {"./a.png", "picture a"},
      {"sub/b.png", "picture b"},
      {"sub//b.png", "picture b"},
      {"sub/deep/c d.png", "picture c"},
      {"./sub/./deep/./c d.png", "picture c"},
      {"empty", ""},
      {"..dots", "dots"},
  };
  for (int walk = 0; walk <= 1; walk++) {
    struct nm_beneath b = {0};
    CHECK(open_base(&b, walk) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      struct nm_error e = {0};
      struct nm_buf out = {.max = 100};
      nm_buf_add_c(&out, "x");
      CHECK_ROW(nm_beneath_read(&b, nm_str_c(rows[i][0]), 50, &out, &e) == 0, e.text);
      CHECK_ROW(out.n > 0 && strcmp(out.p + 1, rows[i][1]) == 0, rows[i][0]);
      nm_buf_free(&out);
    }
    nm_beneath_close(&b);
    nm_beneath_close(&b);
  }
}

static void refuses_everything_else(void) {
  static const struct {
    const char *path;
    const char *kernel; /* what the error says */
    const char *walk;   /* NULL: the same */
  } rows[] = {
      {"../secret", "\"..\"", NULL},
      {"..", "\"..\"", NULL},
      {"sub/../../secret", "\"..\"", NULL},
      {"sub/../a.png", "\"..\"", NULL}, /* below, but who knows what sub is when it is walked through */
      {"sub/..", "\"..\"", NULL},
      {".//..//secret", "\"..\"", NULL},
      {"/etc/passwd", "absolute", NULL},
      {"//etc/passwd", "absolute", NULL},
      {"out", "leads out", "symbolic link is on its path"},
      {"up/secret", "leads out", "symbolic link is on its path"},
      {"up/base/a.png", "leads out", "symbolic link is on its path"},
      {"passwd", "leads out", "symbolic link is on its path"},
      {"zero", "leads out", "symbolic link is on its path"},
      {"slash/etc/passwd", "leads out", "symbolic link is on its path"},
      {"loop", "symbolic link is on its path", NULL},
      {"sub", "is a directory", NULL},
      {"sub/", "is a directory", NULL},
      {".", "is a directory", NULL},
      {"./", "is a directory", NULL},
      {"pipe", "is a pipe", NULL},
      {"socket", "is a socket", NULL},
      {"", "is empty", NULL},
      {"none.png", "does not exist", NULL},
      {"none/a.png", "does not exist", NULL},
      {"a.png/", "not a directory", NULL},
      {"a.png/x", "not a directory", NULL},
  };
  for (int walk = 0; walk <= 1; walk++) {
    struct nm_beneath b = {0};
    CHECK(open_base(&b, walk) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      struct nm_error e = {0};
      struct nm_buf out = {.max = 100};
      nm_buf_add_c(&out, "x");
      CHECK_ROW(nm_beneath_read(&b, nm_str_c(rows[i].path), 50, &out, &e) == NM_EINVAL, rows[i].path);
      const char *why = b.walk && rows[i].walk != NULL ? rows[i].walk : rows[i].kernel;
      CHECK_ROW(strstr(e.text, why) != NULL && strstr(e.text, rows[i].path) != NULL, e.text);
      CHECK_ROW(out.n == 1 && out.err == 0, rows[i].path);
      nm_buf_free(&out);
    }
    nm_beneath_close(&b);
  }
}

static void follows_links_that_stay_below_where_the_kernel_watches(void) {
  static const char *const rows[] = {"inner", "inner_dir/b.png"};
  for (int walk = 0; walk <= 1; walk++) {
    struct nm_beneath b = {0};
    CHECK(open_base(&b, walk) == 0);
    for (size_t i = 0; i < 2; i++) {
      struct nm_error e = {0};
      struct nm_buf out = {.max = 100};
      int err = nm_beneath_read(&b, nm_str_c(rows[i]), 50, &out, &e);
      CHECK_ROW(b.walk ? err == NM_EINVAL && strstr(e.text, "symbolic link") != NULL
                       : err == 0 && strcmp(out.p, "picture b") == 0,
                e.text);
      nm_buf_free(&out);
    }
    nm_beneath_close(&b);
  }
}

static void keeps_to_the_maximum(void) {
  struct nm_beneath b = {0};
  CHECK(open_base(&b, 0) == 0);
  for (size_t max = 8; max <= 10; max++) { /* "picture a" is 9 */
    struct nm_error e = {0};
    struct nm_buf out = {.max = max + 1};
    int err = nm_beneath_read(&b, NM_STR("a.png"), max, &out, &e);
    CHECK(max < 9 ? err == NM_ELIMIT && strstr(e.text, "at most 8 bytes") != NULL : err == 0 && out.n == 9);
    nm_buf_free(&out);
  }
  nm_beneath_close(&b);
}

/* Files of /proc say that they have no size; one that never ends is stopped. */
static void believes_no_size(void) {
  struct nm_beneath b = {0};
  struct nm_error e = {0};
  struct nm_buf out = {.max = 1 << 20};
  CHECK(nm_beneath_open(&b, NM_STR("/proc/self"), &e) == 0);
  CHECK(nm_beneath_read(&b, NM_STR("stat"), 100000, &out, &e) == 0 && out.n > 10);
  nm_buf_reset(&out);
  CHECK(nm_beneath_read(&b, NM_STR("stat"), 5, &out, &e) == NM_ELIMIT && out.n == 0);
  nm_beneath_close(&b);
  CHECK(nm_beneath_open(&b, NM_STR("/dev"), &e) == 0);
  CHECK(nm_beneath_read(&b, NM_STR("zero"), 100, &out, &e) == NM_EINVAL &&
        strstr(e.text, "a device") != NULL);
  nm_beneath_close(&b);
  nm_buf_free(&out);
}

static void names_a_bad_base(void) {
  struct nm_beneath b = {0};
  struct nm_error e = {0};
  char long_path[5000];
  memset(long_path, 'a', sizeof long_path);
  CHECK(nm_beneath_open(&b, NM_STR("/no/such/dir"), &e) == NM_EINVAL &&
        strstr(e.text, "/no/such/dir") != NULL);
  CHECK(nm_beneath_open(&b, NM_STR("/etc/passwd"), &e) == NM_EINVAL &&
        strstr(e.text, "not a directory") != NULL);
  CHECK(nm_beneath_open(&b, NM_STR(""), &e) == NM_EINVAL && strstr(e.text, "empty") != NULL);
  CHECK(nm_beneath_open(&b, nm_str("/tmp\0x", 6), &e) == NM_EINVAL && strstr(e.text, "NUL") != NULL);
  CHECK(nm_beneath_open(&b, nm_str(long_path, sizeof long_path), &e) == NM_EINVAL && b.fd == 0);
  nm_beneath_close(&b);
  CHECK(open_base(&b, 0) == 0);
  struct nm_buf out = {.max = 100};
  CHECK(nm_beneath_read(&b, nm_str("a.png\0x", 7), 50, &out, &e) == NM_EINVAL &&
        strstr(e.text, "NUL") != NULL);
  CHECK(nm_beneath_read(&b, nm_str(long_path, sizeof long_path), 50, &out, &e) == NM_EINVAL);
  if (geteuid() != 0) {
    CHECK(nm_beneath_read(&b, NM_STR("locked"), 50, &out, &e) == NM_EINVAL &&
          strstr(e.text, "permitted") != NULL);
  }
  nm_buf_free(&out);
  nm_beneath_close(&b);
}

/* Each open descriptor was closed: the next one has the number that the first had. */
static void leaves_no_descriptor_open(void) {
  static const char *const paths[] = {"a.png",  "sub/deep/c d.png", "sub", "up/secret",
                                      "none/x", "a.png/x",          "pipe"};
  int first = open("/dev/null", O_RDONLY);
  close(first);
  for (int walk = 0; walk <= 1; walk++) {
    struct nm_beneath b = {0};
    struct nm_buf out = {.max = 100};
    CHECK(open_base(&b, walk) == 0);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
      (void)nm_beneath_read(&b, nm_str_c(paths[i]), 50, &out, NULL);
    }
    nm_beneath_close(&b);
    nm_buf_free(&out);
  }
  int again = open("/dev/null", O_RDONLY);
  close(again);
  CHECK(first == again);
}

int main(void) {
  RUN(set_up);
  RUN(reads_what_is_below);
  RUN(refuses_everything_else);
  RUN(follows_links_that_stay_below_where_the_kernel_watches);
  RUN(keeps_to_the_maximum);
  RUN(believes_no_size);
  RUN(names_a_bad_base);
  RUN(leaves_no_descriptor_open);
  RUN(tear_down);
  return ctest_end();
}
