/* netmail.crypto: hands what OpenSSL does to netmail.core through the registry. */

#include "crypto/binding.h"
#include "crypto/digest.h"
#include "lua_compat.h"
#include "lua_pin.h"

__attribute__((visibility("default"))) int luaopen_netmail_crypto(lua_State *L);

int luaopen_netmail_crypto(lua_State *L) {
  char why[NM_CRYPTO_WHY_MAX];
  if (nm_crypto_check(why, sizeof why) != 0) {
    return luaL_error(L, "netmail cannot use the OpenSSL it found: %s", why);
  }
  nm_hand_over(L, NM_DIGEST_API_KEY, nm_crypto_digest_api());
  nm_hand_over(L, NM_BINDING_API_KEY, nm_crypto_binding_api());
  return nm_open_beside(L, luaopen_netmail_crypto, nm_crypto_digest_api()->version_text());
}
