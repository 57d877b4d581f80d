/* netmail.crypto: hands what OpenSSL does to netmail.core through the registry. */

#include <stdint.h>

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
  nm_pin((void *)(uintptr_t)luaopen_netmail_crypto);
  lua_pushlightuserdata(L, (void *)(uintptr_t)nm_crypto_digest_api());
  lua_setfield(L, LUA_REGISTRYINDEX, NM_DIGEST_API_KEY);
  lua_pushlightuserdata(L, (void *)(uintptr_t)nm_crypto_binding_api());
  lua_setfield(L, LUA_REGISTRYINDEX, NM_BINDING_API_KEY);
  lua_newtable(L);
  lua_pushstring(L, nm_crypto_digest_api()->version_text());
  lua_setfield(L, -2, "LibraryVersion");
  return 1;
}
