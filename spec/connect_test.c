/* Connecting and logging in, step by step, over a transport of memory whose server follows a plan. What a real one does is tested from Lua; here
   each state is left in every way, and every allocation fails in turn. */

#include <string.h>

#include "base/alloc.h"
#include "send.h"
#include "support/ctest.h"
#include "support/digests.h"
#include "support/fake_clock.h"
#include "support/memory_net.h"

/* ---- the server and the transport ---- */

#define SAID_MAX 32

struct nm_conn {
  struct nm_io io; /* first */
  struct memory_line line;
  int in_auth, is_gone;
  int waits;         /* steps of the dial to come */
  int is_on_its_way; /* what it says next */
  int is_foreign, is_bare;
};

static struct {
  const char *offers;
  const char
      *auth[8]; /* what AUTH's lines are answered with, on all connections; "-" before it: and hangs up */
  const char *foreign[4]; /* of libcurl's logins: the code that its AUTH gets; NULL: none was tried */
  int n_auth, n_foreign, waits;
  int is_slow; /* the first look behind each line finds nothing yet */
  /* what happened */
  int dials, n_said;
  char said[SAID_MAX][128]; /* "dial", "dial NTLM user/password", lines */
} plan;

static void note(const char *text, size_t n) {
  if (plan.n_said < SAID_MAX) {
    snprintf(plan.said[plan.n_said++], sizeof plan.said[0], "%.*s", (int)n, text);
  }
}

static int said(int i, const char *text) {
  i = i < 0 ? plan.n_said + i : i;
  return i >= 0 && i < plan.n_said && strcmp(plan.said[i], text) == 0;
}

static int was_said(const char *text) {
  for (int i = 0; i < plan.n_said; i++) {
    if (strstr(plan.said[i], text) != NULL) {
      return 1;
    }
  }
  return 0;
}

static void answer(struct nm_conn *c, const char *line, size_t n) {
  if (memcmp(line, "EHLO ", 5) == 0) { /* part of the dial, as these tests see it */
    nm_buf_addf(&c->line.out, "250-x\r\n250 AUTH %s\r\n", plan.offers);
    return;
  }
  note(line, n - 2);
  c->in_auth = c->in_auth || (n > 5 && memcmp(line, "AUTH ", 5) == 0);
  const char *reply = "250 ok";
  if (c->in_auth) {
    reply = plan.auth[plan.n_auth] != NULL ? plan.auth[plan.n_auth++] : "535 the plan is over";
  }
  c->is_gone = reply[0] == '-';
  reply += c->is_gone;
  c->in_auth = strncmp(reply, "334", 3) == 0;
  nm_buf_addf(&c->line.out, "%s%s", reply, reply[0] != '\0' ? "\r\n" : "");
}

static int fake_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  *n_out = n;
  c->is_on_its_way = plan.is_slow;
  return memory_line_send(&c->line, p, n, answer, c);
}

static int fake_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  if (c->is_on_its_way) {
    c->is_on_its_way = 0;
    return NM_AGAIN;
  }
  int rc = memory_line_recv(&c->line, p, cap, n_out);
  return rc == NM_AGAIN && c->is_gone ? NM_EIO : rc;
}

static int fake_wait(struct nm_io *io, int want, int ms) {
  (void)io;
  (void)want;
  (void)ms;
  return 0;
}

static const struct nm_io_ops io_ops = {fake_send, fake_recv, fake_wait, NULL};

static int dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e) {
  char text[128];
  (void)net;
  struct nm_conn *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return nm_error_nomem(e);
  }
  c->io.ops = &io_ops;
  c->line.in.max = c->line.out.max = MEMORY_LINE_MAX;
  c->waits = plan.waits;
  c->is_foreign = d->user != NULL;
  c->is_bare = d->is_bare;
  c->is_on_its_way = plan.is_slow;
  nm_buf_add_c(&c->line.out, c->is_bare ? "220 x\r\n" : "");
  plan.dials++;
  snprintf(text, sizeof text, d->user != NULL ? "dial %s %s/%s" : "dial", d->mechanisms, d->user,
           d->password);
  note(text, strlen(text));
  *out = c;
  return 0;
}

static const char *foreign_code(void) {
  return plan.n_foreign > 0 ? plan.foreign[plan.n_foreign - 1] : NULL;
}

static int dial_step(struct nm_conn *c, struct nm_error *e) {
  if (c->waits-- > 0) {
    return NM_AGAIN;
  }
  if (c->is_foreign) {
    plan.n_foreign++;
    if (foreign_code() == NULL || strncmp(foreign_code(), "235", 3) != 0) {
      return nm_error_set(e, NM_EREJECT, NM_KIND_AUTH, "libcurl could not log in");
    }
  }
  return 0;
}

static void dial_lines(const struct nm_conn *c, const char **p, size_t *n) {
  static char lines[256];
  const char *code = c->is_foreign ? foreign_code() : NULL;
  lines[0] = '\0';
  if (!c->is_bare) {
    snprintf(lines, sizeof lines, "220 x\r\n250-x\r\n250 AUTH %s\r\n%s%s", plan.offers,
             code != NULL ? code : "", code != NULL ? " libcurl's\r\n" : "");
  }
  *p = lines;
  *n = strlen(lines);
}

static int no(const struct nm_conn *c) {
  (void)c;
  return 0;
}

static int readable(struct nm_conn *c) {
  return c->is_gone;
}

static void conn_close(struct nm_conn **c, int quietly) {
  (void)quietly;
  memory_line_free(&(*c)->line);
  nm_free(*c);
  *c = NULL;
}

static const struct nm_net_api api = {
    MEMORY_NET,         .dial_start = dial_start, .dial_step = dial_step,    .dial_lines = dial_lines,
    .dial_refused = no, .conn_is_loopback = no,   .conn_readable = readable, .conn_close = conn_close,
};

/* ---- a client and its errand ---- */

static void begin(const char *offers) {
  memset(&plan, 0, sizeof plan);
  plan.offers = offers;
}

static struct nm_client *new_client(void) {
  struct nm_client *c = NULL;
  if (nm_client_new(&c) == 0 && nm_client_set_host(c, NM_STR("mail.example.test"), NULL) != 0) {
    nm_client_unref(&c);
  }
  if (c != NULL) {
    c->api = &api;
    c->digest = &digests;
    c->allow_plaintext_auth = 1;
  }
  return c;
}

/* What gives a password in place of a credential: the texts one after the other. */
struct giver {
  const char *texts[4];
  int n, again, released;
};

static void release(void *giver) {
  ((struct giver *)giver)->released++;
}

/* giver NULL: the password is "secret". */
static int login(struct nm_client *c, unsigned mechs, const char *user, struct giver *giver) {
  struct nm_credential *credential = NULL;
  int err = nm_credential_new(&credential);
  err = err == 0 ? nm_credential_set(credential, nm_str_c(user), NM_STR("secret"), NULL) : err;
  if (err == 0 && giver != NULL) {
    nm_credential_set_giver(credential, giver, release);
  }
  err = err == 0 ? nm_client_set_credential(c, mechs, credential) : err;
  nm_credential_unref(&credential);
  return err;
}

struct run {
  struct nm_pace pace;
  struct nm_sent sent;
  struct nm_sending s;
  int err;
};

static void run_begin(struct run *r, struct nm_client *c) {
  memset(r, 0, sizeof *r);
  nm_pace_begin(&r->pace, c->timeout, c->deadline);
  r->err = nm_client_ask(c, NM_VERB_NOOP, nm_str("", 0), &r->pace, &r->sent, &r->s);
}

/* What is needed is given. 0: it is over. */
static int run_step(struct run *r) {
  int is_again;
  if (r->err != NM_AGAIN) {
    return 0;
  }
  if (nm_client_need(&r->s) == NM_NEED_SECRET) {
    struct giver *g = nm_connect_giver(&r->s.connecting, &is_again)->giver.what;
    g->again += is_again;
    nm_connect_give_secret(&r->s.connecting, nm_str_c(g->texts[g->n++]));
  } else if (nm_client_need(&r->s) == NM_NEED_CRYPTO) {
    r->s.client->digest = &digests;
  } else {
    nm_client_wait(&r->s);
  }
  r->err = nm_client_step(&r->s);
  return r->err == NM_AGAIN;
}

static int run_all(struct run *r, struct nm_client *c) {
  run_begin(r, c);
  for (int i = 0; i < 1000 && run_step(r); i++) {
  }
  CHECK(r->err != NM_AGAIN && r->s.client == NULL && c->sending == NULL);
  CHECK((r->err == 0) == (r->sent.error.code == 0) && r->err == r->sent.error.code);
  return r->err;
}

static void run_free(struct run *r) {
  nm_client_cancel(&r->s, NULL);
  nm_sent_free(&r->sent);
}

/* ---- passwords from functions ---- */

static void asks_once_more_after_a_refusal(void) {
  static const struct {
    const char *auth[3];
    int code, asked, dials;
  } rows[] = {
      {{"235 ok"}, 0, 1, 1},
      {{"535 no", "235 ok"}, 0, 2, 1},
      {{"-535 no", "235 ok"}, 0, 2, 2}, /* and hangs up */
      {{"535 no", "535 no"}, NM_EREJECT, 2, 1},
      {{"-535 no", "-535 no"}, NM_EREJECT, 2, 2},
      {{"454 later"}, NM_EREJECT, 1, 1},
      {{"550 no"}, NM_EREJECT, 1, 1},
      {{"-421 bye"}, NM_EREJECT, 1, 1},
      {{"-"}, NM_EIO, 1, 1},
      {{"535 no", "-"}, NM_EIO, 2, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct run r;
    struct giver g = {.texts = {"one", "two", "three", "four"}};
    struct nm_client *c = new_client();
    begin("PLAIN");
    memcpy(plan.auth, rows[i].auth, sizeof rows[i].auth);
    CHECK(login(c, NM_SASL_ANY, "user", &g) == 0);
    CHECK_ROW(run_all(&r, c) == rows[i].code, r.sent.error.text);
    CHECK_ROW(g.n == rows[i].asked && g.again == rows[i].asked - 1 && plan.dials == rows[i].dials,
              rows[i].auth[0]);
    CHECK_ROW(rows[i].code == 0 ||
                  r.sent.error.kind == (rows[i].code == NM_EIO ? NM_KIND_CONNECT : NM_KIND_AUTH),
              r.sent.error.text);
    CHECK_ROW(strstr(r.sent.error.text, "two") == NULL, r.sent.error.text);
    CHECK((c->conn != NULL) == (rows[i].code == 0));
    run_free(&r);
    nm_client_unref(&c);
    CHECK(g.released == 1);
  }
}

/* NUL user NUL password: what the first one gave is not the second one's. */
static void keeps_each_password_to_its_way(void) {
  struct run r;
  struct giver a = {.texts = {"for-cram"}}, b = {.texts = {"for-plain"}};
  struct nm_client *c = new_client();
  begin("CRAM-MD5 PLAIN");
  plan.auth[0] = "504 not here";
  plan.auth[1] = "235 ok";
  CHECK(login(c, NM_SASL_CRAM_MD5, "first", &a) == 0 && login(c, NM_SASL_PLAIN, "second", &b) == 0);
  CHECK_ROW(run_all(&r, c) == 0, r.sent.error.text);
  CHECK(a.n == 1 && b.n == 1 && b.again == 0 && c->mechanism == NM_SASL_PLAIN);
  CHECK(was_said("AUTH PLAIN AHNlY29uZABmb3ItcGxhaW4="));
  CHECK(said(0, "dial") && said(1, "AUTH CRAM-MD5"));
  run_free(&r);
  nm_client_unref(&c);
}

static void asks_nobody_whose_mechanism_is_not_offered(void) {
  struct run r;
  struct giver a = {.texts = {"for-cram"}}, b = {.texts = {"for-plain"}};
  struct nm_client *c = new_client();
  begin("PLAIN");
  plan.auth[0] = "235 ok";
  CHECK(login(c, NM_SASL_CRAM_MD5, "first", &a) == 0 && login(c, NM_SASL_PLAIN, "second", &b) == 0);
  CHECK(run_all(&r, c) == 0 && a.n == 0 && b.n == 1);
  run_free(&r);
  c->minimum_auth = NM_SASL_SCRAM_SHA_1;
  CHECK(run_all(&r, c) == NM_EREJECT && r.sent.error.kind == NM_KIND_AUTH && c->conn == NULL && b.n == 1);
  run_free(&r);
  nm_client_unref(&c);
}

/* ---- ways ---- */

static void believes_no_word_that_comes_too_early(void) {
  static const struct {
    const char *offers, *auth[3];
  } rows[] = {
      {"CRAM-MD5", {"235 welcome"}}, {"LOGIN", {"235 welcome"}}, {"SCRAM-SHA-256", {"235 welcome"}},
      {"CRAM-MD5", {"250 ok"}},      {"PLAIN", {"354 go"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct run r;
    struct nm_client *c = new_client();
    begin(rows[i].offers);
    memcpy(plan.auth, rows[i].auth, sizeof rows[i].auth);
    CHECK(login(c, NM_SASL_ANY, "user", NULL) == 0);
    CHECK_ROW(run_all(&r, c) < 0 && r.sent.error.kind == NM_KIND_AUTH, r.sent.error.text);
    CHECK_ROW(c->conn == NULL && plan.n_said == 2 && plan.dials == 1,
              plan.said[plan.n_said - 1]); /* not even QUIT */
    run_free(&r);
    nm_client_unref(&c);
  }
}

static void takes_foreign_ways_in_their_turn(void) {
  static const struct {
    const char *offers, *foreign[2], *auth[2];
    unsigned mechs[2];
    int code;
    const char *said[6];
  } rows[] = {
      /* libcurl's alone: one dial does both */
      {"NTLM PLAIN", {"235"}, {NULL}, {NM_SASL_NTLM}, 0, {"dial NTLM user/secret", "NOOP", NULL}},
      /* engine's too: first a look at what is offered */
      {"NTLM PLAIN",
       {"235"},
       {NULL},
       {NM_SASL_NTLM, NM_SASL_PLAIN},
       0,
       {"dial", "QUIT", "dial NTLM user/secret", "NOOP", NULL}},
      {"PLAIN",
       {NULL},
       {"235 ok"},
       {NM_SASL_NTLM, NM_SASL_PLAIN},
       0,
       {"dial", "AUTH PLAIN AHVzZXIAc2VjcmV0", "NOOP", NULL}},
      {"NTLM CRAM-MD5",
       {"235"},
       {"504 no"},
       {NM_SASL_NTLM, NM_SASL_CRAM_MD5},
       0,
       {"dial", "AUTH CRAM-MD5", "QUIT", "dial NTLM user/secret", "NOOP", NULL}},
      /* refused: as everywhere, no other way */
      {"NTLM PLAIN",
       {"535"},
       {NULL},
       {NM_SASL_NTLM, NM_SASL_PLAIN},
       NM_EREJECT,
       {"dial", "QUIT", "dial NTLM user/secret", NULL}},
      {"PLAIN", {NULL}, {NULL}, {NM_SASL_NTLM}, NM_EREJECT, {"dial NTLM user/secret", NULL}},
      {"PLAIN",
       {NULL},
       {NULL},
       {NM_SASL_NTLM, NM_SASL_GSSAPI},
       NM_EREJECT,
       {"dial GSSAPI user/secret", "dial NTLM user/secret", NULL}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct run r;
    struct nm_client *c = new_client();
    begin(rows[i].offers);
    memcpy(plan.foreign, rows[i].foreign, sizeof rows[i].foreign);
    memcpy(plan.auth, rows[i].auth, sizeof rows[i].auth);
    for (int k = 0; k < 2 && rows[i].mechs[k] != 0; k++) {
      CHECK(login(c, rows[i].mechs[k], "user", NULL) == 0);
    }
    CHECK_ROW(run_all(&r, c) == rows[i].code, r.sent.error.text);
    CHECK_ROW(r.err == 0 || r.sent.error.kind == NM_KIND_AUTH, r.sent.error.text);
    for (int k = 0; rows[i].said[k] != NULL; k++) {
      CHECK_ROW(said(k, rows[i].said[k]), plan.said[k]);
    }
    run_free(&r);
    nm_client_unref(&c);
  }
}

static void asks_once_more_for_a_foreign_login(void) {
  static const struct {
    const char *foreign[2];
    int code, asked;
  } rows[] = {{{"535", "235"}, 0, 2}, {{"535", "535"}, NM_EREJECT, 2}, {{"454", "235"}, NM_EREJECT, 1}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int mixed = 0; mixed < 2; mixed++) {
      struct run r;
      struct giver g = {.texts = {"one", "two", "three"}};
      struct nm_client *c = new_client();
      begin("NTLM");
      memcpy(plan.foreign, rows[i].foreign, sizeof rows[i].foreign);
      CHECK(login(c, NM_SASL_NTLM, "user", &g) == 0);
      CHECK(!mixed || login(c, NM_SASL_PLAIN, "other", NULL) == 0);
      CHECK_ROW(run_all(&r, c) == rows[i].code, r.sent.error.text);
      CHECK_ROW(g.n == rows[i].asked && g.again == rows[i].asked - 1, rows[i].foreign[0]);
      CHECK(was_said("dial NTLM user/one") && was_said("dial NTLM user/two") == (rows[i].asked == 2));
      run_free(&r);
      nm_client_unref(&c);
    }
  }
}

static void holds_foreign_ways_to_the_minimum(void) {
  struct run r;
  struct nm_client *c = new_client();
  begin("NTLM PLAIN");
  c->minimum_auth = NM_SASL_SCRAM_SHA_256;
  CHECK(login(c, NM_SASL_NTLM, "user", NULL) == 0 && login(c, NM_SASL_PLAIN, "user", NULL) == 0);
  CHECK(run_all(&r, c) < 0 && r.sent.error.kind == NM_KIND_AUTH && !was_said("secret") && !was_said("AUTH"));
  run_free(&r);
  nm_client_unref(&c);
}

static void needs_digests_only_for_who_uses_them(void) {
  static const struct {
    const char *offers, *auth[2];
    int is_needed;
  } rows[] = {{"CRAM-MD5", {"334 PGFAYj4=", "235 ok"}, 1}, {"PLAIN", {"235 ok"}, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct run r;
    struct nm_client *c = new_client();
    begin(rows[i].offers);
    memcpy(plan.auth, rows[i].auth, sizeof rows[i].auth);
    c->digest = NULL;
    CHECK(login(c, NM_SASL_ANY, "user", NULL) == 0);
    int was_needed = 0;
    run_begin(&r, c);
    while (r.err == NM_AGAIN) {
      was_needed += nm_client_need(&r.s) == NM_NEED_CRYPTO;
      (void)run_step(&r);
    }
    CHECK_ROW(r.err == 0 && was_needed == rows[i].is_needed, r.sent.error.text);
    run_free(&r);
    nm_client_unref(&c);
  }
}

/* ---- its end, in each state ---- */

static void end_run(struct run *r, struct nm_client **c, int how) {
  struct nm_error why;
  switch (how) {
    case 0:
      nm_client_close(*c);
      break;
    case 1:
      nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "enough");
      nm_client_cancel(&r->s, &why);
      break;
    case 2:
      nm_client_cancel(&r->s, NULL);
      break;
    default:
      nm_client_unref(c); /* the errand keeps it */
      nm_client_cancel(&r->s, NULL);
      break;
  }
}

static void may_end_in_each_state(void) {
  long live = nm_test_alloc_live();
  for (int how = 0; how < 4; how++) {
    for (int steps = 0; steps < 12; steps++) {
      struct run r;
      struct giver g = {.texts = {"one", "two", "three"}};
      struct nm_client *c = new_client();
      begin("CRAM-MD5 PLAIN");
      plan.waits = 3;
      memcpy(plan.auth, (const char *[]){"334 PGFAYj4=", "535 no", "334 PGFAYj4=", "235 ok"},
             4 * sizeof plan.auth[0]);
      CHECK(login(c, NM_SASL_ANY, "user", &g) == 0);
      run_begin(&r, c);
      for (int i = 0; i < steps; i++) {
        (void)run_step(&r);
      }
      int was_over = r.err != NM_AGAIN;
      end_run(&r, &c, how);
      CHECK(r.s.client == NULL && (c == NULL || c->sending == NULL));
      CHECK(was_over || (c == NULL || c->conn == NULL));
      CHECK(was_over || how > 1 ||
            (nm_client_step(&r.s) == NM_EINVAL && r.sent.error.kind == NM_KIND_CANCELLED));
      CHECK(how == 0 || how == 1 || !was_said("QUIT")); /* what nobody asks for is dropped in silence */
      run_free(&r);
      nm_client_unref(&c);
      CHECK(nm_test_alloc_live() == live && g.released == 1);
    }
  }
}

static void goes_nowhere_else_when_changed(void) {
  for (int steps = 0; steps < 6; steps++) {
    struct run r;
    struct giver g = {.texts = {"one", "two"}};
    struct nm_client *c = new_client();
    begin("PLAIN");
    plan.waits = 2;
    plan.auth[0] = "235 ok";
    CHECK(login(c, NM_SASL_ANY, "user", &g) == 0);
    run_begin(&r, c);
    for (int i = 0; i < steps; i++) {
      (void)run_step(&r);
    }
    int was_over = r.err != NM_AGAIN;
    CHECK(nm_client_set_host(c, NM_STR("other.example.test"), NULL) == 0);
    while (run_step(&r)) {
    }
    CHECK(was_over ? r.err == 0 : r.err == NM_EINVAL && r.sent.error.kind == NM_KIND_CANCELLED);
    CHECK(was_over == was_said("AUTH") && plan.dials == 1);
    run_free(&r);
    run_begin(&r, c); /* and what was kept is not the new one's: no credential is for it */
    CHECK(r.err == NM_EINVAL && r.sent.error.kind == NM_KIND_AUTH);
    run_free(&r);
    nm_client_unref(&c);
  }
}

static void has_its_time_in_each_state(void) {
  for (int state = 0; state < 3; state++) {
    struct run r;
    struct giver g = {.texts = {"one", "two"}};
    struct nm_client *c = new_client();
    begin("PLAIN");
    plan.auth[0] = state == 1 ? "" : "235 ok"; /* silence */
    plan.waits = state == 0 ? 1000000 : 0;
    c->timeout = 30;
    c->deadline = state == 2 ? 40 : 0;
    CHECK(login(c, NM_SASL_ANY, "user", &g) == 0);
    run_begin(&r, c);
    if (state == 2) {
      fake_clock_ms += 50; /* the function takes longer than all may */
    }
    while (run_step(&r)) {
      fake_clock_ms++;
    }
    CHECK_ROW(r.err == NM_ETIME && r.sent.error.kind == NM_KIND_TIMEOUT, r.sent.error.text);
    CHECK(c->conn == NULL);
    run_free(&r);
    nm_client_unref(&c);
  }
}

/* A loop that comes to a step when Timeout is over finds there what came in time. 1: there was that step. */
static int run_with_a_late_step(int late, int has_tls, int has_login) {
  struct run r;
  struct giver g = {.texts = {"one"}};
  struct nm_client *c = new_client();
  begin("PLAIN");
  plan.auth[0] = "235 ok";
  plan.waits = plan.is_slow = 1;
  c->timeout = 30;
  c->enable_ssl = has_tls; /* and the transport says EHLO */
  CHECK(!has_login || login(c, NM_SASL_ANY, "user", &g) == 0);
  run_begin(&r, c);
  int n = 0;
  do {
    fake_clock_ms += n++ == late ? 100 : 0;
  } while (run_step(&r));
  CHECK_ROW(r.err == 0, r.sent.error.text);
  run_free(&r);
  nm_client_unref(&c);
  return late < n;
}

static void takes_what_came_however_late_it_looks(void) {
  for (int way = 0; way < 4; way++) {
    int late = 0;
    while (run_with_a_late_step(late, way % 2, way / 2)) {
      late++;
    }
    CHECK(late > 1);
  }
}

/* ---- a socket of this machine ---- */

static void knows_a_socket(void) {
  static const struct {
    const char *host;
    int good;
  } rows[] = {{"unix:/run/lmtp", 1}, {"unix:/a b%c:d", 1}, {"unix:", 0},     {"unix:run", 0},
              {"unix:./run", 0},     {"unix:/a\nb", 0},    {"UNIX:/run", 0}, {"unix:/\x7f", 0}};
  char longest[5 + 108 + 1] = "unix:/";
  struct nm_place at;
  struct nm_client *c = new_client();
  struct nm_error e;
  CHECK(nm_client_socket(c) == NULL && strcmp(nm_client_place(c, &at), "mail.example.test:25") == 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW((nm_client_set_host(c, nm_str_c(rows[i].host), &e) == 0) == rows[i].good, rows[i].host);
  }
  CHECK(strcmp(nm_client_socket(c), "/a b%c:d") == 0 &&
        strcmp(nm_client_place(c, &at), "unix:/a b%c:d") == 0 && at.port == 0);
  CHECK(nm_client_set_host(c, nm_str("unix:/a\0b", 9), &e) != 0);
  memset(longest + 6, 'x', 106);
  CHECK(nm_client_set_host(c, nm_str(longest, 5 + 107), &e) == 0);
  longest[5 + 107] = 'x';
  CHECK(nm_client_set_host(c, nm_str(longest, 5 + 108), &e) == NM_EINVAL);
  CHECK(nm_host_same(NM_STR("A.b"), NM_STR("a.B")) && nm_host_same(NM_STR("unix:/a"), NM_STR("unix:/a")));
  CHECK(!nm_host_same(NM_STR("unix:/A"), NM_STR("unix:/a")) && !nm_host_same(NM_STR("unix:/a"), NM_STR("a")));
  nm_client_unref(&c);
}

/* ---- memory ---- */

static void survives_each_failing_allocation(void) {
  long live = nm_test_alloc_live();
  int good = 0;
  for (long n = 1; n < 200 && good < 5; n++) {
    struct run r;
    struct giver a = {.texts = {"no", "one", "two", "three"}}, b = {.texts = {"no", "one", "two", "three"}};
    struct nm_client *c = new_client();
    begin("NTLM CRAM-MD5 PLAIN");
    memcpy(plan.auth, (const char *[]){"504 no", "-535 no", "235 ok", "235 ok"}, 4 * sizeof plan.auth[0]);
    CHECK(login(c, NM_SASL_CRAM_MD5, "first", &a) == 0 && login(c, NM_SASL_PLAIN, "second", &b) == 0);
    nm_test_alloc_fail_at(n);
    int err = run_all(&r, c);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || r.sent.error.text[0] != '\0');
    CHECK_ROW(err == 0 || c->conn == NULL || nm_session_state(c->session) == NM_SESSION_IDLE,
              r.sent.error.text);
    good = err == 0 ? good + 1 : 0;
    run_free(&r);
    nm_client_unref(&c);
    CHECK(nm_test_alloc_live() == live && a.released == 1 && b.released == 1);
  }
  CHECK(good == 5);
}

int main(void) {
  RUN(asks_once_more_after_a_refusal);
  RUN(keeps_each_password_to_its_way);
  RUN(asks_nobody_whose_mechanism_is_not_offered);
  RUN(believes_no_word_that_comes_too_early);
  RUN(takes_foreign_ways_in_their_turn);
  RUN(asks_once_more_for_a_foreign_login);
  RUN(holds_foreign_ways_to_the_minimum);
  RUN(needs_digests_only_for_who_uses_them);
  RUN(may_end_in_each_state);
  RUN(goes_nowhere_else_when_changed);
  RUN(has_its_time_in_each_state);
  RUN(takes_what_came_however_late_it_looks);
  RUN(knows_a_socket);
  RUN(survives_each_failing_allocation);
  return ctest_end();
}
