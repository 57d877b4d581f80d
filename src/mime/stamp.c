#include "mime/stamp.h"

#include <stdint.h>

#include "base/chars.h"
#include "base/random.h"

/* Eight digits of four octets, each in an octet of a word, the first digit in the lowest. */
static void put_hex(char *to, const unsigned char *p) {
  const uint64_t each = UINT64_C(0x0101010101010101);
  uint64_t x = p[0] | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 32 | (uint64_t)p[3] << 48;
  x = (x >> 4 & 0x0f * each) | ((x << 8) & UINT64_C(0x0f000f000f000f00));
  uint64_t letters = (x + 6 * each) >> 4 & each; /* 1 where the digit is above 9 */
  x += '0' * each + letters * ('a' - '0' - 10);
  to[0] = (char)x; /* one store where the lowest comes first */
  to[1] = (char)(x >> 8);
  to[2] = (char)(x >> 16);
  to[3] = (char)(x >> 24);
  to[4] = (char)(x >> 32);
  to[5] = (char)(x >> 40);
  to[6] = (char)(x >> 48);
  to[7] = (char)(x >> 56);
}

static char *put_random(char *to, const unsigned char random[16]) {
  for (size_t i = 0; i < 16; i += 4) {
    put_hex(to + 2 * i, random + i);
  }
  return to + 32;
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
