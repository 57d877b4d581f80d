#ifndef NM_BASE_TLS_HOST_H
#define NM_BASE_TLS_HOST_H

#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* The server's side of TLS as a table of functions, without I/O: octets of the line go in and come out, and so do those of the
   conversation. Who needs it is handed the table, so that only crypto/ knows OpenSSL. */

struct nm_tls_host; /* keys and certificates; used by many connections */
struct nm_tls_end;  /* our end of one connection */

enum nm_tls_certificate {
  NM_TLS_CERT_GOOD,       /* for localhost and the loopback addresses, signed by the host's own CA */
  NM_TLS_CERT_EXPIRED,    /* the same, of the past */
  NM_TLS_CERT_WRONG_NAME, /* the same, for a name that is nobody's */
  NM_TLS_CERT_SELF_SIGNED /* signed by nobody else */
};
#define NM_TLS_CERTS 4

struct nm_tls_host_api {
  /* version_max: 12, 13, or 0 for the newest there is. asks: clients are asked for a certificate, which they need not have. Makes keys and certificates, which takes a millisecond or two. */
  int (*host_new)(int version_max, int asks, struct nm_tls_host **out, struct nm_error *e);
  void (*host_free)(struct nm_tls_host **host);
  /* In PEM, as long as the host lives: the CA; a certificate that it gave to a client, and its key. */
  struct nm_str (*ca)(const struct nm_tls_host *host);
  struct nm_str (*client)(const struct nm_tls_host *host);

  int (*end_new)(struct nm_tls_host *host, enum nm_tls_certificate certificate, struct nm_tls_end **out);
  /* Says nothing; leaves NULL. */
  void (*end_free)(struct nm_tls_end **end);
  /* Octets that came over the line. */
  int (*feed)(struct nm_tls_end *end, const char *p, size_t n);
  /* Works on what was fed. 0: *n_out > 0 octets of the conversation. NM_AGAIN: more of the line is needed. NM_EIO: the client has ended
     the conversation (close_notify). NM_EPROTO: failed for good; why tells. */
  int (*read)(struct nm_tls_end *end, char *p, size_t cap, size_t *n_out);
  /* n > 0 octets of the conversation, once is_up. */
  int (*write)(struct nm_tls_end *end, const char *p, size_t n);
  /* Octets that are to go over the line, at most cap. */
  size_t (*take)(struct nm_tls_end *end, char *p, size_t cap);
  /* Says close_notify. */
  void (*goodbye)(struct nm_tls_end *end);
  int (*is_up)(const struct nm_tls_end *end);
  /* "TLSv1.3" */
  const char *(*version)(const struct nm_tls_end *end);
  const char *(*why)(const struct nm_tls_end *end);
  /* Appends the common name of the client's certificate, if it showed one of our CA's; 1 or 0. */
  int (*client_name)(const struct nm_tls_end *end, struct nm_buf *out);
  /* Appends channel binding data of type "tls-exporter" (RFC 9266), "tls-unique" or "tls-server-end-point" (RFC 5929).
     NM_EINVAL: there is none of that type. */
  int (*binding)(const struct nm_tls_end *end, struct nm_str type, struct nm_buf *out);
};

#endif
