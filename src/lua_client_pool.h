#ifndef NM_LUA_CLIENT_POOL_H
#define NM_LUA_CLIENT_POOL_H

#include "lua_util.h"

/* The properties of SmtpClient that are about its connections. */

/* X(name in Lua, name here) */
#define NM_CLIENT_POOL(X)                                                                                    \
  X("MaxConnections", max_connections)                                                                       \
  X("AlternativeHosts", others)                                                                              \
  X("HostOrder", order)                                                                                      \
  X("ConnectionIdleTimeout", idle)                                                                           \
  X("ConnectionLifetime", life)                                                                              \
  X("Pipelining", pipelining)

NM_HIDDEN_BEGIN

#define NM_CLIENT_POOL_DECLARE(property, name)                                                               \
  int nm_client_get_##name(lua_State *L, void *object);                                                      \
  int nm_client_put_##name(lua_State *L, void *object, int i, struct nm_error *e);
NM_CLIENT_POOL(NM_CLIENT_POOL_DECLARE)
#undef NM_CLIENT_POOL_DECLARE

NM_HIDDEN_END

#endif
