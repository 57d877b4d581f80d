#ifndef NM_LUA_ERRAND_H
#define NM_LUA_ERRAND_H

#include "lua_client.h"
#include "lua_drive.h"
#include "send.h"

/* What a method of the client's has on its way: a send or a question. It runs between the calls of the user's functions (contents,
   passwords, the trace), each of which happens in Lua, and waits for the line in between. */
struct nm_errand {
  struct nm_job job; /* first */
  struct nm_client *client;
  struct nm_source *source; /* NULL: a question */
  struct nm_pace pace;
  struct nm_sending sending;
  struct nm_sent sent;
  /* nm_client_begin, or nm_client_ask, and what that returns. The method's first argument is at index 2. */
  int (*begin)(lua_State *L, struct nm_errand *e);
  /* Pushes the results; sent.error.code 0: it went well. */
  int (*finish)(lua_State *L, struct nm_errand *e);
  /* It has failed: begins it in another way, as nm_client_begin, or returns the code. NULL: there is no other. */
  int (*retry)(struct nm_errand *e);
  int called; /* which function was called last */
  int err;    /* of the last step */
};

NM_HIDDEN_BEGIN

/* At index i lies the scratch that is e, and at 1 its client, free but for what tasks may have to send; when e->err is not 0 it is over
   already. For `return`, like the method itself. */
int nm_errand_begin(lua_State *L, struct nm_errand *e, int i);
/* The function at index 1 is called before an errand begins whose client has tasks that are not over: with the client, and the ms that the errand
   has. It sees to those that are nobody's concern any more (lua/netmail/task.lua). */
int nm_errand_set_forerunner(lua_State *L);
/* For `return`: shows the tracer of the client at index 1 what it has not seen yet; the method returns nothing. */
int nm_errand_show(lua_State *L);
/* For the scratch's release, first of all: when it is left in the middle. The client's reference too. */
void nm_errand_release(struct nm_errand *e);

NM_HIDDEN_END

#endif
