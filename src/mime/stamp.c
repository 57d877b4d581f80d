#include "mime/stamp.h"

#include "base/chars.h"
#include "base/random.h"

static char *put_random(char *to, const unsigned char random[16]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < 16; i++) {
    *to++ = digits[random[i] >> 4];
    *to++ = digits[random[i] & 15];
  }
  return to;
}

void nm_boundary_write(struct nm_buf *b, const struct nm_stamp *stamp, unsigned n) {
  nm_buf_addf(b, "=_%u_", n);
  char *to = nm_buf_room(b, 2 * sizeof stamp->boundary);
  if (to != NULL) {
    *put_random(to, stamp->boundary) = '\0';
    b->n += 2 * sizeof stamp->boundary;
  }
}

int nm_message_id_make(const struct nm_addr *from, struct nm_buf *b, struct nm_error *e) {
  unsigned char random[NM_MESSAGE_ID_RANDOM];
  if (nm_random(random, sizeof random) != 0) {
    return nm_error_set(e, NM_EIO, NM_KIND_MESSAGE, "the system gives no random bytes for the Message-ID");
  }
  return nm_message_id_write(from, random, b, e);
}

int nm_message_id_write(const struct nm_addr *from, const unsigned char random[NM_MESSAGE_ID_RANDOM],
                        struct nm_buf *b, struct nm_error *e) {
  if (from == NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the message has no From; set it to the author's address");
  }
  char left[1 + 2 * NM_MESSAGE_ID_RANDOM + 1] = "<";
  *put_random(left + 1, random) = '@';
  nm_buf_add(b, left, sizeof left);
  nm_buf_add_str(b, from->domain);
  nm_buf_add_byte(b, '>');
  if (b->err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return b->err != 0 ? nm_error_set(e, b->err, NM_KIND_MESSAGE, "the Message-ID is too long") : 0;
}

/* Shorter than a line, so that the field can be written without a fold inside it. */
#define MESSAGE_ID_MAX 900

int nm_message_id_is_safe(struct nm_str id) {
  if (id.n < 3 || id.n > MESSAGE_ID_MAX || id.p[0] != '<' || id.p[id.n - 1] != '>') {
    return 0;
  }
  for (size_t i = 1; i < id.n - 1; i++) {
    unsigned char c = (unsigned char)id.p[i];
    if (!nm_is(c, NM_CHAR_PRINT) || c == ' ' || c == '<' || c == '>') {
      return 0;
    }
  }
  return 1;
}
