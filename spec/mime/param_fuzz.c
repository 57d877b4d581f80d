/* Invariant: any value, also one with line ends and broken UTF-8, comes back exactly through a reader that knows RFC 2045 and
   2231 only, as the one parameter there is (with its fallback: two that agree); lines are at most 78. */

#include "mime/fold.h"
#include "mime/mend.h"
#include "mime/param.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static int is_utf8(const char *p, size_t n) {
  return nm_utf8_valid(nm_str(p, n)) == n;
}

static int any(const char *p, size_t n) {
  (void)p;
  (void)n;
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  int fallback = data[0] & 1;
  size_t lead = data[0] >> 1; /* where the line stands: up to 127, as behind a long media type */
  struct nm_str value = nm_str((const char *)data + 1, size - 1);
  int valid = is_utf8(value.p, value.n);
  struct nm_buf b = {.max = 1 << 24};
  nm_buf_add_c(&b, "X: ");
  for (size_t i = 0; i < lead && i < 70; i++) {
    nm_buf_add_byte(&b, 'x');
  }
  size_t start = b.n - 3;
  size_t col = (fallback ? nm_param_write_fallback : nm_param_write)(&b, b.n, "name", value);
  must(b.err == 0 && col < NM_FOLD_COLUMN);
  nm_fold_end(&b);
  must(field_fault(b.p, b.n, 0) == NULL);

  struct octets all = unfold(b.p, b.n);
  struct parameter a = {0};
  must(read_parameters(all.p + start, all.n - start, "name", &a, valid ? is_utf8 : any) == 0);
  must(a.plains == (fallback || a.pieces == 0));
  must(octets_are(a.pieces > 0 ? &a.extended : &a.plain, value.p, value.n));
  if (a.pieces > 0 && fallback && valid) {
    struct octets words = {0};
    must(read_text(a.plain.p, a.plain.n, 1, &words) == 0 && octets_are(&words, value.p, value.n));
    octets_free(&words);
  }
  parameter_free(&a);
  octets_free(&all);
  nm_buf_free(&b);
  return 0;
}
