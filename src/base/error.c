#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"

/* Copies text to out (cap bytes, with the NUL); cuts between characters. */
static void copy_printable(char *out, size_t cap, struct nm_str text) {
  size_t used = 0;
  while (text.n > 0) {
    char shown[NM_PRINTABLE_MAX];
    size_t in;
    size_t n = nm_printable(text, shown, &in);
    if (used + n >= cap) {
      break;
    }
    memcpy(out + used, shown, n);
    used += n;
    text = nm_str(text.p + in, text.n - in);
  }
  out[used] = '\0';
}

int nm_error_set(struct nm_error *e, int code, enum nm_kind kind, const char *fmt, ...) {
  if (e == NULL) {
    return code;
  }
  char raw[NM_ERROR_TEXT_MAX];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(raw, sizeof raw, fmt, args);
  va_end(args);
  size_t len = n < 0 ? 0 : (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
  e->code = code;
  e->kind = kind;
  copy_printable(e->text, sizeof e->text, nm_str(raw, len));
  return code;
}

int nm_error_nomem(struct nm_error *e) {
  return nm_error_set(e, NM_ENOMEM, NM_KIND_MESSAGE, "out of memory");
}

const char *nm_kind_name(enum nm_kind kind) {
  static const char *const names[] = {"",     "connect", "tls",      "auth",    "sender",   "recipient",
                                      "data", "timeout", "protocol", "message", "cancelled"};
  return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "";
}
