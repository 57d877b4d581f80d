/* Many messages of one client over several lines, one case at a time; flight_model_test.c has what chance makes of it. */
#include "support/flight_case.h"

#include <sys/wait.h>

static int send_alone(struct letter *l) {
  struct nm_sending s;
  struct nm_pace pace;
  nm_pace_begin(&pace, world.client->timeout, 0);
  int err = nm_client_begin(world.client, &l->env, l->source, &pace, &l->sent, &s);
  while (err == NM_AGAIN) {
    (void)world_turn();
    err = nm_client_step(&s);
  }
  return err;
}

/* ---- all goes well ---- */

static void keeps_to_its_limits(void) {
  static const struct {
    const char *name, *offers;
    enum nm_pipelining mode;
    size_t lines, window, per_line, n;
    int dials, quits;
    size_t most;
  } rows[] = {
      {"one line", BOTH, NM_PIPELINING_FULL, 1, 16, 0, 10, 1, 0, 10},
      {"a window", BOTH, NM_PIPELINING_FULL, 1, 3, 0, 10, 1, 0, 3},
      {"DATA", "PIPELINING", NM_PIPELINING_FULL, 1, 16, 0, 10, 1, 0, 10},
      {"within a message", BOTH, NM_PIPELINING_ENVELOPE, 1, 16, 0, 10, 1, 0, 1},
      {"not at all", BOTH, NM_PIPELINING_OFF, 1, 16, 0, 10, 1, 0, 1},
      {"not offered", "CHUNKING", NM_PIPELINING_FULL, 1, 16, 0, 10, 1, 0, 1},
      {"nothing offered", "SIZE", NM_PIPELINING_FULL, 1, 16, 0, 10, 1, 0, 1},
      {"so many a line", BOTH, NM_PIPELINING_FULL, 1, 16, 4, 10, 3, 2, 4},
      {"so many a line, one by one", BOTH, NM_PIPELINING_OFF, 1, 16, 4, 10, 3, 2, 1},
      {"MAILMAX", BOTH "\r\n250-LIMITS MAILMAX=3", NM_PIPELINING_FULL, 1, 16, 0, 10, 4, 3, 3},
      {"three lines", BOTH, NM_PIPELINING_FULL, 3, 2, 0, 12, 3, 0, 2},
      {"no more lines than are needed", BOTH, NM_PIPELINING_FULL, 3, 16, 0, 10, 1, 0, 10},
      {"a line for each sixteen", BOTH, NM_PIPELINING_FULL, 3, 16, 0, 20, 2, 0, 16},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    begin(rows[i].offers, rows[i].n);
    world.client->pipelining = rows[i].mode;
    CHECK(world_take_off(rows[i].lines, rows[i].window, rows[i].per_line) == 0);
    world_fly();
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == rows[i].n, rows[i].name);
    CHECK_ROW(memory_lines.n_dialled == rows[i].dials && world.n_quits == rows[i].quits, rows[i].name);
    CHECK_ROW(world.most_mails == rows[i].most, rows[i].name);
    for (size_t k = 0; rows[i].lines == 1 && k < rows[i].n; k++) {
      CHECK_ROW(world.order[k] == k, rows[i].name);
    }
    finish(rows[i].name);
  }
}

/* Large messages fill it sooner than by their number; each line has one, however large, and as many lines are dialled as have something to do. */
static void counts_octets(void) {
  static const struct {
    const char *name;
    int64_t size;
    size_t lines, n, room, most; /* room: messages that it takes at first; most: on one line at once */
    int dials;
  } rows[] = {
      {"one line", 800 << 10, 1, 9, 3, 3, 1},
      {"three lines", 800 << 10, 3, 18, 8, 3, 3},
      {"as many as two lines take", 800 << 10, 3, 5, 5, 3, 2},
      {"all that fit", NM_WINDOW_BYTES_DEFAULT / 16, 1, 20, 16, 16, 1},
      {"exactly two", NM_WINDOW_BYTES_DEFAULT / 2, 1, 6, 2, 2, 1},
      {"too large for any window", 100 << 20, 1, 4, 1, 1, 1},
      {"one for each line", 100 << 20, 3, 6, 3, 1, 3},
      {"of unknown size", -1, 1, 20, 16, 16, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    begin(BOTH, rows[i].n);
    for (size_t k = 0; k < rows[i].n; k++) {
      world.letters[k].env.size = rows[i].size; /* said, and not so: the server does not ask */
    }
    CHECK(world_take_off(rows[i].lines, 16, 0) == 0);
    world_hand_in();
    CHECK_ROW(world.n_in == rows[i].room && world.flight.n_mails == rows[i].room, rows[i].name);
    world_fly();
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == rows[i].n && world.flight.octets == 0, rows[i].name);
    CHECK_ROW(memory_lines.n_dialled == rows[i].dials && world.most_mails == rows[i].most, rows[i].name);
    finish(rows[i].name);
  }
}

/* What was connected for a flight is there for the next, and for a Send; nobody is dialled without need. */
static void keeps_its_lines(void) {
  begin(BOTH, 1);
  CHECK(world_take_off(4, 16, 0) == 0);
  world_fly();
  world_land();
  CHECK(memory_lines.n_dialled == 1 && memory_lines.n_open == 1);
  world_add_letters(1);
  CHECK(world_take_off(4, 16, 0) == 0);
  world_fly();
  CHECK(memory_lines.n_dialled == 1);
  world_land();
  world_add_letters(8);
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(memory_lines.n_dialled == 2);
  world_land();
  struct letter *l = world_add_letter(1, 60);
  CHECK(send_alone(l) == 0 && memory_lines.n_dialled == 2 && memory_lines.n_open == 2);
  l->n_in = l->n_back = 1; /* it is there */
  world.n_in++;
  world_add_letters(8);
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(memory_lines.n_dialled == 2 && count(NM_OUTCOME_ACCEPTED) == 19);
  world_land();
  nm_client_close(world.client);
  CHECK(world.n_quits == 2 && memory_lines.n_open == 0);
  finish("kept");
}

/* A server that has hung up meanwhile costs a dial, and nothing else. */
static void finds_dead_lines(void) {
  begin(BOTH, 8);
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  world_land();
  for (int i = 0; i < memory_lines.n_open; i++) {
    ((struct server *)memory_lines.open[i]->server)->m.is_closed = 1;
  }
  world_add_letters(8);
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 16 && memory_lines.n_dialled == 4);
  finish("dead lines");
}

/* A turn that ends when the line has just come up leaves something to do. */
static void knows_that_it_may_go_on(void) {
  struct nm_line *line;
  begin(BOTH, 1);
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  world_land();
  world_add_letters(1);
  CHECK(world_take_off(1, 16, 0) == 0);
  world_hand_in();
  CHECK(nm_flight_need(&world.flight, &line) == NM_NEED_TURN && nm_flight_rest(&world.flight, 1000) == 0);
  nm_flight_step(&world.flight, 0);
  CHECK(world.flight.lines[0].state == NM_LINE_UP && nm_flight_need(&world.flight, &line) == NM_NEED_TURN);
  world_fly();
  CHECK(nm_flight_need(&world.flight, &line) != NM_NEED_LINE || nm_flight_left(&world.flight) == INT32_MAX);
  finish("turn");
}

static void splits_recipients(void) {
  static const char *const offers[] = {BOTH, BOTH "\r\n250-LIMITS RCPTMAX=2", "SIZE"};
  for (size_t i = 0; i < 3; i++) {
    world_begin(0, offers[i]);
    plan(0, (struct plan){.rcpt_max = 2});
    world_add_letters(2);
    (void)world_add_letter(6, 100);
    world_add_letters(2);
    (void)world_add_letter(5, 100);
    CHECK(world_take_off(2, 2, 0) == 0);
    world_fly();
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == 6, offers[i]);
    world_close_books();
    CHECK_ROW(world.n_begun[2] == 3 && world.n_begun[5] == 3 && world.n_begun[0] == 1, offers[i]);
    world_check(offers[i]);
    world_end_all();
  }
}

/* ---- lines break ---- */

/* One line breaks in one place, the next is good. */
static size_t break_line(const char *offers, enum nm_pipelining mode, struct plan p) {
  char row[100];
  snprintf(row, sizeof row, "%.20s mode %d at %zu/%zu 421 %d", offers, (int)mode, p.hangs_up, p.deaf_at,
           p.says_421);
  begin(offers, 4);
  world.client->pipelining = mode;
  plan(0, p);
  plan(1, (struct plan){0});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  size_t unknown = count(NM_OUTCOME_UNKNOWN), accepted = count(NM_OUTCOME_ACCEPTED);
  /* Those behind the one that it is lost with go again; of a line that never came up all wait in vain. */
  CHECK_ROW(accepted + unknown >= 3 || (accepted + unknown == 0 && memory_lines.n_dialled == 1), row);
  CHECK_ROW(mode == NM_PIPELINING_FULL || unknown <= 1, row);
  CHECK_ROW(!p.says_421 || unknown == 0, row);
  int is_hit = memory_lines.n_dialled > 1 || accepted < 4;
  finish(row);
  return is_hit ? unknown + 1 : 0;
}

static size_t n_breaks;

static void breaks_anywhere(void) {
  static const char *const offers[] = {BOTH, "PIPELINING", "CHUNKING", "SIZE"};
  static const enum nm_pipelining modes[] = {NM_PIPELINING_FULL, NM_PIPELINING_ENVELOPE, NM_PIPELINING_OFF};
  size_t most = 0, stride = getenv("NETMAIL_SLOW") != NULL ? 13 : 1;
  for (size_t k = 0; k < 4 * 3 * 3; k++) {
    size_t is_hit = 1;
    for (size_t at = 1; is_hit > 0; at += stride, n_breaks++) {
      struct plan p = {
          .hangs_up = k % 3 != 2 ? at : 0, .says_421 = k % 3 == 1, .deaf_at = k % 3 == 2 ? at : 0};
      is_hit = break_line(offers[k / 9], modes[k / 3 % 3], p);
      most = is_hit > most ? is_hit : most;
    }
  }
  CHECK(n_breaks > 5000 / stride && most == 5);
}

/* What was read cannot be read again: the message is not sent, and the others are. */
static size_t break_once(size_t at) {
  begin("PIPELINING", 3);
  for (size_t i = 0; i < 3; i++) {
    world_content(&world.letters[i])->is_once = 1;
  }
  plan(0, (struct plan){.hangs_up = at});
  plan(1, (struct plan){0});
  world.line_max = 30; /* so that a part of it may be sent */
  CHECK(world_take_off(1, 1, 0) == 0);
  world_fly();
  size_t not_sent = count(NM_OUTCOME_NOT_SENT);
  CHECK(count(NM_OUTCOME_ACCEPTED) >= 2);
  finish("once");
  return not_sent;
}

static void gives_up_what_cannot_be_read_again(void) {
  size_t n = 0;
  for (size_t at = 300; at < 500; at++) { /* the first is over by then */
    n += break_once(at);
  }
  CHECK(n > 20 && n < 200);
}

/* A content that fails takes nobody with it: those behind it go over another line, also when it was the first of its own. */
static void fails_alone(void) {
  static const char *const offers[] = {BOTH, "PIPELINING", "CHUNKING", "SIZE"};
  for (size_t i = 0; i < 4 * 4; i++) {
    size_t bad = i / 4;
    begin(offers[i % 4], 4);
    world.letters[bad].fails = 1;
    world_content(&world.letters[bad])->why = "the disk is gone";
    CHECK(world_take_off(1, 16, 0) == 0);
    world_fly();
    CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == 3 && says(bad, "the disk is gone"), offers[i % 4]);
    finish(offers[i % 4]);
  }
}

/* What cannot be begun is a result as any other, and nobody else's. */
static void refuses_alone(void) {
  static const enum nm_pipelining modes[] = {NM_PIPELINING_FULL, NM_PIPELINING_ENVELOPE, NM_PIPELINING_OFF};
  for (size_t i = 0; i < 3 * 4; i++) {
    size_t bad = i / 3;
    begin(BOTH, 4);
    world.client->pipelining = modes[i % 3];
    world.letters[bad].env.body = NM_BODY_8BITMIME;
    CHECK(world_take_off(1, 16, 0) == 0);
    world_fly();
    CHECK(count(NM_OUTCOME_ACCEPTED) == 3 && says(bad, "8BITMIME") && memory_lines.n_dialled == 1);
    finish("cannot be begun");
  }
}

/* A server that says more than it is asked is given less to count. */
static void trusts_less(void) {
  begin(BOTH, 2);
  plan(0, (struct plan){.adds = "250 and that\r\n"});
  static const enum nm_pipelining then[] = {NM_PIPELINING_ENVELOPE, NM_PIPELINING_OFF, NM_PIPELINING_OFF};
  for (size_t i = 0; i < 3; i++) {
    CHECK(world_take_off(1, 16, 0) == 0);
    world_fly();
    CHECK(nm_client_pipelining(world.client) == then[i]);
    world_land();
    world_add_letters(2);
  }
  CHECK(nm_client_set_host(world.client, NM_STR("other.example.test"), NULL) == 0);
  CHECK(nm_client_pipelining(world.client) == NM_PIPELINING_FULL);
  world_end_all(); /* whose reply was whose nobody knows: the books are not asked */
}

/* ---- time ---- */

/* A server that falls silent; the next one speaks. */
static void waits_no_longer_than_timeout(void) {
  begin(BOTH, 3);
  plan(0, (struct plan){.mute_at = 60});
  plan(1, (struct plan){0});
  int64_t from = fake_clock_ms;
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  CHECK(fake_clock_ms - from == WORLD_TIMEOUT && count(NM_OUTCOME_UNKNOWN) == 3 && says(0, "(Timeout)"));
  CHECK(nm_client_pipelining(world.client) == NM_PIPELINING_ENVELOPE && memory_lines.n_dialled == 1);
  finish("mute");
  begin("PIPELINING", 3); /* where the contents wait for 354 the others have not been begun */
  plan(0, (struct plan){.mute_at = 60});
  plan(1, (struct plan){0});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 2 && says(0, "(Timeout)") && memory_lines.n_dialled == 2);
  finish("mute at DATA");
}

static void keeps_deadlines(void) {
  static const struct {
    const char *name;
    struct plan plan;
    int n_begun; /* the window of two lines */
  } rows[] = {{"nobody answers the dial", {.is_far = 1}, 0},
              {"no greeting", {.is_silent = 1}, 0},
              {"no answer", {.mute_at = 60}, 4}};
  for (size_t i = 0; i < 3; i++) {
    begin("PIPELINING", 5);
    for (size_t k = 0; k < 5; k++) {
      world.letters[k].mail.deadline = fake_clock_ms + 1000;
    }
    plan(0, rows[i].plan);
    int64_t from = fake_clock_ms;
    CHECK(world_take_off(2, 2, 0) == 0);
    world_fly();
    CHECK_ROW(fake_clock_ms - from == 1000 && count(NM_OUTCOME_NOT_SENT) == 5, rows[i].name);
    int n_begun = 0;
    for (size_t k = 0; k < 5; k++) {
      CHECK_ROW(says(k, "the Deadline"), rows[i].name);
      n_begun += world.letters[k].mail.is_begun;
    }
    CHECK_ROW(n_begun == rows[i].n_begun, rows[i].name);
    /* that was the caller's wish, and says nothing of the server */
    CHECK_ROW(nm_client_pipelining(world.client) == NM_PIPELINING_FULL, rows[i].name);
    finish(rows[i].name);
  }
}

/* What a content gives when the Deadline is over is not handed over: nobody is left in doubt. */
static void does_not_send_what_comes_too_late(void) {
  static const char *const offers[] = {BOTH, "PIPELINING", "CHUNKING", "SIZE"};
  for (size_t i = 0; i < 4; i++) {
    struct nm_line *line = NULL;
    begin(offers[i], 1);
    world_content(&world.letters[0])->holds = 1;
    world.letters[0].mail.deadline = fake_clock_ms + 1000;
    CHECK(world_take_off(1, 1, 0) == 0);
    world_hand_in();
    for (int k = 0; k < 100 && line == NULL; k++) {
      nm_flight_step(&world.flight, -1);
      (void)world_turn();
      (void)nm_flight_need(&world.flight, &line);
    }
    CHECK_ROW(line != NULL && nm_line_content(line) == NULL, offers[i]);
    fake_clock_ms += 1000;
    world_content(&world.letters[0])->holds = 0;
    nm_line_resume(line);
    world_fly();
    CHECK_ROW(count(NM_OUTCOME_NOT_SENT) == 1 && says(0, "the Deadline"), offers[i]);
    finish(offers[i]);
  }
}

/* ---- dials ---- */

static void fails_with_the_last_dial(void) {
  begin(BOTH, 20);
  plan(0, (struct plan){.refuses = "nobody is at home"});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_NOT_SENT) == 20 && says(0, "nobody is at home") && says(19, "nobody is at home"));
  CHECK(memory_lines.n_dialled == 2); /* sixteen with the first, the others came later */
  finish("no server");
}

/* A server that allows one connection is not asked for a second again and again: not before it had its rest. */
static void works_with_the_lines_it_gets(void) {
  begin(BOTH, 30);
  plan(1, (struct plan){.refuses = "too many connections"});
  CHECK(world_take_off(2, 4, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 30 && memory_lines.n_dialled == 2);
  int64_t rest = world.flight.lines[1].not_before - fake_clock_ms;
  CHECK(world.flight.lines[1].state == NM_LINE_DOWN && rest >= 1000 && rest < 5000);
  fake_clock_ms += rest;
  world_add_letters(30);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 60 && memory_lines.n_dialled == 3);
  CHECK(world.flight.lines[1].not_before - fake_clock_ms > rest); /* and a longer one each time */
  finish("one of two");
}

/* Lines that fail in turn, one always being dialled, are not waited for. */
static void does_not_dial_for_ever(void) {
  begin(BOTH, 6);
  for (size_t i = 0; i < 5; i++) {
    plan(i, i % 2 == 1 ? (struct plan){.refuses = "too many connections"} : (struct plan){.is_far = 1});
  }
  int64_t from = fake_clock_ms;
  CHECK(world_take_off(3, 2, 0) == 0);
  world_hand_in();
  while (world.n_back < 6 && fake_clock_ms - from < 5 * WORLD_TIMEOUT) {
    nm_flight_step(&world.flight, -1);
    (void)world_take_back();
    fake_clock_ms += 500;
  }
  CHECK(fake_clock_ms - from <= WORLD_TIMEOUT + 1000 && count(NM_OUTCOME_NOT_SENT) == 6);
  CHECK(says(0, "(Timeout)") && memory_lines.n_dialled == 5);
  finish("in turn");
}

/* ---- once more ---- */

static void sends_again_to_those_left(void) {
  begin(BOTH, 3);
  plan(0, (struct plan){.refuses = "not yet"});
  plan(1, (struct plan){0});
  CHECK(world_take_off(1, 16, 0) == 0);
  world_fly();
  CHECK(count(NM_OUTCOME_NOT_SENT) == 3);
  for (size_t i = 0; i < 3; i++) {
    CHECK(nm_flight_add_again(&world.flight, &world.letters[i].mail) == 0);
    world.letters[i].n_in++;
  }
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 3);
  CHECK(nm_flight_add_again(&world.flight, &world.letters[0].mail) == NM_EINVAL); /* nobody is left */
  CHECK(world.letters[0].sent.txn.outcome == NM_OUTCOME_ACCEPTED && world.flight.n_mails == 0);
  finish("again");
}

/* ---- in the middle ---- */

enum { CANCEL, CLOSE, END, WAYS };

/* After k rounds; 0: it was over by then. */
static int stop_after(int k, int way, const char *offers) {
  char row[80];
  struct nm_error why;
  snprintf(row, sizeof row, "%.20s after %d way %d", offers, k, way);
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "enough");
  begin(offers, 6);
  CHECK(world_take_off(2, 2, 0) == 0);
  for (int i = 0; i < k; i++) {
    (void)world_round();
  }
  int is_over = world.n_back == 6, is_free = world.letters[5].n_in == 0;
  if (way == CANCEL) {
    nm_flight_cancel(&world.flight, &why);
  } else if (way == CLOSE) {
    nm_client_close(world.client);
    CHECK_ROW(memory_lines.n_open == 0 && world.flight.ended.code == why.code, row);
  } else {
    world_land();
  }
  (void)world_take_back();
  CHECK_ROW(way == END || world.n_back == world.n_in, row);
  nm_flight_step(&world.flight, -1);
  world_land();
  world_land(); /* twice is fine */
  for (size_t i = 0; way == END && i < world.n_in; i++) {
    struct letter *l = &world.letters[i]; /* nobody asks what became of it */
    l->n_in = l->n_back;
    CHECK_ROW(l->n_back == 1 || l->sent.txn.rcpt == NULL, row);
    nm_sent_free(&l->sent);
  }
  size_t n_in = world.n_in, n = world.n;
  struct letter *after = &world.letters[5];
  if (is_free) {
    CHECK_ROW(send_alone(after) == 0 && after->sent.txn.outcome == NM_OUTCOME_ACCEPTED, row);
    after->n_in = after->n_back = 1;
  }
  world_close_books();
  CHECK_ROW(world.wrong == NULL, row);
  for (size_t i = 0; way != END && i < n_in; i++) {
    world_check_letter(i, row);
  }
  for (size_t i = 0; i < n; i++) {
    CHECK_ROW(world.delivered[i][0] <= 1, row);
  }
  world_end_all();
  return !is_over;
}

static void stops_anywhere(void) {
  static const char *const offers[] = {BOTH, "PIPELINING", "SIZE"};
  for (size_t i = 0; i < 3 * WAYS; i++) {
    int k = 0;
    while (stop_after(k, (int)(i / 3), offers[i % 3])) {
      k++;
    }
    CHECK(k > 3 && k < 1000);
  }
}

/* Whoever it is, and however far it has come: it is over at once, nobody else is for its sake, and nobody gets half of it. */
static size_t end_one(uint64_t seed, int rounds, size_t which) {
  struct nm_error why;
  char row[60];
  snprintf(row, sizeof row, "the one number %zu on its way after %d rounds", which, rounds);
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "not this one");
  begin(BOTH, 5);
  world.seed = seed;
  CHECK(world_take_off(2, 1, 0) == 0);
  world_hand_in();
  for (int i = 0; i < rounds; i++) {
    (void)world_round();
  }
  struct letter *l = NULL;
  for (size_t i = 0; i < world.n_in && l == NULL; i++) {
    l = world.letters[i].mail.list != NULL && which-- == 0 ? &world.letters[i] : NULL;
  }
  if (l != NULL) {
    nm_flight_cancel_mail(&world.flight, &l->mail, &why);
    CHECK_ROW(l->mail.list == NULL, row);
    CHECK_ROW(l->sent.txn.outcome == NM_OUTCOME_ACCEPTED || l->sent.txn.error.kind == NM_KIND_CANCELLED ||
                  l->sent.error.kind == NM_KIND_CANCELLED,
              row);
    l->n_back++;
    l->was_unknown |= l->sent.txn.outcome == NM_OUTCOME_UNKNOWN;
  }
  world_fly();
  for (size_t i = 0; i < world.n; i++) {
    CHECK_ROW(&world.letters[i] == l || world.letters[i].sent.txn.outcome == NM_OUTCOME_ACCEPTED, row);
  }
  size_t n = l != NULL;
  finish(row);
  return n;
}

static void ends_one_alone(void) {
  size_t n = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    for (int rounds = 0; rounds < 15; rounds++) {
      n += end_one(seed, rounds, 0) + end_one(seed, rounds, 1);
    }
  }
  CHECK(n > 200);
}

static void may_be_closed_at_rest(void) {
  begin(BOTH, 3);
  CHECK(world_take_off(2, 1, 0) == 0);
  world_fly();
  nm_client_close(world.client);
  CHECK(memory_lines.n_open == 0 && world.n_quits == 2);
  nm_flight_step(&world.flight, -1);
  finish("closed at rest");
}

static void is_busy_meanwhile(void) {
  struct nm_flight other;
  struct nm_error e;
  begin(BOTH, 2);
  CHECK(world_take_off(1, 1, 0) == 0);
  CHECK(nm_flight_begin(&other, world.client, &(struct nm_flight_limits){1, 1, 0}, &e) == NM_EINVAL &&
        e.text[0] != '\0');
  nm_flight_end(&other); /* never begun */
  CHECK(send_alone(&world.letters[1]) == NM_EINVAL && world.flight.client == world.client);
  nm_sent_free(&world.letters[1].sent);
  world_fly();
  CHECK(count(NM_OUTCOME_ACCEPTED) == 2);
  finish("busy");
}

/* A forked child says nothing on its parent's lines, and sends nothing of what the parent sends. */
static void leaves_its_parents_lines(void) {
  for (int k = 0; k < 12; k++) {
    begin(BOTH, 6);
    CHECK(world_take_off(2, 2, 0) == 0);
    for (int i = 0; i < k; i++) {
      (void)world_round();
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      int dialled = memory_lines.n_dialled, bad = ctest_bad;
      struct nm_error why = {0};
      CHECK(nm_flight_is_parents(&world.flight, &why) == &why && why.kind == NM_KIND_CANCELLED);
      CHECK(!nm_flight_fits(&world.flight, world.client));
      nm_flight_step(&world.flight, -1);
      (void)world_take_back();
      CHECK(world.n_back == world.n_in && memory_lines.n_dialled == dialled);
      CHECK(strcmp(world.flight.ended.text, why.text) == 0);
      nm_flight_end(&world.flight);
      nm_client_unref(&world.client);
      fflush(stdout);
      _exit(ctest_bad != bad);
    }
    int status = -1;
    struct nm_error e;
    CHECK(nm_flight_is_parents(&world.flight, &e) == NULL && nm_flight_fits(&world.flight, world.client));
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    world_fly();
    CHECK(count(NM_OUTCOME_ACCEPTED) == 6);
    finish("forked");
  }
}

/* ---- memory ---- */

/* The n-th fails; 0: there are not so many. */
static int run_short(long n, const char *offers) {
  char row[60];
  long live = nm_test_alloc_live();
  snprintf(row, sizeof row, "%.20s allocation %ld", offers, n);
  begin(offers, 4);
  (void)world_add_letter(3, 200);
  nm_test_alloc_fail_at(n);
  int err = world_take_off(2, 2, 0);
  CHECK_ROW(err == 0 || (err == NM_ENOMEM && world.client->flight == NULL), row);
  if (err == 0) {
    world_fly();
  }
  void *p = nm_alloc(1); /* the last one there is, or one more */
  int is_over = p == NULL;
  nm_free(p);
  nm_test_alloc_fail_at(0);
  finish(row);
  CHECK_ROW(nm_test_alloc_live() == live, row);
  return !is_over;
}

static void survives_each_failing_allocation(void) {
  static const char *const offers[] = {BOTH, "PIPELINING\r\n250-LIMITS RCPTMAX=1 MAILMAX=2", "SIZE"};
  for (size_t i = 0; i < 3; i++) {
    long n = 1;
    while (n < 5000 && run_short(n, offers[i])) {
      n++;
    }
    CHECK(n > 50 && n < 5000);
  }
}

/* One that cannot be handed in once more for want of memory is as it was, and may be later. */
static int run_short_again(long n) {
  char row[40];
  long live = nm_test_alloc_live();
  snprintf(row, sizeof row, "again, allocation %ld", n);
  begin("PIPELINING", 0);
  for (size_t i = 0; i < 3; i++) {
    world_content(world_add_letter(3, 100))->why = "the disk is gone";
  }
  CHECK_ROW(world_take_off(1, 2, 0) == 0, row);
  world_fly();
  nm_test_alloc_fail_at(n);
  int n_short = 0;
  for (size_t i = 0; i < 3; i++) {
    struct letter *l = &world.letters[i];
    world_content(l)->why = NULL;
    int err = nm_flight_add_again(&world.flight, &l->mail);
    if (err != 0) {
      CHECK_ROW(err == NM_ENOMEM && says(i, "the disk is gone") && l->mail.list == NULL, row);
      CHECK_ROW(l->sent.txn.n_rcpt == 3 && l->sent.txn.outcome == NM_OUTCOME_NOT_SENT, row);
      n_short++;
      err = nm_flight_add_again(&world.flight, &l->mail);
    }
    CHECK_ROW(err == 0, row);
    l->n_in++;
  }
  nm_test_alloc_fail_at(0);
  for (size_t i = 0; i < 100 && world.n_back < 6; i++) {
    (void)world_round();
  }
  CHECK_ROW(count(NM_OUTCOME_ACCEPTED) == 3, row);
  finish(row);
  CHECK_ROW(nm_test_alloc_live() == live, row);
  return n_short;
}

static void tries_again_without_memory(void) {
  long n = 1;
  while (n < 100 && run_short_again(n) > 0) {
    n++;
  }
  CHECK(n > 1 && n < 100);
}

int main(void) {
  world_found();
  RUN(keeps_to_its_limits);
  RUN(counts_octets);
  RUN(keeps_its_lines);
  RUN(finds_dead_lines);
  RUN(knows_that_it_may_go_on);
  RUN(splits_recipients);
  RUN(breaks_anywhere);
  RUN(gives_up_what_cannot_be_read_again);
  RUN(fails_alone);
  RUN(refuses_alone);
  RUN(trusts_less);
  RUN(waits_no_longer_than_timeout);
  RUN(keeps_deadlines);
  RUN(does_not_send_what_comes_too_late);
  RUN(fails_with_the_last_dial);
  RUN(works_with_the_lines_it_gets);
  RUN(does_not_dial_for_ever);
  RUN(sends_again_to_those_left);
  RUN(stops_anywhere);
  RUN(ends_one_alone);
  RUN(may_be_closed_at_rest);
  RUN(is_busy_meanwhile);
  RUN(leaves_its_parents_lines);
  RUN(survives_each_failing_allocation);
  RUN(tries_again_without_memory);
  printf("%zu broken lines\n", n_breaks);
  return ctest_end();
}
