/* Userdata that hold a C object. */

#include "lua_util.h"

#include <limits.h>
#include <stdint.h>

/* ---- which object has a box: a table by their addresses, with weak values ---- */

static void push_objects(lua_State *L) {
  static const char key = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
}

void nm_class_know_box(lua_State *L, void *object) {
  push_objects(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, object);
  lua_pop(L, 1);
}

/* ---- boxes ---- */

void **nm_class_new_box(lua_State *L, const struct nm_class *c) {
  void **box = lua_newuserdata(L, sizeof *box);
  *box = NULL;
  nm_class_push_metatable(L, c);
  lua_setmetatable(L, -2);
  return box;
}

void nm_class_push(lua_State *L, const struct nm_class *c, void *object) {
  if (object == NULL) {
    lua_pushnil(L);
    return;
  }
  push_objects(L);
  lua_rawgetp(L, -1, object);
  void **known = lua_touserdata(L, -1);
  if (known != NULL && *known != NULL) {
    lua_remove(L, -2);
    return;
  } /* one that is emptied was finalized, and lives on only because the state is closing */
  lua_pop(L, 2);
  void **box = nm_class_new_box(L, c);
  *box = c->ref(object);
  nm_class_know_box(L, object);
}

void *nm_class_test(lua_State *L, const struct nm_class *c, int i) {
  return nm_class_of(L, i) == c ? *(void **)lua_touserdata(L, i) : NULL;
}

void *nm_class_check(lua_State *L, const struct nm_class *c, int n) {
  void *object = nm_class_test(L, c, n);
  if (object == NULL) {
    luaL_argerror(L, n, lua_pushfstring(L, "%s expected, got %s", c->name, luaL_typename(L, n)));
  }
  return object;
}

void *nm_class_self(lua_State *L, const struct nm_class *c, const char *method) {
  void *object = nm_class_test(L, c, 1);
  if (object == NULL) {
    luaL_error(L, "%s.%s was called with a dot or on a wrong object: write object:%s(...) with a colon",
               c->name, method, method);
  }
  return object;
}

/* ---- what the collector cannot see ---- */

/* Bytes that came since: the collector's last step, and the last time that it looked at all there is. */
struct pressure {
  size_t step, whole;
};

static struct pressure *pressure_of(lua_State *L) {
  static const char key = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  struct pressure *p = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (p == NULL) {
    p = lua_newuserdata(L, sizeof *p);
    *p = (struct pressure){0};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
  return p;
}

static size_t add(size_t a, size_t b) {
  return b < SIZE_MAX - a ? a + b : SIZE_MAX;
}

/* Lua 5.4's collector of generations, which its interpreter begins with, leaves alone what has been there for two steps until Lua's own
   memory has doubled, and our bytes are not in that. So it is told to look at everything when as many have come as would have doubled
   it; before that, a few are not worth it. */
static int is_whole_due(lua_State *L, const struct pressure *p) {
  static const size_t few = (size_t)16 << 20;
  return LUA_VERSION_NUM >= 504 && p->whole >= few && p->whole / 1024 >= (size_t)lua_gc(L, LUA_GCCOUNT, 0);
}

void nm_gc_pressure(lua_State *L, size_t bytes) {
  /* Enough to be worth a step of the collector, and not so much that a loop could pile up what it drops. */
  static const size_t enough = (size_t)128 << 10;
  struct pressure *p = pressure_of(L);
  p->step = add(p->step, bytes);
  if (p->step < enough) {
    return;
  }
  size_t kb = p->step / 1024;
  p->whole = add(p->whole, p->step);
  p->step = 0;
  if (is_whole_due(L, p)) {
    p->whole = 0;
    lua_gc(L, LUA_GCCOLLECT, 0);
  } else {
    lua_gc(L, LUA_GCSTEP, kb < INT_MAX / 1024 ? (int)kb : INT_MAX / 1024);
  }
}

size_t nm_string_length(lua_State *L, int i) {
  return lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) : 0;
}

size_t nm_value_weight(lua_State *L, int i) {
  switch (lua_type(L, i)) {
    case LUA_TSTRING:
      return lua_rawlen(L, i);
    case LUA_TTABLE: /* of Lua's memory there is more for each of them */
      return lua_rawlen(L, i) * NM_ELEMENT_WEIGHT;
    default:
      return 0;
  }
}

void nm_gc_announce(lua_State *L, const struct nm_class *c) {
  size_t bytes = c->weight;
  for (int i = lua_gettop(L); i > 0; i--) {
    bytes += nm_string_length(L, i);
    if (lua_type(L, i) == LUA_TTABLE) {
      lua_pushnil(L);
      while (lua_next(L, i) != 0) {
        bytes += nm_value_weight(L, -1);
        lua_pop(L, 1);
      }
    }
  }
  nm_gc_pressure(L, bytes);
}
