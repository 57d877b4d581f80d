/// A mail server for specs: on a loopback address, in a thread of this process, with TLS, AUTH and every fault.
// @module netmail.testing

#include "lua_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "crypto/digest.h"
#include "crypto/tls_host.h"
#include "lua_pin.h"

__attribute__((visibility("default"))) int luaopen_netmail_testing(lua_State *L);

/* Seconds, where none are given. */
#define PATIENCE 10.0
#define PATH_MAX_OCTETS 4096

/* The userdata's object. */
struct testing {
  struct nm_server *server;
  struct nm_buf ca_file; /* made at first use */
  struct nm_buf client_file;
};

/* ---- life ---- */

static void remove_file(const struct testing *t, struct nm_buf *path) {
  if (path->n > 0 && nm_server_check(t->server, NULL) == 0) {
    (void)unlink(path->p);
  }
  nm_buf_free(path);
}

static void stop(void *object) {
  struct testing *t = object;
  if (nm_server_check(t->server, NULL) == 0) {
    nm_server_stop(t->server);
  }
}

static void release(void *object) {
  struct testing *t = object;
  if (t->server != NULL) {
    remove_file(t, &t->ca_file);
    remove_file(t, &t->client_file);
    nm_server_free(&t->server);
  }
  nm_free(t);
}

static const struct nm_class server_class;

static struct testing *self(lua_State *L, const char *method) {
  struct testing *t = nm_class_self(L, &server_class, method);
  struct nm_error e = {0};
  if (nm_server_check(t->server, &e) != 0) {
    nm_raise(L, &e);
  }
  return t;
}

/* ---- properties ---- */

static const struct nm_setup *setup(void *object) {
  return nm_server_setup(((struct testing *)object)->server);
}

static int get_host(lua_State *L, void *object) {
  nm_push_str(L, nm_buf_str(&setup(object)->address));
  return 1;
}

static int get_port(lua_State *L, void *object) {
  lua_pushinteger(L, nm_server_port(((struct testing *)object)->server));
  return 1;
}

static int get_hostname(lua_State *L, void *object) {
  nm_push_str(L, nm_buf_str(&setup(object)->hostname));
  return 1;
}

static int get_tls(lua_State *L, void *object) {
  static const char *const words[] = {"none", "starttls", "implicit"};
  lua_pushstring(L, words[setup(object)->tls]);
  return 1;
}

static int push_optional(lua_State *L, struct nm_str s) {
  if (s.n == 0) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, s);
  }
  return 1;
}

static int get_ca_pem(lua_State *L, void *object) {
  return push_optional(L, nm_server_ca(((struct testing *)object)->server));
}

static int write_all(int fd, struct nm_str s) {
  while (s.n > 0) {
    ssize_t n = write(fd, s.p, s.n);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return NM_EIO;
    }
    s = nm_str(s.p + n, s.n - (size_t)n);
  }
  return 0;
}

/* A new file of its own for text, readable by its owner alone; path becomes its name. */
static int make_file(struct nm_buf *path, struct nm_str text) {
  const char *folder = getenv("TMPDIR");
  struct nm_buf name = {.max = PATH_MAX_OCTETS};
  nm_buf_addf(&name, "%s/netmail-XXXXXX.pem", folder != NULL && folder[0] == '/' ? folder : "/tmp");
  int fd = name.err == 0 ? mkostemps(name.p, 4, O_CLOEXEC) : -1;
  int err = fd < 0 ? NM_EIO : write_all(fd, text);
  if (fd >= 0 && close(fd) != 0) {
    err = NM_EIO;
  }
  if (err != 0 && fd >= 0) {
    (void)unlink(name.p);
  }
  if (err != 0) {
    nm_buf_free(&name);
    return err;
  }
  *path = name;
  return 0;
}

static int push_file(lua_State *L, const struct testing *t, struct nm_buf *path, struct nm_str text) {
  if (text.n > 0 && path->n == 0 && nm_server_check(t->server, NULL) == 0 && make_file(path, text) != 0) {
    return luaL_error(L, "the test server cannot write a file for its certificates");
  }
  return push_optional(L, nm_buf_str(path));
}

static int get_ca_file(lua_State *L, void *object) {
  struct testing *t = object;
  return push_file(L, t, &t->ca_file, nm_server_ca(t->server));
}

static int get_client_file(lua_State *L, void *object) {
  struct testing *t = object;
  return push_file(L, t, &t->client_file, nm_server_client(t->server));
}

static const struct nm_property properties[] = {
    {"Host", get_host, NULL},
    {"Port", get_port, NULL},
    {"Hostname", get_hostname, NULL},
    {"Tls", get_tls, NULL},
    {"CaPem", get_ca_pem, NULL},
    {"CaFile", get_ca_file, NULL},
    {"ClientCertificate", get_client_file, NULL},
    {NULL, NULL, NULL},
};

/* ---- methods ---- */

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
    lua_pushfstring(L, "%d of %d messages came within %f seconds", (int)r->n_mails, (int)n, (lua_Number)ms / 1000);
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
  stop(nm_class_self(L, &server_class, "Stop"));
  return 0;
}

/* t[key] = value, where t, on the top but one of the stack, has none. Takes the value off. */
static void set_default(lua_State *L, const char *key) {
  if (nm_has_field(L, -2, key)) {
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
  (void)get_host(L, t);
  set_default(L, "Host");
  (void)get_port(L, t);
  set_default(L, "Port");
  if (setup(t)->tls != NM_SETUP_PLAIN) {
    lua_pushboolean(L, 1);
    set_default(L, "EnableSsl");
    lua_pushboolean(L, setup(t)->tls == NM_SETUP_IMPLICIT);
    set_default(L, "ImplicitTls");
    (void)get_ca_file(L, t);
    set_default(L, "CaFile");
  }
  lua_call(L, 1, 1);
  return 1;
}

static const luaL_Reg methods[] = {
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

static int to_string(lua_State *L, void *object) {
  const struct testing *t = object;
  lua_pushfstring(L, "testing.Server (%s:%d%s)", nm_server_setup(t->server)->address.p, nm_server_port(t->server),
                  nm_server_is_running(t->server) ? "" : ", stopped");
  return 1;
}

static const struct nm_class server_class = {
    .name = "testing.Server",
    .registry = "netmail.testing.Server",
    .properties = properties,
    .methods = methods,
    .close = stop,
    .unref = release,
    .weight = 65536,
    .to_string = to_string,
};

/* ---- birth ---- */

static void free_house(void *memory) {
  struct nm_house *house = memory;
  nm_setup_free(&house->setup);
  nm_faults_free(&house->faults);
}

/// Starts a server. Every option may be left out.
//
// `Host` (127.0.0.1), `Port` (any free one), `Hostname` (mail.example.test); `Tls`: "none", "starttls", "implicit"; `TlsVersion`: the highest, "1.2" or "1.3";
// `Certificate`: "good", "expired", "wrong-name", "self-signed"; `RequireTls`, `RequireAuth`; `Users`: `{ name = password }`; `Tokens`: `{ name = token }`;
// `Mechanisms`, `Extensions`: lists of what EHLO offers; `Iterations` (of SCRAM, 4096); `Lmtp`; `MaxMessages` (10000), `MaxBytes` (64 MiB); `Faults`.
// @function Server
// @param[opt] options
// @return the server; raises when it cannot be
static int new_server(lua_State *L) {
  nm_gc_announce(L, &server_class);
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  struct nm_house *house = nm_scratch(L, sizeof *house, free_house);
  struct nm_error e = {0};
  nm_setup_init(&house->setup);
  house->digest = nm_crypto_digest_api();
  house->tls = nm_crypto_tls_host_api();
  if (nm_testing_read_setup(L, 1, house, &e) < 0) {
    return nm_raise(L, &e);
  }
  void **box = nm_class_new_box(L, &server_class);
  struct testing *t = nm_zalloc(sizeof *t);
  int err = t == NULL ? nm_error_nomem(&e) : nm_server_new(house, &t->server, &e);
  if (err != 0) {
    nm_free(t);
    return nm_raise(L, &e);
  }
  *box = t;
  return 1;
}

static int no_member(lua_State *L) {
  return luaL_error(L, "netmail.testing has no member '%s'", lua_tostring(L, 2));
}

int luaopen_netmail_testing(lua_State *L) {
  char why[NM_CRYPTO_WHY_MAX];
  if (nm_crypto_check(why, sizeof why) != 0) {
    return luaL_error(L, "netmail cannot use the OpenSSL it found: %s", why);
  }
  nm_pin((void *)(uintptr_t)luaopen_netmail_testing);
  nm_class_register(L, &server_class);
  lua_newtable(L);
  lua_pushcfunction(L, new_server);
  lua_setfield(L, -2, "Server");
  lua_newtable(L);
  lua_pushcfunction(L, no_member);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
