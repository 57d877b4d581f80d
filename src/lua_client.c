/// The client for one server.
// @module netmail

#include "lua_client.h"

#include "lua_ask.h"
#include "lua_credential.h"
#include "lua_drive.h"
#include "lua_envelope.h"
#include "lua_errand.h"
#include "lua_flight.h"
#include "send.h"

static void unref_client(void *object) {
  struct nm_client *c = object;
  nm_client_unref(&c);
}

static int check_close(lua_State *L) {
  nm_class_self(L, &nm_client_class, "Close");
  return 0;
}

/// Says QUIT without waiting for the answer and drops the connection. The next Send dials again.
// @function SmtpClient:Close
static int client_m_close(lua_State *L) {
  struct nm_client *c = nm_class_test(L, &nm_client_class, 1);
  if (c == NULL) {
    return nm_drive_raise(L, check_close);
  }
  nm_client_close(c);
  return nm_errand_show(L);
}

static void close_client(void *object) {
  nm_client_close(object);
}

static int client_to_string(lua_State *L, void *object) {
  const struct nm_client *c = object;
  lua_pushfstring(L, "SmtpClient (%s%s)", NM_PLACE(c), c->enable_ssl ? ", TLS" : "");
  return 1;
}

static const luaL_Reg client_methods[] = {
    {"Send", nm_client_m_send},     {"Close", client_m_close},      {"Check", nm_client_m_check},
    {"Verify", nm_client_m_verify}, {"Expand", nm_client_m_expand}, {"Help", nm_client_m_help},
    {"Etrn", nm_client_m_etrn},     {"Reset", nm_client_m_reset},   {NULL, NULL}};

/* In the table of a new client these stand beside its properties. Assigned later they would write to a credential that others may share,
   or mean one of several. */
static const char *const login_names[] = {"UserName", "Password", "Token", "Domain", NULL};

static const char *instead(struct nm_str name) {
  for (const char *const *n = login_names; *n != NULL; n++) {
    if (nm_str_eq(nm_str_c(*n), name)) {
      return "it belongs to a credential; write client.ThisHostCredentials[\"\"] = "
             "netmail.NetworkCredential(user, password)";
    }
  }
  return NULL;
}

const struct nm_class nm_client_class = {
    .name = "SmtpClient",
    .weight = 32768, /* a connection with its TLS state, most of the time */
    .registry = "netmail.SmtpClient",
    .properties = nm_client_properties,
    .methods = client_methods,
    .close = close_client,
    .unref = unref_client,
    .instead = instead,
    .to_string = client_to_string,
};

static struct nm_client *push_client(lua_State *L) {
  void **box = nm_class_new_box(L, &nm_client_class);
  struct nm_client *c = NULL;
  if (nm_client_new(&c) != 0) {
    luaL_error(L, "out of memory");
  }
  *box = c;
  nm_class_know_box(L, c);
  return c;
}

/// A client for a server on port 25.
// @function SmtpClient.CreateWithHost
// @string Host name or IP address
// @treturn SmtpClient
static int client_create(lua_State *L) {
  nm_gc_announce(L, &nm_client_class);
  struct nm_str host = nm_check_string(L, 1, "Host");
  struct nm_client *c = push_client(L);
  struct nm_error e = {0};
  return nm_client_set_host(c, host, &e) < 0 ? nm_raise(L, &e) : 1;
}

/// A client for a server and port.
// @function SmtpClient.CreateWithHostAndPort
// @string Host name or IP address
// @int Port 1 to 65535
// @treturn SmtpClient
static int client_create_with_port(lua_State *L) {
  long port = nm_check_integer(L, 2, "Port", 1, 65535);
  int pushed = client_create(L);
  ((struct nm_client *)nm_class_check(L, &nm_client_class, -1))->port = (int)port;
  return pushed;
}

/* UserName, Password or Token, and Domain of the table: the credential for whatever the server offers. */
static void set_login(lua_State *L, struct nm_client *c, int i) {
  int n = 0;
  lua_newtable(L);
  for (const char *const *name = login_names; *name != NULL; name++) {
    if (nm_has_field(L, i, *name)) {
      lua_pushstring(L, *name);
      lua_pushvalue(L, -1);
      lua_rawget(L, i);
      lua_rawset(L, -3);
      n++;
    }
  }
  if (n > 0 && nm_client_set_credential(c, NM_SASL_ANY, nm_new_credential(L, lua_absindex(L, -1))) != 0) {
    luaL_error(L, "out of memory");
  }
}

/// A client from a table of its properties, with `UserName`, `Password` (or `Token`) and `Domain` beside them for
// `ThisHostCredentials[""]`.
// @function SmtpClient
// @tparam table Options
// @treturn SmtpClient
static int client_call(lua_State *L) {
  nm_gc_announce(L, &nm_client_class);
  if (lua_type(L, 2) != LUA_TTABLE) {
    return luaL_error(
        L, "SmtpClient takes a table: SmtpClient{ Host = \"smtp.example.org\" }; for a host alone there "
           "is SmtpClient.CreateWithHost(host)");
  }
  lua_settop(L, 2);
  struct nm_client *c = push_client(L);
  struct nm_error e = {0};
  if (nm_class_set_all(L, &nm_client_class, c, 2, login_names, &e) < 0) {
    return nm_raise(L, &e);
  }
  if (c->host.n == 0) {
    return luaL_error(L, "SmtpClient needs a Host");
  }
  set_login(L, c, 2);
  lua_settop(L, 3);
  return 1;
}

void nm_open_client(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"CreateWithHost", client_create}, {"CreateWithHostAndPort", client_create_with_port}, {NULL, NULL}};
  nm_class_register(L, &nm_client_own_class);
  nm_open_options(L);
  nm_class_register(L, &nm_client_class);
  static const char *const driven[] = {"Send", "Close", "Check", "Verify", "Expand", "Help", "Etrn", "Reset"};
  for (size_t i = 0; i < sizeof driven / sizeof driven[0]; i++) {
    nm_drive_method(L, &nm_client_class, driven[i]);
  }
  nm_flight_add_methods(L, &nm_client_class);
  nm_push_class_table(L, "SmtpClient", functions, client_call);
}
