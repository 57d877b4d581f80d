#include "mime/param.h"

#include <stdio.h>
#include "base/chars.h"
#include "base/utf8.h"
#include "mime/chain.h"
#include "mime/fold.h"
#include "mime/qstring.h"

/* A parameter on a line of its own: the space of the fold before it, a ";" behind it. */
#define PIECE_MAX (NM_FOLD_COLUMN - 2)
#define CHARSET "utf-8''"

/* How the value is written. Bare is less than RFC 2045 5.1 allows: "*", "'" and "%" are quoted, so that
   nobody takes them for RFC 2231. */
enum form { BARE, QUOTED, EXTENDED };

static enum form form_of(size_t name, struct nm_str value) {
  if (nm_all(value, NM_CHAR_ATTR) && name + 1 + value.n <= PIECE_MAX) {
    return BARE;
  }
  return nm_qstring_can(value) && name + 1 + nm_qstring_size(value) <= PIECE_MAX ? QUOTED : EXTENDED;
}

/* ";" and the place for n octets. */
static size_t next_place(struct nm_buf *b, size_t col, size_t n) {
  nm_buf_add_byte(b, ';');
  return nm_fold_space(b, col + 1, n + 1) + n;
}

/* Columns of extended-other-values for s   (RFC 2231 7). */
static size_t percent_size(struct nm_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    n += nm_is((unsigned char)s.p[i], NM_CHAR_ATTR) ? 1 : 3;
  }
  return n;
}

static void percent_write(struct nm_buf *b, struct nm_str s) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char octet = (unsigned char)s.p[i];
    if (nm_is(octet, NM_CHAR_ATTR)) {
      nm_buf_add_byte(b, (char)octet);
    } else {
      char code[3] = {'%', hex[octet >> 4], hex[octet & 15]};
      nm_buf_add(b, code, sizeof code);
    }
  }
}

/* The beginning of s whose percent form fits: whole characters, one at least. */
static size_t fitting(struct nm_str s, size_t room) {
  size_t n = 0;
  size_t used = 0;
  while (n < s.n) {
    size_t len = nm_utf8_next(s.p + n, s.n - n, NULL);
    struct nm_str one = nm_str(s.p + n, len > 0 ? len : 1);
    used += percent_size(one);
    if (used > room && n > 0) {
      break;
    }
    n += one.n;
  }
  return n;
}

/* One piece of extended-parameter (RFC 2231 7): head is its name and "=", and the charset in the first one.
   */
static size_t piece_write(struct nm_buf *b, size_t col, const char *name, const char *head, struct nm_str s) {
  col = next_place(b, col, strlen(name) + strlen(head) + percent_size(s));
  nm_buf_add_c(b, name);
  nm_buf_add_c(b, head);
  percent_write(b, s);
  return col;
}

static size_t extended_write(struct nm_buf *b, size_t col, const char *name, struct nm_str value) {
  if (strlen(name) + strlen("*=" CHARSET) + percent_size(value) <= PIECE_MAX) {
    return piece_write(b, col, name, "*=" CHARSET, value);
  }
  for (size_t i = 0; value.n > 0 && b->err == 0; i++) {
    char head[48];
    snprintf(head, sizeof head, "*%zu*=%s", i, i == 0 ? CHARSET : "");
    size_t used = strlen(name) + strlen(head);
    size_t n = fitting(value, used < PIECE_MAX ? PIECE_MAX - used : 0);
    col = piece_write(b, col, name, head, nm_str(value.p, n));
    value = nm_str(value.p + n, value.n - n);
  }
  return col;
}

size_t nm_param_write(struct nm_buf *b, size_t col, const char *name, struct nm_str value) {
  size_t name_n = strlen(name);
  enum form form = form_of(name_n, value);
  if (form == EXTENDED) {
    return extended_write(b, col, name, value);
  }
  col = next_place(b, col, name_n + 1 + (form == BARE ? value.n : nm_qstring_size(value)));
  nm_buf_add_c(b, name);
  nm_buf_add_byte(b, '=');
  if (form == BARE) {
    nm_buf_add_str(b, value);
  } else {
    nm_qstring_write(b, value);
  }
  return col;
}

/* name="=?utf-8?B?...?=" from a new line on: a quoted string may be folded at a space (RFC 5322 3.2.4), and
   readers drop it between the words. */
static size_t words_write(struct nm_buf *b, const char *name, struct nm_str value) {
  nm_buf_add_c(b, ";\r\n ");
  nm_buf_add_c(b, name);
  nm_buf_add_c(b, "=\"");
  struct nm_chain c;
  int err = nm_chain_begin(&c, b, 1 + strlen(name) + 2, NM_STR(""), NULL);
  c.phrase = 1;
  c.tail = 2; /* the closing quote and the next ";" */
  err = err == 0 ? nm_chain_write(&c, value, 0) : err;
  err = nm_chain_end(&c, err);
  b->err = b->err == 0 ? err : b->err;
  nm_buf_add_byte(b, '"');
  return c.col + 1;
}

size_t nm_param_write_fallback(struct nm_buf *b, size_t col, const char *name, struct nm_str value) {
  if (form_of(strlen(name), value) == EXTENDED) {
    col = words_write(b, name, value);
  }
  return nm_param_write(b, col, name, value);
}
