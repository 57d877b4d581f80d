#include "lua_shape.h"

/* What a table is made of is said once: the usual result has its recipient and its times within it, so that one call makes all of it. */
#define RECIPIENT_ARGS "address, code, enhanced, reply, temporary"
#define RECIPIENT                                                                                            \
  "{ Address = address, Code = code, EnhancedCode = enhanced, Reply = reply, Temporary = temporary }"
#define TIMINGS_ARGS "connect, envelope, content, waited, total"
#define TIMINGS "{ Connect = connect, Envelope = envelope, Content = content, Reply = waited, Total = total }"
#define ANSWER_ARGS "last_code, last_enhanced, last_reply, queue_id, message_id"
#define RESULT(outcome, not_sent, rejected, accepted, unknown, left_out, timings)                            \
  "{ Outcome = " outcome                                                                                     \
  ", Code = last_code, EnhancedCode = last_enhanced, Reply = last_reply, QueueId = queue_id, "               \
  "MessageId = message_id, Accepted = " accepted ", Rejected = " rejected ", Unknown = " unknown             \
  ", NotSent = " not_sent ", LeftOut = " left_out ", Timings = " timings " }"
#define FUNCTION(args, table) "function(" args ") return " table " end"

#define MAKES_RECIPIENT FUNCTION(RECIPIENT_ARGS, RECIPIENT)
#define MAKES_TIMINGS FUNCTION(TIMINGS_ARGS, TIMINGS)
#define MAKES_RESULT                                                                                         \
  FUNCTION("outcome, " ANSWER_ARGS ", not_sent, rejected, accepted, unknown, left_out, timings",             \
           RESULT("outcome", "not_sent", "rejected", "accepted", "unknown", "left_out", "timings"))
#define MAKES_USUAL                                                                                          \
  FUNCTION(ANSWER_ARGS ", " RECIPIENT_ARGS ", " TIMINGS_ARGS,                                                \
           RESULT("'accepted'", "{}", "{}", "{ " RECIPIENT " }", "{}", "{}", TIMINGS))

static const char source[] = "return " MAKES_RECIPIENT ", " MAKES_TIMINGS ", " MAKES_RESULT ", " MAKES_USUAL;

/* They are in the registry, by these addresses. */
static const char keys[NM_SHAPES];

static void load(lua_State *L) {
  if (luaL_loadbuffer(L, source, sizeof source - 1, "=netmail") != 0) {
    lua_error(L);
  }
  lua_call(L, 0, NM_SHAPES);
  for (int i = NM_SHAPES - 1; i >= 0; i--) {
    lua_rawsetp(L, LUA_REGISTRYINDEX, &keys[i]);
  }
}

void nm_shape_push(lua_State *L, enum nm_shape shape) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &keys[shape]);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    load(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &keys[shape]);
  }
}
