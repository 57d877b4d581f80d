#ifndef NM_LUA_CALL_H
#define NM_LUA_CALL_H

#include "connect.h"
#include "lua_drive.h"

/* The user's functions that are called while something is on its way to a server, whoever sends it: each is pushed, called by the Lua
   function around the method (lua_drive.h), and hears what came of it. Contents are lua_content.h's. */

NM_HIDDEN_BEGIN

/* Pushes the tracer of c and its arguments for nm_drive_call2; 0: nothing to show. */
int nm_call_push_tracer(lua_State *L, struct nm_client *c);
/* It has returned; at: where the results begin, whether it succeeded. */
void nm_call_take_tracer(lua_State *L, struct nm_client *c, int at);
/* It never came back. */
void nm_call_forget_tracer(struct nm_client *c);
/* Pushes the function that gives the password which the connection waits for, and its argument. */
void nm_call_push_giver(lua_State *L, const struct nm_connecting *k);
/* What it gave, from at as above, is handed over. A negative code: it is none, and e says why. */
int nm_call_take_secret(lua_State *L, struct nm_connecting *k, int at, struct nm_error *e);
/* NM_NEED_CRYPTO. */
void nm_call_load_crypto(lua_State *L, struct nm_client *c);

NM_HIDDEN_END

#endif
