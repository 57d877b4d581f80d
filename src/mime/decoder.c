#include "mime/decoder.h"

#include "base/chars.h"
#include "mime/comment.h"

/* Quoted-printable, behind what was read. */
enum {
  TEXT,
  CR,     /* blanks and a CR: their line ends if an LF follows */
  EQUALS, /* "=" */
  DIGIT,  /* "=" and a hexadecimal digit */
  SOFT,   /* "=" and blanks */
  SOFT_CR /* "=", blanks, CR */
};

int nm_cte_read(struct nm_str value, enum nm_cte *out) {
  static const enum nm_cte all[] = {NM_CTE_7BIT, NM_CTE_8BIT, NM_CTE_BINARY, NM_CTE_QP, NM_CTE_BASE64};
  unsigned open = 0;
  size_t begin = nm_comment_skip(value, 0, &open);
  size_t end = begin;
  while (end < value.n && nm_is((unsigned char)value.p[end], NM_CHAR_TOKEN)) {
    end++;
  }
  *out = NM_CTE_7BIT;
  if (begin == value.n) {
    return 0;
  }
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (nm_str_ieq(nm_str(value.p + begin, end - begin), nm_str_c(nm_cte_name(all[i])))) {
      *out = all[i];
      return 0;
    }
  }
  return NM_EINVAL;
}

static int hex(char c) {
  c = nm_lower(c);
  return nm_is((unsigned char)c, NM_CHAR_HEX) ? (c <= '9' ? c - '0' : c - 'a' + 10) : -1;
}

/* The blanks were text after all. */
static char *give_blanks(struct nm_decoder *d, char *out) {
  memcpy(out, d->blanks, d->blanks_n);
  out += d->blanks_n;
  d->blanks_n = 0;
  return out;
}

/* Too many for a line's end are text at once. */
static char *hold_blank(struct nm_decoder *d, char c, char *out) {
  if (d->blanks_n == NM_DECODER_BLANKS) {
    out = give_blanks(d, out);
  }
  d->blanks[d->blanks_n++] = c;
  return out;
}

/* In TEXT. */
static char *text_octet(struct nm_decoder *d, char c, char *out) {
  if (nm_is_wsp(c)) {
    return hold_blank(d, c, out);
  }
  if (c == '\r' && d->blanks_n > 0) {
    d->state = CR;
    return out;
  }
  if (c == '\n') {
    d->blanks_n = 0;
  }
  out = give_blanks(d, out);
  if (c == '=') {
    d->state = EQUALS;
  } else {
    *out++ = c;
  }
  return out;
}

/* "=" was text: and so are the blanks behind it, until the line ends. */
static char *literal(struct nm_decoder *d, char *out) {
  *out++ = '=';
  d->state = TEXT;
  return out;
}

/* Behind "=". Returns 1 when c is used up, 0 when it is to be looked at again in the new state. */
static int escape_octet(struct nm_decoder *d, char c, char **out) {
  if (d->state == EQUALS && hex(c) >= 0) {
    d->digit = c;
    d->state = DIGIT;
    return 1;
  }
  if (d->state == DIGIT) {
    if (hex(c) >= 0) {
      *(*out)++ = (char)(hex(d->digit) << 4 | hex(c));
      d->state = TEXT;
      return 1;
    }
    *out = literal(d, *out);
    *(*out)++ = d->digit;
    return 0;
  }
  if (nm_is_wsp(c) && d->blanks_n < NM_DECODER_BLANKS) {
    d->state = SOFT;
    d->blanks[d->blanks_n++] = c;
    return 1;
  }
  if (c == '\r' || c == '\n') {
    d->blanks_n = 0;
    d->state = c == '\r' ? SOFT_CR : TEXT;
    return 1;
  }
  *out = literal(d, *out);
  return 0;
}

/* Behind blanks and a CR. */
static char *line_end(struct nm_decoder *d, char c, char *out) {
  d->state = TEXT;
  if (c == '\n') {
    d->blanks_n = 0;
  }
  out = give_blanks(d, out);
  *out++ = '\r';
  return out;
}

static char *quoted_octet(struct nm_decoder *d, char c, char *out) {
  if (d->state == CR) {
    out = line_end(d, c, out);
  } else if (d->state == SOFT_CR) {
    d->state = TEXT;
    if (c == '\n') {
      return out;
    }
  } else if (d->state != TEXT && escape_octet(d, c, &out)) {
    return out;
  }
  return text_octet(d, c, out);
}

static int is_plain(char c) {
  return (unsigned char)c > 32 && c != '=';
}

static size_t quoted_step(struct nm_decoder *d, const char *p, size_t n, char *out) {
  char *o = out;
  for (size_t i = 0; i < n; i++) {
    size_t begin = i;
    while (d->state == TEXT && d->blanks_n == 0 && i < n && is_plain(p[i])) {
      i++;
    }
    memcpy(o, p + begin, i - begin);
    o += i - begin;
    if (i < n) {
      o = quoted_octet(d, p[i], o);
    }
  }
  return (size_t)(o - out);
}

size_t nm_decoder_step(struct nm_decoder *d, const char *p, size_t n, char *out) {
  switch (d->cte) {
    case NM_CTE_QP:
      return quoted_step(d, p, n, out);
    case NM_CTE_BASE64:
      return nm_base64_step(&d->base64, p, n, out);
    default:
      if (n > 0) {
        memcpy(out, p, n);
      }
      return n;
  }
}

/* The end is a line's end, too: blanks before it are left out, and so is the "=" of a soft break. */
size_t nm_decoder_flush(struct nm_decoder *d, char *out) {
  size_t n = 0;
  if (d->state == CR) {
    n = (size_t)(line_end(d, '\0', out) - out);
  } else if (d->state == DIGIT) {
    out[n++] = '=';
    out[n++] = d->digit;
  }
  if (d->cte == NM_CTE_BASE64) {
    n = nm_base64_flush(&d->base64, out);
  }
  *d = (struct nm_decoder){.cte = d->cte};
  return n;
}
