/* Mechanisms that hand the secret, or nothing, over: PLAIN, LOGIN, EXTERNAL, XOAUTH2, OAUTHBEARER. */

#include "testing/exchange_mech.h"

/* The part of *rest before the octet, which is cut off with it; 0 when it is not in there. */
static int cut(struct nm_str *rest, char octet, struct nm_str *out) {
  const char *p = rest->n > 0 ? memchr(rest->p, octet, rest->n) : NULL;
  if (p == NULL) {
    return 0;
  }
  *out = nm_str(rest->p, (size_t)(p - rest->p));
  *rest = nm_str(p + 1, rest->n - out->n - 1);
  return 1;
}

static int begins(struct nm_str s, const char *with) {
  return s.n >= strlen(with) && nm_str_ieq(nm_str(s.p, strlen(with)), nm_str_c(with));
}

static struct nm_str without(struct nm_str s, const char *beginning) {
  size_t n = strlen(beginning);
  return nm_str(s.p + n, s.n - n);
}

/* RFC 4616: message = [authzid] UTF8NUL authcid UTF8NUL passwd. Nobody may act for somebody else here. */
int nm_exchange_plain(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  (void)challenge;
  struct nm_str authzid, authcid;
  if (!cut(&response, '\0', &authzid) || !cut(&response, '\0', &authcid) ||
      memchr(response.p, '\0', response.n) != NULL) {
    return NM_EPROTO;
  }
  if (authzid.n > 0 && !nm_str_eq(authzid, authcid)) {
    return NM_EREJECT;
  }
  return nm_exchange_password(x, authcid, response);
}

int nm_exchange_login(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  switch (x->turn) {
    case 0:
      nm_buf_add_c(challenge, "Username:");
      return NM_AGAIN;
    case 1:
      nm_buf_add_str(&x->user, response);
      nm_buf_add_c(challenge, "Password:");
      return NM_AGAIN;
    default: {
      struct nm_buf name = {.max = NM_EXCHANGE_MAX};
      nm_buf_add_str(&name, nm_buf_str(&x->user));
      int err = name.err != 0 ? NM_ENOMEM : nm_exchange_password(x, nm_buf_str(&name), response);
      nm_buf_free(&name);
      return err;
    }
  }
}

/* RFC 4422 A: the certificate says who it is; the response, for whom it acts. */
int nm_exchange_external(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  (void)challenge;
  const struct nm_exchange_facts *f = &x->facts;
  nm_buf_reset(&x->user);
  if (f->end == NULL || !f->tls->client_name(f->end, &x->user)) {
    return NM_EREJECT;
  }
  return response.n == 0 || nm_str_eq(response, nm_buf_str(&x->user)) ? 0 : NM_EREJECT;
}

/* An error is a challenge in JSON; the client answers it, and only then hears that it failed (RFC 7628 3.2.3; XOAUTH2 alike). */
static int refuse(struct nm_buf *challenge, const char *words) {
  nm_buf_add_c(challenge, words);
  return NM_AGAIN;
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
int nm_exchange_xoauth2(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  static const char bearer[] = "auth=Bearer ";
  struct nm_str user, token;
  if (x->turn > 0) {
    return NM_EREJECT;
  }
  if (!cut(&response, '\1', &user) || !begins(user, "user=") || !cut(&response, '\1', &token) ||
      !begins(token, bearer) || !nm_str_eq(response, NM_STR("\1"))) {
    return NM_EPROTO;
  }
  if (nm_exchange_token(x, without(user, "user="), without(token, bearer)) == 0) {
    return 0;
  }
  return refuse(challenge, "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}");
}

/* RFC 7628 3.1: client-resp = gs2-header kvsep *kvpair kvsep, where kvpair = key "=" value kvsep, kvsep = %x01 and
   gs2-header = "n," [ "a=" saslname ] ",". A saslname's comma and equals sign (=2C, =3D) are in nobody's name here. */
int nm_exchange_oauthbearer(struct nm_exchange *x, struct nm_str response, struct nm_buf *challenge) {
  struct nm_str flag, name, nothing, pair, token = {NULL, 0};
  if (x->turn > 0) {
    return nm_str_eq(response, NM_STR("\1")) ? NM_EREJECT : NM_EPROTO;
  }
  if (!cut(&response, ',', &flag) || !nm_str_eq(flag, NM_STR("n")) || !cut(&response, ',', &name) ||
      !cut(&response, '\1', &nothing) || nothing.n > 0) {
    return NM_EPROTO;
  }
  while (cut(&response, '\1', &pair) && pair.n > 0) {
    token = begins(pair, "auth=Bearer ") ? without(pair, "auth=Bearer ") : token;
  }
  if (response.n > 0 || pair.n > 0 || token.p == NULL || (name.n > 0 && !begins(name, "a="))) {
    return NM_EPROTO;
  }
  if (name.n > 0 && nm_exchange_token(x, without(name, "a="), token) == 0) {
    return 0;
  }
  return refuse(challenge, "{\"status\":\"invalid_token\",\"scope\":\"mail\"}");
}
