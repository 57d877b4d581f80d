#ifndef NM_SMTP_SASL_MECH_H
#define NM_SMTP_SASL_MECH_H

#include "smtp/sasl.h"

/* What a mechanism is made of; for the files smtp/sasl*.c alone. */

struct nm_sasl_mech {
  const char *name;
  unsigned bit;
  int strength;
  enum nm_hash hash;
  int is_client_first;
  /* Whether the login suits, and what of it is wanted in another form. May be NULL. */
  int (*begin)(struct nm_sasl *s, struct nm_error *e);
  /* s->turn is the number of this challenge, from 0; the first of a client-first mechanism is empty. */
  int (*step)(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response, struct nm_error *e);
  /* After a calculation. NULL: there is none. */
  int (*work)(struct nm_sasl *s, struct nm_buf *response, struct nm_error *e);
};

struct nm_sasl {
  const struct nm_sasl_mech *mech;
  const struct nm_digest_api *digest;
  unsigned turn;
  int is_working;
  int is_done; /* from here on a success may be believed */
  enum nm_sasl_fault fault;
  struct nm_error failure; /* code 0: none yet; it stays */
  struct nm_buf user, password, authzid, realm, host, service, binding_type, binding, nonce;
  int port;
  int offers_plus;
  uint32_t iterations_min, iterations_max;
  /* SCRAM: AuthMessage of RFC 5802 3, as it grows. */
  struct nm_buf auth_message;
  size_t bare_at;  /* where client-first-message-bare begins in it: the gs2 header is before that */
  size_t final_at; /* where client-final-message-without-proof begins */
  struct nm_pbkdf2 *salting;
  /* What the server has to say to prove that it knows the password. */
  unsigned char proof[NM_HASH_MAX];
  struct nm_buf words; /* of the server, when it refuses within the exchange */
};

NM_HIDDEN_BEGIN

/* Records the fault and the sentence, which names the mechanism; returns code. */
int nm_sasl_fail(struct nm_sasl *s, enum nm_sasl_fault fault, int code, struct nm_error *e, const char *fmt,
                 ...) NM_PRINTF(5, 6);
int nm_sasl_nomem(struct nm_sasl *s, struct nm_error *e);
/* code of a digest function. */
int nm_sasl_digest_failed(struct nm_sasl *s, int code, struct nm_error *e);
/* response's own state as a code, with the sentence. */
int nm_sasl_written(struct nm_sasl *s, const struct nm_buf *response, struct nm_error *e);

/* saslname, RFC 5802 5.1: "," is written =2C and "=" =3D. */
void nm_sasl_add_saslname(struct nm_buf *b, struct nm_str name);

/* Digits in lower case. */
void nm_sasl_add_hex(struct nm_buf *b, const unsigned char *p, size_t n);

extern const struct nm_sasl_mech nm_sasl_external, nm_sasl_plain, nm_sasl_login_mech, nm_sasl_cram_md5,
    nm_sasl_digest_md5, nm_sasl_oauthbearer, nm_sasl_xoauth2;
int nm_scram_begin(struct nm_sasl *s, struct nm_error *e);
int nm_scram_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response, struct nm_error *e);
int nm_scram_work(struct nm_sasl *s, struct nm_buf *response, struct nm_error *e);

NM_HIDDEN_END

#endif
