#include "mime/quoted.h"

#include <string.h>

#include "mime/word.h"

/* RFC 2045 6.7:
     (1) any octet may be =XX, upper case   (2) 33-60 and 62-126 may stand for themselves
     (3) SP and HTAB too, but not at the end of a line   (4) a line end of text is CRLF
     (5) lines of at most 76 octets; a soft break "=" CRLF is part of them
   and beyond it: a soft break does not part the octets of one UTF-8 character, so that a line can be read on its own;
   no line begins with "From " (mbox) or is a dot alone (SMTP's end, for those who stuff badly). */

/* Each octet as it is written within a line, and in the fourth place how many columns that takes: so one store and one addition
   write any octet, without a question that the processor could guess wrongly. By the preprocessor. */
/* clang-format off */
#define E(h, l) {'=', h, l, 3}
#define P(c) {c, 0, 0, 1}
#define ESCAPED(h, from) \
  E(h, '0'), E(h, '1'), E(h, '2'), E(h, '3'), E(h, '4'), E(h, '5'), E(h, '6'), E(h, '7'), \
  E(h, '8'), from, E(h, 'A'), E(h, 'B'), E(h, 'C'), E(h, 'D'), E(h, 'E'), E(h, 'F')
#define PLAIN(c, d, f) \
  P(c), P(c + 1), P(c + 2), P(c + 3), P(c + 4), P(c + 5), P(c + 6), P(c + 7), \
  P(c + 8), P(c + 9), P(c + 10), P(c + 11), P(c + 12), d, P(c + 14), f
/* clang-format on */

static const char octets[256][4] = {ESCAPED('0', P('\t')),         ESCAPED('1', E('1', '9')),
                                    PLAIN(0x20, P(0x2d), P(0x2f)), PLAIN(0x30, E('3', 'D'), P(0x3f)),
                                    PLAIN(0x40, P(0x4d), P(0x4f)), PLAIN(0x50, P(0x5d), P(0x5f)),
                                    PLAIN(0x60, P(0x6d), P(0x6f)), PLAIN(0x70, P(0x7d), E('7', 'F')),
                                    ESCAPED('8', E('8', '9')),     ESCAPED('9', E('9', '9')),
                                    ESCAPED('A', E('A', '9')),     ESCAPED('B', E('B', '9')),
                                    ESCAPED('C', E('C', '9')),     ESCAPED('D', E('D', '9')),
                                    ESCAPED('E', E('E', '9')),     ESCAPED('F', E('F', '9'))};

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
  memcpy(carry, w->line + cut,
         sizeof carry); /* a fixed number is one or two moves; what is too much is written over */
  memcpy(w->line + cut, "=\r\n", 3);
  w->line += cut + 3;
  memcpy(w->line, carry, sizeof carry);
  w->col = n;
  w->unit = 0;
}

/* Octets that follow the first one of a UTF-8 character. */
static unsigned tail_octets(unsigned char c) {
  if (c < 0xc2 || c > 0xf4) {
    return 0;
  }
  return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static int is_tail(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* Writes c and returns the end of it; looks at four columns. */
static char *put(char *to, char c) {
  const char *as = octets[(unsigned char)c];
  memcpy(to, as, 4);
  return to + as[3];
}

static char *put_four(char *to, const char *p) {
  return put(put(put(put(to, p[0]), p[1]), p[2]), p[3]);
}

/* One octet that is no line end, wherever the line is. */
static void put_octet(struct writer *w, char c) {
  size_t columns = (size_t)octets[(unsigned char)c][3];
  int continues = w->more > 0 && is_tail(c);
  w->more = continues ? w->more - 1 : tail_octets((unsigned char)c);
  if (w->col + columns > NM_LINE_COLUMNS) { /* a full line must give way to the "=", too */
    soft_break(w, continues || w->col == NM_LINE_COLUMNS ? w->unit : w->col);
  }
  if (!continues) {
    w->unit = w->col;
  }
  put(w->line + w->col, c);
  w->col += columns;
  if (w->col == 5 && memcmp(w->line, "From ", 5) == 0) {
    memcpy(w->line, "=46rom ", 7);
    w->col = 7;
    w->unit = 6;
  }
}

/* Octets of a word that are not plain; a HTAB is taken for one. */
static uint64_t not_plain(uint64_t word) {
  return nm_word_controls(word) | nm_word_equal(word, '=') | nm_word_equal(word, 0x7f) |
         (word & NM_WORD_HIGH);
}

/* The state after the octets that end at p, of which there are at least 4, all in this line. */
static void look_back(struct writer *w, const char *p) {
  size_t n = 1;
  while (n < 4 && is_tail(p[-(ptrdiff_t)n])) {
    n++;
  }
  unsigned tail = tail_octets((unsigned char)p[-(ptrdiff_t)n]);
  if (tail < n - 1) { /* the last one belongs to no character */
    n = 1;
    tail = 0;
  }
  w->more = tail - (unsigned)(n - 1);
  w->unit = w->col - (n > 1 ? 3 * n : (size_t)octets[(unsigned char)p[-1]][3]);
}

/* As many octets as the line surely has room for, up to the first control; eight at a time while it can be. Returns how many,
   and nothing is done if they are too few to be worth it. */
static size_t put_run(struct writer *w, const char *p, size_t n) {
  char *to = w->line + w->col, *end = w->line + NM_LINE_COLUMNS;
  size_t i = 0;
  for (; n - i >= 8 && end - to >= 8; i += 8) {
    uint64_t word = nm_word_load(p + i);
    if (not_plain(word) == 0) {
      memcpy(to, &word, 8);
      to += 8;
    } else if (end - to >= 24 && nm_word_controls(word) == 0) {
      to = put_four(put_four(to, p + i), p + i + 4);
    } else {
      break;
    }
  }
  while (i < n && end - to >= 3 && (unsigned char)p[i] >= ' ') {
    to = put(to, p[i++]);
  }
  if (i < 4) {
    return 0;
  }
  w->col = (size_t)(to - w->line);
  look_back(w, p + i);
  return i;
}

/* Before a line end and at the end of all. */
static void close_line(struct writer *w) {
  w->more = 0;
  if (w->col > 0) {
    char last = w->line[w->col - 1];
    if (last == ' ' || last == '\t') {
      w->col--;
      if (w->col + 3 > NM_LINE_COLUMNS) {
        soft_break(w, w->col);
      }
      memcpy(w->line + w->col, last == ' ' ? "=20" : "=09", 3);
      w->col += 3;
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

/* The octets that put_run left: up to a line end, or a soft break after which there is room again. */
static size_t put_octets(struct writer *w, const char *p, size_t n, int text) {
  size_t i = 0;
  while (i < n && !(text && (p[i] == '\r' || p[i] == '\n'))) {
    put_octet(w, p[i++]);
    if (w->col < NM_LINE_COLUMNS / 2) {
      break;
    }
  }
  return i;
}

size_t nm_quoted_step(struct nm_encoder *e, const char *p, size_t n, char *out) {
  struct writer w = resume(e, out);
  const char *end = p + n;
  while (p < end) {
    size_t left = (size_t)(end - p);
    int maybe_from = w.col < 5 && (w.col > 0 ? w.line[0] : p[0]) == 'F';
    size_t done = maybe_from ? 0 : put_run(&w, p, left);
    done += put_octets(&w, p + done, left - done, e->text);
    if (done > 0) {
      p += done;
      e->cr = 0;
      continue;
    }
    if (*p == '\r' || !e->cr) { /* the LF of a CRLF was done with its CR */
      hard_break(&w);
    }
    e->cr = *p == '\r';
    p++;
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
