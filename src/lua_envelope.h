#ifndef NM_LUA_ENVELOPE_H
#define NM_LUA_ENVELOPE_H

#include "lua_util.h"
#include "lua_words.h"
#include "send_options.h"

NM_HIDDEN_BEGIN

/* The names of NM_CAP_ that IfOffered takes. */
extern const struct nm_word nm_extension_words[];
/* What the table at i says, in addition to what o says already. Raises for wrong types and unknown names; negative with e filled for bad
   content. */
int nm_options_set(lua_State *L, struct nm_send_options *o, int i, struct nm_error *e);
/* The property SendOptions of an object that keeps its options at *slot (NULL: none yet): one object, whose words assigning replaces. */
int nm_options_get_property(lua_State *L, struct nm_send_options **slot);
int nm_options_set_property(lua_State *L, struct nm_send_options **slot, int i, struct nm_error *e);
/* Makes the class known. */
void nm_open_options(lua_State *L);

NM_HIDDEN_END

#endif
