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

#define PATH_MAX_OCTETS 4096

/* ---- life ---- */

static void remove_file(const struct testing *t, struct nm_buf *path) {
  if (path->n > 0 && nm_server_check(t->server, NULL) == 0) {
    (void)unlink(path->p);
  }
  nm_buf_free(path);
}

/* The files go now: a process may end without closing its Lua state, as busted does. */
void nm_testing_stop(void *object) {
  struct testing *t = object;
  remove_file(t, &t->ca_file);
  remove_file(t, &t->client_file);
  if (nm_server_check(t->server, NULL) == 0) {
    nm_server_stop(t->server);
  }
}

static void release(void *object) {
  struct testing *t = object;
  if (t->server != NULL) {
    nm_testing_stop(t);
    nm_server_free(&t->server);
  }
  nm_free(t);
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
  int may_make = nm_server_check(t->server, NULL) == 0 && nm_server_is_running(t->server);
  if (text.n > 0 && path->n == 0 && may_make && make_file(path, text) != 0) {
    return luaL_error(L, "the test server cannot write a file for its certificates");
  }
  return push_optional(L, nm_buf_str(path));
}

int nm_testing_push_ca_file(lua_State *L, struct testing *t) {
  return push_file(L, t, &t->ca_file, nm_server_ca(t->server));
}

static int get_ca_file(lua_State *L, void *object) {
  return nm_testing_push_ca_file(L, object);
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

static int to_string(lua_State *L, void *object) {
  const struct testing *t = object;
  lua_pushfstring(L, "testing.Server (%s:%d%s)", nm_server_setup(t->server)->address.p,
                  nm_server_port(t->server), nm_server_is_running(t->server) ? "" : ", stopped");
  return 1;
}

const struct nm_class nm_testing_class = {
    .name = "testing.Server",
    .registry = "netmail.testing.Server",
    .properties = properties,
    .methods = nm_testing_methods,
    .close = nm_testing_stop,
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
  nm_gc_announce(L, &nm_testing_class);
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
  void **box = nm_class_new_box(L, &nm_testing_class);
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
  nm_class_register(L, &nm_testing_class);
  lua_newtable(L);
  lua_pushcfunction(L, new_server);
  lua_setfield(L, -2, "Server");
  lua_newtable(L);
  lua_pushcfunction(L, no_member);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
