/// ToString and WriteTo.
// @module netmail

#include <stdint.h>
#include <string.h>

#include "lua_content.h"
#include "lua_drive.h"
#include "lua_message.h"
#include "mime/pieces.h"
#include "now.h"
#include "save.h"

/* Pieces in which a message is handed on. */
#define PIECE 16384

/* The job of both methods. */
struct rendering {
  struct nm_job job; /* first */
  struct nm_now now;
  struct nm_source *source;
  struct nm_buf text;   /* ToString: what there is so far */
  struct nm_save *save; /* WriteTo: a path */
  int is_handed;        /* WriteTo: the function that was called is the one that takes the pieces */
};

static void rendering_release(void *memory) {
  struct rendering *r = memory;
  nm_save_free(&r->save);
  nm_source_free(&r->source);
  nm_now_free(&r->now);
  nm_buf_free(&r->text);
}

static int rendering_open(struct rendering *r, const struct nm_message *m, struct nm_error *e) {
  int err = nm_now_take(&r->now, m, e);
  r->now.stamp.allowed = NM_ALLOW_8BIT; /* a file takes it */
  return err == 0 ? nm_message_render(m, &r->now.stamp, &r->source, e) : err;
}

static int rendering_read(struct rendering *r, char *p, size_t cap, size_t *n, struct nm_error *e) {
  int err = nm_source_read(r->source, p, cap, n);
  if (err < 0) {
    *e = r->source->error;
  }
  return err;
}

/* The results are pushed: the job is over. */
static int end(lua_State *L, int i, int pushed) {
  nm_scratch_release(L, i);
  return pushed;
}

static int end_failed(lua_State *L, int i, const struct nm_error *e) {
  return end(L, i, nm_push_failure(L, e, NULL));
}

/* ---- ToString ---- */

/* Up to the next content that has to be asked for; i: the job's index, here and below. */
static int go_on_reading(lua_State *L, struct rendering *r, int i) {
  struct nm_error e = {0};
  for (;;) {
    size_t n = 0;
    char *room = nm_buf_room(&r->text, PIECE);
    int err = room != NULL ? rendering_read(r, room, PIECE, &n, &e) : nm_error_nomem(&e);
    r->text.n += n;
    if (err < 0) {
      return end_failed(L, i, &e);
    }
    if (err == NM_AGAIN && nm_content_ask(L, nm_pieces_waiting(r->source))) {
      return nm_drive_call(L, i);
    }
    if (err == 0 && n == 0) {
      nm_push_str(L, nm_buf_str(&r->text));
      return end(L, i, 1);
    }
  }
}

static int to_string_step(lua_State *L, struct nm_job *job) {
  struct rendering *r = (struct rendering *)(void *)job;
  nm_content_answer(L, nm_pieces_waiting(r->source), 3);
  return go_on_reading(L, r, 1);
}

/* What lies in memory as one is not copied twice. */
static int push_rendered(lua_State *L, struct rendering *r, int i) {
  struct nm_str all = nm_pieces_bytes(r->source);
  if (all.p != NULL) {
    nm_push_str(L, all);
    return end(L, i, 1);
  }
  int64_t size = nm_source_size(r->source);
  r->text.max = SIZE_MAX / 4;
  if (size > 0 &&
      (uint64_t)size <
          r->text.max - PIECE) { /* room for all of it, and for the last piece that is asked for */
    (void)nm_buf_room(&r->text, (size_t)size + PIECE);
  }
  return go_on_reading(L, r, i);
}

static int check_to_string(lua_State *L) {
  nm_message_self(L, "ToString");
  return 0;
}

/// The whole message as it would be sent (RFC 5322 text with CRLF line ends), without Bcc.
// Date and Message-ID are made anew at each call unless the message has its own. A content that can be read once is read by this.
// @function MailMessage:ToString
// @treturn[1] string
// @treturn[2] nil
// @treturn[2] string what is missing or cannot be read
// @treturn[2] table detail
int nm_message_m_to_string(lua_State *L) {
  lua_settop(L, 1);
  struct rendering *r = nm_scratch(L, sizeof *r, rendering_release);
  /* Looked at behind the last allocation: in a state that closes, a collection takes objects off the stack. */
  struct nm_message *m = nm_message_at(L, 1);
  if (m == NULL) {
    return nm_drive_raise(L, check_to_string);
  }
  struct nm_error e = {0};
  r->job.step = to_string_step;
  return rendering_open(r, m, &e) < 0 ? end_failed(L, 2, &e) : push_rendered(L, r, 2);
}

/* ---- WriteTo ---- */

/* Each piece is an argument of the function at index 2. */
static int go_on_handing(lua_State *L, struct rendering *r, int i) {
  char piece[PIECE];
  struct nm_error e = {0};
  for (;;) {
    size_t n = 0;
    int err = rendering_read(r, piece, PIECE, &n, &e);
    if (err < 0) {
      return end_failed(L, i, &e);
    }
    r->is_handed = err == 0;
    if (err == 0 && n == 0) {
      lua_pushboolean(L, 1);
      return end(L, i, 1);
    }
    if (err == 0) {
      lua_pushvalue(L, 2);
      lua_pushlstring(L, piece, n);
      return nm_drive_call(L, i);
    }
    if (nm_content_ask(L, nm_pieces_waiting(r->source))) {
      return nm_drive_call(L, i);
    }
  }
}

/* What the function that takes the pieces returned: false, or nil with a text, ends it. */
static int is_refused(lua_State *L, int at) {
  return (lua_isnil(L, at) && !lua_isnoneornil(L, at + 1)) || (lua_isboolean(L, at) && !lua_toboolean(L, at));
}

static int fail_refused(lua_State *L, int at) {
  struct nm_error e;
  const char *why = lua_tostring(L, at);
  nm_error_set(&e, NM_EIO, NM_KIND_MESSAGE, "the function given to WriteTo failed: %s",
               why != NULL ? why : "it returned false");
  return end_failed(L, 1, &e);
}

static int hand_step(lua_State *L, struct nm_job *job) {
  struct rendering *r = (struct rendering *)(void *)job;
  lua_settop(L, 5);
  if (!r->is_handed) {
    nm_content_answer(L, nm_pieces_waiting(r->source), 3);
  } else if (!lua_toboolean(L, 3)) {
    nm_scratch_release(L, 1);
    lua_settop(L, 4);
    return nm_drive_raise_value(L);
  } else if (is_refused(L, 4)) {
    return fail_refused(L, 5);
  }
  return go_on_handing(L, r, 1);
}

static int go_on_saving(lua_State *L, struct rendering *r, int i) {
  struct nm_error e = {0};
  int err;
  while ((err = nm_save_step(r->save, r->source, &e)) == NM_AGAIN) {
    if (nm_content_ask(L, nm_pieces_waiting(r->source))) {
      return nm_drive_call(L, i);
    }
  }
  if (err < 0) {
    return end_failed(L, i, &e);
  }
  lua_pushboolean(L, 1);
  return end(L, i, 1);
}

static int save_step(lua_State *L, struct nm_job *job) {
  struct rendering *r = (struct rendering *)(void *)job;
  nm_content_answer(L, nm_pieces_waiting(r->source), 3);
  return go_on_saving(L, r, 1);
}

static int check_write_to(lua_State *L) {
  nm_message_self(L, "WriteTo");
  if (lua_type(L, 2) != LUA_TFUNCTION && lua_type(L, 2) != LUA_TSTRING) {
    return nm_type_error(L, 2, "target", "path or function");
  }
  size_t n = 0;
  const char *path = lua_tolstring(L, 2, &n);
  if (path != NULL && strlen(path) != n) {
    return luaL_error(L, "bad value for 'target' (a path cannot contain NUL)");
  }
  return 0;
}

/* A function, or a path. */
static int is_target(lua_State *L, int i) {
  size_t n = 0;
  const char *path = lua_type(L, i) == LUA_TSTRING ? lua_tolstring(L, i, &n) : NULL;
  return lua_type(L, i) == LUA_TFUNCTION || (path != NULL && strlen(path) == n);
}

/// Writes the message as ToString gives it, piece by piece: a large attachment costs no memory.
// @function MailMessage:WriteTo
// @param target path of a file (written as a whole or not at all), or a function that is called with each piece (a string); when it returns
//   `false`, or `nil` and a text, writing ends; it may yield
// @treturn[1] boolean true
// @treturn[2] nil
// @treturn[2] string
// @treturn[2] table detail
int nm_message_m_write_to(lua_State *L) {
  lua_settop(L, 2);
  struct rendering *r = nm_scratch(L, sizeof *r, rendering_release);
  struct nm_message *m = nm_message_at(L, 1); /* now, as in ToString */
  if (m == NULL || !is_target(L, 2)) {
    return nm_drive_raise(L, check_write_to);
  }
  int is_path = lua_type(L, 2) == LUA_TSTRING;
  struct nm_error e = {0};
  int err = rendering_open(r, m, &e);
  if (err == 0 && is_path) {
    err = nm_save_begin(lua_tostring(L, 2), &r->save, &e);
  }
  if (err < 0) {
    return end_failed(L, 3, &e);
  }
  r->job.step = is_path ? save_step : hand_step;
  return is_path ? go_on_saving(L, r, 3) : go_on_handing(L, r, 3);
}
