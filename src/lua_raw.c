/// Messages as they are, and in pieces.
// @module netmail

#include "lua_content.h"
#include "lua_message.h"
#include "mime/split.h"
#include "now.h"

static int set_raw(lua_State *L, const char *method, struct nm_error *e) {
  nm_gc_pressure(L, nm_string_length(L, 2)); /* before the receiver is looked at: see nm_gc_announce */
  nm_class_self(L, &nm_message_class, method);
  lua_settop(L, 2);
  struct nm_content **raw = nm_content_scratch(L);
  int err = lua_isnil(L, 2) ? 0 : nm_to_stored_message(L, 2, "Raw", raw, e);
  struct nm_message *m = nm_class_self(L, &nm_message_class, method); /* now, as in ToString */
  err = err == 0 ? nm_message_set_raw(m, *raw, e) : err;
  nm_scratch_release(L, 3);
  lua_settop(L, 1);
  return err;
}

/// Sends a message that exists already as it is: octet by octet, but that a file whose lines all end in LF goes with CRLF. Resend puts
// its block before it. Who sends it to whom is still said by `From` (or `Sender`), `To`, `CC` and `Bcc` of this message, never by
// the bytes; its other properties are not looked at. To change such a message, or to send 8-bit text to a server without
// 8BITMIME, read it with `MailMessage.Parse`.
//
// Refused: bytes without a header; a Bcc field; NUL; lines over 998 octets; a bare CR, or LF among CRLF (what is signed in it
// would not stay good).
// @function MailMessage:Raw
// @param Bytes string, `{ Path = "file.eml" }`, or nil: no more
// @treturn MailMessage itself
int nm_message_m_raw(lua_State *L) {
  struct nm_error e = {0};
  return set_raw(L, "Raw", &e) < 0 ? nm_raise(L, &e) : 1;
}

/// As Raw, for bytes from strangers: what is refused is returned, not raised, and the message stays what it was.
// @function MailMessage:TryRaw
// @param Bytes as for Raw
// @treturn[1] MailMessage itself
// @treturn[2] nil
// @treturn[2] string what is wrong with the bytes
// @treturn[2] table detail
int nm_message_m_try_raw(lua_State *L) {
  struct nm_error e = {0};
  return set_raw(L, "TryRaw", &e) < 0 ? nm_push_failure(L, &e, NULL) : 1;
}

struct splitting {
  struct nm_now now;
  struct nm_list *list;
};

static void splitting_release(void *memory) {
  struct splitting *s = memory;
  nm_list_unref(&s->list);
  nm_now_free(&s->now);
}

/// The message as several of at most that many bytes each, which a reader joins again (message/partial, RFC 2046 5.2.2): for servers
// with a low limit. A message that is short enough stays one. Files are read now. Few readers of today join them.
// @function MailMessage:Split
// @int Bytes at least 4096
// @treturn[1] table MailMessage objects, to be sent one by one
// @treturn[2] nil
// @treturn[2] string
// @treturn[2] table detail
int nm_message_m_split(lua_State *L) {
  nm_class_self(L, &nm_message_class, "Split");
  size_t max = (size_t)nm_check_integer(L, 2, "Bytes", NM_SPLIT_MIN, 0x7fffffffL);
  lua_settop(L, 2);
  struct splitting *s = nm_scratch(L, sizeof *s, splitting_release);
  struct nm_message *m = nm_class_self(L, &nm_message_class, "Split");
  struct nm_error e = {0};
  s->list = nm_message_list_new();
  int err = s->list != NULL ? nm_now_take(&s->now, m, &e) : nm_error_nomem(&e);
  err = err == 0 ? nm_message_split(m, &s->now.stamp, max, s->list, &e) : err;
  if (err < 0) {
    int pushed = nm_push_failure(L, &e, NULL);
    nm_scratch_release(L, 3);
    return pushed;
  }
  lua_createtable(L, (int)s->list->n, 0);
  for (size_t i = 0; i < s->list->n; i++) {
    *nm_class_new_box(L, &nm_message_class) = nm_message_ref(s->list->items[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  nm_scratch_release(L, 3);
  return 1;
}
