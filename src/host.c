#include "host.h"

#include <string.h>

#include "base/check.h"
#include "base/chars.h"
#include "base/idn.h"
#include "base/literal.h"
#include "base/utf8.h"
#include "client.h"

/* A domain whose labels may hold "_" too: containers and Windows networks have such names, and the resolver takes them. */
static int is_host_name(struct nm_str s) {
  char plain[NM_HOST_MAX];
  if (s.n > sizeof plain) {
    return 0;
  }
  for (size_t i = 0; i < s.n; i++) {
    plain[i] = s.p[i];
    if (s.p[i] == '_') {
      plain[i] = 'x';
    }
  }
  return nm_is_domain(nm_str(plain, s.n));
}

/* Of sun_path (unix(7)), beside its NUL. */
#define SOCKET_PATH_MAX 107

static int set_socket(struct nm_buf *slot, const char *what, struct nm_str host, struct nm_error *e) {
  struct nm_str path = nm_str(host.p + strlen(NM_SOCKET_PREFIX), host.n - strlen(NM_SOCKET_PREFIX));
  int err = nm_client_check_option(host, what, e);
  if (err == 0 && (path.n == 0 || path.p[0] != '/' || path.n > SOCKET_PATH_MAX)) {
    err = nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                       "%s '%.*s' is refused: behind \"unix:\" stands the absolute path of a socket, of %d "
                       "octets at most",
                       what, (int)(host.n < 300 ? host.n : 300), host.p, SOCKET_PATH_MAX);
  }
  return err == 0 ? nm_buf_replace(slot, what, host, e) : err;
}

int nm_host_set(struct nm_buf *slot, const char *what, struct nm_str host, struct nm_error *e) {
  int bad = nm_check_nul(what, host, e); /* what shows the name below ends at a NUL */
  if (bad != 0) {
    return bad;
  }
  if (nm_is_socket(host)) {
    return set_socket(slot, what, host, e);
  }
  if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']' &&
      nm_is_ipv6(nm_str(host.p + 1, host.n - 2))) {
    host = nm_str(host.p + 1, host.n - 2);
  }
  if (host.n > 1 &&
      host.p[host.n - 1] == '.') { /* the root's dot: certificates are for the name without it */
    host.n--;
  }
  if (host.n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s is empty; give the name of the mail server", what);
  }
  struct nm_idn idn;
  if (!nm_is_ascii(host)) { /* DNS, TLS and the key of a kept connection know the ASCII form alone */
    const char *why = NULL;
    int err = nm_idn_map(host, &idn, &why);
    if (err != 0) {
      return err == NM_ENOMEM ? nm_error_nomem(e)
                              : nm_error_set(e, err, NM_KIND_MESSAGE, "%s '%.*s' is refused: %s", what,
                                             (int)(host.n < 300 ? host.n : 300), host.p, why);
    }
    host = idn.ascii;
  }
  if (!is_host_name(host) && !nm_is_ipv6(host)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s '%.*s' is neither a domain name nor an IP address (the port goes into Port)",
                        what, (int)(host.n < 300 ? host.n : 300), host.p);
  }
  return nm_buf_replace(slot, what, host, e);
}
