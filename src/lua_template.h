#ifndef NM_LUA_TEMPLATE_H
#define NM_LUA_TEMPLATE_H

#include "lua_util.h"

NM_HIDDEN_BEGIN

/* A struct nm_message whose body is a template's: what Template:For makes. */
extern const struct nm_class nm_personal_class;

/* Makes the two classes known. */
void nm_open_template(lua_State *L);
/* MailMessage:Template. */
int nm_message_m_template(lua_State *L);

NM_HIDDEN_END

#endif
