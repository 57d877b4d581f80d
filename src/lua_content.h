#ifndef NM_LUA_CONTENT_H
#define NM_LUA_CONTENT_H

#include "base/content.h"
#include "base/error.h"
#include "base/feed.h"
#include "base/hidden.h"
#include "lua_util.h"

/* Values of Lua as contents. A function or an open file is kept in a table of the registry as long as the core may ask it for
   bytes: exactly as long as its feed has a producer, whoever holds the content. What cannot free a Lua value where it dies (the core
   frees contents without Lua) is noted, and let go at the next occasion. */

NM_HIDDEN_BEGIN

/* The content that the value at i stands for, one reference: a string is bytes. A function (or what else can be called) is
   asked for them while the content is read, an open file is read from where it stands. size_at: where the value of
   Size lies (a whole number, or nil), 0 for none: as many bytes as the content must prove to have.
   what: the name of the property or argument ("Content"). Any other value raises, and so does a Size that is no number; a
   closed or unreadable file, or a Size that is wrong already, is a negative code with e filled. Owns nothing when it raises. */
int nm_to_content(lua_State *L, int i, int size_at, const char *what, struct nm_content **out,
                  struct nm_error *e);

/* A message that exists, one reference: a string is its bytes, a table { Path = "file.eml" } says where they are; anything else
   raises, with the name of the function that takes it. */
int nm_to_stored_message(lua_State *L, int i, const char *function, struct nm_content **out,
                         struct nm_error *e);
/* Scratch memory that drops the reference in it. */
struct nm_content **nm_content_scratch(lua_State *L);

/* Gets the bytes that the feed (NULL: nothing to do) waits for. 0: it has them, or knows that there are none; 1: pushed a function
   and its argument, which are to be called (nm_drive_call), and the results given to nm_content_answer. */
int nm_content_ask(lua_State *L, struct nm_feed *f);
/* at: where the results begin: whether the call succeeded, then what it returned or raised. As LTN12 has it: a string is the
   next bytes, "" nothing now, nil the end, nil and a text a failure. NULL: they are for nobody any more. */
void nm_content_answer(lua_State *L, struct nm_feed *f, int at);

NM_HIDDEN_END

#endif
