/// The header fields of a message that no property stands for.
// @module netmail

#include "lua_headers.h"

#include "lua_list.h"
#include "mime/fields.h"

static const struct nm_class headers_class;

static struct nm_list *self(lua_State *L, const char *method) {
  return nm_class_self(L, &headers_class, method);
}

/* A name that a message owns otherwise raises in every method: nil or false would be a lie. But for a field that was read and could
   not become the property (MailMessage.Parse): that one is here. */
static struct nm_str check_name(lua_State *L, const struct nm_list *list, int i) {
  struct nm_str name = nm_check_string(L, i, "name");
  struct nm_error e = {0};
  if (nm_fields_find(list, name, 0) == list->n && nm_field_check_name(name, &e) < 0) {
    nm_raise(L, &e);
  }
  return name;
}

/// The value of the first field of that name.
// Names compare without case, here and everywhere. A field that is made from a property of the message (Subject,
// From, Date, Content-Type …) is not in the collection: its name raises an error that says which property it is. Only a field that
// MailMessage.Parse read and that cannot be the property (a From of two mailboxes) is here, too.
// @function HeaderCollection:Get
// @string name
// @treturn ?string the value in UTF-8, without folds and encoded words; nil: there is none
static int headers_get(lua_State *L) {
  struct nm_list *list = self(L, "Get");
  struct nm_str value = nm_fields_get(list, check_name(L, list, 2));
  if (value.p == NULL) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, value);
  }
  return 1;
}

/// The values of all fields of that name, in order.
// @function HeaderCollection:GetAll
// @string name
// @treturn table an array, empty when there is none
static int headers_get_all(lua_State *L) {
  struct nm_list *list = self(L, "GetAll");
  struct nm_str name = check_name(L, list, 2);
  lua_newtable(L);
  int n = 0;
  for (size_t at = 0; (at = nm_fields_find(list, name, at)) < list->n; at++) {
    nm_push_str(L, ((const struct nm_field *)list->items[at])->value);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

static int change(lua_State *L, const char *method,
                  int (*f)(struct nm_list *, struct nm_str, struct nm_str, struct nm_error *)) {
  struct nm_list *list = self(L, method);
  struct nm_str name = nm_check_string(L, 2, "name");
  struct nm_str value = nm_check_string(L, 3, "value");
  struct nm_error e = {0};
  if (f(list, name, value, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/// Makes it the only field of that name, in the place of the first one there was.
// A line break, a NUL or broken UTF-8 in the value, and a name that RFC 5322 does not allow, raise; so does a value that
// is against the grammar of In-Reply-To, References, Keywords, Auto-Submitted and the List- fields.
// @function HeaderCollection:Set
// @string name at most 70 bytes
// @string value UTF-8, one line; it is folded and encoded when the message is written
// @return the collection
static int headers_set(lua_State *L) {
  return change(L, "Set", nm_fields_set);
}

/// Adds a field behind the others. A second one of a name that may stand only once raises.
// @function HeaderCollection:Add
// @string name
// @string value
// @return the collection
static int headers_add(lua_State *L) {
  return change(L, "Add", nm_fields_add);
}

/// Removes all fields of that name.
// @function HeaderCollection:Remove
// @string name
// @treturn boolean whether there was one
static int headers_remove(lua_State *L) {
  struct nm_list *list = self(L, "Remove");
  lua_pushboolean(L, nm_fields_remove(list, check_name(L, list, 2)));
  return 1;
}

/// @function HeaderCollection:Contains
// @string name
// @treturn boolean
static int headers_contains(lua_State *L) {
  struct nm_list *list = self(L, "Contains");
  lua_pushboolean(L, nm_fields_find(list, check_name(L, list, 2), 0) < list->n);
  return 1;
}

/// Removes all fields, also those that were set by properties such as InReplyTo.
// @function HeaderCollection:Clear
static int headers_clear(lua_State *L) {
  nm_list_clear(self(L, "Clear"));
  return 0;
}

/* Upvalues: the collection, how many were given. */
static int iter_next(lua_State *L) {
  const struct nm_list *list = nm_class_test(L, &headers_class, lua_upvalueindex(1));
  size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(2));
  if (list == NULL || at >= list->n) {
    return 0;
  }
  const struct nm_field *f = list->items[at];
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_replace(L, lua_upvalueindex(2));
  nm_push_str(L, f->name);
  nm_push_str(L, f->value);
  return 2;
}

/// `for name, value in headers:Iter() do`, in order.
// @function HeaderCollection:Iter
static int headers_iter(lua_State *L) {
  self(L, "Iter");
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, iter_next, 2);
  return 1;
}

/* One "Name: value" a line. */
static int headers_to_string(lua_State *L, void *object) {
  const struct nm_list *list = object;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < list->n; i++) {
    const struct nm_field *f = list->items[i];
    luaL_addlstring(&b, f->name.p, f->name.n);
    luaL_addlstring(&b, ": ", 2);
    luaL_addlstring(&b, f->value.p, f->value.n);
    luaL_addchar(&b, '\n');
  }
  luaL_pushresult(&b);
  return 1;
}

static const luaL_Reg headers_methods[] = {
    {"Get", headers_get},     {"GetAll", headers_get_all}, {"Set", headers_set},
    {"Add", headers_add},     {"Remove", headers_remove},  {"Contains", headers_contains},
    {"Clear", headers_clear}, {"Iter", headers_iter},      {NULL, NULL},
};

static const struct nm_class headers_class = {
    .name = "HeaderCollection",
    .registry = "netmail.HeaderCollection",
    .properties = nm_list_properties,
    .methods = headers_methods,
    .ref = nm_list_ref_object,
    .unref = nm_list_unref_object,
    .to_string = headers_to_string,
    .length = nm_list_length,
};

void nm_open_headers(lua_State *L) {
  nm_class_register(L, &headers_class);
}

void nm_push_headers(lua_State *L, struct nm_list *fields) {
  nm_class_push(L, &headers_class, fields);
}

/* ---- a whole collection assigned ---- */

/* The string at index i; what: the field's name. */
static int add_value(lua_State *L, struct nm_list *list, struct nm_str name, int i, struct nm_error *e) {
  return nm_fields_add(list, name, nm_check_string(L, i, "value of a header field"), e);
}

/* {{"X-A", "1"}, {"X-A", "2"}} at i. */
static int add_pairs(lua_State *L, struct nm_list *list, int i, struct nm_error *e) {
  size_t n = nm_check_array(L, i, "Headers");
  int top = lua_gettop(L), err = 0;
  for (size_t k = 1; k <= n && err == 0; k++) {
    lua_rawgeti(L, i, (int)k);
    if (lua_type(L, -1) != LUA_TTABLE || lua_rawlen(L, -1) != 2) {
      return luaL_error(L, "Headers takes an array of {name, value}, or a table name = value");
    }
    lua_rawgeti(L, top + 1, 1);
    lua_rawgeti(L, top + 1, 2);
    err = add_value(L, list, nm_check_string(L, top + 2, "name of a header field"), top + 3, e);
    lua_settop(L, top);
  }
  return err;
}

static int is_before(struct nm_str a, struct nm_str b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int order = memcmp(a.p, b.p, n);
  return order != 0 ? order < 0 : a.n < b.n;
}

/* The first key of the table at i behind last in the order of bytes, so that no message depends on the order of pairs; p NULL: there
   is none. The key lives as long as it is in the table. */
static struct nm_str next_name(lua_State *L, int i, struct nm_str last) {
  struct nm_str first = {NULL, 0};
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    struct nm_str name = nm_check_string(L, -1, "name of a header field");
    if ((last.p == NULL || is_before(last, name)) && (first.p == NULL || is_before(name, first))) {
      first = name;
    }
  }
  return first;
}

/* The value on the top: a string, or an array of them. */
static int add_values(lua_State *L, struct nm_list *list, struct nm_str name, struct nm_error *e) {
  int value = lua_gettop(L), err = 0;
  if (lua_type(L, value) != LUA_TTABLE) {
    return add_value(L, list, name, value, e);
  }
  size_t n = nm_check_array(L, value, "a header field");
  for (size_t k = 1; k <= n && err == 0; k++) {
    lua_rawgeti(L, value, (int)k);
    err = add_value(L, list, name, value + 1, e);
    lua_settop(L, value);
  }
  return err;
}

/* {["X-A"] = "1", ["X-B"] = {"2", "3"}} at i. */
static int add_named(lua_State *L, struct nm_list *list, int i, struct nm_error *e) {
  struct nm_str name = {NULL, 0};
  int top = lua_gettop(L), err = 0;
  while (err == 0 && (name = next_name(L, i, name)).p != NULL) {
    nm_push_str(L, name);
    lua_rawget(L, i);
    err = add_values(L, list, name, e);
    lua_settop(L, top);
  }
  return err;
}

/* The fields that the value at i says, a collection or in another form, which is pushed as one then. */
static int read_headers(lua_State *L, int i, struct nm_list **out, struct nm_error *e) {
  *out = nm_class_test(L, &headers_class, i);
  if (*out != NULL) {
    return 0;
  }
  if (!lua_isnil(L, i) && lua_type(L, i) != LUA_TTABLE) {
    return nm_type_error(L, i, "Headers", "table");
  }
  void **box = nm_class_new_box(L, &headers_class);
  *box = *out = nm_fields_new();
  if (*out == NULL) {
    return nm_error_nomem(e);
  }
  if (lua_isnil(L, i)) {
    return 0;
  }
  return lua_rawlen(L, i) > 0 ? add_pairs(L, *out, i, e) : add_named(L, *out, i, e);
}

int nm_assign_headers(lua_State *L, struct nm_list *fields, int i, struct nm_error *e) {
  struct nm_list *other = NULL;
  int err = read_headers(L, lua_absindex(L, i), &other, e);
  return err < 0 ? err : nm_list_error(fields, nm_list_assign(fields, other), e);
}

int nm_merge_headers(lua_State *L, struct nm_list *fields, int i, struct nm_error *e) {
  struct nm_list *other = NULL;
  int err = read_headers(L, lua_absindex(L, i), &other, e);
  return err < 0 ? err : nm_fields_merge(fields, other, e);
}
