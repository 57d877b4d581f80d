#ifndef NM_LUA_RESULT_H
#define NM_LUA_RESULT_H

#include "client.h"
#include "lua_util.h"
#include "sent.h"

/* A message's sending that is over, whoever did it; all borrowed until the results are pushed. */
struct nm_result {
  const struct nm_client *client;
  const struct nm_sent *sent;
  int64_t begin;                 /* ms: when the work on it began; Total counts from there */
  struct nm_str message_id;      /* empty: it had none, or never came to have one */
  const struct nm_envelope *env; /* whom it was for, should it never have come to a transaction */
};

NM_HIDDEN_BEGIN

/* For `return`, what Send gives (lua_send.c): the table of results, and a warning or none; sent->error.code not 0: nil, text, and
   detail. */
int nm_result_push(lua_State *L, const struct nm_result *r);

/* The parts that the answers to questions have too. */
/* Code, EnhancedCode, Reply of the table on the top; nothing for a reply that never came. */
void nm_result_set_reply(lua_State *L, const struct nm_reply *r);
/* nil, text and detail; the detail, on the top, may be added to. */
int nm_result_push_failure(lua_State *L, const struct nm_client *c, const struct nm_sent *s,
                           enum nm_outcome outcome);

NM_HIDDEN_END

#endif
