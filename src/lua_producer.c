#include "lua_producer.h"

#include "base/alloc.h"

#define VALUES "netmail.producers"
#define HOLDER "netmail.producers.holder"

/* One a state, while it has producers; counted: by the state and by each producer, which may be freed after it. */
struct nm_producers {
  unsigned refs;
  int *dead;
  size_t n_dead, room;
  size_t n; /* values in the table; never more than room */
};

/* In the registry. */
struct holder {
  struct nm_producers *all; /* NULL: none now */
  int is_watched;           /* a watch lies in wait for the collector */
  int is_closed;            /* finalized: the state closes */
};

static void unref(struct nm_producers *all) {
  if (--all->refs == 0) {
    nm_free(all->dead);
    nm_free(all);
  }
}

static void forget(struct holder *h) {
  if (h->all != NULL) {
    unref(h->all);
    h->all = NULL;
  }
}

static void holder_release(void *memory) {
  struct holder *h = memory;
  forget(h);
  h->is_closed = 1;
}

/* NULL: there is none yet. */
static struct holder *find(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, HOLDER);
  struct holder *h = nm_scratch_at(L, -1);
  lua_pop(L, 1);
  return h;
}

static struct holder *make(lua_State *L) {
  struct holder *h = nm_scratch(L, sizeof *h, holder_release);
  lua_newtable(L);
  lua_setfield(L, LUA_REGISTRYINDEX, VALUES);
  lua_setfield(L, LUA_REGISTRYINDEX, HOLDER);
  return h;
}

/* Allocates nothing: names and numbers are in their tables. */
static void drop(lua_State *L, int id) {
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  luaL_unref(L, -1, id);
  lua_pop(L, 1);
}

static void sweep(lua_State *L, struct holder *h) {
  struct nm_producers *all = h->all;
  while (all != NULL && all->n_dead > 0) {
    drop(L, all->dead[--all->n_dead]);
    all->n--;
  }
  if (all != NULL && all->n == 0) {
    forget(h);
  }
}

void nm_producers_sweep(lua_State *L) {
  struct holder *h = find(L);
  if (h != NULL) {
    sweep(L, h);
  }
}

/* ---- the watch: an object that is garbage from birth, so that its finalizer runs in each round of the collector ---- */

static void push_watch(lua_State *L);

static int watch_gc(lua_State *L) {
  struct holder *h = find(L);
  if (h != NULL && !h->is_closed) {
    sweep(L, h);
    h->is_watched = 0;
    if (h->all != NULL) {
      push_watch(L);
      h->is_watched = 1;
    }
  }
  return 0;
}

static void push_watch(lua_State *L) {
  lua_newuserdata(L, 1);
  nm_push_metatable(L, "__gc", watch_gc);
  lua_setmetatable(L, -2);
}

/* ---- producers ---- */

void nm_producer_release(void *memory) {
  struct nm_producer *p = memory;
  p->all->dead[p->all->n_dead++] = p->id;
  unref(p->all);
  nm_free(p);
}

/* The value gets its number. All that raises is in here, and finalizers may run. */
static int refer(lua_State *L, struct holder *h, int i) {
  if (h->is_closed) {
    luaL_error(L, "this Lua state is closing");
  }
  if (!h->is_watched) {
    push_watch(L);
    lua_pop(L, 1);
    h->is_watched = 1;
  }
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  lua_pushvalue(L, i);
  int id = luaL_ref(L, -2);
  lua_pop(L, 1);
  return id;
}

/* Room for one more; NULL when memory is short. */
static struct nm_producers *reserve(struct holder *h) {
  if (h->all == NULL) {
    h->all = nm_zalloc(sizeof *h->all);
    if (h->all == NULL) {
      return NULL;
    }
    h->all->refs = 1;
  }
  struct nm_producers *all = h->all;
  if (all->n == all->room) {
    size_t room = all->room > 0 ? all->room * 2 : 8;
    int *dead = nm_realloc_array(all->dead, room, sizeof *dead);
    if (dead == NULL) {
      return NULL;
    }
    all->dead = dead;
    all->room = room;
  }
  return all;
}

struct nm_producer *nm_producer_new(lua_State *L, int i, int is_file, int64_t begin) {
  i = lua_absindex(L, i);
  struct holder *h = find(L);
  if (h == NULL) {
    h = make(L);
  }
  int id = refer(L, h, i);
  sweep(L, h);
  struct nm_producers *all = reserve(h);
  struct nm_producer *p = all != NULL ? nm_alloc(sizeof *p) : NULL;
  if (p == NULL) {
    drop(L, id);
    sweep(L, h);
    return NULL;
  }
  *p = (struct nm_producer){.all = all, .id = id, .is_file = is_file, .begin = begin};
  all->n++;
  all->refs++;
  return p;
}

int nm_producer_feed(lua_State *L, int i, int is_file, int64_t begin, int64_t size, struct nm_feed **out,
                     struct nm_error *e) {
  *out = NULL;
  struct nm_producer *p = nm_producer_new(L, i, is_file, begin);
  return p != NULL ? nm_feed_new(size, begin >= 0, p, nm_producer_release, out, e) : nm_error_nomem(e);
}

int nm_producer_hold(lua_State *L, int i, struct nm_held *out) {
  const struct holder *h = find(L);
  int is_closed = h != NULL && h->is_closed;
  struct nm_producer *p = is_closed ? NULL : nm_producer_new(L, i, 0, -1);
  *out = (struct nm_held){p, nm_producer_release};
  return p != NULL;
}

void nm_producer_push(lua_State *L, const struct nm_producer *p) {
  lua_getfield(L, LUA_REGISTRYINDEX, VALUES);
  lua_rawgeti(L, -1, p->id);
  lua_remove(L, -2);
}
