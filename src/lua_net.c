/* netmail.net: hands the transport's functions to netmail.core through the registry. */

#include <stdint.h>

#include "lua_compat.h"
#include "lua_pin.h"
#include "net/net.h"

__attribute__((visibility("default"))) int luaopen_netmail_net(lua_State *L);

int luaopen_netmail_net(lua_State *L) {
  char why[NM_NET_WHY_MAX];
  if (nm_net_check(why, sizeof why) != 0) {
    return luaL_error(L, "netmail cannot use the libcurl it found: %s", why);
  }
  nm_pin((void *)(uintptr_t)luaopen_netmail_net);
  lua_pushlightuserdata(L, (void *)(uintptr_t)nm_net_api());
  lua_setfield(L, LUA_REGISTRYINDEX, NM_NET_API_KEY);
  lua_newtable(L);
  lua_pushstring(L, nm_net_api()->curl_version());
  lua_setfield(L, -2, "LibraryVersion");
  return 1;
}
