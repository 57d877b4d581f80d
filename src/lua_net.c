/* netmail.net: hands the transport's functions to netmail.core through the registry. */

#include "lua_compat.h"
#include "lua_pin.h"
#include "net/net.h"

__attribute__((visibility("default"))) int luaopen_netmail_net(lua_State *L);

int luaopen_netmail_net(lua_State *L) {
  char why[NM_NET_WHY_MAX];
  if (nm_net_check(why, sizeof why) != 0) {
    return luaL_error(L, "netmail cannot use the libcurl it found: %s", why);
  }
  nm_hand_over(L, NM_NET_API_KEY, nm_net_api());
  return nm_open_beside(L, luaopen_netmail_net, nm_net_api()->curl_version());
}
