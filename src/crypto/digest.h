#ifndef NM_CRYPTO_DIGEST_H
#define NM_CRYPTO_DIGEST_H

#include <stddef.h>
#include "base/digest.h"
#include "base/hidden.h"

/* Digests by OpenSSL. */

#define NM_CRYPTO_WHY_MAX 160

NM_HIDDEN_BEGIN

const struct nm_digest_api *nm_crypto_digest_api(void);
/* Whether the OpenSSL that was found can be used: 3.0 or newer, and of the headers' major version. NM_EINVAL: why is a
   sentence (n octets of room). */
int nm_crypto_check(char *why, size_t n);

NM_HIDDEN_END

#endif
