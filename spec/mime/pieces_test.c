/* The rendered message as a source: literal text and contents in their order, and contents that are fed while it is read. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/feed.h"
#include "mime/pieces.h"
#include "support/ctest.h"
#include "support/sources.h"

static const struct nm_encoding base64 = {.cte = NM_CTE_BASE64, .size = -1};

static struct nm_content *new_fed(int64_t size, int can_restart, struct nm_feed **feed_out) {
  struct nm_feed *f = NULL;
  struct nm_content *c = NULL;
  CHECK(nm_feed_new(size, can_restart, NULL, NULL, &f, NULL) == 0);
  *feed_out = f;
  CHECK(nm_content_fed(&f, &c, NULL) == 0);
  return c;
}

static struct nm_encoding base64_of(const struct nm_content *c) {
  struct nm_encoding how = base64;
  how.size = nm_encoder_base64_size(nm_content_size(c));
  return how;
}

/* text, content, text, content, text; NULL leaves one out. */
static struct nm_source *message(struct nm_content *a, struct nm_content *b) {
  struct nm_pieces *p = nm_pieces_new();
  struct nm_source *s = NULL;
  struct nm_content *contents[] = {a, b};
  nm_buf_add_c(nm_pieces_text(p), "begin\r\n");
  for (int i = 0; i < 2; i++) {
    if (contents[i] != NULL) {
      struct nm_encoding how = base64_of(contents[i]);
      CHECK(nm_pieces_content(p, contents[i], nm_content_size(contents[i]), &how, NULL) == 0);
    }
    nm_buf_add_c(nm_pieces_text(p), i == 0 ? "middle\r\n" : "end\r\n");
  }
  CHECK(nm_pieces_source(&p, &s, NULL) == 0 && p == NULL);
  return s;
}

/* Feeds the bytes to whatever waits, n at a time; at counts the bytes of each feed. */
static int read_fed(struct nm_source *s, struct nm_str bytes, size_t n, size_t cap, struct nm_buf *out) {
  char piece[256];
  for (;;) {
    size_t got = 0;
    int err = nm_source_read(s, piece, cap, &got);
    struct nm_feed *f = nm_pieces_waiting(s);
    CHECK((err == NM_AGAIN) == (f != NULL) || got > 0); /* what was before it comes first */
    if (err < 0 || (err == 0 && got == 0)) {
      return err;
    }
    nm_buf_add(out, piece, got);
    if (err == NM_AGAIN) {
      size_t at = (size_t)nm_feed_given(f);
      size_t left = bytes.n - at < n ? bytes.n - at : n;
      if (left == 0) {
        nm_feed_end(f);
      } else {
        nm_feed_push(f, bytes.p + at, left);
      }
    }
  }
}

#define ENCODED "aGVsbG8sIHdvcmxk\r\n"

static void waits_for_what_is_fed(void) {
  static const struct nm_str bytes = NM_STR("hello, world");
  for (int64_t size = -1; size <= 12; size += 13) {
    for (size_t n = 1; n <= 12; n++) {
      for (size_t cap = 1; cap < 80; cap += cap < 5 ? 1 : 37) {
        struct nm_feed *f = NULL, *g = NULL;
        struct nm_content *a = new_fed(size, 0, &f), *b = new_fed(size, 1, &g);
        struct nm_source *s = message(a, b);
        struct nm_buf got = {.max = 1000};
        CHECK(nm_source_size(s) == (size < 0 ? -1 : 7 + 18 + 8 + 18 + 5));
        CHECK(nm_pieces_waiting(s) == NULL); /* not asked yet */
        CHECK(read_fed(s, bytes, n, cap, &got) == 0);
        CHECK(nm_str_eq(nm_buf_str(&got), NM_STR("begin\r\n" ENCODED "middle\r\n" ENCODED "end\r\n")));
        CHECK(nm_source_size(s) == -1 || nm_source_size(s) == (int64_t)got.n);
        nm_source_free(&s);
        nm_content_unref(&a);
        nm_content_unref(&b);
        nm_buf_free(&got);
      }
    }
  }
}

static void says_which_one_waits(void) {
  struct nm_feed *f = NULL, *g = NULL;
  struct nm_content *a = new_fed(-1, 0, &f), *b = new_fed(-1, 0, &g);
  struct nm_source *s = message(a, b);
  char piece[64];
  size_t n;
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == 0 && n == 7);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN && nm_pieces_waiting(s) == f);
  CHECK(!nm_feed_wants(g));
  nm_feed_end(f);
  CHECK(nm_pieces_waiting(s) == NULL);
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == 0 && n == 8); /* an empty content is no byte */
  CHECK(nm_source_read(s, piece, sizeof piece, &n) == NM_AGAIN && nm_pieces_waiting(s) == g);
  nm_source_free(&s);
  struct nm_source *other = nm_source_memory(NM_STR("x"));
  CHECK(nm_pieces_waiting(other) == NULL);
  nm_source_free(&other);
  nm_content_unref(&a);
  nm_content_unref(&b);
}

static void keeps_others_from_what_it_will_read(void) {
  struct nm_feed *f = NULL;
  struct nm_content *c = new_fed(-1, 0, &f);
  struct nm_error e = {0};
  struct nm_source *s = message(NULL, c); /* it stands second: nothing of it is read yet */
  struct nm_source *t = NULL;
  CHECK(nm_content_open(c, &t, &e) == NM_EINVAL && strstr(e.text, "in use") != NULL);
  struct nm_pieces *p = nm_pieces_new();
  CHECK(nm_pieces_content(p, c, -1, &base64, &e) == NM_EINVAL && strstr(e.text, "in use") != NULL);
  nm_pieces_free(&p);
  nm_source_free(&s); /* unread: free for the next */
  s = message(c, NULL);
  CHECK(s != NULL);
  nm_source_free(&s);
  nm_content_unref(&c);
}

static void rewinds_as_far_as_its_contents_do(void) {
  static const struct nm_str bytes = NM_STR("hello, world");
  struct nm_feed *f = NULL, *g = NULL;
  struct nm_content *again = new_fed(12, 1, &f), *once = new_fed(12, 0, &g);
  struct nm_source *s = message(again, NULL);
  struct nm_buf got = {.max = 1000};
  char piece[10];
  size_t n;
  for (int i = 0; i < 3; i++) { /* from the middle, then from the end */
    CHECK(nm_source_read(s, piece, sizeof piece, &n) == 0 && nm_source_rewind(s) == 0);
    nm_buf_reset(&got);
    CHECK(read_fed(s, bytes, 5, 30, &got) == 0);
    CHECK(nm_str_eq(nm_buf_str(&got), NM_STR("begin\r\n" ENCODED "middle\r\nend\r\n")));
    CHECK(nm_source_rewind(s) == 0);
  }
  nm_source_free(&s);
  s = message(once, again);
  CHECK(nm_source_read(s, piece, 7, &n) == 0 && nm_source_rewind(s) == 0); /* not asked for a byte yet */
  CHECK(nm_source_read(s, piece, 7, &n) == 0 && nm_source_read(s, piece, 7, &n) == NM_AGAIN);
  nm_feed_asked(nm_pieces_waiting(s));
  CHECK(nm_source_rewind(s) == NM_EINVAL && strstr(s->error.text, "was read already") != NULL);
  CHECK(nm_source_read(s, piece, 7, &n) == NM_EINVAL);
  nm_source_free(&s);
  nm_content_unref(&again);
  nm_content_unref(&once);
  nm_buf_free(&got);
}

static void fails_with_its_content(void) {
  struct nm_feed *f = NULL;
  struct nm_content *c = new_fed(5, 0, &f);
  struct nm_source *s = message(c, NULL);
  struct nm_buf got = {.max = 1000};
  CHECK(read_fed(s, NM_STR("abc"), 3, 64, &got) == NM_EIO);
  CHECK(s->error.kind == NM_KIND_MESSAGE && strstr(s->error.text, "ended after 3") != NULL);
  CHECK(nm_str_eq(nm_buf_str(&got), NM_STR("begin\r\n"))); /* the unfinished line of base64 is not said */
  nm_source_free(&s);
  nm_content_unref(&c);
  nm_buf_free(&got);
}

/* Of content, what the source says of it, and whether that is so. Reads pieces of many sizes. */
static void check_vouched(struct nm_content *c, const struct nm_encoding *how, int64_t raw_size,
                          unsigned want, const char *name) {
  struct nm_pieces *made = nm_pieces_new();
  struct nm_source *s = NULL;
  struct nm_error e = {0};
  struct nm_buf got = {.max = 1 << 20};
  char piece[5000];
  int rc = 0;
  nm_buf_add_c(nm_pieces_text(made), "begin\n.\n");
  CHECK_ROW(nm_pieces_content(made, c, raw_size, how, &e) == 0, name);
  nm_buf_add_c(nm_pieces_text(made), ".\r");
  CHECK_ROW(nm_pieces_source(&made, &s, &e) == 0, name);
  for (size_t n = 1, i = 1; rc == 0 && n > 0; i = i * 7 % 4999) {
    unsigned vouched = nm_source_vouches(s);
    rc = nm_source_read(s, piece, 1 + i, &n);
    CHECK_ROW(vouched == 0 || vouched == want, name);
    nm_buf_add(&got, piece, vouched != 0 ? n : 0);
  }
  CHECK_ROW(rc == 0 && (want != 0 ? (int64_t)got.n == how->size : got.n == 0), name);
  for (size_t i = 0; i < got.n; i++) {
    char before = i > 0 ? got.p[i - 1] : '\n';
    CHECK_ROW(i == 0 || (got.p[i] == '\n') == (before == '\r'), name);
    CHECK_ROW((want & NM_VOUCHED_DOTLESS) == 0 || got.p[i] != '.' || before != '\n', name);
  }
  CHECK_ROW(got.n == 0 || got.p[got.n - 1] != '\r', name);
  nm_source_free(&s);
  nm_buf_free(&got);
}

static void vouches_for_what_it_knows(void) {
  enum { LINES = NM_VOUCHED_LINES, BOTH = NM_VOUCHED_LINES | NM_VOUCHED_DOTLESS };
  static const struct {
    const char *name, *line;
    enum nm_cte forced;
    int text;
    unsigned want;
  } rows[] = {
      {"text", ".dots\nand \r\rlines\r\n\n", NM_CTE_7BIT, 1, LINES},
      {"text as it is", ".dots\r\nand lines\r\n\r\n", NM_CTE_7BIT, 1, LINES},
      {"8bit", ".d\xc3\xb6ts\nand\rlines\n", NM_CTE_8BIT, 1, LINES},
      {"quoted-printable", ".dots =\xc3\nand \rlines\n", NM_CTE_QP, 1, LINES},
      {"quoted-printable octets", ".dots\r\nand \r\nlines", NM_CTE_QP, 0, LINES},
      {"base64", ".dots\nand\0 \rlines\n", NM_CTE_BASE64, 0, BOTH},
      {"base64 of a text", ".dots\nand \rlines\n", NM_CTE_BASE64, 1, BOTH},
      {"binary", ".dots\nand \rlines\n", NM_CTE_BINARY, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf bytes = {.max = 1 << 20};
    struct nm_cte_wish wish = {
        .is_forced = 1, .forced = rows[i].forced, .allowed = NM_ALLOW_8BIT | NM_ALLOW_BINARY};
    struct nm_encoding how;
    struct nm_scan scan;
    struct nm_error e = {0};
    struct nm_content *c = NULL;
    while (bytes.n < 50000) {
      nm_buf_add_c(&bytes, rows[i].line);
    }
    CHECK_ROW(nm_encoding_choose_bytes(nm_buf_str(&bytes), rows[i].text, &wish, &scan, &how, &e) == 0,
              rows[i].name);
    CHECK_ROW(how.cte == rows[i].forced, rows[i].name);
    CHECK_ROW(nm_content_memory(nm_buf_str(&bytes), &c, &e) == 0, rows[i].name);
    check_vouched(c, &how, (int64_t)bytes.n, rows[i].want, rows[i].name);
    nm_content_unref(&c);
    nm_buf_free(&bytes);
  }
}

/* A small content is read with what stands around it; what a file is now nobody knows before it is read. */
static void does_not_vouch_for_others(void) {
  char path[] = "/tmp/pieces_test.XXXXXX", line[] = "a line\r\n";
  struct nm_encoding how = {.cte = NM_CTE_7BIT, .text = 1, .as_is = 1};
  struct nm_content *c = NULL;
  struct nm_error e = {0};
  int fd = mkstemp(path);
  FILE *file = fdopen(fd, "w");
  for (; how.size < 50000; how.size += 8) {
    fputs(line, file);
  }
  fclose(file);
  CHECK(nm_content_file(nm_str_c(path), &c, &e) == 0);
  check_vouched(c, &how, how.size, 0, "a file as it is");
  nm_content_unref(&c);
  unlink(path);
  CHECK(nm_content_memory(nm_str_c(line), &c, &e) == 0);
  how.size = 8;
  check_vouched(c, &how, 8, 0, "a small content");
  nm_content_unref(&c);
}

/* What is in memory and goes as it is is lent, from where it lies; all else is read. So is what others have too, as the tail. */
static void lends_what_needs_no_other_form(void) {
  static char bytes[NM_LEND_MIN + 100];
  const struct nm_encoding as_is = {.cte = NM_CTE_7BIT, .text = 1, .size = sizeof bytes, .as_is = 1};
  struct nm_encoding converted = as_is;
  converted.as_is = 0;
  for (int way = 0; way < 4; way++) {
    int lends = way & 1, is_tail = way & 2;
    struct nm_content *c = NULL;
    struct nm_error e = {0};
    struct nm_source *s = NULL;
    struct nm_buf got = {.max = 2 * sizeof bytes};
    const char *p = NULL;
    for (size_t i = 0; i < sizeof bytes; i++) {
      bytes[i] = "xxxxxxxxxxxx\r\nx"[i % 15];
    }
    bytes[sizeof bytes - 1] = 'x';
    CHECK(nm_content_memory(nm_str(bytes, sizeof bytes), &c, &e) == 0);
    struct nm_pieces *made = nm_pieces_new(), *tail = is_tail ? nm_pieces_new() : NULL;
    struct nm_pieces *behind = is_tail ? tail : made;
    nm_buf_add_c(nm_pieces_text(made), "begin\r\n");
    CHECK(nm_pieces_content(behind, c, sizeof bytes, lends ? &as_is : &converted, &e) == 0);
    nm_buf_add_c(nm_pieces_text(behind), "\r\nend\r\n");
    CHECK(!is_tail || (nm_pieces_end(tail, &e) == 0 && nm_pieces_join(made, tail, &e) == 0));
    nm_pieces_free(&tail);
    CHECK(nm_pieces_source(&made, &s, &e) == 0);
    for (int again = 0; again < 2; again++) {
      char begin[200];
      size_t n = 0;
      CHECK(nm_source_lend(s, NM_LEND_MIN, SIZE_MAX, &p) == 0); /* too short */
      CHECK(nm_source_lend(s, 1, 3, &p) == 3 && memcmp(p, "beg", 3) == 0);
      CHECK(nm_source_read(s, begin, sizeof begin, &n) == 0 && n == 4);
      CHECK(nm_source_vouches(s) == NM_VOUCHED_LINES);
      n = nm_source_lend(s, NM_LEND_MIN, NM_LEND_MIN + 10, &p);
      CHECK(n == (lends ? NM_LEND_MIN + 10 : 0));
      CHECK(!lends || p == nm_content_bytes(c).p);
      CHECK(nm_source_lend(s, NM_LEND_MIN, SIZE_MAX, &p) == 0);
      nm_buf_reset(&got);
      CHECK(source_read_all(s, 64, &got) == 0 && got.n == (lends ? 97 : sizeof bytes + 7));
      CHECK(nm_source_vouches(s) == 0);
      CHECK(memcmp(got.p + got.n - 8, "x\r\nend\r\n", 8) == 0);
      CHECK(nm_source_rewind(s) == 0);
    }
    nm_source_free(&s);
    nm_content_unref(&c);
    nm_buf_free(&got);
  }
}

static void survives_every_failing_allocation(void) {
  long live = nm_test_alloc_live();
  int done = 0;
  for (long n = 1; !done && n < 50; n++) {
    struct nm_feed *f = NULL;
    struct nm_content *c = new_fed(-1, 0, &f);
    struct nm_source *s = NULL;
    struct nm_error e = {0};
    char piece[64];
    size_t got = 0;
    nm_test_alloc_fail_at(n);
    struct nm_pieces *p = nm_pieces_new();
    int err = p != NULL ? 0 : nm_error_nomem(&e);
    if (err == 0) {
      nm_buf_add_c(nm_pieces_text(p), "begin\r\n");
      err = nm_pieces_content(p, c, -1, &base64, &e);
    }
    err = err == 0 ? nm_pieces_source(&p, &s, &e) : err;
    while (err == 0) {
      err = nm_source_read(s, piece, sizeof piece, &got);
      e = s->error;
    }
    nm_test_alloc_fail_at(0);
    CHECK(err == NM_AGAIN || (err == NM_ENOMEM && e.code == NM_ENOMEM));
    done = err == NM_AGAIN;
    nm_pieces_free(&p);
    nm_source_free(&s);
    nm_content_unref(&c);
    CHECK(nm_test_alloc_live() == live);
  }
  CHECK(done);
}

/* What was recycled writes the next message as a new one would, and again, whatever the one before was made of. */
static void a_recycled_one_is_empty(void) {
  struct nm_content *a = NULL;
  struct nm_pieces *spare = NULL, *tail = nm_pieces_new();
  CHECK(nm_content_memory(NM_STR("abcd"), &a, NULL) == 0);
  nm_buf_add_c(nm_pieces_text(tail), "tail");
  CHECK(nm_pieces_content(tail, a, 4, &(struct nm_encoding){.cte = NM_CTE_7BIT, .size = 4}, NULL) == 0);
  CHECK(nm_pieces_end(tail, NULL) == 0);
  for (int i = 0; i < 6; i++) {
    struct nm_pieces *p = spare != NULL ? spare : nm_pieces_new();
    struct nm_source *s = NULL;
    struct nm_buf got = {.max = 1000};
    spare = NULL;
    nm_buf_add_c(nm_pieces_text(p), "text");
    if (i % 3 == 0) {
      struct nm_encoding how = base64_of(a);
      CHECK(nm_pieces_content(p, a, 4, &how, NULL) == 0);
    }
    CHECK(i % 3 != 1 || nm_pieces_join(p, tail, NULL) == 0);
    CHECK(nm_pieces_source(&p, &s, NULL) == 0);
    CHECK(read_fed(s, NM_STR(""), 0, 3, &got) == 0);
    const char *want = i % 3 == 0 ? "textYWJjZA==\r\n" : i % 3 == 1 ? "texttailabcd" : "text";
    CHECK_ROW(nm_str_eq(nm_buf_str(&got), nm_str_c(want)) && nm_source_size(s) == (int64_t)got.n, want);
    nm_pieces_recycle(&s, &spare);
    CHECK(s == NULL && spare != NULL);
    nm_buf_free(&got);
  }
  nm_pieces_free(&spare);
  nm_pieces_free(&tail);
  nm_content_unref(&a);
}

static void what_is_large_or_others_too_is_not_recycled(void) {
  struct nm_pieces *p = nm_pieces_new(), *spare = NULL, *kept = nm_pieces_ref(p);
  struct nm_source *s = NULL;
  CHECK(nm_pieces_source(&p, &s, NULL) == 0);
  nm_pieces_recycle(&s, &spare);
  CHECK(s == NULL && spare == NULL);
  nm_pieces_free(&kept);
  p = nm_pieces_new();
  CHECK(nm_buf_room(nm_pieces_text(p), 100000) != NULL && nm_pieces_source(&p, &s, NULL) == 0);
  nm_pieces_recycle(&s, &spare);
  CHECK(s == NULL && spare == NULL);
  nm_pieces_recycle(&s, &spare);
  CHECK(spare == NULL && nm_test_alloc_live() == 0);
}

int main(void) {
  RUN(waits_for_what_is_fed);
  RUN(says_which_one_waits);
  RUN(keeps_others_from_what_it_will_read);
  RUN(rewinds_as_far_as_its_contents_do);
  RUN(fails_with_its_content);
  RUN(lends_what_needs_no_other_form);
  RUN(vouches_for_what_it_knows);
  RUN(does_not_vouch_for_others);
  RUN(survives_every_failing_allocation);
  RUN(a_recycled_one_is_empty);
  RUN(what_is_large_or_others_too_is_not_recycled);
  return ctest_end();
}
