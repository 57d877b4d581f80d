#ifndef NM_LUA_ADDR_H
#define NM_LUA_ADDR_H

#include "base/addr.h"
#include "lua_list.h"
#include "lua_util.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_addr_class;
extern const struct nm_list_class nm_addr_list_class;

/* Pushes the class table netmail.MailAddress. */
void nm_open_addr(lua_State *L);
/* The MailAddress or text at i as a mailbox with a reference that the caller owns, for property what; a wrong type raises
   before anything is owned. */
int nm_to_addr(lua_State *L, int i, const char *what, struct nm_addr **out, struct nm_error *e);
/* The same; room as in nm_addr_parse_in. */
int nm_to_addr_in(lua_State *L, int i, const char *what, struct nm_block *room, struct nm_addr **out,
                  struct nm_error *e);
/* Adds "Name" <addr>, or the bare address, as it is shown: as Fore's collections print it. */
void nm_addr_print(luaL_Buffer *b, const struct nm_addr *a);
void nm_push_addr(lua_State *L, struct nm_addr *a);

NM_HIDDEN_END

#endif
