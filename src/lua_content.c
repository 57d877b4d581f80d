/* Values of Lua as contents. */

#include "lua_content.h"

#include <stdio.h>
#include <string.h>

#include "base/source.h"
#include "lua_producer.h"

#define DECLARED_MAX 0x1fffffffffffffLL /* 2^53 - 1: what a Lua number counts exactly everywhere */
/* What a file is asked for at once. */
#define PIECE 65536

/* ---- a value becomes a content ---- */

static int64_t declared_size(lua_State *L, int i) {
  if (i == 0 || lua_isnoneornil(L, i)) {
    return -1;
  }
  if (lua_type(L, i) != LUA_TNUMBER) {
    return nm_type_error(L, i, "Size", "number");
  }
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= 0 && n <= (lua_Number)DECLARED_MAX) || (lua_Number)(int64_t)n != n) {
    return luaL_error(L, "bad value for 'Size' (a whole number of bytes expected)");
  }
  return (int64_t)n;
}

static int fail_size(const char *what, int64_t is, int64_t declared, struct nm_error *e) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s has %lld bytes, but Size says %lld; leave Size out",
                      what, (long long)is, (long long)declared);
}

/* The string's own bytes, where they are worth more than what it costs to keep it. */
static int of_string(lua_State *L, int i, struct nm_str bytes, struct nm_content **out, struct nm_error *e) {
  struct nm_held held;
  return bytes.n >= NM_LEND_MIN && nm_producer_hold(L, i, &held) ? nm_content_held(bytes, &held, out, e)
                                                                 : nm_content_memory(bytes, out, e);
}

static int from_string(lua_State *L, int i, int64_t size, const char *what, struct nm_content **out,
                       struct nm_error *e) {
  struct nm_str bytes;
  bytes.p = lua_tolstring(L, i, &bytes.n);
  if (size >= 0 && (uint64_t)size != bytes.n) {
    return fail_size(what, (int64_t)bytes.n, size, e);
  }
  return of_string(L, i, bytes, out, e);
}

static int from_producer(lua_State *L, int i, int is_file, int64_t begin, int64_t size,
                         struct nm_content **out, struct nm_error *e) {
  struct nm_feed *feed = NULL;
  int err = nm_producer_feed(L, i, is_file, begin, size, &feed, e);
  return err == 0 ? nm_content_fed(&feed, out, e) : err;
}

static int is_callable(lua_State *L, int i) {
  if (lua_type(L, i) == LUA_TFUNCTION) {
    return 1;
  }
  if (!luaL_getmetafield(L, i, "__call")) {
    return 0;
  }
  lua_pop(L, 1);
  return 1;
}

/* ---- open files ---- */

static int is_file(lua_State *L, int i) {
  return luaL_testudata(L, i, LUA_FILEHANDLE) != NULL;
}

static int is_closed(lua_State *L, int i) {
#if LUA_VERSION_NUM >= 502
  return ((luaL_Stream *)lua_touserdata(L, i))->closef == NULL;
#else
  return *(FILE **)lua_touserdata(L, i) == NULL;
#endif
}

/* Pushes what file:method(a, b) gives: two values. NULL and negative: leaves them out. */
static void call_file(lua_State *L, int i, const char *method, const char *whence, int64_t n) {
  lua_getfield(L, i, method);
  lua_pushvalue(L, i);
  if (whence != NULL) {
    lua_pushstring(L, whence);
  }
  if (n >= 0) {
    lua_pushnumber(L, (lua_Number)n);
  }
  lua_call(L, 1 + (whence != NULL) + (n >= 0), 2);
}

/* file:seek(whence, n) as a number; -1: it does not. */
static int64_t seek(lua_State *L, int i, const char *whence, int64_t n) {
  call_file(L, i, "seek", whence, n);
  lua_Number at = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : -1;
  lua_pop(L, 2);
  return at >= 0 && at <= (lua_Number)DECLARED_MAX ? (int64_t)at : -1;
}

/* Whether there is a byte where the file stands. Negative: it cannot be read at all. */
static int has_more(lua_State *L, int i, const char *what, struct nm_error *e) {
  call_file(L, i, "read", NULL, 0);
  const char *why = lua_isnil(L, -2) ? lua_tostring(L, -1) : NULL;
  int more = !lua_isnil(L, -2);
  if (why != NULL) {
    more = nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s is an open file that cannot be read: %s; open it for reading", what, why);
  }
  lua_pop(L, 2);
  return more;
}

/* What is left of a file from begin on; -1: nobody knows (there is more than its size says, as with those of /proc). */
static int file_size(lua_State *L, int i, int64_t begin, const char *what, int64_t *out, struct nm_error *e) {
  int more = has_more(L, i, what, e);
  if (more < 0) {
    return more;
  }
  if (!more && begin > 0) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "%s is an open file that stands at its end; call file:seek(\"set\") to send it from its "
        "beginning",
        what);
  }
  int64_t end = seek(L, i, "end", 0);
  *out = !more ? 0 : end > begin ? end - begin : -1;
  (void)seek(L, i, "set", begin);
  return 0;
}

static int from_file(lua_State *L, int i, int64_t declared, const char *what, struct nm_content **out,
                     struct nm_error *e) {
  if (is_closed(L, i)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s is a closed file; open it, and keep it open until it is sent", what);
  }
  int64_t size = -1;
  int64_t begin = seek(L, i, "cur", 0);
  if (begin >= 0) {
    int err = file_size(L, i, begin, what, &size, e);
    if (err < 0) {
      return err;
    }
  }
  if (declared >= 0 && size >= 0 && declared != size) {
    return fail_size(what, size, declared, e);
  }
  return from_producer(L, i, 1, begin, size >= 0 ? size : declared, out, e);
}

int nm_to_content(lua_State *L, int i, int size_at, const char *what, struct nm_content **out,
                  struct nm_error *e) {
  i = lua_absindex(L, i);
  *out = NULL;
  int64_t size = declared_size(L, size_at);
  if (lua_type(L, i) == LUA_TSTRING) {
    return from_string(L, i, size, what, out, e);
  }
  if (is_file(L, i)) {
    return from_file(L, i, size, what, out, e);
  }
  if (is_callable(L, i)) {
    return from_producer(L, i, 0, -1, size, out, e);
  }
  return nm_type_error(L, i, what, "string of bytes, function or open file");
}

int nm_to_stored_message(lua_State *L, int i, const char *function, struct nm_content **out,
                         struct nm_error *e) {
  if (lua_type(L, i) == LUA_TSTRING) {
    return of_string(L, i, nm_check_string(L, i, function), out, e);
  }
  if (lua_type(L, i) != LUA_TTABLE) {
    return nm_type_error(L, i, function, "{ Path = ... } or string");
  }
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "Path") != 0) {
      return luaL_error(L, "%s takes the bytes of a message, or { Path = \"file.eml\" }", function);
    }
  }
  return nm_content_file(nm_check_string(L, nm_push_field(L, i, "Path"), "Path"), out, e);
}

static void release_content(void *memory) {
  nm_content_unref(memory);
}

struct nm_content **nm_content_scratch(lua_State *L) {
  return nm_scratch(L, sizeof(struct nm_content *), release_content);
}

/* ---- a content is read ---- */

static void fail(struct nm_feed *f, const char *what, const char *why) {
  struct nm_error e;
  nm_error_set(&e, NM_EIO, NM_KIND_MESSAGE, "%s%s", what, why);
  nm_feed_fail(f, &e);
}

/* What was raised may be anything, and to make a text of it may raise again. */
static const char *text_of(lua_State *L, int i) {
  static const char *const others[] = {"it raised nil", "it raised an error that is no text"};
  const char *text = lua_tostring(L, i);
  return text != NULL ? text : others[!lua_isnoneornil(L, i)];
}

/* Two values as LTN12 and file:read have them. */
static void take(lua_State *L, struct nm_feed *f, int at, const char *failed) {
  if (lua_type(L, at) == LUA_TSTRING) {
    size_t n;
    const char *p = lua_tolstring(L, at, &n);
    nm_feed_push(f, p, n);
  } else if (!lua_isnoneornil(L, at)) {
    char why[100];
    snprintf(why, sizeof why, "it gave a %s where a string of bytes or nil belongs", luaL_typename(L, at));
    fail(f, failed, why);
  } else if (lua_isnoneornil(L, at + 1)) {
    nm_feed_end(f);
  } else {
    const char *why = lua_tostring(L, at + 1);
    fail(f, failed, why != NULL ? why : "it gave nil and no text");
  }
}

static const char function_failed[] = "the function that gives a content failed: ";
static const char file_failed[] = "the open file that is a content cannot be read: ";

void nm_content_answer(lua_State *L, struct nm_feed *f, int at) {
  if (f == NULL) {
    return;
  }
  if (lua_toboolean(L, at)) {
    take(L, f, at + 1, function_failed);
  } else {
    fail(f, function_failed, text_of(L, at + 1));
  }
  nm_producers_sweep(L);
}

/* The file, and where to read (nothing: on from where it stands). */
static int read_file(lua_State *L) {
  int64_t at = (int64_t)lua_tonumber(L, 2);
  if (!lua_isnil(L, 2) && seek(L, 1, "set", at) != at) {
    lua_pushnil(L);
    lua_pushliteral(L, "it does not go back to where it stood");
    return 2;
  }
  call_file(L, 1, "read", NULL, PIECE);
  return 2;
}

/* Sought each time: somebody else may read the same file between. */
static void ask_file(lua_State *L, struct nm_feed *f, const struct nm_producer *p) {
  int top = lua_gettop(L);
  lua_pushcfunction(L, read_file);
  nm_producer_push(L, p);
  if (!is_file(L, -1) || is_closed(L, -1)) {
    fail(
        f, "",
        "an open file that is a content was closed before all of it was read; keep it open until it is sent");
  } else {
    if (p->begin >= 0) {
      lua_pushnumber(L, (lua_Number)(p->begin + nm_feed_given(f)));
    } else {
      lua_pushnil(L);
    }
    if (lua_pcall(L, 2, 2, 0) == LUA_OK) {
      take(L, f, top + 1, file_failed);
    } else {
      fail(f, file_failed, text_of(L, -1));
    }
  }
  lua_settop(L, top);
  nm_producers_sweep(L);
}

int nm_content_ask(lua_State *L, struct nm_feed *f) {
  const struct nm_producer *p = f != NULL ? nm_feed_producer(f) : NULL;
  if (p == NULL) {
    return 0;
  }
  if (p->is_file) {
    ask_file(L, f, p);
    return 0;
  }
  nm_feed_asked(f);
  nm_producer_push(L, p);
  lua_pushnil(L);
  return 1;
}
