#ifndef NM_CRYPTO_TLS_CERT_H
#define NM_CRYPTO_TLS_CERT_H

#include <openssl/x509.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/tls_host.h"

/* Keys and certificates made on the spot, for tests: nothing of them is written down, and nobody else has them. */
struct nm_tls_keys {
  EVP_PKEY *ca_key;
  EVP_PKEY *key; /* the server's, and the client's */
  X509 *ca;
  X509 *certs[NM_TLS_CERTS];
  X509 *client;
  struct nm_buf ca_pem;
  struct nm_buf client_pem; /* certificate and key */
};

/* The common name in the client's certificate. */
#define NM_TLS_CLIENT_NAME "client@example.test"

NM_HIDDEN_BEGIN

/* NM_ENOMEM: OpenSSL would not. */
int nm_tls_keys_make(struct nm_tls_keys *k);
void nm_tls_keys_free(struct nm_tls_keys *k);

NM_HIDDEN_END

#endif
