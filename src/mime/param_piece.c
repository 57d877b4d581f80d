#include "mime/param_piece.h"

#include "base/chars.h"
#include "base/error.h"
#include "base/utf8.h"
#include "mime/comment.h"

#define SECTION_MAX 9999

static int ends_word(struct nm_str s, size_t at, const char *stops) {
  return at == s.n || nm_is_fws(s.p[at]) || (s.p[at] != '\0' && strchr(stops, s.p[at]) != NULL);
}

static struct nm_str word(struct nm_str s, size_t *at, const char *stops) {
  size_t begin = *at;
  while (!ends_word(s, *at, stops)) {
    ++*at;
  }
  return nm_str(s.p + begin, *at - begin);
}

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
  while (at < s.n && nm_is_fws(s.p[at])) {
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
    while (*at < s.n && nm_is_fws(s.p[*at])) {
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
static int read_name(struct nm_param_piece *piece, struct nm_str name) {
  const char *star = name.n > 0 ? memchr(name.p, '*', name.n) : NULL;
  piece->section = NM_PARAM_SINGLE;
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
    int before = piece->section == NM_PARAM_SINGLE ? 0 : piece->section;
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

int nm_param_piece_is(const struct nm_param_piece *piece, const struct nm_param_piece *like) {
  return piece->hash == like->hash && nm_str_ieq(piece->name, like->name);
}

static int read_piece(struct nm_param_pieces *all, struct nm_str s, size_t *at) {
  struct nm_param_piece piece = {0};
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
  if (all->n == NM_PARAM_PIECES_MAX) {
    return NM_ELIMIT;
  }
  piece.hash = hash_of(piece.name);
  all->items[all->n++] = piece;
  return 0;
}

/* type "/" subtype *(";" parameter)   (RFC 2045 5.1) */
int nm_param_pieces_read(struct nm_param_pieces *all, struct nm_str s, struct nm_str *type_out,
                         struct nm_str *subtype_out) {
  all->n = all->open = 0;
  size_t at = nm_comment_skip(s, 0, &all->open);
  int err = 0;
  *type_out = word(s, &at, "/;(");
  *subtype_out = nm_str("", 0);
  at = nm_comment_skip(s, at, &all->open);
  if (at < s.n && s.p[at] == '/') {
    at = nm_comment_skip(s, at + 1, &all->open);
    *subtype_out = word(s, &at, ";(");
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
