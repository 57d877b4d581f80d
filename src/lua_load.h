#ifndef NM_LUA_LOAD_H
#define NM_LUA_LOAD_H

#include "base/binding.h"
#include "base/digest.h"
#include "client.h"
#include "lua_util.h"
#include "net/api.h"

/* The other shared objects are loaded at first need, with Lua's own require, and hand over their tables through the registry. These raise
   when one is missing, or of another netmail. */

NM_HIDDEN_BEGIN

const struct nm_net_api *nm_load_net(lua_State *L);
/* It dials by that, and shares what this state's clients share. Allocates nothing of Lua's. */
void nm_load_net_for(lua_State *L, struct nm_client *c, const struct nm_net_api *api);
const struct nm_digest_api *nm_load_digest(lua_State *L);
const struct nm_binding_api *nm_load_binding(lua_State *L);

NM_HIDDEN_END

#endif
