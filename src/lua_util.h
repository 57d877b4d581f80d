#ifndef NM_LUA_UTIL_H
#define NM_LUA_UTIL_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "lua_compat.h"

/* Classes of userdata. Every object is a box around a counted C object; the C object lives as long as a box or
   another C object holds it. One C object has one box at a time, so that == means the same object in Lua.

   A binding reads all arguments (may raise; owns nothing yet), then does its work in the core (no Lua), then pushes
   (may raise; a userdata owns everything by then). */

/* Takes the value at index i. Raises for a wrong type; returns a negative code with e filled for bad content. */
typedef int nm_setter(lua_State *L, void *object, int i, struct nm_error *e);

struct nm_property {
  const char *name;
  /* Pushes one value. */
  int (*get)(lua_State *L, void *object);
  nm_setter *set; /* NULL: read only */
};

struct nm_class {
  const char *name;                     /* as the user writes it: "MailMessage" */
  const char *registry;                 /* what getmetatable gives: "netmail.MailMessage" */
  const struct nm_property *properties; /* ends with a NULL name */
  const luaL_Reg *methods;              /* each gets the class as its upvalue 1 */
  /* o:Close() where there is one, __close in 5.4; must be idempotent and never block. NULL: none. */
  void (*close)(void *object);
  void *(*ref)(void *object); /* NULL: never pushed but as a new one */
  void (*unref)(void *object);
  int takes_octets; /* its texts may have NULs; else nm_class_assign refuses them */
  size_t weight;    /* bytes of C memory that an object about holds beside its texts */
  /* Pushes what tostring gives. */
  int (*to_string)(lua_State *L, void *object);
  int (*length)(void *object); /* #o; NULL: none */
  /* o[n] for a number n (1 = first): pushes a value or nil; NULL: none. */
  int (*item)(lua_State *L, const struct nm_class *c, void *object, lua_Number n);
  int (*call)(lua_State *L); /* __call; NULL: none */
  /* o[key] where key is no member: for ThisHostCredentials; NULL: an error that names the key. */
  int (*get_other)(lua_State *L, void *object);
  int (*set_other)(lua_State *L, void *object);
  /* What to write where somebody looks for a member of that name, and there is none; NULL: nothing to be said. May be NULL. */
  const char *(*instead)(struct nm_str name);
};

/* Of one class; the message has about 35. */
#define NM_PROPERTIES_MAX 64

/* Properties and their values as a table has them; the values lie on the stack, above top. */
struct nm_given {
  const struct nm_class *c;
  size_t bytes;                        /* what the values weigh (nm_value_weight) */
  int top;                             /* of the stack, before */
  int n;                               /* how many */
  size_t end;                          /* behind the last one, in the class */
  unsigned char at[NM_PROPERTIES_MAX]; /* where the value of each is, from top on; 0: it has none */
};

/* Bytes of an address or a header field with its text. */
#define NM_ELEMENT_WEIGHT 144

NM_HIDDEN_BEGIN

/* Makes the metatable; once for each class and state. */
void nm_class_register(lua_State *L, const struct nm_class *c);
void nm_class_push_metatable(lua_State *L, const struct nm_class *c);
/* The class of the object at i, to be compared and nothing else; NULL when it is none of ours. Allocates nothing. */
const struct nm_class *nm_class_of(lua_State *L, int i);
/* Pushes the table of its methods, where one may be replaced by another function. */
void nm_class_push_members(lua_State *L, const struct nm_class *c);
/* Pushes the box of object, an existing one, or a new one with a reference of its own. object NULL pushes nil. */
void nm_class_push(lua_State *L, const struct nm_class *c, void *object);
/* The collector sees a box of a few bytes where we hold a megabyte: tells it of the object that is about to be made from the
   arguments. The first thing in every function that makes one: it may run finalizers, and in a state that closes those take
   away objects that are still on the stack, so nothing may have been looked at yet. */
void nm_gc_announce(lua_State *L, const struct nm_class *c);
/* The same for bytes that are no argument: those of a file that an object holds from now on. The last thing before the results are
   pushed. */
void nm_gc_pressure(lua_State *L, size_t bytes);
/* Length of the string at i, else 0. */
size_t nm_string_length(lua_State *L, int i);
/* What an object keeps of the value at i: a string's length, for an array what its elements may come to. */
size_t nm_value_weight(lua_State *L, int i);
/* An empty box, to be filled before anything can fail: *slot = object that the box now owns. */
void **nm_class_new_box(lua_State *L, const struct nm_class *c);
/* The object a box was filled with becomes known as its box. */
void nm_class_know_box(lua_State *L, void *object);
/* The object at i, or NULL when it is something else. */
void *nm_class_test(lua_State *L, const struct nm_class *c, int i);
/* As argument n of a function: raises with the argument named. */
void *nm_class_check(lua_State *L, const struct nm_class *c, int n);
/* Argument 1 of a method: a wrong one is most often a dot for a colon, and the error says so. method: "Send". */
void *nm_class_self(lua_State *L, const struct nm_class *c, const char *method);
/* Pushes a table with these functions that can be called itself (call; NULL: no) and names what it does not have. */
void nm_push_class_table(lua_State *L, const char *name, const luaL_Reg *functions, lua_CFunction call);
/* The property of that name, or NULL. */
const struct nm_property *nm_class_property(const struct nm_class *c, struct nm_str name);
/* The property becomes the value at i, as its setter says. */
int nm_class_assign(lua_State *L, const struct nm_class *c, const struct nm_property *p, void *object, int i,
                    struct nm_error *e);
/* Raises: there is no member with the key at that index. */
int nm_class_no_member(lua_State *L, const struct nm_class *c, int key);
/* Sets the properties of object from the table at i, in the order of the class (so that no value depends on the order of
   pairs). A key that is neither a property nor in extra (NULL-ended, may be NULL) raises. */
int nm_class_set_all(lua_State *L, const struct nm_class *c, void *object, int i, const char *const *extra,
                     struct nm_error *e);
/* The same in two steps, between which the object is made: the table is looked at, which announces nothing (nm_gc_announce) and leaves
   its values on the stack; the values are set. */
void nm_class_read_table(lua_State *L, const struct nm_class *c, int i, const char *const *extra,
                         struct nm_given *g);
int nm_class_set_given(lua_State *L, const struct nm_given *g, void *object, struct nm_error *e);
/* Where on the stack the value that this one is to set lies; 0: there is none. */
int nm_given_value(const struct nm_given *g, nm_setter *set);

/* Whether the table at i has a value under that name (no metamethods, nor in the next two). */
int nm_has_field(lua_State *L, int i, const char *name);
/* Pushes that value, and returns where it lies. */
int nm_push_field(lua_State *L, int i, const char *name);
/* That value as by nm_opt_string. It stays on the stack, where its bytes live. */
struct nm_str nm_opt_field(lua_State *L, int i, const char *name);

/* Scratch memory of n bytes on the stack that Lua frees; zeroed. release (may be NULL) is called once by the collector or
   by nm_scratch_release. */
void *nm_scratch(lua_State *L, size_t n, void (*release)(void *memory));
void nm_scratch_release(lua_State *L, int i);
/* The memory of the scratch at i, or NULL. */
void *nm_scratch_at(lua_State *L, int i);
/* The same of one that was made with this n and this release, which nobody else has, and is not released; NULL otherwise. In a fifth of the
   time. */
void *nm_scratch_of(lua_State *L, int i, size_t n, void (*release)(void *memory));
/* Pushes the metatable in which f is all there is, for that event; one for each f and state. */
void nm_push_metatable(lua_State *L, const char *event, lua_CFunction f);

/* nil, text, detail: what a function returns for the world's faults. */
int nm_push_failure(lua_State *L, const struct nm_error *e, const char *outcome);
/* Raises e's text with the caller's position. */
int nm_raise(lua_State *L, const struct nm_error *e);

/* A string value at i for the property or argument what ("Subject"): raises "bad value for Subject (string expected, got …)"
   for anything else; numbers are no strings here. */
struct nm_str nm_check_string(lua_State *L, int i, const char *what);
/* nil gives an empty string with p NULL. */
struct nm_str nm_opt_string(lua_State *L, int i, const char *what);
int nm_check_boolean(lua_State *L, int i, const char *what);
/* An integer (also as a float with that value) within [low, high]; raises with both bounds named. */
long nm_check_integer(lua_State *L, int i, const char *what, long low, long high);
void nm_push_str(lua_State *L, struct nm_str s);
/* For an error's text: with what does not show as \xNN, cut where it is long. Stays on the stack, where it lives. */
const char *nm_push_shown(lua_State *L, struct nm_str s);
/* nil for an empty one. 1: as a getter returns. */
int nm_push_opt_str(lua_State *L, struct nm_str s);
int nm_type_error(lua_State *L, int i, const char *what, const char *expected);
/* Puts these functions into the table on the top of the stack. */
void nm_set_functions(lua_State *L, const luaL_Reg *functions);
/* t[key] = s for the table on the top of the stack. */
void nm_set_field_str(lua_State *L, const char *key, struct nm_str s);

NM_HIDDEN_END

#endif
