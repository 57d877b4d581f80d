/* What is mapped is a domain of letters, digits and hyphens with the labels of the input, ASCII ones unchanged, and U-labels that
   map to themselves; what is refused has a reason. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "base/error.h"
#include "base/idn.h"
#include "base/utf8.h"

static size_t dots_of(struct nm_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    n += s.p[i] == '.' || (s.n - i >= 3 && (memcmp(s.p + i, "\xe3\x80\x82", 3) == 0 ||
                                            memcmp(s.p + i, "\xef\xbc\x8e", 3) == 0 ||
                                            memcmp(s.p + i, "\xef\xbd\xa1", 3) == 0));
  }
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, data, size);
  struct nm_str text = nm_str(copy, size);
  struct nm_idn a, b;
  const char *why = NULL;
  int err = nm_idn_map(text, &a, &why);
  if (err != 0) {
    assert((err == NM_EINVAL || err == NM_ELIMIT) && why != NULL && why[0] != '\0');
  } else {
    assert(nm_is_domain(a.ascii) && nm_utf8_valid(a.unicode) == a.unicode.n);
    assert(dots_of(text) == dots_of(a.ascii) && dots_of(text) == dots_of(a.unicode));
    assert(nm_idn_map(a.unicode, &b, &why) == 0);
    assert(nm_str_eq(a.ascii, b.ascii) && nm_str_eq(a.unicode, b.unicode));
    assert(!nm_is_ascii(a.unicode) || nm_str_eq(a.unicode, a.ascii));
  }
  free(copy);
  return 0;
}
