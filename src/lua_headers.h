#ifndef NM_LUA_HEADERS_H
#define NM_LUA_HEADERS_H

#include "base/list.h"
#include "lua_util.h"

NM_HIDDEN_BEGIN

/* Makes the class HeaderCollection known. */
void nm_open_headers(lua_State *L);
/* Pushes the collection of a list of fields (mime/fields.h). */
void nm_push_headers(lua_State *L, struct nm_list *fields);
/* fields become what the value at i says: another collection, a table name -> value (or array of values), an array of
   {name, value}; nil empties them. On error they are unchanged. */
int nm_assign_headers(lua_State *L, struct nm_list *fields, int i, struct nm_error *e);
/* The same, in place of those of the same names alone; the others stay. When memory is short, some of them. */
int nm_merge_headers(lua_State *L, struct nm_list *fields, int i, struct nm_error *e);

NM_HIDDEN_END

#endif
