#ifndef NM_LUA_SEND_H
#define NM_LUA_SEND_H

#include "lua_util.h"
#include "send_options.h"

NM_HIDDEN_BEGIN

/* Of a method that takes a client, a message and options, which lie at 1 to 3: raises what is wrong with one of them; returns when all are
   of the right types. */
void nm_send_check(lua_State *L, const char *method);
/* What is asked for one send: by defaults (a client's, NULL: nothing), and by the table at i (nil: nothing). *out, which is NULL, belongs to
   the caller also when it raises: wrong types, unknown names, no memory. What is wrong with a value becomes e. */
void nm_send_read_options(lua_State *L, int i, const struct nm_send_options *defaults,
                          struct nm_send_options **out, struct nm_error *e);

NM_HIDDEN_END

#endif
