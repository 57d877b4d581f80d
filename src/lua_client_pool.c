#include "flight.h"
#include "lua_client_pool.h"
#include "lua_words.h"

/* Properties of SmtpClient that are about its connections: how many, for how long, and how they are used. */

/// The client's connections.
// @table SmtpClient.Connections
// @field MaxConnections how many SendMany may have at once, 1 to 100; default 1. Send uses one
// @field ConnectionIdleTimeout milliseconds: a connection that rested for longer is not used again; nil (default): as long as the server keeps it
// @field ConnectionLifetime milliseconds: a connection that is older is replaced before the next message; nil (default): it may live on
// @field Pipelining how far the client may run ahead of the server's replies, where the server offers PIPELINING (RFC 2920): `"full"` (default), in
//   SendMany also across messages; `"envelope"`, within each; `"off"`. From a server that gets it wrong the client asks less by itself, until Host
//   or this is set

#define MAX_MS 0x7fffffffL

static struct nm_client *client(void *object) {
  return object;
}

static int push_ms(lua_State *L, int64_t ms) {
  if (ms == 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)ms);
  }
  return 1;
}

int nm_client_get_max_connections(lua_State *L, void *object) {
  lua_pushinteger(L, (lua_Integer)client(object)->max_connections);
  return 1;
}

int nm_client_put_max_connections(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->max_connections = (size_t)nm_check_integer(L, i, "MaxConnections", 1, NM_FLIGHT_LINES_MAX);
  return 0;
}

int nm_client_get_idle(lua_State *L, void *object) {
  return push_ms(L, client(object)->idle_max);
}

int nm_client_put_idle(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->idle_max = lua_isnil(L, i) ? 0 : nm_check_integer(L, i, "ConnectionIdleTimeout", 1, MAX_MS);
  return 0;
}

int nm_client_get_life(lua_State *L, void *object) {
  return push_ms(L, client(object)->life_max);
}

int nm_client_put_life(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->life_max = lua_isnil(L, i) ? 0 : nm_check_integer(L, i, "ConnectionLifetime", 1, MAX_MS);
  return 0;
}

static const struct nm_word modes[] = {{"full", NM_PIPELINING_FULL},
                                       {"envelope", NM_PIPELINING_ENVELOPE},
                                       {"off", NM_PIPELINING_OFF},
                                       {NULL, 0}};

int nm_client_get_pipelining(lua_State *L, void *object) {
  nm_push_word(L, modes, (int)client(object)->pipelining);
  return 1;
}

int nm_client_put_pipelining(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->pipelining =
      (enum nm_pipelining)nm_check_word(L, i, "Pipelining", modes, "\"full\", \"envelope\" or \"off\"");
  client(object)->distrust = 0;
  return 0;
}
