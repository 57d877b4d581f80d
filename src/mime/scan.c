#include "mime/scan.h"

#include <string.h>

#include "base/lanes.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mime/line.h"

static void check_utf8(struct nm_scan *s, const char *p, size_t n) {
  while (s->tail_n > 0 && n > 0) { /* the character that the last step began */
    s->tail[s->tail_n++] = (unsigned char)*p++;
    n--;
    if (nm_utf8_next((const char *)s->tail, s->tail_n, NULL) > 0) {
      s->tail_n = 0;
    } else if (s->tail_n == sizeof s->tail) {
      s->not_utf8 = 1;
      return;
    }
  }
  size_t good = nm_utf8_valid(nm_str(p, n));
  if (n - good >= sizeof s->tail) {
    s->not_utf8 = 1;
  } else if (n > good) {
    memcpy(s->tail, p + good, n - good);
    s->tail_n = n - good;
  }
}

/* mbox readers take such a line for the beginning of the next message, and some MTAs write ">From " for it. */
static void check_from(struct nm_scan *s, const char *p, size_t n) {
  static const char from[] = "From ";
  for (size_t i = 0; i < n && s->line + i < 5 && s->from == s->line + i; i++) {
    s->from += p[i] == from[s->line + i];
  }
  s->from_line |= s->from == 5;
}

static int is_escaped(unsigned char c) {
  return (c < 32 && c != '\t') || c > 126 || c == '=';
}

#if defined(NM_LANES)
/* As far as whole lanes reach. */
static size_t scan_lanes(struct nm_scan *s, const char *p, size_t n) {
  size_t i = 0;
  while (n - i >= NM_LANES) {
    nm_lanes all = {0}, escapes = {0};
    for (int k = 0; k < 255 && n - i >= NM_LANES; k++) { /* 255: what a lane can count to */
      nm_lanes v = nm_lanes_load(p + i);
      escapes -=
          (nm_lanes)((nm_signed_lanes)v < 32) | (nm_lanes)(v == 127) | (nm_lanes)(v == '='); /* 128 is -128 */
      escapes += (nm_lanes)(v == '\t');
      all |= v;
      i += NM_LANES;
    }
    s->high |= nm_lanes_any(all & 0x80);
    s->escapes += nm_lanes_sum(escapes);
  }
  return i;
}
#else
static size_t scan_lanes(struct nm_scan *s, const char *p, size_t n) {
  (void)s;
  (void)p;
  (void)n;
  return 0;
}
#endif

/* Everything but lines, whose ends are still among the escapes. */
static void scan_octets(struct nm_scan *s, const char *p, size_t n) {
  s->nul |= memchr(p, '\0', n) != NULL;
  for (size_t i = scan_lanes(s, p, n); i < n; i++) {
    unsigned char c = (unsigned char)p[i];
    s->high |= c > 127;
    s->escapes += (size_t)is_escaped(c);
  }
}

static void line_end(struct nm_scan *s, char c) {
  s->escapes--;
  s->was_crlf = c == '\n' && s->after_cr;
  if (s->was_crlf) {
    s->cr--;
    s->crlf++;
  } else if (c == '\n') {
    s->lf++;
  } else {
    s->cr++; /* until a LF follows */
  }
  s->after_cr = c == '\r';
  s->line = 0;
  s->from = 0;
}

void nm_scan_step(struct nm_scan *s, const char *p, size_t n) {
  s->bytes += n;
  if (!s->not_utf8 && !s->utf8_known) {
    check_utf8(s, p, n);
  }
  if (n > 0) {
    scan_octets(s, p, n);
  }
  struct nm_lines lines;
  nm_lines_begin(&lines, p, n);
  while (n > 0) {
    size_t run = nm_lines_next(&lines, p);
    if (run > 0) {
      if (s->line < 5) {
        check_from(s, p, run);
      }
      s->line += run;
      s->longest = s->line > s->longest ? s->line : s->longest;
      s->after_cr = 0;
    } else {
      line_end(s, *p);
      run = 1;
    }
    p += run;
    n -= run;
  }
}

void nm_scan_end(struct nm_scan *s) {
  s->not_utf8 |= s->tail_n > 0;
}

struct nm_scan nm_scan_of(const char *p, size_t n) {
  struct nm_scan s = {.utf8_known = 1};
  nm_scan_step(&s, p, n);
  nm_scan_end(&s);
  return s;
}

int nm_scan_is_7bit(const struct nm_scan *s) {
  return !s->high && nm_scan_is_8bit(s);
}

int nm_scan_is_8bit(const struct nm_scan *s) {
  return !s->nul && s->longest <= NM_SCAN_LINE_MAX;
}

int nm_scan_line_end(const struct nm_scan *s) {
  return s->bytes > 0 && s->line == 0;
}

int nm_scan_crlf_end(const struct nm_scan *s) {
  return nm_scan_line_end(s) && s->was_crlf;
}
