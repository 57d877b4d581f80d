#include "smtp/reply.h"

#include <stdint.h>
#include <string.h>

#include "base/chars.h"
#include "base/printable.h"

void nm_reply_free(struct nm_reply *r) {
  nm_buf_free(&r->text);
  *r = (struct nm_reply){0};
}

int nm_reply_copy(struct nm_reply *to, const struct nm_reply *from) {
  to->code = from->code;
  memcpy(to->enhanced, from->enhanced, sizeof to->enhanced);
  to->text.max = NM_REPLY_MAX;
  nm_buf_reset(&to->text);
  nm_buf_add_str(&to->text, nm_buf_str(&from->text));
  return to->text.err;
}

/* 1*3DIGIT at *i; -1: there is none. */
static int number(struct nm_str s, size_t *i) {
  size_t end = s.n - *i < 3 ? s.n : *i + 3, start = *i;
  int value = 0;
  while (*i < end && nm_is((unsigned char)s.p[*i], NM_CHAR_DIGIT)) {
    value = value * 10 + (s.p[(*i)++] - '0');
  }
  return *i > start ? value : -1;
}

/* RFC 3463 2: status-code = class "." subject "." detail; class = "2" / "4" / "5"; subject = 1*3DIGIT;
   detail = 1*3DIGIT. RFC 2034 4: one SP follows it, and its class is the reply code's first digit. */
size_t nm_reply_enhanced(struct nm_str line, int reply_class, int enhanced_out[3]) {
  size_t i = 2;
  int is_begun = line.n > 4 && line.p[0] == '0' + reply_class && line.p[1] == '.' && reply_class != 3;
  int subject = is_begun ? number(line, &i) : -1;
  if (subject < 0 || i == line.n || line.p[i++] != '.') {
    return 0;
  }
  int detail = number(line, &i);
  if (detail < 0 || (i < line.n && line.p[i] != ' ')) {
    return 0;
  }
  enhanced_out[0] = reply_class;
  enhanced_out[1] = subject;
  enhanced_out[2] = detail;
  return i;
}

int nm_reply_next_line(struct nm_str *rest, struct nm_str *line_out) {
  if (rest->p == NULL) {
    return 0;
  }
  const char *lf = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
  if (lf == NULL) {
    *line_out = *rest;
    *rest = nm_str(NULL, 0);
  } else {
    size_t n = (size_t)(lf - rest->p);
    *line_out = nm_str(rest->p, n);
    *rest = nm_str(lf + 1, rest->n - n - 1);
  }
  return 1;
}

void nm_reply_print(const struct nm_reply *r, struct nm_buf *out) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  int is_first = 1;
  nm_buf_addf(out, "%d", r->code);
  while (nm_reply_next_line(&rest, &line)) {
    int repeated[3];
    size_t code_n = is_first ? 0 : nm_reply_enhanced(line, nm_reply_class(r), repeated);
    if (code_n > 0 && memcmp(repeated, r->enhanced, sizeof repeated) == 0) {
      /* said once is enough */
      size_t skip = code_n < line.n ? code_n + 1 : code_n;
      line = nm_str(line.p + skip, line.n - skip);
    }
    is_first = 0;
    if (line.n > 0) {
      nm_buf_add_byte(out, ' ');
      nm_printable_add(out, line);
    }
  }
}

int nm_reply_error(const struct nm_reply *r, int code, enum nm_kind kind, const char *what,
                   struct nm_error *e) {
  struct nm_buf line = {.max = NM_ERROR_TEXT_MAX};
  nm_reply_print(r, &line);
  if (line.n > 0) {
    nm_error_set(e, code, kind, "%s: %s", what, line.p);
  } else {
    nm_error_set(e, code, kind, "%s: %d", what, r->code);
  }
  nm_buf_free(&line);
  return code;
}
