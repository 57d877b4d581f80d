#include "support/ctest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/content.h"
#include "support/sources.h"

static char path[] = "/tmp/netmail-content-XXXXXX";

static void put(const char *text, long time) {
  FILE *f = fopen(path, "w");
  CHECK(f != NULL && fwrite(text, 1, strlen(text), f) == strlen(text) && fclose(f) == 0);
  struct timespec t[2] = {{time, 0}, {time, 0}};
  CHECK(utimensat(AT_FDCWD, path, t, 0) == 0);
}

static int next_fd(void) {
  int fd = dup(0);
  close(fd);
  return fd;
}

static void copies_its_bytes(void) {
  char text[] = "a\0b";
  struct nm_content *c = NULL;
  CHECK(nm_content_memory(nm_str(text, 3), &c, NULL) == 0);
  memset(text, 'x', sizeof text);
  CHECK(nm_content_size(c) == 3 && nm_str_eq(nm_content_bytes(c), NM_STR("a\0b")));
  CHECK(nm_content_path(c).n == 0);
  nm_content_unref(&c);
  CHECK(c == NULL);
  nm_content_unref(&c);
}

static void let_go(void *what) {
  ++*(int *)what;
}

/* The bytes stay where they are, until nobody has the content any more. */
static void holds_what_its_bytes_are_in(void) {
  const char text[] = "hello";
  int times = 0;
  struct nm_held held = {&times, let_go};
  struct nm_content *c = NULL;
  struct nm_source *s = NULL;
  const char *p = NULL;
  CHECK(nm_content_held(nm_str(text, 5), &held, &c, NULL) == 0 && held.what == NULL);
  CHECK(nm_content_bytes(c).p == text && nm_content_size(c) == 5 && nm_content_path(c).n == 0);
  CHECK(nm_content_open(c, &s, NULL) == 0 && nm_source_lend(s, 1, 9, &p) == 5 && p == text);
  nm_content_unref(&c);
  CHECK(times == 0);
  nm_source_free(&s);
  CHECK(times == 1);
}

static void tells_empty_bytes_from_a_file(void) {
  struct nm_content *c = NULL;
  CHECK(nm_content_memory(nm_str(NULL, 0), &c, NULL) == 0);
  CHECK(nm_content_size(c) == 0 && nm_content_bytes(c).p != NULL && nm_content_bytes(c).n == 0);
  nm_content_unref(&c);
  put("abc", 1);
  CHECK(nm_content_file(nm_str_c(path), &c, NULL) == 0);
  CHECK(nm_content_size(c) == 3 && nm_content_bytes(c).p == NULL);
  CHECK(nm_str_eq(nm_content_path(c), nm_str_c(path)));
  nm_content_unref(&c);
}

/* Two sources at once, each at its own place, that outlive the caller's reference. */
static void opens_sources_that_keep_it_alive(void) {
  put("hello, world", 1);
  for (int is_file = 0; is_file <= 1; is_file++) {
    for (size_t cap = 1; cap < 15; cap++) {
      struct nm_content *c = NULL;
      struct nm_source *a = NULL, *b = NULL;
      struct nm_buf got_a = {.max = 100}, got_b = {.max = 100};
      char first[5];
      size_t n;
      CHECK((is_file ? nm_content_file(nm_str_c(path), &c, NULL)
                     : nm_content_memory(NM_STR("hello, world"), &c, NULL)) == 0);
      CHECK(nm_content_open(c, &a, NULL) == 0 && nm_content_open(c, &b, NULL) == 0);
      nm_content_unref(&c);
      CHECK(nm_source_size(a) == 12 && nm_source_read(a, first, 5, &n) == 0 && n == 5);
      CHECK(source_read_all(b, cap, &got_b) == 0 && nm_str_eq(nm_buf_str(&got_b), NM_STR("hello, world")));
      CHECK(source_read_all(a, cap, &got_a) == 0 && nm_str_eq(nm_buf_str(&got_a), NM_STR(", world")));
      CHECK(nm_source_rewind(a) == 0);
      nm_buf_reset(&got_a);
      CHECK(source_read_all(a, cap, &got_a) == 0 && nm_str_eq(nm_buf_str(&got_a), NM_STR("hello, world")));
      nm_source_free(&a);
      nm_source_free(&b);
      nm_buf_free(&got_a);
      nm_buf_free(&got_b);
    }
  }
}

static void refuses_paths_that_are_none(void) {
  static const struct {
    struct nm_str path;
    const char *says;
  } rows[] = {
      {NM_STR(""), "is empty"},
      {{NULL, 0}, "is empty"},
      {NM_STR("/tmp\0/x"), "NUL byte is refused, behind \"/tmp\""},
      {NM_STR("\0"), "NUL byte"},
      {NM_STR("/tmp"), "is a directory"},
      {NM_STR("/tmp/no\r\nsuch\xff"), "no\\x0D\\x0Asuch\\xFF\" cannot be read: it does not exist"},
      {NM_STR("~/x"), "does not exist"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_content *c = (struct nm_content *)&e;
    CHECK_ROW(nm_content_file(rows[i].path, &c, &e) == NM_EINVAL && c == NULL, rows[i].says);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE && strstr(e.text, rows[i].says) != NULL, e.text);
  }
}

static void looks_at_the_file_anew_for_each_source(void) {
  struct nm_content *c = NULL;
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  struct nm_buf b = {.max = 100};
  put("old", 1);
  CHECK(nm_content_file(nm_str_c(path), &c, &e) == 0);
  put("newer", 2);
  CHECK(nm_content_size(c) == 5 && nm_content_open(c, &s, &e) == 0 && nm_source_size(s) == 5);
  CHECK(source_read_all(s, 2, &b) == 0 && nm_str_eq(nm_buf_str(&b), NM_STR("newer")));
  put("other", 3);
  CHECK(nm_source_rewind(s) == 0 && source_read_all(s, 2, &b) == NM_EIO);
  CHECK_ROW(s->error.code == NM_EIO && strstr(s->error.text, "changed while it was read") != NULL,
            s->error.text);
  CHECK(nm_source_rewind(s) == NM_EIO);
  nm_source_free(&s);
  CHECK(unlink(path) == 0 && nm_content_size(c) == -1);
  CHECK(nm_content_open(c, &s, &e) == NM_EIO && s == NULL && strstr(e.text, "does not exist") != NULL);
  nm_content_unref(&c);
  nm_buf_free(&b);
}

static void takes_no_descriptor_for_ten_thousand_sources(void) {
  static struct nm_source *many[10000];
  struct nm_content *c = NULL;
  int free_fd = next_fd();
  put("abc", 1);
  CHECK(nm_content_file(nm_str_c(path), &c, NULL) == 0);
  for (size_t i = 0; i < 10000; i++) {
    CHECK(nm_content_open(c, &many[i], NULL) == 0);
  }
  for (size_t i = 0; i < 10000; i += 100) {
    struct nm_buf b = {.max = 3};
    CHECK(source_read_all(many[i], 10, &b) == 0 && b.n == 3);
    nm_buf_free(&b);
  }
  CHECK(next_fd() == free_fd);
  for (size_t i = 0; i < 10000; i++) {
    nm_source_free(&many[i]);
  }
  nm_content_unref(&c);
}

static void survives_every_failing_allocation(void) {
  long live = nm_test_alloc_live();
  put("abc", 1);
  for (long n = 1;; n++) {
    struct nm_content *a = NULL, *b = NULL, *c = NULL;
    struct nm_source *s = NULL, *t = NULL;
    struct nm_error e = {0};
    int times = 0;
    struct nm_held held = {&times, let_go};
    nm_test_alloc_fail_at(n);
    int err = nm_content_memory(NM_STR("abc"), &a, &e);
    err = err != 0 ? err : nm_content_open(a, &s, &e);
    err = err != 0 ? err : nm_content_file(nm_str_c(path), &b, &e);
    err = err != 0 ? err : nm_content_open(b, &t, &e);
    int was_reached = err == 0;
    err = err != 0 ? err : nm_content_held(NM_STR("abc"), &held, &c, &e);
    nm_test_alloc_fail_at(0);
    nm_content_unref(&c);
    CHECK(times == was_reached);
    CHECK(err == 0 || (err == NM_ENOMEM && e.code == NM_ENOMEM));
    nm_content_unref(&a);
    nm_content_unref(&b);
    nm_source_free(&s);
    nm_source_free(&t);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n == 8); /* three contents, and a source over a source for two of them: seven */
      return;
    }
  }
}

int main(void) {
  int fd = mkstemp(path);
  if (fd < 0) {
    perror(path);
    return 1;
  }
  close(fd);
  RUN(copies_its_bytes);
  RUN(holds_what_its_bytes_are_in);
  RUN(tells_empty_bytes_from_a_file);
  RUN(opens_sources_that_keep_it_alive);
  RUN(refuses_paths_that_are_none);
  RUN(looks_at_the_file_anew_for_each_source);
  RUN(takes_no_descriptor_for_ten_thousand_sources);
  RUN(survives_every_failing_allocation);
  unlink(path);
  return ctest_end();
}
