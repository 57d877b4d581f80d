#include "lua_words.h"

#include "lua_list.h"

int nm_check_word(lua_State *L, int i, const char *what, const struct nm_word *words, const char *expected) {
  if (lua_type(L, i) != LUA_TSTRING) {
    nm_type_error(L, i, what, expected);
  }
  struct nm_str s = nm_check_string(L, i, what);
  while (words->text != NULL && !nm_str_ieq(s, nm_str_c(words->text))) {
    words++;
  }
  if (words->text == NULL) {
    luaL_error(L, "bad value for '%s' (%s expected, got \"%s\")", what, expected, nm_push_shown(L, s));
  }
  return words->value;
}

unsigned nm_check_words(lua_State *L, int i, const char *what, const struct nm_word *words,
                        const char *expected) {
  if (lua_type(L, i) != LUA_TTABLE) {
    return (unsigned)nm_check_word(L, i, what, words, expected);
  }
  unsigned bits = 0;
  size_t n = nm_check_array(L, i, what);
  for (size_t k = 1; k <= n; k++) {
    lua_rawgeti(L, i, (int)k);
    bits |= (unsigned)nm_check_word(L, -1, what, words, expected);
    lua_pop(L, 1);
  }
  return bits;
}

void nm_push_word(lua_State *L, const struct nm_word *words, int value) {
  while (words->text != NULL && words->value != value) {
    words++;
  }
  lua_pushstring(L, words->text); /* NULL pushes nil */
}

void nm_push_words(lua_State *L, const struct nm_word *words, unsigned bits) {
  int n = 0;
  if (bits == 0) {
    lua_pushnil(L);
    return;
  }
  lua_newtable(L);
  for (; words->text != NULL; words++) {
    if ((bits & (unsigned)words->value) != 0) {
      lua_pushstring(L, words->text);
      lua_rawseti(L, -2, ++n);
    }
  }
}

void nm_check_keys(lua_State *L, int i, const char *what, const char *const *names, const char *listed) {
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    int is_string = lua_type(L, -1) == LUA_TSTRING;
    struct nm_str key = is_string ? nm_check_string(L, -1, what) : nm_str_c(luaL_typename(L, -1));
    const char *const *name = names;
    while (*name != NULL && !(is_string && nm_str_eq(nm_str_c(*name), key))) {
      name++;
    }
    if (*name == NULL) {
      luaL_error(L, "%s has no field '%s'; it takes %s", what, nm_push_shown(L, key), listed);
    }
  }
}
