#include "mime/look.h"

#include "base/lanes.h"

#if defined(NM_LANES)
struct sums {
  nm_lanes all, nul, pairs, crs, f, lfs, escapes;
};

/* v, and each octet's one before it. */
static inline void add(struct sums *s, nm_lanes v, nm_lanes before, enum nm_look what) {
  nm_lanes lf = (nm_lanes)(v == '\n'), cr = (nm_lanes)(before == '\r');
  s->lfs -= lf;
  s->pairs |= lf ^ cr;
  s->crs |= cr;
  s->all |= v;
  s->nul |= (nm_lanes)(v == 0);
  if (what != NM_LOOK_LINES) {
    s->f |= (nm_lanes)(v == 'F') & (nm_lanes)(before == '\n');
  }
  if (what == NM_LOOK_ALL) {
    s->escapes -= ((nm_lanes)((nm_signed_lanes)v < 32) & ~(nm_lanes)(v == '\t')) | (nm_lanes)(v == 127) |
                  (nm_lanes)(v == '='); /* 128 is -128 */
  }
}

/* Less than one can be loaded at once, or the first. */
static inline void add_copy(struct sums *s, char before, const char *p, size_t n, enum nm_look what) {
  char copy[1 + NM_LANES];
  memset(copy, NM_LOOK_FILLER, sizeof copy);
  copy[0] = before;
  memcpy(copy + 1, p, n);
  add(s, nm_lanes_load(copy + 1), nm_lanes_load(copy), what);
}

static inline void look_for(struct nm_seen *seen, const char *p, size_t n, enum nm_look what) {
  struct sums s = {0};
  size_t i = n < NM_LANES ? n : NM_LANES;
  add_copy(&s, seen->before, p, i, what);
  for (; n - i >= NM_LANES; i += NM_LANES) {
    add(&s, nm_lanes_load(p + i), nm_lanes_load(p + i - 1), what);
  }
  if (i < n) {
    add_copy(&s, p[i - 1], p + i, n - i, what);
  }
  seen->lf = nm_lanes_sum(s.lfs);
  seen->escapes = nm_lanes_sum(s.escapes);
  seen->odd_pair = nm_lanes_any(s.pairs);
  seen->behind_cr = nm_lanes_any(s.crs);
  seen->high = nm_lanes_any(s.all & 0x80);
  seen->nul = nm_lanes_any(s.nul);
  seen->f = nm_lanes_any(s.f);
}

static void look(struct nm_seen *seen, const char *p, size_t n) {
  NM_LOOK_LOOPS(look_for, seen, p, n)
}
#else
static void look(struct nm_seen *seen, const char *p, size_t n) {
  char before = seen->before;
  for (size_t i = 0; i < n; before = p[i++]) {
    unsigned char c = (unsigned char)p[i];
    seen->lf += c == '\n';
    seen->odd_pair |= (c == '\n') != (before == '\r');
    seen->behind_cr |= before == '\r';
    seen->f |= c == 'F' && before == '\n';
    seen->high |= c > 127;
    seen->nul |= c == 0;
    seen->escapes += (c < 32 && c != '\t') || c > 126 || c == '=';
  }
}
#endif

const struct nm_look_kernel *nm_look_kernel(size_t i) {
  static const struct nm_look_kernel everywhere = {"everywhere", look};
#ifdef NM_LOOK_X86
  static const struct nm_look_kernel avx2 = {"AVX2", nm_look_avx2};
  if (__builtin_cpu_supports("avx2") != 0) {
    return i == 0 ? &avx2 : i == 1 ? &everywhere : NULL;
  }
#endif
  return i == 0 ? &everywhere : NULL;
}
