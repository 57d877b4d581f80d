/* Invariant: whatever the server says and whenever, a transaction ends with one definite outcome that fits what was sent and
   answered (accepted only by a 2xx after the dot), nothing is said once closed, and memory is bounded. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/session.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a row of steps. */
struct input {
  const uint8_t *p;
  size_t n;
};

/* What an onlooker on the line knows. */
struct world {
  struct nm_session *s;
  struct nm_addr from;
  struct nm_addr addr[4];
  struct nm_addr *to[4];
  struct nm_envelope env;
  struct nm_source *content;
  int is_checked; /* the running transaction's end was looked at */
  char tail[5];   /* the last bytes the client sent */
  int dots;       /* ends of content sent in this transaction */
  int after_dot;  /* the first byte the server said since, or -1 */
  int said_data;
};

static unsigned next(struct input *in) {
  if (in->n == 0) {
    return 0;
  }
  in->n--;
  return *in->p++;
}

static void look_at_wire(struct world *w, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    memmove(w->tail, w->tail + 1, 4);
    w->tail[4] = p[i];
    if (memcmp(w->tail, "\r\n.\r\n", 5) == 0) {
      w->dots++;
      w->after_dot = -1;
    }
    if (memcmp(w->tail, "DATA\r", 5) == 0) {
      w->said_data = 1;
    }
  }
}

/* The content of these runs never has "DATA", so said_data is the command. */
static void check_result(struct world *w) {
  const struct nm_txn_result *r = nm_session_result(w->s);
  int handed = nm_session_handed_over(w->s);
  assert(r->n_rcpt == w->env.n_to && r->n_accepted <= r->n_rcpt);
  assert(w->dots <= 1 && (!handed || w->dots == 1));
  switch (r->outcome) {
    case NM_OUTCOME_ACCEPTED:
    case NM_OUTCOME_PARTIAL:
      assert(handed && w->after_dot == '2' && nm_reply_class(&r->reply) == 2 && r->error.code == 0);
      assert(r->n_accepted > 0 && (r->n_accepted == r->n_rcpt) == (r->outcome == NM_OUTCOME_ACCEPTED));
      assert(!w->env.all_or_nothing || r->outcome == NM_OUTCOME_ACCEPTED);
      break;
    case NM_OUTCOME_REJECTED:
      assert(r->error.code == NM_EREJECT && nm_reply_class(&r->reply) >= 4 && r->command != NULL);
      break;
    case NM_OUTCOME_NOT_SENT:
      assert(!handed && r->error.code != 0);
      break;
    case NM_OUTCOME_UNKNOWN:
      assert(handed && r->error.code != 0);
      break;
  }
  assert(r->error.code == 0 || r->error.text[0] != '\0');
  if (w->env.all_or_nothing && r->n_accepted < r->n_rcpt) {
    assert(!w->said_data);
  }
}

static void check(struct world *w) {
  enum nm_session_state state = nm_session_state(w->s);
  int want = nm_session_want(w->s);
  const char *p = NULL;
  size_t n = 0;
  if (state == NM_SESSION_BUSY || state == NM_SESSION_QUITTING) {
    assert((want & NM_WANT_READ) != 0);
    return;
  }
  assert(want == 0 && nm_session_output(w->s, &p, &n) == 0 && n == 0);
  if (!w->is_checked) {
    check_result(w);
    w->is_checked = 1;
  }
}

static void hear(struct world *w, const char *p, size_t n) {
  char *exact = malloc(n > 0 ? n : 1);
  if (n > 0) {
    memcpy(exact, p, n);
    w->after_dot = w->after_dot < 0 ? (unsigned char)exact[0] : w->after_dot;
  }
  int rc = nm_session_input(w->s, exact, n);
  assert(rc == 0 || nm_session_state(w->s) == NM_SESSION_CLOSED);
  free(exact);
}

static void speak(struct world *w, size_t most) {
  const char *p = NULL, *again = NULL;
  size_t n = 0, n_again = 0;
  int rc = nm_session_output(w->s, &p, &n);
  assert(n <= 65536 && (rc == 0 || (n == 0 && nm_session_state(w->s) == NM_SESSION_CLOSED)));
  if (n > 0) {
    assert(nm_session_output(w->s, &again, &n_again) == 0 && again == p && n_again == n);
    assert((nm_session_want(w->s) & NM_WANT_WRITE) != 0);
  }
  n = n < most ? n : most;
  look_at_wire(w, p, n);
  nm_session_sent(w->s, n);
}

static void begin(struct world *w, unsigned how) {
  static const char text[] = "a\n.\r\n\r..b\r\n.\nMAIL FROM:<evil@z.test>\r\n.";
  if (nm_session_state(w->s) != NM_SESSION_IDLE) {
    assert(nm_session_begin(w->s, &w->env, w->content) == NM_EINVAL);
    return;
  }
  nm_source_free(&w->content);
  w->content =
      odd_source(nm_str(text, how % sizeof text), 1 + how % 7, (how & 16) != 0, how % 5 == 0 ? "gone" : NULL);
  w->env = (struct nm_envelope){
      .from = &w->from, .to = w->to, .n_to = 1 + (how & 3), .size = how, .all_or_nothing = (how & 32) != 0};
  w->env.body = how & 64 ? NM_BODY_8BITMIME : NM_BODY_7BIT;
  int may_begin = w->env.body == NM_BODY_7BIT || (nm_session_caps(w->s)->flags & NM_CAP_8BITMIME) != 0;
  assert(nm_session_begin(w->s, &w->env, w->content) == (may_begin ? 0 : NM_EINVAL));
  if (!may_begin) {
    assert(nm_session_state(w->s) == NM_SESSION_IDLE && nm_session_want(w->s) == 0);
    w->is_checked = 1;
    return;
  }
  w->is_checked = 0;
  w->dots = 0;
  w->said_data = 0;
  memset(w->tail, 0, sizeof w->tail);
}

static void step(struct world *w, struct input *in) {
  static const char *const replies[] = {
      "250 ok\r\n",  "354 go\r\n",         "550 5.1.1 no\r\n", "451 later\r\n",
      "421 bye\r\n", "250-a\r\n250 b\r\n", "503 no\r\n",       "2"};
  unsigned op = next(in);
  unsigned arg = op >> 3;
  switch (op & 7) {
    case 0: { /* bytes of the input's own */
      size_t n = arg < in->n ? arg : in->n;
      hear(w, (const char *)in->p, n);
      in->p += n;
      in->n -= n;
      break;
    }
    case 1:
    case 2:
      hear(w, replies[arg & 7], strlen(replies[arg & 7]));
      break;
    case 3:
      speak(w, arg);
      break;
    case 4:
    case 5:
      speak(w, SIZE_MAX);
      break;
    case 6:
      begin(w, next(in));
      break;
    default:
      if (arg == 0) {
        nm_session_lost(w->s, NULL);
      } else if (arg == 1 && nm_session_state(w->s) == NM_SESSION_IDLE) {
        assert(nm_session_quit(w->s) == 0);
      } else { /* what a server that means well would say */
        speak(w, SIZE_MAX);
        hear(w, arg & 1 ? "250 ok\r\n" : "354 go\r\n", 8);
      }
      break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  struct world w = {.after_dot = -1};
  long live = nm_test_alloc_live();
  unsigned offered = next(&in);
  struct nm_caps caps = {.flags = (offered & 1 ? NM_CAP_PIPELINING | NM_CAP_SIZE : 0) |
                                  (offered & 2 ? NM_CAP_8BITMIME : 0)};
  w.s = nm_session_new();
  w.from = (struct nm_addr){.refs = 1, .spec = NM_STR("me@example.org")};
  for (int i = 0; i < 4; i++) {
    w.addr[i] = (struct nm_addr){.refs = 1, .spec = NM_STR("you@example.net")};
    w.to[i] = &w.addr[i];
  }
  assert(nm_session_adopt(w.s, &caps) == 0);
  begin(&w, next(&in));
  while (in.n > 0) {
    step(&w, &in);
    check(&w);
  }
  nm_session_lost(w.s, NULL);
  assert(nm_session_state(w.s) == NM_SESSION_CLOSED);
  check(&w);
  nm_session_free(&w.s);
  nm_source_free(&w.content);
  assert(nm_test_alloc_live() == live);
  return 0;
}
