#ifndef NM_SPEC_MEND_H
#define NM_SPEC_MEND_H

/* UTF-8 out of a fuzzer's bytes: what is well-formed stays, every other octet becomes the character U+0080-00FF of
   its number. */

#include <stdint.h>
#include "base/utf8.h"
#include "mime/reader.h"

static inline struct octets mend(const uint8_t *data, size_t n) {
  struct octets o = {0};
  octets_add(&o, "", 0);
  for (size_t at = 0; at < n;) {
    const char *p = (const char *)data + at;
    size_t len = nm_utf8_next(p, n - at, NULL);
    if (len > 0) {
      octets_add(&o, p, len);
      at += len;
    } else {
      char two[2] = {(char)(0xc0 | data[at] >> 6), (char)(0x80 | (data[at] & 0x3f))};
      octets_add(&o, two, 2);
      at++;
    }
  }
  return o;
}

/* What a reader of ours shows for such a text: CR, LF and NUL are U+FFFD. */
static inline struct octets shown(const struct octets *text) {
  struct octets o = {0};
  octets_add(&o, "", 0);
  for (size_t i = 0; i < text->n; i++) {
    int bad = text->p[i] == '\r' || text->p[i] == '\n' || text->p[i] == '\0';
    octets_add(&o, bad ? "\xef\xbf\xbd" : text->p + i, bad ? 3 : 1);
  }
  return o;
}

#endif
