/// Credentials for many servers.
// @module netmail

#include "lua_credential.h"

static void *ref_cache(void *c) {
  return nm_cache_ref(c);
}

static void unref_cache(void *object) {
  struct nm_credential_cache *c = object;
  nm_cache_unref(&c);
}

void nm_push_cache(lua_State *L, struct nm_credential_cache *c) {
  nm_class_push(L, &nm_cache_class, c);
}

static int get_count(lua_State *L, void *object) {
  lua_pushinteger(L, (lua_Integer)((struct nm_credential_cache *)object)->n);
  return 1;
}

static const struct nm_property cache_properties[] = {{"Count", get_count, NULL}, {NULL, NULL, NULL}};

/* Arguments 2 to 4 of every method: host, port, protocol. */
struct place {
  struct nm_credential_cache *cache;
  struct nm_str host;
  int port;
  unsigned mechs;
};

static struct place check_place(lua_State *L, const char *method) {
  struct place p;
  p.cache = nm_class_self(L, &nm_cache_class, method);
  p.host = nm_check_string(L, 2, "Host");
  p.port = (int)nm_check_integer(L, 3, "Port", 0, 65535);
  p.mechs = nm_check_mechanism(L, 4, "AuthProtocol");
  return p;
}

/// Stores a credential; it replaces one for the same three.
// @function CredentialCache:Add
// @string Host `""` for any
// @int Port 0 for any
// @string AuthProtocol mechanism, `""` for what the server offers
// @tparam NetworkCredential Credential
static int cache_add(lua_State *L) {
  struct place p = check_place(L, "Add");
  struct nm_credential *credential = nm_class_check(L, &nm_credential_class, 5);
  struct nm_error e = {0};
  return nm_cache_add(p.cache, p.host, p.port, p.mechs, credential, &e) < 0 ? nm_raise(L, &e) : 0;
}

/// @function CredentialCache:Remove
// @string Host
// @int Port
// @string AuthProtocol
// @treturn boolean whether there was one stored under exactly these
static int cache_remove(lua_State *L) {
  struct place p = check_place(L, "Remove");
  lua_pushboolean(L, nm_cache_remove(p.cache, p.host, p.port, p.mechs));
  return 1;
}

/// @function CredentialCache:GetCredential
// @string Host
// @int Port
// @string AuthProtocol
// @return NetworkCredential, or nil when none matches
static int cache_get(lua_State *L) {
  struct place p = check_place(L, "GetCredential");
  nm_push_credential(L, nm_cache_get(p.cache, p.host, p.port, p.mechs));
  return 1;
}

static int cache_to_string(lua_State *L, void *object) {
  lua_pushfstring(L, "CredentialCache (%d)", (int)((struct nm_credential_cache *)object)->n);
  return 1;
}

static const luaL_Reg cache_methods[] = {
    {"Add", cache_add}, {"Remove", cache_remove}, {"GetCredential", cache_get}, {NULL, NULL}};

const struct nm_class nm_cache_class = {
    .name = "CredentialCache",
    .registry = "netmail.CredentialCache",
    .properties = cache_properties,
    .methods = cache_methods,
    .ref = ref_cache,
    .unref = unref_cache,
    .to_string = cache_to_string,
};

/// An ordered store of credentials for many servers.
// @function CredentialCache.Create
// @treturn CredentialCache
static int cache_create(lua_State *L) {
  void **box = nm_class_new_box(L, &nm_cache_class);
  struct nm_credential_cache *c = NULL;
  if (nm_cache_new(&c) != 0) {
    return luaL_error(L, "out of memory");
  }
  *box = c;
  nm_class_know_box(L, c);
  return 1;
}

/* CredentialCache(): a cache has no properties to be set from a table. */
static int cache_call(lua_State *L) {
  if (!lua_isnoneornil(L, 2)) {
    return luaL_error(L,
                      "CredentialCache takes nothing; add with cache:Add(host, port, protocol, credential)");
  }
  return cache_create(L);
}

void nm_open_cache(lua_State *L) {
  static const luaL_Reg functions[] = {{"Create", cache_create}, {NULL, NULL}};
  nm_class_register(L, &nm_cache_class);
  nm_push_class_table(L, "CredentialCache", functions, cache_call);
}
