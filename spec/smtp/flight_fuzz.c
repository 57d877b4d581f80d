/* Invariant: whatever the server says and whenever, transactions in flight end one by one, in order, each with an outcome that fits what an
   onlooker on the line saw: accepted by the 2xx that answers its own end and no other, unknown only when its end was sent, not_sent or
   rejected never when the server has taken it for somebody. What goes out is whole transactions in order, each with its own recipients and
   content; nothing follows a DATA that is not answered, and RSET stands between two unless the first ended with a dot or was
   answered; nothing is said once closed. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "smtp/session.h"
#include "smtp/undot.h"
#include "support/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LETTERS = 24, RCPTS = 2, DUE = 1024 };

struct input {
  const uint8_t *p;
  size_t n;
};

/* Of a letter's content on the wire. */
#define LONG_MAX 100000

struct letter {
  char specs[RCPTS + 1][24];
  char text[64];
  char *all; /* with many lines behind that */
  struct nm_addr from, rcpt[RCPTS];
  struct nm_addr *to[RCPTS];
  struct nm_envelope env;
  struct nm_source *content;
  /* what the onlooker saw */
  size_t n_rcpt;   /* RCPTs */
  int is_whole;    /* its end was sent */
  int end, n_good; /* the reply to that; RCPTs that were accepted */
  int is_mail_good, is_chunk_bad;
};

enum kind { RSET, MAIL, RCPT, DATA, DOT, CHUNK, LAST };

struct due {
  int letter;
  enum kind kind;
};

/* An onlooker. */
struct line {
  char text[NM_COMMAND_MAX + 1];
  size_t n;
  int letter;     /* the running transaction's; -1: none yet */
  int is_clear;   /* RSET or a dot since */
  int is_open;    /* MAIL without an end */
  int asked_data; /* and no answer */
  int is_data;    /* 354 */
  size_t chunk;   /* octets to come */
  int in_chunk, is_last;
  struct nm_buf content;
  struct due due[DUE]; /* replies that are due */
  size_t first, last;
  char reply[64];
  size_t reply_n;
  int is_wild; /* the server said what is no reply: nothing can be seen any more */
};

struct world {
  struct nm_session *s;
  struct letter letters[LETTERS];
  int n_begun, n_over;
  struct line line;
};

static unsigned next(struct input *in) {
  if (in->n == 0) {
    return 0;
  }
  in->n--;
  return *in->p++;
}

/* ---- what is said ---- */

static void expect(struct line *l, enum kind kind) {
  assert(l->last < DUE);
  l->due[l->last++] = (struct due){l->letter, kind};
}

static void check_content(struct world *w, struct nm_str got) {
  struct nm_buf want = {.max = LONG_MAX};
  normalise(nm_str_c(w->letters[w->line.letter].all), &want);
  assert(nm_str_eq(got, nm_buf_str(&want)));
  nm_buf_free(&want);
}

static void on_mail(struct world *w) {
  struct line *l = &w->line;
  int letter = -1;
  assert(sscanf(l->text, "MAIL FROM:<s%d@", &letter) == 1 && letter > l->letter && letter < w->n_begun);
  assert(l->letter < 0 || l->is_clear || l->first == l->last);
  l->letter = letter;
  l->is_open = 1;
  l->is_clear = 0;
  nm_buf_reset(&l->content);
  expect(l, MAIL);
}

static void on_rcpt(struct world *w) {
  struct line *l = &w->line;
  int letter = -1, no = -1;
  assert(sscanf(l->text, "RCPT TO:<r%d-%d@", &letter, &no) == 2 && letter == l->letter && l->is_open);
  assert((size_t)no == w->letters[letter].n_rcpt++);
  expect(l, RCPT);
}

static void on_chunk_end(struct world *w) {
  struct line *l = &w->line;
  l->in_chunk = 0;
  if (l->is_last) {
    check_content(w, nm_buf_str(&l->content));
    w->letters[l->letter].is_whole = 1;
    l->is_open = 0;
  }
  expect(l, l->is_last ? LAST : CHUNK);
}

static void on_command(struct world *w) {
  struct line *l = &w->line;
  l->text[l->n] = '\0';
  assert(l->n > 2 && l->text[l->n - 2] == '\r');
  l->n = 0;
  if (strncmp(l->text, "MAIL ", 5) == 0) {
    on_mail(w);
  } else if (strncmp(l->text, "RCPT ", 5) == 0) {
    on_rcpt(w);
  } else if (strncmp(l->text, "BDAT ", 5) == 0) {
    char *end = NULL;
    assert(l->is_open && w->letters[l->letter].n_rcpt == w->letters[l->letter].env.n_to);
    l->chunk = strtoul(l->text + 5, &end, 10);
    l->is_last = strcmp(end, " LAST\r\n") == 0;
    assert(l->is_last || (strcmp(end, "\r\n") == 0 && l->chunk > 0));
    l->in_chunk = 1;
    if (l->chunk == 0) {
      on_chunk_end(w);
    }
  } else if (strcmp(l->text, "DATA\r\n") == 0) {
    assert(l->is_open);
    l->asked_data = 1;
    expect(l, DATA);
  } else {
    assert(strcmp(l->text, "RSET\r\n") == 0);
    l->is_clear = 1;
    l->is_open = 0;
    expect(l, RSET);
  }
}

static void on_data_octet(struct world *w) {
  struct line *l = &w->line;
  struct nm_str all = nm_buf_str(&l->content);
  struct nm_buf plain = {.max = LONG_MAX};
  if (all.n == 3 && memcmp(all.p, ".\r\n", 3) == 0) { /* alone: the transaction is taken back */
    l->is_data = l->is_open = 0;
    expect(l, DOT);
  } else if (all.n >= 5 && memcmp(all.p + all.n - 5, "\r\n.\r\n", 5) == 0) {
    assert(undot(all, &plain) == 0);
    check_content(w, nm_buf_str(&plain));
    w->letters[l->letter].is_whole = 1;
    l->is_data = l->is_open = 0;
    l->is_clear = 1;
    expect(l, LAST);
  }
  nm_buf_free(&plain);
}

static void see(struct world *w, const char *p, size_t n) {
  struct line *l = &w->line;
  for (size_t i = 0; i < n && !l->is_wild; i++) {
    assert(!l->asked_data);
    if (l->in_chunk || l->is_data) {
      nm_buf_add_byte(&l->content, p[i]);
      if (l->is_data) {
        on_data_octet(w);
      } else if (--l->chunk == 0) {
        on_chunk_end(w);
      }
      continue;
    }
    assert(l->n < NM_COMMAND_MAX);
    l->text[l->n++] = p[i];
    if (p[i] == '\n') {
      on_command(w);
    }
  }
}

/* ---- what is answered ---- */

static void on_reply(struct world *w, int code) {
  struct line *l = &w->line;
  if (l->first == l->last) {
    l->is_wild = 1; /* out of turn */
    return;
  }
  struct due d = l->due[l->first++];
  struct letter *to = d.letter >= 0 ? &w->letters[d.letter] : NULL;
  switch (d.kind) {
    case MAIL:
      to->is_mail_good = code / 100 == 2;
      break;
    case RCPT:
      to->n_good += code / 100 == 2;
      break;
    case DATA:
      l->asked_data = 0;
      l->is_data = code == 354;
      l->is_open = l->is_data;
      break;
    case CHUNK:
      to->is_chunk_bad |= code / 100 != 2;
      break;
    case LAST:
      to->end = code;
      break;
    case RSET:
    case DOT:
      break;
  }
}

static void hear_octet(struct world *w, char c) {
  struct line *l = &w->line;
  if (l->reply_n < sizeof l->reply - 1) {
    l->reply[l->reply_n++] = c;
  }
  if (c != '\n') {
    return;
  }
  const char *t = l->reply;
  int is_code = l->reply_n >= 5 && t[0] >= '2' && t[0] <= '5' && t[1] >= '0' && t[1] <= '9' && t[2] >= '0' &&
                t[2] <= '9' && (t[3] == ' ' || t[3] == '-' || t[3] == '\r');
  l->is_wild |= !is_code;
  if (is_code && t[3] != '-') {
    on_reply(w, atoi(l->reply));
  }
  l->reply_n = 0;
}

/* ---- what became of it ---- */

static void check_result(const struct world *w, const struct nm_txn_result *r) {
  const struct letter *l = &w->letters[w->n_over];
  int is_good = r->outcome == NM_OUTCOME_ACCEPTED || r->outcome == NM_OUTCOME_PARTIAL;
  assert(r->n_rcpt == l->env.n_to && (r->error.code == 0) == is_good);
  for (size_t i = 0; i < r->n_rcpt; i++) {
    assert(r->rcpt[i].addr == l->to[i]);
  }
  if (w->line.is_wild) {
    return;
  }
  if (is_good) {
    assert(l->is_whole && l->end / 100 == 2 && l->n_good > 0 && l->is_mail_good);
    assert((r->outcome == NM_OUTCOME_PARTIAL) == ((size_t)l->n_good < r->n_rcpt));
  } else if (r->outcome == NM_OUTCOME_UNKNOWN) {
    assert(l->is_whole);
  } else {
    assert(!l->is_whole || l->end / 100 != 2 || l->n_good == 0);
  }
}

static void take_results(struct world *w) {
  while (nm_session_results(w->s) > 0) {
    check_result(w, nm_session_result(w->s));
    nm_session_drop_result(w->s);
    w->n_over++;
  }
}

static void check(struct world *w) {
  enum nm_session_state state = nm_session_state(w->s);
  const char *p = NULL;
  size_t n = 0;
  assert(state == NM_SESSION_BUSY || state == NM_SESSION_IDLE || state == NM_SESSION_CLOSED);
  if (state == NM_SESSION_BUSY) {
    assert((nm_session_want(w->s) & NM_WANT_READ) != 0);
    return;
  }
  assert(nm_session_want(w->s) == 0 && nm_session_output(w->s, &p, &n) == 0 && n == 0);
  assert(w->n_over + (int)nm_session_results(w->s) == w->n_begun);
}

/* ---- steps ---- */

/* What is lent, then: it must be more than the buffer is worth. */
static char *with_lines(const char *text, size_t lines) {
  static const char line[] = "what a line looks like\r\n";
  char *all = malloc(strlen(text) + lines * strlen(line) + 1);
  strcpy(all, text);
  for (char *p = all + strlen(all); lines > 0; lines--, p += strlen(line)) {
    strcpy(p, line);
  }
  return all;
}

static void begin(struct world *w, unsigned how) {
  static const char *const texts[] = {"a", ".\r\n..\r\nMAIL FROM:<s0@x>\r\n", "", "b\n.\nc\r\n.\r\nd\r\n"};
  struct letter *l = &w->letters[w->n_begun];
  if (w->n_begun == LETTERS || !nm_session_may_begin(w->s)) {
    return;
  }
  snprintf(l->specs[RCPTS], sizeof l->specs[0], "s%d@x.test", w->n_begun);
  snprintf(l->text, sizeof l->text, "%d\r\n%s", w->n_begun, texts[how & 3]);
  l->from = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[RCPTS])};
  for (int i = 0; i < RCPTS; i++) {
    snprintf(l->specs[i], sizeof l->specs[0], "r%d-%d@x.test", w->n_begun, i);
    l->rcpt[i] = (struct nm_addr){.refs = 1, .spec = nm_str_c(l->specs[i])};
    l->to[i] = &l->rcpt[i];
  }
  l->env = (struct nm_envelope){.from = &l->from, .to = l->to, .n_to = 1 + (how >> 2 & 1), .size = -1};
  l->env.chunking = (enum nm_chunking)(how >> 3 & 3) % 3;
  l->env.is_idle = (how & 96) == 96;
  l->env.all_or_nothing = (how & 224) == 128;
  int is_long = (how & 224) == 64;
  l->all = with_lines(l->text, is_long ? 1500 : 0);
  l->content = odd_source(nm_str_c(l->all), is_long ? 3000 : 1 + how % 11, (how & 224) == 160,
                          (how & 224) == 192 ? "gone" : NULL);
  ((struct odd_source *)l->content)->lends = SIZE_MAX;
  w->n_begun++;
  assert(nm_session_begin(w->s, &l->env, l->content) == 0);
}

static void speak(struct world *w, size_t most) {
  const char *p = NULL;
  size_t n = 0;
  int rc = nm_session_output(w->s, &p, &n);
  assert(n <= 262144 && (rc == 0 || (n == 0 && nm_session_state(w->s) == NM_SESSION_CLOSED)));
  struct nm_str behind = nm_session_behind(w->s);
  n = n < most ? n : most;
  behind.n = behind.n < most - n ? behind.n : most - n;
  see(w, p, n);
  see(w, behind.p, behind.n);
  nm_session_sent(w->s, n + behind.n);
}

static void hear(struct world *w, const char *p, size_t n) {
  char *exact = malloc(n > 0 ? n : 1);
  if (n > 0) {
    memcpy(exact, p, n);
  }
  for (size_t i = 0; i < n && nm_session_state(w->s) != NM_SESSION_CLOSED; i++) {
    hear_octet(w, p[i]);
    int rc = nm_session_input(w->s, exact + i, 1);
    assert(rc == 0 || nm_session_state(w->s) == NM_SESSION_CLOSED);
  }
  free(exact);
}

/* What a server that means well says to what is due. */
static void please(struct world *w, size_t many) {
  struct line *l = &w->line;
  while (many-- > 0 && l->first < l->last && !l->is_wild && nm_session_state(w->s) == NM_SESSION_BUSY) {
    hear(w, l->due[l->first].kind == DATA ? "354 go\r\n" : "250 ok\r\n", 8);
  }
}

static void step(struct world *w, struct input *in) {
  static const char *const replies[] = {
      "250 ok\r\n",  "354 go\r\n",         "550 5.1.1 no\r\n", "451 later\r\n",
      "421 bye\r\n", "250-a\r\n250 b\r\n", "503 no\r\n",       "2"};
  unsigned op = next(in), arg = op >> 3;
  switch (op & 7) {
    case 0:
    case 1:
      begin(w, next(in));
      break;
    case 2:
      speak(w, arg);
      break;
    case 3:
      speak(w, SIZE_MAX);
      break;
    case 4:
      hear(w, replies[arg & 7], strlen(replies[arg & 7]));
      break;
    case 5:
      please(w, arg);
      break;
    case 6:
      take_results(w);
      break;
    default:
      if (arg == 0) {
        nm_session_lost(w->s, NULL);
      } else if (arg < 4) { /* bytes of the input's own */
        size_t n = arg < in->n ? arg : in->n;
        hear(w, (const char *)in->p, n);
        in->p += n;
        in->n -= n;
      } else {
        speak(w, SIZE_MAX);
        please(w, SIZE_MAX);
      }
      break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  long live = nm_test_alloc_live();
  struct world *w = calloc(1, sizeof *w);
  unsigned how = next(&in);
  struct nm_caps caps = {.flags = (how & 3 ? NM_CAP_PIPELINING : 0u) | (how & 4 ? NM_CAP_CHUNKING : 0u)};
  w->line.letter = -1;
  w->line.content.max = LONG_MAX;
  w->s = nm_session_new();
  assert(nm_session_adopt(w->s, &caps) == 0 && nm_session_pipelining(w->s, NM_PIPELINING_FULL) == 0);
  assert(nm_session_window(w->s, 1 + (how >> 3 & 15), how & 128 ? 300 : 1 << 20) == 0);
  while (in.n > 0) {
    step(w, &in);
    check(w);
  }
  nm_session_lost(w->s, NULL);
  assert(nm_session_state(w->s) == NM_SESSION_CLOSED);
  check(w);
  take_results(w);
  assert(w->n_over == w->n_begun);
  nm_session_free(&w->s);
  for (int i = 0; i < w->n_begun; i++) {
    nm_source_free(&w->letters[i].content);
    free(w->letters[i].all);
  }
  nm_buf_free(&w->line.content);
  free(w);
  assert(nm_test_alloc_live() == live);
  return 0;
}
