#include "support/oom.h"

#include "support/memory_lines.h"

/* Memory that runs out while messages are sent: by tasks, held or not, by Send and by SendMany. Over a net of memory, with a server whose memory
   is its own. */

/* ---- the server: it takes everything ---- */

#define SERVERS MEMORY_LINES_MAX

static struct server {
  int is_used, is_content;
  char in[4096], out[4096];
  size_t in_n, out_n;
} servers[SERVERS];

static void say(struct server *s, const char *words) {
  size_t n = strlen(words);
  assert(n <= sizeof s->out - s->out_n);
  memcpy(s->out + s->out_n, words, n);
  s->out_n += n;
}

static int dial(struct nm_conn *c, struct nm_error *e) {
  size_t i = 0;
  (void)e;
  while (servers[i].is_used) {
    i++;
    assert(i < SERVERS);
  }
  servers[i] = (struct server){.is_used = 1};
  say(&servers[i], "220 x\r\n");
  c->server = &servers[i];
  return 0;
}

static void hear(struct server *s, const char *line) {
  if (s->is_content) {
    s->is_content = strcmp(line, ".\r\n") != 0;
    say(s, s->is_content ? "" : "250 2.0.0 taken\r\n");
  } else if (strncmp(line, "EHLO", 4) == 0) {
    say(s, "250-x\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n");
  } else if (strncmp(line, "DATA", 4) == 0) {
    s->is_content = 1;
    say(s, "354 go on\r\n");
  } else {
    say(s, "250 2.1.0 ok\r\n");
  }
}

static int take(struct nm_conn *c, const char *p, size_t n, size_t *n_out) {
  struct server *s = c->server;
  for (size_t i = 0; i < n; i++) {
    assert(s->in_n < sizeof s->in - 1);
    s->in[s->in_n++] = p[i];
    if (p[i] == '\n') {
      s->in[s->in_n] = '\0';
      s->in_n = 0;
      hear(s, s->in);
    }
  }
  *n_out = n;
  return 0;
}

static int give(struct nm_conn *c, char *p, size_t cap, size_t *n_out) {
  struct server *s = c->server;
  size_t n = s->out_n < cap ? s->out_n : cap;
  *n_out = n;
  memcpy(p, s->out, n);
  memmove(s->out, s->out + n, s->out_n - n);
  s->out_n -= n;
  return n > 0 ? 0 : NM_AGAIN;
}

static int is_readable(struct nm_conn *c) {
  return ((struct server *)c->server)->out_n > 0;
}

static void end(struct nm_conn *c, int quietly) {
  (void)quietly;
  if (c->server != NULL) {
    ((struct server *)c->server)->is_used = 0;
  }
}

/* ---- the net ---- */

static struct nm_net_api api;

struct nm_shared {
  int refs;
};

static struct nm_shared *shared_ref(struct nm_shared *s) {
  s->refs++;
  return s;
}

static struct nm_shared *shared_new(const struct nm_process *process) {
  (void)process;
  struct nm_shared *s = nm_zalloc(sizeof *s);
  return s != NULL ? shared_ref(s) : NULL;
}

static void shared_unref(struct nm_shared **s) {
  if (*s != NULL && --(*s)->refs == 0) {
    nm_free(*s);
  }
  *s = NULL;
}

static int open_net(lua_State *L) {
  lua_pushlightuserdata(L, &api);
  lua_setfield(L, LUA_REGISTRYINDEX, NM_NET_API_KEY);
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg preload[] = {{"netmail.net", open_net}, {NULL, NULL}};

/* ---- the sweeps ---- */

static const char setup[] = "package.path = 'lua/?.lua;lua/?/init.lua;?.lua'\n"
                            "return require 'spec.support.exercise_send'";

/* What the state keeps for its clients goes with it. */
static void close_state(lua_State *L, const struct memory *m) {
  lua_close(L);
  CHECK(m->live == 0 && nm_test_alloc_live() == 0 && memory_lines.n_open == 0);
}

/* Every n-th: all of them take minutes. */
#define STRIDE 7

static void lua_memory_fails(void) {
  for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
    long n = 1, failed = 1;
    int bad = ctest_bad;
    for (; failed > 0 && ctest_bad == bad; n += STRIDE) {
      struct memory m = {0};
      lua_State *L = open_state(&m, preload, setup);
      CHECK(L != NULL);
      if (L == NULL) {
        return;
      }
      fail_between(&m, n, is_lasting ? 1000000000 : n);
      CHECK(run(L) >= 0);
      failed = m.failed;
      fail_between(&m, 0, 0);
      clean(L);
      CHECK(memory_lines.n_open == 0);
      CHECK(run(L) == 0); /* the same state goes on */
      close_state(L, &m);
    }
    CHECK(n > 300);
  }
}

/* Some allocations are luxuries: without them it goes well all the same. */
static void core_memory_fails(void) {
  int bad = ctest_bad, is_over = 0;
  long n = 0, n_failed = 0;
  while (!is_over && ctest_bad == bad) {
    struct memory m = {0};
    lua_State *L = open_state(&m, preload, setup);
    CHECK(L != NULL);
    if (L == NULL) {
      return;
    }
    nm_test_alloc_fail_at(++n);
    int result = run(L);
    void *p = nm_alloc(1); /* the last one there is, or one more */
    is_over = p == NULL;
    nm_free(p);
    nm_test_alloc_fail_at(0);
    CHECK(result >= 0);
    n_failed += result > 0;
    clean(L);
    CHECK(memory_lines.n_open == 0);
    CHECK(run(L) == 0);
    close_state(L, &m);
  }
  CHECK(n > 100 && n_failed > 50);
}

int main(void) {
  static const struct memory_lines_ops ops = {dial, take, give, is_readable, end};
  memory_lines.ops = &ops;
  api = memory_api;
  api.shared_new = shared_new;
  api.shared_ref = shared_ref;
  api.shared_unref = shared_unref;
  RUN(lua_memory_fails);
  RUN(core_memory_fails);
  return ctest_end();
}
