#include "mime/fold.h"

static char *put(char *to, struct nm_str s) {
  if (s.n > 0) {
    memcpy(to, s.p, s.n);
  }
  return to + s.n;
}

size_t nm_fold_name(struct nm_buf *b, const char *name) {
  size_t n = strlen(name) + 1;
  char *to = nm_buf_room(b, n);
  if (to != NULL) {
    to = put(put(to, nm_str(name, n - 1)), NM_STR(":"));
    *to = '\0';
    b->n += n;
  }
  return n;
}

void nm_fold_line(struct nm_buf *b, struct nm_str name, struct nm_str value) {
  size_t n = name.n + value.n + 4;
  char *to = n > value.n ? nm_buf_room(b, n) : NULL;
  if (to != NULL) {
    to = put(put(put(put(to, name), NM_STR(": ")), value), NM_STR("\r\n"));
    *to = '\0';
    b->n += n;
  }
}

/* FWS = ([*WSP CRLF] 1*WSP)   (RFC 5322 3.2.2) */
size_t nm_fold_space(struct nm_buf *b, size_t col, size_t n) {
  if (n >= NM_FOLD_COLUMN || col >= NM_FOLD_COLUMN - n) {
    nm_buf_add_c(b, "\r\n ");
    return 1;
  }
  nm_buf_add_byte(b, ' ');
  return col + 1;
}

size_t nm_fold_token(struct nm_buf *b, size_t col, struct nm_str token) {
  return token.n > 0 ? nm_fold_pieces(b, col, token, nm_str("", 0), nm_str("", 0)) : col;
}

/* All that is written between has its room at once: mailboxes are most of many a header. */
size_t nm_fold_pieces(struct nm_buf *b, size_t col, struct nm_str before, struct nm_str token,
                      struct nm_str behind) {
  size_t n = before.n + token.n + behind.n;
  int is_folded = n >= NM_FOLD_COLUMN || col >= NM_FOLD_COLUMN - n;
  char *to = nm_buf_room(b, n + 3);
  if (to != NULL) {
    to = put(to, is_folded ? NM_STR("\r\n ") : NM_STR(" "));
    to = put(put(put(to, before), token), behind);
    *to = '\0';
    b->n = (size_t)(to - b->p);
  }
  return (is_folded ? 0 : col) + 1 + n;
}

size_t nm_fold_end(struct nm_buf *b) {
  nm_buf_add_c(b, "\r\n");
  return 0;
}

int nm_fold_status(const struct nm_buf *b, struct nm_error *e) {
  if (b->err == 0) {
    return 0;
  }
  return b->err == NM_ENOMEM ? nm_error_nomem(e)
                             : nm_error_set(e, b->err, NM_KIND_MESSAGE, "the message's header is too long");
}
