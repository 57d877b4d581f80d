#include "mime/phrase.h"

#include "base/chars.h"
#include "base/error.h"

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE   (RFC 5322 3.2.4, RFC 6532 3.2)
   Returns where it ends; 0 when it does not. */
static size_t quoted_string(struct nm_str text, size_t at, struct nm_buf *out) {
  for (at++; at < text.n; at++) {
    if (text.p[at] == '"') {
      return at + 1;
    }
    if (text.p[at] == '\\') {
      at++;
    }
    if (at < text.n) {
      nm_buf_add_byte(out, text.p[at]);
    }
  }
  return 0;
}

int nm_phrase_next(struct nm_str text, size_t *at, struct nm_buf *out) {
  if (*at > text.n) {
    return 0;
  }
  size_t i = *at, begin = out->n, keep = out->n; /* keep: behind it is only white space that nobody quoted */
  int quoted = 0;
  while (i < text.n && text.p[i] != ',') {
    if (text.p[i] == '"') {
      i = quoted_string(text, i, out);
      if (i == 0) {
        return NM_EINVAL;
      }
      quoted = 1;
      keep = out->n;
    } else {
      if (!nm_is_wsp(text.p[i]) || out->n > begin || quoted) {
        nm_buf_add_byte(out, text.p[i]);
      }
      keep = nm_is_wsp(text.p[i]) ? keep : out->n;
      i++;
    }
  }
  if (out->n > keep) {
    out->n = keep;
    out->p[keep] = '\0';
  }
  *at = i + 1;
  return out->err != 0 ? out->err : out->n > begin ? 1 : NM_EINVAL;
}

void nm_phrase_quote(struct nm_buf *b, struct nm_str phrase) {
  nm_buf_add_byte(b, '"');
  for (size_t i = 0; i < phrase.n; i++) {
    if (phrase.p[i] == '"' || phrase.p[i] == '\\') {
      nm_buf_add_byte(b, '\\');
    }
    nm_buf_add_byte(b, phrase.p[i]);
  }
  nm_buf_add_byte(b, '"');
}

void nm_phrase_add(struct nm_buf *b, struct nm_str phrase) {
  int plain = phrase.n > 0 && !nm_is_wsp(phrase.p[0]) && !nm_is_wsp(phrase.p[phrase.n - 1]) &&
              memchr(phrase.p, ',', phrase.n) == NULL && memchr(phrase.p, '"', phrase.n) == NULL;
  if (plain) {
    nm_buf_add_str(b, phrase);
  } else {
    nm_phrase_quote(b, phrase);
  }
}
