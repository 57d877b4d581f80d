#ifndef NM_LOGIN_H
#define NM_LOGIN_H

#include "client.h"

/* One way to log in: mechanisms that the engine speaks, or one that libcurl speaks (NM_SASL_FOREIGN) alone. */
struct nm_login {
  struct nm_credential *credential; /* counted; NULL: the system's own ticket */
  unsigned mechs;
  int named; /* the mechanisms were named by the caller, not left to the server by "" */
};

/* To be tried in this order; the next one only when the server offers none of one's mechanisms, or none of them works. */
struct nm_logins {
  struct nm_login ways[NM_LOGIN_MAX];
  size_t n; /* 0: no authentication */
};

NM_HIDDEN_BEGIN

/* DESIGN.md 3.9: ThisHostCredentials by mechanism, then "", then the cache, then UseDefaultCredentials. NM_EINVAL when credentials are
   set but none is for this host. */
int nm_login_find(const struct nm_client *c, struct nm_logins *out, struct nm_error *e);
void nm_logins_free(struct nm_logins *l);
/* libcurl does it, while it dials. */
static inline int nm_login_is_foreign(const struct nm_login *way) {
  return (way->mechs & NM_SASL_FOREIGN) != 0;
}

NM_HIDDEN_END

#endif
