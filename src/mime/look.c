#include "mime/look.h"

#include "base/lanes.h"

#if defined(NM_LANES)
static inline void look_for(struct nm_seen *seen, const char *p, size_t n, int lines_only) {
  nm_lanes all = {0}, nul = {0}, pairs = {0}, crs = {0}, f = {0}, lfs = {0}, escapes = {0};
  for (size_t i = 0; i < n; i += NM_LANES) {
    nm_lanes v = nm_lanes_load(p + i), before = nm_lanes_load(p + i - 1);
    nm_lanes lf = (nm_lanes)(v == '\n'), cr = (nm_lanes)(before == '\r');
    lfs -= lf;
    pairs |= lf ^ cr;
    crs |= cr;
    all |= v;
    nul |= (nm_lanes)(v == 0);
    if (lines_only) {
      continue;
    }
    f |= (nm_lanes)(v == 'F') & (nm_lanes)(before == '\n');
    escapes -= ((nm_lanes)((nm_signed_lanes)v < 32) & ~(nm_lanes)(v == '\t')) | (nm_lanes)(v == 127) |
               (nm_lanes)(v == '='); /* 128 is -128 */
  }
  seen->lf = nm_lanes_sum(lfs);
  seen->escapes = nm_lanes_sum(escapes);
  seen->odd_pair = nm_lanes_any(pairs);
  seen->behind_cr = nm_lanes_any(crs);
  seen->high = nm_lanes_any(all & 0x80);
  seen->nul = nm_lanes_any(nul);
  seen->f = nm_lanes_any(f);
}

static void look(struct nm_seen *seen, const char *p, size_t n) {
  if (seen->lines_only) { /* two loops, each with what it needs */
    look_for(seen, p, n, 1);
  } else {
    look_for(seen, p, n, 0);
  }
}
#else
static void look(struct nm_seen *seen, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)p[i];
    char before = *(p + i - 1);
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
