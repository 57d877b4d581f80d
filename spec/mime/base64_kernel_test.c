#include "mime/base64_kernel.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base64.h"
#include "mime/base64_lines.h"
#include "mime/encoder.h"
#include "support/ctest.h"

/* An area of whole pages between two that may not be touched: a look beyond either end stops the program. */
struct area {
  char *p;
  size_t n, page;
};

static struct area area_new(size_t at_least) {
  struct area a = {.page = (size_t)sysconf(_SC_PAGESIZE)};
  a.n = (at_least + a.page - 1) / a.page * a.page;
  char *all = mmap(NULL, a.n + 2 * a.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED || mprotect(all + a.page, a.n, PROT_READ | PROT_WRITE) != 0) {
    printf("no memory\n");
    exit(1);
  }
  a.p = all + a.page;
  return a;
}

static void area_free(struct area *a) {
  munmap(a->p - a->page, a->n + 2 * a->page);
}

static void fill(unsigned char *p, size_t n) {
  uint32_t x = 1;
  for (size_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    p[i] = (unsigned char)(x >> 24);
  }
}

/* By the plain loop of base/base64.h. */
static void expect(char *out, const unsigned char *in, size_t lines) {
  for (size_t i = 0; i < lines; i++) {
    size_t n = nm_base64_encode(out, (const char *)in + i * NM_LINE_OCTETS, NM_LINE_OCTETS);
    memcpy(out + n, "\r\n", 2);
    out += NM_BASE64_LINE;
  }
}

/* Each kernel in turn; name is for the words of a failure. */
static void check(const unsigned char *in, char *out, size_t lines, const char *want) {
  const struct nm_base64_kernel *k = NULL;
  for (size_t i = 0; (k = nm_base64_kernel(i)) != NULL; i++) {
    memset(out, '?', lines * NM_BASE64_LINE);
    k->lines(out, in, lines);
    CHECK_ROW(memcmp(out, want, lines * NM_BASE64_LINE) == 0, k->name);
  }
}

static void the_portable_kernel_is_the_last_resort(void) {
  size_t n = 0;
  while (nm_base64_kernel(n) != NULL) {
    printf("  %s\n", nm_base64_kernel(n)->name);
    n++;
  }
  CHECK(n > 0 && nm_base64_kernel(n - 1)->lines == nm_base64_lines_portable);
  CHECK(nm_base64_kernel(n + 100) == NULL);
}

static void every_value_in_every_column(void) {
  unsigned char in[NM_LINE_OCTETS];
  char out[NM_BASE64_LINE], want[NM_BASE64_LINE];
  for (unsigned v = 0; v < 4096; v++) {
    for (size_t i = 0; i < NM_LINE_OCTETS; i += 3) {
      in[i] = (unsigned char)(v >> 4);
      in[i + 1] = (unsigned char)(v << 4 | v >> 8);
      in[i + 2] = (unsigned char)v;
    }
    expect(want, in, 1);
    check(in, out, 1, want);
  }
}

enum { LINES_MAX = 70 };

/* Both ends against a page that may not be touched, in all four ways. */
static void nothing_beyond_is_looked_at(void) {
  static char want[LINES_MAX * NM_BASE64_LINE];
  struct area in = area_new((size_t)LINES_MAX * NM_LINE_OCTETS),
              out = area_new((size_t)LINES_MAX * NM_BASE64_LINE);
  fill((unsigned char *)in.p, in.n);
  for (size_t lines = 0; lines <= LINES_MAX; lines++) {
    size_t in_n = lines * NM_LINE_OCTETS, out_n = lines * NM_BASE64_LINE;
    char *froms[] = {in.p, in.p + in.n - in_n}, *tos[] = {out.p, out.p + out.n - out_n};
    for (int i = 0; i < 4; i++) {
      const unsigned char *from = (const unsigned char *)froms[i & 1];
      expect(want, from, lines);
      check(from, tos[i >> 1], lines, want);
    }
  }
  area_free(&in);
  area_free(&out);
}

/* What stands around the output stays, and the same comes out wherever the two lie. */
static void any_alignment_will_do(void) {
  enum { LINES = 5, OUT = LINES * NM_BASE64_LINE, IN = LINES * NM_LINE_OCTETS };
  static unsigned char in[64 + IN];
  static char out[64 + OUT + 64], want[OUT];
  fill(in, sizeof in);
  for (size_t a = 0; a < 64; a++) {
    for (size_t lines = 0; lines <= LINES; lines++) {
      for (size_t b = 0; b < 64; b++) {
        memset(out, '!', sizeof out);
        expect(want, in + a, lines);
        check(in + a, out + b, lines, want);
        size_t around = 0;
        for (size_t i = 0; i < sizeof out; i++) {
          around += out[i] == '!';
        }
        CHECK(around == sizeof out - lines * NM_BASE64_LINE); /* '!' is no column */
      }
    }
  }
}

static void the_fastest_is_the_one_that_is_used(void) {
  enum { LINES = 300 };
  static unsigned char in[LINES * NM_LINE_OCTETS];
  static char out[LINES * NM_BASE64_LINE], want[LINES * NM_BASE64_LINE];
  fill(in, sizeof in);
  expect(want, in, LINES);
  nm_base64_lines(out, in, LINES);
  CHECK(memcmp(out, want, sizeof out) == 0);
  check(in, out, LINES, want);
}

int main(void) {
  RUN(the_portable_kernel_is_the_last_resort);
  RUN(every_value_in_every_column);
  RUN(nothing_beyond_is_looked_at);
  RUN(any_alignment_will_do);
  RUN(the_fastest_is_the_one_that_is_used);
  return ctest_end();
}
