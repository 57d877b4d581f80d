#ifndef NM_LUA_MESSAGE_FIELDS_H
#define NM_LUA_MESSAGE_FIELDS_H

#include "lua_util.h"

/* The properties of MailMessage that are header fields, and Resend. Headers is set before the others, which stand for one of them. */

/* X(name in Lua, name here) */
#define NM_MESSAGE_FIELDS(X)                                                                                 \
  X("MessageId", message_id)                                                                                 \
  X("Date", date)                                                                                            \
  X("InReplyTo", in_reply_to)                                                                                \
  X("References", references)                                                                                \
  X("Keywords", keywords)                                                                                    \
  X("Comments", comments)                                                                                    \
  X("AutoSubmitted", auto_submitted)                                                                         \
  X("TlsRequired", tls_required)                                                                             \
  X("ListUnsubscribe", list_unsubscribe)                                                                     \
  X("ListUnsubscribeOneClick", one_click)                                                                    \
  X("DispositionNotificationTo", notify)

NM_HIDDEN_BEGIN

#define NM_MESSAGE_FIELD_DECLARE(property, name)                                                             \
  int nm_message_get_##name(lua_State *L, void *object);                                                     \
  int nm_message_put_##name(lua_State *L, void *object, int i, struct nm_error *e);
NM_MESSAGE_FIELD_DECLARE("Headers", headers)
NM_MESSAGE_FIELDS(NM_MESSAGE_FIELD_DECLARE)
#undef NM_MESSAGE_FIELD_DECLARE

/* MailMessage:Resend (lua_resend.c). */
int nm_message_m_resend(lua_State *L);
void nm_open_resend(lua_State *L);
/* Makes the classes behind them known. */
void nm_open_message_fields(lua_State *L);

NM_HIDDEN_END

#endif
