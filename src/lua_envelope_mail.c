#include "lua_envelope_own.h"

#include <time.h>

#include "smtp/moment.h"

/* SendOptions: the parameters of MAIL. */

int nm_option_get_envid(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&options(object)->envid));
}

int nm_option_set_envid(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_error why;
  nm_option_check_one_message(L, object, i, "EnvelopeId");
  struct nm_str text = nm_option_is_unsaid(L, i) ? nm_str("", 0) : nm_check_string(L, i, "EnvelopeId");
  int err = nm_send_options_set_envid(object, text, &why);
  return err == 0 ? 0 : nm_option_named("EnvelopeId", err, &why, e);
}

/* Keeps what was changed in a copy, if it is right. */
static int keep(struct nm_send_options *o, const struct nm_mail_options *changed, const char *name,
                struct nm_error *e) {
  struct nm_error why;
  int err = nm_send_options_set_mail(o, changed, &why);
  return err == 0 ? 0 : nm_option_named(name, err, &why, e);
}

static const struct nm_word ret_words[] = {{"full", NM_RET_FULL}, {"headers", NM_RET_HDRS}, {NULL, 0}};

int nm_option_get_ret(lua_State *L, void *object) {
  nm_push_word(L, ret_words, (int)options(object)->mail.ret);
  return 1;
}

int nm_option_set_ret(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  mail.ret = NM_RET_DEFAULT;
  if (!nm_option_is_unsaid(L, i)) {
    mail.ret = (enum nm_ret)nm_check_word(L, i, "Ret", ret_words, "\"full\" or \"headers\"");
  }
  return keep(object, &mail, "Ret", e);
}

int nm_option_get_require_tls(lua_State *L, void *object) {
  lua_pushboolean(L, options(object)->mail.require_tls);
  return 1;
}

int nm_option_set_require_tls(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  options(object)->mail.require_tls = !lua_isnil(L, i) && nm_check_boolean(L, i, "RequireTls");
  return 0;
}

static const struct nm_word by_words[] = {{"notify", NM_BY_NOTIFY}, {"return", NM_BY_RETURN}, {NULL, 0}};

int nm_option_get_by(lua_State *L, void *object) {
  const struct nm_mail_options *mail = &options(object)->mail;
  if (mail->by == NM_BY_NONE) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  lua_pushinteger(L, mail->by_seconds);
  lua_setfield(L, -2, "Seconds");
  nm_push_word(L, by_words, (int)mail->by);
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
  nm_check_keys(L, i, "DeliverBy", names, "Seconds, Mode and Trace");
  mail->by_seconds = (int32_t)nm_check_integer(L, nm_push_field(L, i, "Seconds"), "DeliverBy.Seconds",
                                               -NM_BY_SECONDS_MAX, NM_BY_SECONDS_MAX);
  mail->by = (enum nm_by)nm_check_word(L, nm_push_field(L, i, "Mode"), "DeliverBy.Mode", by_words,
                                       "\"notify\" or \"return\"");
  int trace = nm_push_field(L, i, "Trace");
  mail->by_trace = !lua_isnil(L, trace) && nm_check_boolean(L, trace, "DeliverBy.Trace");
}

int nm_option_set_by(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  i = lua_absindex(L, i);
  mail.by = NM_BY_NONE;
  mail.by_trace = 0;
  if (!nm_option_is_unsaid(L, i)) {
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

int nm_option_get_hold_for(lua_State *L, void *object) {
  return push_hold(L, &options(object)->mail, NM_HOLD_FOR);
}

int nm_option_get_hold_until(lua_State *L, void *object) {
  return push_hold(L, &options(object)->mail, NM_HOLD_UNTIL);
}

/* false where a default is to be taken back. */
int nm_option_set_hold_for(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  if (!nm_option_is_unsaid(L, i)) {
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

/* What is past by our clock; a server would refuse it (RFC 4865 4), or send at once what was meant for another day. */
static int check_to_come(int64_t moment, struct nm_error *e) {
  if (moment > (int64_t)time(NULL)) {
    return 0;
  }
  struct nm_buf text = {.max = 64};
  nm_moment_add(&text, moment);
  int err =
      nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                   "HoldUntil: %s is past; give a moment to come, or a number of seconds from now as HoldFor",
                   text.err == 0 ? text.p : "the moment");
  nm_buf_free(&text);
  return err;
}

int nm_option_set_hold_until(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  nm_option_check_one_message(L, object, i, "HoldUntil");
  if (!nm_option_is_unsaid(L, i)) {
    int err = read_moment(L, i, &mail.hold_value, e);
    err = err == 0 ? check_to_come(mail.hold_value, e) : err;
    if (err != 0) {
      return err;
    }
    mail.hold = NM_HOLD_UNTIL;
  } else if (mail.hold == NM_HOLD_UNTIL) {
    mail.hold = NM_HOLD_NONE;
  }
  return keep(object, &mail, "HoldUntil", e);
}

int nm_option_get_priority(lua_State *L, void *object) {
  const struct nm_mail_options *mail = &options(object)->mail;
  if (mail->has_priority) {
    lua_pushinteger(L, mail->priority);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

int nm_option_set_priority(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_mail_options mail = options(object)->mail;
  mail.has_priority = !nm_option_is_unsaid(L, i);
  mail.priority = 0;
  if (mail.has_priority) {
    mail.priority = (int)nm_check_integer(L, i, "TransferPriority", -NM_PRIORITY_MAX, NM_PRIORITY_MAX);
  }
  return keep(object, &mail, "TransferPriority", e);
}
