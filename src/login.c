#include "login.h"

/* A credential for the mechanism of one bit. Equal values share one way: the server's list then decides between the
   mechanisms in one go. NTLM stands alone where a domain makes its user name another one. */
static void add_named(struct nm_logins *out, const struct nm_credential *credential, unsigned bit) {
  int alone = bit == NM_MECH_NTLM && credential->domain.n > 0;
  for (size_t i = 0; i < out->n && !alone; i++) {
    struct nm_login *way = &out->ways[i];
    if (way->mechs != NM_MECH_NTLM && nm_credential_same(way->credential, credential)) {
      way->mechs |= bit;
      return;
    }
  }
  out->ways[out->n++] = (struct nm_login){credential, bit, 1};
}

static void find_own(const struct nm_client *c, struct nm_logins *out) {
  for (unsigned bit = 1; bit <= NM_MECH_LAST; bit <<= 1) {
    const struct nm_credential *credential = nm_client_credential(c, bit);
    if (credential != NULL) {
      add_named(out, credential, bit);
    }
  }
  const struct nm_credential *any = nm_client_credential(c, NM_MECHS_ANY);
  if (out->n == 0 && any != NULL) {
    out->ways[out->n++] = (struct nm_login){any, NM_MECHS_ANY, 0};
  }
}

static void find_cached(const struct nm_client *c, struct nm_logins *out) {
  if (c->credentials == NULL) {
    return;
  }
  struct nm_str host = nm_buf_str(&c->host);
  for (unsigned bit = 1; bit <= NM_MECH_LAST; bit <<= 1) {
    const struct nm_credential *credential = nm_cache_get_exact(c->credentials, host, c->port, bit);
    if (credential != NULL) {
      add_named(out, credential, bit);
    }
  }
  const struct nm_credential *any = nm_cache_get_exact(c->credentials, host, c->port, NM_MECHS_ANY);
  if (out->n == 0 && any != NULL) {
    out->ways[out->n++] = (struct nm_login){any, NM_MECHS_ANY, 0};
  }
}

int nm_login_find(const struct nm_client *c, struct nm_logins *out, struct nm_error *e) {
  *out = (struct nm_logins){0};
  find_own(c, out);
  if (out->n == 0) {
    find_cached(c, out);
  }
  if (out->n == 0 && c->use_default_credentials) {
    out->ways[out->n++] = (struct nm_login){NULL, NM_MECH_GSSAPI, 1};
  }
  for (size_t i = 0; i < out->n; i++) {
    const struct nm_login *way = &out->ways[i];
    if (way->credential != NULL && way->credential->user.n == 0 && way->mechs != NM_MECH_GSSAPI) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "the credential for %s:%d has an empty UserName",
                          c->host.p, c->port);
    }
  }
  if (out->n == 0 && (c->n_own > 0 || (c->credentials != NULL && c->credentials->n > 0))) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_AUTH,
        "credentials are set, but none of them is for %s:%d; set ThisHostCredentials[\"\"] after "
        "Host, or add an entry for this host to Credentials",
        c->host.p, c->port);
  }
  return 0;
}
