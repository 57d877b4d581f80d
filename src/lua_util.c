#include "lua_util.h"

#include <stdint.h>

#include "base/printable.h"

/* In the registry, by the address of f, once it is complete. */
void nm_push_metatable(lua_State *L, const char *event, lua_CFunction f) {
  const void *key = (const void *)(uintptr_t)f;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushcfunction(L, f);
    lua_setfield(L, -2, event);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  }
}

/* ---- scratch ---- */

struct scratch {
  void (*release)(void *);
  _Alignas(int64_t) unsigned char memory[]; /* Lua aligns a userdata for its own types: 8, not 16 */
};

static int scratch_gc(lua_State *L) {
  nm_scratch_release(L, 1);
  return 0;
}

static struct scratch *scratch_at(lua_State *L, int i) {
  struct scratch *s = lua_touserdata(L, i);
  if (s == NULL || !lua_getmetatable(L, i)) {
    return NULL;
  }
  nm_push_metatable(L, "__gc", scratch_gc);
  int same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same ? s : NULL;
}

void *nm_scratch(lua_State *L, size_t n, void (*release)(void *memory)) {
  struct scratch *s = lua_newuserdata(L, sizeof *s + n);
  memset(s, 0, sizeof *s + n);
  nm_push_metatable(L, "__gc", scratch_gc);
  lua_setmetatable(L, -2);
  s->release = release;
  return s->memory;
}

void nm_scratch_release(lua_State *L, int i) {
  struct scratch *s = scratch_at(L, i);
  if (s != NULL && s->release != NULL) {
    void (*release)(void *) = s->release;
    s->release = NULL;
    release(s->memory);
  }
}

void *nm_scratch_at(lua_State *L, int i) {
  struct scratch *s = scratch_at(L, i);
  return s != NULL ? s->memory : NULL;
}

void *nm_scratch_of(lua_State *L, int i, size_t n, void (*release)(void *memory)) {
  struct scratch *s = lua_type(L, i) == LUA_TUSERDATA ? lua_touserdata(L, i) : NULL;
  return s != NULL && lua_rawlen(L, i) == sizeof *s + n && s->release == release ? s->memory : NULL;
}

/* ---- failures ---- */

static int detail_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushliteral(L, "Message");
  lua_rawget(L, 1);
  return 1;
}

/* Gives "detail" tables their __tostring; the table is on the top of the stack. */
static void set_detail_metatable(lua_State *L) {
  nm_push_metatable(L, "__tostring", detail_tostring);
  lua_setmetatable(L, -2);
}

int nm_push_failure(lua_State *L, const struct nm_error *e, const char *outcome) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "Message");
  lua_pushstring(L, nm_kind_name(e->kind));
  lua_setfield(L, -2, "Kind");
  if (outcome != NULL) {
    lua_pushstring(L, outcome);
    lua_setfield(L, -2, "Outcome");
  }
  set_detail_metatable(L);
  return 3;
}

int nm_raise(lua_State *L, const struct nm_error *e) {
  return luaL_error(L, "%s", e->text);
}

/* ---- values ---- */

int nm_has_field(lua_State *L, int i, const char *name) {
  lua_pushstring(L, name);
  int has = nm_lua_rawget(L, i) != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

int nm_push_field(lua_State *L, int i, const char *name) {
  i = lua_absindex(L, i);
  lua_pushstring(L, name);
  lua_rawget(L, i);
  return lua_gettop(L);
}

struct nm_str nm_opt_field(lua_State *L, int i, const char *name) {
  return nm_opt_string(L, nm_push_field(L, i, name), name);
}

int nm_type_error(lua_State *L, int i, const char *what, const char *expected) {
  const char *got = lua_isnoneornil(L, i) ? "nothing" : luaL_typename(L, i);
  if (luaL_getmetafield(L, i, "__name") && lua_type(L, -1) == LUA_TSTRING) {
    got = lua_tostring(L, -1);
  }
  return luaL_error(L, "bad value for '%s' (%s expected, got %s)", what, expected, got);
}

struct nm_str nm_check_string(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TSTRING) { /* lua_tolstring would turn a number into a string in place */
    nm_type_error(L, i, what, "string");
  }
  struct nm_str s;
  s.p = lua_tolstring(L, i, &s.n);
  return s;
}

struct nm_str nm_opt_string(lua_State *L, int i, const char *what) {
  return lua_isnoneornil(L, i) ? nm_str(NULL, 0) : nm_check_string(L, i, what);
}

int nm_check_boolean(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TBOOLEAN) {
    nm_type_error(L, i, what, "boolean");
  }
  return lua_toboolean(L, i);
}

long nm_check_integer(lua_State *L, int i, const char *what, long low, long high) {
  if (lua_type(L, i) != LUA_TNUMBER) {
    nm_type_error(L, i, what, "number");
  }
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= (lua_Number)low && n <= (lua_Number)high)) { /* false for NaN too */
    luaL_error(L, "bad value for '%s' (a whole number from %d to %d expected)", what, (int)low, (int)high);
  }
  long v = (long)n;
  if ((lua_Number)v != n) {
    luaL_error(L, "bad value for '%s' (a whole number expected, got a fraction)", what);
  }
  return v;
}

void nm_push_str(lua_State *L, struct nm_str s) {
  lua_pushlstring(L, s.n > 0 ? s.p : "", s.n);
}

#define SHOWN_MAX 100

const char *nm_push_shown(lua_State *L, struct nm_str s) {
  char shown[SHOWN_MAX + NM_PRINTABLE_MAX] = "";
  size_t n = 0;
  while (s.n > 0 && n < SHOWN_MAX) {
    size_t used;
    n += nm_printable(s, shown + n, &used);
    s = nm_str(s.p + used, s.n - used);
  }
  lua_pushlstring(L, shown, n);
  if (s.n > 0) {
    lua_pushliteral(L, "...");
    lua_concat(L, 2);
  }
  return lua_tostring(L, -1);
}

int nm_push_opt_str(lua_State *L, struct nm_str s) {
  if (s.n == 0) {
    lua_pushnil(L);
  } else {
    lua_pushlstring(L, s.p, s.n);
  }
  return 1;
}

void nm_set_field_str(lua_State *L, const char *key, struct nm_str s) {
  nm_push_str(L, s);
  lua_setfield(L, -2, key);
}

void nm_set_functions(lua_State *L, const luaL_Reg *functions) {
  for (const luaL_Reg *f = functions; f->name != NULL; f++) {
    lua_pushcfunction(L, f->func);
    lua_setfield(L, -2, f->name);
  }
}
