#include "lua_load.h"

static void *handed_over(lua_State *L, const char *key) {
  lua_getfield(L, LUA_REGISTRYINDEX, key);
  void *api = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return api;
}

static void load(lua_State *L, const char *module) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    /* Lua 5.1 remembers a load that failed as one that still runs, and would not say the reason again. */
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    if (lua_istable(L, -1)) {
      lua_pushnil(L);
      lua_setfield(L, -2, module);
    }
    lua_pop(L, 1);
    lua_error(L);
  }
}

static const void *need(lua_State *L, const char *module, const char *key) {
  void *api = handed_over(L, key);
  if (api == NULL) {
    load(L, module);
    api = handed_over(L, key);
  }
  return api;
}

static void check_fits(lua_State *L, int fits, const char *module) {
  if (!fits) {
    luaL_error(L, "%s is of another version than netmail.core; install both from one netmail", module);
  }
}

/* What this state's clients share, in the registry by the address of key. */
struct home {
  const struct nm_net_api *api;
  struct nm_shared *shared;   /* NULL: no memory for it, or the state closes */
  struct nm_process *process; /* NULL: there is none, too */
};

static const char key;

static void leave_home(void *memory) {
  struct home *h = memory;
  h->api->shared_unref(&h->shared);
  nm_process_unref(&h->process);
}

static void need_home(lua_State *L, const struct nm_net_api *api) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  int is_there = !lua_isnil(L, -1);
  lua_pop(L, 1);
  if (!is_there) {
    struct home *h = nm_scratch(L, sizeof *h, leave_home);
    h->api = api;
    h->process = nm_process_new();
    h->shared = api->shared_new(h->process);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
}

const struct nm_net_api *nm_load_net(lua_State *L) {
  const struct nm_net_api *api = need(L, "netmail.net", NM_NET_API_KEY);
  check_fits(L, nm_net_api_fits(api), "netmail.net");
  need_home(L, api);
  return api;
}

void nm_load_net_for(lua_State *L, struct nm_client *c, const struct nm_net_api *api) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  const struct home *h = nm_scratch_of(L, -1, sizeof *h, leave_home);
  lua_pop(L, 1);
  nm_client_use_net(c, api, h != NULL ? h->shared : NULL, h != NULL ? h->process : NULL);
}

const struct nm_digest_api *nm_load_digest(lua_State *L) {
  const struct nm_digest_api *api = need(L, "netmail.crypto", NM_DIGEST_API_KEY);
  check_fits(L, nm_digest_api_fits(api), "netmail.crypto");
  return api;
}

const struct nm_binding_api *nm_load_binding(lua_State *L) {
  const struct nm_binding_api *api = need(L, "netmail.crypto", NM_BINDING_API_KEY);
  check_fits(L, nm_binding_api_fits(api), "netmail.crypto");
  return api;
}
