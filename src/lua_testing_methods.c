/// A mail server for specs: on a loopback address, in a thread of this process, with TLS, AUTH and every fault.
// @module netmail.testing

#include "lua_testing.h"

/* Seconds, where none are given. */
#define PATIENCE 10.0

static struct testing *self(lua_State *L, const char *method) {
  struct testing *t = nm_class_self(L, &nm_testing_class, method);
  struct nm_error e = {0};
  if (nm_server_check(t->server, &e) != 0) {
    nm_raise(L, &e);
  }
  return t;
}

static void free_copy(void *memory) {
  nm_record_free(memory);
}

/* A copy of the record on the stack, for as long as the call lasts. */
static struct nm_record *copy_record(lua_State *L, struct testing *t) {
  struct nm_record *r = nm_scratch(L, sizeof *r, free_copy);
  if (nm_server_copy(t->server, r) != 0) {
    nm_scratch_release(L, lua_gettop(L));
    luaL_error(L, "out of memory");
  }
  return r;
}

/* The table on the top of the stack is the result. */
static int give(lua_State *L, int scratch) {
  nm_scratch_release(L, scratch);
  return 1;
}

/// The messages that the server has taken, oldest first; each a table with `From`, `To` (a list), `MailParameters`, `RcptParameters` (a list
// like `To`), `Data` (the octets), `Helo`, `Protocol` ("ESMTPSA"), `Tls` ("TLSv1.3" or nil), `User`, `Mechanism`, `Chunked`, `Connection`, `QueueId`.
// @function Server:Messages
static int server_messages(lua_State *L) {
  struct testing *t = self(L, "Messages");
  lua_settop(L, 1);
  nm_testing_push_messages(L, copy_record(L, t));
  return give(L, 2);
}

/// Every line that clients said, AUTH's too, in order; content is not in it, but for the dot that ends it.
// @function Server:Commands
// @param[opt] connection of that one alone: 1 is the first
static int server_commands(lua_State *L) {
  struct testing *t = self(L, "Commands");
  uint64_t connection = 0;
  if (!lua_isnoneornil(L, 2)) {
    connection = (uint64_t)nm_check_integer(L, 2, "connection", 1, 0x7fffffffL);
  }
  lua_settop(L, 2);
  struct nm_record *r = copy_record(L, t);
  nm_testing_push_commands(L, r, connection);
  return give(L, 3);
}

/// The connections that there were: tables with `Open`, `Tls` ("TLSv1.3", or why the handshake failed), `User`, and `End`: "quit", "closed",
// "cut" (TLS without close_notify), "reset", "no tls", "tls failed", or "dropped" (by us).
// @function Server:Connections
static int server_connections(lua_State *L) {
  struct testing *t = self(L, "Connections");
  lua_settop(L, 1);
  nm_testing_push_connections(L, copy_record(L, t));
  return give(L, 2);
}

/* In milliseconds. */
static int64_t check_patience(lua_State *L, int i) {
  lua_Number seconds = lua_isnoneornil(L, i) ? PATIENCE : luaL_checknumber(L, i);
  if (!(seconds >= 0 && seconds <= 86400)) {
    luaL_argerror(L, i, "seconds from 0 to 86400 expected");
  }
  return (int64_t)(seconds * 1000);
}

/// Waits until the server has taken n messages.
// @function Server:WaitMessages
// @param n
// @param[opt=10] seconds
// @return `Messages()`; or nil and what was missing
static int server_wait_messages(lua_State *L) {
  struct testing *t = self(L, "WaitMessages");
  long n = nm_check_integer(L, 2, "n", 0, 0x7fffffffL);
  int64_t ms = check_patience(L, 3);
  lua_settop(L, 1);
  int come = nm_server_wait(t->server, NM_SERVER_MESSAGES, (size_t)n, ms);
  struct nm_record *r = copy_record(L, t);
  if (!come) {
    lua_pushnil(L);
    lua_pushfstring(L, "%d of %d messages came within %f seconds", (int)r->n_mails, (int)n,
                    (lua_Number)ms / 1000);
    nm_scratch_release(L, 2);
    return 2;
  }
  nm_testing_push_messages(L, r);
  return give(L, 2);
}

/// Waits until no client is connected: then everything that was said has been heard, QUIT too.
// @function Server:WaitIdle
// @param[opt=10] seconds
// @return true; or nil and a text
static int server_wait_idle(lua_State *L) {
  struct testing *t = self(L, "WaitIdle");
  int64_t ms = check_patience(L, 2);
  if (nm_server_wait(t->server, NM_SERVER_IDLE, 0, ms)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushfstring(L, "a client is still connected after %f seconds", (lua_Number)ms / 1000);
  return 2;
}

static void free_faults(void *memory) {
  nm_faults_free(memory);
}

/// From now on these faults, instead of those before; their counts begin at nothing. Without an argument: none.
// @function Server:SetFaults
// @param[opt] faults
static int server_set_faults(lua_State *L) {
  struct testing *t = self(L, "SetFaults");
  lua_settop(L, 2);
  struct nm_faults *faults = nm_scratch(L, sizeof *faults, free_faults);
  struct nm_error e = {0};
  if (!lua_isnil(L, 2) && nm_testing_read_faults(L, 2, faults, &e) < 0) {
    return nm_raise(L, &e);
  }
  nm_server_swap_faults(t->server, faults);
  nm_scratch_release(L, 3);
  return 0;
}

/// Forgets messages, commands and connections, and the counts of the faults. Those that are connected stay so, and are counted from 1 again.
// @function Server:Reset
static int server_reset(lua_State *L) {
  nm_server_reset(self(L, "Reset")->server);
  return 0;
}

/// Drops every client and ends the server; what it has recorded can still be asked for. Also `<close>`, and what the collector does.
// @function Server:Stop
static int server_stop(lua_State *L) {
  nm_testing_stop(nm_class_self(L, &nm_testing_class, "Stop"));
  return 0;
}

/* t[key] = value, where t, on the top but one of the stack, has none. Takes the value off. */
static void set_default(lua_State *L, const char *key) {
  if (nm_has_field(L, lua_gettop(L) - 1, key)) {
    lua_pop(L, 1);
  } else {
    lua_setfield(L, -2, key);
  }
}

/* A table with all that is in the one at i. */
static void copy_table(lua_State *L, int i) {
  lua_newtable(L);
  lua_pushnil(L);
  while (!lua_isnil(L, i) && lua_next(L, i) != 0) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  if (lua_isnil(L, i)) {
    lua_pop(L, 1);
  }
}

/// A `netmail.SmtpClient` for this server: with its host and port, and TLS as it has it.
// @function Server:Client
// @param[opt] options as of SmtpClient; they go before those
static int server_client(lua_State *L) {
  struct testing *t = self(L, "Client");
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
  }
  lua_getglobal(L, "require");
  lua_pushliteral(L, "netmail");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "SmtpClient");
  copy_table(L, 2);
  const struct nm_setup *setup = nm_server_setup(t->server);
  nm_push_str(L, nm_buf_str(&setup->address));
  set_default(L, "Host");
  lua_pushinteger(L, nm_server_port(t->server));
  set_default(L, "Port");
  if (setup->lmtp) {
    lua_pushliteral(L, "lmtp");
    set_default(L, "Protocol");
  }
  if (setup->tls != NM_SETUP_PLAIN) {
    lua_pushboolean(L, 1);
    set_default(L, "EnableSsl");
    lua_pushboolean(L, setup->tls == NM_SETUP_IMPLICIT);
    set_default(L, "ImplicitTls");
    (void)nm_testing_push_ca_file(L, t);
    set_default(L, "CaFile");
  }
  lua_call(L, 1, 1);
  return 1;
}

const luaL_Reg nm_testing_methods[] = {
    {"Messages", server_messages},
    {"Commands", server_commands},
    {"Connections", server_connections},
    {"WaitMessages", server_wait_messages},
    {"WaitIdle", server_wait_idle},
    {"SetFaults", server_set_faults},
    {"Reset", server_reset},
    {"Stop", server_stop},
    {"Client", server_client},
    {NULL, NULL},
};
