#include "lua_shape.h"

static const char source[] =
    "return function(address, code, enhanced, reply, temporary)\n"
    "  return { Address = address, Code = code, EnhancedCode = enhanced, Reply = reply, Temporary = "
    "temporary }\n"
    "end, function(connect, envelope, content, reply, total)\n"
    "  return { Connect = connect, Envelope = envelope, Content = content, Reply = reply, Total = total }\n"
    "end, function(outcome, code, enhanced, reply, queue_id, message_id, not_sent, rejected, accepted, "
    "unknown, left_out, timings)\n"
    "  return { Outcome = outcome, Code = code, EnhancedCode = enhanced, Reply = reply, QueueId = queue_id,\n"
    "    MessageId = message_id, Accepted = accepted, Rejected = rejected, Unknown = unknown, NotSent = "
    "not_sent,\n"
    "    LeftOut = left_out, Timings = timings }\n"
    "end\n";

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
