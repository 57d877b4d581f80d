#ifndef NM_LUA_CONTENT_H
#define NM_LUA_CONTENT_H

#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "lua_util.h"

NM_HIDDEN_BEGIN

/* The content that the value at i stands for, one reference: a string is bytes. A function (or a table that can be called) is
   asked for them while the content is read, an open file is read from where it stands. size_at: where the value of
   Size lies (a whole number, or nil), 0 for none: as many bytes as the content must prove to have.
   what: the name of the property or argument ("Content"). Any other value raises, and so does a Size that is no number; a
   closed file, or a Size that is wrong already, is a negative code with e filled. Owns nothing when it raises. */
int nm_to_content(lua_State *L, int i, int size_at, const char *what, struct nm_content **out,
                  struct nm_error *e);

NM_HIDDEN_END

#endif
