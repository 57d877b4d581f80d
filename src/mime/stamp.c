#include "mime/stamp.h"

#include "base/chars.h"
#include "base/random.h"

static void add_hex(struct nm_buf *b, const unsigned char *p, size_t n) {
  static const char hex[] = "0123456789abcdef";
  char *to = nm_buf_room(b, 2 * n);
  if (to != NULL) {
    for (size_t i = 0; i < n; i++) {
      *to++ = hex[p[i] >> 4];
      *to++ = hex[p[i] & 15];
    }
    *to = '\0';
    b->n += 2 * n;
  }
}

void nm_boundary_write(struct nm_buf *b, const struct nm_stamp *stamp, unsigned n) {
  nm_buf_addf(b, "=_%u_", n);
  add_hex(b, stamp->boundary, sizeof stamp->boundary);
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
  nm_buf_add_byte(b, '<');
  add_hex(b, random, NM_MESSAGE_ID_RANDOM);
  nm_buf_add_byte(b, '@');
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
