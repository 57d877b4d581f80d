#include "testing/exchange_mech.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/random.h"

/* The most wanted first: that is the order in which they are offered. */
static const struct nm_exchange_mech mechs[] = {
    {"SCRAM-SHA-512-PLUS", NM_BY_PASSWORD, NM_HASH_SHA512, 1, 1, nm_exchange_scram},
    {"SCRAM-SHA-256-PLUS", NM_BY_PASSWORD, NM_HASH_SHA256, 1, 1, nm_exchange_scram},
    {"SCRAM-SHA-1-PLUS", NM_BY_PASSWORD, NM_HASH_SHA1, 1, 1, nm_exchange_scram},
    {"SCRAM-SHA-512", NM_BY_PASSWORD, NM_HASH_SHA512, 0, 1, nm_exchange_scram},
    {"SCRAM-SHA-256", NM_BY_PASSWORD, NM_HASH_SHA256, 0, 1, nm_exchange_scram},
    {"SCRAM-SHA-1", NM_BY_PASSWORD, NM_HASH_SHA1, 0, 1, nm_exchange_scram},
    {"DIGEST-MD5", NM_BY_PASSWORD, NM_HASH_MD5, 0, 0, nm_exchange_digest},
    {"CRAM-MD5", NM_BY_PASSWORD, NM_HASH_MD5, 0, 0, nm_exchange_cram},
    {"PLAIN", NM_BY_PASSWORD, NM_HASH_MD5, 0, 1, nm_exchange_plain},
    {"LOGIN", NM_BY_PASSWORD, NM_HASH_MD5, 0, 0, nm_exchange_login},
    {"OAUTHBEARER", NM_BY_TOKEN, NM_HASH_MD5, 0, 1, nm_exchange_oauthbearer},
    {"XOAUTH2", NM_BY_TOKEN, NM_HASH_MD5, 0, 1, nm_exchange_xoauth2},
    {"EXTERNAL", NM_BY_CERTIFICATE, NM_HASH_MD5, 0, 1, nm_exchange_external},
};
#define MECHS (sizeof mechs / sizeof mechs[0])

static const struct nm_exchange_mech *find(struct nm_str name) {
  for (size_t i = 0; i < MECHS; i++) {
    if (nm_str_ieq(name, nm_str_c(mechs[i].name))) {
      return &mechs[i];
    }
  }
  return NULL;
}

int nm_exchange_knows(struct nm_str mechanism) {
  return find(mechanism) != NULL;
}

static int needs_tls(const struct nm_exchange_mech *m) {
  return m->binds || m->by == NM_BY_CERTIFICATE;
}

int nm_exchange_fits(struct nm_str mechanism, int has_tls) {
  const struct nm_exchange_mech *m = find(mechanism);
  return m != NULL && (has_tls || !needs_tls(m));
}

void nm_exchange_add_usual(struct nm_texts *mechanisms, int has_users, int has_tokens, int has_tls) {
  for (size_t i = 0; i < MECHS; i++) {
    const struct nm_exchange_mech *m = &mechs[i];
    int is_known = (m->by == NM_BY_PASSWORD && has_users) || (m->by == NM_BY_TOKEN && has_tokens);
    if (is_known && (has_tls || !needs_tls(m))) {
      nm_texts_add(mechanisms, nm_str_c(m->name));
    }
  }
}

int nm_exchange_new(struct nm_str mechanism, const struct nm_exchange_facts *facts,
                    struct nm_exchange **out) {
  *out = NULL;
  const struct nm_exchange_mech *m = find(mechanism);
  if (m == NULL) {
    return NM_EINVAL;
  }
  struct nm_exchange *x = nm_zalloc(sizeof *x);
  if (x == NULL) {
    return NM_ENOMEM;
  }
  *x = (struct nm_exchange){.mech = m,
                            .facts = *facts,
                            .user.max = NM_EXCHANGE_MAX,
                            .nonce.max = NM_EXCHANGE_MAX,
                            .text.max = 4 * NM_EXCHANGE_MAX};
  *out = x;
  return 0;
}

void nm_exchange_free(struct nm_exchange **x) {
  if (*x != NULL) {
    nm_buf_free(&(*x)->user);
    nm_buf_free(&(*x)->nonce);
    nm_buf_free(&(*x)->text);
    nm_free(*x);
    *x = NULL;
  }
}

struct nm_str nm_exchange_user(const struct nm_exchange *x) {
  return nm_buf_str(&x->user);
}

const char *nm_exchange_mechanism(const struct nm_exchange *x) {
  return x->mech->name;
}

/* A buffer that could not grow makes a wrong message of a right one. */
static int take_turn(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  int err = x->mech->step(x, response, challenge);
  x->turn++;
  return challenge->err != 0 || x->user.err != 0 || x->text.err != 0 || x->nonce.err != 0 ? NM_ENOMEM : err;
}

int nm_exchange_step(struct nm_exchange *x, const struct nm_str *response, struct nm_buf *challenge) {
  if (x->turn == 0 && x->mech->client_first && response == NULL) {
    return NM_AGAIN;
  }
  struct nm_str empty = nm_str("", 0);
  if (x->turn == 0 && !x->mech->client_first) {
    int err = take_turn(x, empty, challenge);
    if (response == NULL || err != NM_AGAIN) {
      return err;
    }
    /* LOGIN has no specification, and clients that give the name at once. The others begin with a challenge (RFC 4954 4). */
    if (x->mech->step != nm_exchange_login) {
      return NM_EPROTO;
    }
    nm_buf_reset(challenge);
  }
  return take_turn(x, response != NULL ? *response : empty, challenge);
}

/* ---- for the mechanisms ---- */

/* Not in constant time: nobody's secret is in a spec. */
int nm_exchange_find(struct nm_exchange *x, struct nm_str name) {
  nm_buf_reset(&x->user);
  nm_buf_add_str(&x->user, name);
  return nm_texts_find(&x->facts.setup->users, name, &x->password) ? 0 : NM_EREJECT;
}

int nm_exchange_password(struct nm_exchange *x, struct nm_str name, struct nm_str password) {
  return nm_exchange_find(x, name) == 0 && nm_str_eq(x->password, password) ? 0 : NM_EREJECT;
}

int nm_exchange_token(struct nm_exchange *x, struct nm_str name, struct nm_str token) {
  struct nm_str right;
  nm_buf_reset(&x->user);
  nm_buf_add_str(&x->user, name);
  return nm_texts_find(&x->facts.setup->tokens, name, &right) && nm_str_eq(right, token) ? 0 : NM_EREJECT;
}

void nm_exchange_add_hex(struct nm_buf *b, const unsigned char *p, size_t n) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_byte(b, digits[p[i] >> 4]);
    nm_buf_add_byte(b, digits[p[i] & 15]);
  }
}

int nm_exchange_make_nonce(struct nm_exchange *x) {
  unsigned char random[18];
  if (nm_random(random, sizeof random) != 0) {
    return NM_EIO;
  }
  nm_base64_add(&x->nonce, random, sizeof random);
  return x->nonce.err;
}
