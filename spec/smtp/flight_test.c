/* Thousands of flights between a session and a server that takes, refuses and hangs up by chance, over a line that takes and gives
   as much as it likes. What the session says of each message is compared with what the server has done. */
#include "smtp/session.h"

#include "base/alloc.h"
#include "smtp/model_server.h"
#include "support/ctest.h"
#include "support/sources.h"

struct letter {
  char specs[MODEL_RCPT_MAX + 1][64];
  struct nm_addr from;
  struct nm_addr rcpt[MODEL_RCPT_MAX];
  struct nm_addr *to[MODEL_RCPT_MAX];
  struct nm_envelope env;
  struct nm_buf content;
  struct nm_source *source;
  int fails; /* its content does */
  int has_result;
  enum nm_outcome outcome;
  enum nm_fate fate[MODEL_RCPT_MAX];
  int error;
};

struct flight {
  uint64_t seed;
  struct nm_session *s;
  struct model_server m;
  struct letter letters[MODEL_LETTERS_MAX];
  size_t n, n_begun, n_results;
  struct nm_buf line; /* on its way to the server */
  size_t line_at;
  size_t line_max, back_max; /* what fits both ways; the server stops reading when it cannot write */
  int is_lost;
  int memory;  /* was short */
  size_t most; /* transactions that were in flight at once */
};

static uint32_t chance(struct flight *f, uint32_t below) {
  return model_random(&f->seed, below);
}

static size_t choose_size(struct flight *f) {
  switch (chance(f, 20)) {
    case 0:
      return 24 + chance(f, chance(f, 4) == 0 ? 180000 : 70000);
    case 1:
    case 2:
      return 2000 + chance(f, 4000);
    default:
      return 24 + chance(f, 400);
  }
}

static void make_letter(struct flight *f, size_t i, unsigned flaws) {
  struct letter *l = &f->letters[i];
  size_t n_to = 1 + chance(f, chance(f, 3) == 0 ? MODEL_RCPT_MAX : 2);
  snprintf(l->specs[n_to], sizeof l->specs[0], "s%zu@example.org", i);
  l->from = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[n_to])};
  for (size_t k = 0; k < n_to; k++) {
    snprintf(l->specs[k], sizeof l->specs[0], "r%zu-%zu@example.net", i, k);
    l->rcpt[k] = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[k])};
    l->to[k] = &l->rcpt[k];
  }
  l->content.max = MODEL_CONTENT_MAX;
  model_content((int)i, choose_size(f), &l->content);
  f->m.contents[i] = nm_buf_str(&l->content);
  l->fails = flaws && chance(f, 40) == 0;
  l->source = odd_source(nm_buf_str(&l->content), chance(f, 4) ? l->content.n : 1 + chance(f, 3000),
                         chance(f, 6) == 0, l->fails ? "gone" : NULL);
  l->env = (struct nm_envelope){.from = &l->from,
                                .to = l->to,
                                .n_to = n_to,
                                .size = chance(f, 2) ? (int64_t)l->content.n : -1,
                                .all_or_nothing = chance(f, 8) == 0,
                                .is_idle = chance(f, 16) == 0};
  l->env.chunking = chance(f, 10) == 0  ? NM_CHUNKING_OFF
                    : chance(f, 8) == 0 ? NM_CHUNKING_AFTER_RCPT
                                        : NM_CHUNKING_OFFERED;
  if (flaws && chance(f, 30) == 0) {
    l->env.body = NM_BODY_8BITMIME; /* which nobody offers here */
  }
}

static void set_up(struct flight *f, uint64_t seed, unsigned caps_flags, unsigned flaws) {
  *f = (struct flight){.seed = seed * 6364136223846793005u + 1442695040888963407u, .line = {.max = 1 << 18}};
  model_init(&f->m, seed);
  nm_buf_room(&f->line, f->line.max);
  f->m.refuse = flaws ? (chance(f, 2) ? 150 : 20) : 0;
  f->m.garble = flaws && chance(f, 6) == 0 ? 10 : 0;
  f->m.keeps_refused = (int)chance(f, 2);
  if (flaws && chance(f, 3) == 0) {
    f->m.hangs_up = 1 + chance(f, chance(f, 2) ? 600 : 8000);
    f->m.says_421 = (int)chance(f, 2);
  }
  f->n = 1 + chance(f, chance(f, 4) ? 12 : MODEL_LETTERS_MAX);
  f->line_max = 64 + chance(f, chance(f, 2) ? 200 : 100000);
  f->back_max = 40 + chance(f, 4000);
  for (size_t i = 0; i < f->n; i++) {
    make_letter(f, i, flaws);
  }
  struct nm_caps caps = {.flags = caps_flags};
  f->s = nm_session_new();
  f->memory |= f->s == NULL || nm_session_adopt(f->s, &caps) != 0 ||
               nm_session_pipelining(f->s, NM_PIPELINING_FULL) != 0 ||
               nm_session_window(f->s, 1 + chance(f, 20), 1 + chance(f, 300000)) != 0;
}

static void tear_down(struct flight *f) {
  nm_session_free(&f->s);
  model_free(&f->m);
  nm_buf_free(&f->line);
  for (size_t i = 0; i < f->n; i++) {
    nm_source_free(&f->letters[i].source);
    nm_buf_free(&f->letters[i].content);
  }
}

/* ---- what happens ---- */

static int begin_some(struct flight *f) {
  size_t many = chance(f, 3) ? 1 + chance(f, 3) : MODEL_LETTERS_MAX;
  int moved = 0;
  while (many-- > 0 && f->n_begun < f->n && nm_session_may_begin(f->s)) {
    struct letter *l = &f->letters[f->n_begun++];
    int rc = nm_session_begin(f->s, &l->env, l->source);
    f->memory |= rc == NM_ENOMEM;
    CHECK(rc == 0 || rc == NM_ENOMEM || (rc == NM_EINVAL && l->env.body == NM_BODY_8BITMIME));
    size_t running = f->n_begun - f->n_results - nm_session_results(f->s);
    f->most = running > f->most ? running : f->most;
    moved = 1;
  }
  return moved;
}

static int client_speaks(struct flight *f) {
  const char *p = NULL;
  size_t n = 0;
  int rc = nm_session_output(f->s, &p, &n);
  CHECK(rc == 0 || (n == 0 && nm_session_state(f->s) == NM_SESSION_CLOSED));
  size_t room = f->line_max - (f->line.n - f->line_at);
  n = n < room ? n : room;
  n = chance(f, 4) == 0 && n > 0 ? 1 + chance(f, (uint32_t)n) : n;
  if (f->line_at + f->line_max >= f->line.max) { /* never more than line_max are left */
    memmove(f->line.p, f->line.p + f->line_at, f->line.n - f->line_at);
    f->line.n -= f->line_at;
    f->line_at = 0;
  }
  nm_buf_add(&f->line, p, n);
  nm_session_sent(f->s, n);
  return n > 0 || (nm_session_want(f->s) & NM_WANT_CONTENT) != 0;
}

static int server_reads(struct flight *f, size_t most) {
  size_t n = f->line.n - f->line_at;
  n = n < most ? n : most;
  if (n == 0 || f->m.out.n >= f->back_max) {
    return 0;
  }
  n = chance(f, 2) ? 1 + chance(f, (uint32_t)(n < 500 ? n : 500)) : n;
  model_read(&f->m, f->line.p + f->line_at, n);
  f->line_at += n;
  if (f->line_at == f->line.n) {
    f->line_at = 0;
    nm_buf_reset(&f->line);
  }
  return 1;
}

static int client_hears(struct flight *f) {
  size_t n = f->m.out.n;
  n = chance(f, 2) && n > 0 ? 1 + chance(f, (uint32_t)n) : n;
  if (n == 0) {
    return 0;
  }
  char *exact = malloc(n);
  memcpy(exact, f->m.out.p, n);
  memmove(f->m.out.p, f->m.out.p + n, f->m.out.n - n);
  f->m.out.n -= n;
  nm_session_input(f->s, exact, n);
  free(exact);
  return 1;
}

/* The server has hung up: what it said before may come, or be lost with the line. */
static int line_breaks(struct flight *f) {
  if (!f->m.is_closed || (f->m.out.n > 0 && (f->m.says_421 || chance(f, 2)))) {
    return 0;
  }
  f->is_lost = 1;
  nm_session_lost(f->s, NULL);
  return 1;
}

static int take_results(struct flight *f) {
  int moved = 0;
  while (nm_session_results(f->s) > 0) {
    struct letter *l = &f->letters[f->n_results++];
    const struct nm_txn_result *r = nm_session_result(f->s);
    struct nm_txn_result taken = {0};
    int takes = (int)chance(f, 2);
    CHECK(r->n_rcpt == l->env.n_to || (r->n_rcpt == 0 && r->outcome == NM_OUTCOME_NOT_SENT));
    CHECK((r->error.code == 0) == (r->outcome == NM_OUTCOME_ACCEPTED || r->outcome == NM_OUTCOME_PARTIAL));
    l->has_result = 1;
    l->outcome = r->outcome;
    l->error = r->error.code;
    for (size_t i = 0; i < l->env.n_to; i++) {
      l->fate[i] = i < r->n_rcpt ? r->rcpt[i].fate : NM_FATE_NOT_SENT;
      CHECK(i >= r->n_rcpt || r->rcpt[i].addr == l->to[i]);
    }
    if (takes) {
      nm_session_take_result(f->s, &taken);
      CHECK(taken.outcome == l->outcome);
      nm_txn_result_free(&taken);
    } else {
      nm_session_drop_result(f->s);
    }
    moved = 1;
  }
  return moved;
}

static int is_over(const struct flight *f) {
  enum nm_session_state state = nm_session_state(f->s);
  return state == NM_SESSION_CLOSED || (state == NM_SESSION_IDLE && f->n_begun == f->n);
}

static int fly_on(struct flight *f) {
  switch (chance(f, 6)) {
    case 0:
      return begin_some(f);
    case 1:
      return client_speaks(f);
    case 2:
      return server_reads(f, SIZE_MAX);
    case 3:
      return client_hears(f);
    case 4:
      return line_breaks(f);
    default:
      return chance(f, 4) == 0 && take_results(f);
  }
}

static void fly(struct flight *f) {
  int still = 0;
  while (!is_over(f) && still < 1000) {
    still = fly_on(f) ? 0 : still + 1;
  }
  CHECK(still < 1000); /* neither side can go on */
  take_results(f);
  /* What was on its way when the client stopped still comes to the server. */
  f->back_max = SIZE_MAX;
  while (!f->m.is_closed && server_reads(f, SIZE_MAX)) {
  }
}

/* ---- what must be true ---- */

static int fits(enum nm_fate fate, int delivered) {
  return fate == NM_FATE_UNKNOWN || (fate == NM_FATE_ACCEPTED) == (delivered == 1);
}

static int letter_is_right(const struct flight *f, size_t i) {
  const struct letter *l = &f->letters[i];
  int right = l->has_result;
  for (size_t k = 0; k < l->env.n_to; k++) {
    right &= fits(l->fate[k], f->m.delivered[i][k]);
    right &= !l->fails || f->m.delivered[i][k] == 0;
  }
  /* Nobody is left in doubt by a server that has answered all. */
  right &= l->outcome != NM_OUTCOME_UNKNOWN || f->is_lost || f->m.is_closed || f->m.has_garbled;
  right &= f->m.refuse > 0 || f->is_lost || f->memory || l->outcome == NM_OUTCOME_ACCEPTED;
  return right;
}

static void check(const struct flight *f, const char *name) {
  CHECK_ROW(f->m.wrong == NULL, f->m.wrong != NULL ? f->m.wrong : name);
  CHECK_ROW(f->m.out.err == 0 && f->line.err == 0, name);
  CHECK_ROW(f->n_results == f->n_begun, name);
  for (size_t i = 0; i < f->n_begun; i++) {
    CHECK_ROW(letter_is_right(f, i), name);
  }
  for (size_t i = f->n_begun; i < f->n; i++) {
    for (size_t k = 0; k < MODEL_RCPT_MAX; k++) {
      CHECK_ROW(f->m.delivered[i][k] == 0, name);
    }
  }
}

static size_t outcomes[5];
static size_t most_in_flight;

static void run(uint64_t seed, unsigned caps, unsigned flaws, long memory_at) {
  char name[80];
  struct flight *f = malloc(sizeof *f);
  long live = nm_test_alloc_live();
  snprintf(name, sizeof name, "seed %llu caps %u flaws %u memory %ld", (unsigned long long)seed, caps, flaws,
           memory_at);
  set_up(f, seed, caps, flaws);
  if (!f->memory) {
    nm_test_alloc_fail_at(memory_at);
    f->memory = memory_at > 0;
    fly(f);
    nm_test_alloc_fail_at(0);
    check(f, name);
  }
  for (size_t i = 0; i < f->n_results; i++) {
    outcomes[f->letters[i].outcome]++;
  }
  most_in_flight = f->most > most_in_flight ? f->most : most_in_flight;
  tear_down(f);
  free(f);
  CHECK_ROW(nm_test_alloc_live() == live, name);
}

static const unsigned offers[] = {NM_CAP_PIPELINING | NM_CAP_CHUNKING | NM_CAP_SIZE, NM_CAP_PIPELINING,
                                  NM_CAP_CHUNKING, 0};

/* Every message is accepted when nothing goes wrong. */
static void flights_without_flaws(void) {
  memset(outcomes, 0, sizeof outcomes);
  for (uint64_t seed = 1; seed <= 400; seed++) {
    run(seed, offers[seed % 4], 0, 0);
  }
  CHECK(outcomes[NM_OUTCOME_ACCEPTED] > 3000 && most_in_flight > 15);
}

static void flights_with_refusals_and_hang_ups(void) {
  memset(outcomes, 0, sizeof outcomes);
  for (uint64_t seed = 1; seed <= 6000; seed++) {
    run(seed, offers[seed % 8 < 6 ? seed % 2 : seed % 4], 1, 0);
  }
  for (size_t i = 0; i < 5; i++) { /* each of them was seen, and often */
    CHECK_ROW(outcomes[i] > 300, nm_outcome_name((enum nm_outcome)i));
  }
}

static void flights_with_short_memory(void) {
  for (uint64_t seed = 1; seed <= 60; seed++) {
    for (long k = 1; k < 60; k++) {
      run(seed, offers[seed % 2], seed % 3 != 0, k);
    }
  }
}

/* ---- what it costs ---- */

enum { ROW = 16 };

static void take_output(struct nm_session *s, struct model_server *m) {
  const char *p = NULL;
  size_t n = 0;
  while (nm_session_output(s, &p, &n) == 0 && n > 0) {
    model_read(m, p, n);
    nm_session_sent(s, n);
  }
}

static int is_armed(void) {
  void *p = nm_alloc(1);
  int armed = p == NULL;
  nm_free(p);
  nm_test_alloc_fail_at(0);
  return armed;
}

/* A row of the same message to a server that takes all. sparing: while nothing may be allocated. */
static void send_row(struct nm_session *s, struct letter *l, struct nm_source **contents, int sparing) {
  struct model_server *m = malloc(sizeof *m);
  model_init(m, 7);
  m->is_terse = 1; /* what it had not said before would be kept */
  m->contents[0] = nm_buf_str(&l->content);
  nm_test_alloc_fail_at(sparing);
  for (int i = 0; i < ROW; i++) {
    CHECK(nm_source_rewind(contents[i]) == 0 && nm_session_begin(s, &l->env, contents[i]) == 0);
  }
  while (nm_session_state(s) == NM_SESSION_BUSY) {
    take_output(s, m);
    CHECK(m->out.n > 0 && nm_session_input(s, m->out.p, m->out.n) == 0);
    nm_buf_reset(&m->out);
  }
  for (int i = 0; i < ROW; i++) {
    CHECK(nm_session_result(s)->outcome == NM_OUTCOME_ACCEPTED && nm_session_result(s)->n_rcpt == 3);
    nm_session_drop_result(s);
  }
  CHECK(nm_session_results(s) == 0 && is_armed() == sparing);
  model_free(m);
  free(m);
}

/* Once every slot has served, the session allocates nothing for a message. */
static void costs_no_memory_for_each_message(void) {
  for (size_t way = 0; way < 2; way++) {
    struct flight *f = calloc(1, sizeof *f);
    struct letter *l = &f->letters[0];
    struct nm_source *contents[ROW];
    f->seed = 3;
    make_letter(f, 0, 0);
    l->env = (struct nm_envelope){.from = &l->from, .to = l->to, .n_to = 3, .size = -1};
    l->to[1] = l->to[2] = l->to[0];
    struct nm_caps caps = {.flags = offers[way]};
    struct nm_session *s = nm_session_new();
    CHECK(nm_session_adopt(s, &caps) == 0 && nm_session_pipelining(s, NM_PIPELINING_FULL) == 0);
    for (int i = 0; i < ROW; i++) {
      contents[i] = odd_source(nm_buf_str(&l->content), 1000, 0, NULL);
    }
    send_row(s, l, contents, 0);
    send_row(s, l, contents, 1);
    send_row(s, l, contents, 1);
    for (int i = 0; i < ROW; i++) {
      nm_source_free(&contents[i]);
    }
    nm_session_free(&s);
    nm_source_free(&l->source);
    nm_buf_free(&l->content);
    free(f);
  }
}

int main(void) {
  RUN(flights_without_flaws);
  RUN(flights_with_refusals_and_hang_ups);
  RUN(flights_with_short_memory);
  RUN(costs_no_memory_for_each_message);
  return ctest_end();
}
