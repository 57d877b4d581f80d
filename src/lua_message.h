#ifndef NM_LUA_MESSAGE_H
#define NM_LUA_MESSAGE_H

#include "lua_util.h"
#include "mime/message.h"

NM_HIDDEN_BEGIN

extern const struct nm_class nm_message_class;

/* What is sent and written, at i: a MailMessage, or what a template made (lua_template.h); else NULL. */
struct nm_message *nm_message_at(lua_State *L, int i);
/* Likewise, as nm_class_self. */
struct nm_message *nm_message_self(lua_State *L, const char *method);
/* Pushes the class table netmail.MailMessage. */
void nm_open_message(lua_State *L);
/* MailMessage:ToString and MailMessage:WriteTo (lua_render.c). */
int nm_message_m_to_string(lua_State *L);
int nm_message_m_write_to(lua_State *L);
/* MailMessage.Parse and MailMessage.TryParse (lua_parse.c). */
int nm_message_parse_call(lua_State *L);
int nm_message_try_parse_call(lua_State *L);

/* MailMessage:Raw and MailMessage:Split (lua_raw.c). */
int nm_message_m_raw(lua_State *L);
int nm_message_m_try_raw(lua_State *L);
int nm_message_m_split(lua_State *L);

/* MailMessage:EmbedImages (lua_html.c). */
int nm_message_m_embed_images(lua_State *L);

NM_HIDDEN_END

#endif
