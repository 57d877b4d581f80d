/* Invariant: whatever the servers say, and whenever their lines break: each of a client's messages comes back from the flight once, with an outcome
   that is definite; without end nothing runs, memory is bounded, a line that had an error hears nothing more, and nothing leaks. */
#include <assert.h>

#include "base/alloc.h"
#include "flight.h"
#include "send.h"
#include "support/fake_clock.h"
#include "support/memory_lines.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LETTERS_MAX 8
#define LINES_MAX 3
#define STEPS_MAX 20000
#define MEMORY_MAX (4 << 20)

static struct {
  const uint8_t *p;
  size_t n;
} in;

static unsigned next(void) {
  if (in.n == 0) {
    return 0;
  }
  in.n--;
  return *in.p++;
}

/* ---- the servers ---- */

struct peer {
  char reply[1200];
  size_t n, at;
  size_t lines; /* of the client's, that were not answered yet */
  int is_gone;
};

static void say(struct peer *s, const char *text, size_t n) {
  if (s->at == s->n) {
    s->at = s->n = 0;
  }
  n = n < sizeof s->reply - s->n ? n : sizeof s->reply - s->n;
  memcpy(s->reply + s->n, text, n);
  s->n += n;
}

static const char *const replies[] = {"250 2.0.0 ok\r\n",
                                      "354 go\r\n",
                                      "250 ok\r\n250 ok\r\n250 ok\r\n",
                                      "250 ok\r\n250 ok\r\n354 go\r\n",
                                      "550 5.1.1 no\r\n",
                                      "452 4.5.3 too many\r\n",
                                      "421 bye\r\n",
                                      "451 later\r\n",
                                      "220 x\r\n",
                                      "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
                                      "250-x\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=1 MAILMAX=2\r\n",
                                      "250-x\r\n250-CHUNKING\r\n250 SIZE 10\r\n",
                                      "250-x\r\n250 PIPELINING\r\n",
                                      "250-a\r\n550 b\r\n",
                                      "503 bad sequence\r\n",
                                      "x\r\n"};

static void speak(struct peer *s) {
  unsigned op = next();
  if (op < 176) {
    const char *text = replies[op & 15];
    say(s, text, strlen(text));
  } else if (op < 208) {
    size_t n = op & 31;
    n = n < in.n ? n : in.n;
    say(s, (const char *)in.p, n);
    in.p += n;
    in.n -= n;
  } else if (op < 248) { /* what many want to hear */
    for (; s->lines > 0; s->lines--) {
      say(s, "250 ok\r\n", 8);
    }
  }
}

static int dial(struct nm_conn *c, struct nm_error *e) {
  unsigned op = next();
  if (op == 1 && in.n > 0) {
    return NM_AGAIN;
  }
  if (op == 2 || in.n == 0) {
    return nm_error_set(e, NM_EIO, NM_KIND_CONNECT, "nobody is there");
  }
  struct peer *s = calloc(1, sizeof *s);
  c->server = s;
  assert(c->is_bare);
  say(s, "220 x\r\n", op == 3 ? 3 : 7);
  if (op >= 64) {
    const char *text = replies[9 + op % 4];
    say(s, text, op >= 128 ? strlen(text) : 0);
  }
  return 0;
}

static int take(struct nm_conn *c, const char *p, size_t n, size_t *n_out) {
  struct peer *s = c->server;
  unsigned op = next();
  if (op == 1 && in.n > 0) {
    return NM_AGAIN;
  }
  if (op == 2 || s->is_gone) {
    return NM_EIO;
  }
  n = op >= 3 && op < 40 && op < n ? op : n;
  for (size_t i = 0; i < n; i++) {
    s->lines += p[i] == '\n';
  }
  *n_out = n;
  speak(s);
  return 0;
}

static int give(struct nm_conn *c, char *p, size_t cap, size_t *n_out) {
  struct peer *s = c->server;
  *n_out = 0;
  if (s->at == s->n && !s->is_gone) {
    unsigned op = next();
    if (op < 100 && in.n > 0) {
      speak(s);
    }
    s->is_gone = op == 255;
    if (op == 254) {
      return NM_EIO;
    }
  }
  size_t n = s->n - s->at < cap ? s->n - s->at : cap;
  if (n == 0) {
    return s->is_gone ? 0 : NM_AGAIN;
  }
  memcpy(p, s->reply + s->at, n);
  s->at += n;
  *n_out = n;
  return 0;
}

static int is_readable(struct nm_conn *c) {
  const struct peer *s = c->server;
  return s->is_gone || s->at < s->n;
}

static void end(struct nm_conn *c, int quietly) {
  (void)quietly;
  free(c->server);
}

static const struct memory_lines_ops ops = {dial, take, give, is_readable, end};

/* ---- the messages ---- */

#define CONTENT "Subject: x\r\n\r\n.\r\nhello\r\n"

static struct letter {
  struct nm_envelope env;
  struct nm_source *source;
  struct nm_mail mail; /* not first: who takes it finds it by its place */
  struct nm_sent sent;
  int n_in, n_back;
} letters[LETTERS_MAX];

static struct nm_addr from = {.refs = 1, .spec = NM_STR("me@example.org")};
static struct nm_addr you = {.refs = 1, .spec = NM_STR("you@example.net"), .domain = NM_STR("example.net")};
static struct nm_addr *to[3] = {&you, &you, &you};

static void make_letter(struct letter *l) {
  unsigned how = next();
  struct odd_source *o;
  *l = (struct letter){.env = {.from = &from,
                               .to = to,
                               .n_to = 1 + how % 3,
                               .size = -1,
                               .all_or_nothing = (how & 16) != 0,
                               .is_idle = (how & 32) != 0}};
  l->source = odd_source(NM_STR(CONTENT), how & 64 ? 5 : sizeof CONTENT, (how & 128) != 0,
                         how % 11 == 0 ? "gone" : NULL);
  o = (struct odd_source *)l->source;
  o->is_once = how % 7 == 0;
  l->mail = (struct nm_mail){.env = &l->env,
                             .content = l->source,
                             .out = &l->sent,
                             .deadline = how % 13 == 0 ? fake_clock_ms + 1000 : 0};
}

static void check(const struct letter *l) {
  int is_good = l->sent.txn.outcome == NM_OUTCOME_ACCEPTED || l->sent.txn.outcome == NM_OUTCOME_PARTIAL;
  assert((l->sent.error.code == 0) == is_good && (l->sent.error.text[0] == '\0') == is_good);
  assert(l->sent.txn.n_rcpt == l->env.n_to || (l->sent.txn.n_rcpt == 0 && !is_good));
  for (size_t i = 0; i < l->sent.txn.n_rcpt; i++) {
    assert(l->sent.txn.rcpt[i].addr == to[i]);
    assert(l->sent.txn.outcome != NM_OUTCOME_ACCEPTED || l->sent.txn.rcpt[i].fate == NM_FATE_ACCEPTED);
  }
}

/* ---- the flight ---- */

static size_t take_back(struct nm_flight *f) {
  struct nm_mail *m;
  size_t n = 0;
  while ((m = nm_flight_take(f)) != NULL) {
    struct letter *l = (struct letter *)(void *)((char *)m - offsetof(struct letter, mail));
    l->n_back++;
    assert(l->n_back == l->n_in);
    check(l);
    if (next() == 9 && nm_flight_add_again(f, m) == 0) {
      l->n_in++;
    } else {
      n++;
    }
  }
  return n;
}

static void rest(struct nm_flight *f) {
  int ms = nm_flight_left(f);
  nm_flight_wait(f, 0);
  assert(ms != INT32_MAX); /* else it would wait for ever */
  fake_clock_ms += in.n > 0 && ms > 20 ? 1 + (int)next() : ms > 0 ? ms : 1;
}

static void fly(struct nm_flight *f, size_t n) {
  struct nm_error why;
  size_t n_back = 0, n_in = 0;
  nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "enough");
  for (int steps = 0; n_back < n; steps++) {
    struct nm_line *line;
    assert(steps < STEPS_MAX);
    for (; n_in < n && nm_flight_room(f) > 0; n_in++) {
      letters[n_in].n_in++;
      nm_flight_add(f, &letters[n_in].mail);
    }
    nm_flight_step(f, next() == 7 ? 0 : -1);
    n_back += take_back(f);
    enum nm_need need = nm_flight_need(f, &line);
    if (line != NULL) {
      nm_line_resume(line);
    } else if (need == NM_NEED_LINE && n_back < n_in) {
      rest(f);
    }
    if (next() == 77) {
      nm_flight_cancel(f, &why);
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const enum nm_pipelining modes[] = {NM_PIPELINING_FULL, NM_PIPELINING_FULL, NM_PIPELINING_ENVELOPE,
                                             NM_PIPELINING_OFF};
  long live = nm_test_alloc_live(), octets = nm_test_alloc_octets();
  struct nm_client *c = NULL;
  struct nm_flight f;
  struct nm_error e;
  in.p = data;
  in.n = size;
  fake_clock_ms = FAKE_CLOCK_BEGIN;
  memory_lines.ops = &ops;
  assert(nm_client_new(&c) == 0 && nm_client_set_host(c, NM_STR("mail.example.test"), NULL) == 0);
  c->api = &memory_api;
  unsigned how = next();
  c->pipelining = modes[how & 3];
  size_t n = 1 + (how >> 2) % LETTERS_MAX;
  for (size_t i = 0; i < n; i++) {
    make_letter(&letters[i]);
  }
  how = next();
  struct nm_flight_limits limits = {1 + how % LINES_MAX, 1 + (how >> 2) % 8, (how >> 5) % 4};
  for (int i = 0; i < 2; i++) { /* the second over what the first has left */
    assert(nm_flight_begin(&f, c, &limits, &e) == 0);
    if (next() == 5) {
      break;
    }
    fly(&f, n);
    assert(nm_test_alloc_octets() - octets < MEMORY_MAX);
    nm_flight_end(&f);
    for (size_t k = 0; i == 0 && k < n; k++) {
      nm_sent_free(&letters[k].sent);
      nm_source_free(&letters[k].source);
      make_letter(&letters[k]);
    }
  }
  nm_flight_end(&f);
  nm_client_unref(&c);
  for (size_t i = 0; i < n; i++) {
    nm_sent_free(&letters[i].sent);
    nm_source_free(&letters[i].source);
  }
  assert(nm_test_alloc_live() == live && memory_lines.n_open == 0);
  return 0;
}
