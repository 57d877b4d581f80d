#ifndef NM_LUA_SHAPE_H
#define NM_LUA_SHAPE_H

#include "lua_util.h"

/* Tables that are made for each message and recipient. Lua's own constructors make them in half of the time of lua_setfield, which has to
   find the string of each key. */

enum nm_shape {
  NM_SHAPE_RECIPIENT, /* Address, Code, EnhancedCode, Reply, Temporary */
  NM_SHAPE_TIMINGS,   /* Connect, Envelope, Content, Reply, Total */
  NM_SHAPE_RESULT, /* Outcome, Code, EnhancedCode, Reply, QueueId, MessageId, the lists in the order of enum nm_fate, LeftOut, Timings */
  /* An accepted one's Code to MessageId, Address to Temporary of its one recipient, Connect to Total. Nothing was left out. */
  NM_SHAPE_USUAL_RESULT,
  NM_SHAPES
};

NM_HIDDEN_BEGIN

/* Pushes the function that makes such a table of its arguments: the fields, in this order; nil leaves one out. */
void nm_shape_push(lua_State *L, enum nm_shape shape);

NM_HIDDEN_END

#endif
