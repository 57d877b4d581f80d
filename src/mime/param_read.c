#include "mime/param_read.h"

#include <stdint.h>
#include "base/alloc.h"
#include "base/chars.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/comment.h"
#include "mime/encword_read.h"

/* One octet becomes at most so many: U+FFFD, or a character of a charset with marks of its own (TSCII has nine). */
#define GROWTH 12
#define SINGLE (-1) /* no section number */
#define SECTION_MAX 9999

/* parameter = regular-parameter / extended-parameter   (RFC 2231 7): one of them as it stands. */
struct piece {
  struct nm_str name; /* without "*" and what follows */
  uint32_t hash;      /* of the name */
  struct nm_str value;
  int section;  /* or SINGLE */
  int extended; /* %XX */
  int quoted;
  int used; /* its parameter is made */
};

struct pieces {
  struct piece items[NM_TYPED_PARAMS_MAX];
  size_t n;
  unsigned open; /* mime/comment.h */
};

static int is_blank(char c) {
  return nm_is((unsigned char)c, NM_CHAR_WSP) || c == '\r' || c == '\n';
}

static int ends_word(struct nm_str s, size_t at, const char *stops) {
  return at == s.n || is_blank(s.p[at]) || (s.p[at] != '\0' && strchr(stops, s.p[at]) != NULL);
}

static struct nm_str word(struct nm_str s, size_t *at, const char *stops) {
  size_t begin = *at;
  while (!ends_word(s, *at, stops)) {
    ++*at;
  }
  return nm_str(s.p + begin, *at - begin);
}

/* ---- taking apart ---- */

/* Whether another parameter begins here: a name and its "=", but no "==", which is an encoded word behind its "=". */
static int is_parameter(struct nm_str s, size_t at) {
  size_t begin = at;
  while (at < s.n && nm_is((unsigned char)s.p[at], NM_CHAR_TOKEN)) {
    if (s.p[at] == '=' || s.p[at] == '?') {
      break;
    }
    at++;
  }
  size_t name = at - begin;
  while (at < s.n && is_blank(s.p[at])) {
    at++;
  }
  return name > 0 && at < s.n && s.p[at] == '=';
}

/* A value without quotes: to the ";", without a comment at its end. Many write file names with spaces. */
static struct nm_str bare_value(struct nm_str s, size_t *at, unsigned *open) {
  size_t begin = *at, end = *at, next = *at; /* up to next there are only comments and blanks */
  while (*at < s.n && s.p[*at] != ';') {
    while (!ends_word(s, *at, ";")) {
      ++*at;
    }
    end = *at;
    next = *at < next ? next : nm_comment_skip(s, *at, open);
    if (next == s.n || s.p[next] == ';' || is_parameter(s, next)) {
      *at = next;
      break;
    }
    while (*at < s.n && is_blank(s.p[*at])) {
      ++*at;
    }
  }
  return nm_str(s.p + begin, end - begin);
}

/* What stands between the quotes; an open one reaches to the end. */
static struct nm_str quoted_value(struct nm_str s, size_t *at) {
  size_t begin = ++*at;
  while (*at < s.n && s.p[*at] != '"') {
    *at += s.p[*at] == '\\' && *at + 1 < s.n ? 2 : 1;
  }
  size_t end = *at < s.n ? *at : s.n;
  *at = end < s.n ? end + 1 : end;
  return nm_str(s.p + begin, end - begin);
}

/* Octets that are no characters would all be the same one in the result. */
static int is_name(struct nm_str s) {
  return s.n > 0 && nm_utf8_valid(s) == s.n && memchr(s.p, '\0', s.n) == NULL;
}

/* attribute [section] ["*"], section = "*" 1*DIGIT   (RFC 2231 7). 0: "*" stands where it has no meaning. */
static int read_name(struct piece *piece, struct nm_str name) {
  const char *star = name.n > 0 ? memchr(name.p, '*', name.n) : NULL;
  piece->section = SINGLE;
  piece->name = name;
  if (star == NULL) {
    return is_name(name);
  }
  piece->name = nm_str(name.p, (size_t)(star - name.p));
  struct nm_str rest = nm_str(star + 1, name.n - piece->name.n - 1);
  piece->extended = rest.n == 0 || rest.p[rest.n - 1] == '*';
  rest.n -= rest.n > 0 && piece->extended;
  for (size_t i = 0; i < rest.n; i++) {
    if (!nm_is((unsigned char)rest.p[i], NM_CHAR_DIGIT)) {
      return 0;
    }
    int before = piece->section == SINGLE ? 0 : piece->section;
    piece->section = before > SECTION_MAX ? before : before * 10 + (rest.p[i] - '0');
  }
  return is_name(piece->name) && piece->section <= SECTION_MAX;
}

/* FNV-1a, without case: names that differ are told apart at once, as each is compared with each. */
static uint32_t hash_of(struct nm_str name) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < name.n; i++) {
    hash = (hash ^ (unsigned char)nm_lower(name.p[i])) * 16777619u;
  }
  return hash;
}

static int is_named(const struct piece *piece, const struct piece *like) {
  return piece->hash == like->hash && nm_str_ieq(piece->name, like->name);
}

static int read_piece(struct pieces *all, struct nm_str s, size_t *at) {
  struct piece piece = {0};
  int named = read_name(&piece, word(s, at, ";=\""));
  *at = nm_comment_skip(s, *at, &all->open);
  if (*at == s.n || s.p[*at] != '=') {
    *at += *at < s.n && s.p[*at] == '"'; /* a stray one */
    return 0;
  }
  *at = nm_comment_skip(s, *at + 1, &all->open);
  piece.quoted = *at < s.n && s.p[*at] == '"';
  piece.value = piece.quoted ? quoted_value(s, at) : bare_value(s, at, &all->open);
  if (!named || (!piece.quoted && piece.value.n == 0)) {
    return 0;
  }
  if (all->n == NM_TYPED_PARAMS_MAX) {
    return NM_ELIMIT;
  }
  piece.hash = hash_of(piece.name);
  all->items[all->n++] = piece;
  return 0;
}

/* type "/" subtype *(";" parameter)   (RFC 2045 5.1) */
static int read_pieces(struct pieces *all, struct nm_str s, struct nm_str *type, struct nm_str *subtype) {
  size_t at = nm_comment_skip(s, 0, &all->open);
  int err = 0;
  *type = word(s, &at, "/;(");
  *subtype = nm_str("", 0);
  at = nm_comment_skip(s, at, &all->open);
  if (at < s.n && s.p[at] == '/') {
    at = nm_comment_skip(s, at + 1, &all->open);
    *subtype = word(s, &at, ";(");
  }
  while (err == 0) {
    at = nm_comment_skip(s, at, &all->open);
    if (at == s.n) {
      break;
    }
    if (s.p[at] == ';') {
      at++;
    } else {
      err = read_piece(all, s, &at);
    }
  }
  return err;
}

/* ---- putting together ---- */

/* The octets of a value: no folds, no backslashes of a quoted string. */
static void add_octets(struct nm_buf *b, const struct piece *piece) {
  struct nm_str s = piece->value;
  for (size_t i = 0; i < s.n; i++) {
    if (piece->quoted && s.p[i] == '\\' && i + 1 < s.n) {
      nm_buf_add_byte(b, s.p[++i]);
    } else if (s.p[i] != '\r' && s.p[i] != '\n') {
      nm_buf_add_byte(b, s.p[i]);
    }
  }
}

/* extended-initial-value = [charset] "'" [language] "'" extended-other-values   (RFC 2231 7): takes what stands before the
   second quote off b and returns the charset; without two quotes there is none. */
static struct nm_str take_charset(struct nm_buf *b, char name[NM_CHARSET_NAME_MAX + 1]) {
  const char *first = b->n > 0 ? memchr(b->p, '\'', b->n) : NULL;
  size_t n = first != NULL ? (size_t)(first - b->p) : 0;
  const char *second = first != NULL ? memchr(first + 1, '\'', b->n - n - 1) : NULL;
  if (second == NULL || n > NM_CHARSET_NAME_MAX) {
    return nm_str("", 0);
  }
  size_t used = (size_t)(second - b->p) + 1;
  memcpy(name, b->p, n);
  memmove(b->p, b->p + used, b->n - used);
  b->n -= used;
  return nm_str(name, n);
}

/* The piece of the parameter that like is one of with the lowest section above after, the first of them; NULL: none. */
static struct piece *next_section(struct pieces *all, const struct piece *like, int after) {
  struct piece *best = NULL;
  for (size_t i = 0; i < all->n; i++) {
    struct piece *p = &all->items[i];
    if (p->section > after && (best == NULL || p->section < best->section) && is_named(p, like)) {
      best = p;
    }
  }
  return best;
}

/* Adds octets, in the charset, as UTF-8. A charset that nobody knows: as if it were UTF-8. */
static void add_value(struct nm_typed *p, struct nm_str octets, struct nm_str charset) {
  struct nm_buf utf8 = {.max = GROWTH * NM_TYPED_TEXT_MAX};
  int err = nm_charset_decode(charset, octets, &utf8, &p->lost);
  if (err == NM_EINVAL) {
    nm_encword_mend(&p->text, octets, &p->lost);
  } else {
    nm_encword_mend(&p->text, nm_buf_str(&utf8), &p->lost);
    p->text.err = p->text.err == 0 ? err : p->text.err;
  }
  nm_buf_free(&utf8);
}

/* The value that begins with first: itself, or with the sections that follow. */
static void make_value(struct nm_typed *p, struct pieces *all, struct piece *first) {
  char name[NM_CHARSET_NAME_MAX + 1];
  struct nm_buf octets = {.max = NM_TYPED_TEXT_MAX};
  struct nm_str charset = nm_str(NULL, 0);
  for (struct piece *piece = first; piece != NULL;
       piece = piece->section == SINGLE ? NULL : next_section(all, first, piece->section)) {
    size_t begin = octets.n;
    add_octets(&octets, piece);
    if (piece == first && piece->extended) {
      charset = take_charset(&octets, name);
    }
    if (piece->extended) {
      charset.p = charset.p != NULL ? charset.p : "";
      nm_percent_undo(&octets, begin); /* ext-octet = "%" 2(DIGIT / "A" / … / "F")   (RFC 2231 7) */
    }
  }
  if (octets.err != 0) {
    p->text.err = octets.err;
  } else if (charset.p != NULL) {
    add_value(p, nm_buf_str(&octets), charset);
  } else {
    nm_encword_read(&p->text, nm_buf_str(&octets), &p->lost);
  }
  nm_buf_free(&octets);
}

/* Of all the pieces of the parameter that like is one of, the one to begin with; they are used then. */
static struct piece *choose(struct pieces *all, const struct piece *like) {
  struct piece *plain = NULL, *extended = NULL;
  int has_sections = 0;
  for (size_t i = 0; i < all->n; i++) {
    struct piece *p = &all->items[i];
    if (is_named(p, like)) {
      p->used = 1;
      if (p->section == SINGLE && p->extended) {
        extended = extended != NULL ? extended : p;
      } else if (p->section == SINGLE) {
        plain = plain != NULL ? plain : p;
      } else {
        has_sections = 1;
      }
    }
  }
  struct piece *sections = extended == NULL && has_sections ? next_section(all, like, SINGLE) : NULL;
  if (sections != NULL && sections->section > 0 && plain != NULL) {
    sections = NULL; /* its beginning is lost */
  }
  return extended != NULL ? extended : sections != NULL ? sections : plain;
}

static struct nm_str add_name(struct nm_buf *b, struct nm_str s) {
  size_t begin = b->n;
  nm_encword_mend(b, s, NULL);
  return nm_str(NULL, b->n - begin); /* placed at the end, when text moves no more */
}

static void place(struct nm_str *s, const struct nm_buf *text, size_t *at) {
  s->p = text->p + *at;
  *at += s->n;
}

static int make(struct nm_typed *p, struct pieces *all, struct nm_str type, struct nm_str subtype) {
  p->text.max = GROWTH * (size_t)NM_TYPED_TEXT_MAX;
  p->items = all->n > 0 ? nm_realloc_array(NULL, all->n, sizeof *p->items) : NULL;
  if (all->n > 0 && p->items == NULL) {
    return NM_ENOMEM;
  }
  nm_buf_add(&p->text, "", 0);
  p->type = add_name(&p->text, type);
  p->subtype = add_name(&p->text, subtype);
  for (size_t i = 0; i < all->n; i++) {
    if (all->items[i].used) {
      continue;
    }
    struct nm_param *made = &p->items[p->n++];
    made->name = add_name(&p->text, all->items[i].name);
    size_t begin = p->text.n;
    make_value(p, all, choose(all, &all->items[i]));
    made->value = nm_str(NULL, p->text.n - begin);
  }
  if (p->text.err != 0) {
    return p->text.err;
  }
  size_t at = 0;
  place(&p->type, &p->text, &at);
  place(&p->subtype, &p->text, &at);
  for (size_t i = 0; i < p->n; i++) {
    place(&p->items[i].name, &p->text, &at);
    place(&p->items[i].value, &p->text, &at);
  }
  return 0;
}

int nm_typed_read(struct nm_typed *p, struct nm_str value) {
  struct nm_str type, subtype;
  *p = (struct nm_typed){0};
  if (value.n > NM_TYPED_TEXT_MAX) {
    return NM_ELIMIT;
  }
  struct pieces *all = nm_alloc(sizeof *all);
  if (all == NULL) {
    return NM_ENOMEM;
  }
  all->n = all->open = 0;
  int err = read_pieces(all, nm_str(value.n > 0 ? value.p : "", value.n), &type, &subtype);
  err = err == 0 ? make(p, all, type, subtype) : err;
  nm_free(all);
  if (err != 0) {
    nm_typed_free(p);
  }
  return err;
}

struct nm_str nm_typed_get(const struct nm_typed *p, struct nm_str name) {
  for (size_t i = 0; i < p->n; i++) {
    if (nm_str_ieq(p->items[i].name, name)) {
      return p->items[i].value;
    }
  }
  return nm_str(NULL, 0);
}

void nm_typed_free(struct nm_typed *p) {
  nm_buf_free(&p->text);
  nm_free(p->items);
  *p = (struct nm_typed){0};
}
