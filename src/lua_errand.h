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
  /* Pushes the results; sent.error.code 0: it went well. */
  int (*finish)(lua_State *L, struct nm_errand *e);
  /* It has failed: begins it in another way, as nm_client_begin, or returns the code. NULL: there is no other. */
  int (*retry)(struct nm_errand *e);
  int is_task; /* waits for nobody: what it waits for is returned */
  int called;  /* which function was called last */
  int err;     /* of the last step */
};

NM_HIDDEN_BEGIN

/* Of a task: the first of what is returned says whether a function is to be called (as lua_drive.h has it), whether it waits (with the
   ms after which a step is to come in any case), or is over (with the results). */
void nm_errand_push_waits(lua_State *L);
void nm_errand_push_done(lua_State *L);
/* At index i lies the scratch that is e; err as nm_client_begin returned it. For `return`, like the method itself. */
int nm_errand_run(lua_State *L, struct nm_errand *e, int i, int err);
/* For `return`: shows the tracer of the client at index 1 what it has not seen yet; the method returns nothing. */
int nm_errand_show(lua_State *L);
/* It ends here, whatever runs or is yet to be shown: for `return`, its results. */
int nm_errand_end(lua_State *L, struct nm_errand *e, int i, int err);
/* For the scratch's release, first of all: when it is left in the middle. The client's reference too. */
void nm_errand_release(struct nm_errand *e);

NM_HIDDEN_END

#endif
