/// The envelope and the extensions that one send asks for: the second argument of `Send`, and `SmtpClient.SendOptions`.
// @module netmail

#include "lua_envelope_own.h"

int nm_option_is_unsaid(lua_State *L, int i) {
  return lua_isnil(L, i) || (lua_isboolean(L, i) && !lua_toboolean(L, i));
}

int nm_option_no_default(lua_State *L, const char *name, const char *why) {
  return luaL_error(L, "%s cannot be a client's default: %s", name, why);
}

void nm_option_check_one_message(lua_State *L, const struct nm_send_options *o, int i, const char *name) {
  if (o->is_default && !nm_option_is_unsaid(L, i)) {
    nm_option_no_default(L, name, "it belongs to one message; give it to Send");
  }
}

int nm_option_named(const char *name, int err, const struct nm_error *why, struct nm_error *e) {
  return err == NM_ENOMEM ? nm_error_nomem(e)
                          : nm_error_set(e, err, NM_KIND_MESSAGE, "%s: %s", name, why->text);
}

/* ---- how it is sent ---- */

const struct nm_word nm_extension_words[] = {{"DSN", NM_CAP_DSN},
                                             {"REQUIRETLS", NM_CAP_REQUIRETLS},
                                             {"DELIVERBY", NM_CAP_DELIVERBY},
                                             {"FUTURERELEASE", NM_CAP_FUTURERELEASE},
                                             {"MT-PRIORITY", NM_CAP_MT_PRIORITY},
                                             {NULL, 0}};
#define ALL_EXTENSIONS                                                                                       \
  (NM_CAP_DSN | NM_CAP_REQUIRETLS | NM_CAP_DELIVERBY | NM_CAP_FUTURERELEASE | NM_CAP_MT_PRIORITY)

int nm_option_get_if_offered(lua_State *L, void *object) {
  nm_push_words(L, nm_extension_words, options(object)->mail.if_offered);
  return 1;
}

int nm_option_set_if_offered(lua_State *L, void *object, int i, struct nm_error *e) {
  unsigned bits = 0;
  (void)e;
  if (lua_isboolean(L, i)) {
    bits = lua_toboolean(L, i) ? ALL_EXTENSIONS : 0;
  } else if (!lua_isnil(L, i)) {
    bits = nm_check_words(L, i, "IfOffered", nm_extension_words,
                          "true, or any of \"DSN\", \"REQUIRETLS\", \"DELIVERBY\", \"FUTURERELEASE\" and "
                          "\"MT-PRIORITY\"");
  }
  options(object)->mail.if_offered = bits;
  return 0;
}

int nm_option_get_all_or_nothing(lua_State *L, void *object) {
  int said = options(object)->all_or_nothing;
  if (said < 0) {
    lua_pushnil(L);
  } else {
    lua_pushboolean(L, said);
  }
  return 1;
}

int nm_option_set_all_or_nothing(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_send_options *o = object;
  (void)e;
  if (o->is_default && !lua_isnil(L, i)) {
    nm_option_no_default(L, "AllOrNothing", "set the client's property of that name");
  }
  o->all_or_nothing = lua_isnil(L, i) ? -1 : nm_check_boolean(L, i, "AllOrNothing");
  return 0;
}

static const struct nm_word chunking_words[] = {{"offered", NM_CHUNKING_OFFERED},
                                                {"after_rcpt", NM_CHUNKING_AFTER_RCPT},
                                                {"off", NM_CHUNKING_OFF},
                                                {NULL, 0}};

int nm_option_get_chunking(lua_State *L, void *object) {
  nm_push_word(L, chunking_words, (int)options(object)->chunking);
  return 1;
}

int nm_option_set_chunking(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  options(object)->chunking = lua_isnil(L, i)
                                  ? NM_CHUNKING_OFFERED
                                  : (enum nm_chunking)nm_check_word(L, i, "Chunking", chunking_words,
                                                                    "\"offered\", \"after_rcpt\" or \"off\"");
  return 0;
}

/* ---- the class ---- */

/// What is asked for one send beside the message: a table as the second argument of `Client:Send`. What a client asks for each of
// its sends is in `Client.SendOptions`, an object with the same names (`Client.SendOptions.Ret = "headers"`,
// `Client.SendOptions = { From = "bounces@example.org", Notify = "failure" }`); what `Send` is given counts before that, and `false` there
// takes a default back.
//
// An unknown name and a value of a wrong type or word raise. Bad content (the syntax of an address, a date) is returned by `Send`, and
// raises where it is assigned to `SendOptions`. What a server does not offer is an error before anything is sent, unless `IfOffered` says
// otherwise: nobody learns afterwards that a report never comes.
// @table SendOptions
// @field From the envelope's sender, to whom reports of failure go: address or text; `""`, `"<>"` or `false`: the null sender
//   (RFC 5321 4.5.5), for messages that must never be answered. Default: the message's Sender, else its From
// @field To the envelope's recipients, instead of To, CC and Bcc of the message: a text with commas, an address, a collection, or an array
//   of those and of tables `{ Address = …, Notify = …, OriginalRecipient = … }`. The header stays as it is. One that is named twice gets one
//   RCPT, with every Notify that its namings have; `"never"` beside another and two OriginalRecipients are refused
// @field Ret `"full"` or `"headers"`: what a report of failure brings back (RFC 3461)
// @field EnvelopeId a text that reports repeat, up to 100 printable ASCII characters (RFC 3461); not a default
// @field Notify `"never"`, or any of `"success"`, `"failure"`, `"delay"`, one or in an array: when a report is wanted (RFC 3461); of all
//   recipients that do not say it themselves
// @field OriginalRecipient the recipient's address as the author knew it (RFC 3461), or what another server has written of it, with its
//   type (`"rfc822;user+2Bx@example.org"`); not a default
// @field RequireTls true: every hop from here on uses TLS with verification, or the message comes back (RFC 8689). Needs `EnableSsl`. A
//   `TLS-Required: No` of the message counts for nothing then
// @field DeliverBy `{ Seconds = …, Mode = "notify" or "return", Trace = true or false }`: what is to happen when it was not delivered in
//   that time (RFC 2852)
// @field HoldFor seconds for which the server holds it back (RFC 4865)
// @field HoldUntil the moment until which it does, which is to come: seconds since 1970, or an RFC 3339 text (RFC 4865); not a default
// @field TransferPriority −9 to 9: how urgently servers pass it on (MT-PRIORITY, RFC 6710). What readers see is `Message.Priority`
// @field IfOffered true, or names of `DSN`, `REQUIRETLS`, `DELIVERBY`, `FUTURERELEASE`, `MT-PRIORITY`: what is asked of these is left out
//   where the server does not offer them; `LeftOut` of what Send returns has their names
// @field AllOrNothing as the client's property, for this send
// @field Chunking `"offered"` (default): BDAT where the server has CHUNKING (RFC 3030); `"after_rcpt"`: not before all recipients are
//   answered; `"off"`: DATA
static const struct nm_property properties[] = {
    {"From", nm_option_get_from, nm_option_set_from},
    {"To", nm_option_get_to, nm_option_set_to},
    {"Ret", nm_option_get_ret, nm_option_set_ret},
    {"EnvelopeId", nm_option_get_envid, nm_option_set_envid},
    {"Notify", nm_option_get_notify, nm_option_set_notify},
    {"OriginalRecipient", nm_option_get_orcpt, nm_option_set_orcpt},
    {"RequireTls", nm_option_get_require_tls, nm_option_set_require_tls},
    {"DeliverBy", nm_option_get_by, nm_option_set_by},
    {"HoldFor", nm_option_get_hold_for, nm_option_set_hold_for},
    {"HoldUntil", nm_option_get_hold_until, nm_option_set_hold_until},
    {"TransferPriority", nm_option_get_priority, nm_option_set_priority},
    {"IfOffered", nm_option_get_if_offered, nm_option_set_if_offered},
    {"AllOrNothing", nm_option_get_all_or_nothing, nm_option_set_all_or_nothing},
    {"Chunking", nm_option_get_chunking, nm_option_set_chunking},
    {NULL, NULL, NULL},
};

static void *ref_options(void *object) {
  return nm_send_options_ref(object);
}

static void unref_options(void *object) {
  struct nm_send_options *o = object;
  nm_send_options_unref(&o);
}

static int options_to_string(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, "SendOptions");
  return 1;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};

static const struct nm_class options_class = {
    .name = "SendOptions",
    .registry = "netmail.SendOptions",
    .properties = properties,
    .methods = no_methods,
    .ref = ref_options,
    .unref = unref_options,
    .to_string = options_to_string,
};

static void check_one_hold(lua_State *L, int i) {
  int hold_for = nm_push_field(L, i, "HoldFor");
  int hold_until = nm_push_field(L, i, "HoldUntil");
  if (!nm_option_is_unsaid(L, hold_for) && !nm_option_is_unsaid(L, hold_until)) {
    luaL_error(L, "HoldFor and HoldUntil say the same in two ways; give one of them");
  }
  lua_pop(L, 2);
}

int nm_options_set(lua_State *L, struct nm_send_options *o, int i, struct nm_error *e) {
  i = lua_absindex(L, i);
  if (lua_type(L, i) != LUA_TTABLE) {
    return nm_type_error(L, i, "SendOptions", "table");
  }
  check_one_hold(L, i);
  return nm_class_set_all(L, &options_class, o, i, NULL, e);
}

static struct nm_send_options *new_default(lua_State *L) {
  struct nm_send_options *o = NULL;
  if (nm_send_options_new(&o) != 0) {
    luaL_error(L, "out of memory");
  }
  o->is_default = 1;
  return o;
}

int nm_options_get_property(lua_State *L, struct nm_send_options **slot) {
  if (*slot == NULL) {
    *slot = new_default(L);
  }
  nm_class_push(L, &options_class, *slot);
  return 1;
}

/* All of it or nothing: what is wrong changes nothing. */
int nm_options_set_property(lua_State *L, struct nm_send_options **slot, int i, struct nm_error *e) {
  i = lua_absindex(L, i);
  void **box = nm_class_new_box(L, &options_class);
  struct nm_send_options *o = new_default(L);
  *box = o;
  int err = lua_isnil(L, i) ? 0 : nm_options_set(L, o, i, e);
  if (err == 0 && *slot == NULL) {
    *slot = nm_send_options_ref(o);
    nm_class_know_box(L, o);
  } else if (err == 0) {
    nm_send_options_swap(*slot, o);
  }
  return err;
}

void nm_open_options(lua_State *L) {
  nm_class_register(L, &options_class);
}
