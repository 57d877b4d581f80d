#ifndef NM_LUA_HTML_H
#define NM_LUA_HTML_H

#include "lua_util.h"

NM_HIDDEN_BEGIN

/* Pushes the function netmail.HtmlToText. */
void nm_open_html(lua_State *L);

NM_HIDDEN_END

#endif
