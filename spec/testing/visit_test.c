/* One client's conversation, octets in and octets out: each row whole, cut at every place, and octet by octet. */

#include "testing/visit.h"

#include "base/alloc.h"
#include "testing/house.h"

/* A visitor, and what he hears. */
struct talk {
  struct nm_house house;
  struct nm_visit *visit;
  struct nm_buf heard; /* what the server said */
  int64_t now;
};

static int begin(struct talk *t) {
  t->heard = (struct nm_buf){.max = (size_t)1 << 20};
  t->visit = NULL;
  t->now = 1000;
  int err = house_finish(&t->house, NULL);
  err = err != 0 ? err : nm_visit_new(&t->house, &t->visit);
  if (err == 0) {
    nm_visit_work(t->visit, t->now);
  }
  return err;
}

static void end(struct talk *t) {
  nm_visit_free(&t->visit);
  nm_buf_free(&t->heard);
  house_close(&t->house);
}

/* Takes all that is said now. */
static void hear(struct talk *t) {
  const char *p;
  size_t n;
  for (;;) {
    n = nm_visit_output(t->visit, &p);
    if (n == 0) {
      return;
    }
    nm_buf_add(&t->heard, p, n);
    nm_visit_sent(t->visit, n);
    nm_visit_work(t->visit, t->now);
  }
}

/* Time goes by as far as something is due. */
static void wait(struct talk *t) {
  hear(t);
  for (int64_t due = nm_visit_due(t->visit); due >= 0; due = nm_visit_due(t->visit)) {
    CHECK(due >= t->now);
    t->now = due;
    nm_visit_work(t->visit, t->now);
    hear(t);
  }
}

static void say(struct talk *t, struct nm_str s) {
  while (s.n > 0 && nm_visit_want(t->visit) != NM_VISIT_OVER) {
    size_t n = nm_visit_room(t->visit);
    n = n < s.n ? n : s.n;
    if (n == 0) {
      wait(t);
      n = nm_visit_room(t->visit) < s.n ? nm_visit_room(t->visit) : s.n;
      if (n == 0) {
        return;
      }
    }
    nm_visit_input(t->visit, s.p, n);
    nm_visit_work(t->visit, t->now);
    hear(t);
    s = nm_str(s.p + n, s.n - n);
  }
}

/* In two pieces, the first of so many octets; -1: octet by octet. */
static void say_cut(struct talk *t, struct nm_str s, long cut) {
  if (cut >= 0) {
    say(t, nm_str(s.p, (size_t)cut));
    say(t, nm_str(s.p + cut, s.n - (size_t)cut));
  }
  for (size_t i = 0; cut < 0 && i < s.n; i++) {
    say(t, nm_str(s.p + i, 1));
  }
  wait(t);
}

/* ---- rows ---- */

#define HELLO "EHLO c.example\r\n"
#define GREET "220 mail.example.test ESMTP netmail test server\r\n"
#define OFFERS                                                                                               \
  "250-mail.example.test\r\n250-PIPELINING\r\n250-SIZE 26214400\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"         \
  "250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
#define MAIL "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
#define MAIL_OK "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n"
#define BYE "QUIT\r\n"
#define BYE_OK "221 2.0.0 bye\r\n"

static void lmtp(struct nm_house *h) {
  h->setup.lmtp = 1;
}

static void no_codes(struct nm_house *h) {
  h->setup.has_extensions = 1;
}

static void starttls(struct nm_house *h) {
  h->setup.tls = NM_SETUP_STARTTLS;
  no_codes(h);
}

static void users(struct nm_house *h) {
  house_add_user(h, "u", "p");
  nm_texts_add(&h->setup.mechanisms, NM_STR("PLAIN"));
  nm_texts_add(&h->setup.mechanisms, NM_STR("LOGIN"));
  h->setup.has_mechanisms = 1;
  no_codes(h);
}

static void refuse_second(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "RCPT");
  if (f != NULL) {
    f->nth = 2;
    (void)nm_fault_set_reply(f, NM_STR("550-5.1.1 no\n550 5.1.1 such user"), NULL);
  }
}

static void drop_at_dot(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "DOT");
  if (f != NULL) {
    f->end = NM_END_RESET;
    f->say = NM_SAY_NOTHING;
  }
}

static void late(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "CONTENT");
  if (f != NULL) {
    f->after = 3;
    f->end = NM_END_CUT;
    (void)nm_fault_set_reply(f, NM_STR("421 4.3.2 enough"), NULL);
  }
}

static void slow(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "MAIL");
  struct nm_fault *g = f != NULL ? house_add_fault(h, "NOOP") : NULL;
  no_codes(h);
  if (g != NULL) {
    h->faults.items[0].delay = 500;
    g->drip = 100;
    nm_buf_add_c(&g->inject, "250 injected\r\n");
  }
}

static void deaf(struct nm_house *h) {
  struct nm_fault *f = house_add_fault(h, "RCPT");
  if (f != NULL) {
    f->silent = 1;
  }
}

static const struct row {
  const char *name;
  void (*set)(struct nm_house *h);
  const char *say;
  const char *hear;
  const char *data; /* of the one message; NULL: none is recorded */
  enum nm_end end;
} rows[] = {
    {"data", NULL, HELLO MAIL "DATA\r\n..a\r\n.\rb\r\n\r\n.\r\n" BYE,
     GREET OFFERS MAIL_OK
     "354 go on, and end with a dot on a line of its own\r\n250 2.0.0 queued as T1\r\n" BYE_OK,
     ".a\r\n\rb\r\n\r\n", NM_END_CLOSE},
    {"nothing", NULL, HELLO MAIL "DATA\r\n.\r\n",
     GREET OFFERS MAIL_OK "354 go on, and end with a dot on a line of its own\r\n250 2.0.0 queued as T1\r\n",
     "", NM_END_NONE},
    {"chunks", NULL, HELLO MAIL "BDAT 3\r\n\n.\rBDAT 0\r\nBDAT 2 last\r\n\r\n" BYE,
     GREET OFFERS MAIL_OK
     "250 2.0.0 3 octets so far\r\n250 2.0.0 3 octets so far\r\n250 2.0.0 queued as T1\r\n" BYE_OK,
     "\n.\r\r\n", NM_END_CLOSE},
    {"unwanted chunk", NULL, HELLO "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
     GREET OFFERS "503 5.5.1 BDAT is not wanted here\r\n250 2.0.0 ok\r\n", NULL, NM_END_NONE},
    {"lmtp", lmtp, "LHLO c\r\n" MAIL "RCPT TO:<c@y>\r\nDATA\r\nx\r\n.\r\n",
     "220 mail.example.test LMTP netmail test server\r\n" OFFERS MAIL_OK
     "250 2.1.5 recipient ok\r\n354 go on, and end with a dot on a line of its own\r\n"
     "250 2.1.5 b@y queued as T1\r\n250 2.1.5 c@y queued as T1\r\n",
     "x\r\n", NM_END_NONE},
    {"auth", users,
     HELLO "AUTH PLAIN AHUAcQ==\r\nAUTH PLAIN\r\n*\r\nAUTH LOGIN\r\ndQ==\r\ncA==\r\nAUTH PLAIN AHUAcA==\r\n",
     GREET
     "250-mail.example.test\r\n250 AUTH PLAIN LOGIN\r\n535 authentication credentials invalid\r\n334 \r\n501 "
     "cancelled\r\n"
     "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 you are who you say\r\n503 you are logged in already\r\n",
     NULL, NM_END_NONE},
    {"a fault", refuse_second, HELLO MAIL "RCPT TO:<c@y>\r\nRCPT TO:<d@y>\r\n",
     GREET OFFERS MAIL_OK "550-5.1.1 no\r\n550 5.1.1 such user\r\n250 2.1.5 recipient ok\r\n", NULL,
     NM_END_NONE},
    {"dropped at the dot", drop_at_dot, HELLO MAIL "DATA\r\nx\r\n.\r\nNOOP\r\n",
     GREET OFFERS MAIL_OK "354 go on, and end with a dot on a line of its own\r\n", "x\r\n", NM_END_RESET},
    {"in the content", late, HELLO MAIL "DATA\r\nxyz\r\n.\r\n",
     GREET OFFERS MAIL_OK "354 go on, and end with a dot on a line of its own\r\n421 4.3.2 enough\r\n", NULL,
     NM_END_CUT},
    {"slow", slow, HELLO "MAIL FROM:<a@x>\r\nNOOP\r\nRSET\r\n",
     GREET "250 mail.example.test\r\n250 sender ok\r\n250 ok\r\n250 injected\r\n250 forgotten\r\n", NULL,
     NM_END_NONE},
    {"deaf", deaf, HELLO MAIL "DATA\r\nQUIT\r\n", GREET OFFERS "250 2.1.0 sender ok\r\n", NULL, NM_END_NONE},
    {"lines", no_codes, "NOOP\nNOOP\r\r\nNO OP\r\nfoo\r\n\r\n",
     GREET "500 the line ends with LF alone\r\n500 CR or NUL within the line\r\n500 unknown command\r\n500 "
           "unknown command\r\n"
           "500 unknown command\r\n",
     NULL, NM_END_NONE},
};
#define ROWS (sizeof rows / sizeof rows[0])

static void check_row(const struct row *r, long cut) {
  struct talk t = {.house = house_open()};
  if (r->set != NULL) {
    r->set(&t.house);
  }
  CHECK(begin(&t) == 0);
  say_cut(&t, nm_str_c(r->say), cut);
  if (!nm_str_eq(nm_buf_str(&t.heard), nm_str_c(r->hear))) {
    printf("row %s, cut at %ld: heard\n%s", r->name, cut, t.heard.p);
    CHECK_ROW(0, r->name);
  }
  CHECK_ROW(nm_visit_end(t.visit) == r->end, r->name);
  CHECK_ROW((nm_visit_want(t.visit) == NM_VISIT_OVER) == (r->end != NM_END_NONE), r->name);
  CHECK_ROW(t.house.record.n_mails == (r->data != NULL ? 1 : 0), r->name);
  if (r->data != NULL && t.house.record.n_mails == 1) {
    CHECK_ROW(nm_str_eq(nm_buf_str(&t.house.record.mails[0]->data), nm_str_c(r->data)), r->name);
  }
  end(&t);
}

static void says_the_same_however_it_is_cut(void) {
  for (size_t i = 0; i < ROWS; i++) {
    for (long cut = -1; cut <= (long)strlen(rows[i].say); cut++) {
      check_row(&rows[i], cut);
    }
  }
}

static void forgets_at_starttls(void) {
  struct talk t = {.house = house_open()};
  starttls(&t.house);
  CHECK(begin(&t) == 0);
  say(&t, NM_STR(HELLO "STARTTLS\r\n"));
  CHECK(nm_visit_want(t.visit) == NM_VISIT_LINE); /* the client speaks first */
  nm_visit_input(t.visit, "\x16\x03\x01", 3);
  nm_visit_work(t.visit, t.now);
  CHECK(nm_visit_want(t.visit) == NM_VISIT_TLS && nm_visit_rest(t.visit).n == 3);
  nm_visit_shaking(t.visit, HOUSE_TLS_END);
  CHECK(nm_visit_is_shaking(t.visit));
  nm_visit_secured(t.visit);
  nm_visit_work(t.visit, t.now);
  nm_buf_reset(&t.heard);
  say(&t, NM_STR("MAIL FROM:<a@x>\r\n" HELLO "STARTTLS\r\n"));
  CHECK_ROW(nm_str_eq(nm_buf_str(&t.heard),
                      NM_STR("503 say EHLO first\r\n250 mail.example.test\r\n503 there is TLS already\r\n")),
            t.heard.p);
  end(&t);
}

/* What was pipelined behind STARTTLS in clear is the handshake's. */
static void takes_no_command_from_before_tls(void) {
  struct talk t = {.house = house_open()};
  starttls(&t.house);
  CHECK(begin(&t) == 0);
  nm_visit_input(t.visit, HELLO "STARTTLS\r\nNOOP\r\n", sizeof HELLO "STARTTLS\r\nNOOP\r\n" - 1);
  nm_visit_work(t.visit, t.now);
  const char *p;
  for (size_t n; (n = nm_visit_output(t.visit, &p)) > 0;) {
    nm_visit_sent(t.visit, n);
    nm_visit_work(t.visit, t.now);
  }
  CHECK(nm_visit_want(t.visit) == NM_VISIT_TLS);
  CHECK(nm_str_eq(nm_visit_rest(t.visit), NM_STR("NOOP\r\n")));
  end(&t);
}

static void holds_what_is_late(void) {
  struct talk t = {.house = house_open()};
  slow(&t.house);
  CHECK(begin(&t) == 0);
  say(&t, NM_STR(HELLO));
  nm_buf_reset(&t.heard);
  say(&t, NM_STR("RSET\r\nMAIL FROM:<a@x>\r\nRSET\r\n"));
  CHECK(nm_str_eq(nm_buf_str(&t.heard), NM_STR("250 forgotten\r\n")));
  CHECK(nm_visit_due(t.visit) == t.now + 500 && nm_visit_room(t.visit) == 0);
  t.now += 499;
  nm_visit_work(t.visit, t.now);
  hear(&t);
  CHECK(nm_str_eq(nm_buf_str(&t.heard), NM_STR("250 forgotten\r\n")));
  t.now++;
  nm_visit_work(t.visit, t.now);
  hear(&t);
  CHECK(nm_str_eq(nm_buf_str(&t.heard), NM_STR("250 forgotten\r\n250 sender ok\r\n250 forgotten\r\n")));
  nm_buf_reset(&t.heard);
  say(&t, NM_STR("NOOP\r\n"));
  CHECK(t.heard.n == 1 && nm_visit_due(t.visit) == t.now + 100);
  end(&t);
}

static void stays_within_its_memory(void) {
  struct talk t = {.house = house_open()};
  char *much = malloc(1 << 20);
  memset(much, 'x', 1 << 20);
  t.house.setup.max_bytes = 10000;
  no_codes(&t.house);
  CHECK(begin(&t) == 0);
  say(&t, nm_str(much, 1 << 20)); /* one line */
  say(&t, NM_STR("\r\n" HELLO MAIL "DATA\r\n"));
  nm_buf_reset(&t.heard);
  say(&t, nm_str(much, 1 << 20));
  say(&t, NM_STR("\r\n.\r\n"));
  CHECK_ROW(
      nm_str_eq(nm_buf_str(&t.heard), NM_STR("452 no room for more messages (MaxMessages, MaxBytes)\r\n")),
      t.heard.p);
  for (int i = 0; i < 1000; i++) {
    say(&t, NM_STR("NOOP 0123456789\r\n"));
  }
  CHECK(t.house.record.bytes <= 10000 && t.house.record.lost > 0 && t.house.record.n_mails == 0);
  free(much);
  end(&t);
}

static void ends_when_the_client_does(void) {
  struct talk t = {.house = house_open()};
  no_codes(&t.house);
  CHECK(begin(&t) == 0);
  say(&t, NM_STR("NOOP\r\nNO"));
  nm_visit_eof(t.visit, "closed");
  nm_visit_work(t.visit, t.now);
  hear(&t);
  CHECK(nm_visit_want(t.visit) == NM_VISIT_OVER);
  CHECK(strcmp(nm_record_get(&t.house.record, 1)->how, "closed") == 0);
  end(&t);
}

static void numbers_anew_after_a_reset(void) {
  struct talk t = {.house = house_open()};
  no_codes(&t.house);
  CHECK(begin(&t) == 0);
  say(&t, NM_STR("NOOP\r\n"));
  nm_record_reset(&t.house.record);
  say(&t, NM_STR("NOOP 2\r\n")); /* by nobody's number: still harmless */
  nm_visit_renumber(t.visit);
  say(&t, NM_STR("NOOP 3\r\n"));
  CHECK(t.house.record.n_visitors == 1 && t.house.record.lines.n == 4);
  end(&t);
}

/* More than any of the rows needs. A line that cannot be recorded is no failure, so none of them tells when it is over. */
#define ALLOCATIONS 300

static int survives(const struct row *r, long n) {
  struct talk t = {.heard.max = 1 << 20};
  struct nm_record copy = {0};
  nm_test_alloc_fail_at(n);
  t.house = house_open();
  if (r->set != NULL) {
    r->set(&t.house);
  }
  int err = begin(&t);
  if (err == 0) {
    say_cut(&t, nm_str_c(r->say), 0);
    err = nm_record_copy(&t.house.record, &copy);
  }
  nm_test_alloc_fail_at(0);
  int is_same = err == 0 && nm_str_eq(nm_buf_str(&t.heard), nm_str_c(r->hear)) && copy.lines.n > 0;
  nm_record_free(&copy);
  end(&t);
  return is_same;
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (size_t i = 0; i < ROWS; i++) {
    int failed = 0;
    for (long n = 1; n <= ALLOCATIONS; n++) {
      int is_same = survives(&rows[i], n);
      failed += !is_same;
      CHECK_ROW(nm_test_alloc_live() == live, rows[i].name);
      CHECK_ROW(is_same || n < ALLOCATIONS, rows[i].name);
    }
    CHECK_ROW(failed > 3, rows[i].name);
  }
}

/* RFC 5321 4.2, whatever ends the lines; what is no reply goes as Raw, by the will of who writes it. */
static void takes_replies_alone(void) {
  static const struct {
    struct nm_str text;
    const char *said; /* NULL: refused */
  } replies[] = {
      {NM_STR("250"), "250\r\n"},
      {NM_STR("250 "), "250 \r\n"},
      {NM_STR("599 \tok\n"), "599 \tok\r\n"},
      {NM_STR("250-a\r\n250-\n250 b"), "250-a\r\n250-\r\n250 b\r\n"},
      {NM_STR("354 \xd0\xb8 \xff"), "354 \xd0\xb8 \xff\r\n"},
      {NM_STR(""), NULL},
      {NM_STR("25 x"), NULL},
      {NM_STR("25"), NULL},
      {NM_STR("2500"), NULL},
      {NM_STR("199 x"), NULL},
      {NM_STR("600 x"), NULL},
      {NM_STR("250-x"), NULL},
      {NM_STR("250 x\n250 y"), NULL},
      {NM_STR("250-x\n550 y"), NULL},
      {NM_STR("250\n250 y"), NULL},
      {NM_STR("250-x\n"), NULL},
      {NM_STR("250 x\n\n"), NULL},
      {NM_STR("250 x\ry"), NULL},
      {NM_STR("250 x\r\r\n"), NULL},
      {NM_STR("250 \033[31m"), NULL},
      {NM_STR("250 \0"), NULL},
      {NM_STR("\n250 x"), NULL},
  };
  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
    struct nm_faults faults = {0};
    struct nm_fault *f = nm_faults_add(&faults);
    int err = f != NULL ? nm_fault_set_reply(f, replies[i].text, NULL) : NM_ENOMEM;
    CHECK_ROW(err == (replies[i].said != NULL ? 0 : NM_EINVAL), replies[i].text.p);
    CHECK_ROW(err != 0 || nm_str_eq(nm_buf_str(&f->reply), nm_str_c(replies[i].said)), replies[i].text.p);
    nm_faults_free(&faults);
  }
}

int main(void) {
  RUN(says_the_same_however_it_is_cut);
  RUN(forgets_at_starttls);
  RUN(takes_no_command_from_before_tls);
  RUN(holds_what_is_late);
  RUN(stays_within_its_memory);
  RUN(ends_when_the_client_does);
  RUN(numbers_anew_after_a_reset);
  RUN(takes_replies_alone);
  RUN(survives_failed_allocations);
  return ctest_end();
}
