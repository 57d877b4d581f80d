/* What a session does outside of transactions, and what it suffers at each place; the dialogues themselves are in
   spec/transcripts/. */
#include "base/alloc.h"
#include "smtp/session.h"
#include "support/ctest.h"
#include "support/digests.h"

#define EHLO_REPLY "250-mx\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN\r\n"

/* Every state in which a reply is due. */
enum place {
  AT_GREETING,
  AT_EHLO,
  AT_LHLO,
  AT_HELO,
  AT_STARTTLS,
  AT_SECURE_EHLO,
  AT_AUTH,
  AT_CHALLENGE,
  AT_PASSWORD,
  AT_NOOP,
  AT_MAIL,
  AT_RCPT,
  AT_DATA,
  AT_DOT,
  AT_QUIT,
  PLACES
};

static const char *const place_names[] = {"greeting",    "EHLO", "LHLO",      "HELO",     "STARTTLS",
                                          "EHLO in TLS", "AUTH", "challenge", "password", "NOOP",
                                          "MAIL",        "RCPT", "DATA",      "dot",      "QUIT"};

struct fixture {
  struct nm_session *s;
  struct nm_auth *auth;
  struct nm_addr addr;
  struct nm_addr *to[1];
  struct nm_source *content;
};

static int say(struct nm_session *s, const char *reply) {
  return nm_session_input(s, reply, strlen(reply));
}

static size_t take(struct nm_session *s) {
  const char *p = NULL;
  size_t n = 0;
  CHECK(nm_session_output(s, &p, &n) == 0);
  nm_session_sent(s, n);
  return n;
}

static void answer(struct nm_session *s, const char *reply) {
  CHECK(take(s) > 0);
  CHECK(say(s, reply) == 0);
}

static void log_in(struct fixture *f, const char *mechanism) {
  struct nm_sasl_choice choice = {.offered = NM_SASL_PLAIN | NM_SASL_LOGIN,
                                  .allowed = nm_sasl_by_name(nm_str_c(mechanism)),
                                  .is_named = 1,
                                  .is_protected = 1};
  struct nm_sasl_login login = {.user = NM_STR("tim"), .password = NM_STR("tanstaaf"), .digest = &digests};
  CHECK(nm_auth_new(&choice, &login, &f->auth) == 0);
  CHECK(nm_session_auth(f->s, f->auth) == 0);
}

static void send_until(struct fixture *f, enum place place) {
  struct nm_envelope env = {.from = &f->addr, .to = f->to, .n_to = 1, .size = -1};
  CHECK(nm_session_begin(f->s, &env, f->content) == 0);
  for (int at = AT_MAIL; at < (int)place; at++) {
    answer(f->s, at == AT_DATA ? "354 go\r\n" : "250 ok\r\n");
  }
}

static void go_to(struct fixture *f, enum place place) {
  struct nm_hello h = {.name = NM_STR("client.example.org"), .is_lmtp = place == AT_LHLO};
  int is_tls = place == AT_STARTTLS || place == AT_SECURE_EHLO;
  h.starttls = is_tls ? NM_STARTTLS_REQUIRED : NM_STARTTLS_NONE;
  *f = (struct fixture){.s = nm_session_new(), .content = nm_source_memory(NM_STR("Hello\r\n"))};
  f->addr = (struct nm_addr){.refs = 1, .spec = NM_STR("me@example.org")};
  f->to[0] = &f->addr;
  CHECK(nm_session_start(f->s, &h) == 0);
  if (place == AT_GREETING) {
    return;
  }
  CHECK(take(f->s) == 0 && say(f->s, "220 mx\r\n") == 0);
  if (place > AT_LHLO) {
    answer(f->s, place == AT_HELO ? "502 what?\r\n" : EHLO_REPLY);
  }
  if (place == AT_SECURE_EHLO) {
    answer(f->s, "220 go\r\n");
    CHECK(nm_session_secured(f->s) == 0);
  } else if (place == AT_NOOP) {
    CHECK(nm_session_command(f->s, NM_VERB_NOOP, nm_str("", 0)) == 0);
  } else if (place == AT_QUIT) {
    CHECK(nm_session_quit(f->s) == 0);
  } else if (place >= AT_MAIL) {
    send_until(f, place);
  } else if (place >= AT_AUTH) {
    log_in(f, place == AT_AUTH ? "PLAIN" : "LOGIN");
    if (place == AT_PASSWORD) {
      answer(f->s, "334 VXNlcm5hbWU6\r\n");
    }
  }
  CHECK(take(f->s) > 0);
}

static void tear_down(struct fixture *f) {
  nm_session_free(&f->s);
  nm_auth_free(&f->auth);
  nm_source_free(&f->content);
}

/* Nothing more is said, and nothing heard; what it says of itself stays. */
static void is_dead(struct fixture *f, int code, const char *where) {
  const char *p = NULL;
  size_t n = 1;
  struct nm_error why = *nm_session_error(f->s);
  CHECK_ROW(nm_session_state(f->s) == NM_SESSION_CLOSED && nm_session_want(f->s) == 0, where);
  CHECK_ROW(nm_session_output(f->s, &p, &n) == 0 && n == 0, where);
  CHECK_ROW(say(f->s, "250 ok\r\n") == code && say(f->s, "235 ok\r\n220 mx\r\n") == code, where);
  CHECK_ROW(nm_session_quit(f->s) == NM_EINVAL && nm_session_secured(f->s) == NM_EINVAL, where);
  CHECK_ROW(nm_session_command(f->s, NM_VERB_NOOP, nm_str("", 0)) == NM_EINVAL, where);
  nm_session_lost(f->s, NULL);
  CHECK_ROW(nm_session_error(f->s)->code == why.code && strcmp(nm_session_error(f->s)->text, why.text) == 0,
            where);
}

/* RFC 5321 4.2, and the limits of smtp/reply.h. */
static void limits_hold_at_each_place(void) {
  static const struct {
    const char *piece; /* again and again */
    size_t times;
    int code;
  } rows[] = {
      {"220-x\r\n", 100000, NM_ELIMIT},   /* lines without end */
      {"a", 1 << 20, NM_EPROTO},          /* no code at all */
      {"220-\r\n250-\r\n", 1, NM_EPROTO}, /* another code in the same reply */
      {"999 no\r\n", 1, NM_EPROTO},       /* no such code */
      {"2 0\r\n", 1, NM_EPROTO},          {"25O ok\r\n", 1, NM_EPROTO}, {"220ok\r\n", 1, NM_EPROTO},
      {"2200\r\n", 1, NM_EPROTO},         {"\r\n", 1, NM_EPROTO},       {"220 a\rb\r\n", 1, NM_EPROTO},
      {"\x16\x03\x01\x02", 1, NM_EPROTO}, /* TLS */
  };
  for (int place = 0; place < PLACES; place++) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      struct fixture f;
      long live;
      go_to(&f, (enum place)place);
      live = nm_test_alloc_live();
      int rc = 0;
      for (size_t k = 0; k < rows[i].times && rc == 0; k++) {
        rc = say(f.s, rows[i].piece);
        CHECK(nm_test_alloc_live() <= live + 1);
      }
      CHECK_ROW(rc == rows[i].code, place_names[place]);
      is_dead(&f, rows[i].code, place_names[place]);
      tear_down(&f);
    }
  }
}

static void a_line_without_end_at_each_place(void) {
  char piece[1024];
  memset(piece, 'x', sizeof piece);
  for (int place = 0; place < PLACES; place++) {
    struct fixture f;
    size_t total = 0;
    int rc = 0;
    go_to(&f, (enum place)place);
    CHECK(say(f.s, "250 ") == 0);
    for (; rc == 0 && total < 1 << 20; total += sizeof piece) {
      rc = nm_session_input(f.s, piece, sizeof piece);
    }
    CHECK_ROW(rc == NM_ELIMIT && total <= NM_REPLY_LINE_MAX + 2 * sizeof piece, place_names[place]);
    is_dead(&f, NM_ELIMIT, place_names[place]);
    tear_down(&f);
  }
}

/* A reply that comes after the time was over is nobody's. */
static void is_dead_after_a_timeout_at_each_place(void) {
  for (int place = 0; place < PLACES; place++) {
    struct fixture f;
    struct nm_error why;
    nm_error_set(&why, NM_ETIME, NM_KIND_TIMEOUT, "no answer for 5 s");
    go_to(&f, (enum place)place);
    uint64_t before = nm_session_progress(f.s);
    CHECK(say(f.s, "25") == 0 && nm_session_progress(f.s) == before); /* a drip is no progress */
    nm_session_lost(f.s, &why);
    is_dead(&f, NM_ETIME, place_names[place]);
    tear_down(&f);
  }
}

static void says_what_it_wants(void) {
  struct fixture f;
  go_to(&f, AT_GREETING);
  CHECK(nm_session_want(f.s) == NM_WANT_READ && nm_session_state(f.s) == NM_SESSION_TALKING);
  CHECK(say(f.s, "220 mx\r\n") == 0 && nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  CHECK(take(f.s) > 0 && nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "25") == 0 && nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "0 mx\r\n") == 0 && nm_session_want(f.s) == 0);
  tear_down(&f);
  go_to(&f, AT_STARTTLS);
  CHECK(nm_session_secured(f.s) == NM_EINVAL);
  CHECK(say(f.s, "220 g") == 0 && nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "o\r\n") == 0 && nm_session_want(f.s) == NM_WANT_TLS);
  uint64_t before = nm_session_progress(f.s);
  CHECK(nm_session_secured(f.s) == 0 && nm_session_progress(f.s) > before);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE) && nm_session_secured(f.s) == NM_EINVAL);
  tear_down(&f);
}

/* Half a reply that nothing asked for: what was due is held back, whatever it turns out to be. */
static void says_nothing_while_it_is_interrupted(void) {
  struct fixture f;
  go_to(&f, AT_GREETING);
  CHECK(say(f.s, "220 mx\r\n2") == 0 && nm_session_want(f.s) == NM_WANT_READ && take(f.s) == 0);
  CHECK(say(f.s, "50 mx\r\n") == NM_EPROTO);
  is_dead(&f, NM_EPROTO, "EHLO");
  tear_down(&f);
}

/* A password must not be found in a core file: it leaves the buffer with its last byte, or when there will be no last byte. */
static void what_auth_says_is_wiped(void) {
  for (int way = 0; way < 3; way++) {
    struct fixture f;
    const char *p = NULL;
    size_t n = 0;
    static const char secret[] = "AHRpbQB0YW5zdGFhZg==";
    go_to(&f, AT_NOOP);
    CHECK(say(f.s, "250 ok\r\n") == 0);
    log_in(&f, "PLAIN");
    CHECK(nm_session_output(f.s, &p, &n) == 0 && memmem(p, n, secret, sizeof secret - 1) != NULL);
    if (way == 0) {
      nm_session_sent(f.s, n);
    } else if (way == 1) {
      nm_session_sent(f.s, 3);
      nm_session_lost(f.s, NULL);
    } else {
      CHECK(say(f.s, "250 ok\r\n") == NM_EPROTO);
    }
    CHECK(memmem(p, n, "PLAIN", 5) == NULL && memmem(p, n, secret, sizeof secret - 1) == NULL);
    tear_down(&f);
  }
}

static void a_result_stays_until_the_next(void) {
  struct fixture f;
  const struct nm_talk_result *r = NULL;
  go_to(&f, AT_NOOP);
  CHECK(say(f.s, "250-one\r\n250 two\r\n") == 0);
  r = nm_session_talk_result(f.s);
  CHECK(r->reply.code == 250 && strcmp(r->reply.text.p, "one\ntwo") == 0 && strcmp(r->command, "NOOP") == 0);
  CHECK(nm_session_quit(f.s) == 0 && take(f.s) == 6 && say(f.s, "221 bye\r\n") == 0);
  CHECK(nm_session_talk_result(f.s)->reply.code == 250 && nm_session_error(f.s)->code == 0);
  is_dead(&f, 0, "QUIT");
  tear_down(&f);
}

/* Only an end of the text is lost when memory is. */
static void short_memory_does_not_change_a_login(void) {
  for (long k = 1; k < 8; k++) {
    struct fixture f;
    go_to(&f, AT_AUTH);
    nm_test_alloc_fail_at(k);
    int rc = say(f.s, "235 2.7.0 welcome\r\n");
    nm_test_alloc_fail_at(0);
    CHECK(rc == 0 && nm_session_state(f.s) == NM_SESSION_IDLE);
    CHECK(nm_session_talk_result(f.s)->auth == NM_AUTH_END_DONE &&
          nm_session_talk_result(f.s)->reply.code == 235);
    tear_down(&f);
  }
}

static void traces_nothing_when_nobody_looks_and_only_from_then_on(void) {
  struct fixture f;
  enum nm_trace_from from;
  struct nm_str line;
  struct nm_trace *t = nm_trace_new();
  go_to(&f, AT_EHLO);
  nm_session_trace(f.s, t);
  CHECK(say(f.s, "250 mx\r\n") == 0);
  nm_session_trace(f.s, NULL);
  CHECK(nm_session_quit(f.s) == 0 && take(f.s) > 0);
  CHECK(nm_trace_next(t, &from, &line) && from == NM_TRACE_SERVER && strcmp(line.p, "250 mx") == 0);
  CHECK(!nm_trace_next(t, &from, &line));
  tear_down(&f);
  nm_trace_free(&t);
}

int main(void) {
  long live = nm_test_alloc_live();
  RUN(limits_hold_at_each_place);
  RUN(a_line_without_end_at_each_place);
  RUN(is_dead_after_a_timeout_at_each_place);
  RUN(says_what_it_wants);
  RUN(says_nothing_while_it_is_interrupted);
  RUN(what_auth_says_is_wiped);
  RUN(a_result_stays_until_the_next);
  RUN(short_memory_does_not_change_a_login);
  RUN(traces_nothing_when_nobody_looks_and_only_from_then_on);
  CHECK(nm_test_alloc_live() == live);
  return ctest_end();
}
