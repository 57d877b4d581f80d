#ifndef NM_LUA_DRIVE_H
#define NM_LUA_DRIVE_H

#include "lua_util.h"

/* Methods that call functions of the user's (a content's source, a sink) while they work, and let them yield and raise. A C
   function cannot be yielded across in Lua 5.1 and LuaJIT, so none of them calls: the method returns what it wants to have
   called to a Lua function around it, which calls, and comes back with the results; the same on every interpreter. What such a
   method owns between two steps lies in its job, a scratch userdata, which the Lua function holds meanwhile. */

/* First member of every job. */
struct nm_job {
  /* After the call. Stack: 1 the job, 2 the argument of the method, 3 whether the call succeeded, 4 and so on its results, or
     what it raised. Returns as the method itself does. */
  int (*step)(lua_State *L, struct nm_job *job);
};

NM_HIDDEN_BEGIN

/* Puts the Lua function around the class's method of that name, which has two arguments at most beside self (a job's step sees the first
   of them), and returns one value that is not nil, two, or nil and two more. Again is fine. */
void nm_drive_method(lua_State *L, const struct nm_class *c, const char *name);
/* For Lua code that does what the Lua function around a method does: into the table on the top, called (the first of what a method returns that
   wants a function called: job, function and arguments follow), step (of the job, an unused value, and protect's results) and protect. */
void nm_drive_set_parts(lua_State *L);
/* For `return`: the function and its argument on the top of the stack are to be called, then the step of the job at i. */
int nm_drive_call(lua_State *L, int i);
/* The same with two arguments, neither nil. */
int nm_drive_call2(lua_State *L, int i);
/* For `return`: the method returns nothing at all. */
int nm_drive_nothing(lua_State *L);
/* For `return`: raises what check, called with self and the arguments, raises, at the place where the method was called. */
int nm_drive_raise(lua_State *L, lua_CFunction check);
/* For `return`: raises the text on the top of the stack at the place where the method was called. */
int nm_drive_raise_here(lua_State *L);
/* For `return`: raises the value on the top of the stack as it is. */
int nm_drive_raise_value(lua_State *L);

NM_HIDDEN_END

#endif
