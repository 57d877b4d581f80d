/* Invariant: whatever a server says and whenever, and whatever the client was told to do: each send and each question ends, definitely; a
   password leaves only over a line that may carry it, nobody is taken for logged in without the server's word, nothing is sent without the
   login or the TLS that was asked for, no secret is in a trace, an error or a reply, a line that had an error is not used again, nothing leaks. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "send.h"
#include "support/digests.h"
#include "support/memory_net.h"
#include "support/odd_secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 100000
#define MEMORY_MAX (2 << 20)

/* What the server does, and what the client is told, octet by octet. */
static struct {
  const uint8_t *p;
  size_t n;
} in;

static struct odd_secret password;

struct nm_conn {
  struct nm_io io; /* first */
  enum nm_tls tls;
  int is_loopback, may_carry, is_refused, is_bare, has_login, is_dead;
  char lines[1200]; /* of the dial */
  char line[1024];  /* what the client said last, cut */
  size_t line_n;
  int is_line_over;
  int is_auth; /* between AUTH and its end */
  int has_said_235;
  char reply[1200]; /* on its way */
  size_t reply_n, reply_at;
};

/* What the client was told. */
static struct { int enable_ssl, has_password, allow_plaintext, is_lmtp; } asked;

static unsigned next(void) {
  if (in.n == 0) {
    return 0;
  }
  in.n--;
  return *in.p++;
}

static void no_secret(const char *text) {
  assert(!odd_secret_is_shown(&password, text));
}

/* ---- the server ---- */

static void reply(struct nm_conn *c, const char *text, size_t n) {
  if (c->reply_at == c->reply_n) {
    c->reply_at = c->reply_n = 0;
  }
  n = n < sizeof c->reply - c->reply_n ? n : sizeof c->reply - c->reply_n;
  memcpy(c->reply + c->reply_n, text, n);
  c->reply_n += n;
  c->has_said_235 |= memmem(c->reply, c->reply_n, "235", 3) != NULL;
}

static const char *const replies[] = {
    "250 2.0.0 ok\r\n",
    "354 go\r\n",
    "235 2.7.0 in\r\n",
    "334 \r\n",
    "334 VXNlcm5hbWU6\r\n",
    "334 PGFAYj4=\r\n",
    "535 5.7.8 no\r\n",
    "504 what?\r\n",
    "550 5.1.1 no\r\n",
    "421 bye\r\n",
    "451 later\r\n",
    "250 ok\r\n250 ok\r\n354 go\r\n",
    "250-x\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n",
    "220 x\r\n",
    "250-a\r\n550 b\r\n",
    "x\r\n"};

/* One that quotes what it does not understand, while it is asked to log somebody in. */
static void quote(struct nm_conn *c, unsigned how) {
  char text[1200];
  size_t n = strcspn(c->line, "\r\n");
  n = how & 1 && n > 30 ? 30 : n;
  if (c->is_auth) {
    snprintf(text, sizeof text, "%s%.*s%s\r\n", how & 2 ? "500-what?\r\n500 " : "535 ", (int)n, c->line,
             how & 4 ? password.word : "");
    reply(c, text, strlen(text));
  }
}

static const char *const offers[] = {"AUTH PLAIN LOGIN",
                                     "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256",
                                     "PIPELINING",
                                     "AUTH XOAUTH2 OAUTHBEARER",
                                     "AUTH GSSAPI NTLM",
                                     "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1 DIGEST-MD5",
                                     "LIMITS RCPTMAX=1 MAILMAX=1",
                                     "AUTH PLAIN EXTERNAL"};

/* As EHLO's reply; valid until it is called again. */
static const char *offer(unsigned which) {
  static char text[128];
  snprintf(text, sizeof text, "250-x\r\n250 %s\r\n", offers[which]);
  return text;
}

/* An answer to each line, and a greeting, that fits or not. */
static void answer(struct nm_conn *c) {
  unsigned op = next();
  if (op < 128) {
    const char *text = replies[op & 15];
    reply(c, text, strlen(text));
  } else if (op < 160) {
    size_t n = op & 31;
    n = n < in.n ? n : in.n;
    reply(c, (const char *)in.p, n);
    in.p += n;
    in.n -= n;
  } else if (op < 176) {
    quote(c, op);
  } else if (op < 224) { /* what is expected */
    const char *text = c->is_auth                         ? "235 in\r\n"
                       : c->is_bare && c->line[0] == '\0' ? "220 x\r\n"
                       : strstr(c->line, "HLO ") != NULL  ? offer(op & 7)
                       : strncmp(c->line, "DATA", 4) == 0 ? "354 go\r\n"
                                                          : "250 ok\r\n";
    reply(c, text, strlen(text));
  }
}

/* ---- what an onlooker on the line sees ---- */

static void look_at_line(struct nm_conn *c) {
  if (strncmp(c->line, "AUTH ", 5) == 0) {
    assert(asked.has_password);
    c->is_auth = 1;
  }
  if (c->is_auth) {
    int is_said = odd_secret_is_said(&password, c->line);
    assert(!is_said || c->may_carry);
  } else {
    no_secret(c->line);
  }
  if (strncmp(c->line, "MAIL FROM:", 10) == 0) {
    assert(!asked.has_password || c->has_login || c->has_said_235);
    assert(!asked.enable_ssl || c->tls != NM_TLS_NONE);
  }
}

/* The client's words come line by line; what the server answers may end AUTH. */
static void look(struct nm_conn *c, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    c->line_n = c->is_line_over ? 0 : c->line_n;
    c->is_line_over = p[i] == '\n';
    if (c->line_n < sizeof c->line - 1) {
      c->line[c->line_n++] = p[i];
    }
    c->line[c->line_n] = '\0';
    if (c->is_line_over) {
      if (c->is_auth && (strncmp(c->line, "MAIL", 4) == 0 || strncmp(c->line, "NOOP", 4) == 0 ||
                         strncmp(c->line, "QUIT", 4) == 0 || strncmp(c->line, "VRFY", 4) == 0)) {
        c->is_auth = 0;
      }
      look_at_line(c);
      answer(c);
    }
  }
}

/* ---- the transport ---- */

static int fake_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  unsigned op = c->is_auth ? 255 : next();
  assert(!c->is_dead);
  if (op == 1) {
    return in.n > 0 ? NM_AGAIN : NM_EIO;
  }
  if (op == 2) {
    c->is_dead = 1;
    return NM_EIO;
  }
  n = op >= 3 && op < 40 && op < n ? op : n;
  look(c, p, n);
  *n_out = n;
  return 0;
}

static int fake_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct nm_conn *c = (struct nm_conn *)(void *)io;
  size_t n = c->reply_n - c->reply_at;
  if (c->is_dead) {
    return NM_EIO;
  }
  if (n == 0) {
    unsigned op = next();
    if (in.n == 0 || op == 1) { /* the end */
      *n_out = 0;
      return 0;
    }
    if (op == 2) {
      c->is_dead = 1;
      return NM_EIO;
    }
    if (op < 20) {
      answer(c);
    }
    return NM_AGAIN;
  }
  n = n < cap ? n : cap;
  memcpy(p, c->reply + c->reply_at, n);
  c->reply_at += n;
  *n_out = n;
  return 0;
}

static int fake_wait(struct nm_io *io, int want, int ms) {
  (void)io;
  (void)want;
  (void)ms;
  return 0;
}

static const struct nm_io_ops io_ops = {fake_send, fake_recv, fake_wait, NULL};

/* libcurl's part: greeting, EHLO, STARTTLS and EHLO again; AUTH of the mechanisms that it alone speaks. */
static void speak_dial(struct nm_conn *c, unsigned how) {
  const char *what = offers[how & 7];
  if (c->is_bare) {
    answer(c);
    return;
  }
  snprintf(c->lines, sizeof c->lines, "220 x\r\n250-x\r\n250 %s\r\n%s%s%s%s",
           c->tls == NM_TLS_STARTTLS ? "STARTTLS" : what,
           c->tls == NM_TLS_STARTTLS ? "220 go\r\n250-x\r\n250 " : "", c->tls == NM_TLS_STARTTLS ? what : "",
           c->tls == NM_TLS_STARTTLS ? "\r\n" : "",
           !c->has_login     ? ""
           : (how & 8) != 0  ? "235 in\r\n"
           : (how & 16) != 0 ? "535 no\r\n"
                             : "");
  c->has_said_235 |= c->has_login && (how & 8) != 0;
  if (how >= 224) { /* anything else, that libcurl let pass */
    size_t n = next() % 100;
    n = n < in.n ? n : in.n;
    memcpy(c->lines, in.p, n);
    in.p += n;
    in.n -= n;
    c->lines[n] = '\0';
    c->has_said_235 |= strstr(c->lines, "235") != NULL;
  }
}

static int dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e) {
  (void)net;
  struct nm_conn *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return nm_error_nomem(e);
  }
  c->io.ops = &io_ops;
  c->tls = d->tls;
  c->is_bare = d->is_bare;
  c->is_loopback = (next() & 1) != 0;
  c->is_refused = d->loopback_only && !c->is_loopback;
  c->may_carry = d->tls != NM_TLS_NONE || c->is_loopback || asked.allow_plaintext;
  c->has_login = d->user != NULL;
  assert(!asked.enable_ssl || d->tls != NM_TLS_NONE);
  assert(d->user == NULL || asked.has_password);
  assert(d->user == NULL || strcmp(d->mechanisms, "GSSAPI") == 0 || strcmp(d->mechanisms, "NTLM") == 0);
  *out = c;
  return 0;
}

static int dial_step(struct nm_conn *c, struct nm_error *e) {
  unsigned op = next();
  if (c->is_refused) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS, "not a loopback address");
  }
  if (op == 1 && in.n > 0) {
    return NM_AGAIN;
  }
  if (op >= 2 && op < 8) {
    enum nm_kind kinds[] = {NM_KIND_CONNECT,  NM_KIND_TLS,     NM_KIND_AUTH,
                            NM_KIND_PROTOCOL, NM_KIND_TIMEOUT, NM_KIND_AUTH};
    speak_dial(c, next());
    return nm_error_set(e, op == 2 ? NM_EIO : NM_EREJECT, kinds[op - 2], "the dial fails");
  }
  speak_dial(c, op);
  return 0;
}

static void dial_lines(const struct nm_conn *c, const char **p, size_t *n) {
  *p = c->lines;
  *n = strlen(c->lines);
}

static void dial_log(const struct nm_conn *c, const char **p, size_t *n) {
  (void)c;
  *p = "C EHLO x\nS 250 x\n";
  *n = strlen(*p);
}

static int dial_refused(const struct nm_conn *c) {
  return c->is_refused;
}

static int conn_is_loopback(const struct nm_conn *c) {
  return c->is_loopback;
}

static int conn_ssl(struct nm_conn *c, void **ssl, const void **mark) {
  (void)c;
  (void)ssl;
  (void)mark;
  return NM_EINVAL;
}

static int conn_readable(struct nm_conn *c) {
  return c->is_dead || c->reply_at < c->reply_n || next() == 1;
}

static void conn_close(struct nm_conn **c, int quietly) {
  (void)quietly;
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
    .dial_log = dial_log,
    .dial_refused = dial_refused,
    .conn_is_loopback = conn_is_loopback,
    .conn_ssl = conn_ssl,
    .conn_readable = conn_readable,
    .conn_close = conn_close,
};

/* ---- the client ---- */

static void release(void *what) {
  (void)what;
}

static void log_in_as(struct nm_client *c, unsigned how) {
  static const unsigned mechs[] = {NM_SASL_ANY,      NM_SASL_PLAIN,         NM_SASL_LOGIN,
                                   NM_SASL_CRAM_MD5, NM_SASL_XOAUTH2,       NM_SASL_GSSAPI,
                                   NM_SASL_NTLM,     NM_SASL_OAUTHBEARER,   NM_SASL_ANY,
                                   NM_SASL_ANY,      NM_SASL_SCRAM_SHA_256, NM_SASL_EXTERNAL};
  struct nm_credential *credential = NULL;
  assert(nm_credential_new(&credential) == 0);
  assert(nm_credential_set(credential, NM_STR("tim"), nm_str_c(password.word), NULL) == 0);
  credential->is_token = how % 12 == 8;
  if (how & 64) {
    nm_credential_set_giver(credential, &asked, release);
  }
  assert(nm_client_set_credential(c, mechs[how % 12], credential) == 0);
  nm_credential_unref(&credential);
  asked.has_password = 1;
}

static struct nm_client *new_client(void) {
  struct nm_client *c = NULL;
  unsigned how = next(), what = next();
  assert(nm_client_new(&c) == 0 && nm_client_set_host(c, NM_STR("mail.example.test"), NULL) == 0);
  c->api = &api;
  c->digest = how & 1 ? &digests : NULL;
  asked.enable_ssl = c->enable_ssl = (how & 2) != 0;
  asked.allow_plaintext = c->allow_plaintext_auth = (how & 4) != 0;
  asked.is_lmtp = c->is_lmtp = (how & 8) != 0;
  c->implicit_tls = how & 16 ? asked.enable_ssl : -1;
  c->minimum_auth = how & 32 ? NM_SASL_CRAM_MD5 : 0;
  c->all_or_nothing = (how & 64) != 0;
  assert(nm_client_set_tracer(c, how & 128 ? &asked : NULL, release) == 0);
  asked.has_password = 0;
  if (what & 128) {
    log_in_as(c, what);
  }
  if ((what & 128) != 0 && (what & 32) != 0) {
    log_in_as(c, next());
  }
  return c;
}

static void read_trace(struct nm_client *c) {
  enum nm_trace_from from;
  struct nm_str line;
  while (c->trace != NULL && nm_trace_next(c->trace, &from, &line)) {
    no_secret(line.p);
  }
}

static void check_reply(const struct nm_reply *r) {
  no_secret(r->text.n > 0 ? r->text.p : NULL);
}

static void check(struct nm_client *c, const struct nm_sent *sent, int err, int is_message) {
  read_trace(c);
  no_secret(sent->error.text);
  no_secret(sent->txn.error.text);
  no_secret(sent->rest.text);
  check_reply(&sent->reply);
  check_reply(&sent->txn.reply);
  for (size_t i = 0; i < sent->txn.n_rcpt; i++) {
    no_secret(nm_rcpt_reply(&sent->txn.rcpt[i]).text.p);
  }
  assert(c->sending == NULL && err == sent->error.code && (err == 0) == (sent->error.text[0] == '\0'));
  if (is_message) {
    assert((err == 0) ==
           (sent->txn.outcome == NM_OUTCOME_ACCEPTED || sent->txn.outcome == NM_OUTCOME_PARTIAL));
  }
  assert((c->conn != NULL) == (c->session != NULL));
  assert(c->conn == NULL || nm_session_state(c->session) == NM_SESSION_IDLE);
  assert(c->conn == NULL || (err != NM_EPROTO && err != NM_EIO && err != NM_ETIME));
  /* what proves that the server knows the password nobody here can say */
  assert((c->mechanism & (NM_SASL_SCRAM_SHA_1 | NM_SASL_SCRAM_SHA_256 | NM_SASL_DIGEST_MD5)) == 0);
  assert(c->mechanism == 0 || (c->conn != NULL && c->conn->has_said_235));
}

static int drive(struct nm_sending *s, int err) {
  struct nm_error why;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "enough");
  for (int steps = 0; err == NM_AGAIN; steps++) {
    assert(steps < STEPS_MAX);
    switch (nm_client_need(s)) {
      case NM_NEED_SECRET:
        nm_connect_give_secret(&s->connecting, nm_str_c(password.word));
        break;
      case NM_NEED_CRYPTO:
        s->client->digest = &digests;
        break;
      case NM_NEED_LINE:
        nm_client_wait(s);
        break;
      case NM_NEED_NOTHING: /* the trace is to be looked at */
        break;
      case NM_NEED_CONTENT:
      case NM_NEED_TURN:
        abort();
    }
    if (next() == 77) {
      nm_client_cancel(s, &why);
    }
    if (s->client != NULL) {
      read_trace(s->client);
    }
    err = nm_client_step(s);
  }
  return err;
}

static void send_one(struct nm_client *c, unsigned how) {
  struct nm_addr from = {.refs = 1, .spec = NM_STR("me@example.org")};
  struct nm_addr you = {.refs = 1, .spec = NM_STR("you@example.net"), .domain = NM_STR("example.net")};
  struct nm_addr *to[2] = {&you, &you};
  struct nm_source *content = nm_source_memory(NM_STR("Subject: x\r\n\r\n.\r\nhello\r\n"));
  struct nm_envelope env = {
      .from = &from, .to = to, .n_to = 1 + (how & 1), .size = -1, .all_or_nothing = c->all_or_nothing};
  struct nm_sent sent = {0};
  struct nm_sending s;
  struct nm_pace pace;
  nm_pace_begin(&pace, 1000000, 0);
  int err = drive(&s, nm_client_begin(c, &env, content, &pace, &sent, &s));
  check(c, &sent, err, 1);
  nm_sent_free(&sent);
  nm_source_free(&content);
}

static void ask_one(struct nm_client *c, unsigned how) {
  struct nm_sent sent = {0};
  struct nm_sending s;
  struct nm_pace pace;
  nm_pace_begin(&pace, 1000000, 0);
  int err = drive(&s, nm_client_ask(c, how & 1 ? NM_VERB_NOOP : NM_VERB_VRFY,
                                    how & 1 ? nm_str("", 0) : NM_STR("postmaster"), &pace, &sent, &s));
  check(c, &sent, err, 0);
  nm_sent_free(&sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  long live = nm_test_alloc_live(), octets = nm_test_alloc_octets();
  password = odd_secret_of(data, size);
  in.p = data;
  in.n = size;
  struct nm_client *c = new_client();
  for (int i = 0; i < 6 && in.n > 0; i++) {
    unsigned op = next();
    switch (op & 7) {
      case 0:
        nm_client_close(c);
        break;
      case 1:
        log_in_as(c, next());
        break;
      case 2:
      case 3:
        ask_one(c, op >> 3);
        break;
      default:
        send_one(c, op >> 3);
        break;
    }
    assert(nm_test_alloc_octets() - octets < MEMORY_MAX);
  }
  nm_client_unref(&c);
  assert(nm_test_alloc_live() == live);
  return 0;
}
