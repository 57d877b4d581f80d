#include "mime/param_read.h"

#include "base/alloc.h"
#include "base/percent.h"
#include "mime/charset.h"
#include "mime/encword_read.h"
#include "mime/param_piece.h"

/* One octet becomes at most so many: U+FFFD, or a character of a charset with marks of its own (TSCII has nine). */
#define GROWTH 12

/* The octets of a value: no folds, no backslashes of a quoted string. */
static void add_octets(struct nm_buf *b, const struct nm_param_piece *piece) {
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
static struct nm_param_piece *next_section(struct nm_param_pieces *all, const struct nm_param_piece *like,
                                           int after) {
  struct nm_param_piece *best = NULL;
  for (size_t i = 0; i < all->n; i++) {
    struct nm_param_piece *p = &all->items[i];
    if (p->section > after && (best == NULL || p->section < best->section) && nm_param_piece_is(p, like)) {
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
static void make_value(struct nm_typed *p, struct nm_param_pieces *all, struct nm_param_piece *first) {
  char name[NM_CHARSET_NAME_MAX + 1];
  struct nm_buf octets = {.max = NM_TYPED_TEXT_MAX};
  struct nm_str charset = nm_str(NULL, 0);
  for (struct nm_param_piece *piece = first; piece != NULL;
       piece = piece->section == NM_PARAM_SINGLE ? NULL : next_section(all, first, piece->section)) {
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
static struct nm_param_piece *choose(struct nm_param_pieces *all, const struct nm_param_piece *like) {
  struct nm_param_piece *plain = NULL, *extended = NULL;
  int has_sections = 0;
  for (size_t i = 0; i < all->n; i++) {
    struct nm_param_piece *p = &all->items[i];
    if (nm_param_piece_is(p, like)) {
      p->used = 1;
      if (p->section == NM_PARAM_SINGLE && p->extended) {
        extended = extended != NULL ? extended : p;
      } else if (p->section == NM_PARAM_SINGLE) {
        plain = plain != NULL ? plain : p;
      } else {
        has_sections = 1;
      }
    }
  }
  struct nm_param_piece *sections =
      extended == NULL && has_sections ? next_section(all, like, NM_PARAM_SINGLE) : NULL;
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

static int make(struct nm_typed *p, struct nm_param_pieces *all, struct nm_str type, struct nm_str subtype) {
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
  struct nm_param_pieces *all = nm_alloc(sizeof *all);
  if (all == NULL) {
    return NM_ENOMEM;
  }
  int err = nm_param_pieces_read(all, nm_str(value.n > 0 ? value.p : "", value.n), &type, &subtype);
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
