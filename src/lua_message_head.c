/// The properties of a message that say who writes to whom, and what about.
// @module netmail

#include "lua_message_head.h"

#include "lua_addr.h"
#include "mime/message.h"

static int set_addr(lua_State *L, struct nm_block *room, struct nm_addr **slot, int i, const char *what,
                    struct nm_error *e) {
  struct nm_addr *a = NULL;
  if (!lua_isnil(L, i)) {
    int err = nm_to_addr_in(L, i, what, room, &a, e);
    if (err < 0) {
      return err;
    }
  }
  nm_addr_unref(slot);
  *slot = a;
  return 0;
}

int nm_message_get_from(lua_State *L, void *object) {
  nm_push_addr(L, ((struct nm_message *)object)->from);
  return 1;
}

int nm_message_put_from(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_message *m = object;
  return set_addr(L, nm_message_room(m), &m->from, i, "From", e);
}

int nm_message_get_sender(lua_State *L, void *object) {
  nm_push_addr(L, ((struct nm_message *)object)->sender);
  return 1;
}

int nm_message_put_sender(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_message *m = object;
  return set_addr(L, nm_message_room(m), &m->sender, i, "Sender", e);
}

/* Fore has one address here; ReplyToList has them all. */
int nm_message_get_reply_to(lua_State *L, void *object) {
  const struct nm_list *list = ((struct nm_message *)object)->reply_to;
  nm_push_addr(L, list->n > 0 ? list->items[0] : NULL);
  return 1;
}

NM_MESSAGE_LIST(int, reply_to_list, reply_to, nm_addr_list_class)

int nm_message_put_reply_to(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_put_reply_to_list(L, object, i, e);
}

NM_MESSAGE_LIST(int, to, to, nm_addr_list_class)
NM_MESSAGE_LIST(int, cc, cc, nm_addr_list_class)
NM_MESSAGE_LIST(int, bcc, bcc, nm_addr_list_class)
int nm_message_get_subject(lua_State *L, void *object) {
  nm_push_str(L, nm_buf_str(&((struct nm_message *)object)->subject));
  return 1;
}

int nm_message_put_subject(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_message_set_subject(object, nm_opt_string(L, i, "Subject"), e);
}

int nm_message_get_priority(lua_State *L, void *object) {
  lua_pushinteger(L, (lua_Integer)((struct nm_message *)object)->priority);
  return 1;
}

int nm_message_put_priority(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  long v = nm_check_integer(L, i, "Priority (netmail.MailPriority)", NM_PRIORITY_HIGH, NM_PRIORITY_NORMAL);
  ((struct nm_message *)object)->priority = (enum nm_priority)v;
  return 0;
}
