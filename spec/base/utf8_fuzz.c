/* The text is a row of characters up to the first bad byte, wherever that is found from; a character encodes back to its
   octets and none of its beginnings is one; ASCII is what has one octet a character. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static size_t encode(uint32_t cp, char *p) {
  if (cp < 0x80) {
    p[0] = (char)cp;
    return 1;
  }
  size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--) {
    p[i] = (char)(0x80 | (cp & 0x3f));
    cp >>= 6;
  }
  p[0] = (char)(0xf00u >> len | cp);
  return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, data, size);
  size_t i = 0;
  int ascii = 1;
  for (;;) {
    uint32_t cp = 0;
    char back[4];
    assert(nm_utf8_valid(nm_str(copy, i)) == i);
    assert(nm_is_ascii(nm_str(copy, i)) == ascii);
    size_t len = nm_utf8_next(copy + i, size - i, &cp);
    if (len == 0) {
      break;
    }
    assert(len <= 4 && len <= size - i && cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff));
    assert(encode(cp, back) == len && memcmp(back, copy + i, len) == 0);
    for (size_t n = 0; n < len; n++) {
      assert(nm_utf8_next(copy + i, n, NULL) == 0);
    }
    ascii = ascii && len == 1;
    i += len;
  }
  assert(nm_utf8_valid(nm_str(copy, size)) == i);
  free(copy);
  return 0;
}
