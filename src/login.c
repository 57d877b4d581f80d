#include "login.h"

static void add(struct nm_logins *out, struct nm_credential *credential, unsigned mechs, int named) {
  out->ways[out->n++] =
      (struct nm_login){credential != NULL ? nm_credential_ref(credential) : NULL, mechs, named};
}

/* A credential for the mechanism of one bit. Equal values share one way: the server's list then decides between the
   mechanisms in one go. */
static void add_named(struct nm_logins *out, struct nm_credential *credential, unsigned bit) {
  int is_alone = (bit & NM_SASL_FOREIGN) != 0;
  for (size_t i = 0; i < out->n && !is_alone; i++) {
    struct nm_login *way = &out->ways[i];
    if (!nm_login_is_foreign(way) && nm_credential_same(way->credential, credential)) {
      way->mechs |= bit;
      return;
    }
  }
  add(out, credential, bit, 1);
}

/* "" with a token means the mechanisms that take one. */
static void add_any(struct nm_logins *out, struct nm_credential *credential) {
  if (out->n == 0 && credential != NULL) {
    add(out, credential, credential->is_token ? NM_SASL_OAUTHBEARER | NM_SASL_XOAUTH2 : NM_SASL_ANY, 0);
  }
}

static void find_own(const struct nm_client *c, struct nm_logins *out) {
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    struct nm_credential *credential = nm_client_credential(c, bit);
    if (credential != NULL) {
      add_named(out, credential, bit);
    }
  }
  add_any(out, nm_client_credential(c, NM_SASL_ANY));
}

static void find_cached(const struct nm_client *c, struct nm_logins *out) {
  if (c->credentials == NULL) {
    return;
  }
  struct nm_str host = nm_buf_str(&c->host);
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    struct nm_credential *credential = nm_cache_get_exact(c->credentials, host, c->port, bit);
    if (credential != NULL) {
      add_named(out, credential, bit);
    }
  }
  add_any(out, nm_cache_get_exact(c->credentials, host, c->port, NM_SASL_ANY));
}

/* Without a name these say who it is in another way: a ticket, a certificate, the token itself. */
static int needs_name(const struct nm_login *way) {
  return (way->mechs & ~(unsigned)(NM_SASL_GSSAPI | NM_SASL_EXTERNAL | NM_SASL_OAUTHBEARER)) != 0;
}

int nm_login_find(const struct nm_client *c, struct nm_logins *out, struct nm_error *e) {
  *out = (struct nm_logins){0};
  find_own(c, out);
  if (out->n == 0) {
    find_cached(c, out);
  }
  if (out->n == 0 && c->use_default_credentials) {
    add(out, NULL, NM_SASL_GSSAPI, 1);
  }
  for (size_t i = 0; i < out->n; i++) {
    const struct nm_login *way = &out->ways[i];
    if (way->credential != NULL && way->credential->user.n == 0 && needs_name(way)) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "the credential for %s has an empty UserName",
                          NM_PLACE(c));
    }
  }
  if (out->n == 0 && (c->n_own > 0 || (c->credentials != NULL && c->credentials->n > 0))) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_AUTH,
        "credentials are set, but none of them is for %s; set ThisHostCredentials[\"\"] after "
        "Host, or add an entry for this host to Credentials",
        NM_PLACE(c));
  }
  return 0;
}

void nm_logins_free(struct nm_logins *l) {
  for (size_t i = 0; i < l->n; i++) {
    nm_credential_unref(&l->ways[i].credential);
  }
  l->n = 0;
}
