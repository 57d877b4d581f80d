/* SCRAM (RFC 5802, RFC 7677) and SCRAM-...-PLUS. Both sides prove that they know the password, and with channel binding that they
   are the two ends of one TLS connection. */

#include "base/alloc.h"
#include "base/base64.h"
#include "base/chars.h"
#include "smtp/sasl_attr.h"
#include "base/base64_strict.h"
#include "smtp/sasl_mech.h"
#include "smtp/saslprep.h"

void nm_sasl_add_saslname(struct nm_buf *b, struct nm_str name) {
  for (size_t i = 0; i < name.n; i++) {
    if (name.p[i] == ',' || name.p[i] == '=') {
      nm_buf_add_c(b, name.p[i] == ',' ? "=2C" : "=3D");
    } else {
      nm_buf_add_byte(b, name.p[i]);
    }
  }
}

static int broken(struct nm_sasl *s, struct nm_error *e, const char *why) {
  return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e, "the server's message is malformed: %s", why);
}

/* ---- client-first-message ---- */

/* gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
   gs2-header = gs2-cbind-flag "," [ authzid ] ","
   "y": we could bind, and think that the server cannot. It can, when somebody took its -PLUS out of the list: then the server refuses
   (RFC 5802 6). */
static void add_gs2_header(struct nm_sasl *s) {
  struct nm_buf *b = &s->auth_message;
  if ((s->mech->bit & NM_SASL_PLUS) != 0) {
    nm_buf_add_c(b, "p=");
    nm_buf_add_str(b, nm_buf_str(&s->binding_type));
  } else {
    nm_buf_add_c(b, s->binding.n > 0 && !s->offers_plus ? "y" : "n");
  }
  nm_buf_add_c(b, ",");
  if (s->authzid.n > 0) {
    nm_buf_add_c(b, "a=");
    nm_sasl_add_saslname(b, nm_buf_str(&s->authzid));
  }
  nm_buf_add_c(b, ",");
}

/* b becomes its SASLprep form. */
static int prepare(struct nm_sasl *s, struct nm_buf *b, const char *what, struct nm_error *e) {
  struct nm_buf form = {.max = NM_SASL_TEXT_MAX, .secret = 1};
  struct nm_error why = {0};
  int err = nm_saslprep(&form, what, nm_buf_str(b), &why);
  if (err != 0) {
    nm_buf_free(&form);
    return nm_sasl_fail(s, err == NM_ENOMEM ? NM_SASL_FAULT_SERVER : NM_SASL_FAULT_MECHANISM, err, e, "%s",
                        why.text);
  }
  nm_buf_free(b);
  *b = form;
  return 0;
}

int nm_scram_begin(struct nm_sasl *s, struct nm_error *e) {
  if ((s->mech->bit & NM_SASL_PLUS) != 0 && (s->binding.n == 0 || s->binding_type.n == 0)) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EINVAL, e,
                        "there is nothing of this TLS connection to bind to");
  }
  int err = prepare(s, &s->user, "the user name", e);
  err = err != 0 ? err : prepare(s, &s->password, "the password", e);
  if (err == 0 && s->authzid.n > 0) {
    err = prepare(s, &s->authzid, "the identity to act for", e);
  }
  return err;
}

/* client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions] */
static int say_first(struct nm_sasl *s, struct nm_buf *response) {
  struct nm_buf *b = &s->auth_message;
  add_gs2_header(s);
  s->bare_at = b->n;
  nm_buf_add_c(b, "n=");
  nm_sasl_add_saslname(b, nm_buf_str(&s->user));
  nm_buf_add_c(b, ",r=");
  nm_buf_add_str(b, nm_buf_str(&s->nonce));
  nm_buf_add_str(response, nm_buf_str(b));
  return b->err;
}

/* ---- errors ---- */

/* server-error-value (RFC 5802 7), and what each says about going on. */
static const struct reason {
  const char *value;
  enum nm_sasl_fault fault;
} reasons[] = {
    {"invalid-proof", NM_SASL_FAULT_SECRET},
    {"unknown-user", NM_SASL_FAULT_SECRET},
    {"invalid-encoding", NM_SASL_FAULT_MECHANISM},
    {"invalid-username-encoding", NM_SASL_FAULT_MECHANISM},
    {"extensions-not-supported", NM_SASL_FAULT_MECHANISM},
    {"unsupported-channel-binding-type", NM_SASL_FAULT_MECHANISM},
    {"channel-binding-not-supported", NM_SASL_FAULT_MECHANISM},
    /* somebody may sit between us */
    {"channel-bindings-dont-match", NM_SASL_FAULT_SERVER},
    {"server-does-support-channel-binding", NM_SASL_FAULT_SERVER},
    {"no-resources", NM_SASL_FAULT_SERVER},
    {"other-error", NM_SASL_FAULT_SERVER},
};

/* server-error = "e=" server-error-value. Other values are allowed, and treated as other-error; they are not shown, because a
   stranger wrote them. */
static int refused(struct nm_sasl *s, struct nm_str error, struct nm_error *e) {
  const size_t n = sizeof reasons / sizeof reasons[0];
  size_t i = 0;
  while (i + 1 < n && !nm_str_eq(error, nm_str_c(reasons[i].value))) {
    i++;
  }
  nm_buf_add_c(&s->words, reasons[i].value);
  return nm_sasl_fail(s, reasons[i].fault, NM_EREJECT, e, "the server refuses: %s", reasons[i].value);
}

/* ---- server-first-message ---- */

struct first {
  struct nm_str nonce;
  struct nm_str salt;
  struct nm_str iterations;
};

/* server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions] */
static int read_first(struct nm_sasl *s, struct nm_str text, struct first *out, struct nm_error *e) {
  char name = '\0';
  if (!nm_attr_next(&text, &name, &out->nonce)) {
    return broken(s, e, "no attributes");
  }
  if (name == 'e' && text.n == 0) {
    return refused(s, out->nonce, e);
  }
  if (name == 'm') {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                        "the server wants an extension of it that is not known");
  }
  if (name != 'r' || !nm_attr_next(&text, &name, &out->salt) || name != 's' ||
      !nm_attr_next(&text, &name, &out->iterations) || name != 'i' || !nm_attr_extensions(text)) {
    return broken(s, e, "other attributes than r, s and i, or not in their order");
  }
  return 0;
}

/* r=c-nonce s-nonce, both printable: else somebody answers whom we did not ask. */
static int check_nonce(struct nm_sasl *s, struct nm_str nonce, struct nm_error *e) {
  struct nm_str ours = nm_buf_str(&s->nonce);
  if (nonce.n <= ours.n || memcmp(nonce.p, ours.p, ours.n) != 0 || !nm_all(nonce, NM_CHAR_PRINT)) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e, "the server's nonce does not continue ours");
  }
  return 0;
}

static int read_iterations(struct nm_sasl *s, struct nm_str text, uint32_t *out, struct nm_error *e) {
  *out = nm_attr_number(text);
  if (*out == 0 && text.n <= 10) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                        "the server's iteration count is no number that can be used");
  }
  if (*out == 0 || *out > s->iterations_max) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                        "the server wants more than %u iterations, which would keep us busy",
                        (unsigned)s->iterations_max);
  }
  if (*out < s->iterations_min) {
    return nm_sasl_fail(
        s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
        "the server wants %u iterations, fewer than %u: the password could be guessed from them",
        (unsigned)*out, (unsigned)s->iterations_min);
  }
  return 0;
}

/* client-final-message-without-proof = channel-binding "," nonce ["," extensions]
   channel-binding = "c=" base64(gs2-header [ cbind-data ]) */
static int say_final_without_proof(struct nm_sasl *s, struct nm_str nonce) {
  struct nm_buf *b = &s->auth_message, input = {.max = NM_SASL_TEXT_MAX + b->max, .secret = 1};
  nm_buf_add(&input, b->p, s->bare_at);
  if ((s->mech->bit & NM_SASL_PLUS) != 0) {
    nm_buf_add_str(&input, nm_buf_str(&s->binding));
  }
  s->final_at = b->n;
  nm_buf_add_c(b, "c=");
  nm_base64_add(b, input.p, input.n);
  nm_buf_add_c(b, ",r=");
  nm_buf_add_str(b, nonce);
  int err = input.err != 0 ? input.err : b->err;
  nm_buf_free(&input);
  return err;
}

static int begin_salting(struct nm_sasl *s, struct nm_str salt, uint32_t iterations, struct nm_error *e) {
  struct nm_buf octets = {.max = NM_SASL_MESSAGE_MAX};
  int err = nm_base64_strict(&octets, salt);
  if (err == NM_EINVAL || (err == 0 && octets.n == 0)) {
    err = broken(s, e, "the salt is not base64");
  } else if (err != 0) {
    err = nm_sasl_nomem(s, e);
  } else {
    err = s->digest->pbkdf2_new(s->mech->hash, nm_buf_str(&s->password), nm_buf_str(&octets), iterations,
                                &s->salting);
    err = err != 0 ? nm_sasl_digest_failed(s, err, e) : 0;
    nm_buf_free(&s->password);
  }
  nm_buf_free(&octets);
  return err;
}

/* AuthMessage = client-first-message-bare "," server-first-message "," client-final-message-without-proof */
static int hear_first(struct nm_sasl *s, struct nm_str text, struct nm_buf *response, struct nm_error *e) {
  struct first first;
  uint32_t iterations;
  int err = read_first(s, text, &first, e);
  err = err != 0 ? err : check_nonce(s, first.nonce, e);
  err = err != 0 ? err : read_iterations(s, first.iterations, &iterations, e);
  if (err != 0) {
    return err;
  }
  nm_buf_add_c(&s->auth_message, ",");
  nm_buf_add_str(&s->auth_message, text);
  nm_buf_add_c(&s->auth_message, ",");
  err = say_final_without_proof(s, first.nonce);
  if (err != 0) {
    return err == NM_ELIMIT
               ? nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, err, e, "the server's message is too long")
               : nm_sasl_nomem(s, e);
  }
  err = begin_salting(s, first.salt, iterations, e);
  return err != 0 ? err : nm_scram_work(s, response, e);
}

/* ---- the proof ---- */

/* RFC 5802 3. salted is SaltedPassword. */
static int prove(struct nm_sasl *s, const unsigned char *salted, unsigned char *client_proof) {
  const struct nm_digest_api *d = s->digest;
  enum nm_hash h = s->mech->hash;
  size_t n = nm_hash_size(h);
  unsigned char client_key[NM_HASH_MAX], stored_key[NM_HASH_MAX], signature[NM_HASH_MAX],
      server_key[NM_HASH_MAX];
  struct nm_str key = nm_str((const char *)salted, n), client = nm_str((const char *)client_key, n);
  struct nm_str labels[2] = {NM_STR("Client Key"), NM_STR("Server Key")};
  struct nm_str message = nm_str(s->auth_message.p + s->bare_at, s->auth_message.n - s->bare_at);
  int err = d->hmac(h, key, &labels[0], 1, client_key);
  err = err != 0 ? err : d->hash(h, &client, 1, stored_key);
  err = err != 0 ? err : d->hmac(h, nm_str((const char *)stored_key, n), &message, 1, signature);
  err = err != 0 ? err : d->hmac(h, key, &labels[1], 1, server_key);
  err = err != 0 ? err : d->hmac(h, nm_str((const char *)server_key, n), &message, 1, s->proof);
  for (size_t i = 0; err == 0 && i < n; i++) {
    client_proof[i] = client_key[i] ^ signature[i];
  }
  nm_wipe(client_key, sizeof client_key);
  nm_wipe(stored_key, sizeof stored_key);
  nm_wipe(signature, sizeof signature);
  nm_wipe(server_key, sizeof server_key);
  return err;
}

/* client-final-message = client-final-message-without-proof "," proof */
int nm_scram_work(struct nm_sasl *s, struct nm_buf *response, struct nm_error *e) {
  unsigned char salted[NM_HASH_MAX], client_proof[NM_HASH_MAX];
  int err = s->digest->pbkdf2_run(s->salting, NM_SASL_SLICE, salted);
  if (err == NM_AGAIN) {
    return err;
  }
  s->digest->pbkdf2_free(&s->salting);
  err = err != 0 ? err : prove(s, salted, client_proof);
  nm_wipe(salted, sizeof salted);
  if (err != 0) {
    return nm_sasl_digest_failed(s, err, e);
  }
  nm_buf_add(response, s->auth_message.p + s->final_at, s->auth_message.n - s->final_at);
  nm_buf_add_c(response, ",p=");
  nm_base64_add(response, client_proof, nm_hash_size(s->mech->hash));
  return 0;
}

/* ---- server-final-message ---- */

/* server-final-message = (server-error / verifier) ["," extensions] ; verifier = "v=" base64 */
static int hear_final(struct nm_sasl *s, struct nm_str text, struct nm_error *e) {
  struct nm_buf octets = {.max = NM_SASL_MESSAGE_MAX, .secret = 1};
  struct nm_str value;
  char name = '\0';
  if (!nm_attr_next(&text, &name, &value) || !nm_attr_extensions(text)) {
    return broken(s, e, "no server signature");
  }
  if (name == 'e') {
    return refused(s, value, e);
  }
  int err = nm_base64_strict(&octets, value);
  size_t n = nm_hash_size(s->mech->hash);
  int is_right = err == 0 && name == 'v' && octets.n == n && s->digest->same(octets.p, s->proof, n);
  nm_buf_free(&octets);
  if (err == NM_ENOMEM) {
    return nm_sasl_nomem(s, e);
  }
  if (!is_right) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                        "the server's signature is wrong: it does not know the password, and is not the "
                        "server that it should be");
  }
  s->is_done = 1;
  return 0;
}

int nm_scram_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response, struct nm_error *e) {
  switch (s->turn) {
    case 0:
      return say_first(s, response) != 0 ? nm_sasl_written(s, &s->auth_message, e) : 0;
    case 1:
      return hear_first(s, challenge, response, e);
    case 2:
      return hear_final(s, challenge, e);
    default:
      return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                          "the server asks for more than the mechanism has");
  }
}
