#include "mime/scan.h"

#include <string.h>

#include "base/lanes.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mime/line.h"

#define FROM "From "
#define FROM_N (sizeof FROM - 1)
/* Octets that are taken one by one before a block is tried again. */
#define BIT ((size_t)16)

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
  for (size_t i = 0; i < n && s->line + i < FROM_N && s->from == s->line + i; i++) {
    s->from += p[i] == FROM[s->line + i];
  }
  s->from_line |= s->from == FROM_N;
}

static int is_escaped(unsigned char c) {
  return (c < 32 && c != '\t') || c > 126 || c == '=';
}

/* Everything but lines, whose ends are still among the escapes. */
static void step_octets(struct nm_scan *s, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)p[i];
    s->nul |= c == 0;
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

static void step_lines(struct nm_scan *s, const char *p, size_t n) {
  struct nm_lines lines;
  nm_lines_begin(&lines, p, n);
  while (n > 0) {
    size_t run = nm_lines_next(&lines, p);
    if (run > 0) {
      if (s->line < FROM_N) {
        check_from(s, p, run);
      }
      s->line += run;
      s->too_long |= s->line > NM_SCAN_LINE_MAX;
      s->after_cr = 0;
    } else {
      line_end(s, *p);
      run = 1;
    }
    p += run;
    n -= run;
  }
}

static void step_slowly(struct nm_scan *s, const char *p, size_t n) {
  step_octets(s, p, n);
  step_lines(s, p, n);
}

/* ---- most text: its line ends are all CRLF, or all LF ---- */

/* How much of p may be looked at so. What began a line before p must not be in question. */
static size_t block_of(const struct nm_scan *s, const char *p, size_t n) {
  int may_be_from = s->line > 0 && s->line < FROM_N && s->from == s->line;
  n = n < NM_LOOK_MAX ? n : NM_LOOK_MAX;
  n = p[n - 1] == '\r' ? n - n % NM_LOOK_UNIT : n;
  return may_be_from ? 0 : n;
}

/* The last LF of p. */
static const char *last_lf(const char *p, size_t n) {
#if defined(NM_LANES)
  while (n >= NM_LANES && !nm_lanes_any((nm_lanes)(nm_lanes_load(p + n - NM_LANES) == '\n'))) {
    n -= NM_LANES;
  }
#endif
  for (const char *at = p + n; at > p; at--) {
    if (at[-1] == '\n') {
      return at - 1;
    }
  }
  return NULL;
}

/* Goes from one line end to the last that a line of the greatest length allows: only there it is known that one is too long. Returns the
   octets behind the last LF, and those before p, if there is none. ends: octets of a line end. */
static size_t measure_lines(struct nm_scan *s, const char *p, size_t n, size_t ends) {
  size_t line = s->line;
  while (n > 0) {
    size_t may = (line < NM_SCAN_LINE_MAX ? NM_SCAN_LINE_MAX - line : 0) + ends;
    const char *lf = last_lf(p, n < may ? n : may);
    if (lf == NULL && n > may) {
      s->too_long = 1;
      lf = memchr(p + may, '\n', n - may);
    }
    if (lf == NULL) {
      break;
    }
    n -= (size_t)(lf + 1 - p);
    p = lf + 1;
    line = 0;
  }
  return line + n;
}

/* Where one stands in p; the last may be cut off. */
static void find_from(struct nm_scan *s, char before, const char *p, size_t n) {
  const char *f = p;
  while (!s->from_line && n - (size_t)(f - p) >= FROM_N &&
         (f = memchr(f, 'F', n - (size_t)(f - p) - FROM_N + 1)) != NULL) {
    s->from_line = (f > p ? f[-1] : before) == '\n' && memcmp(f, FROM, FROM_N) == 0;
    f++;
  }
}

/* The block ends within a line, at whose begin there was no "From ", or at its end. */
static void end_block(struct nm_scan *s, const char *p, size_t n, size_t line) {
  s->after_cr = p[n - 1] == '\r';
  line -= (size_t)s->after_cr;
  s->too_long |= line > NM_SCAN_LINE_MAX;
  line = s->after_cr ? 0 : line;
  if (line < s->line + n) { /* else it is the one in which the block began */
    s->line = s->from = 0;
    if (line < FROM_N) {
      check_from(s, p + n - line, line);
    }
  } else if (s->line < FROM_N) {
    check_from(s, p, n);
  }
  s->line = line;
}

/* 0: it is neither, and nothing has been done. left: octets of all that is there, from p on. */
static int step_block(struct nm_scan *s, const char *p, size_t n, size_t left) {
  struct nm_seen seen = {.look = s->look, .before = s->after_cr ? '\r' : s->line == 0 ? '\n' : ' '};
  nm_look_kernel(0)->look(&seen, p, n);
  if (seen.odd_pair && seen.behind_cr) {
    return 0;
  }
  int is_crlf = !seen.odd_pair;
  size_t is_cr_last = p[n - 1] == '\r', was_cr = (size_t)s->after_cr;
  s->high |= seen.high;
  s->nul |= seen.nul;
  s->escapes += seen.escapes - seen.lf - is_cr_last;
  if (is_crlf) {
    s->escapes -= seen.lf - was_cr;
    s->crlf += seen.lf;
    s->cr -= was_cr;
  } else {
    s->lf += seen.lf;
  }
  s->cr += is_cr_last;
  if (seen.f) {
    find_from(s, seen.before, p, left);
  }
  s->was_crlf = is_cr_last ? 0 : seen.lf > 0 ? is_crlf : s->was_crlf;
  end_block(s, p, n, measure_lines(s, p, n, is_crlf ? 2 : 1));
  return 1;
}

void nm_scan_step(struct nm_scan *s, const char *p, size_t n) {
  size_t at = 0;
  s->bytes += n;
  if (!s->not_utf8 && !s->utf8_known) {
    check_utf8(s, p, n);
  }
  while (at < n) {
    size_t size = block_of(s, p + at, n - at);
    int is_done = size > 0 && step_block(s, p + at, size, n - at);
    size = size > 0 ? size : n - at < BIT ? n - at : BIT;
    if (!is_done) {
      step_slowly(s, p + at, size);
    }
    at += size;
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
  return !s->nul && !s->too_long;
}

int nm_scan_line_end(const struct nm_scan *s) {
  return s->bytes > 0 && s->line == 0;
}

int nm_scan_crlf_end(const struct nm_scan *s) {
  return nm_scan_line_end(s) && s->was_crlf;
}
