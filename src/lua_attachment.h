#ifndef NM_LUA_ATTACHMENT_H
#define NM_LUA_ATTACHMENT_H

#include "lua_list.h"
#include "lua_util.h"
#include "mime/attachment.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_attachment_class;
extern const struct nm_list_class nm_attachment_list_class;

/* Pushes the class table netmail.Attachment. */
void nm_open_attachment(lua_State *L);

NM_HIDDEN_END

#endif
