#include "mime/base64_lines.h"

#include "mime/base64_kernel.h"

#ifdef NM_BASE64_X86

static int runs_avx2(void) { /* the processor and the system, which must save the wide registers */
  return __builtin_cpu_supports("avx2") != 0;
}

static int runs_ssse3(void) {
  return __builtin_cpu_supports("ssse3") != 0;
}

#endif

static int runs_always(void) {
  return 1;
}

static const struct {
  struct nm_base64_kernel kernel;
  int (*runs)(void);
} kernels[] = {
#ifdef NM_BASE64_X86
    {{"AVX2", nm_base64_lines_avx2}, runs_avx2},
    {{"SSSE3", nm_base64_lines_ssse3}, runs_ssse3},
#endif
    {{"portable", nm_base64_lines_portable}, runs_always},
};

const struct nm_base64_kernel *nm_base64_kernel(size_t i) {
  for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
    if (kernels[k].runs()) {
      if (i == 0) {
        return &kernels[k].kernel;
      }
      i--;
    }
  }
  return NULL;
}

void nm_base64_lines(char *out, const unsigned char *p, size_t lines) {
  nm_base64_kernel(0)->lines(out, p, lines);
}
