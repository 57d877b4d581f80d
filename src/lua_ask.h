#ifndef NM_LUA_ASK_H
#define NM_LUA_ASK_H

#include "lua_util.h"

NM_HIDDEN_BEGIN

/* Client:Check, :Verify, :Expand, :Help, :Etrn, :Reset. */
int nm_client_m_check(lua_State *L);
int nm_client_m_verify(lua_State *L);
int nm_client_m_expand(lua_State *L);
int nm_client_m_help(lua_State *L);
int nm_client_m_etrn(lua_State *L);
int nm_client_m_reset(lua_State *L);

NM_HIDDEN_END

#endif
