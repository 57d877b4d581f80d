#ifndef NM_CRYPTO_BINDING_H
#define NM_CRYPTO_BINDING_H

#include "base/binding.h"
#include "base/hidden.h"

NM_HIDDEN_BEGIN

/* The one table, const, lives as long as the code. */
const struct nm_binding_api *nm_crypto_binding_api(void);

NM_HIDDEN_END

#endif
