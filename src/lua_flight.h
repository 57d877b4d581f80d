#ifndef NM_LUA_FLIGHT_H
#define NM_LUA_FLIGHT_H

#include "lua_util.h"

NM_HIDDEN_BEGIN

/* SendMany and its like (lua/netmail/many.lua), for the class of clients. */
void nm_flight_add_methods(lua_State *L, const struct nm_class *c);

NM_HIDDEN_END

#endif
