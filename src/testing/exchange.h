#ifndef NM_TESTING_EXCHANGE_H
#define NM_TESTING_EXCHANGE_H

#include "base/digest.h"
#include "base/tls_host.h"
#include "testing/setup.h"

/* SASL (RFC 4422), the server's side of one exchange: responses go in and challenges come out, decoded both. Written apart from the
   client's side, so that each checks the other. */
struct nm_exchange;

/* Kept as long as the exchange. */
struct nm_exchange_facts {
  const struct nm_setup *setup;
  const struct nm_digest_api *digest;
  const struct nm_tls_host_api *tls; /* NULL: there is none */
  const struct nm_tls_end *end;      /* NULL: this line has none */
};

/* Of one message, decoded (RFC 4954 4: 12288 octets of base64). */
#define NM_EXCHANGE_MAX 9216

NM_HIDDEN_BEGIN

/* In any case of letters. */
int nm_exchange_knows(struct nm_str mechanism);
/* Those for which there is enough to decide by; EXTERNAL, which takes a certificate's word, is never among them. */
void nm_exchange_add_usual(struct nm_texts *mechanisms, int has_users, int has_tokens, int has_tls);
/* Whether it may be offered on this line: SCRAM-...-PLUS and EXTERNAL need TLS. */
int nm_exchange_fits(struct nm_str mechanism, int has_tls);

/* NM_EINVAL: not known; NM_ENOMEM. */
int nm_exchange_new(struct nm_str mechanism, const struct nm_exchange_facts *facts, struct nm_exchange **out);
void nm_exchange_free(struct nm_exchange **x);
/* response NULL: there is none yet. NM_AGAIN: the challenge is appended. 0: it is who it says. NM_EREJECT: it is not; NM_EPROTO: that
   was no message of this mechanism; NM_ENOMEM. */
int nm_exchange_step(struct nm_exchange *x, const struct nm_str *response, struct nm_buf *challenge);
/* Who logs in, as far as is known. */
struct nm_str nm_exchange_user(const struct nm_exchange *x);
const char *nm_exchange_mechanism(const struct nm_exchange *x);

NM_HIDDEN_END

#endif
