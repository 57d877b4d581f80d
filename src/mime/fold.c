#include "mime/fold.h"

size_t nm_fold_name(struct nm_buf *b, const char *name) {
  size_t n = strlen(name);
  nm_buf_add(b, name, n);
  nm_buf_add_byte(b, ':');
  return n + 1;
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
  if (token.n == 0) {
    return col;
  }
  col = nm_fold_space(b, col, token.n);
  nm_buf_add_str(b, token);
  return col + token.n;
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
