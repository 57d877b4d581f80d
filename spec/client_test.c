/* The composers (client, login, connect, dialogue, send) over a transport of memory: an obedient server that never blocks. What a
   real one does is tested from Lua; here every allocation fails in turn. */

#include <string.h>

#include <unistd.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/feed.h"
#include "send.h"
#include "mime/pieces.h"
#include "base/base64_strict.h"
#include "support/ctest.h"
#include "support/digests.h"
#include "support/memory_net.h"
#include "support/sources.h"

/* ---- the transport ---- */

struct nm_conn {
  struct nm_io io; /* first */
  struct memory_line line;
  int in_data;
  int in_auth; /* lines of AUTH to come */
};

static struct {
  int dials, quits, messages;
  char mechanisms[64];
  char user[64];
  const char *offers; /* of EHLO */
  char data[256];     /* all that came as content, with its dot */
  size_t data_n;
} seen;

/* The name in what a mechanism says: between PLAIN's NULs, all of LOGIN's, before CRAM-MD5's digest. */
static void take_user(const char *coded, size_t n) {
  char text[256];
  struct nm_buf b = {.max = sizeof text - 1};
  if (nm_base64_strict(&b, nm_str(coded, n)) == 0 && b.n > 0) {
    const char *name = b.p[0] == '\0' ? b.p + 1 : b.p;
    snprintf(seen.user, sizeof seen.user, "%.*s", (int)strcspn(name, " "), name);
  }
  nm_buf_free(&b);
}

/* AUTH mechanism [initial response] */
static void answer_auth(struct nm_conn *c, const char *line, size_t n) {
  const char *name = line + 5;
  size_t name_n = strcspn(name, " \r");
  snprintf(seen.mechanisms, sizeof seen.mechanisms, "%.*s", (int)name_n, name);
  if (name[name_n] == ' ') {
    take_user(name + name_n + 1, n - 5 - name_n - 3);
    nm_buf_add_c(&c->line.out, "235 ok\r\n");
  } else {
    c->in_auth = strcmp(seen.mechanisms, "LOGIN") == 0 ? 2 : 1;
    nm_buf_add_c(&c->line.out, "334 PGFAYj4=\r\n");
  }
}

static void answer(struct nm_conn *c, const char *line, size_t n) {
  if (n > 5 && memcmp(line, "EHLO ", 5) == 0 && !c->in_data) {
    nm_buf_addf(&c->line.out, "250-x\r\n250 %s\r\n", seen.offers);
    return;
  }
  if (c->in_auth > 0) {
    if (c->in_auth == 2 || strcmp(seen.mechanisms, "LOGIN") != 0) {
      take_user(line, n - 2);
    }
    nm_buf_add_c(&c->line.out, --c->in_auth > 0 ? "334 UGFzc3dvcmQ6\r\n" : "235 ok\r\n");
  } else if (n > 5 && memcmp(line, "AUTH ", 5) == 0) {
    answer_auth(c, line, n);
  } else if (c->in_data) {
    size_t room = sizeof seen.data - seen.data_n;
    memcpy(seen.data + seen.data_n, line, n < room ? n : room);
    seen.data_n += n < room ? n : room;
    if (n == 3 && line[0] == '.') {
      c->in_data = 0;
      seen.messages++;
      nm_buf_add_c(&c->line.out, "250 2.0.0 queued as 1\r\n");
    }
  } else if (n >= 4 && memcmp(line, "DATA", 4) == 0) {
    c->in_data = 1;
    nm_buf_add_c(&c->line.out, "354 go\r\n");
  } else if (n >= 4 && memcmp(line, "QUIT", 4) == 0) {
    seen.quits++;
  } else {
    nm_buf_add_c(&c->line.out, "250 2.0.0 ok\r\n");
  }
}

static int fake_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  *n_out = n;
  return memory_line_send(&c->line, p, n, answer, c);
}

static int fake_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  return memory_line_recv(&c->line, p, cap, n_out);
}

static int fake_wait(struct nm_io *io, int want, int ms) {
  (void)io;
  (void)want;
  (void)ms;
  return NM_ETIME;
}

static const struct nm_io_ops io_ops = {fake_send, fake_recv, fake_wait, NULL};

static int dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e) {
  (void)net;
  struct nm_conn *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return nm_error_nomem(e);
  }
  c->io.ops = &io_ops;
  c->line.in.max = c->line.out.max = MEMORY_LINE_MAX;
  nm_buf_add_c(&c->line.out, "220 x\r\n");
  seen.dials++;
  CHECK(d->user == NULL && d->is_bare); /* the engine greets and logs in */
  *out = c;
  return 0;
}

static int dial_step(struct nm_conn *c, struct nm_error *e) {
  (void)c;
  (void)e;
  return 0;
}

static void dial_lines(const struct nm_conn *c, const char **p, size_t *n) {
  (void)c;
  *p = "";
  *n = 0;
}

static int no(const struct nm_conn *c) {
  (void)c;
  return 0;
}

static int not_readable(struct nm_conn *c) {
  (void)c;
  return 0;
}

static void conn_close(struct nm_conn **c, int quietly) {
  (void)quietly;
  memory_line_free(&(*c)->line);
  nm_free(*c);
  *c = NULL;
}

static const char *curl_version(void) {
  return "memory";
}

static const struct nm_net_api api = {
    MEMORY_NET,
    .curl_version = curl_version,
    .dial_start = dial_start,
    .dial_step = dial_step,
    .dial_lines = dial_lines,
    .dial_refused = no,
    .conn_is_loopback = no,
    .conn_readable = not_readable,
    .conn_close = conn_close,
};

/* ---- a send ---- */

static const char *const content = "Subject: x\r\n\r\nhello\r\n";

/* 0, or the error's code; *outcome_out is set in any case. */
static int send_one(struct nm_client *c, enum nm_outcome *outcome_out) {
  struct nm_addr *from = NULL, *to = NULL;
  struct nm_source *source = nm_source_memory(nm_str_c(content));
  struct nm_sent sent = {0};
  struct nm_pace pace;
  int err = source != NULL ? 0 : NM_ENOMEM;
  *outcome_out = NM_OUTCOME_NOT_SENT;
  err = err == 0 ? nm_addr_parse(NM_STR("a@example.test"), &from, NULL) : err;
  err = err == 0 ? nm_addr_parse(NM_STR("b@example.test"), &to, NULL) : err;
  if (err == 0) {
    struct nm_envelope env = {.from = from, .to = &to, .n_to = 1, .size = (int64_t)strlen(content)};
    nm_pace_begin(&pace, c->timeout, c->deadline);
    struct nm_sending sending;
    err = nm_client_begin(c, &env, source, &pace, &sent, &sending);
    CHECK(err != NM_AGAIN && sending.client == NULL && c->sending == NULL);
    *outcome_out = sent.txn.outcome;
    CHECK(err == 0 || sent.error.text[0] != '\0');
    CHECK((err == 0) == (sent.txn.outcome == NM_OUTCOME_ACCEPTED));
  }
  nm_sent_free(&sent);
  nm_source_free(&source);
  nm_addr_unref(&from);
  nm_addr_unref(&to);
  return err;
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

static int login(struct nm_client *c, unsigned mechs, const char *user) {
  struct nm_credential *credential = NULL;
  int err = nm_credential_new(&credential);
  err = err == 0 ? nm_credential_set(credential, nm_str_c(user), NM_STR("secret"), NULL) : err;
  err = err == 0 ? nm_client_set_credential(c, mechs, credential) : err;
  nm_credential_unref(&credential);
  return err;
}

static void begin(const char *offers) {
  memset(&seen, 0, sizeof seen);
  seen.offers = offers;
}

static void keeps_one_connection(void) {
  enum nm_outcome outcome;
  begin("PIPELINING");
  struct nm_client *c = new_client();
  for (int i = 0; i < 3; i++) {
    CHECK(send_one(c, &outcome) == 0 && outcome == NM_OUTCOME_ACCEPTED);
  }
  CHECK(seen.dials == 1 && seen.messages == 3 && seen.quits == 0);
  nm_client_close(c);
  CHECK(seen.quits == 1);
  CHECK(send_one(c, &outcome) == 0 && seen.dials == 2);
  nm_client_unref(&c); /* says nothing */
  CHECK(seen.quits == 1);
}

/* To three recipients; returns how many have it, and checks that the server agrees. */
static size_t send_to_three(struct nm_client *c, enum nm_outcome *outcome_out) {
  static const char *const specs[] = {"b@one.test", "c@two.test", "d@one.test"};
  struct nm_addr from = {.refs = 1, .spec = NM_STR("a@example.test")};
  struct nm_addr addrs[3];
  struct nm_addr *to[3];
  for (int i = 0; i < 3; i++) {
    addrs[i] = (struct nm_addr){.refs = 1, .spec = nm_str_c(specs[i]), .domain = nm_str_c(specs[i] + 2)};
    to[i] = &addrs[i];
  }
  struct nm_source *source = nm_source_memory(nm_str_c(content));
  struct nm_envelope env = {.from = &from, .to = to, .n_to = 3, .size = -1};
  struct nm_sent sent = {0};
  struct nm_sending sending = {0};
  struct nm_pace pace;
  int before = seen.messages;
  size_t accepted = 0;
  *outcome_out = NM_OUTCOME_NOT_SENT;
  if (source == NULL) {
    return 0;
  }
  nm_pace_begin(&pace, c->timeout, c->deadline);
  int err = nm_client_begin(c, &env, source, &pace, &sent, &sending);
  *outcome_out = sent.txn.outcome;
  for (size_t i = 0; i < sent.txn.n_rcpt; i++) {
    accepted += sent.txn.rcpt[i].fate == NM_FATE_ACCEPTED;
  }
  CHECK((err == 0) == (accepted > 0) && (accepted == 3) == (*outcome_out == NM_OUTCOME_ACCEPTED));
  CHECK(accepted == 0 || accepted == 3 || sent.rest.code != 0);
  CHECK((size_t)(seen.messages - before) <= accepted && (seen.messages == before) == (accepted == 0));
  nm_sent_free(&sent);
  nm_source_free(&source);
  return accepted;
}

static void sends_as_often_as_the_server_needs(void) {
  enum nm_outcome outcome;
  begin("LIMITS RCPTMAX=1 MAILMAX=2");
  struct nm_client *c = new_client();
  CHECK(send_to_three(c, &outcome) == 3 && seen.messages == 3 && seen.dials == 2 && seen.quits == 1);
  c->rcpt_max = 2;
  begin("PIPELINING");
  nm_client_close(c);
  CHECK(send_to_three(c, &outcome) == 3 && seen.messages == 2 && seen.dials == 1);
  nm_client_unref(&c);
}

static void survives_each_failing_allocation_between_transactions(void) {
  enum nm_outcome outcome;
  long live = nm_test_alloc_live();
  size_t accepted = 0;
  int partial = 0;
  for (long n = 1; n < 120; n++) { /* one that costs a text only is no end */
    begin("LIMITS RCPTDOMAINMAX=1 MAILMAX=1");
    struct nm_client *c = new_client();
    nm_test_alloc_fail_at(n);
    accepted = send_to_three(c, &outcome);
    nm_test_alloc_fail_at(0);
    partial += outcome == NM_OUTCOME_PARTIAL;
    nm_client_unref(&c);
    CHECK(nm_test_alloc_live() == live);
  }
  CHECK(accepted == 3 && partial > 0 && seen.messages == 2 && seen.dials == 2);
}

static void tries_the_ways_in_order(void) {
  enum nm_outcome outcome;
  begin("AUTH LOGIN");
  struct nm_client *c = new_client();
  CHECK(login(c, NM_SASL_CRAM_MD5, "first") == 0 && login(c, NM_SASL_LOGIN, "second") == 0);
  CHECK(send_one(c, &outcome) == 0 && seen.dials == 1 && strcmp(seen.user, "second") == 0);
  CHECK(login(c, NM_SASL_CRAM_MD5, "second") == 0);
  begin("AUTH CRAM-MD5 LOGIN");
  CHECK(send_one(c, &outcome) == 0 && seen.dials == 1 && strcmp(seen.mechanisms, "CRAM-MD5") == 0);
  CHECK(c->mechanism == NM_SASL_CRAM_MD5 && strcmp(seen.user, "second") == 0);
  c->minimum_auth = NM_SASL_SCRAM_SHA_256;
  CHECK(send_one(c, &outcome) != 0 && outcome == NM_OUTCOME_NOT_SENT && seen.messages == 1);
  c->minimum_auth = 0;
  begin("AUTH GSSAPI");
  CHECK(nm_client_set_credential(c, NM_SASL_LOGIN, NULL) == 0);
  nm_client_close(c);
  CHECK(send_one(c, &outcome) != 0 && outcome == NM_OUTCOME_NOT_SENT && seen.messages == 0);
  CHECK(seen.mechanisms[0] == '\0' && seen.quits == 1);
  nm_client_unref(&c);
}

/* What gives the password in place of the credential. */
static int given, released;

static void release(void *giver) {
  CHECK(giver == &given);
  released++;
}

static void asks_for_the_password(void) {
  struct nm_credential *credential = NULL;
  struct nm_pace pace;
  struct nm_sent sent = {0};
  struct nm_sending s;
  struct nm_client *c = new_client();
  begin("AUTH PLAIN");
  CHECK(nm_credential_new(&credential) == 0 &&
        nm_credential_set(credential, NM_STR("user"), nm_str("", 0), NULL) == 0);
  nm_credential_set_giver(credential, &given, release);
  CHECK(nm_client_set_credential(c, NM_SASL_ANY, credential) == 0);
  nm_pace_begin(&pace, c->timeout, c->deadline);
  int is_again = 1;
  CHECK(nm_client_ask(c, NM_VERB_NOOP, nm_str("", 0), &pace, &sent, &s) == NM_AGAIN &&
        nm_client_need(&s) == NM_NEED_SECRET && seen.dials == 1);
  CHECK(nm_connect_giver(&s.connecting, &is_again) == credential && !is_again);
  nm_connect_give_secret(&s.connecting, NM_STR("s3cret"));
  CHECK(nm_client_step(&s) == 0 && sent.reply.code == 250 && strcmp(seen.user, "user") == 0);
  nm_sent_free(&sent);
  CHECK(nm_client_ask(c, NM_VERB_VRFY, NM_STR("x"), &pace, &sent, &s) == 0 && seen.dials == 1); /* kept */
  nm_sent_free(&sent);
  nm_credential_set_giver(credential, &given, release); /* anew: it may be another one now */
  CHECK(released == 1);
  CHECK(nm_client_ask(c, NM_VERB_NOOP, nm_str("", 0), &pace, &sent, &s) == NM_AGAIN && seen.dials == 2);
  CHECK(nm_client_set_host(c, NM_STR("other.example.test"), NULL) == 0); /* while it is asked */
  seen.user[0] = '\0';
  nm_connect_give_secret(&s.connecting, NM_STR("s3cret"));
  CHECK(nm_client_step(&s) == NM_EINVAL && sent.error.kind == NM_KIND_CANCELLED && seen.dials == 2);
  CHECK_ROW(strstr(sent.error.text, "properties were changed while it connected") != NULL, sent.error.text);
  CHECK(seen.user[0] == '\0' && seen.quits == 2 && c->conn == NULL); /* nobody got it */
  nm_client_cancel(&s, NULL);
  nm_sent_free(&sent);
  nm_credential_unref(&credential);
  nm_client_unref(&c);
  CHECK(released == 2);
}

/* Whatever fails, nothing leaks, the outcome is true, and the client works when there is memory again. */
static void survives_each_failing_allocation(void) {
  enum nm_outcome outcome;
  long live = nm_test_alloc_live();
  int done = 0;
  for (long n = 1; !done && n < 500; n++) {
    begin("AUTH PLAIN");
    nm_test_alloc_fail_at(n);
    struct nm_client *c = new_client();
    int err = c != NULL ? login(c, NM_SASL_ANY, "user") : NM_ENOMEM;
    err = err == 0 ? login(c, NM_SASL_PLAIN, "user") : err;
    err = err == 0 ? send_one(c, &outcome) : err;
    int first = err == 0 ? send_one(c, &outcome) : err; /* over the kept connection */
    nm_test_alloc_fail_at(0);
    done = first == 0;
    if (c != NULL && login(c, NM_SASL_ANY, "user") == 0 && login(c, NM_SASL_PLAIN, "user") == 0) {
      CHECK(send_one(c, &outcome) == 0 && outcome == NM_OUTCOME_ACCEPTED);
    }
    nm_client_unref(&c);
    CHECK(nm_test_alloc_live() == live);
  }
  CHECK(done);
}

/* ---- a send whose content comes in pieces ---- */

/* Everything one of them needs. */
struct fed_send {
  struct nm_feed *feed; /* borrowed from content */
  struct nm_content *content;
  struct nm_source *source;
  struct nm_addr *from, *to;
  struct nm_envelope env;
  struct nm_pace pace;
  struct nm_sent sent;
  struct nm_sending sending;
};

static int fed_open(struct fed_send *f, const struct nm_client *c, struct nm_error *e) {
  static const struct nm_encoding as_it_is = {.cte = NM_CTE_7BIT, .size = -1};
  struct nm_feed *feed = NULL;
  struct nm_pieces *p = nm_pieces_new();
  int err = p != NULL ? nm_feed_new(-1, 0, NULL, NULL, &feed, e) : NM_ENOMEM;
  f->feed = feed;
  err = err == 0 ? nm_content_fed(&feed, &f->content, e) : err;
  if (err == 0) {
    nm_buf_add_c(nm_pieces_text(p), "Subject: x\r\n\r\n");
    err = nm_pieces_content(p, f->content, -1, &as_it_is, e);
  }
  err = err == 0 ? nm_pieces_source(&p, &f->source, e) : err;
  err = err == 0 ? nm_addr_parse(NM_STR("a@example.test"), &f->from, e) : err;
  err = err == 0 ? nm_addr_parse(NM_STR("b@example.test"), &f->to, e) : err;
  f->env = (struct nm_envelope){.from = f->from, .to = &f->to, .n_to = 1, .size = -1};
  nm_pace_begin(&f->pace, c->timeout, c->deadline);
  nm_pieces_free(&p);
  return err;
}

static int fed_begin(struct fed_send *f, struct nm_client *c) {
  *f = (struct fed_send){0};
  int err = fed_open(f, c, &f->sent.error);
  return err == 0 ? nm_client_begin(c, &f->env, f->source, &f->pace, &f->sent, &f->sending) : err;
}

static void fed_free(struct fed_send *f) {
  nm_client_cancel(&f->sending, NULL);
  nm_sent_free(&f->sent);
  nm_source_free(&f->source);
  nm_content_unref(&f->content);
  nm_addr_unref(&f->from);
  nm_addr_unref(&f->to);
}

/* n octets at each NM_AGAIN. */
static int fed_run(struct fed_send *f, struct nm_client *c, struct nm_str bytes, size_t n) {
  int err = fed_begin(f, c);
  while (err == NM_AGAIN) {
    size_t at = (size_t)nm_feed_given(f->feed);
    size_t left = bytes.n - at < n ? bytes.n - at : n;
    CHECK(nm_pieces_waiting(f->source) == f->feed && c->sending == &f->sending);
    if (left == 0) {
      nm_feed_end(f->feed);
    } else {
      nm_feed_push(f->feed, bytes.p + at, left);
    }
    err = nm_client_step(&f->sending);
  }
  CHECK(f->sending.client == NULL && c->sending == NULL);
  return err;
}

#define FED_DATA "Subject: x\r\n\r\nhello\r\n..\r\nworld\r\n.\r\n"

static void sends_what_is_fed_in_any_pieces(void) {
  static const struct nm_str bytes = NM_STR("hello\r\n.\r\nworld");
  struct nm_client *c = new_client();
  for (size_t n = 1; n <= bytes.n; n++) {
    struct fed_send f;
    begin("PIPELINING");
    CHECK(fed_run(&f, c, bytes, n) == 0 && f.sent.txn.outcome == NM_OUTCOME_ACCEPTED);
    CHECK(seen.messages == 1 && nm_str_eq(nm_str(seen.data, seen.data_n), NM_STR(FED_DATA)));
    CHECK(nm_client_step(&f.sending) == 0); /* over is over */
    fed_free(&f);
  }
  nm_client_unref(&c);
}

/* Whoever ends a content too early: the dot is never said, and the next send begins on a new line. */
static void never_ends_half_a_message(void) {
  static const char *const says[] = {"no more", "the client was closed", NULL};
  for (int how = 0; how < 3; how++) {
    enum nm_outcome outcome;
    struct fed_send f;
    struct nm_error why;
    struct nm_client *c = new_client();
    begin("PIPELINING");
    nm_error_set(&why, NM_EIO, NM_KIND_MESSAGE, "no more");
    CHECK(fed_begin(&f, c) == NM_AGAIN);
    nm_feed_push(f.feed, "half\r\n", 6);
    CHECK(nm_client_step(&f.sending) == NM_AGAIN && seen.data_n == 14 + 6);
    if (how == 0) {
      nm_feed_fail(f.feed, &why);
      CHECK(nm_client_step(&f.sending) == NM_EIO && f.sent.error.kind == NM_KIND_MESSAGE);
    } else if (how == 1) {
      nm_client_close(c);
      CHECK(f.sending.client == NULL);
      nm_feed_push(f.feed, "late", 4);
      CHECK(nm_client_step(&f.sending) == NM_EINVAL && f.sent.error.kind == NM_KIND_CANCELLED);
    } else {
      fed_free(&f); /* forgotten */
    }
    if (says[how] != NULL) {
      CHECK(f.sent.txn.outcome == NM_OUTCOME_NOT_SENT);
      CHECK_ROW(strstr(f.sent.error.text, says[how]) != NULL, f.sent.error.text);
      fed_free(&f);
    }
    CHECK(c->sending == NULL && c->conn == NULL && seen.messages == 0 && seen.data_n == 14 + 6 &&
          seen.quits == 0);
    CHECK(send_one(c, &outcome) == 0 && seen.dials == 2 && seen.messages == 1);
    nm_client_unref(&c);
  }
}

static void sends_one_at_a_time(void) {
  struct fed_send f, g;
  struct nm_client *c = new_client();
  begin("PIPELINING");
  CHECK(fed_begin(&f, c) == NM_AGAIN);
  CHECK(fed_begin(&g, c) == NM_EINVAL && g.sending.client == NULL);
  CHECK(strstr(g.sent.error.text, "is sending another message") != NULL &&
        g.sent.txn.outcome == NM_OUTCOME_NOT_SENT);
  fed_free(&g);
  nm_feed_end(f.feed);
  CHECK(nm_client_step(&f.sending) == 0 && seen.messages == 1 && seen.dials == 1);
  fed_free(&f);
  nm_client_unref(&c);
}

/* The client goes first: the send keeps it. */
static void outlives_its_owner(void) {
  struct fed_send f;
  struct nm_client *c = new_client();
  begin("PIPELINING");
  CHECK(fed_begin(&f, c) == NM_AGAIN);
  nm_client_unref(&c);
  nm_feed_end(f.feed);
  CHECK(nm_client_step(&f.sending) == 0 && seen.messages == 1);
  fed_free(&f);
}

static void keeps_its_time(void) {
  struct nm_client *c = new_client();
  struct fed_send f;
  int err;
  begin("PIPELINING");
  c->timeout = 200;
  CHECK(fed_begin(&f, c) == NM_AGAIN);
  usleep(250000);
  nm_feed_push(f.feed, "slow", 4); /* it took its time, but here it is */
  CHECK(nm_client_step(&f.sending) == NM_AGAIN);
  int asked = 0;
  int64_t begin_ms = nm_clock_ms();
  do {
    nm_feed_push(f.feed, "", 0);
    err = nm_client_step(&f.sending);
    asked++;
  } while (err == NM_AGAIN);
  CHECK_ROW(err == NM_ETIME && strstr(f.sent.error.text, "(Timeout) for the content") != NULL,
            f.sent.error.text);
  CHECK(asked > 1 || nm_clock_ms() - begin_ms >= 200);
  CHECK(f.sent.txn.outcome == NM_OUTCOME_NOT_SENT && seen.messages == 0);
  fed_free(&f);
  c->timeout = 10000;
  c->deadline = 200;
  CHECK(fed_begin(&f, c) == NM_AGAIN);
  usleep(250000);
  nm_feed_end(f.feed); /* all is there, but too late: the dot stays unsaid */
  CHECK(nm_client_step(&f.sending) == NM_ETIME && strstr(f.sent.error.text, "the Deadline") != NULL);
  CHECK(f.sent.txn.outcome == NM_OUTCOME_NOT_SENT && seen.messages == 0);
  fed_free(&f);
  nm_client_unref(&c);
}

static void survives_each_failing_allocation_while_fed(void) {
  long live = nm_test_alloc_live();
  int done = 0;
  for (long n = 1; !done && n < 500; n++) {
    struct fed_send f;
    begin("PIPELINING");
    struct nm_client *c = new_client();
    nm_test_alloc_fail_at(n);
    int err = fed_run(&f, c, NM_STR("hello, world"), 5);
    nm_test_alloc_fail_at(0);
    CHECK((err == 0) == (seen.messages == 1));
    done = err == 0;
    fed_free(&f);
    nm_client_unref(&c);
    CHECK(nm_test_alloc_live() == live);
  }
  CHECK(done);
}

static void checks_its_options(void) {
  static const struct {
    const char *url;
    int good;
  } proxies[] = {
      {"http://p", 1},
      {"socks5h://p:1080", 1},
      {"http://u:p%40ss@p:1", 1},
      {"https://[::1]:3128/", 1},
      {"SOCKS4A://10.0.0.1", 1},
      {"", 1},
      {"p:1", 0},
      {"http://", 0},
      {"http://u:p@ss@p:1", 0},
      {"http://u:p#s@p:1", 0},
      {"http://p:0", 0},
      {"http://p:65536", 0},
      {"http://p:1x", 0},
      {"http://a b", 0},
      {"http://p/x", 0},
      {"http://s3cret/@p:1", 0},
      {"http://[::1", 0},
      {"ftp://p", 0},
  };
  static const struct {
    const char *host;
    int good;
  } hosts[] = {
      {"localhost", 1},
      {"my_host.example", 1},
      {"mail.example.test.", 1},
      {".", 0},
      {"mail.example.test", 1},
      {"127.0.0.1", 1},
      {"::1", 1},
      {"[::1]", 1},
      {"", 0},
      {"a..b", 0},
      {"a:b:c", 0},
      {"1::2::3", 0},
      {"12345::1", 0},
      {"a b", 0},
      {"a/b", 0},
      {"-a", 0},
      {"mail:25", 0},
      {"a\r\nb", 0},
  };
  struct nm_client *c = new_client();
  struct nm_error e = {0};
  for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
    int err = nm_client_set_proxy(c, nm_str_c(proxies[i].url), &e);
    CHECK_ROW((err == 0) == proxies[i].good, proxies[i].url);
    CHECK_ROW(err == 0 || strstr(e.text, "s3cret") == NULL, proxies[i].url);
  }
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    CHECK_ROW((nm_client_set_host(c, nm_str_c(hosts[i].host), &e) == 0) == hosts[i].good, hosts[i].host);
  }
  nm_client_unref(&c);
}

int main(void) {
  RUN(keeps_one_connection);
  RUN(sends_as_often_as_the_server_needs);
  RUN(survives_each_failing_allocation_between_transactions);
  RUN(tries_the_ways_in_order);
  RUN(asks_for_the_password);
  RUN(survives_each_failing_allocation);
  RUN(sends_what_is_fed_in_any_pieces);
  RUN(never_ends_half_a_message);
  RUN(sends_one_at_a_time);
  RUN(outlives_its_owner);
  RUN(keeps_its_time);
  RUN(survives_each_failing_allocation_while_fed);
  RUN(checks_its_options);
  return ctest_end();
}
