#ifndef NM_LUA_CAPABILITIES_H
#define NM_LUA_CAPABILITIES_H

#include "lua_util.h"
#include "smtp/caps.h"

NM_HIDDEN_BEGIN

/* Pushes a table of its own with what the last EHLO offered. */
void nm_push_capabilities(lua_State *L, const struct nm_caps *caps);

NM_HIDDEN_END

#endif
