#include "smtp/clean.h"

#include "smtp/clean_skip.h"
#include "support/ctest.h"

/* As its comment says, octet by octet. */
static size_t expected(const char *p, size_t n, int dotted) {
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r')) {
      return i;
    }
    if (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')) {
      return i;
    }
    if (dotted && p[i] == '.' && i > 0 && p[i - 1] == '\n') {
      return i;
    }
  }
  return n;
}

static int is_run(const char *p, size_t n, int dotted, size_t want) {
  const struct nm_clean_kernel *k = NULL;
  int is_right = nm_clean_run(p, n, dotted) == want;
  for (size_t i = 0; (k = nm_clean_kernel(i)) != NULL; i++) {
    is_right &= nm_clean_run_by(k, p, n, dotted) == want;
  }
  return is_right;
}

static void rows(void) {
  static const struct {
    const char *in;
    size_t lines, dotted;
  } all[] = {
      {"", 0, 0},       {"a", 1, 1},           {"\r", 0, 0},      {"\n", 0, 0},      {"\r\n", 2, 2},
      {"a\r", 1, 1},    {"a\rb\r\n", 1, 1},    {"a\nb", 1, 1},    {"\r\r\n", 0, 0},  {"a\r\n\n", 3, 3},
      {"a\r\n.", 4, 3}, {"a\r\n.b\r\n", 7, 3}, {".a.\r\n", 5, 5}, {"a\r\n..", 5, 3}, {"a\r\n\r\n.\r", 6, 5},
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    size_t n = strlen(all[i].in);
    CHECK_ROW(is_run(all[i].in, n, 0, all[i].lines), all[i].in);
    CHECK_ROW(is_run(all[i].in, n, 1, all[i].dotted), all[i].in);
  }
}

/* Each of what it may stop at, at each place of a text that is looked at in groups. */
static void stops_at_every_place(void) {
  static const char *const stops[] = {"\r", "\n", "\r\r\n", "\n\r", "\r\n.", "\r\n\n", "..", ".\r\n"};
  char text[700];
  for (size_t kind = 0; kind < sizeof stops / sizeof stops[0]; kind++) {
    size_t length = strlen(stops[kind]);
    for (size_t n = 1; n <= sizeof text; n += n < 300 ? 1 : 57) {
      for (size_t at = 0; at + length <= n; at += n < 300 ? 3 : 1) {
        for (size_t i = 0; i < n; i++) {
          text[i] = i % 30 == 28 && i + 1 < n ? '\r' : i % 30 == 29 ? '\n' : 'x';
        }
        memcpy(text + at, stops[kind], length);
        char *exact = malloc(n); /* no octet beyond is looked at */
        memcpy(exact, text, n);
        CHECK_ROW(is_run(exact, n, 1, expected(text, n, 1)), stops[kind]);
        CHECK_ROW(is_run(exact, n, 0, expected(text, n, 0)), stops[kind]);
        free(exact);
      }
    }
  }
}

int main(void) {
  RUN(rows);
  RUN(stops_at_every_place);
  return ctest_end();
}
