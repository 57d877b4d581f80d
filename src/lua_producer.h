#ifndef NM_LUA_PRODUCER_H
#define NM_LUA_PRODUCER_H

#include <stdint.h>
#include "base/error.h"
#include "base/feed.h"
#include "base/held.h"
#include "base/hidden.h"
#include "lua_util.h"

/* What gives a feed its bytes, or has those of a content in it: a Lua value, kept in a table of the registry under a number, and let go
   when the feed or content releases it.
   That happens wherever the core frees a content, also in a finalizer and in a state that closes, so it calls no Lua and
   cannot fail: the number is noted in a list whose room was made with the producer. The noted are dropped when a new one
   is made, when one has given all, and after each round of the collector. */
struct nm_producer {
  struct nm_producers *all;
  int id;
  int is_file;
  int64_t begin; /* of a file that seeks: where it stood; else -1 */
};

NM_HIDDEN_BEGIN

/* Keeps the value at i. NULL when memory is short; raises only while it owns nothing. */
struct nm_producer *nm_producer_new(lua_State *L, int i, int is_file, int64_t begin);
/* Of a struct nm_producer, as struct nm_held and feeds want it. */
void nm_producer_release(void *producer);
/* A feed for the value at i. Raises only while it owns nothing. begin as above; only what has one can start again. */
int nm_producer_feed(lua_State *L, int i, int is_file, int64_t begin, int64_t size, struct nm_feed **out,
                     struct nm_error *e);
/* Keeps the value at i, and with it a string's bytes where they are, until out lets go of it. 0: that cannot be, for want of memory or
   because the state closes. Raises only while it owns nothing. */
int nm_producer_hold(lua_State *L, int i, struct nm_held *out);
/* Pushes the value. */
void nm_producer_push(lua_State *L, const struct nm_producer *p);
/* Lets go of the values that nobody asks any more. */
void nm_producers_sweep(lua_State *L);

NM_HIDDEN_END

#endif
