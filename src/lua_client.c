/// The client for one server.
// @module netmail

#include "lua_client.h"

#include "lua_ask.h"
#include "lua_capabilities.h"
#include "lua_credential.h"
#include "lua_drive.h"
#include "lua_envelope.h"
#include "lua_errand.h"
#include "lua_producer.h"
#include "send.h"

/* ---- ThisHostCredentials[protocol] ---- */

static void unref_client(void *object) {
  struct nm_client *c = object;
  nm_client_unref(&c);
}

static const struct nm_property no_properties[] = {{NULL, NULL, NULL}};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

static int own_get(lua_State *L, void *object) {
  nm_push_credential(L,
                     nm_client_credential(object, nm_check_mechanism(L, 2, "ThisHostCredentials[protocol]")));
  return 1;
}

static int own_set(lua_State *L, void *object) {
  static const char what[] = "ThisHostCredentials[protocol]";
  unsigned mechs = nm_check_mechanism(L, 2, what);
  struct nm_credential *credential = nm_class_test(L, &nm_credential_class, 3);
  if (credential == NULL && !lua_isnil(L, 3)) {
    return nm_type_error(L, 3, what, "NetworkCredential or nil");
  }
  return nm_client_set_credential(object, mechs, credential) == 0 ? 0 : luaL_error(L, "out of memory");
}

static int own_to_string(lua_State *L, void *object) {
  lua_pushfstring(L, "ThisHostCredentials (%d)", (int)((struct nm_client *)object)->n_own);
  return 1;
}

static int own_call(lua_State *L);

/* Its boxes hold the client, and are made anew at each access: it has no state of its own. */
static const struct nm_class own_class = {
    .name = "ThisHostCredentials",
    .registry = "netmail.ThisHostCredentials",
    .properties = no_properties,
    .methods = no_methods,
    .unref = unref_client,
    .to_string = own_to_string,
    .call = own_call,
    .get_other = own_get,
    .set_other = own_set,
};

/* client.ThisHostCredentials("PLAIN"), and with a colon, where the client comes first. */
static int own_call(lua_State *L) {
  if (nm_class_test(L, &nm_client_class, 2) != NULL) {
    lua_remove(L, 2);
  }
  return own_get(L, nm_class_check(L, &own_class, 1));
}

/* ---- properties ---- */

static struct nm_client *client(void *object) {
  return object;
}

static int push_option(lua_State *L, const struct nm_buf *b) {
  if (b->n == 0) {
    lua_pushnil(L);
  } else {
    nm_push_str(L, nm_buf_str(b));
  }
  return 1;
}

static int get_host(lua_State *L, void *object) {
  return push_option(L, &client(object)->host);
}

static int set_host(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_client_set_host(object, nm_check_string(L, i, "Host"), e);
}

/* A property that is a whole number in a range. */
#define INTEGER_PROPERTY(name, label, field, type, low, high)                                                \
  static int get_##name(lua_State *L, void *object) {                                                        \
    lua_pushinteger(L, (lua_Integer)client(object)->field);                                                  \
    return 1;                                                                                                \
  }                                                                                                          \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    (void)e;                                                                                                 \
    client(object)->field = (type)nm_check_integer(L, i, label, low, high);                                  \
    return 0;                                                                                                \
  }

#define BOOLEAN_PROPERTY(name, label, field)                                                                 \
  static int get_##name(lua_State *L, void *object) {                                                        \
    lua_pushboolean(L, client(object)->field);                                                               \
    return 1;                                                                                                \
  }                                                                                                          \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    (void)e;                                                                                                 \
    client(object)->field = nm_check_boolean(L, i, label);                                                   \
    return 0;                                                                                                \
  }

/* A text without a grammar of its own; nil and "" take it away. */
#define TEXT_PROPERTY(name, label, field)                                                                    \
  static int get_##name(lua_State *L, void *object) {                                                        \
    return push_option(L, &client(object)->field);                                                           \
  }                                                                                                          \
  static int set_##name(lua_State *L, void *object, int i, struct nm_error *e) {                             \
    return nm_client_set_option(&client(object)->field, nm_opt_string(L, i, label), label, e);               \
  }

#define MAX_MS 0x7fffffffL /* 24 days */

INTEGER_PROPERTY(port, "Port", port, int, 1, 65535)
INTEGER_PROPERTY(timeout, "Timeout", timeout, int, 1, MAX_MS)
BOOLEAN_PROPERTY(enable_ssl, "EnableSsl", enable_ssl)
BOOLEAN_PROPERTY(use_default, "UseDefaultCredentials", use_default_credentials)
BOOLEAN_PROPERTY(plaintext, "AllowPlaintextAuth", allow_plaintext_auth)
BOOLEAN_PROPERTY(all_or_nothing, "AllOrNothing", all_or_nothing)
TEXT_PROPERTY(ca_file, "CaFile", ca_file)
TEXT_PROPERTY(ca_path, "CaPath", ca_path)

/* nil: 465 is implicit TLS and no other port is. For servers that have it elsewhere (Amazon SES: 2465). */
static int get_implicit_tls(lua_State *L, void *object) {
  if (client(object)->implicit_tls < 0) {
    lua_pushnil(L);
  } else {
    lua_pushboolean(L, client(object)->implicit_tls);
  }
  return 1;
}

static int set_implicit_tls(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->implicit_tls = lua_isnil(L, i) ? -1 : nm_check_boolean(L, i, "ImplicitTls");
  return 0;
}

/* The name of the mechanism than which none may be weaker. */
static int get_minimum_auth(lua_State *L, void *object) {
  const char *name = nm_sasl_name(client(object)->minimum_auth);
  lua_pushstring(L, name[0] != '\0' ? name : NULL); /* NULL is nil */
  return 1;
}

static int set_minimum_auth(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  unsigned bit = lua_isnil(L, i) ? 0 : nm_check_mechanism(L, i, "MinimumAuth");
  client(object)->minimum_auth = bit == NM_SASL_ANY ? 0 : bit;
  return 0;
}

static int get_protocol(lua_State *L, void *object) {
  lua_pushstring(L, client(object)->is_lmtp ? "lmtp" : "smtp");
  return 1;
}

static int set_protocol(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  struct nm_str name = nm_check_string(L, i, "Protocol");
  if (!nm_str_ieq(name, NM_STR("smtp")) && !nm_str_ieq(name, NM_STR("lmtp"))) {
    return luaL_error(L, "bad value for 'Protocol' (\"smtp\" or \"lmtp\" expected)");
  }
  client(object)->is_lmtp = nm_str_ieq(name, NM_STR("lmtp"));
  return 0;
}

static int get_on_trace(lua_State *L, void *object) {
  const struct nm_producer *p = client(object)->tracer.what;
  if (p == NULL) {
    lua_pushnil(L);
  } else {
    nm_producer_push(L, p);
  }
  return 1;
}

static int set_on_trace(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_producer *p = NULL;
  if (lua_type(L, i) != LUA_TFUNCTION && !lua_isnil(L, i)) {
    return nm_type_error(L, i, "OnTrace", "function or nil");
  }
  if (lua_isnil(L, i)) {
    return nm_client_set_tracer(object, NULL, NULL);
  }
  p = nm_producer_new(L, i, 0, -1);
  return p != NULL && nm_client_set_tracer(object, p, nm_producer_release) == 0 ? 0 : nm_error_nomem(e);
}

INTEGER_PROPERTY(trace_level, "TraceLevel", trace_level, int, 1, NM_TRACE_LEVEL_MAX)

static int get_deadline(lua_State *L, void *object) {
  if (client(object)->deadline == 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)client(object)->deadline);
  }
  return 1;
}

static int set_deadline(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->deadline = lua_isnil(L, i) ? 0 : nm_check_integer(L, i, "Deadline", 1, MAX_MS);
  return 0;
}

static int get_ip_version(lua_State *L, void *object) {
  if (client(object)->ip_version == 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, client(object)->ip_version);
  }
  return 1;
}

static int set_ip_version(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  int v = lua_isnil(L, i) ? 0 : (int)nm_check_integer(L, i, "IpVersion", 4, 6);
  if (v == 5) {
    return luaL_error(L, "bad value for 'IpVersion' (4, 6 or nil expected)");
  }
  client(object)->ip_version = v;
  return 0;
}

static int get_local_name(lua_State *L, void *object) {
  return push_option(L, &client(object)->local_name);
}

static int set_local_name(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_client_set_local_name(object, nm_opt_string(L, i, "LocalName"), e);
}

/* The URL may hold a password: what is read back has none. */
static int get_proxy(lua_State *L, void *object) {
  struct nm_str url = nm_buf_str(&client(object)->proxy);
  const char *at = url.n > 0 ? strrchr(url.p, '@') : NULL;
  const char *slashes = url.n > 0 ? strstr(url.p, "//") : NULL;
  if (at == NULL || slashes == NULL || at < slashes) {
    return push_option(L, &client(object)->proxy);
  }
  nm_push_str(L, nm_str(url.p, (size_t)(slashes + 2 - url.p)));
  lua_pushstring(L, at + 1);
  lua_concat(L, 2);
  return 1;
}

static int set_proxy(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_client_set_proxy(object, nm_opt_string(L, i, "Proxy"), e);
}

static int get_certificate(lua_State *L, void *object) {
  return push_option(L, &client(object)->cert_file);
}

static struct nm_str field(lua_State *L, int i, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, i);
  return nm_opt_string(L, -1, name); /* stays on the stack: the bytes live there */
}

static void check_certificate_keys(lua_State *L, int i) {
  lua_pushnil(L);
  while (lua_next(L, i) != 0) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    if (strcmp(key, "File") != 0 && strcmp(key, "Key") != 0 && strcmp(key, "Password") != 0) {
      luaL_error(L, "ClientCertificate has no field '%s'; it takes File, Key and Password", key);
    }
  }
}

/* A path of a PEM file with certificate and key, or { File = …, Key = …, Password = … }. */
static int set_certificate(lua_State *L, void *object, int i, struct nm_error *e) {
  struct nm_client *c = object;
  struct nm_str file, key = {0}, password = {0};
  i = lua_absindex(L, i);
  if (lua_type(L, i) == LUA_TTABLE) {
    check_certificate_keys(L, i);
    file = field(L, i, "File");
    key = field(L, i, "Key");
    password = field(L, i, "Password");
    if (file.n == 0) {
      return luaL_error(
          L, "ClientCertificate takes a path, or a table with File, Key and Password; File is missing");
    }
  } else {
    file = nm_opt_string(L, i, "ClientCertificate");
  }
  return nm_client_set_certificate(c, file, key, password, e);
}

static int get_own(lua_State *L, void *object) {
  void **box = nm_class_new_box(L, &own_class);
  *box = nm_client_ref(object);
  return 1;
}

static int get_credentials(lua_State *L, void *object) {
  nm_push_cache(L, client(object)->credentials);
  return 1;
}

static int set_credentials(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  struct nm_credential_cache *cache = nm_class_test(L, &nm_cache_class, i);
  if (cache == NULL && !lua_isnil(L, i)) {
    return nm_type_error(L, i, "Credentials", "CredentialCache or nil");
  }
  if (cache != NULL) {
    nm_cache_ref(cache);
  }
  nm_cache_unref(&client(object)->credentials);
  client(object)->credentials = cache;
  return 0;
}

static int get_options(lua_State *L, void *object) {
  return nm_options_get_property(L, &client(object)->options);
}

static int set_options(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_options_set_property(L, &client(object)->options, i, e);
}

/* nil: as many as the server takes. */
static int get_max_recipients(lua_State *L, void *object) {
  if (client(object)->rcpt_max == 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, (lua_Integer)client(object)->rcpt_max);
  }
  return 1;
}

static int set_max_recipients(lua_State *L, void *object, int i, struct nm_error *e) {
  (void)e;
  client(object)->rcpt_max =
      lua_isnil(L, i) ? 0 : (size_t)nm_check_integer(L, i, "MaxRecipients", 1, NM_ADDR_LIST_MAX);
  return 0;
}

static int get_capabilities(lua_State *L, void *object) {
  const struct nm_caps *caps = nm_client_caps(object);
  if (caps == NULL) {
    lua_pushnil(L);
  } else {
    nm_push_capabilities(L, caps);
  }
  return 1;
}

/// The client's properties; those of the Fore platform are as there.
// @table SmtpClient
// @field Host domain name or address of the server; `"unix:"` and an absolute path: a socket of this machine, on which a password may go as
//   it is, and TLS is refused
// @field Protocol `"smtp"` or `"lmtp"` (RFC 2033): a mail store, which answers for each recipient when it has the content
// @field MinimumAuth the name of a mechanism: none weaker is used to log in, whatever the server offers; nil: any
// @field AllowPlaintextAuth true: a password may go in clear to any machine
// @field OnTrace `function(from, line)`, called between two steps with each line that is said: from is `"client"`, `"server"` or `"event"`. Of AUTH
//   the mechanism is shown, of the content its length; what came faster than it was taken is counted. It may yield; one that raises is taken
//   away; one that refers to the client keeps it alive until another value is set; it cannot use the client while it works, but for Close
// @field TraceLevel 1: what the client says; 2: the server too; 3 (default): and what happens to the connection

static const struct nm_property client_properties[] = {
    {"Host", get_host, set_host},
    {"Port", get_port, set_port},
    {"EnableSsl", get_enable_ssl, set_enable_ssl},
    {"ImplicitTls", get_implicit_tls, set_implicit_tls},
    {"Timeout", get_timeout, set_timeout},
    {"Deadline", get_deadline, set_deadline},
    {"ThisHostCredentials", get_own, NULL},
    {"Credentials", get_credentials, set_credentials},
    {"UseDefaultCredentials", get_use_default, set_use_default},
    {"AllowPlaintextAuth", get_plaintext, set_plaintext},
    {"MinimumAuth", get_minimum_auth, set_minimum_auth},
    {"Protocol", get_protocol, set_protocol},
    {"OnTrace", get_on_trace, set_on_trace},
    {"TraceLevel", get_trace_level, set_trace_level},
    {"AllOrNothing", get_all_or_nothing, set_all_or_nothing},
    {"MaxRecipients", get_max_recipients, set_max_recipients},
    {"SendOptions", get_options, set_options},
    {"Capabilities", get_capabilities, NULL},
    {"CaFile", get_ca_file, set_ca_file},
    {"CaPath", get_ca_path, set_ca_path},
    {"ClientCertificate", get_certificate, set_certificate},
    {"Proxy", get_proxy, set_proxy},
    {"IpVersion", get_ip_version, set_ip_version},
    {"LocalName", get_local_name, set_local_name},
    {NULL, NULL, NULL},
};

/* ---- the class ---- */

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
    {"Send", nm_client_m_send},     {"SendAsync", nm_client_m_send_async},
    {"Close", client_m_close},      {"Check", nm_client_m_check},
    {"Verify", nm_client_m_verify}, {"Expand", nm_client_m_expand},
    {"Help", nm_client_m_help},     {"Etrn", nm_client_m_etrn},
    {"Reset", nm_client_m_reset},   {NULL, NULL}};

const struct nm_class nm_client_class = {
    .name = "SmtpClient",
    .weight = 32768, /* a connection with its TLS state, most of the time */
    .registry = "netmail.SmtpClient",
    .properties = client_properties,
    .methods = client_methods,
    .close = close_client,
    .unref = unref_client,
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
  static const char *const names[] = {"UserName", "Password", "Token", "Domain"};
  int n = 0;
  lua_newtable(L);
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
    if (nm_has_field(L, i, names[k])) {
      lua_pushstring(L, names[k]);
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
  static const char *const extra[] = {"UserName", "Password", "Token", "Domain", NULL};
  if (lua_type(L, 2) != LUA_TTABLE) {
    return luaL_error(
        L, "SmtpClient takes a table: SmtpClient{ Host = \"smtp.example.org\" }; for a host alone there "
           "is SmtpClient.CreateWithHost(host)");
  }
  lua_settop(L, 2);
  struct nm_client *c = push_client(L);
  struct nm_error e = {0};
  if (nm_class_set_all(L, &nm_client_class, c, 2, extra, &e) < 0) {
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
  nm_class_register(L, &own_class);
  nm_open_options(L);
  nm_class_register(L, &nm_client_class);
  static const char *const driven[] = {"Send",   "SendAsync", "Close", "Check", "Verify",
                                       "Expand", "Help",      "Etrn",  "Reset"};
  for (size_t i = 0; i < sizeof driven / sizeof driven[0]; i++) {
    nm_drive_method(L, &nm_client_class, driven[i]);
  }
  nm_push_class_table(L, "SmtpClient", functions, client_call);
}
