/* Properties from a table of named values. */

#include "base/check.h"
#include "lua_util.h"

static int is_extra(const char *const *extra, struct nm_str name) {
  for (; extra != NULL && *extra != NULL; extra++) {
    if (nm_str_eq(nm_str_c(*extra), name)) {
      return 1;
    }
  }
  return 0;
}

/* The property that the key stands for, and the value is to be set to; NULL: it is no matter of the class. */
static const struct nm_property *check_key(lua_State *L, const struct nm_class *c, int key,
                                           const char *const *extra) {
  if (lua_type(L, key) != LUA_TSTRING) {
    luaL_error(L, "%s takes one table of named values; found a %s as a key", c->name, luaL_typename(L, key));
  }
  struct nm_str name;
  name.p = lua_tolstring(L, key, &name.n);
  const struct nm_property *p = nm_class_property(c, name);
  if (p != NULL && p->set != NULL) {
    return p;
  }
  if (p == NULL && !is_extra(extra, name)) {
    nm_class_no_member(L, c, key);
  } else if (p != NULL && !is_extra(extra, name)) {
    luaL_error(L, "property '%s' of %s is read only", p->name, c->name);
  }
  return NULL;
}

/* Two names of one property: one of the values would be lost. */
static void check_aliases(lua_State *L, const struct nm_given *g) {
  const struct nm_property *given[NM_PROPERTIES_MAX];
  size_t n = 0;
  for (size_t k = 0; k < g->end; k++) {
    if (g->at[k] == 0) {
      continue;
    }
    const struct nm_property *p = &g->c->properties[k];
    for (size_t i = 0; i < n; i++) {
      if (given[i]->set == p->set) {
        luaL_error(L, "%s: %s and %s are the same; give one of them", g->c->name, given[i]->name, p->name);
      }
    }
    given[n++] = p;
  }
}

/* The value on the top of the stack is given for p: it stays, below its key. */
static void keep(lua_State *L, struct nm_given *g, const struct nm_property *p) {
  size_t k = (size_t)(p - g->c->properties);
  if (k >= NM_PROPERTIES_MAX) {
    luaL_error(L, "%s has more properties than are provided for", g->c->name);
  }
  g->bytes += nm_value_weight(L, -1);
  lua_insert(L, -2);
  g->at[k] = (unsigned char)++g->n;
  g->end = k + 1 > g->end ? k + 1 : g->end;
  if (g->n % 8 == 0) {
    luaL_checkstack(L, LUA_MINSTACK, g->c->name);
  }
}

void nm_class_read_table(lua_State *L, const struct nm_class *c, int i, const char *const *extra,
                         struct nm_given *g) {
  *g = (struct nm_given){.c = c, .top = lua_gettop(L)};
  i = lua_absindex(L, i);
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    const struct nm_property *p = check_key(L, c, g->top + g->n + 1, extra);
    if (p != NULL) {
      keep(L, g, p);
    } else {
      lua_pop(L, 1);
    }
  }
  check_aliases(L, g);
}

int nm_given_value(const struct nm_given *g, nm_setter *set) {
  for (size_t k = 0; k < g->end; k++) {
    if (g->at[k] > 0 && g->c->properties[k].set == set) {
      return g->top + g->at[k];
    }
  }
  return 0;
}

int nm_class_assign(lua_State *L, const struct nm_class *c, const struct nm_property *p, void *object, int i,
                    struct nm_error *e) {
  int err = 0;
  if (!c->takes_octets && lua_type(L, i) == LUA_TSTRING) {
    err = nm_check_nul(p->name, nm_check_string(L, i, p->name), e);
  }
  return err == 0 ? p->set(L, object, i, e) : err;
}

int nm_class_set_given(lua_State *L, const struct nm_given *g, void *object, struct nm_error *e) {
  int top = lua_gettop(L), err = 0;
  for (size_t k = 0; k < g->end && err >= 0; k++) {
    if (g->at[k] > 0) {
      err = nm_class_assign(L, g->c, &g->c->properties[k], object, g->top + g->at[k], e);
      lua_settop(L, top); /* a setter may leave scratch values behind */
    }
  }
  return err;
}

int nm_class_set_all(lua_State *L, const struct nm_class *c, void *object, int i, const char *const *extra,
                     struct nm_error *e) {
  struct nm_given g;
  nm_class_read_table(L, c, i, extra, &g);
  int err = nm_class_set_given(L, &g, object, e);
  lua_settop(L, g.top);
  return err;
}
