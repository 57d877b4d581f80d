#include "mime/html_scan.h"

#include "base/chars.h"

int nm_html_is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static int is_alpha(struct nm_str s, size_t at) {
  return at < s.n && nm_is((unsigned char)s.p[at], NM_CHAR_ALPHA);
}

static int is_byte(struct nm_str s, size_t at, char c) {
  return at < s.n && s.p[at] == c;
}

static int is_space_at(struct nm_str s, size_t at) {
  return at < s.n && nm_html_is_space(s.p[at]);
}

static struct nm_str piece(struct nm_str s, size_t from, size_t to) {
  return nm_str(s.p + from, to - from);
}

/* The first c from at on, or the end. */
static size_t find(struct nm_str s, size_t at, char c) {
  const char *p = at < s.n ? memchr(s.p + at, c, s.n - at) : NULL;
  return p != NULL ? (size_t)(p - s.p) : s.n;
}

/* ---- attributes ---- */

static size_t skip_spaces(struct nm_str s, size_t at) {
  while (is_space_at(s, at)) {
    at++;
  }
  return at;
}

/* Where the attributes of a tag that were cut out end: their own end. Within a document: the ">" that ends the tag. */
static int ends_tag(struct nm_str s, size_t at) {
  return at >= s.n || s.p[at] == '>';
}

static size_t value_end(struct nm_str s, size_t at) {
  while (!ends_tag(s, at) && !nm_html_is_space(s.p[at])) {
    at++;
  }
  return at;
}

/* *(space / "/") name [*space "=" *space value]: from s.p[*at] on, up to the ">" of the tag at the latest. A "=" that no
   name stands before is the name's first character. */
static int attribute(struct nm_str s, size_t *at, struct nm_html_attribute *out) {
  size_t i = *at;
  while (is_space_at(s, i) || is_byte(s, i, '/')) {
    i++;
  }
  *at = i;
  if (ends_tag(s, i)) {
    return 0;
  }
  size_t begin = i++;
  while (!ends_tag(s, i) && !nm_html_is_space(s.p[i]) && s.p[i] != '/' && s.p[i] != '=') {
    i++;
  }
  *out = (struct nm_html_attribute){.name = piece(s, begin, i)};
  *at = i;
  i = skip_spaces(s, i);
  if (!is_byte(s, i, '=')) {
    return 1;
  }
  i = skip_spaces(s, i + 1);
  if (is_byte(s, i, '"') || is_byte(s, i, '\'')) {
    out->quote = s.p[i++];
    size_t end = find(s, i, out->quote);
    out->value = piece(s, i, end);
    *at = end < s.n ? end + 1 : end;
  } else {
    size_t end = value_end(s, i);
    out->value = piece(s, i, end);
    *at = end;
  }
  return 1;
}

int nm_html_attribute_next(struct nm_str attributes, size_t *at, struct nm_html_attribute *out) {
  return attribute(attributes, at, out);
}

/* ---- tags ---- */

static int is_one_of(struct nm_str name, const char *const *names) {
  for (; *names != NULL; names++) {
    if (nm_str_ieq(name, nm_str_c(*names))) {
      return 1;
    }
  }
  return 0;
}

/* Whose text has no tags (13.2.6.4.4, 13.2.6.4.7): of the first the text is raw, in the others references count. */
static void note_text_element(struct nm_html_scan *s, struct nm_str name) {
  static const char *const raw[] = {"script",  "style",    "xmp",       "iframe",
                                    "noembed", "noframes", "plaintext", NULL};
  static const char *const escapable[] = {"title", "textarea", NULL};
  s->raw = is_one_of(name, raw);
  s->text_of = s->raw || is_one_of(name, escapable) ? name : nm_str("", 0);
}

static size_t name_end(struct nm_str in, size_t at) {
  while (at < in.n && !nm_html_is_space(in.p[at]) && in.p[at] != '/' && in.p[at] != '>') {
    at++;
  }
  return at;
}

/* "<" ["/"] ALPHA ... ">". A tag that the input ends within is dropped with all that it holds, as browsers do. */
static int scan_tag(struct nm_html_scan *s, struct nm_html_token *t, size_t name_at) {
  size_t end = name_end(s->in, name_at), at = end, last = end;
  struct nm_html_attribute ignored;
  while (attribute(s->in, &at, &ignored)) {
    last = at;
  }
  if (at >= s->in.n) {
    s->at = s->in.n;
    return 0;
  }
  t->name = piece(s->in, name_at, end);
  t->attributes = piece(s->in, end, at);
  t->self_closing = at > last && s->in.p[at - 1] == '/'; /* not the end of a value */
  s->at = at + 1;
  if (t->kind == NM_HTML_START) {
    note_text_element(s, t->name);
  }
  return 1;
}

/* ---- comments ---- */

/* "<!--" ... ("-->" / "--!>"); also "<!-->" and "<!--->". at: behind the "<!--". */
static size_t comment_end(struct nm_str in, size_t at) {
  if (is_byte(in, at, '>')) {
    return at + 1;
  }
  if (is_byte(in, at, '-') && is_byte(in, at + 1, '>')) {
    return at + 2;
  }
  for (size_t i = find(in, at, '>'); i < in.n; i = find(in, i + 1, '>')) {
    size_t dashes = i > at && in.p[i - 1] == '!' ? i - 1 : i;
    if (dashes - at >= 2 && in.p[dashes - 1] == '-' && in.p[dashes - 2] == '-') {
      return i + 1;
    }
  }
  return in.n;
}

/* "<!", "<?" and "</" that begin neither a comment nor a tag go up to the next ">". */
static void scan_comment(struct nm_html_scan *s) {
  size_t at = s->at + 2;
  if (is_byte(s->in, s->at + 1, '!') && is_byte(s->in, at, '-') && is_byte(s->in, at + 1, '-')) {
    s->at = comment_end(s->in, at + 2);
  } else {
    size_t end = find(s->in, at, '>');
    s->at = end < s->in.n ? end + 1 : end;
  }
}

/* ---- text ---- */

/* Any other "<" is text. */
static int begins_markup(struct nm_str in, size_t at) {
  return is_alpha(in, at + 1) || is_byte(in, at + 1, '!') || is_byte(in, at + 1, '?') ||
         (is_byte(in, at + 1, '/') && at + 2 < in.n);
}

static size_t text_end(struct nm_str in, size_t at) {
  at = find(in, at, '<');
  while (at < in.n && !begins_markup(in, at)) {
    at = find(in, at + 1, '<');
  }
  return at;
}

/* "</" name (space / "/" / ">"). A "</script>" within a comment of a script ends it here all the same; a browser reads on, and
   shows no more of it than we do. */
static int is_end_of(struct nm_str in, size_t at, struct nm_str name) {
  size_t end = at + 2 + name.n;
  return is_byte(in, at + 1, '/') && end < in.n && nm_str_ieq(piece(in, at + 2, end), name) &&
         (nm_html_is_space(in.p[end]) || in.p[end] == '/' || in.p[end] == '>');
}

static size_t text_element_end(struct nm_str in, size_t at, struct nm_str name) {
  at = find(in, at, '<');
  while (at < in.n && (nm_str_ieq(name, NM_STR("plaintext")) || !is_end_of(in, at, name))) {
    at = find(in, at + 1, '<');
  }
  return at;
}

static void scan_text(struct nm_html_scan *s, struct nm_html_token *t) {
  t->kind = NM_HTML_TEXT;
  if (s->text_of.n > 0) {
    t->raw = s->raw;
    s->at = text_element_end(s->in, s->at, s->text_of);
    s->text_of = nm_str("", 0);
  } else {
    s->at = text_end(s->in, s->at);
  }
}

static int scan_markup(struct nm_html_scan *s, struct nm_html_token *t) {
  size_t name_at = is_byte(s->in, s->at + 1, '/') ? s->at + 2 : s->at + 1;
  if (is_alpha(s->in, name_at)) {
    t->kind = name_at == s->at + 2 ? NM_HTML_END : NM_HTML_START;
    return scan_tag(s, t, name_at);
  }
  t->kind = NM_HTML_COMMENT;
  scan_comment(s);
  return 1;
}

enum nm_html_kind nm_html_next(struct nm_html_scan *s, struct nm_html_token *token) {
  size_t begin = s->at;
  *token = (struct nm_html_token){.kind = NM_HTML_OVER, .all = nm_str("", 0)};
  if (begin >= s->in.n) {
    return NM_HTML_OVER;
  }
  int in_text = s->text_of.n > 0 && !is_end_of(s->in, begin, s->text_of);
  if (in_text || s->in.p[begin] != '<' || !begins_markup(s->in, begin)) {
    scan_text(s, token);
  } else {
    s->text_of = nm_str("", 0);
    if (!scan_markup(s, token)) {
      token->kind = NM_HTML_OVER;
    }
  }
  token->all = piece(s->in, begin, s->at);
  return token->kind;
}
