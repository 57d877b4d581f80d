#include "mime/html_attributes.h"

#include "base/chars.h"
#include "mime/html_scan.h"

static void note_first(struct nm_str *to, struct nm_str value) {
  if (to->p == NULL) {
    *to = value.p != NULL ? value : nm_str("", 0);
  }
}

void nm_html_attributes_read(struct nm_html_attributes *a, struct nm_str all) {
  const struct {
    const char *name;
    struct nm_str *to;
  } known[] = {{"href", &a->href},   {"alt", &a->alt},     {"type", &a->type},
               {"start", &a->start}, {"value", &a->value}, {"style", &a->style}};
  struct nm_html_attribute attribute;
  size_t at = 0;
  while (nm_html_attribute_next(all, &at, &attribute)) {
    a->is_hidden = a->is_hidden || nm_str_ieq(attribute.name, NM_STR("hidden"));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
      if (nm_str_ieq(attribute.name, nm_str_c(known[i].name))) {
        note_first(known[i].to, attribute.value);
      }
    }
  }
}

/* [white space] ["-" / "+"] 1*DIGIT (WHATWG HTML 2.3.4.1); what follows is ignored. */
long nm_html_integer(struct nm_str s, long otherwise) {
  size_t at = 0, sign = 0;
  long n = 0;
  while (at < s.n && nm_html_is_space(s.p[at])) {
    at++;
  }
  sign = at < s.n && (s.p[at] == '-' || s.p[at] == '+');
  int minus = sign && s.p[at] == '-';
  size_t first = at + sign;
  for (at = first; at < s.n && at < first + 9 && nm_is((unsigned char)s.p[at], NM_CHAR_DIGIT); at++) {
    n = n * 10 + (s.p[at] - '0');
  }
  return at == first ? otherwise : minus ? -n : n;
}
