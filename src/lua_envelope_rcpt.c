#include "lua_addr.h"
#include "lua_envelope_own.h"
#include "recipient.h"

/* SendOptions: who sends it, and to whom. */

/* ---- From ---- */

int nm_option_get_from(lua_State *L, void *object) {
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

int nm_option_set_from(lua_State *L, void *object, int i, struct nm_error *e) {
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
      return nm_option_named("From", err, &why, e);
    }
  }
  nm_addr_unref(&o->from);
  o->from = from;
  o->has_from = is_null || from != NULL;
  return 0;
}

/* ---- Notify, OriginalRecipient ---- */

static const struct nm_word notify_words[] = {{"never", NM_NOTIFY_NEVER},
                                              {"success", NM_NOTIFY_SUCCESS},
                                              {"failure", NM_NOTIFY_FAILURE},
                                              {"delay", NM_NOTIFY_DELAY},
                                              {NULL, 0}};

/* 0: not said. */
static unsigned check_notify(lua_State *L, int i) {
  static const char expected[] = "\"never\", or any of \"success\", \"failure\" and \"delay\"";
  if (nm_option_is_unsaid(L, i)) {
    return 0;
  }
  unsigned bits = nm_check_words(L, i, "Notify", notify_words, expected);
  if (bits == 0 || ((bits & NM_NOTIFY_NEVER) != 0 && bits != NM_NOTIFY_NEVER)) {
    luaL_error(L, "bad value for 'Notify' (%s expected)", expected);
  }
  return bits;
}

int nm_option_get_notify(lua_State *L, void *object) {
  nm_push_words(L, notify_words, options(object)->notify);
  return 1;
}

int nm_option_set_notify(lua_State *L, void *object, int i, struct nm_error *e) {
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
  if (nm_option_is_unsaid(L, i)) {
    return nm_str("", 0);
  }
  if (lua_type(L, i) != LUA_TSTRING) {
    nm_type_error(L, i, "OriginalRecipient", "MailAddress or string");
  }
  return nm_check_string(L, i, "OriginalRecipient");
}

int nm_option_get_orcpt(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&options(object)->orcpt));
}

int nm_option_set_orcpt(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_error why;
  nm_option_check_one_message(L, object, i, "OriginalRecipient");
  int err = nm_send_options_set_orcpt(object, check_orcpt(L, i), &why);
  return err == 0 ? 0 : nm_option_named("OriginalRecipient", err, &why, e);
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
  nm_check_keys(L, i, "a recipient in To", names, "Address, Notify and OriginalRecipient");
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

int nm_option_set_to(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_send_options *o = object;
  i = lua_absindex(L, i);
  if (nm_option_is_unsaid(L, i)) {
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
    err = nm_option_named("To", err, &why, e);
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
  nm_push_words(L, notify_words, r->notify);
  lua_setfield(L, -2, "Notify");
  if (r->orcpt.n > 0) {
    nm_set_field_str(L, "OriginalRecipient", r->orcpt);
  }
}

int nm_option_get_to(lua_State *L, void *object) {
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
