#ifndef NM_LUA_CREDENTIAL_H
#define NM_LUA_CREDENTIAL_H

#include "credential.h"
#include "lua_util.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_credential_class;
extern const struct nm_class nm_cache_class;

/* Push the class tables netmail.NetworkCredential and netmail.CredentialCache. */
void nm_open_credential(lua_State *L);
void nm_open_cache(lua_State *L);

/* Pushes a new one from the table at i: UserName, Password or Token, Domain. */
struct nm_credential *nm_new_credential(lua_State *L, int i);
void nm_push_credential(lua_State *L, struct nm_credential *c);
void nm_push_cache(lua_State *L, struct nm_credential_cache *c);
/* The mechanism's bit(s) of the name at i; raises for an unknown one, naming those there are. */
unsigned nm_check_mechanism(lua_State *L, int i, const char *what);

NM_HIDDEN_END

#endif
