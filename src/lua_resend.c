/// Resend.
// @module netmail

#include <time.h>

#include "lua_addr.h"
#include "lua_message.h"
#include "lua_message_fields.h"
#include "now.h"

static int put_addr(lua_State *L, struct nm_addr **slot, int i, const char *what, struct nm_error *e) {
  nm_addr_unref(slot);
  return nm_to_addr(L, i, what, slot, e);
}

static int put_resent_from(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_addr(L, &((struct nm_resent *)object)->from, i, "From", e);
}

static int put_resent_sender(lua_State *L, void *object, int i, struct nm_error *e) {
  return put_addr(L, &((struct nm_resent *)object)->sender, i, "Sender", e);
}

static int put_resent_to(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_assign_list(L, &nm_addr_list_class, ((struct nm_resent *)object)->to, i, e);
}

static int put_resent_cc(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_assign_list(L, &nm_addr_list_class, ((struct nm_resent *)object)->cc, i, e);
}

static int put_resent_bcc(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_assign_list(L, &nm_addr_list_class, ((struct nm_resent *)object)->bcc, i, e);
}

static int get_nothing(lua_State *L, void *object) {
  (void)object;
  lua_pushnil(L);
  return 1;
}

static void unref_resent(void *object) {
  struct nm_resent *r = object;
  nm_resent_unref(&r);
}

static int resent_to_string(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, "Resend");
  return 1;
}

/* Never seen by Lua: the names of Resend's table, and who owns the block until it has joined the message. */
static const struct nm_property resent_properties[] = {
    {"From", get_nothing, put_resent_from}, {"Sender", get_nothing, put_resent_sender},
    {"To", get_nothing, put_resent_to},     {"CC", get_nothing, put_resent_cc},
    {"Bcc", get_nothing, put_resent_bcc},   {NULL, NULL, NULL},
};

static const luaL_Reg no_methods[] = {{NULL, NULL}};

static const struct nm_class resent_class = {
    .name = "Resend",
    .registry = "netmail.Resend",
    .properties = resent_properties,
    .methods = no_methods,
    .unref = unref_resent,
    .to_string = resent_to_string,
};

static struct nm_resent *push_resent(lua_State *L) {
  void **box = nm_class_new_box(L, &resent_class);
  struct nm_resent *r = NULL;
  if (nm_resent_new(&r) != 0) {
    luaL_error(L, "out of memory");
  }
  *box = r;
  r->date = (int64_t)time(NULL);
  r->offset = nm_utc_offset(r->date);
  return r;
}

/// Sends the message on as it is: puts a block of Resent- fields (date, message id and what is given) on top of it (RFC 5322
// 3.6.6). From then on it is sent by `Sender` or `From` of this block to its recipients and to nobody else; the message's own
// From, To, CC and Bcc stay what its reader sees. Its MessageId and Date should be set, so that they stay, too.
// @function MailMessage:Resend
// @tparam table Fields `From` and at least one of `To`, `CC`, `Bcc`; `Sender`; each as in a message. Bad content raises
// @return the message
int nm_message_m_resend(lua_State *L) {
  nm_message_self(L, "Resend");
  if (lua_type(L, 2) != LUA_TTABLE) {
    return nm_type_error(L, 2, "Resend", "table");
  }
  lua_settop(L, 2);
  struct nm_resent *r = push_resent(L);
  struct nm_error e = {0};
  int err = nm_class_set_all(L, &resent_class, r, 2, NULL, &e);
  struct nm_message *m = nm_message_self(L, "Resend"); /* behind all that allocates: see ToString */
  if (err < 0 || nm_message_resend(m, r, &e) < 0) {
    return nm_raise(L, &e);
  }
  lua_settop(L, 1);
  return 1;
}

void nm_open_resend(lua_State *L) {
  nm_class_register(L, &resent_class);
}
