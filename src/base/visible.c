#include "base/visible.h"

#include <stddef.h>

struct range {
  uint32_t first;
  uint32_t last;
};

static int in(const struct range *ranges, size_t n, uint32_t cp) {
  for (size_t i = 0; i < n; i++) {
    if (cp >= ranges[i].first && cp <= ranges[i].last) {
      return 1;
    }
  }
  return 0;
}

int nm_is_invisible(uint32_t cp) {
  static const struct range ranges[] = {
      {0x80, 0xa0},       {0xad, 0xad},      {0x34f, 0x34f},   {0x61c, 0x61c},   {0x115f, 0x1160},
      {0x1680, 0x1680},   {0x17b4, 0x17b5},  {0x180b, 0x180f}, {0x2000, 0x200f}, {0x2028, 0x202f},
      {0x205f, 0x206f},   {0x2800, 0x2800},  {0x3000, 0x3000}, {0x3164, 0x3164}, {0xfdd0, 0xfdef},
      {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},  {0xffa0, 0xffa0}, {0xfff0, 0xffff}, {0x1bca0, 0x1bca3},
      {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  return in(ranges, sizeof ranges / sizeof ranges[0], cp) || (cp & 0xfffe) == 0xfffe;
}

int nm_is_ascii_form(uint32_t cp) {
  static const struct range ranges[] = {
      {0x2024, 0x2026}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff01, 0xff5e}};
  return in(ranges, sizeof ranges / sizeof ranges[0], cp);
}
