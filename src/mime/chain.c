#include "mime/chain.h"

#include <stdint.h>
#include "base/base64.h"
#include "base/chars.h"
#include "base/utf8.h"
#include "mime/fold.h"

/* RFC 2047 2: "An 'encoded-word' may not be more than 75 characters long". */
#define WORD_MAX 75
/* "=?" charset "?" encoding "?" encoded-text "?=" without charset and text. */
#define WORD_FRAME 7
/* A first word that has room for less text than this goes to the next line, unless it is the only one. */
#define WORD_LEAST 16
/* No charset makes more than this of one octet of UTF-8: GB18030 four of two; ISO-2022-JP eight of three. */
#define GROWTH 8

int nm_chain_begin(struct nm_chain *c, struct nm_buf *b, size_t col, struct nm_str charset,
                   struct nm_error *e) {
  *c = (struct nm_chain){.b = b, .col = col, .e = e};
  c->scratch.max = SIZE_MAX / 2;
  return nm_charset_open(&c->charset, charset, e);
}

int nm_chain_end(struct nm_chain *c, int err) {
  nm_charset_close(&c->charset);
  nm_buf_free(&c->scratch);
  return err == 0 ? nm_fold_status(c->b, c->e) : err;
}

/* text in the charset; UTF-8 is not copied. The result lives until the next call. */
static int convert(struct nm_chain *c, struct nm_str text, struct nm_error *e, struct nm_str *out) {
  if (c->charset.cd == NULL) {
    *out = text;
    return 0;
  }
  nm_buf_reset(&c->scratch);
  int err = nm_charset_convert(&c->charset, text, &c->scratch, e);
  *out = nm_buf_str(&c->scratch);
  return err;
}

/* RFC 2047 4.2(3): "may be represented as those characters". In a phrase only what 5(3) names. */
static int is_literal(const struct nm_chain *c, unsigned char octet) {
  if (c->phrase) {
    return nm_is(octet, NM_CHAR_EWORD);
  }
  return nm_is(octet, NM_CHAR_PRINT) && octet != ' ' && octet != '=' && octet != '?' && octet != '_';
}

static size_t q_size(const struct nm_chain *c, struct nm_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    n += s.p[i] == ' ' || is_literal(c, (unsigned char)s.p[i]) ? 1 : 3;
  }
  return n;
}

static size_t encoded_size(const struct nm_chain *c, struct nm_str s) {
  return c->encoding == 'B' ? NM_BASE64_SIZE(s.n) : q_size(c, s);
}

static void q_write(struct nm_chain *c, struct nm_str s) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char octet = (unsigned char)s.p[i];
    if (octet == ' ') {
      nm_buf_add_byte(c->b, '_');
    } else if (is_literal(c, octet)) {
      nm_buf_add_byte(c->b, (char)octet);
    } else {
      char code[3] = {'=', hex[octet >> 4], hex[octet & 15]};
      nm_buf_add(c->b, code, sizeof code);
    }
  }
}

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?="   (RFC 2047 2) */
static size_t word_write(struct nm_chain *c, struct nm_str s) {
  size_t n = encoded_size(c, s);
  char frame[] = {'?', c->encoding, '?'};
  nm_buf_add_c(c->b, "=?");
  nm_buf_add_c(c->b, c->charset.name);
  nm_buf_add(c->b, frame, sizeof frame);
  if (c->encoding == 'Q') {
    q_write(c, s);
  } else {
    nm_base64_add(c->b, s.p, s.n);
  }
  nm_buf_add_c(c->b, "?=");
  return WORD_FRAME + strlen(c->charset.name) + n;
}

/* What must stay in one word: a character, or an octet that is none. */
static size_t unit(struct nm_str s) {
  size_t n = nm_utf8_next(s.p, s.n, NULL);
  return n > 0 ? n : 1;
}

/* Of a charset with escape sequences. */
static int is_stateful(struct nm_str s) {
  return s.n > 0 && memchr(s.p, 0x1b, s.n) != NULL;
}

/* Q where it is not longer, because people can read it; but stateful charsets only in B, as RFC 1468 asks for
   ISO-2022-JP. */
static char choose(const struct nm_chain *c, struct nm_str s) {
  return !is_stateful(s) && q_size(c, s) <= NM_BASE64_SIZE(s.n) ? 'Q' : 'B';
}

/* Some readers (GMime 3.2.13, which is Debian 12's) take the base64 of words that follow each other for one text, and end it at
   the first padding (spec/lua/readers_spec.lua). RFC 2047 asks for nothing of the kind, but it is easily had: a word that is
   not the last is cut where it needs no padding, and where there is no such place its first character becomes a word of its own
   in Q, which is the end of one text and the beginning of another; but not in a charset that has to be in B. */

/* The last of the ends up to the one at i where the base64 is whole; 0 if there is none. */
static size_t unpadded(struct nm_chain *c, struct nm_str text, const size_t *ends, size_t i) {
  struct nm_str s;
  while (i > 0 && (convert(c, nm_str(text.p, ends[i]), NULL, &s) != 0 || s.n % 3 != 0)) {
    i--;
  }
  return i;
}

static size_t end_unpadded(struct nm_chain *c, struct nm_str text, const size_t *ends, size_t i) {
  size_t whole = unpadded(c, text, ends, i);
  struct nm_str s;
  if (whole > 0 || convert(c, nm_str(text.p, ends[1]), NULL, &s) != 0 || is_stateful(s)) {
    return whole > 0 ? whole : i;
  }
  c->encoding = 'Q';
  return 1;
}

/* The same as below for UTF-8 in base64, whose sizes can be told: all of text, or as much as needs no padding. */
static size_t fitting_utf8(struct nm_chain *c, struct nm_str text, size_t room) {
  size_t n = room / 4 * 3;
  if (text.n <= n) {
    return text.n;
  }
  while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
    n -= 3;
  }
  if (n == 0 && unit(text) <= room / 4 * 3) {
    c->encoding = 'Q';
    n = unit(text);
  }
  return n;
}

/* The longest beginning of text, in whole units, whose encoded form is at most room long; 0 when none is. */
static size_t fitting(struct nm_chain *c, struct nm_str text, size_t room) {
  if (c->charset.cd == NULL && c->encoding == 'B') {
    return fitting_utf8(c, text, room);
  }
  size_t ends[WORD_MAX + 1] = {0};
  size_t n = 0;
  while (n < WORD_MAX && ends[n] < text.n) {
    ends[n + 1] = ends[n] + unit(nm_str(text.p + ends[n], text.n - ends[n]));
    n++;
  }
  size_t low = 0;
  while (low < n) {
    size_t mid = n - (n - low) / 2;
    struct nm_str s;
    if (convert(c, nm_str(text.p, ends[mid]), NULL, &s) == 0 && encoded_size(c, s) <= room) {
      low = mid;
    } else {
      n = mid - 1;
    }
  }
  if (c->encoding == 'B' && low > 0 && ends[low] < text.n) {
    low = end_unpadded(c, text, ends, low);
  }
  return ends[low];
}

/* Room for encoded text when the line stands at col. */
static size_t room_at(const struct nm_chain *c, size_t col) {
  size_t used = col + c->tail;
  size_t line = used < NM_FOLD_COLUMN ? NM_FOLD_COLUMN - used : 0;
  size_t word = line < WORD_MAX ? line : WORD_MAX;
  size_t frame = WORD_FRAME + strlen(c->charset.name);
  return word > frame ? word - frame : 0;
}

/* Where the next word begins: behind a space on this line, or on a new one. Only the first word of a chain
   may stand on a line that was begun; all others filled theirs. */
static size_t place(struct nm_chain *c, struct nm_str all, int first, int spaced) {
  size_t col = c->col + (spaced ? 1 : 0);
  size_t room = room_at(c, col);
  if (!first || (room < encoded_size(c, all) && room < WORD_LEAST)) {
    nm_buf_add_c(c->b, "\r\n ");
    return 1;
  }
  if (spaced) {
    nm_buf_add_byte(c->b, ' ');
  }
  return col;
}

/* text as encoded words; spaced: with a space or a fold before the first. */
int nm_chain_write(struct nm_chain *c, struct nm_str text, int spaced) {
  struct nm_str all;
  if (text.n > SIZE_MAX / 2 / GROWTH) {
    return nm_error_set(c->e, NM_ELIMIT, NM_KIND_MESSAGE, "the header field is too long");
  }
  c->scratch.max = GROWTH * text.n + 64;
  int err = convert(c, text, c->e, &all);
  if (err != 0) {
    return err;
  }
  char encoding = choose(c, all);
  int first = 1;
  while (text.n > 0 && c->b->err == 0) {
    c->encoding = encoding;
    c->col = place(c, all, first, spaced);
    size_t n = fitting(c, text, room_at(c, c->col));
    n = n > 0 ? n : unit(text); /* never: a charset's name leaves room for any unit */
    err = convert(c, nm_str(text.p, n), c->e, &all);
    if (err != 0) {
      return err;
    }
    c->col += word_write(c, all);
    text = nm_str(text.p + n, text.n - n);
    first = 0;
  }
  return 0;
}
