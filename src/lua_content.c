/* Values of Lua as contents. */

#include "lua_content.h"

#define SIZE_MAX_DECLARED 0x1fffffffffffffL /* 2^53 - 1: what a Lua number counts exactly everywhere */

static int64_t declared_size(lua_State *L, int i) {
  return i == 0 || lua_isnoneornil(L, i) ? -1 : nm_check_integer(L, i, "Size", 0, SIZE_MAX_DECLARED);
}

static int from_string(lua_State *L, int i, int64_t size, const char *what, struct nm_content **out,
                       struct nm_error *e) {
  struct nm_str bytes;
  bytes.p = lua_tolstring(L, i, &bytes.n);
  if (size >= 0 && (size_t)size != bytes.n) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s has %zu bytes, but Size says %lld; leave Size out",
                        what, bytes.n, (long long)size);
  }
  return nm_content_memory(bytes, out, e);
}

int nm_to_content(lua_State *L, int i, int size_at, const char *what, struct nm_content **out,
                  struct nm_error *e) {
  *out = NULL;
  int64_t size = declared_size(L, size_at);
  if (lua_type(L, i) == LUA_TSTRING) {
    return from_string(L, i, size, what, out, e);
  }
  return nm_type_error(L, i, what, "string of bytes, function or open file");
}
