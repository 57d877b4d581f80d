/// Messages that exist.
// @module netmail

#include "lua_content.h"
#include "lua_message.h"
#include "mime/parse.h"

/* One line is most likely the name of a file. */
static int hint(struct nm_content *content, int err, struct nm_error *e) {
  struct nm_str s = nm_content_bytes(content);
  if (s.p == NULL || s.n == 0 || memchr(s.p, '\n', s.n) != NULL) {
    return err;
  }
  return nm_error_set(e, err, NM_KIND_MESSAGE,
                      "this is not a message but one line; to read a file write { Path = \"file.eml\" }");
}

/* The message on the top of the stack. */
static int parse(lua_State *L, struct nm_error *e) {
  lua_settop(L, 1);
  struct nm_content **bytes = nm_content_scratch(L);
  int scratch = lua_gettop(L);
  void **box = nm_class_new_box(L, &nm_message_class);
  int at = lua_gettop(L);
  struct nm_message *m = NULL;
  int err = nm_to_stored_message(L, 1, "Parse", bytes, e);
  err = err == 0 ? nm_message_parse(*bytes, &m, e) : err;
  err = err == NM_EINVAL && *bytes != NULL ? hint(*bytes, err, e) : err;
  *box = m;
  nm_scratch_release(L, scratch);
  lua_settop(L, at);
  return err;
}

/// Reads a message that exists: an .eml file to resend or to change, a template.
// Its header fields become properties and Headers, its texts `Text` and `Html`, its files `Attachments`; a body of another shape
// than MailMessage writes becomes `RootPart`. What is not known is kept and written again as it was. Addresses and all
// else that people got wrong is read leniently. A structured field (addresses, a date, an id) that nobody can read is kept among
// Headers where its bytes may be sent, and is left out otherwise.
//
// A message within is a `Message` while all that are read as such have at most 2 octets for each of the whole and a MiB more, a text
// is text while all of it has at most 4 in UTF-8; beyond that they are parts with their octets.
// What is refused: no header field at all; more than 256 MiB; a header of more than 4 MiB, 1000 fields, or 100000 recipients in a list;
// more than 10000 parts or 50 levels of them; a field of text whose bytes cannot be sent (not ASCII, or a line of more than 998 octets)
// and that has more than 65536 octets, or a name of more than 70.
// @function MailMessage.Parse
// @param message string of bytes, or a table `{ Path = "file.eml" }`
// @treturn MailMessage
// @usage local m = netmail.MailMessage.Parse{ Path = "template.eml" }
int nm_message_parse_call(lua_State *L) {
  nm_gc_announce(L, &nm_message_class);
  struct nm_error e = {0};
  return parse(L, &e) < 0 ? nm_raise(L, &e) : 1;
}

/// As Parse, for messages of strangers: what cannot be read is returned, not raised.
// @function MailMessage.TryParse
// @param message as for Parse
// @treturn[1] MailMessage
// @treturn[2] nil
// @treturn[2] string what is wrong
// @treturn[2] table detail, `Kind` "message"
int nm_message_try_parse_call(lua_State *L) {
  nm_gc_announce(L, &nm_message_class);
  struct nm_error e = {0};
  return parse(L, &e) < 0 ? nm_push_failure(L, &e, NULL) : 1;
}
