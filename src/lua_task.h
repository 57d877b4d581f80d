#ifndef NM_LUA_TASK_H
#define NM_LUA_TASK_H

#include "lua_errand.h"

NM_HIDDEN_BEGIN

/* For `return`: a Task (lua/netmail/task.lua) for the errand whose scratch is at job, of the client at index client. It has not begun. */
int nm_task_new(lua_State *L, int client, int job);
/* Begins it: as nm_client_begin (lua_send.c). */
int nm_send_start(struct nm_errand *e);

NM_HIDDEN_END

#endif
