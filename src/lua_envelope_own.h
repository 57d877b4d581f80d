#ifndef NM_LUA_ENVELOPE_OWN_H
#define NM_LUA_ENVELOPE_OWN_H

#include "lua_envelope.h"
#include "lua_words.h"

/* Between the files lua_envelope*.c. */
static inline struct nm_send_options *options(void *object) {
  return object;
}

NM_HIDDEN_BEGIN

/* nil, and false where that is no value: nothing is said. */
int nm_option_is_unsaid(lua_State *L, int i);
int nm_option_no_default(lua_State *L, const char *name, const char *why);
void nm_option_check_one_message(lua_State *L, const struct nm_send_options *o, int i, const char *name);
/* What a core function says in the RFC's words, under the name of the option. */
int nm_option_named(const char *name, int err, const struct nm_error *why, struct nm_error *e);

/* The properties: lua_envelope_rcpt.c has sender and recipients, lua_envelope_mail.c the parameters of MAIL. */
int nm_option_get_from(lua_State *L, void *object);
int nm_option_set_from(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_to(lua_State *L, void *object);
int nm_option_set_to(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_ret(lua_State *L, void *object);
int nm_option_set_ret(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_envid(lua_State *L, void *object);
int nm_option_set_envid(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_notify(lua_State *L, void *object);
int nm_option_set_notify(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_orcpt(lua_State *L, void *object);
int nm_option_set_orcpt(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_require_tls(lua_State *L, void *object);
int nm_option_set_require_tls(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_by(lua_State *L, void *object);
int nm_option_set_by(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_hold_for(lua_State *L, void *object);
int nm_option_set_hold_for(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_hold_until(lua_State *L, void *object);
int nm_option_set_hold_until(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_priority(lua_State *L, void *object);
int nm_option_set_priority(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_if_offered(lua_State *L, void *object);
int nm_option_set_if_offered(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_all_or_nothing(lua_State *L, void *object);
int nm_option_set_all_or_nothing(lua_State *L, void *object, int i, struct nm_error *e);
int nm_option_get_chunking(lua_State *L, void *object);
int nm_option_set_chunking(lua_State *L, void *object, int i, struct nm_error *e);

NM_HIDDEN_END

#endif
