#include "lua_list.h"

#include <stdint.h>

void nm_push_list(lua_State *L, const struct nm_list_class *c, struct nm_list *list) {
  nm_class_push(L, &c->class, list);
}

/* Also for half a result that must not reach its target. */
struct nm_list *nm_new_list(lua_State *L, const struct nm_list_class *c) {
  void **box = nm_class_new_box(L, &c->class);
  *box = c->make();
  if (*box == NULL) {
    luaL_error(L, "out of memory");
  }
  return *box;
}

int nm_list_error(const struct nm_list *list, int err, struct nm_error *e) {
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "a collection of more than %zu elements is refused",
                        list->max);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

/* One more key of an array of n elements, on the top of the stack below its value; keys: how many there were before. */
static void check_key(lua_State *L, const char *what, size_t n, size_t keys) {
  if (keys >= n || lua_type(L, -2) != LUA_TNUMBER) {
    luaL_error(L, "%s takes an array (keys 1, 2, 3 ...); this table has other keys", what);
  }
}

size_t nm_check_array(lua_State *L, int i, const char *what) {
  size_t n = lua_rawlen(L, i), keys = 0;
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
    check_key(L, what, n, keys++);
  }
  return n;
}

static int is_element(lua_State *L, const struct nm_list_class *c, int i) {
  return (c->takes_text && lua_type(L, i) == LUA_TSTRING) || nm_class_test(L, c->item, i) != NULL;
}

int nm_list_type_error(lua_State *L, const struct nm_list_class *c, int i) {
  return nm_type_error(L, i, c->what, c->expected);
}

/* An array of what append takes: how many. Behind it nothing raises. */
static size_t check_elements(lua_State *L, const struct nm_list_class *c, int i) {
  size_t n = lua_rawlen(L, i), keys = 0;
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
    check_key(L, c->class.name, n, keys++);
    if (!is_element(L, c, -1)) {
      nm_list_type_error(L, c, lua_gettop(L));
    }
  }
  return n;
}

static int append_array(lua_State *L, const struct nm_list_class *c, struct nm_list *list, int i, size_t n,
                        struct nm_error *e) {
  int at = lua_gettop(L) + 1, err = 0;
  for (size_t k = 1; k <= n && err >= 0; k++) {
    lua_rawgeti(L, i, (int)k);
    err = c->append(L, list, at, e);
    lua_settop(L, at - 1);
  }
  return err;
}

/* What the value at i stands for, if it is no collection. */
static int append(lua_State *L, const struct nm_list_class *c, struct nm_list *list, int i,
                  struct nm_error *e) {
  if (lua_type(L, i) == LUA_TTABLE) {
    return append_array(L, c, list, i, lua_rawlen(L, i), e);
  }
  return lua_isnil(L, i) ? 0 : c->append(L, list, i, e);
}

int nm_assign_list(lua_State *L, const struct nm_list_class *c, struct nm_list *list, int i,
                   struct nm_error *e) {
  i = lua_absindex(L, i);
  struct nm_list *other = nm_class_test(L, &c->class, i);
  if (other != NULL) {
    return nm_list_error(list, nm_list_assign(list, other), e);
  }
  if (lua_type(L, i) == LUA_TTABLE) {
    (void)check_elements(L, c, i);
  } else if (!lua_isnil(L, i) && !is_element(L, c, i)) {
    return nm_list_type_error(L, c, i);
  }
  if (list->n > 0) {
    other = nm_new_list(L, c);
    int err = append(L, c, other, i, e);
    if (err >= 0) {
      nm_list_move(list, other);
    }
    return err;
  }
  int err = append(L, c, list, i, e);
  if (err < 0) {
    nm_list_clear(list);
  }
  return err;
}

static const struct nm_list_class *this_class(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static struct nm_list *self(lua_State *L, const char *method) {
  return nm_class_self(L, &this_class(L)->class, method);
}

/// Adds one element; a collection of addresses also takes text (`a@x, B <b@y>`).
// @function Collection:Add
// @return the collection
int nm_list_m_add(lua_State *L) {
  struct nm_list *list = self(L, "Add");
  struct nm_error e = {0};
  if (this_class(L)->append(L, list, 2, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/* An index counted from 0, as in Fore. last: the largest allowed, -1 when there is none. */
static size_t check_index(lua_State *L, int i, const char *method, long last) {
  long at = nm_check_integer(L, i, "index", -0x7fffffffL, 0x7fffffffL);
  if (at < 0 || at > last) {
    luaL_error(L, "%s: index %d is out of range (%s)", method, (int)at,
               last < 0 ? "the collection is empty"
                        : lua_pushfstring(L, "indices count from 0 and the last is %d", (int)last));
  }
  return (size_t)at;
}

/* All of them or none. */
static int insert_all(struct nm_list *list, size_t at, const struct nm_list *added, struct nm_error *e) {
  for (size_t k = 0; k < added->n; k++) {
    int err = nm_list_insert(list, at + k, added->items[k]);
    if (err != 0) {
      while (k-- > 0) {
        nm_list_remove(list, at);
      }
      return nm_list_error(list, err, e);
    }
  }
  return 0;
}

/// Inserts before the element with that index.
// @function Collection:Insert
// @int index counted from 0; `Count` appends; out of range raises
// @param element as for Add
// @return the collection
int nm_list_m_insert(lua_State *L) {
  const struct nm_list_class *c = this_class(L);
  struct nm_list *list = self(L, "Insert");
  size_t at = check_index(L, 2, "Insert", (long)list->n);
  lua_settop(L, 3);
  struct nm_list *added = nm_new_list(L, c);
  struct nm_error e = {0};
  if (c->append(L, added, 3, &e) < 0 || insert_all(list, at, added, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/// The element with that index.
// @function Collection:Item
// @int index counted from 0 (as in Fore; `collection[1]` counts from 1); out of range raises
int nm_list_m_item(lua_State *L) {
  const struct nm_list_class *c = this_class(L);
  struct nm_list *list = self(L, "Item");
  size_t at = check_index(L, 2, "Item", (long)list->n - 1);
  nm_class_push(L, c->item, list->items[at]);
  return 1;
}

/// @function Collection:IndexOf
// @return index counted from 0, -1 when it is absent
int nm_list_m_index_of(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)this_class(L)->find(L, self(L, "IndexOf"), 2));
  return 1;
}

/// @function Collection:Contains
// @treturn boolean
int nm_list_m_contains(lua_State *L) {
  lua_pushboolean(L, this_class(L)->find(L, self(L, "Contains"), 2) >= 0);
  return 1;
}

/// Removes the first such element.
// @function Collection:Remove
// @treturn boolean whether there was one
int nm_list_m_remove(lua_State *L) {
  struct nm_list *list = self(L, "Remove");
  long at = this_class(L)->find(L, list, 2);
  if (at >= 0) {
    nm_list_remove(list, (size_t)at);
  }
  lua_pushboolean(L, at >= 0);
  return 1;
}

/// @function Collection:RemoveAt
// @int index counted from 0; out of range raises
int nm_list_m_remove_at(lua_State *L) {
  struct nm_list *list = self(L, "RemoveAt");
  nm_list_remove(list, check_index(L, 2, "RemoveAt", (long)list->n - 1));
  return 0;
}

/// @function Collection:Clear
int nm_list_m_clear(lua_State *L) {
  nm_list_clear(self(L, "Clear"));
  return 0;
}

/* Upvalues: the class, the collection. */
static int iter_next(lua_State *L) {
  const struct nm_list_class *c = this_class(L);
  struct nm_list *list = nm_class_test(L, &c->class, lua_upvalueindex(2));
  lua_Integer last = lua_tointeger(L, 2); /* anybody may call us, with any number */
  if (list == NULL || last < 0 || (size_t)last >= list->n) {
    return 0;
  }
  lua_Integer k = last + 1;
  lua_pushinteger(L, k);
  nm_class_push(L, c->item, list->items[k - 1]);
  return 2;
}

/// `for i, element in collection:Iter() do`, i counted from 1.
// @function Collection:Iter
int nm_list_m_iter(lua_State *L) {
  self(L, "Iter");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, iter_next, 2);
  lua_pushnil(L);
  lua_pushinteger(L, 0);
  return 3;
}

static int get_count(lua_State *L, void *object) {
  lua_pushinteger(L, (lua_Integer)((struct nm_list *)object)->n);
  return 1;
}

const struct nm_property nm_list_properties[] = {{"Count", get_count, NULL}, {NULL, NULL, NULL}};

int nm_list_length(void *object) {
  return (int)((struct nm_list *)object)->n;
}

void *nm_list_ref_object(void *object) {
  return nm_list_ref(object);
}

void nm_list_unref_object(void *object) {
  struct nm_list *list = object;
  nm_list_unref(&list);
}

int nm_list_get(lua_State *L, const struct nm_class *class, void *object, lua_Number n) {
  const struct nm_list_class *c = (const struct nm_list_class *)(const void *)class;
  const struct nm_list *list = object;
  if (!(n >= 1 && n <= (lua_Number)list->n) || (lua_Number)(size_t)n != n) {
    lua_pushnil(L); /* as a table would; so ipairs ends */
  } else {
    nm_class_push(L, c->item, list->items[(size_t)n - 1]);
  }
  return 1;
}
