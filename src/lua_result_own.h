#ifndef NM_LUA_RESULT_OWN_H
#define NM_LUA_RESULT_OWN_H

#include "lua_result.h"

/* Between the files lua_result*.c. */
enum {
  NM_FATES = 4,
  NM_REPLY_VALUES = 3,                  /* Code, EnhancedCode, Reply */
  NM_RCPT_VALUES = 2 + NM_REPLY_VALUES, /* Address, those, Temporary */
};

NM_HIDDEN_BEGIN

/* NM_REPLY_VALUES values; nil for a reply that never came. */
void nm_result_push_reply(lua_State *L, const struct nm_reply *r);

/* The answer that decided about r: the server's to it alone, or the one that refused it with all others. */
struct nm_reply nm_result_last_word(const struct nm_txn_result *txn, const struct nm_rcpt *r);
/* NM_RCPT_VALUES values. */
void nm_result_push_rcpt(lua_State *L, const struct nm_rcpt *rcpt, const struct nm_reply *word);
/* NM_FATES lists of recipients, in the order of enum nm_fate. */
void nm_result_push_recipients(lua_State *L, const struct nm_result *r);
/* The same, as fields of the table on the top. */
void nm_result_set_recipients(lua_State *L, const struct nm_result *r);
/* The warning that stands beside a result when somebody has not got the message. */
void nm_result_push_warning(lua_State *L, const struct nm_sent *s);

NM_HIDDEN_END

#endif
