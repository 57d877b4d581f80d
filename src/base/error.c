#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* C1 controls and the characters that turn the direction of text or take no room: they would let an address or
   a server's line show as something else in a terminal. */
static int is_safe(uint32_t cp) {
  if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
    return 0;
  }
  return !((cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2060 && cp <= 0x2069) || cp == 0xfeff);
}

/* Copies text to out (cap bytes, with the NUL), what is unsafe as \xNN; cuts between characters. */
static void copy_printable(char *out, size_t cap, const char *text, size_t n) {
  static const char hex[] = "0123456789ABCDEF";
  size_t used = 0;
  size_t i = 0;
  while (i < n) {
    uint32_t cp = 0;
    size_t len = nm_utf8_next(text + i, n - i, &cp);
    int plain = len > 0 && is_safe(cp);
    size_t in = len > 0 ? len : 1;
    size_t need = plain ? in : 4 * in;
    if (used + need >= cap) {
      break;
    }
    for (size_t k = 0; k < in; k++) {
      unsigned char c = (unsigned char)text[i + k];
      if (plain) {
        out[used++] = (char)c;
      } else {
        out[used++] = '\\';
        out[used++] = 'x';
        out[used++] = hex[c >> 4];
        out[used++] = hex[c & 15];
      }
    }
    i += in;
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
  copy_printable(e->text, sizeof e->text, raw, len);
  return code;
}

int nm_error_nomem(struct nm_error *e) {
  return nm_error_set(e, NM_ENOMEM, NM_KIND_NONE, "out of memory");
}

const char *nm_kind_name(enum nm_kind kind) {
  static const char *const names[] = {"",     "connect", "tls",      "auth",    "sender",   "recipient",
                                      "data", "timeout", "protocol", "message", "cancelled"};
  return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "";
}
