#include "smtp/reply.h"

#include <stdint.h>
#include <string.h>

#include "base/chars.h"
#include "base/printable.h"

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
