/* Thousands of flights of one client over several lines to servers that take, refuse, garble and hang up by chance, over lines that take and
   give as much as they like. What comes back of each message is compared with what the servers have done. */
#include "support/flight_world.h"

static size_t outcomes[5];
static size_t n_runs, n_letters, n_again, most_lines, most_mails;

static uint32_t chance(uint32_t below) {
  return world_chance(below);
}

static size_t choose_size(void) {
  switch (chance(24)) {
    case 0:
      return 24 + chance(chance(4) == 0 ? 150000 : 70000);
    case 1:
    case 2:
      return 2000 + chance(4000);
    default:
      return 24 + chance(400);
  }
}

static void add_letter(int has_flaws) {
  struct letter *l = world_add_letter(1 + chance(chance(3) == 0 ? MODEL_RCPT_MAX : 2), choose_size());
  struct odd_source *o = world_content(l);
  l->fails = has_flaws && chance(40) == 0;
  o->why = l->fails ? "gone" : NULL;
  o->stutters = chance(6) == 0;
  o->piece = chance(4) ? l->content.n : 1 + chance(3000);
  o->is_once = has_flaws && chance(10) == 0;
  l->env.size = chance(2) ? (int64_t)l->content.n : -1;
  l->env.all_or_nothing = chance(8) == 0;
  l->env.is_idle = chance(16) == 0;
  l->env.chunking = chance(10) == 0  ? NM_CHUNKING_OFF
                    : chance(8) == 0 ? NM_CHUNKING_AFTER_RCPT
                                     : NM_CHUNKING_OFFERED;
  l->env.body = has_flaws && chance(20) == 0 ? NM_BODY_8BITMIME : NM_BODY_7BIT; /* nobody offers it here */
  l->mail.rcpt_max = chance(10) == 0 ? 1 + chance(3) : 0;
  l->mail.deadline = has_flaws && chance(20) == 0 ? fake_clock_ms + chance(200000) : 0;
}

static void make_plan(struct plan *p) {
  p->refuses = chance(8) == 0 ? "nobody is there" : NULL;
  p->refuse = chance(2) ? 0 : chance(2) ? 150 : 20;
  p->garble = chance(6) == 0 ? 10 : 0;
  p->hangs_up = chance(2) == 0 ? 1 + chance(chance(2) ? 600 : 8000) : 0;
  p->says_421 = (int)chance(2);
  p->deaf_at = chance(6) == 0 ? 1 + chance(600) : 0;
  p->is_silent = chance(30) == 0;
  p->rcpt_max = chance(4) == 0 ? 1 + chance(3) : 0;
}

static enum nm_pipelining choose_mode(void) {
  return chance(4) ? NM_PIPELINING_FULL : chance(2) ? NM_PIPELINING_ENVELOPE : NM_PIPELINING_OFF;
}

static void set_up(uint64_t seed, int has_flaws) {
  static const char *const offers[] = {"PIPELINING\r\n250-CHUNKING\r\n250-SIZE",
                                       "PIPELINING",
                                       "CHUNKING",
                                       "SIZE",
                                       "PIPELINING\r\n250-CHUNKING\r\n250-LIMITS MAILMAX=3",
                                       "PIPELINING\r\n250-LIMITS RCPTMAX=2"};
  size_t kind = seed % 8 < 5 ? seed % 2 : 2 + seed % 4;
  world_begin(seed * 6364136223846793005u + 1442695040888963407u, offers[kind]);
  world.client->pipelining = choose_mode();
  world.line_max = 64 + chance(chance(2) ? 200 : 100000);
  world.n_plans = has_flaws ? 1 + chance(WORLD_PLANS_MAX) : 0;
  for (size_t i = 0; i < world.n_plans; i++) {
    make_plan(&world.plans[i]);
  }
  for (size_t n = 1 + chance(chance(4) ? 12 : MODEL_LETTERS_MAX); n > 0; n--) {
    add_letter(has_flaws);
  }
}

/* Those that nobody has got, or not all, go once more. */
static void try_again(void) {
  for (size_t i = 0; i < world.n; i++) {
    struct letter *l = &world.letters[i];
    if (l->sent.error.code != 0 && !l->was_unknown && chance(2) &&
        nm_flight_add_again(&world.flight, &l->mail) == 0) {
      l->n_in++;
      n_again++;
    }
  }
  world_fly();
}

static void fly_to_the_end(void) {
  world_fly();
  if (chance(2)) {
    try_again();
  }
}

/* Somebody has had enough of it. */
static void break_off(void) {
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "enough");
  for (uint32_t n = 1 + chance(60); n > 0 && world.n_back < world.n; n--) {
    (void)world_round();
  }
  if (chance(2)) {
    nm_flight_cancel(&world.flight, &why);
  } else {
    nm_client_close(world.client);
  }
  (void)world_take_back();
  CHECK(world.n_back == world.n_in);
  world.n = world.n_in;
}

static void count(void) {
  n_runs++;
  for (size_t i = 0; i < world.n; i++) {
    outcomes[world.letters[i].sent.txn.outcome]++;
  }
  n_letters += world.n;
  most_lines = (size_t)memory_lines.most_open > most_lines ? (size_t)memory_lines.most_open : most_lines;
  most_mails = world.most_mails > most_mails ? world.most_mails : most_mails;
}

static void run(uint64_t seed, int has_flaws, long memory_at) {
  char row[80];
  long live = nm_test_alloc_live();
  snprintf(row, sizeof row, "seed %llu flaws %d memory %ld", (unsigned long long)seed, has_flaws, memory_at);
  set_up(seed, has_flaws);
  size_t n = world.n;
  CHECK(world_take_off(1 + chance(4), 1 + chance(20), chance(3) ? 0 : 1 + chance(5)) == 0);
  nm_test_alloc_fail_at(memory_at);
  if (has_flaws && chance(6) == 0) {
    break_off();
  } else {
    fly_to_the_end();
  }
  nm_test_alloc_fail_at(0);
  world_close_books();
  world_check(row);
  CHECK_ROW(has_flaws || memory_at > 0 || !world.is_disordered || world.is_repeated, row);
  for (size_t i = 0; !has_flaws && memory_at == 0 && i < world.n; i++) {
    const struct letter *l = &world.letters[i];
    CHECK_ROW(l->sent.error.code == 0 || (l->env.all_or_nothing && l->sent.error.code == NM_ELIMIT),
              l->sent.error.text);
  }
  count();
  world.n = n;
  world_end_all();
  CHECK_ROW(nm_test_alloc_live() == live, row);
}

/* Of the seeds one in eleven, where each takes its time (valgrind). */
static uint64_t stride(void) {
  return getenv("NETMAIL_SLOW") != NULL ? 11 : 1;
}

static void without_flaws(void) {
  for (uint64_t seed = 1; seed <= 500; seed += stride()) {
    run(seed, 0, 0);
  }
  CHECK(outcomes[NM_OUTCOME_ACCEPTED] > 3000 / stride() && most_lines == 4 && most_mails > 15);
}

static void with_flaws(void) {
  memset(outcomes, 0, sizeof outcomes);
  for (uint64_t seed = 1; seed <= 5000; seed += stride()) {
    run(seed, 1, 0);
  }
  for (size_t i = 0; i < 5; i++) { /* each of them was seen, and often */
    CHECK_ROW(outcomes[i] > 300 / stride(), nm_outcome_name((enum nm_outcome)i));
  }
  CHECK(n_again > 1000 / stride());
}

static void with_short_memory(void) {
  for (uint64_t seed = 1; seed <= 40; seed += stride()) {
    for (long k = 1; k < 60; k++) {
      run(seed, seed % 3 != 0, k);
    }
  }
}

/* With a seed: that one alone. */
int main(int argc, char **argv) {
  world_found();
  if (argc > 1) {
    run((uint64_t)atoll(argv[1]), 1, 0);
    return ctest_bad;
  }
  RUN(without_flaws);
  RUN(with_flaws);
  RUN(with_short_memory);
  printf("%zu flights, %zu messages, %zu once more\n", n_runs, n_letters, n_again);
  return ctest_end();
}
