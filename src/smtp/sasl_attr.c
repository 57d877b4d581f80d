#include "smtp/sasl_attr.h"

#include "base/chars.h"

/* attr-val = ALPHA "=" value ; value = 1*value-char ; value-char: UTF-8 without NUL, "=" and "," (but base64 has "=") */
int nm_attr_next(struct nm_str *rest, char *name_out, struct nm_str *value_out) {
  if (rest->n < 3 || !nm_is((unsigned char)rest->p[0], NM_CHAR_ALPHA) || rest->p[1] != '=') {
    return 0;
  }
  const char *comma = memchr(rest->p, ',', rest->n);
  size_t n = comma != NULL ? (size_t)(comma - rest->p) : rest->n;
  if (n < 3 || memchr(rest->p, '\0', n) != NULL || (comma != NULL && n + 1 == rest->n)) {
    return 0;
  }
  *name_out = rest->p[0];
  *value_out = nm_str(rest->p + 2, n - 2);
  *rest = comma != NULL ? nm_str(comma + 1, rest->n - n - 1) : nm_str(rest->p + n, 0);
  return 1;
}

/* extensions = attr-val *("," attr-val). Of optional ones we know none; a letter that has a meaning already, or comes twice,
   would let two readers of one message see different things. */
int nm_attr_extensions(struct nm_str rest) {
  uint64_t seen = 0;
  while (rest.n > 0) {
    char name;
    struct nm_str value;
    if (!nm_attr_next(&rest, &name, &value) || memchr("amnrcsivep", name, 10) != NULL) {
      return 0;
    }
    uint64_t bit = UINT64_C(1) << (name & 63);
    if ((seen & bit) != 0) {
      return 0;
    }
    seen |= bit;
  }
  return 1;
}

/* posit-number = %x31-39 *DIGIT */
uint32_t nm_attr_number(struct nm_str s) {
  uint64_t n = 0;
  if (!nm_all(s, NM_CHAR_DIGIT) || s.p[0] == '0' || s.n > 10) {
    return 0;
  }
  for (size_t i = 0; i < s.n; i++) {
    n = n * 10 + (uint64_t)(s.p[i] - '0');
  }
  return n > UINT32_MAX ? 0 : (uint32_t)n;
}
