#include "lua_drive.h"

#include <stdint.h>
#include <string.h>

#define AROUND "netmail.around"
#define PROTECT "netmail.protect"

/* Returned as the first of the results: nobody else has these addresses. */
static const char called = 0, raised = 0, nothing = 0;

/* What is around a method. In PUC Lua 5.1 pcall stops a yield: there the function runs in a coroutine of its own, whose yields are
   passed on. Counts of results are kept: `f(message:ToString())` must not see a nil behind; so are those of arguments: io.write
   takes no nil. */
static const char around_source[] =
    "local called, raised, nothing, step, raise = ...\n"
    "local pcall, protect = pcall, pcall\n"
    "if _VERSION == 'Lua 5.1' and not jit and coroutine then\n"
    "  local create, resume, status = coroutine.create, coroutine.resume, coroutine.status\n"
    "  local running, yield = coroutine.running, coroutine.yield\n"
    "  local function pass(thread, ok, ...)\n"
    "    if status(thread) == 'suspended' then return pass(thread, resume(thread, yield(...))) end\n"
    "    return ok, ...\n"
    "  end\n"
    "  function protect(f, ...)\n"
    "    if not running() then return pcall(f, ...) end\n"
    "    local thread = create(function(...) return f(...) end)\n"
    "    return pass(thread, resume(thread, ...))\n"
    "  end\n"
    "end\n"
    "return function(method)\n"
    "  return function(self, argument, options)\n"
    "    local a, b, c, d, e = method(self, argument, options)\n"
    "    while a == called do\n"
    "      if e == nil then a, b, c, d, e = step(b, argument, protect(c, d))\n"
    "      else a, b, c, d, e = step(b, argument, protect(c, d, e)) end\n"
    "    end\n"
    "    if a == nil then return a, b, c end\n"
    "    if a == nothing then return end\n"
    "    if a == raised then raise(b, c) end\n"
    "    if b ~= nil then return a, b end\n"
    "    return a\n"
    "  end\n"
    "end, protect\n";

static int step(lua_State *L) {
  struct nm_job *job = nm_scratch_at(L, 1);
  return job != NULL && job->step != NULL ? job->step(L, job) : luaL_error(L, "this call is over");
}

/* A value, and the level whose position is put before it (0: as it is). */
static int raise(lua_State *L) {
  int level = (int)lua_tointeger(L, 2);
  if (level > 0 && lua_type(L, 1) == LUA_TSTRING) {
    luaL_where(L, level);
    lua_pushvalue(L, 1);
    lua_concat(L, 2);
  } else {
    lua_pushvalue(L, 1);
  }
  return lua_error(L);
}

/* The function that makes one Lua function around one method. */
static void push_around(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, AROUND);
  if (!lua_isnil(L, -1)) {
    return;
  }
  lua_pop(L, 1);
  if (luaL_loadbuffer(L, around_source, sizeof around_source - 1, "=netmail") != 0) {
    lua_error(L);
  }
  lua_pushlightuserdata(L, (void *)(uintptr_t)&called);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&raised);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&nothing);
  lua_pushcfunction(L, step);
  lua_pushcfunction(L, raise);
  lua_call(L, 5, 2);
  lua_setfield(L, LUA_REGISTRYINDEX, PROTECT);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, AROUND);
}

void nm_drive_set_parts(lua_State *L) {
  push_around(L);
  lua_pop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, PROTECT);
  lua_setfield(L, -2, "protect");
  lua_pushlightuserdata(L, (void *)(uintptr_t)&called);
  lua_setfield(L, -2, "called");
  lua_pushcfunction(L, step);
  lua_setfield(L, -2, "step");
}

void nm_drive_method(lua_State *L, const struct nm_class *c, const char *name) {
  nm_class_push_members(L, c);
  lua_getfield(L, -1, name);
  if (lua_iscfunction(L, -1)) {
    push_around(L);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  } else {
    lua_pop(L, 2);
  }
}

/* The function and its n arguments are on the top. */
static int call(lua_State *L, int i, int n) {
  i = lua_absindex(L, i);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&called);
  lua_insert(L, -2 - n);
  lua_pushvalue(L, i);
  lua_insert(L, -2 - n);
  return 3 + n;
}

int nm_drive_call(lua_State *L, int i) {
  return call(L, i, 1);
}

int nm_drive_call2(lua_State *L, int i) {
  return call(L, i, 2);
}

int nm_drive_nothing(lua_State *L) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)&nothing);
  return 1;
}

static int push_raised(lua_State *L, int level) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)&raised);
  lua_insert(L, -2);
  lua_pushinteger(L, level);
  return 3;
}

int nm_drive_raise(lua_State *L, lua_CFunction check) {
  lua_settop(L, 3);
  lua_pushcfunction(L, check);
  lua_insert(L, 1);
  if (lua_pcall(L, 3, 1, 0) == LUA_OK) { /* cannot be: it was called because it has something to raise */
    lua_pushliteral(L, "bad argument");
  }
  return nm_drive_raise_here(L);
}

int nm_drive_raise_here(lua_State *L) {
  return push_raised(L, 2);
}

int nm_drive_raise_value(lua_State *L) {
  return push_raised(L, 0);
}
