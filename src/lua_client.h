#ifndef NM_LUA_CLIENT_H
#define NM_LUA_CLIENT_H

#include "client.h"
#include "lua_util.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_client_class;
/* What ThisHostCredentials gives (lua_client_own.c); its boxes hold the client. */
extern const struct nm_class nm_client_own_class;
/* Of SmtpClient (lua_client_properties.c). */
extern const struct nm_property nm_client_properties[];

/* Pushes the class table netmail.SmtpClient. */
void nm_open_client(lua_State *L);
/* Client:Send (lua_send.c). */
int nm_client_m_send(lua_State *L);

NM_HIDDEN_END

#endif
