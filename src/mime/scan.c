#include "mime/scan.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "mime/word.h"

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

/* Whole words without a control: nearly all of a text. */
static size_t scan_words(struct nm_scan *s, const char *p, size_t n) {
  uint64_t bits = 0;
  size_t i = 0;
  for (; n - i >= 8; i += 8) {
    uint64_t w = nm_word_load(p + i);
    if (nm_word_controls(w) != 0) {
      break;
    }
    bits |= w;
    s->escapes += nm_word_count((w & NM_WORD_HIGH) | nm_word_equal(w, '=') | nm_word_equal(w, 0x7f));
  }
  s->high |= (bits & NM_WORD_HIGH) != 0;
  return i;
}

/* Octets up to the next CR or LF, and no further than the next word; counts them. */
static size_t scan_octets(struct nm_scan *s, const char *p, size_t n) {
  size_t i = 0;
  for (; i < n && i < 8 && p[i] != '\n' && p[i] != '\r'; i++) {
    unsigned char c = (unsigned char)p[i];
    s->high |= c > 127;
    s->nul |= c == 0;
    s->escapes += (size_t)is_escaped(c);
  }
  return i;
}

/* Octets up to the next CR or LF. */
static size_t scan_line(struct nm_scan *s, const char *p, size_t n) {
  size_t at = 0, run = 0;
  do {
    at += scan_words(s, p + at, n - at);
    run = scan_octets(s, p + at, n - at);
    at += run;
  } while (run == 8);
  return at;
}

static void line_end(struct nm_scan *s, char c) {
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
  while (n > 0) {
    size_t run = scan_line(s, p, n);
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
