#ifndef NM_LUA_MESSAGE_HEAD_H
#define NM_LUA_MESSAGE_HEAD_H

#include "lua_util.h"

/* The properties of MailMessage that say who writes to whom, and what about. */

/* X(name in Lua, name here) */
#define NM_MESSAGE_HEAD(X)                                                                                   \
  X("From", from)                                                                                            \
  X("From_", from)                                                                                           \
  X("Sender", sender)                                                                                        \
  X("ReplyTo", reply_to)                                                                                     \
  X("ReplyToList", reply_to_list)                                                                            \
  X("To", to)                                                                                                \
  X("To_", to)                                                                                               \
  X("CC", cc)                                                                                                \
  X("Bcc", bcc)                                                                                              \
  X("Subject", subject)                                                                                      \
  X("Priority", priority)

/* For these and those of lua_message_fields.h: the entry in a class. */
#define NM_MESSAGE_PROPERTY(property, name) {property, nm_message_get_##name, nm_message_put_##name},

/* A list property is the collection itself; assigning replaces what it holds. */
#define NM_MESSAGE_LIST(linkage, name, field, list_class)                                                    \
  linkage nm_message_get_##name(lua_State *L, void *object) {                                                \
    nm_push_list(L, &(list_class), ((struct nm_message *)object)->field);                                    \
    return 1;                                                                                                \
  }                                                                                                          \
  linkage nm_message_put_##name(lua_State *L, void *object, int i, struct nm_error *e) {                     \
    return nm_assign_list(L, &(list_class), ((struct nm_message *)object)->field, i, e);                     \
  }

NM_HIDDEN_BEGIN

#define NM_MESSAGE_HEAD_DECLARE(name)                                                                        \
  int nm_message_get_##name(lua_State *L, void *object);                                                     \
  int nm_message_put_##name(lua_State *L, void *object, int i, struct nm_error *e);
NM_MESSAGE_HEAD_DECLARE(from)
NM_MESSAGE_HEAD_DECLARE(sender)
NM_MESSAGE_HEAD_DECLARE(reply_to)
NM_MESSAGE_HEAD_DECLARE(reply_to_list)
NM_MESSAGE_HEAD_DECLARE(to)
NM_MESSAGE_HEAD_DECLARE(cc)
NM_MESSAGE_HEAD_DECLARE(bcc)
NM_MESSAGE_HEAD_DECLARE(subject)
NM_MESSAGE_HEAD_DECLARE(priority)
#undef NM_MESSAGE_HEAD_DECLARE

NM_HIDDEN_END

#endif
