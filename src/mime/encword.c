#include "mime/encword.h"

#include "base/chars.h"
#include "base/utf8.h"
#include "mime/chain.h"
#include "mime/fold.h"
#include "mime/qstring.h"

/* A line of its own: the space of the fold, then this. */
#define LINE_ROOM (NM_FOLD_COLUMN - 1)

/* One text being taken apart. A tab is no space here: it would not survive where lines are folded anew, so it
   is part of a word and makes it an encoded one. */
struct words {
  struct nm_str text;
  size_t trimmed; /* where its trailing spaces begin */
  size_t room;    /* for its first word on the field's first line */
};

struct word {
  size_t gap; /* spaces before it */
  size_t end;
  int plain; /* may stand as it is */
};

/* Encoded must be: a word at a leading or trailing space (readers strip those); one that with its spaces is too
   long for a line; a first one that would need a fold right behind the field's name, where some readers
   (Python's email.policy.default) keep the fold's space; one that nm_qstring_can refuses. */
static struct word next_word(const struct words *t, size_t at) {
  size_t begin = at;
  while (begin < t->text.n && t->text.p[begin] == ' ') {
    begin++;
  }
  size_t end = begin;
  while (end < t->text.n && t->text.p[end] != ' ') {
    end++;
  }
  int edge = (at == 0 && begin > 0) || (end == t->trimmed && end < t->text.n);
  int fits = end - at <= (at == 0 ? t->room : NM_FOLD_COLUMN);
  return (struct word){
      .gap = begin - at,
      .end = end,
      .plain = !edge && fits && end > begin && nm_qstring_can(nm_str(t->text.p + begin, end - begin)),
  };
}

/* How far the words reach that are encoded as one: white space between encoded words means nothing to a
   reader (RFC 2047 6.2), so the spaces inside are encoded, and all but one of those before the next plain
   word. */
static size_t encoded_end(const struct words *t, size_t at) {
  while (at < t->text.n) {
    struct word w = next_word(t, at);
    if (w.plain) {
      return at + w.gap - 1;
    }
    at = w.end;
  }
  return at;
}

/* unstructured = (*([FWS] VCHAR) *WSP)   (RFC 5322 3.2.5), the text behind the field's name. */
static int text_write(struct nm_chain *c, struct nm_str text) {
  struct words t = {text, text.n, c->col < LINE_ROOM ? LINE_ROOM - c->col : 0};
  while (t.trimmed > 0 && text.p[t.trimmed - 1] == ' ') {
    t.trimmed--;
  }
  size_t at = 0;
  while (at < text.n && c->b->err == 0) {
    struct word w = next_word(&t, at);
    size_t begin = at > 0 ? at + 1 : 0; /* one space is written as itself, or as a fold */
    size_t end = w.plain ? w.end : encoded_end(&t, at);
    struct nm_str piece = nm_str(text.p + begin, end - begin);
    if (w.plain) {
      c->col = nm_fold_token(c->b, c->col, piece);
    } else {
      int err = nm_chain_write(c, piece, 1);
      if (err != 0) {
        return err;
      }
    }
    at = end;
  }
  return 0;
}

static int check_utf8(struct nm_str text, struct nm_error *e) {
  size_t valid = nm_utf8_valid(text);
  return valid == text.n ? 0
                         : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                                        "broken UTF-8 at byte %zu of a header field", valid + 1);
}

/* One line holds all of it, and none of it need be encoded: most texts are so. Other charsets may be none, which is to be said. */
static int is_line(struct nm_str s, size_t col, struct nm_str charset) {
  return nm_charset_is_utf8(charset) && s.n > 0 && s.n < NM_FOLD_COLUMN && col < NM_FOLD_COLUMN - s.n &&
         s.p[0] != ' ' && s.p[s.n - 1] != ' ' && nm_qstring_can(s);
}

int nm_encword_text(struct nm_buf *b, size_t *col, struct nm_str text, struct nm_str charset,
                    struct nm_error *e) {
  struct nm_chain c;
  if (is_line(text, *col, charset)) {
    *col = nm_fold_token(b, *col, text);
    return nm_fold_status(b, e);
  }
  int err = nm_chain_begin(&c, b, *col, charset, e);
  err = err == 0 ? check_utf8(text, e) : err;
  err = err == 0 ? text_write(&c, text) : err;
  *col = c.col;
  return nm_chain_end(&c, err);
}

/* phrase = 1*word, word = atom here   (RFC 5322 3.2.5); one space between, each atom fit for a line. */
static int is_atoms(struct nm_str s) {
  size_t atom = 0;
  for (size_t i = 0; i <= s.n; i++) {
    if (i < s.n && nm_is((unsigned char)s.p[i], NM_CHAR_ATEXT)) {
      atom++;
    } else if (atom == 0 || atom > LINE_ROOM || (i < s.n && s.p[i] != ' ')) {
      return 0;
    } else {
      atom = 0;
    }
  }
  return 1;
}

static void atoms_write(struct nm_chain *c, struct nm_str s) {
  for (size_t i = 0, begin = 0; i <= s.n; i++) {
    if (i == s.n || s.p[i] == ' ') {
      c->col = nm_fold_token(c->b, c->col, nm_str(s.p + begin, i - begin));
      begin = i + 1;
    }
  }
}

/* Within a quoted string white space means itself, but is folded away at a line's end: so it gets one line or
   none. At the ends of one most readers take it away. */
static int phrase_write(struct nm_chain *c, struct nm_str s) {
  size_t quoted = nm_qstring_size(s);
  int spaced = s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
  if (!nm_qstring_can(s) || s.n == 0 || spaced || (!is_atoms(s) && quoted > LINE_ROOM)) {
    return nm_chain_write(c, s, 1);
  }
  if (is_atoms(s)) {
    atoms_write(c, s);
  } else {
    c->col = nm_fold_space(c->b, c->col, quoted) + quoted;
    nm_qstring_write(c->b, s);
  }
  return 0;
}

int nm_encword_phrase(struct nm_buf *b, size_t *col, struct nm_str text, struct nm_str charset,
                      struct nm_error *e) {
  struct nm_chain c;
  if (is_line(text, *col, charset) && is_atoms(text)) {
    *col = nm_fold_token(b, *col, text);
    return nm_fold_status(b, e);
  }
  int err = nm_chain_begin(&c, b, *col, charset, e);
  c.phrase = 1;
  err = err == 0 ? check_utf8(text, e) : err;
  err = err == 0 ? phrase_write(&c, text) : err;
  *col = c.col;
  return nm_chain_end(&c, err);
}
