#include "mime/encword_read.h"

#include <stdint.h>
#include "base/base64.h"
#include "base/chars.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/comment.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
/* "=?" and what stands before the encoding: a charset's name and a language (RFC 2231 5), both short. */
#define WORD_HEAD_MAX 120

struct reader {
  struct nm_buf *out;
  struct nm_str text;
  size_t end_from, end_at; /* the first "?=" from end_from on stands at end_at; text.n: nowhere */
  struct nm_charset_reader charset;
  struct nm_buf octets; /* of the words so far, in that charset */
  struct nm_buf utf8;   /* scratch */
  size_t lost;
};

struct word {
  struct nm_str charset;
  char encoding; /* 'B' or 'Q' */
  struct nm_str text;
  size_t end;
};

/* Octets of a line end at p that is followed by white space or by nothing: a fold. */
static size_t fold(struct nm_str s, size_t at) {
  size_t n = s.p[at] == '\n' ? 1 : s.p[at] == '\r' && at + 1 < s.n && s.p[at + 1] == '\n' ? 2 : 0;
  return n > 0 && (at + n == s.n || nm_is_wsp(s.p[at + n])) ? n : 0;
}

static int is_fine(struct nm_str s, size_t at, size_t *n_out) {
  *n_out = nm_utf8_next(s.p + at, s.n - at, NULL);
  return *n_out > 1 || (*n_out == 1 && s.p[at] != '\0' && s.p[at] != '\r' && s.p[at] != '\n');
}

/* s without its folds (folds: it may have some), as UTF-8. */
static void add(struct nm_buf *out, struct nm_str s, int folds, size_t *lost) {
  size_t begin = 0, at = 0, n = 0;
  while (at < s.n && out->err == 0) {
    if (is_fine(s, at, &n)) {
      at += n;
      continue;
    }
    nm_buf_add(out, s.p + begin, at - begin);
    n = folds ? fold(s, at) : 0;
    if (n == 0) {
      nm_buf_add_c(out, REPLACEMENT);
      ++*lost;
      n = 1;
    }
    at += n;
    begin = at;
  }
  nm_buf_add(out, s.p + begin, at - begin);
}

/* ---- encoded words ---- */

/* Where the first "?=" from at on stands. Asked with growing at only, and looked for only once. */
static size_t word_end(struct reader *r, size_t at) {
  if (at < r->end_from || at > r->end_at) {
    r->end_from = at;
    while (at + 1 < r->text.n && !(r->text.p[at] == '?' && r->text.p[at + 1] == '=')) {
      at++;
    }
    r->end_at = at + 1 < r->text.n ? at : r->text.n;
  }
  return r->end_at;
}

/* Digits, padding, and white space where a word was folded. */
static int is_base64(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (!nm_is(c, NM_CHAR_ALPHA | NM_CHAR_DIGIT | NM_CHAR_WSP) && c != '+' && c != '/' && c != '=' &&
        c != '\r' && c != '\n') {
      return 0;
    }
  }
  return 1;
}

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="   (RFC 2047 2, RFC 2231 5), at a "=?" */
static int read_word(struct reader *r, size_t at, struct word *w) {
  struct nm_str s = r->text;
  size_t begin = at + 2, i = begin, star = 0;
  while (i < s.n && i - at < WORD_HEAD_MAX && nm_is((unsigned char)s.p[i], NM_CHAR_PRINT) && s.p[i] != '?' &&
         s.p[i] != ' ') {
    star = s.p[i] == '*' && star == 0 ? i : star;
    i++;
  }
  if (i == begin || s.n - i < 5 || s.p[i] != '?' || s.p[i + 2] != '?') {
    return 0;
  }
  w->charset = nm_str(s.p + begin, (star > 0 ? star : i) - begin);
  w->encoding = (char)(s.p[i + 1] & ~0x20);
  size_t end = word_end(r, i + 3);
  if (end == s.n || (w->encoding != 'B' && w->encoding != 'Q')) {
    return 0;
  }
  w->text = nm_str(s.p + i + 3, end - i - 3);
  w->end = end + 2;
  return w->encoding == 'Q' || is_base64(w->text);
}

static int hex(char c) {
  c = nm_lower(c);
  return nm_is((unsigned char)c, NM_CHAR_HEX) ? (c <= '9' ? c - '0' : c - 'a' + 10) : -1;
}

/* RFC 2047 4.2. A word that was folded goes on behind the white space of the fold. */
static void add_q(struct nm_buf *out, struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    size_t folded = fold(s, i);
    if (folded > 0) {
      i += folded - 1;
      while (i + 1 < s.n && nm_is_wsp(s.p[i + 1])) {
        i++;
      }
    } else if (s.p[i] == '=' && s.n - i > 2 && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
      nm_buf_add_byte(out, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
      i += 2;
    } else {
      nm_buf_add_byte(out, s.p[i] == '_' ? ' ' : s.p[i]);
    }
  }
}

static void add_b(struct nm_buf *out, struct nm_str s) {
  struct nm_base64_reader r = {0};
  char *room = nm_buf_room(out, NM_BASE64_ROOM(s.n));
  if (room != NULL) {
    size_t n = nm_base64_step(&r, s.p, s.n, room);
    out->n += n + nm_base64_flush(&r, room + n);
    out->p[out->n] = '\0';
  }
}

/* The words of one charset that stand side by side become text. */
static void end_words(struct reader *r) {
  size_t bad = 0;
  if (r->octets.n > 0) {
    nm_buf_reset(&r->utf8);
    int err = nm_charset_read(&r->charset, nm_buf_str(&r->octets), &r->utf8, &bad);
    r->out->err = r->out->err == 0 && err != NM_EINVAL ? err : r->out->err;
    add(r->out, nm_buf_str(&r->utf8), 0, &r->lost);
    r->lost += bad;
    nm_buf_reset(&r->octets);
  }
}

/* A charset with escape sequences begins anew in each word, whatever the one before ended with. */
static int goes_on(const struct reader *r, const struct word *w) {
  return r->octets.n > 0 && nm_str_ieq(nm_str_c(r->charset.asked), w->charset) &&
         memchr(r->octets.p, 0x1b, r->octets.n) == NULL;
}

/* 0 when nobody knows its charset. */
static int add_word(struct reader *r, const struct word *w, struct nm_str gap, int beside) {
  int joined = beside && goes_on(r, w);
  if (!joined) {
    end_words(r);
  }
  int err = nm_charset_reader_open(&r->charset, w->charset);
  r->out->err = err == NM_ENOMEM ? err : r->out->err;
  if (err != 0) {
    return 0;
  }
  if (!beside) {
    add(r->out, gap, 1, &r->lost);
  }
  if (w->encoding == 'B') {
    add_b(&r->octets, w->text);
  } else {
    add_q(&r->octets, w->text);
  }
  r->out->err = r->out->err == 0 ? r->octets.err : r->out->err;
  return 1;
}

/* "any 'linear-white-space' that separates a pair of adjacent 'encoded-word's is ignored"   (RFC 2047 6.2) */
static int is_gap(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (!nm_is_fws(s.p[i])) {
      return 0;
    }
  }
  return 1;
}

static void read_all(struct reader *r) {
  size_t plain = 0; /* where the text begins that is not yet in out */
  int behind_word = 0;
  for (size_t at = 0; at + 1 < r->text.n && r->out->err == 0;) {
    struct word w;
    const char *sign = memchr(r->text.p + at, '=', r->text.n - 1 - at);
    at = sign != NULL ? (size_t)(sign - r->text.p) : r->text.n;
    if (sign == NULL || sign[1] != '?' || !read_word(r, at, &w)) {
      at++;
      continue;
    }
    struct nm_str gap = nm_str(r->text.p + plain, at - plain);
    if (!add_word(r, &w, gap, behind_word && is_gap(gap))) {
      at = w.end; /* it stays as it is, and so does what it holds */
      continue;
    }
    at = plain = w.end;
    behind_word = 1;
  }
  end_words(r);
  add(r->out, nm_str(r->text.p + plain, r->text.n - plain), 1, &r->lost);
}

void nm_encword_read(struct nm_buf *out, struct nm_str text, size_t *lost_out) {
  struct reader r = {.out = out, .text = nm_str(text.n > 0 ? text.p : "", text.n), .end_from = SIZE_MAX};
  r.octets.max = r.utf8.max = SIZE_MAX / 4;
  read_all(&r);
  nm_charset_reader_close(&r.charset);
  nm_buf_free(&r.octets);
  nm_buf_free(&r.utf8);
  if (lost_out != NULL) {
    *lost_out += r.lost;
  }
}

struct nm_str nm_encword_charset(struct nm_str value) {
  struct reader r = {.text = value, .end_from = SIZE_MAX};
  struct word w;
  for (size_t at = 0; at + 1 < value.n; at++) {
    if (value.p[at] == '=' && value.p[at + 1] == '?' && read_word(&r, at, &w)) {
      return w.charset;
    }
  }
  return nm_str(NULL, 0);
}

void nm_encword_mend(struct nm_buf *out, struct nm_str text, size_t *lost_out) {
  size_t lost = 0;
  add(out, text, 0, &lost);
  if (lost_out != NULL) {
    *lost_out += lost;
  }
}

static struct nm_str trim(struct nm_str value) {
  return nm_str_trim(value, " \t\r\n");
}

void nm_encword_read_text(struct nm_buf *out, struct nm_str value, size_t *lost_out) {
  nm_encword_read(out, trim(value), lost_out);
}

void nm_encword_unfold(struct nm_buf *out, struct nm_str value, size_t *lost_out) {
  size_t lost = 0;
  add(out, trim(value), 1, &lost);
  if (lost_out != NULL) {
    *lost_out += lost;
  }
}

/* ---- phrases ---- */

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE   (RFC 5322 3.2.4); an open one reaches to the end. Returns where it
   ends. */
static size_t add_quoted(struct nm_buf *out, struct nm_str s, size_t at) {
  for (at++; at < s.n && s.p[at] != '"'; at++) {
    at += s.p[at] == '\\' && at + 1 < s.n;
    nm_buf_add_byte(out, s.p[at]);
  }
  return at < s.n ? at + 1 : at;
}

/* The words as one text that has nothing of a phrase's syntax left but encoded words. */
static void add_words(struct nm_buf *out, struct nm_str s) {
  int gap = 0;
  unsigned open = 0;
  for (size_t at = 0; at < s.n;) {
    size_t comment = s.p[at] == '(' ? nm_comment_end(s, at, &open) : at;
    if (comment > at || nm_is_fws(s.p[at])) {
      gap = out->n > 0;
      at = comment > at ? comment : at + 1;
      continue;
    }
    if (gap) {
      nm_buf_add_byte(out, ' ');
      gap = 0;
    }
    if (s.p[at] == '"') {
      at = add_quoted(out, s, at);
    } else {
      nm_buf_add_byte(out, s.p[at++]);
    }
  }
}

void nm_encword_read_phrase(struct nm_buf *out, struct nm_str value, size_t *lost_out) {
  struct nm_buf words = {.max = SIZE_MAX / 4};
  add_words(&words, value);
  if (words.err == 0) {
    nm_encword_read(out, nm_buf_str(&words), lost_out);
  }
  out->err = out->err == 0 ? words.err : out->err;
  nm_buf_free(&words);
}
