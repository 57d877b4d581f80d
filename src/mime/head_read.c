#include "mime/head_read.h"

#include "base/chars.h"

size_t nm_line_next(struct nm_str bytes, size_t at, size_t *end_out) {
  const char *lf = at < bytes.n ? memchr(bytes.p + at, '\n', bytes.n - at) : NULL;
  size_t end = lf != NULL ? (size_t)(lf - bytes.p) : bytes.n;
  size_t next = lf != NULL ? end + 1 : end;
  if (lf != NULL && end > at && bytes.p[end - 1] == '\r') {
    end--;
  }
  if (end_out != NULL) {
    *end_out = end;
  }
  return next;
}

size_t nm_head_begin(struct nm_str bytes) {
  struct nm_str from = NM_STR("From ");
  return bytes.n >= from.n && memcmp(bytes.p, from.p, from.n) == 0 ? nm_line_next(bytes, 0, NULL) : 0;
}

/* field-name *WSP ":"   (RFC 5322 3.6.8, 4.5) */
static void split(struct nm_str line, struct nm_head_field *out) {
  size_t name = 0;
  while (name < line.n && nm_is((unsigned char)line.p[name], NM_CHAR_FTEXT)) {
    name++;
  }
  size_t colon = name;
  while (colon < line.n && nm_is_wsp(line.p[colon])) {
    colon++;
  }
  int is_field = name > 0 && colon < line.n && line.p[colon] == ':';
  out->name = nm_str(line.p, is_field ? name : 0);
  out->value = is_field ? nm_str(line.p + colon + 1, line.n - colon - 1) : line;
}

int nm_head_next(struct nm_str bytes, size_t *at, struct nm_head_field *out) {
  size_t begin = *at, end;
  size_t next = nm_line_next(bytes, begin, &end);
  if (end == begin) {
    *at = next;
    return 0;
  }
  while (next < bytes.n &&
         nm_is_wsp(bytes.p[next])) { /* folded, also where there is nothing but white space */
    next = nm_line_next(bytes, next, &end);
  }
  split(nm_str(bytes.p + begin, end - begin), out);
  out->all = nm_str(bytes.p + begin, next - begin);
  *at = next;
  return 1;
}
