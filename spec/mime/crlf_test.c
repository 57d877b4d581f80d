#include "mime/crlf.h"

#include <stdlib.h>

#include "base/str.h"
#include "support/ctest.h"

static const struct {
  struct nm_str in, out;
} rows[] = {
    {NM_STR(""), NM_STR("")},
    {NM_STR("a"), NM_STR("a")},
    {NM_STR("\n"), NM_STR("\r\n")},
    {NM_STR("\r"), NM_STR("\r\n")},
    {NM_STR("\r\n"), NM_STR("\r\n")},
    {NM_STR("\n\r"), NM_STR("\r\n\r\n")},
    {NM_STR("\r\r\n\n"), NM_STR("\r\n\r\n\r\n")},
    {NM_STR("a\r\nb\nc\rd\0\x80\xff"), NM_STR("a\r\nb\r\nc\r\nd\0\x80\xff")},
};

/* Blocks of the exact size: what is read or written beyond them is caught. */
static void check(struct nm_str in, struct nm_str want, const char *row) {
  const struct nm_crlf_kernel *k = NULL;
  for (size_t i = 0; (k = nm_crlf_kernel(i)) != NULL; i++) {
    char *from = malloc(in.n > 0 ? in.n : 1), *to = malloc(want.n > 0 ? want.n : 1);
    memcpy(from, in.p, in.n);
    CHECK_ROW(k->write(to, from, in.n) == want.n && memcmp(to, want.p, want.n) == 0, row);
    free(from);
    free(to);
  }
}

static void ends_each_line_in_crlf(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    check(rows[i].in, rows[i].out, rows[i].in.p);
  }
}

/* Each row behind and before lines of all lengths that registers have. */
static void does_so_at_any_place(void) {
  char in[300], want[300];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t before = 0; before < 100; before++) {
      for (size_t after = 0; after < 100; after += 1 + before % 7) {
        memset(in, 'x', sizeof in);
        memset(want, 'x', sizeof want);
        memcpy(in + before, rows[i].in.p, rows[i].in.n);
        memcpy(want + before, rows[i].out.p, rows[i].out.n);
        check(nm_str(in, before + rows[i].in.n + after), nm_str(want, before + rows[i].out.n + after),
              rows[i].in.p);
      }
    }
  }
}

int main(void) {
  RUN(ends_each_line_in_crlf);
  RUN(does_so_at_any_place);
  return ctest_end();
}
