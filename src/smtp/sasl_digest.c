/* DIGEST-MD5 (RFC 2831) without a security layer: qop=auth. The server proves that it knows the password, too. */

#include "base/alloc.h"
#include "base/utf8.h"
#include "smtp/sasl_directives.h"
#include "smtp/sasl_mech.h"

#define MD5_SIZE 16

static int broken(struct nm_sasl *s, struct nm_error *e, const char *why) {
  return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e, "the server's message is malformed: %s", why);
}

static int read_message(struct nm_sasl *s, struct nm_directives *d, struct nm_str text, struct nm_error *e) {
  int err = nm_directives_read(d, text);
  if (err == 0) {
    return 0;
  }
  return err == NM_ENOMEM
             ? nm_sasl_nomem(s, e)
             : broken(s, e,
                      "no list of directives, or one is there twice, or has a value that it cannot have");
}

static int check_challenge(struct nm_sasl *s, const struct nm_directives *d, struct nm_error *e) {
  if (!d->has_nonce) {
    return broken(s, e, "no nonce");
  }
  if (!d->has_algorithm) {
    return broken(s, e, "no algorithm");
  }
  if (d->has_qop && !d->offers_auth) {
    return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                        "the server wants a security layer of its own, which netmail leaves to TLS");
  }
  return 0;
}

/* ---- characters ---- */

/* text in ISO 8859-1. 0: it has a character that is not in there, or is no UTF-8. */
static int add_latin1(struct nm_buf *b, struct nm_str text) {
  for (size_t i = 0, n; i < text.n; i += n) {
    uint32_t cp = 0;
    n = nm_utf8_next(text.p + i, text.n - i, &cp);
    if (n == 0 || cp > 0xff) {
      return 0;
    }
    nm_buf_add_byte(b, (char)(unsigned char)cp);
  }
  return 1;
}

/* What is digested is ISO 8859-1 where that is possible, charset=utf-8 or not (RFC 2831 2.1.2.1, the definition of X). */
static int add_digested(struct nm_buf *b, struct nm_str text, int is_utf8) {
  size_t before = b->n;
  if (add_latin1(b, text)) {
    return 1;
  }
  b->n = before;
  nm_buf_add_str(b, text);
  return is_utf8;
}

/* What is said is in the charset that was agreed on. */
static void add_said(struct nm_buf *b, struct nm_str text, int is_utf8) {
  size_t before = b->n;
  if (is_utf8 || !add_latin1(b, text)) {
    b->n = before;
    nm_buf_add_str(b, text);
  }
}

static void add_quoted(struct nm_buf *b, const char *name, struct nm_str value) {
  nm_buf_addf(b, "%s=\"", name);
  for (size_t i = 0; i < value.n; i++) {
    if (value.p[i] == '"' || value.p[i] == '\\') {
      nm_buf_add_byte(b, '\\');
    }
    nm_buf_add_byte(b, value.p[i]);
  }
  nm_buf_add_c(b, "\"");
}

/* ---- the digest ---- */

/* Of one login: what goes into the digests, and the words for the server. */
struct answer {
  struct nm_buf secret; /* username ":" realm ":" password */
  struct nm_buf user, realm, uri;
  unsigned char a1[MD5_SIZE]; /* H(A1) */
};

static void answer_free(struct answer *a) {
  nm_buf_free(&a->secret);
  nm_buf_free(&a->user);
  nm_buf_free(&a->realm);
  nm_buf_free(&a->uri);
  nm_wipe(a, sizeof *a);
}

static int answer_texts(struct nm_sasl *s, struct answer *a, const struct nm_directives *d,
                        struct nm_error *e) {
  struct nm_str user = nm_buf_str(&s->user), realm = s->realm.n > 0 ? nm_buf_str(&s->realm) : d->realm;
  int utf8 = d->has_charset, ok = add_digested(&a->secret, user, utf8);
  nm_buf_add_c(&a->secret, ":");
  /* The server's own realm comes back octet by octet, whatever it is; ours is text. */
  if (s->realm.n > 0) {
    ok &= add_digested(&a->secret, realm, utf8);
    add_said(&a->realm, realm, utf8);
  } else {
    ok &= utf8 ? add_digested(&a->secret, realm, utf8) : (nm_buf_add_str(&a->secret, realm), 1);
    nm_buf_add_str(&a->realm, realm);
  }
  nm_buf_add_c(&a->secret, ":");
  ok &= add_digested(&a->secret, nm_buf_str(&s->password), utf8);
  add_said(&a->user, user, utf8);
  /* digest-uri-value = serv-type "/" host */
  nm_buf_add_str(&a->uri, nm_buf_str(&s->service));
  nm_buf_add_c(&a->uri, "/");
  nm_buf_add_str(&a->uri, nm_buf_str(&s->host));
  if (!ok) {
    return nm_sasl_fail(
        s, NM_SASL_FAULT_MECHANISM, NM_EINVAL, e,
        "the server takes ISO 8859-1 only, which has not all characters of the user name or the password");
  }
  int err = a->secret.err != 0  ? a->secret.err
            : a->user.err != 0  ? a->user.err
            : a->realm.err != 0 ? a->realm.err
                                : a->uri.err;
  return err == 0 ? 0 : nm_sasl_nomem(s, e);
}

/* A1 = { H( { username-value, ":", realm-value, ":", passwd } ), ":", nonce-value, ":", cnonce-value [, ":", authzid-value] } */
static int answer_a1(struct nm_sasl *s, struct answer *a, struct nm_str nonce) {
  unsigned char inner[MD5_SIZE];
  struct nm_str secret = nm_buf_str(&a->secret);
  int err = s->digest->hash(NM_HASH_MD5, &secret, 1, inner);
  struct nm_str parts[7] = {nm_str((const char *)inner, MD5_SIZE),
                            NM_STR(":"),
                            nonce,
                            NM_STR(":"),
                            nm_buf_str(&s->nonce),
                            NM_STR(":"),
                            nm_buf_str(&s->authzid)};
  err = err != 0 ? err : s->digest->hash(NM_HASH_MD5, parts, s->authzid.n > 0 ? 7 : 5, a->a1);
  nm_wipe(inner, sizeof inner);
  return err;
}

/* HEX( KD ( HEX(H(A1)), { nonce-value, ":" nc-value, ":", cnonce-value, ":", qop-value, ":", HEX(H(A2)) }))
   A2 = { method, digest-uri-value }, with qop=auth: "AUTHENTICATE:", or ":" in what the server answers. 32 hex digits to out. */
static int respond(struct nm_sasl *s, const struct answer *a, const char *method, struct nm_str nonce,
                   struct nm_buf *out) {
  unsigned char digest[MD5_SIZE];
  struct nm_buf a1 = {.max = 2 * MD5_SIZE, .secret = 1}, a2 = {.max = 2 * MD5_SIZE, .secret = 1};
  struct nm_str what[2] = {nm_str_c(method), nm_buf_str(&a->uri)};
  nm_sasl_add_hex(&a1, a->a1, MD5_SIZE);
  int err = s->digest->hash(NM_HASH_MD5, what, 2, digest);
  nm_sasl_add_hex(&a2, digest, MD5_SIZE);
  err = err != 0 ? err : a1.err != 0 ? a1.err : a2.err;
  if (err == 0) {
    struct nm_str parts[7] = {nm_buf_str(&a1),       NM_STR(":"),      nonce,          NM_STR(":00000001:"),
                              nm_buf_str(&s->nonce), NM_STR(":auth:"), nm_buf_str(&a2)};
    err = s->digest->hash(NM_HASH_MD5, parts, 7, digest);
  }
  if (err == 0) {
    nm_sasl_add_hex(out, digest, MD5_SIZE);
  }
  nm_buf_free(&a1);
  nm_buf_free(&a2);
  nm_wipe(digest, sizeof digest);
  return err != 0 ? err : out->err;
}

/* digest-response = 1#( username | realm | nonce | cnonce | nonce-count | qop | digest-uri | response | charset | authzid ) */
static void say(struct nm_sasl *s, const struct answer *a, const struct nm_directives *d,
                struct nm_str digest, struct nm_buf *b) {
  if (d->has_charset) {
    nm_buf_add_c(b, "charset=utf-8,");
  }
  add_quoted(b, "username", nm_buf_str(&a->user));
  if (d->has_realm || s->realm.n > 0) {
    add_quoted(b, ",realm", nm_buf_str(&a->realm));
  }
  add_quoted(b, ",nonce", d->nonce);
  nm_buf_add_c(b, ",nc=00000001");
  add_quoted(b, ",cnonce", nm_buf_str(&s->nonce));
  add_quoted(b, ",digest-uri", nm_buf_str(&a->uri));
  nm_buf_add_c(b, ",response=");
  nm_buf_add_str(b, digest);
  nm_buf_add_c(b, ",qop=auth");
  if (s->authzid.n > 0) {
    add_quoted(b, ",authzid", nm_buf_str(&s->authzid));
  }
}

static int answer(struct nm_sasl *s, const struct nm_directives *d, struct nm_buf *response,
                  struct nm_error *e) {
  size_t max = 4 * NM_SASL_TEXT_MAX;
  struct answer a = {.secret = {.max = max, .secret = 1},
                     .user = {.max = max, .secret = 1},
                     .realm = {.max = max, .secret = 1},
                     .uri = {.max = max}};
  struct nm_buf digest = {.max = 2 * MD5_SIZE, .secret = 1}, proof = {.max = 2 * MD5_SIZE, .secret = 1};
  int err = answer_texts(s, &a, d, e);
  if (err == 0) {
    err = answer_a1(s, &a, d->nonce);
    err = err != 0 ? err : respond(s, &a, "AUTHENTICATE:", d->nonce, &digest);
    err = err != 0 ? err : respond(s, &a, ":", d->nonce, &proof);
    err = err != 0 ? nm_sasl_digest_failed(s, err, e) : 0;
  }
  if (err == 0) {
    memcpy(s->proof, proof.p, 2 * MD5_SIZE);
    say(s, &a, d, nm_buf_str(&digest), response);
    nm_buf_free(&s->password);
  }
  nm_buf_free(&digest);
  nm_buf_free(&proof);
  answer_free(&a);
  return err;
}

/* response-auth = "rspauth" "=" response-value */
static int check_proof(struct nm_sasl *s, const struct nm_directives *d, struct nm_error *e) {
  if (!d->has_rspauth || d->rspauth.n != 2 * MD5_SIZE ||
      !s->digest->same(d->rspauth.p, s->proof, 2 * MD5_SIZE)) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                        "the server's proof (rspauth) is wrong: it does not know the password, and is not "
                        "the server that it should be");
  }
  s->is_done = 1;
  return 0;
}

static int digest_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                       struct nm_error *e) {
  struct nm_directives d = {0};
  if (s->turn > 1) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SERVER, NM_EPROTO, e,
                        "the server asks for more than the mechanism has");
  }
  int err = read_message(s, &d, challenge, e);
  if (err == 0 && s->turn == 0) {
    err = check_challenge(s, &d, e);
    err = err != 0 ? err : answer(s, &d, response, e);
  } else if (err == 0) {
    err = check_proof(s, &d, e);
  }
  nm_directives_free(&d);
  return err;
}

const struct nm_sasl_mech nm_sasl_digest_md5 = {
    .name = "DIGEST-MD5", .bit = NM_SASL_DIGEST_MD5, .strength = 4, .step = digest_step};
