#ifndef NM_BASE_BINDING_H
#define NM_BASE_BINDING_H

#include <stddef.h>
#include <stdint.h>

/* Channel bindings (RFC 5056) of TLS connections as a table: only netmail.crypto knows OpenSSL. It goes through the Lua registry. */
#define NM_BINDING_API_KEY "netmail.crypto.binding"
#define NM_BINDING_API_MAGIC 0x6e6d6362u
#define NM_BINDING_API_VERSION 1u

#define NM_BINDING_MAX 64

struct nm_binding {
  const char *
      type; /* "tls-exporter" (RFC 9266), "tls-unique", "tls-server-end-point" (RFC 5929); NULL: none. Static. */
  unsigned char octets[NM_BINDING_MAX];
  size_t n;
};

struct nm_binding_api {
  uint32_t magic;
  uint32_t version;
  uint32_t size;
  /* Of a client's SSL. mark is the address of the SSL_export_keying_material that the SSL's owner uses: NM_EINVAL when ours is another,
     because then it is another OpenSSL, and when the connection has nothing that may be bound to. */
  int (*get)(void *ssl, const void *mark, struct nm_binding *out);
};

/* What a table from another shared object must be. */
static inline int nm_binding_api_fits(const struct nm_binding_api *api) {
  return api != NULL && api->magic == NM_BINDING_API_MAGIC && api->version == NM_BINDING_API_VERSION &&
         api->size == sizeof *api;
}

#endif
