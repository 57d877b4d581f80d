/* CRAM-MD5 (RFC 2195): the password does not go over the line, but who listens can guess at it, and the server proves nothing. */

#include "base/chars.h"
#include "smtp/sasl_mech.h"

void nm_sasl_add_hex(struct nm_buf *b, const unsigned char *p, size_t n) {
  static const char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_byte(b, hex[p[i] >> 4]);
    nm_buf_add_byte(b, hex[p[i] & 15]);
  }
}

/* RFC 2195 2: the challenge has the form of a msg-id, "<" random "." time "@" host ">"; that it is printable is all that matters.
   response = user SP digest ; 16 octets as hex digits in lower case */
static int cram_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                     struct nm_error *e) {
  unsigned char digest[NM_HASH_MAX];
  if (s->turn > 0) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                        "the server asks for more than the mechanism has");
  }
  if (challenge.n == 0 || !nm_all(challenge, NM_CHAR_PRINT)) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                        "the server's challenge is empty or no text");
  }
  int err = s->digest->hmac(NM_HASH_MD5, nm_buf_str(&s->password), &challenge, 1, digest);
  if (err != 0) {
    return nm_sasl_digest_failed(s, err, e);
  }
  nm_buf_add_str(response, nm_buf_str(&s->user));
  nm_buf_add_byte(response, ' ');
  nm_sasl_add_hex(response, digest, nm_hash_size(NM_HASH_MD5));
  s->is_done = 1;
  return 0;
}

const struct nm_sasl_mech nm_sasl_cram_md5 = {
    .name = "CRAM-MD5", .bit = NM_SASL_CRAM_MD5, .strength = 3, .step = cram_step};
