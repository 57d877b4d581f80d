#include "lua_client.h"

#include "lua_credential.h"

/* client.ThisHostCredentials[protocol] */

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
const struct nm_class nm_client_own_class = {
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
  return own_get(L, nm_class_check(L, &nm_client_own_class, 1));
}
