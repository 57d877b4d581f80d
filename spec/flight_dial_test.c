/* When the lines of a flight are dialled, how long they are kept, and how long messages wait. */
#include "support/flight_case.h"

#include "pool.h"

/* ---- dials ---- */

/* Where so many wait that two lines are wanted, the second is dialled, whatever the first says at once. */
static void asks_for_all_lines_that_are_wanted(void) {
  static const struct {
    const char *name;
    size_t n;
    int dials;
    size_t accepted;
  } rows[] = {{"two lines are wanted", 8, 2, 8}, {"one is", 4, 1, 0}};
  for (size_t i = 0; i < 2; i++) {
    begin(BOTH, rows[i].n);
    plan(0, (struct plan){.refuses = "too many connections"});
    plan(1, (struct plan){0});
    CHECK(world_take_off(2, 4, 0) == 0);
    world_hand_in();
    world_fly();
    CHECK_ROW(memory_lines.n_dialled == rows[i].dials && count(NM_OUTCOME_ACCEPTED) == rows[i].accepted,
              rows[i].name);
    finish(rows[i].name);
  }
}

/* No more than once each, with nobody there. */
static void asks_each_line_once(void) {
  begin(BOTH, 20);
  plan(0, (struct plan){.refuses = "nobody is at home"});
  CHECK(world_take_off(5, 4, 0) == 0);
  world_hand_in();
  world_fly();
  CHECK(memory_lines.n_dialled == 5 && count(NM_OUTCOME_NOT_SENT) == 20 && says(19, "nobody is at home"));
  finish("nobody");
}

/* The rest of a line that was refused begins with a second and doubles. */
static void rests_longer_each_time(void) {
  begin(BOTH, 20);
  plan(1, (struct plan){.refuses = "too many connections"});
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  for (int64_t rest = 1000; rest <= 4000; rest *= 2) {
    CHECK(world.flight.lines[1].not_before - fake_clock_ms == rest);
    fake_clock_ms += rest;
    world_add_letters(12);
    world_fly();
  }
  CHECK(memory_lines.n_dialled == 5 && count(NM_OUTCOME_ACCEPTED) == 56);
  finish("rests");
}

/* Nothing else happens: the line that was refused is dialled again when its rest is over, and not when the other gives up. */
static void wakes_for_a_dial(void) {
  begin(BOTH, 8);
  plan(0, (struct plan){.is_far = 1});
  plan(1, (struct plan){.refuses = "not now"});
  plan(2, (struct plan){0});
  int64_t from = fake_clock_ms;
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 8 && memory_lines.n_dialled == 3 && fake_clock_ms - from == 1000);
  finish("wakes");
}

/* Without a descriptor (there is none in memory) nobody would tell a loop of what a line brings. */
static void looks_again_where_nothing_wakes_it(void) {
  begin(BOTH, 1);
  plan(0, (struct plan){.is_far = 1});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_hand_in();
  nm_flight_step(&world.flight, -1);
  CHECK(nm_client_watch(world.client) == -1 && nm_flight_left(&world.flight) == WORLD_TIMEOUT);
  CHECK(nm_flight_rest(&world.flight, INT32_MAX) <= 10 && nm_flight_rest(&world.flight, 3) == 3);
  world_fly();
  finish("blind");
}

/* ---- several servers ---- */

static void add_server(const char *name) {
  struct nm_error e;
  CHECK(nm_servers_add(&world.client->servers, nm_str_c(name), &e) == 0);
}

static int dialled(int no, const char *host) {
  return no < memory_lines.n_dialled && strcmp(world.hosts[no], host) == 0;
}

static void goes_to_another_server(void) {
  static const size_t lines[] = {1, 2};
  for (size_t i = 0; i < 2; i++) {
    begin(BOTH, 8);
    add_server("two.example.test");
    add_server("three.example.test");
    world.downs = "mail.example.test";
    CHECK(world_take_off(lines[i], 4, 0) == 0);
    world_fly();
    CHECK(count(NM_OUTCOME_ACCEPTED) == 8 && memory_lines.n_dialled == 1 + (int)lines[i]);
    CHECK(dialled(0, "mail.example.test") && dialled(1, "two.example.test"));
    CHECK(strncmp(world.letters[7].sent.place.text, "two.example.test", 16) == 0);
    world_land();
    /* that it is not there is known a minute long */
    world_add_letters(1);
    nm_client_close(world.client);
    CHECK(world_take_off(1, 4, 0) == 0);
    world_fly();
    CHECK(dialled(memory_lines.n_dialled - 1, "two.example.test") && count(NM_OUTCOME_ACCEPTED) == 9);
    finish("another server");
  }
}

/* One that does not answer is given up when its time is over; what was handed over elsewhere meanwhile does not wait for it. */
static void goes_on_when_one_is_silent(void) {
  begin(BOTH, 3);
  add_server("two.example.test");
  plan(0, (struct plan){.is_far = 1});
  plan(1, (struct plan){0});
  int64_t from = fake_clock_ms;
  CHECK(world_take_off(1, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 3 && fake_clock_ms - from == WORLD_TIMEOUT);
  CHECK(dialled(1, "two.example.test"));
  finish("silent");
}

static void fails_with_the_last_server(void) {
  begin(BOTH, 8);
  add_server("two.example.test");
  plan(0, (struct plan){.refuses = "nobody is at home"});
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_NOT_SENT) == 8 && memory_lines.n_dialled == 4);
  CHECK(says(0, "nobody is at home") && says(7, "the other servers could not be had either"));
  finish("no server of two");
}

static void takes_turns(void) {
  begin(BOTH, 12);
  add_server("two.example.test");
  add_server("three.example.test");
  world.client->servers.is_round_robin = 1;
  CHECK(world_take_off(3, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 12 && memory_lines.n_dialled == 3);
  CHECK(dialled(0, "mail.example.test") && dialled(1, "two.example.test") &&
        dialled(2, "three.example.test"));
  finish("in turn");
}

/* ---- how long a line is kept ---- */

/* ConnectionIdleTimeout is about a line that rests: behind a message that takes longer the next one may go. */
static void a_busy_line_does_not_rest(void) {
  begin(BOTH, 1);
  world.client->idle_max = 500;
  plan(0, (struct plan){.mute_at = 60}); /* it thinks about it */
  plan(1, (struct plan){0});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_hand_in();
  nm_flight_step(&world.flight, -1);
  while (world_turn()) {
    nm_flight_step(&world.flight, -1);
  }
  CHECK(world.flight.lines[0].mails.n == 1);
  fake_clock_ms += 1000;
  world_add_letters(1);
  world_hand_in();
  nm_flight_step(&world.flight, -1);
  CHECK(world.flight.lines[0].mails.n == 2);
  ((struct server *)memory_lines.open[0]->server)->plan.mute_at = 0;
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 2 && memory_lines.n_dialled == 1);
  fake_clock_ms += 501; /* and now it does */
  world_add_letters(1);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 3 && memory_lines.n_dialled == 2 && world.n_quits == 1);
  finish("busy");
}

/* A server that hangs up behind each of its answers makes nobody unknown: the next content does not go blind onto a line that is dead, and
   known to be. */
static void sees_that_it_was_hung_up(void) {
  static const char *const offers[] = {BOTH, "CHUNKING", "PIPELINING", "SIZE"};
  for (size_t i = 0; i < 2 * 4; i++) {
    begin(offers[i / 2], 4);
    plan(0, (struct plan){.ends_after = 1});
    CHECK(world_take_off(1, 1, 0) == 0);
    if (i % 2 == 1) { /* it does so a little later */
      for (size_t k = 0; k < 4; k++) {
        plan(k, (struct plan){0});
      }
    }
    for (int k = 0; k < 100 && world.n_back < 4; k++) {
      size_t back = world.n_back;
      (void)world_round();
      if (i % 2 == 1 && world.n_back > back && memory_lines.n_open > 0) {
        ((struct server *)memory_lines.open[0]->server)->m.is_closed = 1;
        fake_clock_ms += 5;
      }
    }
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == 4 && memory_lines.n_dialled == 4, offers[i / 2]);
    finish(offers[i / 2]);
  }
}

/* ---- Deadline ---- */

static void limit(size_t i, int64_t ms) {
  world.letters[i].mail.deadline = fake_clock_ms + ms;
  world.letters[i].mail.patience = ms;
}

/* Each has its own, in whatever order they wait. */
static void ends_each_that_waits(void) {
  begin(BOTH, 4);
  plan(0, (struct plan){.is_far = 1});
  limit(0, 4000);
  limit(1, 1000);
  limit(3, 2000);
  int64_t from = fake_clock_ms;
  CHECK(world_take_off(1, 16, 0) == 0);
  world_hand_in();
  static const struct {
    size_t which;
    int64_t after;
  } rows[] = {{1, 1000}, {3, 2000}, {0, 4000}};
  for (size_t i = 0; i < 3; i++) {
    while (world.n_back == i && fake_clock_ms - from < 5000) {
      (void)world_round();
    }
    CHECK(world.n_back == i + 1 && world.order[i] == rows[i].which && fake_clock_ms - from == rows[i].after);
    CHECK(says(rows[i].which, "the Deadline"));
  }
  world_fly(); /* the one without waits for Timeout */
  CHECK(fake_clock_ms - from == WORLD_TIMEOUT && says(2, "(Timeout)"));
  finish("in the queue");
}

/* Behind the first of a line: what has not said anything is not begun any more, and nobody is ended for its sake. What was handed over
   waits for as long as that before it does. */
static void ends_each_behind_the_first(void) {
  static const struct {
    const char *offers;
    enum nm_outcome second;
  } rows[] = {{"PIPELINING", NM_OUTCOME_NOT_SENT}, {BOTH, NM_OUTCOME_ACCEPTED}};
  for (size_t i = 0; i < 2; i++) {
    begin(rows[i].offers, 3);
    plan(0, (struct plan){.mute_at = 60});
    limit(1, 1000);
    CHECK(world_take_off(1, 16, 0) == 0);
    world_hand_in();
    int64_t from = fake_clock_ms;
    nm_flight_step(&world.flight, -1);
    while (world_turn()) {
      nm_flight_step(&world.flight, -1);
    }
    CHECK_ROW(world.flight.lines[0].mails.n == 3 && nm_flight_left(&world.flight) == 1000, rows[i].offers);
    fake_clock_ms = from + 1000;
    nm_flight_step(&world.flight, -1);
    CHECK_ROW(nm_flight_left(&world.flight) == WORLD_TIMEOUT - 1000 && world.n_back == 0, rows[i].offers);
    ((struct server *)memory_lines.open[0]->server)->plan.mute_at = 0;
    world_fly();
    CHECK_ROW(world.letters[1].sent.txn.outcome == rows[i].second, rows[i].offers);
    CHECK_ROW(rows[i].second == NM_OUTCOME_ACCEPTED || says(1, "the Deadline"), rows[i].offers);
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) + (rows[i].second != NM_OUTCOME_ACCEPTED) == 3 &&
                  memory_lines.n_dialled == 1,
              rows[i].offers);
    finish(rows[i].offers);
  }
}

int main(void) {
  world_found();
  RUN(asks_for_all_lines_that_are_wanted);
  RUN(asks_each_line_once);
  RUN(rests_longer_each_time);
  RUN(wakes_for_a_dial);
  RUN(looks_again_where_nothing_wakes_it);
  RUN(goes_to_another_server);
  RUN(goes_on_when_one_is_silent);
  RUN(fails_with_the_last_server);
  RUN(takes_turns);
  RUN(a_busy_line_does_not_rest);
  RUN(sees_that_it_was_hung_up);
  RUN(ends_each_that_waits);
  RUN(ends_each_behind_the_first);
  return ctest_end();
}
