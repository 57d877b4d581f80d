/* Invariant: whatever the server says and whenever, a transaction ends with one definite outcome that fits what was sent and
   answered (accepted only by a 2xx to the whole content), nothing is said once closed, and memory is bounded. What goes out parses as
   commands and chunks of exactly the size that they announce, and the content that was sent is the content. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/session.h"
#include "smtp/undot.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of all that a session may take: a small and a large block of output, a reply, its recipients' texts, and what we keep of the wire. */
#define MEMORY_MAX (768 << 10)

/* As much of a text as is lent, and a few more. */
#define LONG_MAX 45000
#define CONTENT_MAX (2 * LONG_MAX)

/* The input is a row of steps. */
struct input {
  const uint8_t *p;
  size_t n;
};

/* What the client said in this transaction, taken apart as a server does it. */
struct wire {
  char line[NM_COMMAND_MAX + 1];
  size_t n;
  size_t left;  /* of a chunk */
  int is_last;  /* it is the last one */
  int is_data;  /* behind DATA */
  int is_whole; /* the end of the content was seen */
  int mails, rcpts, chunks;
  struct nm_buf content; /* of all chunks, or all behind DATA */
};

/* What an onlooker on the line knows. */
struct world {
  struct nm_session *s;
  struct nm_addr from;
  struct nm_addr addr[4];
  struct nm_addr *to[4];
  struct nm_rcpt_options rcpt[4];
  struct nm_envelope env;
  struct nm_source *content;
  struct nm_str text;
  int is_checked; /* the running transaction's end was looked at */
  int after_end;  /* the first byte the server said since the end of the content, or -1 */
  struct wire wire;
};

static unsigned next(struct input *in) {
  if (in->n == 0) {
    return 0;
  }
  in->n--;
  return *in->p++;
}

static int begins(const char *line, const char *verb) {
  return strncmp(line, verb, strlen(verb)) == 0;
}

/* "BDAT n" or "BDAT n LAST" */
static void on_bdat(struct wire *x) {
  char *end = NULL;
  assert(x->line[5] >= '0' && x->line[5] <= '9');
  x->left = strtoul(x->line + 5, &end, 10);
  assert(strcmp(end, "\r\n") == 0 || strcmp(end, " LAST\r\n") == 0);
  assert(!x->is_last && !x->is_data && x->mails == 1 && x->rcpts > 0);
  x->is_last = *end == ' ';
  assert(x->left > 0 || x->is_last);
  x->is_whole = x->is_last && x->left == 0;
  x->chunks++;
}

static void on_line(struct wire *x) {
  assert(x->n >= 2 && x->line[x->n - 2] == '\r');
  for (size_t i = 0; i + 2 < x->n; i++) {
    assert((unsigned char)x->line[i] >= 32 && x->line[i] != 127);
  }
  x->line[x->n] = '\0';
  x->n = 0;
  if (begins(x->line, "MAIL FROM:<")) {
    assert(x->mails++ == 0);
  } else if (begins(x->line, "RCPT TO:<")) {
    assert(x->mails == 1 && x->chunks == 0);
    x->rcpts++;
  } else if (begins(x->line, "BDAT ")) {
    on_bdat(x);
  } else if (strcmp(x->line, "DATA\r\n") == 0) {
    assert(x->chunks == 0 && x->rcpts > 0);
    x->is_data = 1;
  } else {
    assert(strcmp(x->line, "RSET\r\n") == 0 || strcmp(x->line, "QUIT\r\n") == 0);
  }
}

static void look_at_byte(struct wire *x, char c) {
  if (x->left > 0) {
    nm_buf_add_byte(&x->content, c);
    x->left--;
    x->is_whole = x->is_last && x->left == 0;
  } else if (x->is_data) {
    assert(!x->is_whole);
    nm_buf_add_byte(&x->content, c);
    struct nm_str all = nm_buf_str(&x->content);
    x->is_whole = (all.n == 3 && memcmp(all.p, ".\r\n", 3) == 0) ||
                  (all.n >= 5 && memcmp(all.p + all.n - 5, "\r\n.\r\n", 5) == 0);
  } else {
    assert(!x->is_whole);
    assert(x->n < NM_COMMAND_MAX);
    x->line[x->n++] = c;
    if (c == '\n') {
      on_line(x);
    }
  }
}

static void look_at_wire(struct world *w, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    int was_whole = w->wire.is_whole;
    look_at_byte(&w->wire, p[i]);
    if (w->wire.is_whole && !was_whole) {
      w->after_end = -1;
    }
  }
}

/* What was sent is the content, as far as its form allows; a dot alone took the transaction back. */
static void check_content(const struct world *w) {
  const struct wire *x = &w->wire;
  struct nm_buf want = {.max = CONTENT_MAX}, got = {.max = CONTENT_MAX};
  if (!x->is_whole || (x->is_data && x->content.n == 3)) {
    return;
  }
  if (w->env.body == NM_BODY_BINARYMIME) {
    nm_buf_add_str(&want, w->text);
  } else {
    normalise(w->text, &want);
  }
  if (x->is_data) {
    assert(undot(nm_buf_str(&x->content), &got) == 0);
  } else {
    nm_buf_add_str(&got, nm_buf_str(&x->content));
  }
  assert(nm_str_eq(nm_buf_str(&got), nm_buf_str(&want)));
  nm_buf_free(&want);
  nm_buf_free(&got);
}

static size_t count_fates(const struct nm_txn_result *r, enum nm_fate fate) {
  size_t n = 0;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    n += r->rcpt[i].fate == fate;
  }
  return n;
}

static void check_fates(const struct nm_txn_result *r) {
  size_t accepted = count_fates(r, NM_FATE_ACCEPTED), unknown = count_fates(r, NM_FATE_UNKNOWN);
  switch (r->outcome) {
    case NM_OUTCOME_ACCEPTED:
      assert(accepted == r->n_rcpt);
      break;
    case NM_OUTCOME_PARTIAL:
      assert(accepted == r->n_accepted && accepted > 0 && accepted < r->n_rcpt && unknown == 0);
      break;
    case NM_OUTCOME_UNKNOWN:
      assert(unknown > 0);
      break;
    case NM_OUTCOME_REJECTED:
    case NM_OUTCOME_NOT_SENT:
      assert(accepted == 0 && unknown == 0);
      break;
  }
}

static void check_result(struct world *w) {
  const struct nm_txn_result *r = nm_session_result(w->s);
  const struct wire *x = &w->wire;
  int handed = nm_session_handed_over(w->s);
  assert(r->n_rcpt == w->env.n_to && r->n_accepted <= r->n_rcpt);
  assert(!handed || x->is_whole);
  switch (r->outcome) {
    case NM_OUTCOME_ACCEPTED:
    case NM_OUTCOME_PARTIAL:
      assert(handed && nm_reply_class(&r->reply) == 2 && r->error.code == 0);
      assert(x->chunks > 0 || w->env.is_lmtp || w->after_end == '2');
      assert(r->n_accepted > 0 && (r->n_accepted == r->n_rcpt) == (r->outcome == NM_OUTCOME_ACCEPTED));
      assert(!w->env.all_or_nothing || w->env.is_lmtp || r->outcome == NM_OUTCOME_ACCEPTED);
      break;
    case NM_OUTCOME_REJECTED:
      assert(r->error.code == NM_EREJECT && nm_reply_class(&r->reply) >= 4 && r->command != NULL);
      break;
    case NM_OUTCOME_NOT_SENT:
      assert((!handed || (x->chunks > 0 && r->reply.code == 421)) && r->error.code != 0);
      break;
    case NM_OUTCOME_UNKNOWN:
      assert(handed && r->error.code != 0);
      break;
  }
  assert(r->error.code == 0 || r->error.text[0] != '\0');
  if (w->env.all_or_nothing && !w->env.is_lmtp && r->n_accepted < r->n_rcpt) {
    assert(!x->is_data && x->chunks == 0);
  }
  check_fates(r);
  check_content(w);
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
    w->after_end = w->after_end < 0 ? (unsigned char)exact[0] : w->after_end;
  }
  int rc = nm_session_input(w->s, exact, n);
  assert(rc == 0 || nm_session_state(w->s) == NM_SESSION_CLOSED);
  free(exact);
}

static void speak(struct world *w, size_t most) {
  const char *p = NULL, *again = NULL;
  size_t n = 0, n_again = 0;
  int rc = nm_session_output(w->s, &p, &n);
  assert(n <= 262144 && (rc == 0 || (n == 0 && nm_session_state(w->s) == NM_SESSION_CLOSED)));
  if (n > 0) {
    assert(nm_session_output(w->s, &again, &n_again) == 0 && again == p && n_again == n);
    assert((nm_session_want(w->s) & NM_WANT_WRITE) != 0);
  }
  struct nm_str behind = nm_session_behind(w->s);
  assert(n > 0 || behind.n == 0);
  n = n < most ? n : most;
  behind.n = behind.n < most - n ? behind.n : most - n;
  look_at_wire(w, p, n);
  look_at_wire(w, behind.p, behind.n);
  nm_session_sent(w->s, n + behind.n);
}

/* 1 when the session has no reason to refuse it. */
static int choose_options(struct world *w, unsigned what, unsigned flags) {
  static const char evil[] = "x\r\nRCPT TO:<evil@z.test>";
  struct nm_mail_options *o = &w->env.mail;
  int asks_dsn = (what & 1) != 0 || (what & 2) != 0 || (what & 16) != 0;
  o->ret = what & 1 ? NM_RET_HDRS : NM_RET_DEFAULT;
  o->envid = what & 2 ? NM_STR("a b+c=") : NM_STR("");
  o->if_offered = what & 8 ? ~0u : 0;
  o->require_tls = (what & 32) != 0;
  w->env.is_tls = 1;
  w->env.is_lmtp = (what & 64) != 0;
  w->env.is_idle = (what & 128) != 0;
  w->env.rcpt = w->rcpt;
  for (int i = 0; i < 4; i++) {
    w->rcpt[i].notify = what & 16 ? 1u << (i & 3) : 0;
    w->rcpt[i].orcpt = what & 16 ? NM_STR("\"a b\"+@c") : NM_STR("");
  }
  int is_offered = (what & 8) != 0 || ((!asks_dsn || (flags & NM_CAP_DSN) != 0) &&
                                       (!o->require_tls || (flags & NM_CAP_REQUIRETLS) != 0));
  if ((what & 4) != 0) {
    o->envid = nm_str(evil, sizeof evil - 1);
  }
  return is_offered && (what & 4) == 0;
}

static int choose_body(struct world *w, unsigned how, unsigned flags) {
  int chunking = (flags & NM_CAP_CHUNKING) != 0 && w->env.chunking != NM_CHUNKING_OFF;
  w->env.body = (how & 192) == 192 ? NM_BODY_BINARYMIME : how & 64 ? NM_BODY_8BITMIME : NM_BODY_7BIT;
  if (w->env.body == NM_BODY_BINARYMIME) {
    return chunking && (flags & NM_CAP_BINARYMIME) != 0;
  }
  return w->env.body == NM_BODY_7BIT || (flags & NM_CAP_8BITMIME) != 0;
}

static void forget_wire(struct world *w) {
  nm_buf_free(&w->wire.content);
  w->wire = (struct wire){.content = {.max = CONTENT_MAX}};
}

/* Lines, between two places where something must be done about them. */
static struct nm_str long_text(const char *odd, unsigned how) {
  static char text[LONG_MAX];
  size_t n = 33000 + how * 40, odd_n = strlen(odd);
  for (size_t i = 0; i < n; i++) {
    text[i] = "0123456789abcdef\r\n"[i % 18];
  }
  memcpy(text + (how & 7) * odd_n, odd, odd_n);
  memcpy(text + n - odd_n, odd, odd_n);
  return nm_str(text, n);
}

static void begin(struct world *w, unsigned how, unsigned what, unsigned which) {
  static const char text[] = "a\n.\r\n\r..b\r\n.\nMAIL FROM:<evil@z.test>\r\n.";
  if (nm_session_state(w->s) != NM_SESSION_IDLE) {
    assert(nm_session_begin(w->s, &w->env, w->content) == NM_EINVAL);
    return;
  }
  unsigned flags = nm_session_caps(w->s)->flags;
  nm_source_free(&w->content);
  w->text = nm_str(text, how % sizeof text);
  if ((which & 192) == 192) {
    w->text = long_text(text, how);
  }
  w->content =
      odd_source(w->text, which & 128 ? 5000 : 1 + how % 7, (how & 16) != 0, how % 5 == 0 ? "gone" : NULL);
  ((struct odd_source *)w->content)->lends = which & 32 ? SIZE_MAX : 0;
  w->env = (struct nm_envelope){
      .from = which & 1 ? NULL : &w->from, .to = w->to, .n_to = 1 + (how & 3), .size = how};
  w->env.all_or_nothing = (how & 32) != 0;
  w->env.chunking = (enum nm_chunking)(which / 2 % 3);
  int may_begin = choose_body(w, how, flags) & choose_options(w, what, flags);
  assert(nm_session_begin(w->s, &w->env, w->content) == (may_begin ? 0 : NM_EINVAL));
  if (!may_begin) {
    assert(nm_session_state(w->s) == NM_SESSION_IDLE && nm_session_want(w->s) == 0);
    w->is_checked = 1;
    return;
  }
  w->is_checked = 0;
  forget_wire(w);
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
    case 6: {
      unsigned how = next(in), what = next(in);
      begin(w, how, what, next(in));
      break;
    }
    default:
      if (arg == 0) {
        nm_session_lost(w->s, NULL);
      } else if (arg == 1 && nm_session_state(w->s) == NM_SESSION_IDLE) {
        assert(nm_session_quit(w->s) == 0);
        forget_wire(w);
      } else if (arg == 2) {
        flood(w, in);
      } else { /* what a server that means well would say */
        speak(w, SIZE_MAX);
        hear(w, arg & 1 ? "250 ok\r\n" : "354 go\r\n", 8);
      }
      break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  struct world w = {.after_end = -1};
  long live = nm_test_alloc_live(), octets = nm_test_alloc_octets();
  unsigned offered = next(&in);
  static const unsigned offers[8] = {NM_CAP_PIPELINING | NM_CAP_SIZE,
                                     NM_CAP_8BITMIME,
                                     NM_CAP_CHUNKING,
                                     NM_CAP_BINARYMIME,
                                     NM_CAP_DSN,
                                     NM_CAP_REQUIRETLS,
                                     NM_CAP_LIMITS,
                                     NM_CAP_SMTPUTF8};
  struct nm_caps caps = {0};
  for (int i = 0; i < 8; i++) {
    caps.flags |= offered & 1u << i ? offers[i] : 0;
  }
  w.s = nm_session_new();
  w.from = (struct nm_addr){.refs = 1, .spec = NM_STR("me@example.org")};
  for (int i = 0; i < 4; i++) {
    w.addr[i] = (struct nm_addr){.refs = 1, .spec = NM_STR("you@example.net")};
    w.to[i] = &w.addr[i];
  }
  assert(nm_session_adopt(w.s, &caps) == 0);
  unsigned how = next(&in), what = next(&in);
  begin(&w, how, what, next(&in));
  while (in.n > 0) {
    step(&w, &in);
    check(&w);
    assert(nm_test_alloc_octets() - octets < MEMORY_MAX);
  }
  nm_session_lost(w.s, NULL);
  assert(nm_session_state(w.s) == NM_SESSION_CLOSED);
  check(&w);
  nm_session_free(&w.s);
  nm_source_free(&w.content);
  nm_buf_free(&w.wire.content);
  assert(nm_test_alloc_live() == live);
  return 0;
}
