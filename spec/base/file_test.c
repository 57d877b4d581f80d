#include "support/ctest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "support/sources.h"

static char folder[] = "/tmp/netmail-file-XXXXXX";

static const char *in_folder(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* Writes text over the file, and sets its time (seconds) so that no two writings need look alike or different by
   the clock's grain. */
static const char *put(const char *name, const char *text, long time) {
  const char *path = in_folder(name);
  FILE *f = fopen(path, "w");
  CHECK(f != NULL && fwrite(text, 1, strlen(text), f) == strlen(text) && fclose(f) == 0);
  struct timespec t[2] = {{time, 7}, {time, 7}};
  CHECK(utimensat(AT_FDCWD, path, t, 0) == 0);
  return path;
}

/* The number that the next descriptor will have: it tells whether one is open. */
static int next_fd(void) {
  int fd = dup(0);
  close(fd);
  return fd;
}

static void reads_a_file_and_again(void) {
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  int free_fd = next_fd();
  const char *path = put("a b\xd0\xb6\n", "hello, world", 1);
  CHECK(nm_file_check(path, &e) == 0 && nm_file_size(path) == 12);
  for (size_t cap = 1; cap < 15; cap++) {
    struct nm_buf b = {.max = 100};
    CHECK(nm_file_source(path, NULL, &s, &e) == 0 && nm_source_size(s) == 12);
    CHECK(source_read_all(s, cap, &b) == 0 && nm_str_eq(nm_buf_str(&b), NM_STR("hello, world")));
    nm_buf_reset(&b);
    CHECK(source_read_all(s, cap, &b) == 0 && b.n == 0);
    CHECK(nm_source_rewind(s) == 0 && nm_source_size(s) == 12);
    CHECK(source_read_all(s, cap, &b) == 0 && nm_str_eq(nm_buf_str(&b), NM_STR("hello, world")));
    CHECK(next_fd() == free_fd);
    nm_source_free(&s);
    nm_buf_free(&b);
  }
}

static void holds_a_descriptor_only_while_it_reads(void) {
  struct nm_source *s = NULL;
  int free_fd = next_fd();
  char p[4];
  size_t n;
  CHECK(nm_file_source(put("f", "abcdef", 1), NULL, &s, NULL) == 0 && next_fd() == free_fd);
  CHECK(nm_source_read(s, p, 4, &n) == 0 && n == 4 && next_fd() != free_fd);
  CHECK((fcntl(free_fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(nm_source_rewind(s) == 0 && next_fd() == free_fd);
  CHECK(nm_source_read(s, p, 4, &n) == 0 && n == 4 && memcmp(p, "abcd", 4) == 0 && next_fd() != free_fd);
  CHECK(nm_source_read(s, p, 4, &n) == 0 && n == 2 && nm_source_read(s, p, 4, &n) == 0 && n == 0);
  CHECK(next_fd() == free_fd);
  CHECK(nm_source_rewind(s) == 0 && nm_source_read(s, p, 1, &n) == 0 && next_fd() != free_fd);
  nm_source_free(&s);
  CHECK(next_fd() == free_fd);
}

/* Another that shares the descriptor (a child after fork) does not move our place in it. */
static void keeps_its_own_place(void) {
  struct nm_source *s = NULL;
  int fd = next_fd();
  char p[2];
  size_t n;
  CHECK(nm_file_source(put("f", "abcdef", 1), NULL, &s, NULL) == 0 && nm_source_read(s, p, 2, &n) == 0);
  CHECK(lseek(fd, 0, SEEK_END) == 6);
  CHECK(nm_source_read(s, p, 2, &n) == 0 && n == 2 && memcmp(p, "cd", 2) == 0);
  nm_source_free(&s);
}

static void reads_an_empty_file(void) {
  struct nm_source *s = NULL;
  char c;
  size_t n = 9;
  CHECK(nm_file_source(put("empty", "", 1), NULL, &s, NULL) == 0 && nm_source_size(s) == 0);
  CHECK(nm_source_read(s, &c, 1, &n) == 0 && n == 0);
  put("empty", "", 2); /* files of /proc have a new time at every look */
  CHECK(nm_source_rewind(s) == 0 && nm_source_read(s, &c, 1, &n) == 0 && n == 0);
  nm_source_free(&s);
}

static void refused(const char *path, const char *says) {
  struct nm_error e = {0};
  struct nm_source *s = NULL;
  int free_fd = next_fd();
  CHECK_ROW(nm_file_check(path, &e) == NM_EINVAL && e.code == NM_EINVAL && e.kind == NM_KIND_MESSAGE, path);
  CHECK_ROW(strstr(e.text, says) != NULL, e.text);
  CHECK_ROW(next_fd() == free_fd, path);
  if (strstr(says, "permitted") == NULL) { /* that is found out at the first read */
    CHECK_ROW(nm_file_source(path, NULL, &s, &e) == NM_EIO && s == NULL && strstr(e.text, says) != NULL,
              e.text);
    CHECK_ROW(nm_file_size(path) == -1, path);
  }
}

static void refuses_all_but_regular_files(void) {
  refused(folder, "is a directory");
  refused("/", "is a directory");
  refused("/dev/zero", "is a device");
  refused("/dev/null", "is a device");
  refused(in_folder("missing"), "does not exist");
  refused("", "does not exist");
  put("f", "x", 1);
  refused(in_folder("f/g"), "is not a directory");
  CHECK(mkfifo(in_folder("fifo"), 0600) == 0);
  refused(in_folder("fifo"), "is a pipe"); /* and does not wait for a writer: main has set an alarm */
  CHECK(symlink("fifo", in_folder("to-fifo")) == 0);
  refused(in_folder("to-fifo"), "is a pipe");
  CHECK(symlink("loop", in_folder("loop")) == 0);
  refused(in_folder("loop"), "symbolic links");
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  const char *path = in_folder("socket");
  CHECK(strlen(path) < sizeof a.sun_path);
  memcpy(a.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
  refused(in_folder("socket"), "is a socket");
  close(fd);
}

static void follows_a_link_to_a_file(void) {
  put("target", "x", 1);
  CHECK(symlink("target", in_folder("link")) == 0);
  CHECK(nm_file_check(in_folder("link"), NULL) == 0 && nm_file_size(in_folder("link")) == 1);
}

static void shows_the_end_of_a_long_path(void) {
  char path[6000];
  for (size_t i = 0; i + 2 < sizeof path; i += 2) {
    memcpy(path + i, "\xd0\xb6", 3);
  }
  struct nm_error e = {0};
  for (int i = 0; i < 2; i++) {
    CHECK(nm_file_check(path, &e) == NM_EINVAL);
    CHECK_ROW(strstr(e.text, "path is too long") != NULL && strstr(e.text, "\"...\xd0\xb6") != NULL, e.text);
    CHECK_ROW(strstr(e.text, "\\x") == NULL, e.text);
    strcpy(path + strlen(path) - 2, "x");
  }
}

static void refuses_what_may_not_be_read(void) {
  const char *path = put("secret", "x", 1);
  CHECK(chmod(path, 0) == 0);
  if (geteuid() == 0 && (chmod(folder, 0755) != 0 || seteuid(65534) != 0)) {
    SKIP("root may read everything, and cannot become somebody else here");
  }
  refused(path, "not permitted");
  struct nm_source *s = NULL;
  char c;
  size_t n;
  CHECK(nm_file_source(path, NULL, &s, NULL) == 0 && nm_source_read(s, &c, 1, &n) == NM_EIO && n == 0);
  CHECK_ROW(s->error.code == NM_EIO && strstr(s->error.text, "not permitted") != NULL, s->error.text);
  nm_source_free(&s);
  CHECK(getuid() != 0 || seteuid(0) == 0);
}

static void says_when_too_many_files_are_open(void) {
  struct rlimit old = {0}, none;
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  char c;
  size_t n;
  char path[256];
  snprintf(path, sizeof path, "%s", put("f", "abcdef", 1));
  CHECK(nm_file_source(path, NULL, &s, NULL) == 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
  none = old;
  none.rlim_cur = (rlim_t)next_fd();
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  CHECK(nm_file_check(path, &e) == NM_EINVAL && strstr(e.text, "too many files are open") != NULL);
  CHECK(nm_source_read(s, &c, 1, &n) == NM_EIO && strstr(s->error.text, "too many files are open") != NULL);
  CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
  nm_source_free(&s);
}

static void replace(const char *path, const char *text, long time) {
  if (text == NULL || text[0] == '/' || text[0] == '|') {
    CHECK(unlink(path) == 0);
    CHECK(text == NULL || (text[0] == '/' ? mkdir(path, 0700) : mkfifo(path, 0600)) == 0);
  } else {
    put("f", text, time);
  }
}

/* The file "f" holds abcdef at time 1 when its source is made; then something happens before the first read
   (step 0), between two reads (1), or at the end of a first pass (2). */
static void fails_when_the_file_changes(void) {
  static const struct {
    const char *text; /* NULL: removed; "/", "|": a directory, a pipe in its place */
    long time;
    int bad[3];
    const char *says;
  } rows[] = {
      {"abcdef", 1, {0, 0, 0}, ""},                          /* written again, the same */
      {"abcdef", 2, {1, 1, 1}, "changed while it was read"}, /* the same bytes, but who knows that */
      {"ABCDEF", 2, {1, 1, 1}, "changed while it was read"},
      {"abcdefg", 2, {1, 1, 1}, "changed while it was read"},
      {"abcdefg", 1, {1, 1, 1}, "changed while it was read"},
      {"abcd", 1, {1, 1, 1}, "changed while it was read"},
      {"", 1, {1, 1, 1}, "changed while it was read"},
      {NULL, 0, {1, 0, 1}, "does not exist"}, /* an open file can be read to its end */
      {"/", 0, {1, 0, 1}, "is a directory"},
      {"|", 0, {1, 0, 1}, "is a pipe"}, /* without a writer */
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int step = 0; step < 3; step++) {
      char piece[3];
      size_t n = 0;
      struct nm_source *s = NULL;
      struct nm_buf b = {.max = 100};
      int free_fd = next_fd();
      char path[256];
      snprintf(path, sizeof path, "%s", put("f", "abcdef", 1));
      CHECK(nm_file_source(path, NULL, &s, NULL) == 0);
      if (step == 1) {
        CHECK(nm_source_read(s, piece, 3, &n) == 0 && n == 3);
      } else if (step == 2) {
        CHECK(source_read_all(s, 3, &b) == 0 && nm_source_rewind(s) == 0);
      }
      replace(path, rows[i].text, rows[i].time);
      int err = source_read_all(s, 3, &b);
      CHECK_ROW(next_fd() == free_fd, "closed at the end and on error");
      CHECK_ROW(err == 0 || step == 1 || b.n == (step == 0 ? 0 : 6), "seen before anything was handed out");
      CHECK_ROW(err == (rows[i].bad[step] ? NM_EIO : 0), rows[i].text == NULL ? "removed" : rows[i].text);
      CHECK_ROW(nm_source_size(s) == 6, "size is that of the first look");
      if (err != 0) {
        CHECK_ROW(s->error.code == NM_EIO && s->error.kind == NM_KIND_MESSAGE, s->error.text);
        CHECK_ROW(strstr(s->error.text, rows[i].says) != NULL && strstr(s->error.text, path) != NULL,
                  s->error.text);
        CHECK(remove(path) == 0 || rows[i].text == NULL);
        put("f", "abcdef", 1); /* back as it was: what has failed stays failed */
        CHECK(nm_source_read(s, piece, 3, &n) == NM_EIO && n == 0);
        CHECK(nm_source_rewind(s) == NM_EIO && nm_source_read(s, piece, 3, &n) == NM_EIO);
      }
      CHECK(next_fd() == free_fd);
      nm_source_free(&s);
      nm_buf_free(&b);
      remove(path);
    }
  }
}

static void never_hands_out_more_than_its_size(void) {
  char path[256];
  snprintf(path, sizeof path, "%s", put("f", "abcdef", 1));
  struct nm_source *s = NULL;
  char p[10];
  size_t n = 0, sum = 0;
  CHECK(nm_file_source(path, NULL, &s, NULL) == 0 && nm_source_read(s, p, 4, &n) == 0);
  sum += n;
  FILE *f = fopen(path, "a");
  CHECK(f != NULL && fputs("ghijkl", f) >= 0 && fclose(f) == 0);
  while (nm_source_read(s, p, 2, &n) == 0 && n > 0) {
    sum += n;
  }
  CHECK(sum == 6 && s->error.code == NM_EIO);
  CHECK_ROW(strstr(s->error.text, "longer than 6 bytes") != NULL, s->error.text);
  nm_source_free(&s);
}

static void refuses_content_behind_a_size_of_zero(void) {
  struct nm_source *s = NULL;
  char c[16];
  size_t n = 9;
  if (access("/proc/self/status", R_OK) != 0) {
    SKIP("there is no /proc");
  }
  CHECK(nm_file_source("/proc/self/status", NULL, &s, NULL) == 0 && nm_source_size(s) == 0);
  CHECK(nm_source_read(s, c, sizeof c, &n) == NM_EIO && n == 0);
  CHECK_ROW(strstr(s->error.text, "though its size is 0") != NULL, s->error.text);
  nm_source_free(&s);
}

/* Files of /sys say a page and hold a line. */
static void refuses_a_file_that_ends_before_its_size(void) {
  const char *path = "/sys/kernel/mm/transparent_hugepage/enabled";
  struct nm_source *s = NULL;
  struct nm_buf b = {.max = 10000};
  if (access(path, R_OK) != 0) {
    SKIP("there is no /sys");
  }
  CHECK(nm_file_source(path, NULL, &s, NULL) == 0 && source_read_all(s, 1000, &b) == NM_EIO);
  CHECK_ROW(strstr(s->error.text, "it ended after") != NULL, s->error.text);
  nm_source_free(&s);
  nm_buf_free(&b);
}

static void takes_files_beyond_four_gigabytes(void) {
  const char *path = put("sparse", "", 1);
  if (truncate(path, (off_t)5000000000) != 0) {
    SKIP("the file system has no room for a sparse file");
  }
  struct nm_source *s = NULL;
  char p[100];
  size_t n;
  CHECK(nm_file_size(path) == 5000000000 && nm_file_source(path, NULL, &s, NULL) == 0);
  CHECK(nm_source_size(s) == 5000000000 && nm_source_read(s, p, sizeof p, &n) == 0 && n == sizeof p);
  nm_source_free(&s);
  CHECK(unlink(path) == 0);
}

/* Of more than what is asked for ahead of the reading, in pieces of some sizes, one larger than that. */
static void reads_a_large_file(void) {
  static const size_t pieces[] = {29184, 300001, (size_t)6 << 20};
  const size_t size = ((size_t)9 << 20) + 5;
  struct nm_error e = {0};
  const char *path = put("large", "", 1);
  FILE *f = fopen(path, "w");
  for (size_t i = 0; i < size; i++) {
    putc((int)(i * 2654435761u >> 13 & 0xff), f);
  }
  CHECK(fclose(f) == 0);
  char *piece = malloc(pieces[2]);
  for (size_t k = 0; k < 3; k++) {
    struct nm_source *s = NULL;
    CHECK(nm_file_source(path, NULL, &s, &e) == 0);
    for (int again = 0; again < 2; again++) {
      size_t at = 0, n = 1, wrong = 0;
      while (nm_source_read(s, piece, pieces[k], &n) == 0 && n > 0) {
        for (size_t i = 0; i < n; i++, at++) {
          wrong += (unsigned char)piece[i] != (at * 2654435761u >> 13 & 0xff);
        }
      }
      CHECK(at == size && wrong == 0 && s->error.code == 0 && nm_source_rewind(s) == 0);
    }
    nm_source_free(&s);
  }
  free(piece);
  unlink(path);
}

static void tick(int sig) {
  (void)sig;
}

static void goes_on_after_a_signal(void) {
  struct sigaction act = {.sa_handler = tick}, old;
  struct itimerval storm = {{0, 100}, {0, 100}}, calm = {{0, 0}, {0, 0}};
  CHECK(sigaction(SIGVTALRM, &act, &old) == 0 && setitimer(ITIMER_VIRTUAL, &storm, NULL) == 0);
  const char *path = put("f", "abcdef", 1);
  for (int i = 0; i < 2000; i++) {
    struct nm_source *s = NULL;
    struct nm_buf b = {.max = 10};
    CHECK(nm_file_source(path, NULL, &s, NULL) == 0 && source_read_all(s, 2, &b) == 0 && b.n == 6);
    nm_source_free(&s);
    nm_buf_free(&b);
  }
  CHECK(setitimer(ITIMER_VIRTUAL, &calm, NULL) == 0 && sigaction(SIGVTALRM, &old, NULL) == 0);
}

static void needs_memory_for_the_source_alone(void) {
  long live = nm_test_alloc_live();
  const char *path = put("f", "abc", 1);
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  nm_test_alloc_fail_at(1);
  CHECK(nm_file_source(path, NULL, &s, &e) == NM_ENOMEM && s == NULL && e.code == NM_ENOMEM);
  nm_test_alloc_fail_at(2);
  CHECK(nm_file_check(path, &e) == 0 && nm_file_source(path, NULL, &s, &e) == 0);
  char p[8];
  size_t n;
  nm_test_alloc_fail_at(1);
  CHECK(nm_source_read(s, p, sizeof p, &n) == 0 && n == 3 && nm_source_rewind(s) == 0);
  nm_test_alloc_fail_at(0);
  nm_source_free(&s);
  CHECK(nm_test_alloc_live() == live);
}

static void remove_folder(void) {
  static const char *const names[] = {"a b\xd0\xb6\n", "f",    "empty",  "fifo",   "to-fifo", "loop",
                                      "socket",        "link", "target", "secret", "sparse"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    unlink(in_folder(names[i]));
  }
  rmdir(folder);
}

int main(void) {
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 1;
  }
  alarm(120); /* a read that waits for ever is a failure, too */
  RUN(reads_a_file_and_again);
  RUN(holds_a_descriptor_only_while_it_reads);
  RUN(keeps_its_own_place);
  RUN(reads_an_empty_file);
  RUN(refuses_all_but_regular_files);
  RUN(follows_a_link_to_a_file);
  RUN(shows_the_end_of_a_long_path);
  RUN(refuses_what_may_not_be_read);
  RUN(says_when_too_many_files_are_open);
  RUN(fails_when_the_file_changes);
  RUN(never_hands_out_more_than_its_size);
  RUN(refuses_content_behind_a_size_of_zero);
  RUN(refuses_a_file_that_ends_before_its_size);
  RUN(takes_files_beyond_four_gigabytes);
  RUN(reads_a_large_file);
  RUN(goes_on_after_a_signal);
  RUN(needs_memory_for_the_source_alone);
  remove_folder();
  return ctest_end();
}
