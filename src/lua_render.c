/// ToString and WriteTo.
// @module netmail

#include <string.h>

#include "lua_message.h"
#include "now.h"
#include "save.h"

/* Pieces in which a message is handed on. */
#define PIECE 16384

struct rendering {
  struct nm_now now;
  struct nm_source *source;
};

static void rendering_release(void *memory) {
  struct rendering *r = memory;
  nm_source_free(&r->source);
  nm_now_free(&r->now);
}

static int rendering_open(struct rendering *r, const struct nm_message *m, struct nm_error *e) {
  int err = nm_now_take(&r->now, m, e);
  return err == 0 ? nm_message_render(m, &r->now.stamp, &r->source, e) : err;
}

/* A read that gave nothing now cannot happen: all contents are memory and files. */
static int rendering_read(struct rendering *r, char *p, size_t cap, size_t *n, struct nm_error *e) {
  int err = nm_source_read(r->source, p, cap, n);
  if (err < 0) {
    *e = r->source->error;
  }
  return err;
}

static int push_rendered(lua_State *L, struct rendering *r, const struct nm_message *m) {
  struct nm_error e = {0};
  if (rendering_open(r, m, &e) < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (;;) {
    size_t n = 0;
    if (rendering_read(r, luaL_prepbuffer(&b), LUAL_BUFFERSIZE, &n, &e) < 0) {
      return nm_push_failure(L, &e, NULL);
    }
    if (n == 0) {
      break;
    }
    luaL_addsize(&b, n);
  }
  luaL_pushresult(&b);
  return 1;
}

/// The whole message as it would be sent (RFC 5322 text with CRLF line ends), without Bcc.
// Date and Message-ID are made anew at each call unless the message has its own.
// @function MailMessage:ToString
// @treturn[1] string
// @treturn[2] nil
// @treturn[2] string what is missing or cannot be read
// @treturn[2] table detail
int nm_message_m_to_string(lua_State *L) {
  nm_class_self(L, &nm_message_class, "ToString");
  lua_settop(L, 1);
  struct rendering *r = nm_scratch(L, sizeof *r, rendering_release);
  /* Looked at behind the last allocation: in a state that closes, a collection takes objects off the stack. */
  struct nm_message *m = nm_class_self(L, &nm_message_class, "ToString");
  int pushed = push_rendered(L, r, m);
  nm_scratch_release(L, 2);
  return pushed;
}

/* Each piece is an argument of the function at index 2; false or nil with a text ends it. */
static int write_to_function(lua_State *L, struct rendering *r) {
  struct nm_error e = {0};
  char *piece = nm_scratch(L, PIECE, NULL);
  for (;;) {
    size_t n = 0;
    if (rendering_read(r, piece, PIECE, &n, &e) < 0) {
      return nm_push_failure(L, &e, NULL);
    }
    if (n == 0) {
      lua_pushboolean(L, 1);
      return 1;
    }
    lua_pushvalue(L, 2);
    lua_pushlstring(L, piece, n);
    lua_call(L, 1, 2);
    if ((lua_isnil(L, -2) && !lua_isnil(L, -1)) || (lua_isboolean(L, -2) && !lua_toboolean(L, -2))) {
      const char *why = lua_tostring(L, -1);
      nm_error_set(&e, NM_EIO, NM_KIND_MESSAGE, "the function given to WriteTo failed: %s",
                   why != NULL ? why : "it returned false");
      return nm_push_failure(L, &e, NULL);
    }
    lua_pop(L, 2);
  }
}

static int write_to_file(lua_State *L, struct rendering *r, const char *path) {
  struct nm_error e = {0};
  if (nm_save(r->source, path, &e) < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* path NULL: to the function at index 2. */
static int write_rendered(lua_State *L, struct rendering *r, const struct nm_message *m, const char *path) {
  struct nm_error e = {0};
  if (rendering_open(r, m, &e) < 0) {
    return nm_push_failure(L, &e, NULL);
  }
  return path == NULL ? write_to_function(L, r) : write_to_file(L, r, path);
}

/// Writes the message as ToString gives it, piece by piece: a large attachment costs no memory.
// @function MailMessage:WriteTo
// @param target path of a file (written as a whole or not at all), or a function that is called with each piece (a string); when it returns
//   `false`, or `nil` and a text, writing ends
// @treturn[1] boolean true
// @treturn[2] nil
// @treturn[2] string
// @treturn[2] table detail
int nm_message_m_write_to(lua_State *L) {
  nm_class_self(L, &nm_message_class, "WriteTo");
  int is_function = lua_type(L, 2) == LUA_TFUNCTION;
  if (!is_function && lua_type(L, 2) != LUA_TSTRING) {
    return nm_type_error(L, 2, "target", "path or function");
  }
  size_t length = 0;
  const char *path = is_function ? NULL : lua_tolstring(L, 2, &length);
  if (path != NULL && strlen(path) != length) {
    return luaL_error(L, "bad value for 'target' (a path cannot contain NUL)");
  }
  lua_settop(L, 2);
  struct rendering *r = nm_scratch(L, sizeof *r, rendering_release);
  struct nm_message *m = nm_class_self(L, &nm_message_class, "WriteTo"); /* now, as in ToString */
  int pushed = write_rendered(L, r, m, path);
  nm_scratch_release(L, 3);
  return pushed;
}
