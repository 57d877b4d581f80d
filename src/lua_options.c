/* Properties from a table of named values. */

#include "base/check.h"
#include "lua_util.h"

/* Of one class; the message has about 35. */
#define PROPERTIES_MAX 64

static int is_extra(const char *const *extra, struct nm_str name) {
  for (; extra != NULL && *extra != NULL; extra++) {
    if (nm_str_eq(nm_str_c(*extra), name)) {
      return 1;
    }
  }
  return 0;
}

/* Which properties the table has: by their place in the class, as the table's own order is none. */
struct given {
  const struct nm_class *c;
  unsigned char has[PROPERTIES_MAX];
  size_t end; /* behind the last one */
};

/* The key on the top of the stack. */
static void take_key(lua_State *L, struct given *g, const char *const *extra) {
  const struct nm_class *c = g->c;
  if (lua_type(L, -1) != LUA_TSTRING) {
    luaL_error(L, "%s takes one table of named values; found a %s as a key", c->name, luaL_typename(L, -1));
  }
  struct nm_str name;
  name.p = lua_tolstring(L, -1, &name.n);
  const struct nm_property *p = nm_class_property(c, name);
  if (p == NULL && !is_extra(extra, name)) {
    nm_class_no_member(L, c, lua_gettop(L));
  }
  if (p != NULL && p->set == NULL && !is_extra(extra, name)) {
    luaL_error(L, "property '%s' of %s is read only", p->name, c->name);
  }
  if (p != NULL && p->set != NULL) {
    size_t at = (size_t)(p - c->properties);
    if (at >= PROPERTIES_MAX) {
      luaL_error(L, "%s has more properties than are provided for", c->name);
    }
    g->has[at] = 1;
    g->end = at + 1 > g->end ? at + 1 : g->end;
  }
}

static void take_keys(lua_State *L, struct given *g, int i, const char *const *extra) {
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    take_key(L, g, extra);
  }
}

/* Two names of one property: one of the values would be lost. */
static void check_aliases(lua_State *L, const struct given *g) {
  const struct nm_property *p = g->c->properties;
  for (size_t i = 0; i < g->end; i++) {
    for (size_t k = i + 1; k < g->end && g->has[i]; k++) {
      if (g->has[k] && p[i].set == p[k].set) {
        luaL_error(L, "%s: %s and %s are the same; give one of them", g->c->name, p[i].name, p[k].name);
      }
    }
  }
}

int nm_class_assign(lua_State *L, const struct nm_class *c, const struct nm_property *p, void *object, int i,
                    struct nm_error *e) {
  int err = 0;
  if (!c->takes_octets && lua_type(L, i) == LUA_TSTRING) {
    err = nm_check_nul(p->name, nm_check_string(L, i, p->name), e);
  }
  return err == 0 ? p->set(L, object, i, e) : err;
}

int nm_class_set_all(lua_State *L, const struct nm_class *c, void *object, int i, const char *const *extra,
                     struct nm_error *e) {
  struct given g = {.c = c};
  i = lua_absindex(L, i);
  take_keys(L, &g, i, extra);
  check_aliases(L, &g);
  int top = lua_gettop(L);
  for (size_t k = 0; k < g.end; k++) {
    if (g.has[k]) {
      lua_pushstring(L, c->properties[k].name);
      lua_rawget(L, i);
      int err = nm_class_assign(L, c, &c->properties[k], object, top + 1, e);
      if (err < 0) {
        return err;
      }
      lua_settop(L, top); /* a setter may leave scratch values behind */
    }
  }
  return 0;
}
