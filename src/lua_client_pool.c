#include <string.h>

#include "flight.h"
#include "lua_client_pool.h"
#include "lua_words.h"

/* Properties of SmtpClient that are about its connections: how many, for how long, and how they are used. */

/// The client's connections.
// @table SmtpClient.Connections
// @field MaxConnections how many SendMany may have at once, 1 to 100; default 1. Send uses one
// @field AlternativeHosts array of further servers that do the same service, `"mail2.example"`, `"mail3.example:587"` (without a port: Port), 15
//   at most; nil takes them away. One is asked when Host cannot be had (no connection, no time, no greeting, a login refused for now), and never
//   once a message is on its way. All options hold for them, the credentials of ThisHostCredentials too; each proves its own name by its certificate.
//   One that could not be had comes after the others for a minute
// @field HostOrder `"failover"` (default): Host first; `"roundrobin"`: each new connection goes to the next one
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

/* As it would be set. */
int nm_client_get_others(lua_State *L, void *object) {
  const struct nm_servers *s = &client(object)->servers;
  if (s->n == 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, (int)s->n, 0);
  for (size_t i = 0; i < s->n; i++) {
    const char *host = s->others[i].host.p;
    int is_ipv6 = strchr(host, ':') != NULL && !nm_is_socket(nm_buf_str(&s->others[i].host));
    lua_pushfstring(L, is_ipv6 ? "[%s]" : "%s", host);
    if (s->others[i].port != 0) {
      lua_pushfstring(L, "%s:%d", lua_tostring(L, -1), s->others[i].port);
      lua_remove(L, -2);
    }
    lua_rawseti(L, -2, (int)i + 1);
  }
  return 1;
}

/* All of them, or none is changed. Raises for a wrong type before anything is owned. */
int nm_client_put_others(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_servers s = {.is_round_robin = client(object)->servers.is_round_robin};
  int err = 0, n = 0;
  if (!lua_isnil(L, i)) {
    luaL_checktype(L, i, LUA_TTABLE);
    n = (int)lua_rawlen(L, i);
  }
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, i, k);
    (void)nm_check_string(L, -1, "AlternativeHosts");
    lua_pop(L, 1);
  }
  for (int k = 1; k <= n && err == 0; k++) {
    lua_rawgeti(L, i, k);
    err = nm_servers_add(&s, nm_check_string(L, -1, "AlternativeHosts"), e);
    lua_pop(L, 1);
  }
  if (err != 0) {
    nm_servers_free(&s);
    return err;
  }
  nm_servers_free(&client(object)->servers);
  client(object)->servers = s;
  return 0;
}

static const struct nm_word orders[] = {{"failover", 0}, {"roundrobin", 1}, {NULL, 0}};

int nm_client_get_order(lua_State *L, void *object) {
  nm_push_word(L, orders, client(object)->servers.is_round_robin);
  return 1;
}

int nm_client_put_order(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->servers.is_round_robin =
      nm_check_word(L, i, "HostOrder", orders, "\"failover\" or \"roundrobin\"");
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
