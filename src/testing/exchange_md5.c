/* CRAM-MD5 (RFC 2195) and DIGEST-MD5 (RFC 2831), the server's side. */

#include "base/chars.h"
#include "testing/exchange_mech.h"

#define HEX 32 /* digits of an MD5 */

/* ---- CRAM-MD5 ---- */

/* A response is the user's name, a space, and HMAC-MD5(password, challenge) in hexadecimal digits. */
static int check_cram(struct nm_exchange *x, struct nm_str response) {
  if (response.n < HEX + 1 || response.p[response.n - HEX - 1] != ' ') {
    return NM_EPROTO;
  }
  struct nm_str challenge = nm_buf_str(&x->nonce), given = nm_str(response.p + response.n - HEX, HEX);
  int err = nm_exchange_find(x, nm_str(response.p, response.n - HEX - 1));
  unsigned char digest[NM_HASH_MAX];
  struct nm_buf hex = {.max = HEX};
  err = err != 0 ? err : x->facts.digest->hmac(NM_HASH_MD5, x->password, &challenge, 1, digest);
  if (err == 0) {
    nm_exchange_add_hex(&hex, digest, HEX / 2);
    err = hex.err != 0 ? NM_ENOMEM : nm_str_eq(nm_buf_str(&hex), given) ? 0 : NM_EREJECT;
  }
  nm_buf_free(&hex);
  return err;
}

int nm_exchange_cram(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  if (x->turn > 0) {
    return check_cram(x, response);
  }
  nm_buf_add_c(&x->nonce, "<");
  if (nm_exchange_make_nonce(x) != 0) {
    return NM_ENOMEM;
  }
  nm_buf_addf(&x->nonce, "@%s>", x->facts.setup->hostname.p);
  nm_buf_add_str(challenge, nm_buf_str(&x->nonce));
  return NM_AGAIN;
}

/* ---- DIGEST-MD5 ---- */

/* Of a digest-response, RFC 2831 2.1.2. */
struct answer {
  struct nm_buf username, realm, nonce, cnonce, nc, qop, uri, response, authzid, unknown;
};

static const struct {
  const char *name;
  size_t at;
} directives[] = {
    {"username", offsetof(struct answer, username)},
    {"realm", offsetof(struct answer, realm)},
    {"nonce", offsetof(struct answer, nonce)},
    {"cnonce", offsetof(struct answer, cnonce)},
    {"nc", offsetof(struct answer, nc)},
    {"qop", offsetof(struct answer, qop)},
    {"digest-uri", offsetof(struct answer, uri)},
    {"response", offsetof(struct answer, response)},
    {"authzid", offsetof(struct answer, authzid)},
    {"", offsetof(struct answer, unknown)},
};
#define DIRECTIVES (sizeof directives / sizeof directives[0])

static struct nm_buf *member(struct answer *a, size_t i) {
  return (struct nm_buf *)(void *)((char *)a + directives[i].at);
}

static void answer_free(struct answer *a) {
  for (size_t i = 0; i < DIRECTIVES; i++) {
    nm_buf_free(member(a, i));
  }
}

/* A value of the directive at *rest, quoted or not; quoted-pairs lose their backslash. */
static int read_value(struct nm_str *rest, struct nm_buf *out) {
  size_t i = 0;
  if (rest->n == 0 || rest->p[0] != '"') {
    while (i < rest->n && rest->p[i] != ',') {
      nm_buf_add_byte(out, rest->p[i++]);
    }
    *rest = nm_str(rest->p + i, rest->n - i);
    return out->n > 0;
  }
  for (i = 1; i < rest->n && rest->p[i] != '"'; i++) {
    i += rest->p[i] == '\\' && i + 1 < rest->n;
    nm_buf_add_byte(out, rest->p[i]);
  }
  if (i >= rest->n) {
    return 0;
  }
  *rest = nm_str(rest->p + i + 1, rest->n - i - 1);
  return 1;
}

/* digest-response = 1#( directive ), each token "=" ( token | quoted-string ), at most once. charset and those that are unknown
   are passed over. */
static int read_answer(struct nm_str rest, struct answer *a) {
  while (rest.n > 0) {
    struct nm_buf *out = &a->unknown;
    nm_buf_reset(out);
    const char *equals = memchr(rest.p, '=', rest.n);
    if (equals == NULL) {
      return 0;
    }
    struct nm_str name = nm_str(rest.p, (size_t)(equals - rest.p));
    for (size_t i = 0; i < DIRECTIVES; i++) {
      out = nm_str_ieq(name, nm_str_c(directives[i].name)) ? member(a, i) : out;
    }
    rest = nm_str(equals + 1, rest.n - name.n - 1);
    int is_right = out->n == 0 && read_value(&rest, out);
    if (!is_right || (rest.n > 0 && rest.p[0] != ',')) {
      return 0;
    }
    while (rest.n > 0 && (rest.p[0] == ',' || nm_is((unsigned char)rest.p[0], NM_CHAR_WSP))) {
      rest = nm_str(rest.p + 1, rest.n - 1);
    }
  }
  return 1;
}

/* The parts with ":" between them, digested; in hexadecimal digits where out_hex is not NULL. */
static int digest_of(const struct nm_exchange *x, const struct nm_str *parts, size_t n, unsigned char *out,
                     struct nm_buf *out_hex) {
  struct nm_str joined[16];
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    if (i > 0) {
      joined[k++] = NM_STR(":");
    }
    joined[k++] = parts[i];
  }
  int err = x->facts.digest->hash(NM_HASH_MD5, joined, k, out);
  if (err == 0 && out_hex != NULL) {
    nm_exchange_add_hex(out_hex, out, HEX / 2);
  }
  return err;
}

/* response-value = HEX( KD ( HEX(H(A1)), { nonce ":" nc ":" cnonce ":" qop ":" HEX(H(A2)) } ) ), where
   A1 = { H( { username ":" realm ":" passwd } ) ":" nonce ":" cnonce [ ":" authzid ] } and A2 = { "AUTHENTICATE:" digest-uri };
   without that word in the server's own answer (rspauth). */
static int compute(const struct nm_exchange *x, const struct answer *a, const char *word,
                   struct nm_buf *out) {
  unsigned char digest[NM_HASH_MAX];
  struct nm_buf a1 = {.max = HEX}, a2 = {.max = HEX};
  struct nm_str login[3] = {nm_buf_str(&a->username), nm_buf_str(&a->realm), x->password};
  int err = digest_of(x, login, 3, digest, NULL);
  struct nm_str inner = nm_str((char *)digest, HEX / 2);
  struct nm_str one[4] = {inner, nm_buf_str(&a->nonce), nm_buf_str(&a->cnonce), nm_buf_str(&a->authzid)};
  struct nm_str two[2] = {nm_str_c(word), nm_buf_str(&a->uri)};
  unsigned char outer[NM_HASH_MAX];
  err = err != 0 ? err : digest_of(x, one, a->authzid.n > 0 ? 4 : 3, outer, &a1);
  err = err != 0 ? err : digest_of(x, two, 2, outer, &a2);
  struct nm_str all[6] = {nm_buf_str(&a1),        nm_buf_str(&a->nonce), nm_buf_str(&a->nc),
                          nm_buf_str(&a->cnonce), nm_buf_str(&a->qop),   nm_buf_str(&a2)};
  err = err != 0 ? err : digest_of(x, all, 6, outer, out);
  err = err == 0 && (a1.err != 0 || a2.err != 0 || out->err != 0) ? NM_ENOMEM : err;
  nm_buf_free(&a1);
  nm_buf_free(&a2);
  return err;
}

static int check_answer(struct nm_exchange *x, const struct answer *a, struct nm_buf *challenge) {
  struct nm_buf right = {.max = HEX};
  int err = a->username.n == 0 || a->cnonce.n == 0 || a->uri.n == 0 ? NM_EPROTO
            : !nm_str_eq(nm_buf_str(&a->nonce), nm_buf_str(&x->nonce)) ||
                    !nm_str_eq(nm_buf_str(&a->nc), NM_STR("00000001")) ||
                    !nm_str_eq(nm_buf_str(&a->qop), NM_STR("auth"))
                ? NM_EREJECT
                : nm_exchange_find(x, nm_buf_str(&a->username));
  err = err != 0 ? err : compute(x, a, "AUTHENTICATE", &right);
  err = err != 0 ? err : nm_str_eq(nm_buf_str(&right), nm_buf_str(&a->response)) ? 0 : NM_EREJECT;
  if (err == 0) {
    nm_buf_reset(&right);
    err = compute(x, a, "", &right);
    nm_buf_add_c(challenge, "rspauth=");
    nm_buf_add_str(challenge, nm_buf_str(&right));
  }
  nm_buf_free(&right);
  return err != 0 ? err : NM_AGAIN;
}

static int hear_answer(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  struct answer a;
  memset(&a, 0, sizeof a);
  for (size_t i = 0; i < DIRECTIVES; i++) {
    member(&a, i)->max = NM_EXCHANGE_MAX;
  }
  int err = read_answer(response, &a) ? 0 : NM_EPROTO;
  for (size_t i = 0; i < DIRECTIVES; i++) {
    err = member(&a, i)->err != 0 ? NM_ENOMEM : err;
  }
  err = err != 0 ? err : check_answer(x, &a, challenge);
  answer_free(&a);
  return err;
}

int nm_exchange_digest(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  switch (x->turn) {
    case 0:
      if (nm_exchange_make_nonce(x) != 0) {
        return NM_ENOMEM;
      }
      nm_buf_addf(challenge, "realm=\"%s\",nonce=\"%s\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
                  x->facts.setup->hostname.p, x->nonce.p);
      return NM_AGAIN;
    case 1:
      return hear_answer(x, response, challenge);
    default: /* rspauth has been heard */
      return response.n == 0 ? 0 : NM_EPROTO;
  }
}
