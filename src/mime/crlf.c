#include "mime/crlf.h"

#include "base/lanes.h"

NM_CRLF_INLINE size_t put_line(char *out, const char *p, size_t n) {
  size_t at = 0;
#if defined(NM_LANES)
  for (; n - at >= NM_LANES; at += NM_LANES) {
    nm_lanes v = nm_lanes_load(p + at);
    nm_lanes_store(out + at, v);
    nm_lanes ends = (nm_lanes)(v == '\n') | (nm_lanes)(v == '\r');
    if (nm_lanes_any(ends)) {
      return at + nm_lanes_first(ends);
    }
  }
#endif
  return nm_crlf_rest(out, p, n, at);
}

static size_t write(char *out, const char *p, size_t n) {
  return nm_crlf_lines(out, p, n, put_line);
}

const struct nm_crlf_kernel *nm_crlf_kernel(size_t i) {
  static const struct nm_crlf_kernel everywhere = {"everywhere", write};
#ifdef NM_CRLF_X86
  static const struct nm_crlf_kernel avx2 = {"AVX2", nm_crlf_avx2};
  if (__builtin_cpu_supports("avx2") != 0) {
    return i == 0 ? &avx2 : i == 1 ? &everywhere : NULL;
  }
#endif
  return i == 0 ? &everywhere : NULL;
}
