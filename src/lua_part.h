#ifndef NM_LUA_PART_H
#define NM_LUA_PART_H

#include "lua_list.h"
#include "lua_util.h"
#include "mime/part.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_part_class;
extern const struct nm_list_class nm_part_list_class;

/* Pushes the class table netmail.Attachment, having made the classes known. */
void nm_open_part(lua_State *L);
/* Pushes the class table netmail.Part. */
void nm_push_part_table(lua_State *L);

NM_HIDDEN_END

#endif
