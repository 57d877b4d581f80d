/* Invariant: whatever the server says and whenever, from the greeting to QUIT: the session wants something or has ended, each thing that
   was begun ends definitely, nothing is said once closed or between STARTTLS's 220 and TLS, nobody is logged in by a server that
   does not know the password, no secret is in a trace, an error or a reply, and memory is bounded. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/session.h"
#include "support/digests.h"
#include "support/odd_secret.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const uint8_t *p;
  size_t n;
};

/* Of all that a session and its trace may take: the output's blocks, a reply, a line, and what waits to be shown. */
#define MEMORY_MAX (1 << 20)

enum running { NOTHING, HELLO, LOGIN, COMMAND, MESSAGE, QUIT };

/* What an onlooker knows. */
struct world {
  struct nm_session *s;
  struct nm_trace *trace;
  struct nm_auth *auth;
  struct nm_source *content;
  struct nm_addr addr;
  struct nm_addr *to[1];
  enum running running;
  enum nm_starttls starttls;
  int is_tls;
  int has_quit;
  unsigned mechanisms; /* of the login */
  struct odd_secret password;
  char line[1024]; /* what the client said last, cut */
  size_t line_n;
  int is_line_over;
  int said_password;
};

static unsigned next(struct input *in) {
  if (in->n == 0) {
    return 0;
  }
  in->n--;
  return *in->p++;
}

/* ---- what people see ---- */

static void no_secret(const struct world *w, const char *text) {
  assert(!odd_secret_is_shown(&w->password, text));
}

static void read_trace(struct world *w) {
  enum nm_trace_from from;
  struct nm_str line;
  while (nm_trace_next(w->trace, &from, &line)) {
    no_secret(w, line.p);
    assert(line.n <= NM_TRACE_LINE_MAX + 64);
  }
  nm_trace_dropped(w->trace);
}

static void check_talk(const struct world *w) {
  const struct nm_talk_result *r = nm_session_talk_result(w->s);
  enum nm_session_state state = nm_session_state(w->s);
  no_secret(w, r->error.text);
  no_secret(w, r->reply.text.n > 0 ? r->reply.text.p : "");
  assert(r->error.code == 0 || (r->error.text[0] != '\0' && r->command != NULL));
  if (w->running == HELLO && state == NM_SESSION_IDLE) {
    assert(r->error.code == 0 && (w->starttls != NM_STARTTLS_REQUIRED || w->is_tls));
  } else if (w->running == LOGIN && state == NM_SESSION_IDLE) {
    assert((r->auth == NM_AUTH_END_DONE) == (r->error.code == 0) && r->auth != NM_AUTH_END_NONE);
  } else if (w->running == COMMAND && state == NM_SESSION_IDLE) {
    assert(nm_reply_class(&r->reply) == 2 || (r->error.code == NM_EREJECT && nm_reply_class(&r->reply) >= 4));
  }
  if (w->running == LOGIN && r->auth == NM_AUTH_END_DONE) {
    assert(w->said_password && r->reply.code == 235 && (w->mechanisms & NM_SASL_CLEAR) != 0);
  }
}

/* When nothing runs any more. */
static void check_end(struct world *w) {
  const struct nm_txn_result *r = nm_session_result(w->s);
  if (w->running == HELLO || w->running == LOGIN || w->running == COMMAND) {
    check_talk(w);
  } else if (w->running == MESSAGE) {
    assert((r->outcome == NM_OUTCOME_ACCEPTED || r->outcome == NM_OUTCOME_PARTIAL) == (r->error.code == 0));
    assert(nm_session_handed_over(w->s) ||
           (r->outcome != NM_OUTCOME_ACCEPTED && r->outcome != NM_OUTCOME_UNKNOWN));
  }
  w->has_quit |= w->running == QUIT;
  if (nm_session_state(w->s) == NM_SESSION_CLOSED && !w->has_quit) {
    assert(nm_session_error(w->s)->code != 0);
  }
  w->running = NOTHING;
}

static void check(struct world *w) {
  const char *p = NULL;
  size_t n = 0;
  int want = nm_session_want(w->s);
  no_secret(w, nm_session_error(w->s)->text);
  read_trace(w);
  switch (nm_session_state(w->s)) {
    case NM_SESSION_BUSY:
    case NM_SESSION_TALKING:
    case NM_SESSION_QUITTING:
      assert(w->running != NOTHING && (want == NM_WANT_TLS || (want & NM_WANT_READ) != 0));
      assert(want != NM_WANT_TLS || (nm_session_output(w->s, &p, &n) == 0 && n == 0));
      break;
    case NM_SESSION_IDLE:
    case NM_SESSION_CLOSED:
      assert(want == 0 && nm_session_output(w->s, &p, &n) == 0 && n == 0);
      check_end(w);
      break;
  }
}

/* ---- the line ---- */

static void hear(struct world *w, const char *p, size_t n) {
  char *exact = malloc(n > 0 ? n : 1);
  int wants_tls = nm_session_want(w->s) == NM_WANT_TLS;
  if (n > 0) {
    memcpy(exact, p, n);
  }
  int rc = nm_session_input(w->s, exact, n);
  assert(rc == 0 || nm_session_state(w->s) == NM_SESSION_CLOSED);
  assert(!wants_tls || n == 0 || nm_session_state(w->s) == NM_SESSION_CLOSED);
  free(exact);
}

static void say(struct world *w, const char *reply) {
  hear(w, reply, strlen(reply));
}

static void look(struct world *w, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    w->line_n = w->is_line_over ? 0 : w->line_n;
    w->is_line_over = p[i] == '\n';
    if (w->line_n < sizeof w->line - 1) {
      w->line[w->line_n++] = p[i];
    }
  }
  w->line[w->line_n] = '\0';
  w->said_password |= w->running == LOGIN && odd_secret_is_said(&w->password, w->line);
}

static void speak(struct world *w, size_t most) {
  const char *p = NULL;
  size_t n = 0;
  int is_closed = nm_session_state(w->s) == NM_SESSION_CLOSED;
  int rc = nm_session_output(w->s, &p, &n);
  assert(rc == 0 || (n == 0 && nm_session_state(w->s) == NM_SESSION_CLOSED));
  assert(!is_closed || n == 0);
  n = n < most ? n : most;
  look(w, p, n);
  nm_session_sent(w->s, n);
}

/* A server that quotes what it does not understand, whole or cut. */
static void quote(struct world *w, unsigned how) {
  char reply[2200];
  if (w->running == LOGIN) {
    size_t n = strcspn(w->line, "\r\n");
    n = how & 1 && n > 30 ? 30 : n;
    snprintf(reply, sizeof reply, "%s%.*s%s\r\n", how & 2 ? "500-what?\r\n500 " : "535 ", (int)n, w->line,
             how & 4 ? w->password.word : "");
    say(w, reply);
  }
}

/* ---- what the client does ---- */

static void log_in(struct world *w, unsigned how) {
  static const unsigned sets[] = {
      NM_SASL_PLAIN, NM_SASL_LOGIN, NM_SASL_SCRAM_SHA_256, NM_SASL_XOAUTH2, NM_SASL_PLAIN | NM_SASL_LOGIN,
      NM_SASL_ANY};
  struct nm_sasl_choice choice = {.offered = nm_sasl_offered(nm_buf_str(&nm_session_caps(w->s)->auth)),
                                  .allowed = sets[how % 6],
                                  .is_named = 1,
                                  .is_protected = 1};
  struct nm_sasl_login login = {.user = NM_STR("tim"),
                                .password = nm_str_c(w->password.word),
                                .nonce = NM_STR("fyko"),
                                .iterations_min = 1,
                                .iterations_max = 50,
                                .digest = &digests};
  if (nm_session_state(w->s) != NM_SESSION_IDLE) {
    assert(nm_session_auth(w->s, NULL) == NM_EINVAL);
    return;
  }
  w->mechanisms = sets[how % 6];
  nm_auth_free(&w->auth);
  assert(nm_auth_new(&choice, &login, &w->auth) == 0);
  w->said_password = 0;
  int rc = nm_session_auth(w->s, w->auth);
  assert(rc == 0 || nm_session_state(w->s) == NM_SESSION_IDLE);
  w->running = rc == 0 ? LOGIN : NOTHING;
}

static void command(struct world *w, unsigned how) {
  static const char *const arguments[] = {"", "example.org", "a b", "\r\n"};
  enum nm_verb verb = (enum nm_verb)(how % 6);
  const char *argument = arguments[how / 6 % 4];
  int was_idle = nm_session_state(w->s) == NM_SESSION_IDLE;
  int rc = nm_session_command(w->s, verb, nm_str_c(argument));
  assert(rc == 0 || rc == NM_EINVAL);
  assert(rc != 0 || (was_idle && argument[0] != '\r'));
  w->running = rc == 0 ? COMMAND : w->running;
}

static void message(struct world *w, unsigned how) {
  struct nm_envelope env = {.from = &w->addr, .to = w->to, .n_to = 1, .size = -1, .is_lmtp = (how & 16) != 0};
  if (nm_session_state(w->s) != NM_SESSION_IDLE) {
    return;
  }
  nm_source_free(&w->content);
  w->content = odd_source(NM_STR("Hi\r\n.\r\n"), 1 + how % 7, (how & 8) != 0, how % 5 == 0 ? "gone" : NULL);
  assert(nm_session_begin(w->s, &env, w->content) == 0);
  w->running = MESSAGE;
}

static void secure(struct world *w) {
  int wanted = nm_session_want(w->s) == NM_WANT_TLS;
  int rc = nm_session_secured(w->s);
  assert((rc == 0) == wanted);
  if (rc == 0) {
    assert(nm_session_caps(w->s)->flags == 0 && w->starttls != NM_STARTTLS_NONE && !w->is_tls);
    w->is_tls = 1;
  }
}

static void do_something(struct world *w, unsigned op) {
  switch (op % 6) {
    case 0:
      log_in(w, op / 6);
      break;
    case 1:
      command(w, op / 6);
      break;
    case 2:
      message(w, op / 6);
      break;
    case 3:
      secure(w);
      break;
    case 4:
      w->running = nm_session_quit(w->s) == 0 ? QUIT : w->running;
      break;
    default:
      if (op == 251) {
        nm_session_lost(w->s, NULL);
        assert(nm_session_state(w->s) == NM_SESSION_CLOSED);
      }
      break;
  }
}

/* A server that does not know when to stop. */
static void flood(struct world *w, struct input *in) {
  size_t n = 1 + next(in) % 60;
  n = n < in->n ? n : in->n;
  for (int i = 0; i < 3000; i++) {
    hear(w, (const char *)in->p, n);
  }
  in->p += n;
  in->n -= n;
}

static void step(struct world *w, struct input *in) {
  static const char ehlo[] = "250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-CHUNKING\r\n"
                             "250 AUTH PLAIN LOGIN XOAUTH2 SCRAM-SHA-256\r\n";
  static const char *const replies[] = {
      "220 mx\r\n",       ehlo,
      "250 ok\r\n",       "235 ok\r\n",
      "334 \r\n",         "334 cj1meWtvWCxzPUFBQUEsaT0z\r\n", /* r=fykoX,s=AAAA,i=3 */
      "334 dj1BQUFB\r\n", "354 go\r\n",
      "421 bye\r\n",      "451 later\r\n",
      "500 what?\r\n",    "504 no\r\n",
      "535 5.7.8 no\r\n", "550 no\r\n",
      "221 bye\r\n",      "2"};
  unsigned op = next(in);
  unsigned arg = op >> 3;
  switch (op & 7) {
    case 0: {
      size_t n = arg < in->n ? arg : in->n;
      if (arg == 31) {
        flood(w, in);
        break;
      }
      hear(w, (const char *)in->p, n);
      in->p += n;
      in->n -= n;
      break;
    }
    case 1:
    case 2:
      say(w, replies[arg & 15]);
      break;
    case 3:
      speak(w, arg);
      break;
    case 4:
      speak(w, SIZE_MAX);
      break;
    case 5:
      quote(w, arg);
      break;
    case 6:
      do_something(w, next(in));
      break;
    default: /* a server that answers at once */
      speak(w, SIZE_MAX);
      check(w);
      say(w, replies[arg & 15]);
      break;
  }
}

static void begin(struct world *w, unsigned how) {
  struct nm_caps caps = {.flags = NM_CAP_PIPELINING};
  struct nm_hello h = {
      .name = NM_STR("client.example.org"), .is_lmtp = (how & 8) != 0, .needs_extensions = (how & 16) != 0};
  h.starttls = (enum nm_starttls)((how & 3) % 3);
  w->s = nm_session_new();
  w->trace = nm_trace_new();
  nm_session_trace(w->s, w->trace);
  if (how & 4) {
    caps.auth.max = 100;
    nm_buf_add_c(&caps.auth, "PLAIN LOGIN SCRAM-SHA-256 XOAUTH2");
    caps.flags |= NM_CAP_AUTH;
    assert(nm_session_adopt(w->s, &caps) == 0);
    nm_caps_free(&caps);
  } else {
    assert(nm_session_start(w->s, &h) == 0);
    w->starttls = h.starttls;
    w->running = HELLO;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  struct world w = {.password = odd_secret_of(data, size),
                    .addr = {.refs = 1, .spec = NM_STR("me@example.org")}};
  long live = nm_test_alloc_live(), octets = nm_test_alloc_octets();
  w.to[0] = &w.addr;
  begin(&w, next(&in));
  check(&w);
  while (in.n > 0) {
    step(&w, &in);
    check(&w);
    assert(nm_test_alloc_octets() - octets < MEMORY_MAX);
  }
  nm_session_lost(w.s, NULL);
  assert(nm_session_state(w.s) == NM_SESSION_CLOSED);
  check(&w);
  nm_session_free(&w.s);
  nm_trace_free(&w.trace);
  nm_auth_free(&w.auth);
  nm_source_free(&w.content);
  assert(nm_test_alloc_live() == live);
  return 0;
}
