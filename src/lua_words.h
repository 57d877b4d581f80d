#ifndef NM_LUA_WORDS_H
#define NM_LUA_WORDS_H

#include "lua_util.h"

/* Values that are words, in tables that end with NULL; and tables that take certain names only. */
struct nm_word {
  const char *text;
  int value;
};

NM_HIDDEN_BEGIN

/* The value of the word at i, without case; a word that is not in the table raises. */
int nm_check_word(lua_State *L, int i, const char *what, const struct nm_word *words, const char *expected);
/* A word, or an array of words, as bits. */
unsigned nm_check_words(lua_State *L, int i, const char *what, const struct nm_word *words,
                        const char *expected);
/* nil for a value that has no word. */
void nm_push_word(lua_State *L, const struct nm_word *words, int value);
/* An array of the words whose bits are set; nil for none. */
void nm_push_words(lua_State *L, const struct nm_word *words, unsigned bits);
/* Raises for a key of the table at i that is not in the list of names (which ends with NULL). */
void nm_check_keys(lua_State *L, int i, const char *what, const char *const *names, const char *listed);

NM_HIDDEN_END

#endif
