/// The envelope and the extensions that one send asks for: the second argument of `Send`, and `SmtpClient.SendOptions`.
// @module netmail

#include "lua_envelope.h"

#include "lua_addr.h"
#include "recipient.h"
#include "smtp/moment.h"

static struct nm_send_options *options(void *object) {
  return object;
}

/* nil, and false where that is no value: nothing is said. */
static int is_unsaid(lua_State *L, int i) {
  return lua_isnil(L, i) || (lua_isboolean(L, i) && !lua_toboolean(L, i));
}

static int no_default(lua_State *L, const char *name, const char *why) {
  return luaL_error(L, "%s cannot be a client's default: %s", name, why);
}

static void check_one_message(lua_State *L, const struct nm_send_options *o, int i, const char *name) {
  if (o->is_default && !is_unsaid(L, i)) {
    no_default(L, name, "it belongs to one message; give it to Send");
  }
}

/* What a core function says in the RFC's words, under the name of the option. */
static int named(const char *name, int err, const struct nm_error *why, struct nm_error *e) {
  return err == NM_ENOMEM ? nm_error_nomem(e)
                          : nm_error_set(e, err, NM_KIND_MESSAGE, "%s: %s", name, why->text);
}

/* ---- words ---- */

struct word {
  const char *text;
  int value;
};

/* The value of the word at i, without case; a word that is not in the table (which ends with NULL) raises. */
static int check_word(lua_State *L, int i, const char *what, const struct word *words, const char *expected) {
  if (lua_type(L, i) != LUA_TSTRING) {
    nm_type_error(L, i, what, expected);
  }
  struct nm_str s = nm_check_string(L, i, what);
  while (words->text != NULL && !nm_str_ieq(s, nm_str_c(words->text))) {
    words++;
  }
  if (words->text == NULL) {
    luaL_error(L, "bad value for '%s' (%s expected, got \"%s\")", what, expected, s.p);
  }
  return words->value;
}

/* A word, or an array of words, as bits. */
static unsigned check_words(lua_State *L, int i, const char *what, const struct word *words,
                            const char *expected) {
  if (lua_type(L, i) != LUA_TTABLE) {
    return (unsigned)check_word(L, i, what, words, expected);
  }
  unsigned bits = 0;
  size_t n = nm_check_array(L, i, what);
  for (size_t k = 1; k <= n; k++) {
    lua_rawgeti(L, i, (int)k);
    bits |= (unsigned)check_word(L, -1, what, words, expected);
    lua_pop(L, 1);
  }
  return bits;
}

static void push_word(lua_State *L, const struct word *words, int value) {
  while (words->text != NULL && words->value != value) {
    words++;
  }
  lua_pushstring(L, words->text); /* NULL pushes nil */
}

/* An array of the words whose bits are set; nil for none. */
static void push_words(lua_State *L, const struct word *words, unsigned bits) {
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

/* Raises for a key of the table at i that is not in the list of names. */
static void check_keys(lua_State *L, int i, const char *what, const char *const *names, const char *listed) {
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    const char *const *name = names;
    while (*name != NULL && strcmp(*name, key) != 0) {
      name++;
    }
    if (*name == NULL) {
      luaL_error(L, "%s has no field '%s'; it takes %s", what, key, listed);
    }
  }
}

/* ---- From ---- */

static int get_from(lua_State *L, void *object) {
  const struct nm_send_options *o = object;
  if (o->has_from && o->from == NULL) {
    lua_pushboolean(L, 0);
  } else {
    nm_push_addr(L, o->from);
  }
  return 1;
}

/* "" and "<>" as they stand in MAIL FROM and in Return-Path. */
static int is_null_path(lua_State *L, int i) {
  if (lua_type(L, i) == LUA_TBOOLEAN) {
    return !lua_toboolean(L, i);
  }
  if (lua_type(L, i) != LUA_TSTRING) {
    return 0;
  }
  struct nm_str s = nm_check_string(L, i, "From");
  return s.n == 0 || nm_str_eq(s, NM_STR("<>"));
}

static int set_from(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_send_options *o = object;
  struct nm_addr *from = NULL;
  int is_null = is_null_path(L, i);
  if (!lua_isnil(L, i) && !is_null) {
    if (lua_type(L, i) != LUA_TSTRING && nm_class_test(L, &nm_addr_class, i) == NULL) {
      return nm_type_error(L, i, "From", "MailAddress, string or false");
    }
    struct nm_error why;
    int err = nm_to_addr(L, i, "From", &from, &why);
    if (err < 0) {
      return named("From", err, &why, e);
    }
  }
  nm_addr_unref(&o->from);
  o->from = from;
  o->has_from = is_null || from != NULL;
  return 0;
}

/* ---- Notify, OriginalRecipient ---- */

static const struct word notify_words[] = {{"never", NM_NOTIFY_NEVER},
                                           {"success", NM_NOTIFY_SUCCESS},
                                           {"failure", NM_NOTIFY_FAILURE},
                                           {"delay", NM_NOTIFY_DELAY},
                                           {NULL, 0}};

/* 0: not said. */
static unsigned check_notify(lua_State *L, int i) {
  static const char expected[] = "\"never\", or any of \"success\", \"failure\" and \"delay\"";
  if (is_unsaid(L, i)) {
    return 0;
  }
  unsigned bits = check_words(L, i, "Notify", notify_words, expected);
  if (bits == 0 || ((bits & NM_NOTIFY_NEVER) != 0 && bits != NM_NOTIFY_NEVER)) {
    luaL_error(L, "bad value for 'Notify' (%s expected)", expected);
  }
  return bits;
}

static int get_notify(lua_State *L, void *object) {
  push_words(L, notify_words, options(object)->notify);
  return 1;
}

static int set_notify(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  options(object)->notify = check_notify(L, i);
  return 0;
}

/* A MailAddress, or text: whatever the sender's user knew the recipient by. n == 0: not said. */
static struct nm_str check_orcpt(lua_State *L, int i) {
  const struct nm_addr *a = nm_class_test(L, &nm_addr_class, i);
  if (a != NULL) {
    return nm_addr_is_utf8(a) ? a->address : a->spec;
  }
  if (is_unsaid(L, i)) {
    return nm_str("", 0);
  }
  if (lua_type(L, i) != LUA_TSTRING) {
    nm_type_error(L, i, "OriginalRecipient", "MailAddress or string");
  }
  return nm_check_string(L, i, "OriginalRecipient");
}

static int get_orcpt(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&options(object)->orcpt));
}

static int set_orcpt(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_error why;
  check_one_message(L, object, i, "OriginalRecipient");
  int err = nm_send_options_set_orcpt(object, check_orcpt(L, i), &why);
  return err == 0 ? 0 : named("OriginalRecipient", err, &why, e);
}

/* ---- To ---- */

/* What reading a value as recipients owns until it is done. */
struct reading {
  struct nm_list *to;    /* struct nm_recipient */
  struct nm_list *addrs; /* of one text */
};

static void release_reading(void *memory) {
  struct reading *r = memory;
  nm_list_unref(&r->to);
  nm_list_unref(&r->addrs);
}

static int add_addrs(struct reading *r, const struct nm_list *addrs, struct nm_error *e) {
  int err = 0;
  for (size_t i = 0; i < addrs->n && err == 0; i++) {
    err = nm_recipient_list_add(r->to, addrs->items[i], e);
  }
  return err;
}

static int add_text(struct reading *r, struct nm_str text, struct nm_error *e) {
  nm_list_clear(r->addrs);
  int err = nm_addr_parse_list(text, r->addrs, e);
  return err == 0 ? add_addrs(r, r->addrs, e) : err;
}

/* { Address = …, Notify = …, OriginalRecipient = … }; i is absolute. */
static int add_table(lua_State *L, struct reading *r, int i, struct nm_error *e) {
  static const char *const names[] = {"Address", "Notify", "OriginalRecipient", NULL};
  check_keys(L, i, "a recipient in To", names, "Address, Notify and OriginalRecipient");
  int address = nm_push_field(L, i, "Address");
  unsigned notify = check_notify(L, nm_push_field(L, i, "Notify"));
  struct nm_str orcpt = check_orcpt(L, nm_push_field(L, i, "OriginalRecipient"));
  struct nm_recipient *one = NULL;
  struct nm_addr *a = NULL;
  int err = nm_to_addr(L, address, "To", &a, e);
  if (err < 0) {
    return err;
  }
  err = nm_recipient_new(a, notify, orcpt, &one, e);
  nm_addr_unref(&a);
  if (err != 0) {
    return err;
  }
  err = nm_list_add(r->to, one);
  nm_recipient_unref(&one);
  return nm_list_error(r->to, err, e);
}

/* One value that stands for recipients; i is absolute. */
static int add_value(lua_State *L, struct reading *r, int i, struct nm_error *e) {
  struct nm_addr *a = nm_class_test(L, &nm_addr_class, i);
  struct nm_list *list = nm_class_test(L, &nm_addr_list_class.class, i);
  if (a != NULL) {
    return nm_recipient_list_add(r->to, a, e);
  }
  if (list != NULL) {
    return add_addrs(r, list, e);
  }
  switch (lua_type(L, i)) {
    case LUA_TSTRING:
      return add_text(r, nm_check_string(L, i, "To"), e);
    case LUA_TTABLE:
      return add_table(L, r, i, e);
    default:
      return nm_type_error(L, i, "To", "MailAddress, MailAddressCollection, string or table");
  }
}

static int add_array(lua_State *L, struct reading *r, int i, struct nm_error *e) {
  size_t n = nm_check_array(L, i, "To");
  int top = lua_gettop(L), err = 0;
  for (size_t k = 1; k <= n && err == 0; k++) {
    lua_rawgeti(L, i, (int)k);
    err = add_value(L, r, top + 1, e);
    lua_settop(L, top);
  }
  return err;
}

static int set_to(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_send_options *o = object;
  i = lua_absindex(L, i);
  if (is_unsaid(L, i)) {
    nm_list_unref(&o->to);
    return 0;
  }
  struct reading *r = nm_scratch(L, sizeof *r, release_reading);
  int at = lua_gettop(L);
  r->to = nm_recipient_list_new();
  r->addrs = nm_addr_list_new();
  if (r->to == NULL || r->addrs == NULL) {
    return nm_error_nomem(e);
  }
  int is_array = lua_type(L, i) == LUA_TTABLE && !nm_has_field(L, i, "Address");
  struct nm_error why;
  int err = is_array ? add_array(L, r, i, &why) : add_value(L, r, i, &why);
  if (err != 0) {
    err = named("To", err, &why, e);
  } else {
    nm_list_unref(&o->to);
    o->to = r->to;
    r->to = NULL;
  }
  nm_scratch_release(L, at);
  return err;
}

static void push_recipient(lua_State *L, const struct nm_recipient *r) {
  lua_newtable(L);
  nm_push_addr(L, r->addr);
  lua_setfield(L, -2, "Address");
  push_words(L, notify_words, r->notify);
  lua_setfield(L, -2, "Notify");
  if (r->orcpt.n > 0) {
    nm_set_field_str(L, "OriginalRecipient", r->orcpt);
  }
}

static int get_to(lua_State *L, void *object) {
  const struct nm_list *to = options(object)->to;
  if (to == NULL) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  for (size_t i = 0; i < to->n; i++) {
    push_recipient(L, to->items[i]);
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

/* ---- parameters of MAIL ---- */

static int get_envid(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&options(object)->envid));
}

static int set_envid(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_error why;
  check_one_message(L, object, i, "EnvelopeId");
  struct nm_str text = is_unsaid(L, i) ? nm_str("", 0) : nm_check_string(L, i, "EnvelopeId");
  int err = nm_send_options_set_envid(object, text, &why);
  return err == 0 ? 0 : named("EnvelopeId", err, &why, e);
}

/* Keeps what was changed in a copy, if it is right. */
static int keep(struct nm_send_options *o, const struct nm_mail_options *changed, const char *name,
                struct nm_error *e) {
  struct nm_error why;
  int err = nm_send_options_set_mail(o, changed, &why);
  return err == 0 ? 0 : named(name, err, &why, e);
}

static const struct word ret_words[] = {{"full", NM_RET_FULL}, {"headers", NM_RET_HDRS}, {NULL, 0}};

static int get_ret(lua_State *L, void *object) {
  push_word(L, ret_words, (int)options(object)->mail.ret);
  return 1;
}

static int set_ret(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  mail.ret = NM_RET_DEFAULT;
  if (!is_unsaid(L, i)) {
    mail.ret = (enum nm_ret)check_word(L, i, "Ret", ret_words, "\"full\" or \"headers\"");
  }
  return keep(object, &mail, "Ret", e);
}

static int get_require_tls(lua_State *L, void *object) {
  lua_pushboolean(L, options(object)->mail.require_tls);
  return 1;
}

static int set_require_tls(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  options(object)->mail.require_tls = !lua_isnil(L, i) && nm_check_boolean(L, i, "RequireTls");
  return 0;
}

static const struct word by_words[] = {{"notify", NM_BY_NOTIFY}, {"return", NM_BY_RETURN}, {NULL, 0}};

static int get_by(lua_State *L, void *object) {
  const struct nm_mail_options *mail = &options(object)->mail;
  if (mail->by == NM_BY_NONE) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  lua_pushinteger(L, mail->by_seconds);
  lua_setfield(L, -2, "Seconds");
  push_word(L, by_words, (int)mail->by);
  lua_setfield(L, -2, "Mode");
  lua_pushboolean(L, mail->by_trace);
  lua_setfield(L, -2, "Trace");
  return 1;
}

/* { Seconds = …, Mode = …, Trace = … } at the absolute index i. */
static void check_by(lua_State *L, int i, struct nm_mail_options *mail) {
  static const char *const names[] = {"Seconds", "Mode", "Trace", NULL};
  if (lua_type(L, i) != LUA_TTABLE) {
    nm_type_error(L, i, "DeliverBy", "table with Seconds, Mode and Trace");
  }
  check_keys(L, i, "DeliverBy", names, "Seconds, Mode and Trace");
  mail->by_seconds = (int32_t)nm_check_integer(L, nm_push_field(L, i, "Seconds"), "DeliverBy.Seconds",
                                               -NM_BY_SECONDS_MAX, NM_BY_SECONDS_MAX);
  mail->by = (enum nm_by)check_word(L, nm_push_field(L, i, "Mode"), "DeliverBy.Mode", by_words,
                                    "\"notify\" or \"return\"");
  int trace = nm_push_field(L, i, "Trace");
  mail->by_trace = !lua_isnil(L, trace) && nm_check_boolean(L, trace, "DeliverBy.Trace");
}

static int set_by(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  i = lua_absindex(L, i);
  mail.by = NM_BY_NONE;
  mail.by_trace = 0;
  if (!is_unsaid(L, i)) {
    check_by(L, i, &mail);
  }
  return keep(object, &mail, "DeliverBy", e);
}

static int push_hold(lua_State *L, const struct nm_mail_options *mail, enum nm_hold hold) {
  if (mail->hold != hold) {
    lua_pushnil(L);
  } else {
#if LUA_VERSION_NUM < 503
    lua_pushnumber(L, (lua_Number)mail->hold_value);
#else
    lua_pushinteger(L, (lua_Integer)mail->hold_value);
#endif
  }
  return 1;
}

static int get_hold_for(lua_State *L, void *object) {
  return push_hold(L, &options(object)->mail, NM_HOLD_FOR);
}

static int get_hold_until(lua_State *L, void *object) {
  return push_hold(L, &options(object)->mail, NM_HOLD_UNTIL);
}

/* false where a default is to be taken back. */
static int set_hold_for(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  if (!is_unsaid(L, i)) {
    mail.hold_value = nm_check_integer(L, i, "HoldFor", 1, NM_HOLD_SECONDS_MAX);
    mail.hold = NM_HOLD_FOR;
  } else if (mail.hold == NM_HOLD_FOR) {
    mail.hold = NM_HOLD_NONE;
  }
  return keep(object, &mail, "HoldFor", e);
}

static int read_moment(lua_State *L, int i, int64_t *out, struct nm_error *e) {
  if (lua_type(L, i) == LUA_TSTRING) {
    struct nm_str s = nm_check_string(L, i, "HoldUntil");
    return nm_moment_read(s, out) == 0
               ? 0
               : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                              "HoldUntil: \"%.*s\" is no moment from 1970 on; write it as "
                              "2026-11-22T02:52:45+03:00 (RFC 3339), or give the seconds since 1970",
                              nm_shown(s, 100), s.p);
  }
  if (lua_type(L, i) != LUA_TNUMBER) {
    return nm_type_error(L, i, "HoldUntil", "number of seconds since 1970, or string");
  }
  lua_Number n = lua_tonumber(L, i);
  if (!(n >= 1 && n <= (lua_Number)NM_MOMENT_MAX) || (lua_Number)(int64_t)n != n) {
    return luaL_error(
        L, "bad value for 'HoldUntil' (a whole number of seconds since 1970, up to the year 9999, expected)");
  }
  *out = (int64_t)n;
  return 0;
}

static int set_hold_until(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  check_one_message(L, object, i, "HoldUntil");
  if (!is_unsaid(L, i)) {
    int err = read_moment(L, i, &mail.hold_value, e);
    if (err != 0) {
      return err;
    }
    mail.hold = NM_HOLD_UNTIL;
  } else if (mail.hold == NM_HOLD_UNTIL) {
    mail.hold = NM_HOLD_NONE;
  }
  return keep(object, &mail, "HoldUntil", e);
}

static int get_priority(lua_State *L, void *object) {
  const struct nm_mail_options *mail = &options(object)->mail;
  if (mail->has_priority) {
    lua_pushinteger(L, mail->priority);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int set_priority(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  mail.has_priority = !is_unsaid(L, i);
  mail.priority = 0;
  if (mail.has_priority) {
    mail.priority = (int)nm_check_integer(L, i, "TransferPriority", -NM_PRIORITY_MAX, NM_PRIORITY_MAX);
  }
  return keep(object, &mail, "TransferPriority", e);
}

/* ---- how it is sent ---- */

static const struct word extension_words[] = {{"DSN", NM_CAP_DSN},
                                              {"REQUIRETLS", NM_CAP_REQUIRETLS},
                                              {"DELIVERBY", NM_CAP_DELIVERBY},
                                              {"FUTURERELEASE", NM_CAP_FUTURERELEASE},
                                              {"MT-PRIORITY", NM_CAP_MT_PRIORITY},
                                              {NULL, 0}};
#define ALL_EXTENSIONS                                                                                       \
  (NM_CAP_DSN | NM_CAP_REQUIRETLS | NM_CAP_DELIVERBY | NM_CAP_FUTURERELEASE | NM_CAP_MT_PRIORITY)

static int get_if_offered(lua_State *L, void *object) {
  push_words(L, extension_words, options(object)->mail.if_offered);
  return 1;
}

static int set_if_offered(lua_State *L, void *object, int i, struct nm_error *e) {
  unsigned bits = 0;
  (void)e;
  if (lua_isboolean(L, i)) {
    bits = lua_toboolean(L, i) ? ALL_EXTENSIONS : 0;
  } else if (!lua_isnil(L, i)) {
    bits = check_words(L, i, "IfOffered", extension_words,
                       "true, or any of \"DSN\", \"REQUIRETLS\", \"DELIVERBY\", \"FUTURERELEASE\" and "
                       "\"MT-PRIORITY\"");
  }
  options(object)->mail.if_offered = bits;
  return 0;
}

static int get_all_or_nothing(lua_State *L, void *object) {
  int said = options(object)->all_or_nothing;
  if (said < 0) {
    lua_pushnil(L);
  } else {
    lua_pushboolean(L, said);
  }
  return 1;
}

static int set_all_or_nothing(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_send_options *o = object;
  (void)e;
  if (o->is_default && !lua_isnil(L, i)) {
    no_default(L, "AllOrNothing", "set the client's property of that name");
  }
  o->all_or_nothing = lua_isnil(L, i) ? -1 : nm_check_boolean(L, i, "AllOrNothing");
  return 0;
}

static const struct word chunking_words[] = {{"offered", NM_CHUNKING_OFFERED},
                                             {"after_rcpt", NM_CHUNKING_AFTER_RCPT},
                                             {"off", NM_CHUNKING_OFF},
                                             {NULL, 0}};

static int get_chunking(lua_State *L, void *object) {
  push_word(L, chunking_words, (int)options(object)->chunking);
  return 1;
}

static int set_chunking(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  options(object)->chunking = lua_isnil(L, i)
                                  ? NM_CHUNKING_OFFERED
                                  : (enum nm_chunking)check_word(L, i, "Chunking", chunking_words,
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
//   of those and of tables `{ Address = …, Notify = …, OriginalRecipient = … }`. The header stays as it is
// @field Ret `"full"` or `"headers"`: what a report of failure brings back (RFC 3461)
// @field EnvelopeId a text that reports repeat, up to 100 printable ASCII characters (RFC 3461); not a default
// @field Notify `"never"`, or any of `"success"`, `"failure"`, `"delay"`, one or in an array: when a report is wanted (RFC 3461); of all
//   recipients that do not say it themselves
// @field OriginalRecipient the recipient's address as the author knew it (RFC 3461); not a default
// @field RequireTls true: every hop from here on uses TLS with verification, or the message comes back (RFC 8689). Needs `EnableSsl`. A
//   `TLS-Required: No` of the message counts for nothing then
// @field DeliverBy `{ Seconds = …, Mode = "notify" or "return", Trace = true or false }`: what is to happen when it was not delivered in
//   that time (RFC 2852)
// @field HoldFor seconds for which the server holds it back (RFC 4865)
// @field HoldUntil the moment until which it does: seconds since 1970, or an RFC 3339 text (RFC 4865); not a default
// @field TransferPriority −9 to 9: how urgently servers pass it on (MT-PRIORITY, RFC 6710). What readers see is `Message.Priority`
// @field IfOffered true, or names of `DSN`, `REQUIRETLS`, `DELIVERBY`, `FUTURERELEASE`, `MT-PRIORITY`: what is asked of these is left out
//   where the server does not offer them
// @field AllOrNothing as the client's property, for this send
// @field Chunking `"offered"` (default): BDAT where the server has CHUNKING (RFC 3030); `"after_rcpt"`: not before all recipients are
//   answered; `"off"`: DATA
static const struct nm_property properties[] = {
    {"From", get_from, set_from},
    {"To", get_to, set_to},
    {"Ret", get_ret, set_ret},
    {"EnvelopeId", get_envid, set_envid},
    {"Notify", get_notify, set_notify},
    {"OriginalRecipient", get_orcpt, set_orcpt},
    {"RequireTls", get_require_tls, set_require_tls},
    {"DeliverBy", get_by, set_by},
    {"HoldFor", get_hold_for, set_hold_for},
    {"HoldUntil", get_hold_until, set_hold_until},
    {"TransferPriority", get_priority, set_priority},
    {"IfOffered", get_if_offered, set_if_offered},
    {"AllOrNothing", get_all_or_nothing, set_all_or_nothing},
    {"Chunking", get_chunking, set_chunking},
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
  if (!is_unsaid(L, hold_for) && !is_unsaid(L, hold_until)) {
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
