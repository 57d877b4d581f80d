#ifndef NM_CRYPTO_TLS_HOST_H
#define NM_CRYPTO_TLS_HOST_H

#include "base/hidden.h"
#include "base/tls_host.h"

/* TLS for a server by OpenSSL, over memory. For tests: its keys live as long as the process at most. */

NM_HIDDEN_BEGIN

const struct nm_tls_host_api *nm_crypto_tls_host_api(void);

NM_HIDDEN_END

#endif
