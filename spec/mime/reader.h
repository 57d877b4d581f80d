#ifndef NM_SPEC_READER_H
#define NM_SPEC_READER_H

/* A reader of header fields, written from RFC 5322, 2047 and 2231 and not from the writers it judges: it knows no more
   than a mail program does. Strict: what it does not understand is a fault, told as a text. */

#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct octets {
  char *p;
  size_t n;
  size_t cap;
};

static inline void octets_add(struct octets *o, const char *p, size_t n) {
  if (o->n + n + 1 > o->cap) {
    o->cap = 2 * (o->n + n + 1);
    o->p = realloc(o->p, o->cap);
    if (o->p == NULL) {
      abort();
    }
  }
  if (n > 0) {
    memcpy(o->p + o->n, p, n);
  }
  o->n += n;
  o->p[o->n] = '\0';
}

static inline void octets_free(struct octets *o) {
  free(o->p);
  *o = (struct octets){0};
}

static inline int octets_are(const struct octets *o, const char *p, size_t n) {
  return o->n == n && (n == 0 || memcmp(o->p, p, n) == 0);
}

/* A fold and one token that cannot be broken; a space may stand in it only within a quoted local part. */
static inline int one_token(const char *p, size_t n) {
  int quoted = 0;
  size_t in = 0;
  size_t out = 0;
  size_t at_sign = 0;
  for (size_t i = 0; i < n; i++) {
    if (quoted && p[i] == '\\') {
      i++;
    } else if (p[i] == '"') {
      quoted = !quoted;
    } else if (p[i] == ' ') {
      in += quoted ? 1 : 0;
      out += quoted ? 0 : 1;
    } else if (p[i] == '@' && !quoted && i > 0 && p[i - 1] == '"') {
      at_sign = 1;
    }
  }
  return out == 1 && p[0] == ' ' && (in == 0 || at_sign);
}

/* RFC 5322 2.1.1, 2.2: NULL, or what is wrong with the lines of a field that ends in CRLF. long_tokens: a line that is
   only one_token may be longer than 78. */
static inline const char *field_fault(const char *p, size_t n, int long_tokens) {
  if (n < 2 || memcmp(p + n - 2, "\r\n", 2) != 0) {
    return "no CRLF at the end";
  }
  for (size_t begin = 0; begin < n;) {
    size_t end = begin;
    size_t spaces = 0;
    while (p[end] != '\r') {
      unsigned char c = (unsigned char)p[end];
      if (c < 32 || c > 126) {
        return "an octet that is not printable ASCII";
      }
      spaces += c == ' ';
      end++;
    }
    if (p[end + 1] != '\n') {
      return "a bare CR";
    }
    if (begin > 0 && p[begin] != ' ') {
      return "a line that is no fold";
    }
    if (begin > 0 && spaces == end - begin) {
      return "a line of spaces";
    }
    if (end - begin > 78 && !(long_tokens && begin > 0 && one_token(p + begin, end - begin))) {
      return "a line over 78";
    }
    begin = end + 2;
  }
  return NULL;
}

/* RFC 5322 2.2.3: the value with its folds undone, without the space behind the colon. */
static inline struct octets unfold(const char *p, size_t n) {
  struct octets o = {0};
  const char *colon = memchr(p, ':', n);
  octets_add(&o, "", 0);
  for (const char *q = colon + 1; q < p + n; q++) {
    if (*q != '\r' && *q != '\n' && !(o.n == 0 && *q == ' ' && q == colon + 1)) {
      octets_add(&o, q, 1);
    }
  }
  return o;
}

static inline int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline int base64_digit(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c != '\0' ? strchr(digits, c) : NULL;
  return at != NULL ? (int)(at - digits) : -1;
}

/* RFC 2047 4.1, 4.2. phrase: only the characters that 5(3) allows. 0, or -1 for a fault. */
static inline int word_octets(char encoding, const char *p, size_t n, int phrase, struct octets *out) {
  unsigned bits = 0;
  int have = 0;
  for (size_t i = 0; i < n; i++) {
    char c = p[i];
    if (encoding == 'B') {
      if (c == '=' && i + 2 >= n && n % 4 == 0) {
        continue;
      }
      int digit = base64_digit(c);
      if (digit < 0) {
        return -1;
      }
      bits = bits << 6 | (unsigned)digit;
      have += 6;
      if (have >= 8) {
        have -= 8;
        c = (char)(bits >> have & 0xff);
        octets_add(out, &c, 1);
      }
      continue;
    }
    if (c == '=') {
      if (i + 2 >= n || hex_digit(p[i + 1]) < 0 || hex_digit(p[i + 2]) < 0) {
        return -1;
      }
      c = (char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2]));
      i += 2;
    } else if (c == '_') {
      c = ' ';
    } else if (c == ' ' || c == '?' || (phrase && strchr("\"(),.:;<>@[\\]#$%&'^`{|}~", c) != NULL)) {
      return -1;
    }
    octets_add(out, &c, 1);
  }
  return encoding == 'B' && n % 4 != 0 ? -1 : 0;
}

/* One word on its own, from the charset's initial state. The last charset stays open: opening one takes longer than all
   the rest. */
static inline int to_utf8(const char *charset, struct octets *in, struct octets *out) {
  static iconv_t cd;
  static char open[64];
  if (strcmp(open, charset) != 0) {
    if (open[0] != '\0') {
      iconv_close(cd);
      open[0] = '\0';
    }
    cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1) {
      return -1;
    }
    snprintf(open, sizeof open, "%s", charset);
  }
  char got[1024];
  char *from = in->p;
  char *to = got;
  size_t left = in->n;
  size_t room = sizeof got;
  iconv(cd, NULL, NULL, NULL, NULL);
  int bad = iconv(cd, &from, &left, &to, &room) != 0 || iconv(cd, NULL, NULL, &to, &room) != 0;
  octets_add(out, got, sizeof got - room);
  return bad ? -1 : 0;
}

/* encoded-word (RFC 2047 2) at p: appends its text and returns 1; 0 when it is none; -1 for a faulty one. */
static inline int encoded_word(const char *p, size_t n, int phrase, struct octets *out) {
  if (n < 6 || memcmp(p, "=?", 2) != 0 || memcmp(p + n - 2, "?=", 2) != 0) {
    return 0;
  }
  const char *charset_end = memchr(p + 2, '?', n - 2);
  size_t charset_n = (size_t)(charset_end - (p + 2));
  char charset[64];
  if (n > 75 || charset_n == 0 || charset_n >= sizeof charset || charset_n + 6 >= n ||
      charset_end[2] != '?') {
    return -1;
  }
  memcpy(charset, p + 2, charset_n);
  charset[charset_n] = '\0';
  struct octets raw = {0};
  octets_add(&raw, "", 0);
  const char *text = charset_end + 3;
  int err = word_octets(charset_end[1], text, (size_t)(p + n - 2 - text), phrase, &raw);
  err = err == 0 && raw.n == 0 ? -1 : err;
  err = err == 0 ? to_utf8(charset, &raw, out) : err;
  octets_free(&raw);
  return err == 0 ? 1 : -1;
}

/* RFC 2047 6.2: an unstructured value; white space between two encoded words is dropped. 0, or -1 for a fault. */
static inline int read_text(const char *p, size_t n, int phrase, struct octets *out) {
  int was_word = 0;
  octets_add(out, "", 0);
  for (size_t at = 0; at < n;) {
    size_t begin = at;
    while (begin < n && p[begin] == ' ') {
      begin++;
    }
    size_t end = begin;
    while (end < n && p[end] != ' ') {
      end++;
    }
    struct octets word = {0};
    int kind = encoded_word(p + begin, end - begin, phrase, &word);
    if (!(kind == 1 && was_word)) {
      octets_add(out, p + at, begin - at);
    }
    octets_add(out, kind == 1 ? word.p : p + begin, kind == 1 ? word.n : end - begin);
    octets_free(&word);
    if (kind < 0) {
      return -1;
    }
    was_word = kind;
    at = end;
  }
  return 0;
}

/* quoted-string (RFC 5322 3.2.4) at p; octets used, 0 for a fault. An encoded word inside is one, too: readers differ. */
static inline size_t read_quoted(const char *p, size_t n, struct octets *out) {
  octets_add(out, "", 0);
  for (size_t i = 1; i < n; i++) {
    if (p[i] == '"') {
      return out->n > 1 && strstr(out->p, "=?") != NULL ? 0 : i + 1;
    }
    if (p[i] == '\\') {
      i++;
      if (i == n || (p[i] != '"' && p[i] != '\\')) {
        return 0;
      }
    }
    octets_add(out, p + i, 1);
  }
  return 0;
}

/* name-addr or addr-spec (RFC 5322 3.4) at p, up to "," or the end: octets used, 0 for a fault. */
static inline size_t read_mailbox(const char *p, size_t n, struct octets *name, struct octets *spec) {
  size_t at = 0;
  octets_add(name, "", 0);
  octets_add(spec, "", 0);
  while (at < n && p[at] == ' ') {
    at++;
  }
  size_t begin = at;
  struct octets first = {0};
  if (at < n && p[at] == '"') {
    size_t used = read_quoted(p + at, n - at, &first);
    at += used;
    if (used > 0 && at + 1 < n && p[at] == ' ' && p[at + 1] == '<') {
      octets_add(name, first.p, first.n);
      at++;
    } else {
      at = begin; /* a quoted local part */
    }
  }
  octets_free(&first);
  int quoted = 0;
  size_t angle = at;
  while (angle < n && p[angle] != '<' && p[angle] != ',' && p[angle] != '"') {
    angle++;
  }
  int named = angle < n && p[angle] == '<';
  if (named && angle > at) {
    if (p[angle - 1] != ' ' || read_text(p + at, angle - 1 - at, 1, name) != 0) {
      return 0;
    }
  }
  at = named ? angle + 1 : at;
  while (at < n && (quoted || (p[at] != '>' && p[at] != ',' && p[at] != ' '))) {
    quoted ^= p[at] == '"';
    if (quoted && p[at] == '\\') {
      octets_add(spec, p + at++, 1);
    }
    octets_add(spec, p + at++, 1);
  }
  if (named) {
    if (at >= n || p[at] != '>') {
      return 0;
    }
    at++;
  }
  return at < n ? (p[at] == ',' ? at + 1 : 0) : at;
}

/* parameters (RFC 2045 5.1 with RFC 2231 7) behind a value: what was found under one name. */
struct parameter {
  struct octets plain;    /* name= */
  struct octets extended; /* name*= or name*0*= ... */
  int plains;
  int pieces;
};

static inline void parameter_free(struct parameter *a) {
  octets_free(&a->plain);
  octets_free(&a->extended);
}

static inline int read_percent(const char *p, size_t n, struct octets *out) {
  octets_add(out, "", 0);
  for (size_t i = 0; i < n; i++) {
    char c = p[i];
    if (c == '%') {
      if (i + 2 >= n || hex_digit(p[i + 1]) < 0 || hex_digit(p[i + 2]) < 0) {
        return -1;
      }
      c = (char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2]));
      i += 2;
    } else if (c == '*' || c == '\'') {
      return -1;
    }
    octets_add(out, &c, 1);
  }
  return 0;
}

/* p: "; name=value; ..." unfolded. Each value piece of an extended one must be whole UTF-8: utf8_ok is asked. 0, or -1. */
static inline int read_parameters(const char *p, size_t n, const char *name, struct parameter *out,
                                  int (*utf8_ok)(const char *, size_t)) {
  size_t name_n = strlen(name);
  for (size_t at = 0; at < n;) {
    if (p[at] != ';' || at + 1 >= n || p[at + 1] != ' ' || n - at - 2 <= name_n ||
        memcmp(p + at + 2, name, name_n) != 0) {
      return -1;
    }
    at += 2 + name_n;
    char head[64];
    int head_n = snprintf(head, sizeof head, "*%d*=", out->pieces);
    int single = out->pieces == 0 && n - at > 2 && memcmp(p + at, "*=", 2) == 0;
    int piece = n - at > (size_t)head_n && memcmp(p + at, head, (size_t)head_n) == 0;
    if (single || piece) {
      at += single ? 2 : (size_t)head_n;
      if (out->pieces == 0) {
        if (n - at < 7 || memcmp(p + at, "utf-8''", 7) != 0) {
          return -1;
        }
        at += 7;
      }
      size_t end = at;
      while (end < n && p[end] != ';' && p[end] != ' ') {
        end++;
      }
      size_t before = out->extended.n;
      if (read_percent(p + at, end - at, &out->extended) != 0 ||
          !utf8_ok(out->extended.p + before, out->extended.n - before)) {
        return -1;
      }
      out->pieces = single ? 1000000 : out->pieces + 1;
      at = end;
    } else if (p[at] == '=' && out->plains == 0) {
      at++;
      out->plains = 1;
      octets_add(&out->plain, "", 0);
      size_t end = at;
      if (at < n && p[at] == '"') {
        while (++end < n && p[end] != '"') {
          end += p[end] == '\\';
        }
        if (end >= n) {
          return -1;
        }
        end++;
        for (size_t i = at + 1; i < end - 1; i++) {
          i += p[i] == '\\';
          octets_add(&out->plain, p + i, 1);
        }
      } else {
        while (end < n && p[end] != ';' && p[end] != ' ') {
          if (strchr("()<>@,;:\\\"/[]?=", p[end]) != NULL) {
            return -1;
          }
          end++;
        }
        octets_add(&out->plain, p + at, end - at);
      }
      at = end;
    } else {
      return -1;
    }
  }
  return 0;
}

#endif
