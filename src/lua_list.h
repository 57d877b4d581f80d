#ifndef NM_LUA_LIST_H
#define NM_LUA_LIST_H

#include "base/list.h"
#include "lua_util.h"

/* What the two collections (addresses, attachments) have in common. */
struct nm_list_class {
  struct nm_class class;       /* of the collection; first, so that a struct nm_class leads to it */
  const struct nm_class *item; /* of one element */
  int takes_text;              /* a string stands for elements */
  const char *what;            /* for errors: what an element is called, and what is taken for one */
  const char *expected;
  struct nm_list *(*make)(void);
  /* Appends what the value at i stands for to list: an element, or text. Raises for anything else, and allocates no memory of Lua's;
     negative with e for bad content. */
  int (*append)(lua_State *L, struct nm_list *list, int i, struct nm_error *e);
  /* Where the element that the value at i stands for is in list, counted from 0; -1: nowhere. Raises for a wrong type. */
  long (*find)(lua_State *L, const struct nm_list *list, int i);
};

NM_HIDDEN_BEGIN

/* Pushes the collection itself (the one box of list). */
void nm_push_list(lua_State *L, const struct nm_list_class *c, struct nm_list *list);
/* Pushes a box with a new, empty list. */
struct nm_list *nm_new_list(lua_State *L, const struct nm_list_class *c);
/* list becomes what the value at i says: a collection, an array of what append takes, or one such value; nil
   empties it. On error list is unchanged. */
int nm_assign_list(lua_State *L, const struct nm_list_class *c, struct nm_list *list, int i,
                   struct nm_error *e);

/* The length of the table at the absolute index i; one that is no array raises: {Address = "a@x"} must not become an
   empty list. */
size_t nm_check_array(lua_State *L, int i, const char *what);

/* Members every collection has. */
int nm_list_m_add(lua_State *L);
int nm_list_m_insert(lua_State *L);
int nm_list_m_item(lua_State *L);
int nm_list_m_index_of(lua_State *L);
int nm_list_m_contains(lua_State *L);
int nm_list_m_remove(lua_State *L);
int nm_list_m_remove_at(lua_State *L);
int nm_list_m_clear(lua_State *L);
int nm_list_m_iter(lua_State *L);

#define NM_LIST_METHODS                                                                                      \
  {"Add", nm_list_m_add}, {"Insert", nm_list_m_insert}, {"Item", nm_list_m_item},                            \
      {"IndexOf", nm_list_m_index_of}, {"Contains", nm_list_m_contains}, {"Remove", nm_list_m_remove},       \
      {"RemoveAt", nm_list_m_remove_at}, {"Clear", nm_list_m_clear}, {                                       \
    "Iter", nm_list_m_iter                                                                                   \
  }

extern const struct nm_property nm_list_properties[]; /* Count */
int nm_list_length(void *object);
void *nm_list_ref_object(void *object);
void nm_list_unref_object(void *object);
/* Raises: the value at i is no element. */
int nm_list_type_error(lua_State *L, const struct nm_list_class *c, int i);
/* What a core function on list returned, with the words for it in e. */
int nm_list_error(const struct nm_list *list, int err, struct nm_error *e);
/* list[n], n counted from 1; nil outside. */
int nm_list_get(lua_State *L, const struct nm_class *c, void *list, lua_Number n);

/* What the classes of collections have in common. */
#define NM_LIST_CLASS(its_name, its_methods, its_to_string)                                                  \
  {                                                                                                          \
    .name = its_name, .registry = "netmail." its_name, .properties = nm_list_properties,                     \
    .methods = its_methods, .ref = nm_list_ref_object, .unref = nm_list_unref_object,                        \
    .to_string = its_to_string, .length = nm_list_length, .item = nm_list_get,                               \
  }

NM_HIDDEN_END

#endif
