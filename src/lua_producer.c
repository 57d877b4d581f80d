#include "lua_producer.h"

#include "base/alloc.h"

#define VALUES "netmail.producers"
#define HOLDER "netmail.producers.holder"
#define WATCH "netmail.producers.watch"

/* One a state; counted: by the state and by each producer, which may be freed after it. */
struct nm_producers {
  unsigned refs;
  int *dead;
  size_t n_dead, room;
  size_t n;       /* values in the table; never more than room */
  int is_watched; /* a watch lies in wait for the collector */
};

static void unref(struct nm_producers *all) {
  if (--all->refs == 0) {
    nm_free(all->dead);
    nm_free(all);
  }
}

static void holder_release(void *memory) {
  struct nm_producers **slot = memory;
  if (*slot != NULL) {
    unref(*slot);
    *slot = NULL;
  }
}

/* NULL: there is none, or the state closes. */
static struct nm_producers *find(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, HOLDER);
  struct nm_producers **slot = nm_scratch_at(L, -1);
  lua_pop(L, 1);
  return slot != NULL ? *slot : NULL;
}

static struct nm_producers *make(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, HOLDER);
  if (!lua_isnil(L, -1)) { /* finalized: a new one would never be */
    luaL_error(L, "this Lua state is closing");
  }
  lua_pop(L, 1);
  struct nm_producers **slot = nm_scratch(L, sizeof(struct nm_producers *), holder_release);
  lua_newtable(L);
  lua_setfield(L, LUA_REGISTRYINDEX, VALUES);
  *slot = nm_zalloc(sizeof **slot);
  if (*slot == NULL) {
    luaL_error(L, "out of memory");
  }
  struct nm_producers *all = *slot;
  all->refs = 1;
  lua_setfield(L, LUA_REGISTRYINDEX, HOLDER);
  return all;
}

static void drop(lua_State *L, struct nm_producers *all, int id) {
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  luaL_unref(L, -1, id);
  lua_pop(L, 1);
  all->n--;
}

void nm_producers_sweep(lua_State *L) {
  struct nm_producers *all = find(L);
  while (all != NULL && all->n_dead > 0) {
    drop(L, all, all->dead[--all->n_dead]);
  }
}

/* ---- the watch: an object that is garbage from birth, so that its finalizer runs in each round of the collector ---- */

static void push_watch(lua_State *L);

static int watch_gc(lua_State *L) {
  struct nm_producers *all = find(L);
  if (all != NULL) {
    nm_producers_sweep(L);
    all->is_watched = 0;
    if (all->n > 0) {
      push_watch(L);
      all->is_watched = 1;
    }
  }
  return 0;
}

static void push_watch(lua_State *L) {
  lua_newuserdata(L, 1);
  nm_push_metatable(L, WATCH, "__gc", watch_gc);
  lua_setmetatable(L, -2);
}

/* ---- producers ---- */

static void producer_release(void *memory) {
  struct nm_producer *p = memory;
  p->all->dead[p->all->n_dead++] = p->id;
  unref(p->all);
  nm_free(p);
}

static int reserve(struct nm_producers *all) {
  if (all->n < all->room) {
    return 0;
  }
  size_t room = all->room > 0 ? all->room * 2 : 8;
  int *dead = nm_realloc_array(all->dead, room, sizeof *dead);
  if (dead == NULL) {
    return NM_ENOMEM;
  }
  all->dead = dead;
  all->room = room;
  return 0;
}

static struct nm_producers *prepare(lua_State *L) {
  struct nm_producers *all = find(L);
  if (all == NULL) {
    all = make(L);
  }
  nm_producers_sweep(L);
  if (!all->is_watched) {
    push_watch(L);
    lua_pop(L, 1);
    all->is_watched = 1;
  }
  return all;
}

int nm_producer_feed(lua_State *L, int i, int is_file, int64_t begin, int64_t size, struct nm_feed **out,
                     struct nm_error *e) {
  i = lua_absindex(L, i);
  *out = NULL;
  struct nm_producers *all = prepare(L);
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  lua_pushvalue(L, i);
  int id = luaL_ref(L, -2);
  lua_pop(L, 1);
  all->n++;
  /* From here on nothing raises. */
  struct nm_producer *p = reserve(all) == 0 ? nm_alloc(sizeof *p) : NULL;
  if (p == NULL) {
    drop(L, all, id);
    return nm_error_nomem(e);
  }
  *p = (struct nm_producer){.all = all, .id = id, .is_file = is_file, .begin = begin};
  all->refs++;
  return nm_feed_new(size, begin >= 0, p, producer_release, out, e);
}

void nm_producer_push(lua_State *L, const struct nm_producer *p) {
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  lua_rawgeti(L, -1, p->id);
  lua_remove(L, -2);
}
