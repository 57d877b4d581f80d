#include "smtp/sasl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/random.h"
#include "smtp/sasl_mech.h"

/* 144 bits, which base64 writes without padding. */
#define NONCE_OCTETS 18

#define SCRAM(text, set, worth, digest)                                                                      \
  {                                                                                                          \
    .name = text, .bit = set, .strength = worth, .hash = digest, .is_client_first = 1,                       \
    .begin = nm_scram_begin, .step = nm_scram_step, .work = nm_scram_work                                    \
  }

static const struct nm_sasl_mech scram[] = {
    SCRAM("SCRAM-SHA-512-PLUS", NM_SASL_SCRAM_SHA_512_PLUS, 10, NM_HASH_SHA512),
    SCRAM("SCRAM-SHA-256-PLUS", NM_SASL_SCRAM_SHA_256_PLUS, 9, NM_HASH_SHA256),
    SCRAM("SCRAM-SHA-1-PLUS", NM_SASL_SCRAM_SHA_1_PLUS, 8, NM_HASH_SHA1),
    SCRAM("SCRAM-SHA-512", NM_SASL_SCRAM_SHA_512, 7, NM_HASH_SHA512),
    SCRAM("SCRAM-SHA-256", NM_SASL_SCRAM_SHA_256, 6, NM_HASH_SHA256),
    SCRAM("SCRAM-SHA-1", NM_SASL_SCRAM_SHA_1, 5, NM_HASH_SHA1),
};

/* Names without a step: libcurl speaks these. */
static const struct nm_sasl_mech gssapi = {.name = "GSSAPI", .bit = NM_SASL_GSSAPI, .strength = 11};
static const struct nm_sasl_mech ntlm = {.name = "NTLM", .bit = NM_SASL_NTLM, .strength = 3};

static const struct nm_sasl_mech *mech_at(size_t i) {
  const struct nm_sasl_mech *const all[] = {&nm_sasl_external, &gssapi,        &scram[0],
                                            &scram[1],         &scram[2],      &scram[3],
                                            &scram[4],         &scram[5],      &nm_sasl_digest_md5,
                                            &nm_sasl_cram_md5, &ntlm,          &nm_sasl_oauthbearer,
                                            &nm_sasl_xoauth2,  &nm_sasl_plain, &nm_sasl_login_mech};
  return i < sizeof all / sizeof all[0] ? all[i] : NULL;
}

static const struct nm_sasl_mech *mech_of(unsigned bit) {
  const struct nm_sasl_mech *m = NULL;
  for (size_t i = 0; (m = mech_at(i)) != NULL && m->bit != bit; i++) {
  }
  return m;
}

unsigned nm_sasl_by_name(struct nm_str name) {
  if (name.n == 0) {
    return NM_SASL_ANY;
  }
  if (nm_str_ieq(name, NM_STR("Kerberos"))) {
    return NM_SASL_GSSAPI;
  }
  for (size_t i = 0; mech_at(i) != NULL; i++) {
    if (nm_str_ieq(name, nm_str_c(mech_at(i)->name))) {
      return mech_at(i)->bit;
    }
  }
  return 0;
}

const char *nm_sasl_name(unsigned bit) {
  const struct nm_sasl_mech *m = mech_of(bit);
  return m != NULL ? m->name : "";
}

int nm_sasl_strength(unsigned bit) {
  const struct nm_sasl_mech *m = mech_of(bit);
  return m != NULL ? m->strength : 0;
}

/* ---- failures ---- */

int nm_sasl_fail(struct nm_sasl *s, enum nm_sasl_fault fault, int code, struct nm_error *e, const char *fmt,
                 ...) {
  char text[NM_ERROR_TEXT_MAX];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  s->fault = fault;
  s->is_done = 0;
  s->is_working = 0;
  nm_error_set(&s->failure, code, NM_KIND_AUTH, "%s: %s", s->mech->name, text);
  if (e != NULL) {
    *e = s->failure;
  }
  return code;
}

int nm_sasl_nomem(struct nm_sasl *s, struct nm_error *e) {
  return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_ENOMEM, e, "out of memory");
}

int nm_sasl_digest_failed(struct nm_sasl *s, int code, struct nm_error *e) {
  if (code == NM_ENOMEM) {
    return nm_sasl_nomem(s, e);
  }
  return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EINVAL, e,
                      "this OpenSSL does not offer the digest that it needs (in FIPS mode there is no MD5)");
}

int nm_sasl_written(struct nm_sasl *s, const struct nm_buf *response, struct nm_error *e) {
  if (response->err == NM_ELIMIT) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_ELIMIT, e,
                        "the user name, the password or the token is too long for it");
  }
  return response->err != 0 ? nm_sasl_nomem(s, e) : 0;
}

/* ---- life ---- */

static int keep(struct nm_buf *b, struct nm_str s) {
  *b = (struct nm_buf){.max = NM_SASL_TEXT_MAX, .secret = 1};
  nm_buf_add_str(b, s);
  return b->err;
}

static int make_nonce(struct nm_buf *nonce) {
  char octets[NONCE_OCTETS], text[NM_BASE64_SIZE(NONCE_OCTETS)];
  int err = nm_random(octets, sizeof octets);
  if (err == 0) {
    nm_buf_add(nonce, text, nm_base64_encode(text, octets, sizeof octets));
    err = nonce->err;
  }
  return err;
}

static int keep_all(struct nm_sasl *s, const struct nm_sasl_login *l) {
  struct {
    struct nm_buf *to;
    struct nm_str from;
  } texts[] = {{&s->user, l->user},
               {&s->password, l->password},
               {&s->authzid, l->authzid},
               {&s->realm, l->realm},
               {&s->host, l->host},
               {&s->service, l->service.n > 0 ? l->service : NM_STR("smtp")},
               {&s->binding_type, l->binding_type},
               {&s->binding, l->binding},
               {&s->nonce, l->nonce}};
  int err = 0;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    int this_err = keep(texts[i].to, texts[i].from); /* all, so that all can be freed */
    err = err != 0 ? err : this_err;
  }
  s->auth_message = (struct nm_buf){.max = 4 * NM_SASL_MESSAGE_MAX, .secret = 1};
  s->words = (struct nm_buf){.max = NM_SASL_MESSAGE_MAX, .secret = 1};
  s->port = l->port;
  s->offers_plus = l->offers_plus;
  s->iterations_min = l->iterations_min > 0 ? l->iterations_min : NM_SASL_ITERATIONS_MIN;
  s->iterations_max = l->iterations_max > 0 ? l->iterations_max : NM_SASL_ITERATIONS_MAX;
  s->digest = l->digest;
  return err;
}

/* What no mechanism takes. */
static int check_login(struct nm_sasl *s, struct nm_error *e) {
  const struct nm_buf *texts[] = {&s->user, &s->password, &s->authzid, &s->realm};
  static const char *const names[] = {"user name", "password", "identity to act for", "domain"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (texts[i]->n > 0 && memchr(texts[i]->p, '\0', texts[i]->n) != NULL) {
      return nm_sasl_fail(s, NM_SASL_FAULT_SECRET, NM_EINVAL, e, "the %s has a NUL in it", names[i]);
    }
  }
  if (s->mech->bit == NM_SASL_EXTERNAL) {
    return 0;
  }
  if (s->user.n == 0 && s->mech->bit != NM_SASL_OAUTHBEARER) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SECRET, NM_EINVAL, e, "the credential's UserName is empty");
  }
  if (s->password.n ==
      0) { /* RFC 4616 2: passwd = 1*SAFE; to some servers an empty one means to be let in as nobody */
    return nm_sasl_fail(s, NM_SASL_FAULT_SECRET, NM_EINVAL, e, "the credential's password is empty");
  }
  return 0;
}

int nm_sasl_new(unsigned bit, const struct nm_sasl_login *login, struct nm_sasl **out, struct nm_error *e) {
  const struct nm_sasl_mech *m = mech_of(bit);
  *out = NULL;
  if (m == NULL || m->step == NULL) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "no mechanism, or none of ours");
  }
  struct nm_sasl *s = nm_zalloc(sizeof *s);
  if (s == NULL) {
    return nm_error_nomem(e);
  }
  s->mech = m;
  int err = keep_all(s, login);
  if (err == NM_ELIMIT) {
    err =
        nm_sasl_fail(s, NM_SASL_FAULT_SECRET, err, e, "the user name, the password or the token is too long");
  } else if (err == 0 && (bit & NM_SASL_DIGESTS) != 0 && !nm_digest_api_fits(s->digest)) {
    err = nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EINVAL, e,
                       "netmail.crypto is missing, or of another version");
  } else if (err != 0 || (s->nonce.n == 0 && make_nonce(&s->nonce) != 0)) {
    err = nm_sasl_nomem(s, e);
  }
  err = err != 0 ? err : check_login(s, e);
  err = err != 0 || m->begin == NULL ? err : m->begin(s, e);
  if (err != 0) {
    nm_sasl_free(&s);
  }
  *out = s;
  return err;
}

void nm_sasl_free(struct nm_sasl **s) {
  struct nm_sasl *old = *s;
  if (old == NULL) {
    return;
  }
  struct nm_buf *all[] = {&old->user,  &old->password,     &old->authzid,      &old->realm,
                          &old->host,  &old->service,      &old->binding_type, &old->binding,
                          &old->nonce, &old->auth_message, &old->words};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    nm_buf_free(all[i]);
  }
  if (old->salting != NULL) {
    old->digest->pbkdf2_free(&old->salting);
  }
  nm_wipe(old, sizeof *old);
  nm_free(old);
  *s = NULL;
}

int nm_sasl_is_client_first(const struct nm_sasl *s) {
  return s->mech->is_client_first;
}

/* ---- the exchange ---- */

static int repeat(const struct nm_sasl *s, struct nm_error *e) {
  if (e != NULL) {
    *e = s->failure;
  }
  return s->failure.code;
}

int nm_sasl_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response, struct nm_error *e) {
  if (s->failure.code != 0) {
    return repeat(s, e);
  }
  if (s->is_working) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "%s: the last challenge is still being worked on",
                        s->mech->name);
  }
  if (challenge.n > NM_SASL_MESSAGE_MAX) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_ELIMIT, e, "the server's challenge is too long");
  }
  if (s->turn == 0 && s->mech->is_client_first && challenge.n > 0) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                        "the server sent a challenge where the client begins");
  }
  int err = s->mech->step(s, challenge, response, e);
  s->turn++;
  s->is_working = err == NM_AGAIN;
  return err != 0 ? err : nm_sasl_written(s, response, e);
}

int nm_sasl_work(struct nm_sasl *s, struct nm_buf *response, struct nm_error *e) {
  if (s->failure.code != 0) {
    return repeat(s, e);
  }
  if (!s->is_working) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "%s: there is nothing to work on", s->mech->name);
  }
  int err = s->mech->work(s, response, e);
  s->is_working = err == NM_AGAIN;
  return err != 0 ? err : nm_sasl_written(s, response, e);
}

int nm_sasl_succeed(struct nm_sasl *s, struct nm_error *e) {
  if (s->failure.code != 0) {
    return repeat(s, e);
  }
  if (!s->is_done) {
    return nm_sasl_fail(
        s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
        (s->mech->bit & (NM_SASL_SCRAM | NM_SASL_DIGEST_MD5)) != 0
            ? "the server says that we are logged in, and has not proved that it knows the password; it is "
              "not "
              "believed"
            : "the server says that we are logged in before it was told who we are; it is not believed");
  }
  return 0;
}

enum nm_sasl_fault nm_sasl_fault(const struct nm_sasl *s) {
  return s->fault;
}

struct nm_str nm_sasl_server_words(const struct nm_sasl *s) {
  return nm_buf_str(&s->words);
}
