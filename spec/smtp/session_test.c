#include "smtp/session.h"

#include "base/alloc.h"
#include "support/ctest.h"
#include "support/sources.h"

/* What a session is fed with in these tests. */
struct fixture {
  struct nm_session *s;
  struct nm_addr from;
  struct nm_addr *addrs;
  struct nm_addr **to;
  char (*specs)[48];
  struct nm_envelope env;
  struct nm_source *content;
};

static void adopt(struct nm_session *s, unsigned flags) {
  struct nm_caps caps = {.flags = flags};
  CHECK(nm_session_adopt(s, &caps) == 0);
}

static void set_up(struct fixture *f, unsigned flags, size_t n_to, struct nm_str content) {
  *f = (struct fixture){.s = nm_session_new(), .content = nm_source_memory(content)};
  f->from = (struct nm_addr){.refs = 1, .spec = NM_STR("me@example.org")};
  f->addrs = calloc(n_to, sizeof *f->addrs);
  f->to = calloc(n_to, sizeof *f->to);
  f->specs = calloc(n_to, sizeof *f->specs);
  for (size_t i = 0; i < n_to; i++) {
    snprintf(f->specs[i], sizeof f->specs[i], "user%zu@example.net", i);
    f->addrs[i] = (struct nm_addr){.refs = 1, .spec = nm_str_c(f->specs[i])};
    f->to[i] = &f->addrs[i];
  }
  f->env = (struct nm_envelope){.from = &f->from, .to = f->to, .n_to = n_to, .size = -1};
  adopt(f->s, flags);
}

static void tear_down(struct fixture *f) {
  nm_session_free(&f->s);
  nm_source_free(&f->content);
  free(f->addrs);
  free(f->to);
  free(f->specs);
}

static int say(struct nm_session *s, const char *reply) {
  return nm_session_input(s, reply, strlen(reply));
}

/* Takes all output, as large as it comes; returns how many bytes. */
static size_t take_all(struct nm_session *s, struct nm_buf *wire) {
  size_t total = 0;
  for (;;) {
    const char *p = NULL;
    size_t n = 0;
    CHECK(nm_session_output(s, &p, &n) == 0);
    if (n == 0) {
      return total;
    }
    if (wire != NULL) {
      nm_buf_add(wire, p, n);
    }
    nm_session_sent(s, n);
    total += n;
  }
}

static void is_closed_until_it_has_a_connection(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 1, NM_STR("x"));
  struct nm_session *s = nm_session_new();
  const char *p = NULL;
  size_t n = 1;
  CHECK(nm_session_state(s) == NM_SESSION_CLOSED && nm_session_want(s) == 0);
  CHECK(nm_session_begin(s, &f.env, f.content) == NM_EINVAL && nm_session_quit(s) == NM_EINVAL);
  CHECK(nm_session_output(s, &p, &n) == 0 && n == 0);
  CHECK(say(s, "250 ok\r\n") == NM_EINVAL);
  nm_session_lost(s, NULL);
  adopt(s, NM_CAP_SIZE);
  CHECK(nm_session_state(s) == NM_SESSION_IDLE && nm_session_want(s) == 0);
  CHECK(nm_session_caps(s)->flags == NM_CAP_SIZE);
  struct nm_caps caps = {0};
  CHECK(nm_session_adopt(s, &caps) == NM_EINVAL && nm_session_state(s) == NM_SESSION_IDLE);
  nm_session_free(&s);
  nm_session_free(&s);
  tear_down(&f);
}

static void runs_one_thing_at_a_time(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 1, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0 && nm_session_state(f.s) == NM_SESSION_BUSY);
  CHECK(nm_session_begin(f.s, &f.env, f.content) == NM_EINVAL && nm_session_quit(f.s) == NM_EINVAL);
  CHECK(nm_session_state(f.s) == NM_SESSION_BUSY);
  take_all(f.s, NULL);
  CHECK(say(f.s, "550 no\r\n503 no\r\n503 no\r\n") == 0 && nm_session_state(f.s) == NM_SESSION_IDLE);
  CHECK(nm_session_quit(f.s) == 0 && nm_session_state(f.s) == NM_SESSION_QUITTING);
  CHECK(nm_session_begin(f.s, &f.env, f.content) == NM_EINVAL && nm_session_quit(f.s) == NM_EINVAL);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  take_all(f.s, NULL);
  CHECK(nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "221 bye\r\n") == 0 && nm_session_state(f.s) == NM_SESSION_CLOSED);
  CHECK(nm_session_begin(f.s, &f.env, f.content) == NM_EINVAL);
  tear_down(&f);
}

static void says_what_it_wants(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 1, NM_STR(""));
  struct nm_source *slow = odd_source(NM_STR("Hi\r\n"), 100, 1, NULL);
  const char *p = NULL;
  size_t n = 0;
  CHECK(nm_session_begin(f.s, &f.env, slow) == 0);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  CHECK(nm_session_output(f.s, &p, &n) == 0 && n > 0);
  nm_session_sent(f.s, n - 1);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  nm_session_sent(f.s, 1000); /* no more than there are */
  CHECK(nm_session_want(f.s) == NM_WANT_READ);
  CHECK(nm_session_output(f.s, &p, &n) == 0 && n == 0);
  uint64_t before = nm_session_progress(f.s);
  CHECK(say(f.s, "250 ok\r\n25") == 0 && nm_session_progress(f.s) == before + 1);
  CHECK(say(f.s, "0 o") == 0 && nm_session_progress(f.s) == before + 1); /* a drip is no progress */
  CHECK(say(f.s, "k\r\n354 go\r\n") == 0 && nm_session_progress(f.s) == before + 3);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  CHECK(nm_session_output(f.s, &p, &n) == 0 && n == 0);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_CONTENT));
  CHECK(nm_session_output(f.s, &p, &n) == 0 && n == 4);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  nm_session_sent(f.s, n);
  CHECK(take_all(f.s, NULL) == 3 && nm_session_want(f.s) == NM_WANT_READ && nm_session_handed_over(f.s));
  CHECK(say(f.s, "250 ok\r\n") == 0 && nm_session_want(f.s) == 0);
  nm_source_free(&slow);
  tear_down(&f);
}

/* A reply that begins before the message has ended: what is left of the message waits for it. Whatever it turns out to be, it
   is no answer to the message. */
static void says_nothing_while_it_is_interrupted(void) {
  static const char *const replies[] = {"250 ok\r\n", "552 full\r\n", "421 bye\r\n", "354 go\r\n"};
  for (size_t i = 0; i < 4; i++) {
    struct fixture f;
    const char *p = NULL;
    size_t n = 0;
    set_up(&f, NM_CAP_PIPELINING, 1, NM_STR("Hello\r\n"));
    CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
    take_all(f.s, NULL);
    CHECK(say(f.s, "250 ok\r\n250 ok\r\n354 go\r\n") == 0);
    CHECK(nm_session_output(f.s, &p, &n) == 0 && n == 10);
    nm_session_sent(f.s, 9);
    CHECK(nm_session_input(f.s, replies[i], 1) == 0 && nm_session_want(f.s) == NM_WANT_READ);
    CHECK(nm_session_output(f.s, &p, &n) == 0 && n == 0);
    nm_session_sent(f.s, 1); /* a transport that had it already */
    CHECK(nm_session_handed_over(f.s));
    CHECK_ROW(say(f.s, replies[i] + 1) == NM_EPROTO && nm_session_state(f.s) == NM_SESSION_CLOSED,
              replies[i]);
    CHECK_ROW(nm_session_result(f.s)->outcome == NM_OUTCOME_UNKNOWN, replies[i]);
    CHECK(say(f.s, "250 ok\r\n") == NM_EPROTO);
    tear_down(&f);
  }
}

static int fail_without_a_word(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  (void)s;
  (void)p;
  (void)cap;
  *n_out = 0;
  return NM_EIO;
}

static void a_source_that_fails_without_a_word(void) {
  static const struct nm_source_ops ops = {fail_without_a_word, NULL, NULL, NULL, NULL, NULL};
  struct nm_source source = {.ops = &ops};
  struct fixture f;
  const char *p = NULL;
  size_t n = 0;
  set_up(&f, NM_CAP_PIPELINING, 1, NM_STR(""));
  CHECK(nm_session_begin(f.s, &f.env, &source) == 0);
  take_all(f.s, NULL);
  CHECK(say(f.s, "250 ok\r\n250 ok\r\n354 go\r\n") == 0);
  CHECK(nm_session_output(f.s, &p, &n) == NM_EIO && n == 0);
  CHECK(nm_session_state(f.s) == NM_SESSION_CLOSED && nm_session_output(f.s, &p, &n) == 0 && n == 0);
  const struct nm_txn_result *r = nm_session_result(f.s);
  CHECK(r->outcome == NM_OUTCOME_NOT_SENT && r->error.code == NM_EIO && r->error.kind == NM_KIND_MESSAGE);
  CHECK(strcmp(r->error.text, "the message could not be read") == 0);
  tear_down(&f);
}

/* The dot falls on the end of what is sent at once, one before it, one behind it: a reply that comes right after the
   last byte is the message's, never an early one. */
static void knows_when_all_is_handed_over(void) {
  for (size_t wire = 65530; wire <= 65545; wire++) {
    for (size_t times = 1; times <= 3; times++) {
      struct fixture f;
      size_t n = wire * times - 5;
      char *bytes = malloc(n);
      memset(bytes, 'x', n);
      set_up(&f, NM_CAP_PIPELINING, 1, nm_str(bytes, n));
      CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
      take_all(f.s, NULL);
      CHECK(say(f.s, "250 ok\r\n250 ok\r\n354 go\r\n") == 0);
      size_t sent = 0;
      while (sent < n + 5) {
        const char *p = NULL;
        size_t have = 0;
        CHECK(nm_session_output(f.s, &p, &have) == 0 && have > 0 && !nm_session_handed_over(f.s));
        nm_session_sent(f.s, have);
        sent += have;
      }
      CHECK(sent == n + 5 && nm_session_handed_over(f.s));
      CHECK(say(f.s, "250 ok\r\n") == 0);
      CHECK(nm_session_result(f.s)->outcome == NM_OUTCOME_ACCEPTED);
      tear_down(&f);
      free(bytes);
    }
  }
}

/* Takes chunks apart: how many there were, and what they held. -1 when a size is wrong or the last one is not the end. */
static int unchunk(struct nm_str wire, struct nm_buf *content) {
  int chunks = 0;
  while (wire.n > 0) {
    char *end = NULL;
    const char *lf = memchr(wire.p, '\n', wire.n);
    if (lf == NULL || wire.n < 5 || memcmp(wire.p, "BDAT ", 5) != 0) {
      return -1;
    }
    size_t n = strtoul(wire.p + 5, &end, 10);
    size_t head = (size_t)(lf - wire.p) + 1;
    int is_last = strncmp(end, " LAST\r\n", 7) == 0;
    if ((!is_last && end[0] != '\r') || n > wire.n - head) {
      return -1;
    }
    nm_buf_add(content, wire.p + head, n);
    wire = nm_str(wire.p + head + n, wire.n - head - n);
    chunks++;
    if (is_last != (wire.n == 0)) {
      return -1;
    }
  }
  return chunks;
}

/* What a buffer takes at first, and when a content has filled it; and what is lent at once. */
#define SMALL 65536
#define LARGE 262144

static void send_in_chunks(size_t n, int is_lent, int least, int most) {
  struct fixture f;
  struct nm_buf wire = {.max = 1 << 20}, content = {.max = 1 << 20};
  char *bytes = malloc(n);
  memset(bytes, 'x', n - 2);
  memcpy(bytes + n - 2, "\r\n", 2);
  set_up(&f, NM_CAP_PIPELINING | NM_CAP_CHUNKING, 1, nm_str(bytes, n));
  struct nm_source *copied = odd_source(nm_str(bytes, n), n, 0, NULL);
  f.env.chunking = NM_CHUNKING_AFTER_RCPT;
  CHECK(nm_session_begin(f.s, &f.env, is_lent ? f.content : copied) == 0);
  take_all(f.s, NULL);
  CHECK(say(f.s, "250 ok\r\n250 ok\r\n") == 0);
  take_all(f.s, &wire);
  int chunks = unchunk(nm_buf_str(&wire), &content);
  CHECK(nm_session_handed_over(f.s) && chunks >= least && chunks <= most);
  CHECK(nm_str_eq(nm_buf_str(&content), nm_str(bytes, n)));
  for (int i = 0; i < chunks; i++) {
    CHECK(nm_session_state(f.s) == NM_SESSION_BUSY && say(f.s, "250 ok\r\n") == 0);
  }
  CHECK(nm_session_result(f.s)->outcome == NM_OUTCOME_ACCEPTED);
  nm_buf_free(&wire);
  nm_buf_free(&content);
  nm_source_free(&copied);
  tear_down(&f);
  free(bytes);
}

/* Contents around the size of a chunk, of two and of three, known or not: each is whole, and all chunks go without waiting. */
static void sends_chunks_of_the_right_size(void) {
  for (int times = 0; times < 3; times++) {
    for (size_t n = SMALL - 60; n < SMALL + 20; n++) {
      send_in_chunks(n + (size_t)times * LARGE, 0, times + 1, times + 2);
    }
  }
  for (int times = 1; times <= 3; times++) {
    for (size_t n = LARGE * (size_t)times - 20; n < LARGE * (size_t)times + 20; n++) {
      send_in_chunks(n, 1, times, times + 1);
    }
  }
}

/* What is lent goes out behind the chunk's head, and is nobody else's memory. */
static void sends_from_where_the_content_lies(void) {
  struct fixture f;
  size_t n = 100000, have = 0;
  char *bytes = malloc(n);
  const char *p = NULL;
  memset(bytes, 'x', n - 2);
  memcpy(bytes + n - 2, "\r\n", 2);
  set_up(&f, NM_CAP_PIPELINING | NM_CAP_CHUNKING, 1, nm_str(bytes, n));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  CHECK(nm_session_behind(f.s).n == 0);
  CHECK(nm_session_output(f.s, &p, &have) == 0 && memcmp(p + have - 18, "BDAT 100000 LAST\r\n", 18) == 0);
  CHECK(nm_session_behind(f.s).p == bytes && nm_session_behind(f.s).n == n);
  nm_session_sent(f.s, have + 10); /* a transport that took both */
  CHECK(nm_session_content_begun(f.s) && !nm_session_handed_over(f.s));
  CHECK(nm_session_output(f.s, &p, &have) == 0 && p == bytes + 10 && have == n - 10);
  CHECK(nm_session_behind(f.s).n == 0 && nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  nm_session_sent(f.s, have - 1);
  CHECK(!nm_session_handed_over(f.s));
  nm_session_sent(f.s, 1);
  CHECK(nm_session_handed_over(f.s) && nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "250 ok\r\n250 ok\r\n250 ok\r\n") == 0 && nm_session_state(f.s) == NM_SESSION_IDLE);
  tear_down(&f);
  free(bytes);
}

/* Five chunks on their way, the second refused: what was begun is sent to its end, nothing more is begun, every reply is heard, and
   the connection is good again. */
static void stops_chunks_when_one_is_refused(void) {
  struct fixture f;
  size_t n = SMALL + 5 * LARGE;
  char *bytes = calloc(1, n);
  const char *p = NULL;
  size_t have = 0;
  set_up(&f, NM_CAP_PIPELINING | NM_CAP_CHUNKING | NM_CAP_BINARYMIME, 1, NM_STR(""));
  nm_source_free(&f.content);
  f.content = odd_source(nm_str(bytes, n), n, 0, NULL);
  f.env.body = NM_BODY_BINARYMIME;
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  for (int i = 0; i < 4; i++) {
    CHECK(nm_session_output(f.s, &p, &have) == 0 && have > 60000);
    nm_session_sent(f.s, have);
  }
  CHECK(nm_session_output(f.s, &p, &have) == 0 && have > 60000);
  nm_session_sent(f.s, 100);
  CHECK(say(f.s, "250 ok\r\n250 ok\r\n250 ok\r\n452 4.3.1 full\r\n") == 0);
  CHECK(nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_WRITE));
  CHECK(take_all(f.s, NULL) == have - 100 && nm_session_want(f.s) == NM_WANT_READ);
  CHECK(say(f.s, "503 no\r\n503 no\r\n") == 0 && nm_session_state(f.s) == NM_SESSION_BUSY);
  CHECK(say(f.s, "503 no\r\n") == 0 && nm_session_state(f.s) == NM_SESSION_IDLE);
  const struct nm_txn_result *r = nm_session_result(f.s);
  CHECK(r->outcome == NM_OUTCOME_REJECTED && r->reply.code == 452 && !nm_session_handed_over(f.s));
  CHECK(strcmp(r->command, "BDAT") == 0 && r->rcpt[0].fate == NM_FATE_REFUSED);
  CHECK(nm_source_rewind(f.content) == 0 && nm_session_begin(f.s, &f.env, f.content) == 0);
  CHECK(nm_session_output(f.s, &p, &have) == 0 && have > 6 && memcmp(p, "RSET\r\n", 6) == 0);
  tear_down(&f);
  free(bytes);
}

/* While replies are due, pieces are gathered; as soon as the server has nothing to do, what there is goes. */
static void gathers_small_pieces(void) {
  struct fixture f;
  struct nm_buf wire = {.max = 10000}, content = {.max = 1000};
  set_up(&f, NM_CAP_PIPELINING | NM_CAP_CHUNKING, 1, NM_STR(""));
  struct nm_source *slow = odd_source(NM_STR("0123456789\r\n"), 1, 1, NULL);
  f.env.chunking = NM_CHUNKING_AFTER_RCPT;
  CHECK(nm_session_begin(f.s, &f.env, slow) == 0);
  take_all(f.s, NULL);
  CHECK(say(f.s, "250 ok\r\n250 ok\r\n") == 0);
  CHECK(take_all(f.s, &wire) == 0 && nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_CONTENT));
  CHECK(take_all(f.s, &wire) == 9 && memcmp(wire.p, "BDAT 1\r\n0", 9) == 0);
  for (int i = 0; i < 5; i++) {
    CHECK(take_all(f.s, &wire) == 0 && nm_session_want(f.s) == (NM_WANT_READ | NM_WANT_CONTENT));
  }
  CHECK(say(f.s, "250 ok\r\n") == 0);
  CHECK(take_all(f.s, &wire) > 0 && memcmp(wire.p + 9, "BDAT ", 5) == 0 && atoi(wire.p + 14) >= 5);
  for (int i = 0; i < 30; i++) {
    take_all(f.s, &wire);
  }
  int chunks = unchunk(nm_buf_str(&wire), &content);
  CHECK(nm_session_handed_over(f.s) && chunks == 3);
  CHECK(nm_str_eq(nm_buf_str(&content), NM_STR("0123456789\r\n")));
  nm_buf_free(&wire);
  nm_buf_free(&content);
  nm_source_free(&slow);
  tear_down(&f);
}

static void knows_when_a_connection_is_spent(void) {
  struct fixture f;
  struct nm_caps caps = {.flags = NM_CAP_PIPELINING, .mail_max = 2};
  set_up(&f, NM_CAP_PIPELINING, 1, NM_STR("x"));
  struct nm_session *s = nm_session_new();
  CHECK(nm_session_adopt(s, &caps) == 0 && !nm_session_is_spent(s));
  for (int i = 0; i < 2; i++) {
    CHECK(!nm_session_is_spent(s) && nm_session_begin(s, &f.env, f.content) == 0);
    take_all(s, NULL);
    CHECK(say(s, "550 no\r\n503 no\r\n503 no\r\n") == 0);
  }
  CHECK(nm_session_is_spent(s));
  nm_session_free(&s);
  tear_down(&f);
}

/* Two socket buffers of a few bytes, and a server that stops reading when it cannot write: what hangs when a client
   writes all before it reads. */
struct small_line {
  char to_client[64];
  size_t n;
  size_t lines;  /* whole commands the server has read */
  size_t line_n; /* bytes of the next */
  int is_data;   /* reading content */
  size_t tail;   /* how much of CRLF.CRLF is matched */
  size_t n_to;
  char line[32];
  size_t chunk; /* bytes to come of a chunk */
};

static int server_can_answer(const struct small_line *l) {
  return l->n + 32 <= sizeof l->to_client;
}

static void server_answer(struct small_line *l, const char *reply) {
  size_t n = strlen(reply);
  memcpy(l->to_client + l->n, reply, n);
  l->n += n;
}

static void server_take(struct small_line *l, char c) {
  static const char end[] = "\r\n.\r\n";
  if (l->is_data) {
    l->tail = c == end[l->tail] ? l->tail + 1 : c == '\r';
    if (l->tail == 5) {
      l->is_data = 0;
      server_answer(l, "250 2.0.0 queued\r\n");
    }
    return;
  }
  if (l->chunk > 0) {
    if (--l->chunk == 0) {
      server_answer(l, "250 2.0.0 octets received\r\n");
    }
    return;
  }
  l->line[l->line_n % 31] = c;
  l->line_n++;
  if (c == '\n' && memcmp(l->line, "BDAT ", 5) == 0) {
    l->chunk = strtoul(l->line + 5, NULL, 10);
    l->line_n = 0;
  } else if (c == '\n') {
    l->is_data = l->lines == l->n_to + 1;
    l->tail = l->is_data ? 2 : 0;
    server_answer(l, l->is_data           ? "354 go\r\n"
                     : l->lines % 10 == 9 ? "550 5.1.1 no\r\n"
                                          : "250 2.1.5 ok\r\n");
    l->lines++;
    l->line_n = 0;
  }
}

/* Returns the most bytes that were pending at once. */
static size_t talk_over_small_line(struct fixture *f, struct small_line *l) {
  size_t most = 0;
  CHECK(nm_session_begin(f->s, &f->env, f->content) == 0);
  while (nm_session_state(f->s) == NM_SESSION_BUSY) {
    const char *p = NULL;
    size_t n = 0;
    size_t moved = 0;
    CHECK(nm_session_output(f->s, &p, &n) == 0);
    most = n > most ? n : most;
    while (moved < n && moved < 48 && server_can_answer(l)) {
      server_take(l, p[moved++]);
    }
    nm_session_sent(f->s, moved);
    size_t read = l->n < 40 ? l->n : 40;
    if ((nm_session_want(f->s) & NM_WANT_READ) != 0 && read > 0) {
      char piece[40];
      memcpy(piece, l->to_client, read);
      l->n -= read;
      memmove(l->to_client, l->to_client + read, l->n);
      CHECK(nm_session_input(f->s, piece, read) == 0);
      moved += read;
    }
    if (moved == 0) {
      CHECK_ROW(0, "neither side can go on");
      break;
    }
  }
  return most;
}

static void cannot_be_deadlocked(void) {
  static const size_t counts[] = {1, 9, 1000, 100000};
  for (size_t i = 0; i < 4; i++) {
    for (int way = 0; way < 4; way++) {
      struct fixture f;
      struct small_line l = {.n_to = counts[i]};
      unsigned flags = (way & 1 ? NM_CAP_PIPELINING : 0u) | (way & 2 ? NM_CAP_CHUNKING : 0u);
      set_up(&f, flags, counts[i], NM_STR("a\r\n.b\r\n"));
      size_t most = talk_over_small_line(&f, &l);
      const struct nm_txn_result *r = nm_session_result(f.s);
      size_t refused = counts[i] / 10 + (counts[i] % 10 == 9);
      CHECK(most <= 65536);
      CHECK(r->outcome == (refused > 0 ? NM_OUTCOME_PARTIAL : NM_OUTCOME_ACCEPTED));
      CHECK(r->n_rcpt == counts[i] && r->n_accepted == counts[i] - refused);
      for (size_t k = 0; k < r->n_rcpt; k += 7) {
        CHECK(r->rcpt[k].addr == f.to[k] && r->rcpt[k].code == (k % 10 == 8 ? 550 : 250));
      }
      CHECK(nm_session_state(f.s) == NM_SESSION_IDLE);
      tear_down(&f);
    }
  }
}

/* A group that does not fit what is sent at once, and a MAIL that is refused meanwhile: the rest of it is not said. */
static void stops_a_long_group_when_mail_is_refused(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 10000, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  const char *p = NULL;
  size_t n = 0;
  CHECK(nm_session_output(f.s, &p, &n) == 0 && n > 60000 && n <= 65536);
  size_t rcpts = 0;
  for (size_t i = 0; i < n; i++) {
    rcpts += p[i] == '\n';
  }
  rcpts--;
  nm_session_sent(f.s, n);
  CHECK(say(f.s, "550 no\r\n") == 0 && take_all(f.s, NULL) == 0);
  for (size_t i = 0; i < rcpts; i++) {
    CHECK(nm_session_state(f.s) == NM_SESSION_BUSY);
    say(f.s, "503 no\r\n");
  }
  CHECK(nm_session_state(f.s) == NM_SESSION_IDLE);
  const struct nm_txn_result *r = nm_session_result(f.s);
  CHECK(r->outcome == NM_OUTCOME_REJECTED && r->reply.code == 550);
  CHECK(r->rcpt[0].code == 0 && r->rcpt[0].fate == NM_FATE_REFUSED); /* 503 is no answer to it */
  CHECK(r->rcpt[rcpts].code == 0 && r->rcpt[rcpts].fate == NM_FATE_REFUSED);
  tear_down(&f);
}

/* A message that went with its envelope, and a reply too many: it may have come first, and then each of them belongs one further on. */
static void knows_no_fate_when_replies_do_not_add_up(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING | NM_CAP_CHUNKING, 2, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  take_all(f.s, NULL);
  CHECK(say(f.s, "250 ok\r\n450 no\r\n250 ok\r\n250 ok\r\n250 ok\r\n") == NM_EPROTO);
  const struct nm_txn_result *r = nm_session_result(f.s);
  CHECK(r->outcome == NM_OUTCOME_UNKNOWN && r->n_rcpt == 2);
  CHECK(r->rcpt[0].fate == NM_FATE_UNKNOWN && r->rcpt[1].fate == NM_FATE_UNKNOWN);
  tear_down(&f);
}

static void keeps_what_is_said_again_once(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 4, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  while (take_all(f.s, NULL) > 0) {
  }
  CHECK(say(f.s, "250 ok\r\n250 2.1.5 yes\r\n251 2.1.5 yes\r\n550 5.1.1 no\r\n250 2.1.5 yes\r\n451 no\r\n") ==
        0);
  struct nm_txn_result r;
  nm_session_take_result(f.s, &r);
  CHECK(r.rcpt[0].words != NULL && r.rcpt[0].words == r.rcpt[1].words && r.rcpt[1].code == 251);
  CHECK(r.rcpt[2].words != r.rcpt[1].words && strcmp(nm_rcpt_reply(&r.rcpt[2]).text.p, "5.1.1 no") == 0);
  CHECK(strcmp(nm_rcpt_reply(&r.rcpt[3]).text.p, "2.1.5 yes") == 0 && r.rcpt[3].enhanced[2] == 5);
  tear_down(&f); /* it outlives the session */
  CHECK(strcmp(nm_rcpt_reply(&r.rcpt[0]).text.p, "2.1.5 yes") == 0);
  nm_txn_result_free(&r);
}

static void keeps_little_of_a_chatty_server(void) {
  enum { RCPTS = 5000 };
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, RCPTS, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  struct nm_buf reply = {.max = NM_REPLY_MAX};
  for (int i = 0; i < 15; i++) {
    char line[4001];
    memset(line, 'y', 4000);
    line[4000] = '\0';
    nm_buf_addf(&reply, "%s%s\r\n", i < 14 ? "250-" : "250 ", line);
  }
  while (take_all(f.s, NULL) > 0) {
  }
  CHECK(say(f.s, "250 ok\r\n") == 0);
  for (int i = 0; i < RCPTS; i++) {
    reply.p[4] = (char)('a' + i % 2); /* what it has just said would not be kept again */
    CHECK(nm_session_input(f.s, reply.p, reply.n) == 0);
  }
  CHECK(say(f.s, "451 no\r\n") == 0);
  const struct nm_txn_result *r = nm_session_result(f.s);
  size_t total = 0;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    size_t n = nm_rcpt_reply(&r->rcpt[i]).text.n;
    CHECK(r->rcpt[i].code == 250 && n <= NM_RCPT_TEXT_MAX);
    total += n;
  }
  CHECK(total <= NM_RCPT_TEXTS_MAX && total > NM_RCPT_TEXTS_MAX / 2);
  nm_buf_free(&reply);
  tear_down(&f);
}

/* Whatever checked it before: an address that could end a command costs the server not one byte. */
static void checks_addresses_before_the_first_byte(void) {
  static const char *const bad[] = {
      "b@y.test>\r\nRCPT TO:<evil@z.test", "b@y\n", "b@y\r", "a b@c", "\xc3\xbc@b", ""};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct fixture f;
    set_up(&f, NM_CAP_PIPELINING, 3, NM_STR("x"));
    f.addrs[2].spec = nm_str_c(bad[i]);
    CHECK_ROW(nm_session_begin(f.s, &f.env, f.content) == NM_EINVAL, bad[i]);
    f.addrs[2].spec = NM_STR("c@d");
    f.from.spec =
        i + 1 < sizeof bad / sizeof bad[0] ? nm_str_c(bad[i]) : NM_STR("<"); /* "" is the null sender */
    CHECK_ROW(nm_session_begin(f.s, &f.env, f.content) == NM_EINVAL, bad[i]);
    CHECK(nm_session_result(f.s)->error.kind == NM_KIND_MESSAGE && nm_session_want(f.s) == 0);
    CHECK(take_all(f.s, NULL) == 0 && nm_session_state(f.s) == NM_SESSION_IDLE);
    f.from.spec = NM_STR("me@example.org");
    CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
    tear_down(&f);
  }
}

/* What one server refuses another takes, with the same envelope and content. */
static void eight_bit_content_needs_8bitmime(void) {
  static const unsigned offers[] = {NM_CAP_PIPELINING, NM_CAP_PIPELINING | NM_CAP_8BITMIME};
  for (size_t i = 0; i < 2; i++) {
    struct fixture f;
    struct nm_buf wire = {.max = 1000};
    set_up(&f, offers[i], 1, NM_STR("\xd0\x96\r\n"));
    f.env.body = NM_BODY_8BITMIME;
    CHECK(nm_session_begin(f.s, &f.env, f.content) == (i == 0 ? NM_EINVAL : 0));
    CHECK(nm_session_state(f.s) == (i == 0 ? NM_SESSION_IDLE : NM_SESSION_BUSY));
    take_all(f.s, &wire);
    if (i == 0) {
      const struct nm_txn_result *r = nm_session_result(f.s);
      CHECK(wire.n == 0 && nm_session_want(f.s) == 0);
      CHECK(r->outcome == NM_OUTCOME_NOT_SENT && r->error.kind == NM_KIND_MESSAGE && r->n_rcpt == 0);
      CHECK(strstr(r->error.text, "8BITMIME") != NULL);
    } else {
      CHECK(nm_buf_str(&wire).n > 0 && memmem(wire.p, wire.n, " BODY=8BITMIME\r\n", 16) != NULL);
    }
    nm_buf_free(&wire);
    tear_down(&f);
  }
}

static void result_outlives_the_session(void) {
  struct fixture f;
  struct nm_txn_result r;
  set_up(&f, NM_CAP_PIPELINING, 2, NM_STR("x"));
  CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
  take_all(f.s, NULL);
  say(f.s, "250 ok\r\n250 first\r\n550 second\r\n354 go\r\n");
  take_all(f.s, NULL);
  say(f.s, "250 queued as Q1\r\n");
  nm_session_take_result(f.s, &r);
  CHECK(nm_session_result(f.s)->n_rcpt == 0);
  tear_down(&f);
  CHECK(r.outcome == NM_OUTCOME_PARTIAL && r.n_rcpt == 2 && strcmp(r.rcpt[1].words->text, "second") == 0);
  CHECK(nm_str_eq(nm_reply_queue_id(&r.reply), NM_STR("Q1")));
  nm_txn_result_free(&r);
  nm_txn_result_free(&r);
}

/* Many messages over one connection do not add up. */
static void reuses_its_memory(void) {
  struct fixture f;
  set_up(&f, NM_CAP_PIPELINING, 3, NM_STR("x\r\n"));
  long live = 0;
  for (int i = 0; i < 5; i++) {
    CHECK(nm_source_rewind(f.content) == 0);
    CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
    take_all(f.s, NULL);
    say(f.s, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    take_all(f.s, NULL);
    CHECK(say(f.s, "250 ok\r\n") == 0 && nm_session_result(f.s)->outcome == NM_OUTCOME_ACCEPTED);
    CHECK(i == 0 || nm_test_alloc_live() == live);
    live = nm_test_alloc_live();
  }
  tear_down(&f);
}

static void names_outcomes(void) {
  CHECK(strcmp(nm_outcome_name(NM_OUTCOME_NOT_SENT), "not_sent") == 0);
  CHECK(strcmp(nm_outcome_name(NM_OUTCOME_REJECTED), "rejected") == 0);
  CHECK(strcmp(nm_outcome_name(NM_OUTCOME_PARTIAL), "partial") == 0);
  CHECK(strcmp(nm_outcome_name(NM_OUTCOME_ACCEPTED), "accepted") == 0);
  CHECK(strcmp(nm_outcome_name(NM_OUTCOME_UNKNOWN), "unknown") == 0);
}

/* Memory that is short while the final reply is kept takes its text, never what became of the message. */
static void short_memory_does_not_change_an_outcome(void) {
  for (long k = 1; k < 6; k++) {
    struct fixture f;
    set_up(&f, NM_CAP_PIPELINING, 1, NM_STR("x"));
    CHECK(nm_session_begin(f.s, &f.env, f.content) == 0);
    take_all(f.s, NULL);
    nm_test_alloc_fail_at(k);
    CHECK(say(f.s, "250 ok\r\n250 ok\r\n354 go\r\n") == 0);
    take_all(f.s, NULL);
    CHECK(say(f.s, k % 2 ? "250 2.0.0 ok\r\n" : "550 5.7.1 no\r\n") == 0);
    nm_test_alloc_fail_at(0);
    const struct nm_txn_result *r = nm_session_result(f.s);
    CHECK(r->outcome == (k % 2 ? NM_OUTCOME_ACCEPTED : NM_OUTCOME_REJECTED));
    CHECK(r->reply.code == (k % 2 ? 250 : 550) && r->reply.enhanced[0] == (k % 2 ? 2 : 5));
    CHECK(k % 2 || r->error.text[0] != '\0');
    tear_down(&f);
  }
}

int main(void) {
  long live = nm_test_alloc_live();
  RUN(is_closed_until_it_has_a_connection);
  RUN(runs_one_thing_at_a_time);
  RUN(says_what_it_wants);
  RUN(says_nothing_while_it_is_interrupted);
  RUN(a_source_that_fails_without_a_word);
  RUN(knows_when_all_is_handed_over);
  RUN(sends_chunks_of_the_right_size);
  RUN(sends_from_where_the_content_lies);
  RUN(stops_chunks_when_one_is_refused);
  RUN(gathers_small_pieces);
  RUN(knows_when_a_connection_is_spent);
  RUN(cannot_be_deadlocked);
  RUN(stops_a_long_group_when_mail_is_refused);
  RUN(knows_no_fate_when_replies_do_not_add_up);
  RUN(keeps_what_is_said_again_once);
  RUN(keeps_little_of_a_chatty_server);
  RUN(checks_addresses_before_the_first_byte);
  RUN(eight_bit_content_needs_8bitmime);
  RUN(result_outlives_the_session);
  RUN(reuses_its_memory);
  RUN(names_outcomes);
  RUN(short_memory_does_not_change_an_outcome);
  CHECK(nm_test_alloc_live() == live);
  return ctest_end();
}
