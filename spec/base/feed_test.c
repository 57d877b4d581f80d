/* What stands between a producer and a reader: how often it asks, what it refuses, and how long it keeps the producer. */

#include "base/alloc.h"
#include "base/content.h"
#include "base/feed.h"
#include "support/ctest.h"
#include "support/sources.h"

static int released;

static void release(void *producer) {
  CHECK(producer == &released);
  released++;
}

static struct nm_feed *new_feed(int64_t size, int can_restart) {
  struct nm_feed *f = NULL;
  released = 0;
  CHECK(nm_feed_new(size, can_restart, &released, release, &f, NULL) == 0);
  return f;
}

static struct nm_source *open_feed(struct nm_feed *f) {
  struct nm_source *s = NULL;
  CHECK(nm_feed_open(f, &s, NULL) == 0);
  return s;
}

static void push(struct nm_feed *f, const char *text) {
  nm_feed_push(f, text, strlen(text));
}

/* Reads past each NM_AGAIN, at which the next of the chunks is pushed (NULL: the end). */
static int read_fed(struct nm_source *s, struct nm_feed *f, const char *const *chunks, size_t cap,
                    struct nm_buf *out) {
  char piece[64];
  for (;;) {
    size_t n = 0;
    int err = nm_source_read(s, piece, cap, &n);
    if (err == NM_AGAIN) {
      CHECK(n == 0 && nm_feed_wants(f));
      if (*chunks == NULL) {
        nm_feed_end(f);
      } else {
        push(f, *chunks++);
      }
      continue;
    }
    if (err < 0 || n == 0) {
      CHECK(!nm_feed_wants(f));
      return err;
    }
    nm_buf_add(out, piece, n);
  }
}

/* Every way to cut the same bytes, read in pieces of every size. */
static void gives_what_is_pushed(void) {
  static const char *const splits[][8] = {
      {"hello, world", NULL},
      {"hello", ", ", "world", NULL},
      {"", "hello", "", "", ", world", "", NULL},
      {"h", "e", "l", "l", "o", ",", " world", NULL},
  };
  for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
    for (int64_t size = -1; size <= 12; size += 13) {
      for (size_t cap = 1; cap < 14; cap++) {
        struct nm_feed *f = new_feed(size, 0);
        struct nm_source *s = open_feed(f);
        struct nm_buf got = {.max = 100};
        CHECK(nm_source_size(s) == size && nm_feed_size(f) == size);
        CHECK(!nm_feed_wants(f)); /* nobody has asked */
        CHECK(read_fed(s, f, splits[i], cap, &got) == 0);
        CHECK(nm_str_eq(nm_buf_str(&got), NM_STR("hello, world")) && nm_feed_given(f) == 12);
        CHECK(released == 1 && nm_feed_producer(f) == NULL); /* over: not asked again */
        nm_source_free(&s);
        nm_feed_unref(&f);
        CHECK(released == 1);
        nm_buf_free(&got);
      }
    }
  }
}

static void refuses_another_size_than_declared(void) {
  static const struct {
    int64_t size;
    const char *chunks[4];
    const char *says;
    const char *got;
  } rows[] = {
      {5, {"hello!", NULL}, "was to have 5 bytes has more", ""},
      {5, {"hello", "!", NULL}, "was to have 5 bytes has more", "hello"},
      {5, {"hel", NULL}, "was to have 5 bytes ended after 3", "hel"},
      {5, {NULL}, "was to have 5 bytes ended after 0", ""},
      {0, {"x", NULL}, "was to have 0 bytes has more", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int can_restart = 0; can_restart <= 1; can_restart++) {
      struct nm_feed *f = new_feed(rows[i].size, can_restart);
      struct nm_source *s = open_feed(f);
      struct nm_buf got = {.max = 100};
      CHECK_ROW(read_fed(s, f, rows[i].chunks, 64, &got) == NM_EIO, rows[i].says);
      CHECK_ROW(s->error.kind == NM_KIND_MESSAGE && strstr(s->error.text, rows[i].says) != NULL,
                s->error.text);
      CHECK_ROW(nm_str_eq(nm_buf_str(&got), nm_str_c(rows[i].got)), rows[i].says);
      CHECK(read_fed(s, f, rows[i].chunks, 64, &got) == NM_EIO); /* and says the same again */
      CHECK(released == !can_restart);
      nm_source_free(&s);
      nm_feed_unref(&f);
      nm_buf_free(&got);
    }
  }
}

static void fails_with_the_producers_words(void) {
  struct nm_feed *f = new_feed(-1, 0);
  struct nm_source *s = open_feed(f);
  struct nm_error why;
  char piece[8];
  size_t n;
  nm_error_set(&why, NM_EIO, NM_KIND_MESSAGE, "no more coffee");
  nm_feed_fail(f, &why); /* nobody has asked: not heard */
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  push(f, "abc");
  nm_feed_fail(f, &why); /* the same */
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == 0 && n == 3);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN && released == 0);
  nm_feed_fail(f, &why);
  nm_feed_end(f);
  push(f, "late");
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_EIO && n == 0 && released == 1);
  CHECK(strcmp(s->error.text, "no more coffee") == 0);
  nm_source_free(&s);
  nm_feed_unref(&f);
}

static void is_read_by_one_at_a_time_and_once(void) {
  struct nm_feed *f = new_feed(-1, 0);
  struct nm_source *s = open_feed(f), *t = NULL;
  struct nm_error e = {0};
  char piece[8];
  size_t n;
  CHECK(nm_feed_open(f, &t, &e) == NM_EINVAL && t == NULL && strstr(e.text, "is in use by a send") != NULL);
  CHECK(nm_source_rewind(s) == 0);
  nm_source_free(&s); /* nothing was asked for: it is as good as new */
  CHECK(released == 0);
  s = open_feed(f);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  CHECK(nm_source_rewind(s) == 0); /* bytes were waited for, but nobody was asked */
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  nm_source_free(&s);
  CHECK(released == 0);
  s = open_feed(f);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  nm_feed_asked(f);
  CHECK(nm_source_rewind(s) == NM_EINVAL && strstr(s->error.text, "was read already") != NULL);
  nm_source_free(&s);
  CHECK(released == 1); /* left in the middle: it will not be asked again */
  push(f, "nobody");
  CHECK(!nm_feed_wants(f));
  CHECK(nm_feed_open(f, &s, &e) == NM_EINVAL && strstr(e.text, "was read already") != NULL);
  nm_feed_unref(&f);
}

static void starts_again_where_the_producer_can(void) {
  static const char *const chunks[] = {"one", "two", NULL};
  struct nm_feed *f = new_feed(6, 1);
  struct nm_source *s = open_feed(f);
  struct nm_buf got = {.max = 100};
  char piece[2];
  size_t n;
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  push(f, "one");
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == 0 && n == 2 && nm_feed_given(f) == 3);
  CHECK(nm_source_rewind(s) == 0 && nm_feed_given(f) == 0);
  for (int i = 0; i < 2; i++) {
    nm_buf_reset(&got);
    CHECK(read_fed(s, f, chunks, 64, &got) == 0 && nm_str_eq(nm_buf_str(&got), NM_STR("onetwo")));
    nm_source_free(&s);
    s = open_feed(f);
  }
  CHECK(released == 0);
  nm_feed_unref(&f);
  CHECK(released == 0); /* the source has it */
  nm_source_free(&s);
  CHECK(released == 1);
  nm_buf_free(&got);
}

/* A large chunk does not stay in memory for small ones that follow. */
static void forgets_a_large_chunk(void) {
  size_t size = 4 << 20;
  char *large = malloc(size);
  struct nm_feed *f = new_feed(-1, 0);
  struct nm_source *s = open_feed(f);
  char piece[65536];
  size_t n, sum = 0;
  memset(large, 'x', size);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN);
  long live = nm_test_alloc_live();
  nm_feed_push(f, large, size);
  CHECK(nm_test_alloc_live() == live + 1);
  while (nm_source_read(s, piece, sizeof piece, &n) == 0) {
    sum += n;
  }
  CHECK(sum == size && nm_feed_wants(f) && nm_test_alloc_live() == live);
  nm_source_free(&s);
  nm_feed_unref(&f);
  free(large);
}

static void is_a_content(void) {
  struct nm_feed *f = new_feed(3, 0);
  struct nm_content *c = NULL;
  struct nm_source *s = NULL, *t = NULL;
  struct nm_error e = {0};
  struct nm_feed *same = f;
  CHECK(nm_content_fed(&f, &c, NULL) == 0 && f == NULL && nm_content_feed(c) == same);
  CHECK(nm_content_size(c) == 3 && nm_content_bytes(c).p == NULL && nm_content_path(c).n == 0);
  CHECK(nm_content_open(c, &s, &e) == 0 && nm_source_size(s) == 3);
  CHECK(nm_content_open(c, &t, &e) == NM_EINVAL && strstr(e.text, "in use") != NULL);
  nm_content_unref(&c);
  CHECK(released == 0);
  nm_source_free(&s);
  CHECK(released == 1);
  CHECK(nm_content_memory(NM_STR("x"), &c, NULL) == 0 && nm_content_feed(c) == NULL);
  nm_content_unref(&c);
}

static void survives_every_failing_allocation(void) {
  static const char *const chunks[] = {
      "one", "a chunk of more than sixty-four bytes, so that the buffer has to grow for it once", NULL};
  long live = nm_test_alloc_live();
  int done = 0;
  for (long n = 1; !done && n < 50; n++) {
    struct nm_feed *f = NULL;
    struct nm_content *c = NULL;
    struct nm_source *s = NULL;
    struct nm_error e = {0};
    char room[200];
    struct nm_buf got = {.max = sizeof room};
    nm_buf_room(&got, sizeof room - 1);
    released = 0;
    nm_test_alloc_fail_at(n);
    int err = nm_feed_new(-1, 0, &released, release, &f, &e);
    struct nm_feed *borrowed = f;
    err = err == 0 ? nm_content_fed(&f, &c, &e) : err;
    err = err == 0 ? nm_content_open(c, &s, &e) : err;
    if (err == 0) {
      err = read_fed(s, borrowed, chunks, sizeof room / 4, &got);
      e = s->error;
    }
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || (err == NM_ENOMEM && e.code == NM_ENOMEM));
    done = err == 0;
    nm_source_free(&s);
    nm_content_unref(&c);
    nm_buf_free(&got);
    CHECK(f == NULL && released == 1 && nm_test_alloc_live() == live);
  }
  CHECK(done);
}

int main(void) {
  RUN(gives_what_is_pushed);
  RUN(refuses_another_size_than_declared);
  RUN(fails_with_the_producers_words);
  RUN(is_read_by_one_at_a_time_and_once);
  RUN(starts_again_where_the_producer_can);
  RUN(forgets_a_large_chunk);
  RUN(is_a_content);
  RUN(survives_every_failing_allocation);
  return ctest_end();
}
