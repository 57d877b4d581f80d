/* SCRAM (RFC 5802, RFC 7677) and its -PLUS forms, the server's side. */

#include "base/alloc.h"
#include "base/base64.h"
#include "base/base64_strict.h"
#include "base/random.h"
#include "testing/exchange_mech.h"

/* The value of the attribute at the beginning of *rest, which is cut off with the comma behind it; 0 when another one stands there. */
static int attribute(struct nm_str *rest, char name, struct nm_str *value) {
  if (rest->n < 2 || rest->p[0] != name || rest->p[1] != '=') {
    return 0;
  }
  const char *comma = memchr(rest->p, ',', rest->n);
  size_t n = comma != NULL ? (size_t)(comma - rest->p) : rest->n;
  *value = nm_str(rest->p + 2, n - 2);
  *rest = comma != NULL ? nm_str(comma + 1, rest->n - n - 1) : nm_str(rest->p + n, 0);
  return 1;
}

/* saslname: "=2C" stands for a comma, "=3D" for an equals sign, and no other follows "=". */
static int add_name(struct nm_buf *b, struct nm_str name) {
  for (size_t i = 0; i < name.n; i++) {
    if (name.p[i] != '=') {
      nm_buf_add_byte(b, name.p[i]);
      continue;
    }
    struct nm_str code = nm_str(name.p + i, name.n - i < 3 ? name.n - i : 3);
    if (!nm_str_eq(code, NM_STR("=2C")) && !nm_str_eq(code, NM_STR("=3D"))) {
      return 0;
    }
    nm_buf_add_byte(b, code.p[2] == 'C' ? ',' : '=');
    i += 2;
  }
  return 1;
}

static int offers_binding(const struct nm_exchange *x) {
  struct nm_str name;
  for (size_t at = 0; nm_texts_next(&x->facts.setup->mechanisms, &at, &name);) {
    if (name.n > 5 && nm_str_ieq(nm_str(name.p + name.n - 5, 5), NM_STR("-PLUS"))) {
      return x->facts.end != NULL;
    }
  }
  return 0;
}

/* gs2-header = gs2-cbind-flag "," [ authzid ] ","
   "y" where binding was offered: somebody took it out of the offer (RFC 5802 6). */
static int read_header(struct nm_exchange *x, struct nm_str *rest) {
  struct nm_str type, authzid;
  if (attribute(rest, 'p', &type)) {
    if (!x->mech->binds) {
      return NM_EREJECT;
    }
  } else if (rest->n < 2 || (rest->p[0] != 'n' && rest->p[0] != 'y') || rest->p[1] != ',') {
    return NM_EPROTO;
  } else if (x->mech->binds || (rest->p[0] == 'y' && offers_binding(x))) {
    return NM_EREJECT;
  } else {
    *rest = nm_str(rest->p + 2, rest->n - 2);
  }
  if (attribute(rest, 'a', &authzid)) {
    return 0;
  }
  if (rest->n == 0 || rest->p[0] != ',') {
    return NM_EPROTO;
  }
  *rest = nm_str(rest->p + 1, rest->n - 1);
  return 0;
}

/* server-first-message = nonce "," salt "," iteration-count; the nonce goes on where the client's ends. */
static int say_first(struct nm_exchange *x, struct nm_str client_nonce, struct nm_buf *challenge) {
  nm_buf_add_str(&x->nonce, client_nonce);
  if (nm_exchange_make_nonce(x) != 0 || nm_random(x->salt, sizeof x->salt) != 0) {
    return NM_ENOMEM;
  }
  nm_buf_addf(challenge, "r=%s,s=", x->nonce.p);
  nm_base64_add(challenge, x->salt, sizeof x->salt);
  nm_buf_addf(challenge, ",i=%u", (unsigned)x->facts.setup->iterations);
  nm_buf_add_c(&x->text, ",");
  nm_buf_add_str(&x->text, nm_buf_str(challenge));
  return NM_AGAIN;
}

/* client-first-message-bare = username "," nonce ["," extensions]
   Who is not known hears of it only in the end, as with a wrong password. */
static int hear_first(struct nm_exchange *x, struct nm_str text, struct nm_buf *challenge) {
  struct nm_str rest = text, name, nonce;
  int err = read_header(x, &rest);
  if (err != 0) {
    return err;
  }
  nm_buf_add_str(&x->text, text);
  x->text_at = text.n - rest.n;
  struct nm_buf user = {.max = NM_EXCHANGE_MAX};
  int is_right = attribute(&rest, 'n', &name) && add_name(&user, name) && attribute(&rest, 'r', &nonce) &&
                 nonce.n > 0 && memchr(nonce.p, '\0', nonce.n) == NULL;
  if (user.err != 0 || !is_right) {
    err = user.err != 0 ? NM_ENOMEM : NM_EPROTO;
  } else if (nm_exchange_find(x, nm_buf_str(&user)) != 0) {
    x->password = nm_str(NULL, 0);
  }
  nm_buf_free(&user);
  return err != 0 ? err : say_first(x, nonce, challenge);
}

/* Whether text is those octets in base64: 0, NM_EREJECT, NM_ENOMEM. */
static int check_octets(struct nm_str text, struct nm_str right) {
  struct nm_buf octets = {.max = NM_EXCHANGE_MAX};
  int err = nm_base64_strict(&octets, text);
  if (err != NM_ENOMEM) {
    err = err == 0 && nm_str_eq(nm_buf_str(&octets), right) ? 0 : NM_EREJECT;
  }
  nm_buf_free(&octets);
  return err;
}

/* channel-binding = "c=" base64(gs2-header [ cbind-data ]) */
static int check_binding(const struct nm_exchange *x, struct nm_str given) {
  struct nm_buf right = {.max = NM_EXCHANGE_MAX};
  nm_buf_add(&right, x->text.p, x->text_at);
  struct nm_str header = nm_str(x->text.p, x->text_at), type;
  int err = right.err;
  if (err == 0 && x->mech->binds) {
    int has_line = x->facts.end != NULL && attribute(&header, 'p', &type);
    err = has_line ? x->facts.tls->binding(x->facts.end, type, &right) : NM_EREJECT;
    err = err == NM_EINVAL ? NM_EREJECT : err;
  }
  err = err != 0 ? err : check_octets(given, nm_buf_str(&right));
  nm_buf_free(&right);
  return err;
}

/* SaltedPassword := Hi(Normalize(password), salt, i). The setup's password is taken as it is. */
static int salt_password(const struct nm_exchange *x, unsigned char *out) {
  const struct nm_digest_api *d = x->facts.digest;
  struct nm_pbkdf2 *p = NULL;
  struct nm_str salt = nm_str((const char *)x->salt, sizeof x->salt);
  int err = d->pbkdf2_new(x->mech->hash, x->password, salt, x->facts.setup->iterations, &p);
  err = err != 0 ? err : d->pbkdf2_run(p, UINT32_MAX, out);
  d->pbkdf2_free(&p);
  return err;
}

/* ClientKey := HMAC(SaltedPassword, "Client Key"), StoredKey := H(ClientKey), ClientSignature := HMAC(StoredKey, AuthMessage),
   ClientProof := ClientKey XOR ClientSignature; ServerSignature := HMAC(HMAC(SaltedPassword, "Server Key"), AuthMessage) */
static int prove(const struct nm_exchange *x, unsigned char *proof, unsigned char *signature) {
  const struct nm_digest_api *d = x->facts.digest;
  enum nm_hash h = x->mech->hash;
  size_t n = nm_hash_size(h);
  unsigned char salted[NM_HASH_MAX], key[NM_HASH_MAX], stored[NM_HASH_MAX];
  struct nm_str message = nm_str(x->text.p + x->text_at, x->text.n - x->text_at);
  struct nm_str client = NM_STR("Client Key"), server = NM_STR("Server Key"), ours = nm_str((char *)key, n);
  int err = salt_password(x, salted);
  err = err != 0 ? err : d->hmac(h, nm_str((char *)salted, n), &client, 1, key);
  err = err != 0 ? err : d->hash(h, &ours, 1, stored);
  err = err != 0 ? err : d->hmac(h, nm_str((char *)stored, n), &message, 1, proof);
  for (size_t i = 0; i < n && err == 0; i++) {
    proof[i] ^= key[i];
  }
  err = err != 0 ? err : d->hmac(h, nm_str((char *)salted, n), &server, 1, key);
  return err != 0 ? err : d->hmac(h, ours, &message, 1, signature);
}

/* client-final-message = channel-binding "," nonce ["," extensions] "," proof */
static int hear_final(struct nm_exchange *x, struct nm_str text, struct nm_buf *challenge) {
  struct nm_str rest = text, binding, nonce, given;
  if (!attribute(&rest, 'c', &binding) || !attribute(&rest, 'r', &nonce)) {
    return NM_EPROTO;
  }
  size_t before = text.n - rest.n - 1; /* the comma before the proof */
  if (!attribute(&rest, 'p', &given) || rest.n > 0) {
    return NM_EPROTO;
  }
  int err = check_binding(x, binding);
  if (err == 0 && (!nm_str_eq(nonce, nm_buf_str(&x->nonce)) || x->password.p == NULL)) {
    err = NM_EREJECT;
  }
  nm_buf_add_c(&x->text, ",");
  nm_buf_add(&x->text, text.p, before);
  err = err == 0 && x->text.err != 0 ? NM_ENOMEM : err;
  unsigned char proof[NM_HASH_MAX] = {0}, signature[NM_HASH_MAX] = {0};
  size_t n = nm_hash_size(x->mech->hash);
  err = err != 0 ? err : prove(x, proof, signature);
  err = err != 0 ? err : check_octets(given, nm_str((char *)proof, n));
  if (err == 0) {
    nm_buf_add_c(challenge, "v=");
    nm_base64_add(challenge, signature, n);
  }
  return err != 0 ? err : NM_AGAIN;
}

/* SMTP's 235 has no room for the server's signature (RFC 4954 4): it is a challenge, and the client answers nothing. */
int nm_exchange_scram(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  switch (x->turn) {
    case 0:
      return hear_first(x, response, challenge);
    case 1:
      return hear_final(x, response, challenge);
    default:
      return response.n == 0 ? 0 : NM_EPROTO;
  }
}
