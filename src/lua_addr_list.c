/// Collections of mail addresses.
// @module netmail

#include "lua_addr.h"

static int append_addr(lua_State *L, struct nm_list *list, int i, struct nm_error *e) {
  if (lua_type(L, i) == LUA_TSTRING) {
    return nm_addr_parse_list(nm_check_string(L, i, "address"), list, e);
  }
  struct nm_addr *a = nm_class_test(L, &nm_addr_class, i);
  if (a == NULL) {
    return nm_list_type_error(L, &nm_addr_list_class, i);
  }
  return nm_list_error(list, nm_list_add(list, a), e);
}

/// Adds the addresses of a text: one, or several with commas between them; a group (`Name: a@x, b@y;`) as its members.
// @function MailAddressCollection:AddString
// @string Text
// @return the collection
static int list_add_string(lua_State *L) {
  struct nm_list *list = nm_class_self(L, &nm_addr_list_class.class, "AddString");
  struct nm_error e = {0};
  if (nm_addr_parse_list(nm_check_string(L, 2, "Text"), list, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, 1);
  return 1;
}

/* By value. A text that is no address stands nowhere. */
static long find_addr(lua_State *L, const struct nm_list *list, int i) {
  struct nm_addr *a = NULL;
  struct nm_error e = {0};
  int err = nm_to_addr(L, i, "address", &a, &e);
  if (err == NM_ENOMEM) {
    nm_raise(L, &e);
  }
  if (err < 0) {
    return -1;
  }
  size_t at = 0;
  while (at < list->n && !nm_addr_same(list->items[at], a)) {
    at++;
  }
  nm_addr_unref(&a);
  return at < list->n ? (long)at : -1;
}

static int list_to_string(lua_State *L, void *object) {
  const struct nm_list *list = object;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < list->n; i++) {
    if (i > 0) {
      luaL_addchar(&b, ',');
    }
    nm_addr_print(&b, list->items[i]);
  }
  luaL_pushresult(&b);
  return 1;
}

static int list_m_to_string(lua_State *L) {
  return list_to_string(L, nm_class_self(L, &nm_addr_list_class.class, "ToString"));
}

static const luaL_Reg list_methods[] = {
    NM_LIST_METHODS, {"AddString", list_add_string}, {"ToString", list_m_to_string}, {NULL, NULL}};

const struct nm_list_class nm_addr_list_class = {
    .class = NM_LIST_CLASS("MailAddressCollection", list_methods, list_to_string),
    .item = &nm_addr_class,
    .takes_text = 1,
    .what = "address",
    .expected = "MailAddress or string",
    .make = nm_addr_list_new,
    .append = append_addr,
    .find = find_addr,
};
