#include "mime/quoted.h"

#include <string.h>

#include "base/chars.h"

/* RFC 2045 6.7:
     (1) any octet may be =XX, upper case   (2) 33-60 and 62-126 may stand for themselves
     (3) SP and HTAB too, but not at the end of a line   (4) a line end of text is CRLF
     (5) lines of at most 76 octets; a soft break "=" CRLF is part of them
   and beyond it: a soft break does not part the octets of one UTF-8 character, so that a line can be read on its own;
   no line begins with "From " (mbox) or is a dot alone (SMTP's end, for those who stuff badly). */

/* A 4-octet character. */
#define UNIT_MAX 12

/* The output line being written. It is kept whole until its end is known, because what comes next may change its last
   character: a blank must be escaped before a line end, a 76th octet must give way to the "=" of a soft break. */
struct writer {
  char *line;
  size_t col;
  size_t unit; /* where its last character begins */
  unsigned more;
};

static struct writer resume(const struct nm_encoder *e, char *out) {
  memcpy(out, e->held, e->held_n);
  return (struct writer){out, e->held_n, e->unit, e->more};
}

static size_t suspend(struct nm_encoder *e, const struct writer *w, const char *out) {
  memcpy(e->held, w->line, w->col);
  e->held_n = w->col;
  e->unit = w->unit;
  e->more = w->more;
  return (size_t)(w->line - out);
}

/* The line ends softly at cut; what stood behind it (no more than one character) begins the next one. */
static void soft_break(struct writer *w, size_t cut) {
  char carry[UNIT_MAX];
  size_t n = w->col - cut;
  memcpy(carry, w->line + cut, n);
  memcpy(w->line + cut, "=\r\n", 3);
  w->line += cut + 3;
  memcpy(w->line, carry, n);
  w->col = n;
  w->unit = 0;
}

static void put_escaped(struct writer *w, unsigned char c, int continues) {
  static const char hex[] = "0123456789ABCDEF";
  if (w->col + 3 > NM_LINE_COLUMNS) {
    soft_break(w, continues || w->col == NM_LINE_COLUMNS ? w->unit : w->col);
  }
  if (!continues) {
    w->unit = w->col;
  }
  char *p = w->line + w->col;
  p[0] = '=';
  p[1] = hex[c >> 4];
  p[2] = hex[c & 15];
  w->col += 3;
}

/* Octets that follow the first one of a UTF-8 character. */
static unsigned tail_octets(unsigned char c) {
  if (c < 0xc2 || c > 0xf4) {
    return 0;
  }
  return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static void put_octet(struct writer *w, unsigned char c) {
  int continues = w->more > 0 && (c & 0xc0) == 0x80;
  w->more = continues ? w->more - 1 : tail_octets(c);
  put_escaped(w, c, continues);
}

static int is_plain(unsigned char c) {
  return nm_is(c, NM_CHAR_PRINT | NM_CHAR_WSP) && c != '=';
}

/* Copies what stands for itself, as far as the line goes; returns how much. The first is plain. */
static size_t put_plain(struct writer *w, const char *p, size_t n) {
  if (w->col == NM_LINE_COLUMNS) {
    soft_break(w, w->unit);
  }
  size_t limit = w->col < 5 ? 5 : NM_LINE_COLUMNS; /* a stop at 5, to look for "From " */
  size_t max = n < limit - w->col ? n : limit - w->col;
  size_t i = 0;
  char *to = w->line + w->col;
  while (i < max && is_plain((unsigned char)p[i])) {
    to[i] = p[i];
    i++;
  }
  w->col += i;
  w->unit = w->col - 1;
  w->more = 0;
  if (w->col == 5 && memcmp(w->line, "From ", 5) == 0) {
    memcpy(w->line, "=46rom ", 7);
    w->col = 7;
    w->unit = 6;
  }
  return i;
}

/* Before a line end and at the end of all. */
static void close_line(struct writer *w) {
  w->more = 0;
  if (w->col > 0) {
    unsigned char last = (unsigned char)w->line[w->col - 1];
    if (nm_is(last, NM_CHAR_WSP)) {
      w->col--;
      put_escaped(w, last, 0);
    }
  }
  if (w->col == 1 && w->line[0] == '.') {
    memcpy(w->line, "=2E", 3);
    w->col = 3;
  }
}

static void hard_break(struct writer *w) {
  close_line(w);
  memcpy(w->line + w->col, "\r\n", 2);
  w->line += w->col + 2;
  w->col = 0;
  w->unit = 0;
}

size_t nm_quoted_step(struct nm_encoder *e, const char *p, size_t n, char *out) {
  struct writer w = resume(e, out);
  const char *end = p + n;
  while (p < end) {
    unsigned char c = (unsigned char)*p;
    int was_cr = e->cr;
    e->cr = 0;
    if (is_plain(c)) {
      p += put_plain(&w, p, (size_t)(end - p));
      continue;
    }
    p++;
    if (!e->text || (c != '\r' && c != '\n')) {
      put_octet(&w, c);
    } else if (c == '\r' || !was_cr) { /* the LF of a CRLF was done with its CR */
      hard_break(&w);
      e->cr = c == '\r';
    }
  }
  return suspend(e, &w, out);
}

size_t nm_quoted_flush(struct nm_encoder *e, char *out) {
  struct writer w = resume(e, out);
  close_line(&w);
  size_t n = (size_t)(w.line - out) + w.col;
  e->held_n = 0;
  e->unit = 0;
  e->more = 0;
  e->cr = 0;
  return n;
}
