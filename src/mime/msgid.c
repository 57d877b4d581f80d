#include "mime/msgid.h"

#include "base/chars.h"
#include "mime/qstring.h"

/* no-fold-literal = "[" *dtext "]"   (RFC 5322 3.6.4) */
static int is_literal(struct nm_str s) {
  return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' && nm_all(nm_str(s.p + 1, s.n - 2), NM_CHAR_DTEXT);
}

/* msg-id   = [CFWS] "<" id-left "@" id-right ">" [CFWS]
   id-left  = dot-atom-text / obs-id-left
   id-right = dot-atom-text / no-fold-literal / obs-id-right   (RFC 5322 3.6.4), without the obsolete forms, and without what a
   reader could take for an encoded word */
static int is_id(struct nm_str s) {
  const char *sign = s.n > 0 && s.n <= NM_MSGID_MAX - 2 ? memchr(s.p, '@', s.n) : NULL;
  if (sign == NULL) {
    return 0;
  }
  size_t left = (size_t)(sign - s.p);
  struct nm_str right = nm_str(sign + 1, s.n - left - 1);
  return nm_qstring_can(s) && nm_is_dot_atom(nm_str(s.p, left)) &&
         (nm_is_dot_atom(right) || is_literal(right));
}

int nm_msgid_next(struct nm_str text, size_t *at, struct nm_str *id_out) {
  while (*at < text.n && nm_is((unsigned char)text.p[*at], NM_CHAR_WSP)) {
    ++*at;
  }
  size_t begin = *at;
  while (*at < text.n && !nm_is((unsigned char)text.p[*at], NM_CHAR_WSP)) {
    ++*at;
  }
  struct nm_str word = nm_str(text.n > 0 ? text.p + begin : "", *at - begin);
  *id_out = word;
  if (word.n == 0) {
    return 0;
  }
  if (word.n > 2 && word.p[0] == '<' && word.p[word.n - 1] == '>') {
    word = nm_str(word.p + 1, word.n - 2);
  }
  if (!is_id(word)) {
    return NM_EINVAL;
  }
  *id_out = word;
  return 1;
}

static int fail(const char *field, struct nm_str word, struct nm_error *e) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                      "%s: \"%.*s\" is not a message id; write it as <left@right> with letters, digits, "
                      "dots and signs that an address may have too",
                      field, nm_shown(word, 200), word.p);
}

int nm_msgid_list(struct nm_buf *b, const char *field, struct nm_str text, size_t max, struct nm_error *e) {
  struct nm_str id;
  size_t at = 0, n = 0;
  int got;
  while ((got = nm_msgid_next(text, &at, &id)) > 0) {
    if (n++ == max) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s takes no more than %zu message id(s)", field,
                          max);
    }
    nm_buf_add_c(b, n > 1 ? " <" : "<");
    nm_buf_add_str(b, id);
    nm_buf_add_byte(b, '>');
  }
  return got < 0 || n == 0 ? fail(field, id, e) : 0;
}
