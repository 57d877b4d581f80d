#include "lua_capabilities.h"
#include "lua_client.h"
#include "lua_client_pool.h"
#include "lua_credential.h"
#include "lua_envelope.h"
#include "lua_errand.h"
#include "lua_producer.h"
#include "lua_words.h"
#include "send.h"

/* The properties of SmtpClient. */

static struct nm_client *client(void *object) {
  return object;
}

static int get_host(lua_State *L, void *object) {
  return nm_push_opt_str(L, nm_buf_str(&client(object)->host));
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
    return nm_push_opt_str(L, nm_buf_str(&client(object)->field));                                           \
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
  return nm_push_opt_str(L, nm_buf_str(&client(object)->local_name));
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
    return nm_push_opt_str(L, nm_buf_str(&client(object)->proxy));
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
  return nm_push_opt_str(L, nm_buf_str(&client(object)->cert_file));
}

/* A path of a PEM file with certificate and key, or { File = …, Key = …, Password = … }. */
static int set_certificate(lua_State *L, void *object, int i, struct nm_error *e) {
  static const char *const names[] = {"File", "Key", "Password", NULL};
  struct nm_client *c = object;
  struct nm_str file, key = {0}, password = {0};
  i = lua_absindex(L, i);
  if (lua_type(L, i) == LUA_TTABLE) {
    nm_check_keys(L, i, "ClientCertificate", names, "File, Key and Password");
    file = nm_opt_field(L, i, "File");
    key = nm_opt_field(L, i, "Key");
    password = nm_opt_field(L, i, "Password");
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
  void **box = nm_class_new_box(L, &nm_client_own_class);
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

#define POOL_PROPERTY(property, name) {property, nm_client_get_##name, nm_client_put_##name},

const struct nm_property nm_client_properties[] = {
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
    NM_CLIENT_POOL(POOL_PROPERTY){NULL, NULL, NULL},
};
