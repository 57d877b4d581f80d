/* Invariant: CRLF.CRLF stands at the end and nowhere else, unstuffing gives the normalised input, whatever the split. */
#include <assert.h>
#include <stdint.h>

#include "smtp/dot.h"
#include "smtp/undot.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What may be said of in without a lie; want: the same, normalised. */
static unsigned vouched_for(struct nm_str in, struct nm_str want) {
  int is_lines = in.n > 0 && in.p[in.n - 1] != '\r' && want.n >= in.n && memcmp(want.p, in.p, in.n) == 0;
  int has_dot = in.n > 0 && in.p[0] == '.';
  for (size_t i = 1; i < in.n; i++) {
    has_dot |= in.p[i] == '.' && in.p[i - 1] == '\n';
  }
  return !is_lines ? 0 : has_dot ? NM_VOUCHED_LINES : NM_VOUCHED_LINES | NM_VOUCHED_DOTLESS;
}

static void stuff(struct nm_str in, size_t in_piece, int stutters, size_t cap, unsigned vouched,
                  struct nm_buf *out) {
  struct nm_source *inner = odd_source(in, in_piece, stutters, NULL);
  ((struct odd_source *)inner)->vouched = vouched;
  struct nm_source *dot = wire_of(inner, NM_WIRE_DOTTED);
  assert(source_read_all(dot, cap, out) == 0 && nm_wire_ended(dot));
  nm_source_free(&dot);
  nm_source_free(&inner);
}

/* Without the dots it is the normalised input itself. */
static void check_chunks(struct nm_str in, size_t in_piece, size_t cap, unsigned vouched,
                         struct nm_str want) {
  struct nm_buf out = {.max = 1 << 24};
  struct nm_source *inner = odd_source(in, in_piece, (int)(in_piece & 1), NULL);
  ((struct odd_source *)inner)->vouched = vouched;
  struct nm_source *source = wire_of(inner, NM_WIRE_LINES);
  assert(source_read_all(source, cap, &out) == 0 && nm_str_eq(nm_buf_str(&out), want));
  nm_source_free(&source);
  nm_source_free(&inner);
  nm_buf_free(&out);
}

/* Part of it lent, part of it read, as it comes. */
static void check_lent(struct nm_str in, size_t in_piece, size_t cap, int is_dotted, unsigned vouched,
                       struct nm_str want) {
  struct nm_buf out = {.max = 1 << 24};
  struct nm_source *inner = odd_source(in, in_piece, (int)(in_piece & 2), NULL);
  struct nm_source *dot = wire_of(inner, is_dotted ? NM_WIRE_DOTTED : NM_WIRE_LINES);
  ((struct odd_source *)inner)->lends = in_piece;
  ((struct odd_source *)inner)->vouched = vouched;
  char *piece = malloc(cap);
  for (int rc = 0; rc >= 0 && !nm_wire_ended(dot);) {
    const char *p = NULL;
    size_t n = nm_wire_lend(dot, 1 + cap % 7, cap, &p);
    assert(n <= cap);
    nm_buf_add(&out, p, n);
    if (cap & 1) {
      nm_wire_look(dot, 1 + cap % 7, cap);
    }
    if (n == 0) {
      rc = nm_source_read(dot, piece, cap, &n);
      nm_buf_add(&out, piece, n);
    }
  }
  assert(nm_str_eq(nm_buf_str(&out), want));
  free(piece);
  nm_source_free(&dot);
  nm_source_free(&inner);
  nm_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) {
    return 0;
  }
  size_t in_piece = 1u + data[0];
  size_t cap = 1u + data[1];
  struct nm_str in = nm_str((const char *)data + 2, size - 2);
  struct nm_buf whole = {.max = 1 << 24}, cut = {.max = 1 << 24}, back = {.max = 1 << 24},
                want = {.max = 1 << 24};
  normalise(in, &want);
  unsigned vouched = vouched_for(in, nm_buf_str(&want));
  stuff(in, size, 0, 65536, 0, &whole);
  stuff(in, in_piece, (int)(in_piece & 1), cap, vouched, &cut);
  assert(nm_str_eq(nm_buf_str(&whole), nm_buf_str(&cut)));
  assert(undot(nm_buf_str(&whole), &back) == 0);
  assert(nm_str_eq(nm_buf_str(&back), nm_buf_str(&want)));
  for (int i = 0; i < 2; i++) {
    check_chunks(in, in_piece, cap, i == 0 ? 0 : vouched, nm_buf_str(&want));
    check_lent(in, in_piece, cap, 1, i == 0 ? 0 : vouched, nm_buf_str(&whole));
    check_lent(in, in_piece, cap, 0, i == 0 ? 0 : vouched, nm_buf_str(&want));
  }
  nm_buf_free(&whole);
  nm_buf_free(&cut);
  nm_buf_free(&back);
  nm_buf_free(&want);
  return 0;
}
