#include "smtp/trace.h"

#include "base/alloc.h"
#include "support/ctest.h"

static int next_is(struct nm_trace *t, enum nm_trace_from want_from, const char *want) {
  enum nm_trace_from from;
  struct nm_str line;
  return nm_trace_next(t, &from, &line) && from == want_from && strcmp(line.p, want) == 0 &&
         line.n == strlen(want);
}

static int is_empty(struct nm_trace *t) {
  enum nm_trace_from from;
  struct nm_str line;
  return !nm_trace_next(t, &from, &line);
}

static void gives_lines_in_their_order(void) {
  struct nm_trace *t = nm_trace_new();
  CHECK(is_empty(t));
  nm_trace_add(t, NM_TRACE_CLIENT, NM_STR("EHLO a"));
  nm_trace_add(t, NM_TRACE_SERVER, NM_STR(""));
  nm_trace_addf(t, NM_TRACE_EVENT, "%d bytes", 7);
  CHECK(next_is(t, NM_TRACE_CLIENT, "EHLO a"));
  nm_trace_add(t, NM_TRACE_SERVER, NM_STR("250 ok"));
  CHECK(next_is(t, NM_TRACE_SERVER, ""));
  CHECK(next_is(t, NM_TRACE_EVENT, "7 bytes"));
  CHECK(next_is(t, NM_TRACE_SERVER, "250 ok"));
  CHECK(is_empty(t) && is_empty(t) && nm_trace_dropped(t) == 0);
  nm_trace_free(&t);
  nm_trace_free(&t);
}

static void nobody_looks(void) {
  nm_trace_add(NULL, NM_TRACE_CLIENT, NM_STR("x"));
  nm_trace_addf(NULL, NM_TRACE_CLIENT, "x");
  CHECK(is_empty(NULL) && nm_trace_dropped(NULL) == 0);
}

/* What a terminal would obey, or what would end the line, is shown instead. */
static void lines_are_fit_to_be_seen(void) {
  static const struct {
    struct nm_str line;
    const char *shown;
  } rows[] = {
      {NM_STR("250 \033[2J"), "250 \\x1B[2J"}, {NM_STR("250 a\nb\r"), "250 a\\x0Ab\\x0D"},
      {NM_STR("250 \0 x"), "250 \\x00 x"},     {NM_STR("250 \xd0\x96"), "250 \xd0\x96"},
      {NM_STR("250 \xff"), "250 \\xFF"},       {NM_STR("250 \xe2\x80\xae"), "250 \\xE2\\x80\\xAE"},
  };
  struct nm_trace *t = nm_trace_new();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    nm_trace_add(t, NM_TRACE_SERVER, rows[i].line);
    CHECK_ROW(next_is(t, NM_TRACE_SERVER, rows[i].shown), rows[i].shown);
  }
  nm_trace_free(&t);
}

static void a_long_line_is_cut(void) {
  static char line[1 << 20];
  static const char fill[] = {'a', '\033'};
  for (size_t i = 0; i < 2; i++) {
    struct nm_trace *t = nm_trace_new();
    enum nm_trace_from from;
    struct nm_str shown;
    memset(line, fill[i], sizeof line);
    nm_trace_add(t, NM_TRACE_CLIENT, nm_str(line, sizeof line));
    CHECK(nm_trace_next(t, &from, &shown) && shown.n <= NM_TRACE_LINE_MAX + 64);
    CHECK(shown.n > NM_TRACE_LINE_MAX - 64 && strstr(shown.p, " more bytes]") != NULL);
    nm_trace_free(&t);
  }
}

/* Nobody takes lines out: the first ones stay, the others are counted, and when there is room again it goes on. */
static void has_a_limit(void) {
  char line[1000];
  struct nm_trace *t = nm_trace_new();
  memset(line, 'x', sizeof line);
  size_t given = 0, taken = 0;
  for (; given < 10000; given++) {
    nm_trace_add(t, NM_TRACE_CLIENT, nm_str(line, sizeof line));
  }
  for (; taken < 10; taken++) {
    enum nm_trace_from from;
    struct nm_str got;
    CHECK(nm_trace_next(t, &from, &got) && got.n == sizeof line);
  }
  nm_trace_add(t, NM_TRACE_SERVER, NM_STR("last"));
  size_t dropped = nm_trace_dropped(t);
  CHECK(dropped > 0 && nm_trace_dropped(t) == 0);
  for (; taken < given - dropped; taken++) {
    enum nm_trace_from from;
    struct nm_str got;
    CHECK(nm_trace_next(t, &from, &got) && got.n == sizeof line && from == NM_TRACE_CLIENT);
  }
  CHECK(taken * (sizeof line + 2) <= NM_TRACE_MAX && (taken + 1) * (sizeof line + 2) > NM_TRACE_MAX);
  CHECK(next_is(t, NM_TRACE_SERVER, "last") && is_empty(t));
  nm_trace_free(&t);
}

/* For hours one in, one out, with some that wait. */
static void goes_round_and_round(void) {
  struct nm_trace *t = nm_trace_new();
  size_t in = 0, out = 0;
  for (; in < 100; in++) {
    nm_trace_addf(t, NM_TRACE_CLIENT, "%zu", in);
  }
  for (; in < 200000; in++, out++) {
    char want[32];
    snprintf(want, sizeof want, "%zu", out);
    CHECK(next_is(t, NM_TRACE_CLIENT, want));
    nm_trace_addf(t, NM_TRACE_CLIENT, "%zu", in);
  }
  CHECK(nm_trace_dropped(t) == 0);
  nm_trace_free(&t);
}

static void short_memory_costs_a_line(void) {
  for (long k = 1; k < 4; k++) {
    nm_test_alloc_fail_at(k);
    struct nm_trace *t = nm_trace_new();
    nm_trace_add(t, NM_TRACE_CLIENT, NM_STR("one"));
    nm_test_alloc_fail_at(0);
    nm_trace_add(t, NM_TRACE_CLIENT, NM_STR("two"));
    CHECK((t == NULL) == (k == 1) && nm_trace_dropped(t) == (k == 2));
    CHECK(k == 1 || next_is(t, NM_TRACE_CLIENT, k == 2 ? "two" : "one"));
    nm_trace_free(&t);
  }
}

int main(void) {
  long live = nm_test_alloc_live();
  RUN(gives_lines_in_their_order);
  RUN(nobody_looks);
  RUN(lines_are_fit_to_be_seen);
  RUN(a_long_line_is_cut);
  RUN(has_a_limit);
  RUN(goes_round_and_round);
  RUN(short_memory_costs_a_line);
  CHECK(nm_test_alloc_live() == live);
  return ctest_end();
}
