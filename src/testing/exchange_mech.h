#ifndef NM_TESTING_EXCHANGE_MECH_H
#define NM_TESTING_EXCHANGE_MECH_H

#include "testing/exchange.h"

/* Between exchange.c and the mechanisms. */

struct nm_exchange_mech {
  const char *name;
  enum { NM_BY_PASSWORD, NM_BY_TOKEN, NM_BY_CERTIFICATE } by;
  enum nm_hash hash;
  int binds; /* SCRAM-...-PLUS */
  int client_first;
  /* As nm_exchange_step, once for each response; for one that is not client_first, first with an empty one. */
  int (*step)(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
};

struct nm_exchange {
  const struct nm_exchange_mech *mech;
  struct nm_exchange_facts facts;
  int turn; /* calls of step before this one */
  struct nm_buf user;
  struct nm_buf nonce;
  struct nm_buf text; /* SCRAM: AuthMessage, as far as it goes */
  size_t text_at;     /* in it, behind the GS2 header */
  unsigned char salt[16];
  struct nm_str password; /* the setup's */
};

NM_HIDDEN_BEGIN

/* Whether name has that password, or token; and keeps the name. */
int nm_exchange_password(struct nm_exchange *x, struct nm_str name, struct nm_str password);
int nm_exchange_token(struct nm_exchange *x, struct nm_str name, struct nm_str token);
/* The password of name into x->password, and keeps the name; NM_EREJECT: nobody is called that. */
int nm_exchange_find(struct nm_exchange *x, struct nm_str name);
/* x->nonce becomes a random text. */
int nm_exchange_make_nonce(struct nm_exchange *x);
void nm_exchange_add_hex(struct nm_buf *b, const unsigned char *p, size_t n);

/* exchange_plain.c */
int nm_exchange_plain(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
int nm_exchange_login(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
int nm_exchange_external(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
int nm_exchange_xoauth2(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
int nm_exchange_oauthbearer(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
/* exchange_md5.c */
int nm_exchange_cram(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
int nm_exchange_digest(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);
/* exchange_scram.c */
int nm_exchange_scram(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge);

NM_HIDDEN_END

#endif
