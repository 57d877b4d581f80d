/// Credentials.
// @module netmail

#include "lua_credential.h"

#include "lua_producer.h"
#include "smtp/sasl.h"

unsigned nm_check_mechanism(lua_State *L, int i, const char *what) {
  struct nm_str name = nm_check_string(L, i, what);
  unsigned mechs = nm_sasl_by_name(name);
  if (mechs == 0) {
    luaL_error(
        L,
        "unknown authentication protocol '%s' (there are PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5, SCRAM-SHA-1, "
        "SCRAM-SHA-256 and SCRAM-SHA-512, these three also with -PLUS, XOAUTH2, OAUTHBEARER, EXTERNAL, NTLM, "
        "GSSAPI or Kerberos, and \"\" for what the server offers)",
        nm_push_shown(L, name));
  }
  return mechs;
}

static void *ref_credential(void *c) {
  return nm_credential_ref(c);
}

static void unref_credential(void *object) {
  struct nm_credential *c = object;
  nm_credential_unref(&c);
}

void nm_push_credential(lua_State *L, struct nm_credential *c) {
  nm_class_push(L, &nm_credential_class, c);
}

static int get_user(lua_State *L, void *object) {
  nm_push_str(L, nm_buf_str(&((struct nm_credential *)object)->user));
  return 1;
}

static int set_user(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_credential_set_user(object, nm_check_string(L, i, "UserName"), e);
}

/* The secret as it was given: a string, or the function. */
static int push_secret(lua_State *L, const struct nm_credential *c) {
  if (c->giver.what != NULL) {
    nm_producer_push(L, c->giver.what);
  } else {
    nm_push_str(L, nm_buf_str(&c->password));
  }
  return 1;
}

static void check_secret(lua_State *L, int i, const char *what) {
  if (lua_type(L, i) != LUA_TFUNCTION && lua_type(L, i) != LUA_TSTRING) {
    nm_type_error(L, i, what, "string or function");
  }
}

/* A string, or a function that gives one when somebody is to be logged in. user NULL: the one there is. */
static int set_secret(lua_State *L, struct nm_credential *c, const struct nm_str *user, int i,
                      const char *what, int is_token, struct nm_error *e) {
  check_secret(L, i, what);
  struct nm_producer *giver = NULL;
  struct nm_str name = user != NULL ? *user : nm_buf_str(&c->user);
  struct nm_str secret = nm_str("", 0);
  int is_function = lua_type(L, i) == LUA_TFUNCTION;
  if (is_function) {
    giver = nm_producer_new(L, i, 0, -1);
  } else {
    secret = nm_check_string(L, i, what);
  }
  if (is_function && giver == NULL) {
    return nm_error_nomem(e);
  }
  int err = nm_credential_check_secret(what, secret, e);
  if (err == 0 && (user != NULL || !is_function)) {
    err = nm_credential_set(c, name, secret, e);
  }
  if (is_function && err == 0) {
    nm_credential_set_giver(c, giver, nm_producer_release);
  } else if (is_function) {
    nm_producer_release(giver);
  }
  c->is_token = err == 0 ? is_token : c->is_token;
  return err;
}

static int get_password(lua_State *L, void *object) {
  return push_secret(L, object);
}

static int set_password(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_secret(L, object, NULL, i, "Password", 0, e);
}

/* An access token (RFC 6749) instead of a password. */
static int get_token(lua_State *L, void *object) {
  if (!((struct nm_credential *)object)->is_token) {
    lua_pushnil(L);
    return 1;
  }
  return push_secret(L, object);
}

static int set_token(lua_State *L, void *object, int i, struct nm_error *e) {
  return set_secret(L, object, NULL, i, "Token", 1, e);
}

static int get_domain(lua_State *L, void *object) {
  nm_push_str(L, nm_buf_str(&((struct nm_credential *)object)->domain));
  return 1;
}

static int set_domain(lua_State *L, void *object, int i, struct nm_error *e) {
  return nm_credential_set_domain(object, nm_opt_string(L, i, "Domain"), e);
}

/// The properties of a credential. A change counts at the next send, which logs in anew.
// @table NetworkCredential
// @field UserName sent as given
// @field Password a string, or a function (see `NetworkCredential.Create`). The function is held outside of the collector's sight, so one that refers
//   to this credential, or to a client or cache that has it, keeps all of them until Password is set to another value, or the client's
//   `ThisHostCredentials[""] = nil` and `Credentials = nil`: let it refer to what it needs and no more
// @field Token an access token in the place of Password, or a function likewise; nil: it is a password
// @field Domain for NTLM; the realm for DIGEST-MD5
static const struct nm_property credential_properties[] = {
    {"UserName", get_user, set_user},
    {"Password", get_password, set_password},
    {"Token", get_token, set_token},
    {"Domain", get_domain, set_domain},
    {NULL, NULL, NULL},
};

/* Never the password. */
static int credential_to_string(lua_State *L, void *object) {
  const struct nm_credential *c = object;
  lua_pushliteral(L, "NetworkCredential (");
  nm_push_str(L, nm_buf_str(&c->user));
  lua_pushliteral(L, ")");
  lua_concat(L, 3);
  return 1;
}

/// Replaces user name and password in place; a client that uses this credential logs in anew at its next send.
// @function NetworkCredential:CreateWithUserPassword
// @string UserName
// @tparam string|function Password
static int credential_replace(lua_State *L) {
  struct nm_credential *c = nm_class_self(L, &nm_credential_class, "CreateWithUserPassword");
  struct nm_str user = nm_check_string(L, 2, "UserName");
  struct nm_error e = {0};
  return set_secret(L, c, &user, 3, "Password", 0, &e) < 0 ? nm_raise(L, &e) : 0;
}

static const luaL_Reg credential_methods[] = {{"CreateWithUserPassword", credential_replace}, {NULL, NULL}};

const struct nm_class nm_credential_class = {
    .name = "NetworkCredential",
    .weight = 512,
    .registry = "netmail.NetworkCredential",
    .properties = credential_properties,
    .methods = credential_methods,
    .ref = ref_credential,
    .unref = unref_credential,
    .to_string = credential_to_string,
};

static struct nm_credential *push_credential(lua_State *L) {
  void **box = nm_class_new_box(L, &nm_credential_class);
  struct nm_credential *c = NULL;
  if (nm_credential_new(&c) != 0) {
    luaL_error(L, "out of memory");
  }
  *box = c;
  nm_class_know_box(L, c);
  return c;
}

/// Who logs in, by password or by access token.
//
// A function in the place of Password is called at each login, between two steps of the connection, and may yield; it returns the
// password, or nil and why there is none. Its argument is true when the server has refused (535) what it gave just before: then it is asked once
// more, for a fresh token or another password. A function that refers to the credential, or to a client that has it, keeps them alive until
// another value is set. The table form takes `Token` in the place of `Password`, also a function: an OAuth 2.0 access token,
// for which the protocol `""` means OAUTHBEARER and XOAUTH2 (RFC 7628).
// @function NetworkCredential.Create
// @string UserName sent as given
// @tparam string|function Password
// @string[opt] Domain for NTLM, realm for DIGEST-MD5
// @treturn NetworkCredential
static int credential_create(lua_State *L) {
  nm_gc_announce(L, &nm_credential_class);
  struct nm_str user = nm_check_string(L, 1, "UserName");
  check_secret(L, 2, "Password");
  struct nm_str domain = nm_opt_string(L, 3, "Domain");
  struct nm_credential *c = push_credential(L);
  struct nm_error e = {0};
  if (set_secret(L, c, &user, 2, "Password", 0, &e) < 0 || nm_credential_set_domain(c, domain, &e) < 0) {
    return nm_raise(L, &e);
  }
  return 1;
}

/* An empty one is said, never left out. */
static void need_field(lua_State *L, int i, const char *name) {
  if (!nm_has_field(L, i, name)) {
    luaL_error(L, "NetworkCredential needs a %s", name);
  }
}

struct nm_credential *nm_new_credential(lua_State *L, int i) {
  struct nm_error e = {0};
  int has_token = nm_has_field(L, i, "Token");
  if (has_token && nm_has_field(L, i, "Password")) {
    luaL_error(L, "NetworkCredential takes a Password or a Token, not both");
  }
  struct nm_credential *c = push_credential(L);
  if (nm_class_set_all(L, &nm_credential_class, c, i, NULL, &e) < 0) {
    nm_raise(L, &e);
  }
  need_field(L, i, "UserName");
  need_field(L, i, has_token ? "Token" : "Password");
  return c;
}

/* NetworkCredential{ UserName = …, Password = … } and NetworkCredential(user, password, domain). */
static int credential_call(lua_State *L) {
  nm_gc_announce(L, &nm_credential_class);
  lua_settop(L, 4);
  if (lua_type(L, 2) != LUA_TTABLE) {
    lua_remove(L, 1);
    return credential_create(L);
  }
  (void)nm_new_credential(L, 2);
  return 1;
}

void nm_open_credential(lua_State *L) {
  static const luaL_Reg functions[] = {{"Create", credential_create}, {NULL, NULL}};
  nm_class_register(L, &nm_credential_class);
  nm_push_class_table(L, "NetworkCredential", functions, credential_call);
}
