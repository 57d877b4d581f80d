#ifndef NM_SPEC_FLIGHT_WORLD_H
#define NM_SPEC_FLIGHT_WORLD_H

/* A client with a flight, and the servers that it sends to: what these have of a message, what the lines have taken of it, and what the
   flight says became of it. One world at a time. */

#include "base/alloc.h"
#include "flight.h"
#include "send.h"
#include "smtp/model_server.h"
#include "support/ctest.h"
#include "support/fake_clock.h"
#include "support/memory_lines.h"
#include "support/sources.h"

#define WORLD_PLANS_MAX 8
#define WORLD_DIALS_MAX 400
#define WORLD_STEPS_MAX 200000
#define WORLD_TIMEOUT 100000

/* What the server of one connection does. All-zero takes everything. */
struct plan {
  const char *refuses;     /* the dial fails, with it */
  int is_far;              /* the dial never ends */
  const char *offers;      /* of EHLO, in place of the world's */
  size_t hangs_up;         /* after so many octets; 0: never */
  int says_421;            /* at the command that comes then */
  size_t deaf_at;          /* the line breaks after so many octets of replies; 0: never */
  int is_silent;           /* the server reads, and never says a word */
  size_t mute_at;          /* nor after so many octets of replies; 0: never */
  const char *adds;        /* it says that too, behind its first replies */
  int ends_after;          /* it hangs up behind so many messages; 0: never */
  uint32_t refuse, garble; /* of a thousand */
  size_t rcpt_max;
};

struct letter {
  char specs[MODEL_RCPT_MAX + 1][64];
  struct nm_addr from, rcpt[MODEL_RCPT_MAX];
  struct nm_addr *to[MODEL_RCPT_MAX];
  struct nm_envelope env;
  struct nm_buf content;
  struct nm_source *source;
  struct nm_mail mail;
  struct nm_sent sent;
  int n_in, n_back; /* how often it was handed in, and came back */
  int fails;        /* its content does */
  int was_unknown;
};

struct server {
  int is_used;
  struct model_server m;
  struct plan plan;
  char *wire; /* all that the line took */
  size_t wire_n, wire_cap, wire_at;
  size_t n_given;
  int has_added;
};

static struct world {
  uint64_t seed; /* 0: all goes in one piece */
  struct nm_client *client;
  struct nm_flight flight;
  struct letter letters[MODEL_LETTERS_MAX];
  size_t n, n_in, n_back;
  const char *offers;
  struct plan plans[WORLD_PLANS_MAX]; /* of the first dials; those behind are as the last */
  size_t n_plans;
  size_t line_max;                 /* what fits into a line; 0: anything */
  const char *downs;               /* a host where nobody is */
  char hosts[WORLD_DIALS_MAX][64]; /* that were dialled */
  int delivered[MODEL_LETTERS_MAX][MODEL_RCPT_MAX];
  int is_handed[MODEL_LETTERS_MAX]; /* a line took all of its content */
  int mails[WORLD_DIALS_MAX];       /* MAILs that came over each */
  int n_ended, n_lost, n_quits, n_garbled;
  int n_begun[MODEL_LETTERS_MAX]; /* transactions of each message, over all */
  int is_repeated;                /* one had several */
  int is_disordered;              /* on one line */
  const char *wrong;
  size_t order[2 * MODEL_LETTERS_MAX]; /* in which they came back */
  size_t most_mails;                   /* that were begun on one line at once */
} world;

static struct server world_servers[MEMORY_LINES_MAX];

/* Once: the servers' memory is nobody's leak. */
static inline void world_found(void) {
  for (size_t i = 0; i < MEMORY_LINES_MAX; i++) {
    model_init(&world_servers[i].m, i);
  }
}

static inline uint32_t world_chance(uint32_t below) {
  return model_random(&world.seed, below);
}

/* ---- the servers ---- */

static inline const struct plan *world_plan(int no) {
  static const struct plan good;
  size_t i = (size_t)no < world.n_plans ? (size_t)no : world.n_plans - 1;
  return world.n_plans > 0 ? &world.plans[i] : &good;
}

static inline struct server *world_new_server(const struct nm_conn *c, const struct plan *p) {
  size_t i = 0;
  while (world_servers[i].is_used) {
    i++;
    assert(i < MEMORY_LINES_MAX);
  }
  struct server *s = &world_servers[i];
  *s = (struct server){.is_used = 1, .m = s->m, .plan = *p, .wire = s->wire, .wire_cap = s->wire_cap};
  struct model_server *m = &s->m;
  model_renew(m, (uint64_t)c->no + world.seed);
  for (size_t k = 0; k < world.n; k++) {
    m->contents[k] = nm_buf_str(&world.letters[k].content);
  }
  m->hangs_up = p->hangs_up > 0 ? p->hangs_up : SIZE_MAX;
  m->says_421 = p->says_421;
  m->refuse = p->refuse;
  m->garble = p->garble;
  m->keeps_refused = (int)(world.seed & 1);
  m->rcpt_max = p->rcpt_max;
  if (c->is_bare) {
    m->offers = p->offers != NULL ? p->offers : world.offers;
    nm_buf_add_c(&m->out, "220 x\r\n");
  }
  return s;
}

static inline int world_dial(struct nm_conn *c, struct nm_error *e) {
  const struct plan *p = world_plan(c->no);
  snprintf(world.hosts[c->no], sizeof world.hosts[0], "%s", c->host);
  if (world.downs != NULL && strcmp(world.downs, c->host) == 0) {
    return nm_error_set(e, NM_EIO, NM_KIND_CONNECT, "nobody is at %s", c->host);
  }
  if (p->is_far || (world.seed != 0 && world_chance(3) == 0)) {
    return NM_AGAIN;
  }
  if (p->refuses != NULL) {
    return nm_error_set(e, NM_EIO, NM_KIND_CONNECT, "%s", p->refuses);
  }
  assert(c->is_bare); /* the server greets, the client says EHLO */
  c->server = world_new_server(c, p);
  return 0;
}

static inline int world_is_deaf(const struct server *s) {
  return s->plan.deaf_at > 0 && s->n_given >= s->plan.deaf_at;
}

static inline int world_take(struct nm_conn *c, const char *p, size_t n, size_t *n_out) {
  struct server *s = c->server;
  size_t room = world.line_max > 0 ? world.line_max - (s->wire_n - s->wire_at) : n;
  if (s->m.is_closed && world.seed != 0 && world_chance(4) == 0) {
    return NM_EIO;
  }
  n = n < room ? n : room;
  n = world.seed != 0 && n > 0 && world_chance(4) == 0 ? 1 + world_chance((uint32_t)n) : n;
  if (n == 0) {
    return NM_AGAIN;
  }
  if (s->wire_n + n > s->wire_cap) {
    s->wire_cap = 2 * (s->wire_n + n);
    s->wire = realloc(s->wire, s->wire_cap);
  }
  memcpy(s->wire + s->wire_n, p, n);
  s->wire_n += n;
  *n_out = n;
  return 0;
}

static inline int world_read(struct server *s, size_t n) {
  size_t there = s->wire_n - s->wire_at;
  n = n < there ? n : there;
  if (n == 0 || s->m.is_closed) {
    return 0;
  }
  model_read(&s->m, s->wire + s->wire_at, n);
  s->wire_at += n;
  if (s->plan.adds != NULL && s->m.out.n > 0 && s->m.n_delivered > 0 && !s->has_added) {
    s->has_added = 1;
    nm_buf_add_c(&s->m.out, s->plan.adds);
  }
  s->m.is_closed |= s->plan.ends_after > 0 && s->m.n_delivered >= s->plan.ends_after;
  return 1;
}

static inline int world_give(struct nm_conn *c, char *p, size_t cap, size_t *n_out) {
  struct server *s = c->server;
  size_t n = s->plan.is_silent ? 0 : s->m.out.n;
  n = s->plan.deaf_at > 0 && n > s->plan.deaf_at - s->n_given ? s->plan.deaf_at - s->n_given : n;
  n = s->plan.mute_at > 0 && n > s->plan.mute_at - s->n_given ? s->plan.mute_at - s->n_given : n;
  n = n < cap ? n : cap;
  *n_out = 0;
  if (n == 0) {
    return s->m.is_closed || world_is_deaf(s) ? 0 : NM_AGAIN;
  }
  n = world.seed != 0 && world_chance(2) ? 1 + world_chance((uint32_t)n) : n;
  memcpy(p, s->m.out.p, n);
  memmove(s->m.out.p, s->m.out.p + n, s->m.out.n - n);
  s->m.out.n -= n;
  s->n_given += n;
  *n_out = n;
  return 0;
}

static inline int world_is_readable(struct nm_conn *c) {
  const struct server *s = c->server;
  return s->m.is_closed || world_is_deaf(s) || s->m.out.n > 0;
}

static inline void world_look_at_mail(const struct nm_conn *c, int id, int last) {
  world.is_disordered |= id < last;
  world.is_repeated |= world.n_begun[id]++ > 0;
  world.mails[c->no]++;
}

/* What a line has taken says which contents were handed over whole, and in which order the messages were begun. No line of a content looks
   like a command. */
static inline void world_look_at_wire(const struct nm_conn *c, const struct server *s) {
  const char *at = s->wire, *end = s->wire + s->wire_n, *lf;
  int id = 0, last = -1;
  while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
    char line[64];
    unsigned chunk = 0;
    int n = 0;
    snprintf(line, sizeof line, "%.*s", (int)(lf - at < 60 ? lf - at : 60), at);
    at = lf + 1;
    if (sscanf(line, "MAIL FROM:<s%d@%n", &id, &n) == 1 && n > 0) {
      world_look_at_mail(c, id, last);
      last = id;
    } else if (sscanf(line, "BDAT %u%n", &chunk, &n) == 1) {
      int is_whole = chunk <= (size_t)(end - at);
      world.is_handed[id] |= is_whole && strncmp(line + n, " LAST", 5) == 0;
      at = is_whole ? at + chunk : end;
    } else if (strcmp(line, ".\r") == 0) {
      world.is_handed[id] = 1;
    }
  }
}

/* What was on its way when the client dropped the line still comes to the server. */
static inline void world_end(struct nm_conn *c, int quietly) {
  struct server *s = c->server;
  (void)quietly;
  if (s == NULL) {
    return;
  }
  while (world_read(s, SIZE_MAX)) {
  }
  world_look_at_wire(c, s);
  for (size_t i = 0; i < world.n; i++) {
    for (size_t k = 0; k < MODEL_RCPT_MAX; k++) {
      world.delivered[i][k] += s->m.delivered[i][k];
    }
  }
  world.wrong = world.wrong != NULL ? world.wrong : s->m.wrong;
  world.n_quits += s->m.n_quits;
  world.n_garbled += s->m.has_garbled;
  world.n_lost +=
      (s->m.is_closed && s->m.n_quits == 0) || world_is_deaf(s) || s->plan.is_silent || s->plan.mute_at > 0;
  world.n_ended++;
  s->is_used = 0;
}

static const struct memory_lines_ops world_ops = {world_dial, world_take, world_give, world_is_readable,
                                                  world_end};

/* The servers read what they have got; 1: there was something. */
static inline int world_turn(void) {
  int moved = 0;
  for (int i = 0; i < memory_lines.n_open; i++) {
    struct server *s = memory_lines.open[i]->server;
    if (s != NULL && (world.seed == 0 || world_chance(2))) {
      size_t most = world.seed != 0 && world_chance(2) ? 1 + world_chance(500) : SIZE_MAX;
      moved |= world_read(s, most);
    }
  }
  return moved;
}

/* ---- the messages ---- */

static inline struct letter *world_add_letter(size_t n_to, size_t size) {
  size_t i = world.n++;
  struct letter *l = &world.letters[i];
  snprintf(l->specs[n_to], sizeof l->specs[0], "s%zu@example.org", i);
  l->from = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[n_to])};
  for (size_t k = 0; k < n_to; k++) {
    snprintf(l->specs[k], sizeof l->specs[0], "r%zu-%zu@example.net", i, k);
    l->rcpt[k] = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[k]), .domain = NM_STR("example.net")};
    l->to[k] = &l->rcpt[k];
  }
  l->content.max = MODEL_CONTENT_MAX;
  model_content((int)i, size, &l->content);
  nm_buf_addf(&l->content, "end of %zu\r\n", i);
  for (size_t k = 0; k < MEMORY_LINES_MAX; k++) {
    world_servers[k].m.contents[i] = nm_buf_str(&l->content);
  }
  l->source = odd_source(nm_buf_str(&l->content), l->content.n, 0, NULL);
  l->env = (struct nm_envelope){.from = &l->from, .to = l->to, .n_to = n_to, .size = -1};
  l->mail = (struct nm_mail){.env = &l->env, .content = l->source, .out = &l->sent};
  return l;
}

static inline struct odd_source *world_content(struct letter *l) {
  return (struct odd_source *)l->source;
}

static inline void world_add_letters(size_t n) {
  while (n-- > 0) {
    (void)world_add_letter(1, 60);
  }
}

static inline void world_begin(uint64_t seed, const char *offers) {
  world = (struct world){.seed = seed, .offers = offers};
  memory_lines.ops = &world_ops;
  memory_lines.n_dialled = 0;
  memory_lines.most_open = memory_lines.n_open;
  int err = nm_client_new(&world.client);
  err = err == 0 ? nm_client_set_host(world.client, NM_STR("mail.example.test"), NULL) : err;
  assert(err == 0);
  world.client->api = &memory_api;
}

static inline int world_take_off(size_t lines, size_t window, size_t per_line) {
  struct nm_error e;
  return nm_flight_begin(&world.flight, world.client, &(struct nm_flight_limits){lines, window, per_line},
                         &e);
}

/* ---- the flight ---- */

static inline struct letter *letter_of(struct nm_mail *m) {
  return (struct letter *)(void *)((char *)m - offsetof(struct letter, mail));
}

static inline void world_hand_in(void) {
  while (world.n_in < world.n && nm_flight_room(&world.flight) > 0) {
    struct letter *l = &world.letters[world.n_in++];
    l->n_in++;
    nm_flight_add(&world.flight, &l->mail);
  }
}

static inline int world_take_back(void) {
  struct nm_mail *m;
  int n = 0;
  while ((m = nm_flight_take(&world.flight)) != NULL) {
    struct letter *l = letter_of(m);
    l->n_back++;
    l->was_unknown |= l->sent.txn.outcome == NM_OUTCOME_UNKNOWN;
    if (world.n_back < sizeof world.order / sizeof world.order[0]) {
      world.order[world.n_back] = (size_t)(l - world.letters);
    }
    world.n_back++;
    n++;
  }
  return n;
}

static inline void world_measure(void) {
  for (size_t i = 0; world.flight.client != NULL && i < world.flight.limits.lines; i++) {
    size_t n = world.flight.lines[i].mails.n;
    world.most_mails = n > world.most_mails ? n : world.most_mails;
  }
}

/* Nobody moves any more: time passes. 0: there is nothing that time would change. */
static inline int world_sleep(void) {
  int ms = nm_flight_left(&world.flight);
  if (ms == INT32_MAX) {
    return 0;
  }
  ms = world.seed != 0 && ms > 5000 ? 5000 : ms;
  fake_clock_ms += ms > 0 ? ms : 1;
  return 1;
}

/* One round; 0: neither side can go on, now or ever. */
static inline int world_round(void) {
  struct nm_line *line;
  world_hand_in();
  nm_flight_step(&world.flight, world.seed != 0 && world_chance(4) == 0 ? 0 : -1);
  world_measure();
  int back = world_take_back();
  enum nm_need need = nm_flight_need(&world.flight, &line);
  if (line != NULL) {
    assert(need == NM_NEED_CONTENT);
    nm_line_resume(line);
    (void)world_turn();
    return 1;
  }
  if (need == NM_NEED_TURN || back > 0) {
    (void)world_turn();
    return 1;
  }
  for (int i = 0; i < (world.seed != 0 ? 30 : 1); i++) {
    if (world_turn()) {
      return 1;
    }
  }
  return (world.seed != 0 && world_chance(4)) || world_sleep();
}

/* Until all that is to be sent is back. */
static inline void world_fly(void) {
  int steps = 0;
  size_t due = 0;
  for (size_t i = 0; i < world.n; i++) {
    due += world.letters[i].n_in > 0 ? 0 : 1;
  }
  due += world.flight.n_mails + world.flight.done.n + world.n_back;
  while (world.n_back < due && steps++ < WORLD_STEPS_MAX && world_round()) {
  }
  CHECK(world.n_back == due);
}

static inline void world_land(void) {
  nm_flight_end(&world.flight);
}

/* The client goes: all lines end, so that the servers' books are closed. */
static inline void world_close_books(void) {
  nm_flight_end(&world.flight);
  nm_client_unref(&world.client);
  CHECK(memory_lines.n_open == 0);
}

static inline void world_end_all(void) {
  if (world.client != NULL) {
    world_close_books();
  }
  for (size_t i = 0; i < world.n; i++) {
    struct letter *l = &world.letters[i];
    nm_sent_free(&l->sent);
    nm_source_free(&l->source);
    nm_buf_free(&l->content);
  }
  world.n = 0;
}

/* ---- what must be true, once the books are closed ---- */

static inline int world_fate_fits(const struct letter *l, size_t k, int delivered) {
  enum nm_fate fate = k < l->sent.txn.n_rcpt ? l->sent.txn.rcpt[k].fate : NM_FATE_NOT_SENT;
  return fate == NM_FATE_UNKNOWN || (fate == NM_FATE_ACCEPTED) == (delivered == 1);
}

static inline void world_check_letter(size_t i, const char *row) {
  const struct letter *l = &world.letters[i];
  const struct nm_sent *sent = &l->sent;
  int all = 1, any = 0;
  CHECK_ROW(l->n_back == l->n_in, row);
  for (size_t k = 0; k < l->env.n_to; k++) {
    int n = world.delivered[i][k];
    CHECK_ROW(n <= 1, row);
    CHECK_ROW(world_fate_fits(l, k, n), row);
    all &= n == 1;
    any |= n > 0;
  }
  switch (sent->txn.outcome) {
    case NM_OUTCOME_ACCEPTED:
      CHECK_ROW(all && sent->error.code == 0, row);
      break;
    case NM_OUTCOME_PARTIAL:
      CHECK_ROW(any && !all && sent->error.code == 0, row);
      break;
    case NM_OUTCOME_UNKNOWN:
      CHECK_ROW(sent->error.code != 0 && world.is_handed[i], row);
      break;
    case NM_OUTCOME_REJECTED:
    case NM_OUTCOME_NOT_SENT:
      CHECK_ROW(!any && sent->error.code != 0, row);
      break;
  }
  CHECK_ROW((sent->error.code == 0) == (sent->error.text[0] == '\0'), row);
  CHECK_ROW(!l->fails || !any, row);
}

static inline void world_check(const char *row) {
  CHECK_ROW(world.wrong == NULL, world.wrong != NULL ? world.wrong : row);
  for (size_t i = 0; i < world.n_in; i++) {
    world_check_letter(i, row);
  }
  for (size_t i = world.n_in; i < world.n; i++) {
    CHECK_ROW(world.delivered[i][0] == 0, row);
  }
}

#endif
