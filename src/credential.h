#ifndef NM_CREDENTIAL_H
#define NM_CREDENTIAL_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/held.h"
#include "base/hidden.h"
#include "base/str.h"

/* Longer ones are a mistake: RFC 4954 lets an AUTH line have 12288 octets. */
#define NM_SECRET_MAX 8192
#define NM_HOST_MAX 255
#define NM_CACHE_MAX 10000
/* In the place of a host's name: the path of a socket of this machine's follows. */
#define NM_SOCKET_PREFIX "unix:"

/* Who logs in. Counted; may be changed in place, so a connection remembers the values it was made with. The bytes are
   overwritten before they are freed. */
struct nm_credential {
  unsigned refs;
  struct nm_buf user;
  struct nm_buf password;
  struct nm_buf domain;
  int is_token; /* password is an access token (RFC 6749 1.4): "" stands for the mechanisms that take one */
  struct nm_held giver; /* gives the password at each login; nothing: password is it */
  unsigned version;     /* another one after each change */
};

/* An ordered store for many servers. host "" , port 0 and mechs of "" match any. */
struct nm_cache_entry {
  struct nm_buf host;
  int port;
  unsigned mechs; /* NM_SASL_*: one bit, or NM_SASL_ANY for "" */
  struct nm_credential *credential;
};

struct nm_credential_cache {
  unsigned refs;
  struct nm_cache_entry *entries;
  size_t n, cap;
};

NM_HIDDEN_BEGIN

int nm_credential_new(struct nm_credential **out);
struct nm_credential *nm_credential_ref(struct nm_credential *c);
void nm_credential_unref(struct nm_credential **c);
/* Both at once; what is wrong with either (nm_credential_check_secret; CR and LF in the user name) changes nothing. */
int nm_credential_set(struct nm_credential *c, struct nm_str user, struct nm_str password,
                      struct nm_error *e);
int nm_credential_set_user(struct nm_credential *c, struct nm_str user, struct nm_error *e);
/* The password will be asked for at each login. Takes giver. */
void nm_credential_set_giver(struct nm_credential *c, void *giver, void (*release)(void *giver));
/* A password or token, by the name what: 0; NM_EINVAL for what no login can carry (a NUL), or what is no part of it (a line break at its
   end); NM_ELIMIT. The rest may be in it, although SASLprep (RFC 4013 2.3) lets no control characters into SCRAM. */
int nm_credential_check_secret(const char *what, struct nm_str secret, struct nm_error *e);
int nm_credential_set_domain(struct nm_credential *c, struct nm_str domain, struct nm_error *e);
/* By value. */
int nm_credential_same(const struct nm_credential *a, const struct nm_credential *b);

int nm_is_socket(struct nm_str host);
/* Names compare without case, paths do not. */
int nm_host_same(struct nm_str a, struct nm_str b);

int nm_cache_new(struct nm_credential_cache **out);
struct nm_credential_cache *nm_cache_ref(struct nm_credential_cache *c);
void nm_cache_unref(struct nm_credential_cache **c);
/* Replaces an entry with the same host, port and mechs. */
int nm_cache_add(struct nm_credential_cache *c, struct nm_str host, int port, unsigned mechs,
                 struct nm_credential *credential, struct nm_error *e);
/* 1 when there was one. */
int nm_cache_remove(struct nm_credential_cache *c, struct nm_str host, int port, unsigned mechs);
/* The first entry for that host and port that was stored for exactly mechs, else NULL. */
struct nm_credential *nm_cache_get_exact(const struct nm_credential_cache *c, struct nm_str host, int port,
                                         unsigned mechs);
/* The same, else the first one for "", which serves all mechanisms. */
struct nm_credential *nm_cache_get(const struct nm_credential_cache *c, struct nm_str host, int port,
                                   unsigned mechs);

NM_HIDDEN_END

#endif
