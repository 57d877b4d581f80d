/* Plays every case of spec/transcripts/ between two ends of a TCP connection: the session is moved by nm_pump, its socket takes and
   gives what it likes, and the server's words come in odd pieces, some of them late. What becomes of it must be the same. */

#include "pump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtp/transcript_files.h"

/* A line and how it is cut. */
struct line {
  struct nm_io io; /* the client's end, first */
  int client, server;
  size_t room;        /* octets that the client's socket still takes */
  size_t said, heard; /* by the server; by the session */
  size_t piece;       /* at most that many at once, both ways; 0: as many as chance will have it */
  int is_late;        /* all that the server says is there before the client looks */
  unsigned long long chance;
};

static int listener = -1;

/* Of xorshift: the same at each run. */
static size_t pick(struct line *l, size_t below) {
  l->chance ^= l->chance << 13;
  l->chance ^= l->chance >> 7;
  l->chance ^= l->chance << 17;
  return (size_t)(l->chance % below);
}

static size_t cut(struct line *l, size_t n) {
  size_t piece = l->piece > 0 ? l->piece : 1 + pick(l, 1 + pick(l, 40));
  return n < piece ? n : piece;
}

/* ---- the client's socket ---- */

static int io_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct line *l = (struct line *)(void *)io;
  n = cut(l, n);
  n = n < l->room ? n : l->room;
  if (n == 0) {
    return NM_AGAIN;
  }
  ssize_t got = send(l->client, p, n, MSG_NOSIGNAL);
  if (got < 0) {
    return errno == EAGAIN ? NM_AGAIN : NM_EIO;
  }
  l->room -= (size_t)got;
  *n_out = (size_t)got;
  return 0;
}

static int io_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct line *l = (struct line *)(void *)io;
  ssize_t got = recv(l->client, p, cut(l, cap), 0);
  if (got < 0) {
    return errno == EAGAIN ? NM_AGAIN : NM_EIO;
  }
  l->heard += (size_t)got;
  *n_out = (size_t)got;
  return 0;
}

static int io_wait(struct nm_io *io, int want, int ms) {
  struct line *l = (struct line *)(void *)io;
  struct pollfd fd = {.fd = l->client, .events = POLLIN};
  (void)want;
  return poll(&fd, 1, ms) > 0 ? 0 : NM_ETIME;
}

static const struct nm_io_ops io_ops = {io_send, io_recv, io_wait, NULL};

static int open_line(struct line *l) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t n = sizeof at;
  int one = 1;
  l->io.ops = &io_ops;
  l->client = socket(AF_INET, SOCK_STREAM, 0);
  if (getsockname(listener, (struct sockaddr *)&at, &n) != 0 ||
      connect(l->client, (struct sockaddr *)&at, n) != 0) {
    return -1;
  }
  l->server = accept(listener, NULL, NULL);
  setsockopt(l->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(l->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return l->server >= 0 && fcntl(l->client, F_SETFL, O_NONBLOCK) == 0 &&
                 fcntl(l->server, F_SETFL, O_NONBLOCK) == 0
             ? 0
             : -1;
}

static void close_line(struct line *l) {
  if (l->client >= 0) {
    close(l->client);
  }
  if (l->server >= 0) {
    close(l->server);
  }
}

/* ---- what a case does with it ---- */

static int runs(const struct transcript_run *r) {
  enum nm_session_state state = nm_session_state(r->session);
  return state == NM_SESSION_BUSY || state == NM_SESSION_TALKING;
}

/* Nobody pumps a session that rests or has said QUIT; whoever finds its line readable reads it for it. */
static void read_for_it(struct transcript_run *r) {
  struct line *l = r->line;
  char bytes[4096];
  size_t n = 0;
  while (l->heard < l->said && io_recv(&l->io, bytes, sizeof bytes, &n) == 0 && n > 0) {
    transcript_hear(r, bytes, n);
  }
}

/* Until all that was said has been heard. */
static void listen_to_all(struct transcript_run *r) {
  struct line *l = r->line;
  while (runs(r) && l->heard < l->said) {
    if (!nm_pump(r->session, &l->io) && l->heard < l->said && runs(r) &&
        io_wait(&l->io, NM_IO_READ, 30000) != 0) {
      transcript_fail(r, "the session does not listen", NULL);
      return;
    }
  }
  read_for_it(r);
}

static int next_is_end(const struct transcript_run *r) {
  return strcmp(r->c->lines[r->at + 1], "S! eof") == 0;
}

static void say(struct transcript_run *r, const char *p, size_t n) {
  struct line *l = r->line;
  l->room = 0;
  for (size_t at = 0; at < n;) {
    size_t piece = l->is_late ? n - at : cut(l, n - at);
    if (send(l->server, p + at, piece, MSG_NOSIGNAL) != (ssize_t)piece) {
      transcript_fail(r, "the line takes nothing", NULL);
      return;
    }
    at += piece;
    l->said += piece;
    if (!l->is_late && pick(l, 20) == 0) {
      usleep(300);
      listen_to_all(r);
    } else if (!l->is_late && pick(l, 2) == 0) {
      listen_to_all(r);
    }
  }
  if (!l->is_late || !next_is_end(r)) {
    listen_to_all(r);
  }
}

/* One turn of both ends. Returns what the server got. */
static size_t turn(struct transcript_run *r, char *p, size_t cap) {
  struct line *l = r->line;
  size_t room = l->room;
  nm_pump(r->session, &l->io);
  if (l->room == room) {
    return 0;
  }
  struct pollfd fd = {.fd = l->server, .events = POLLIN};
  ssize_t got = poll(&fd, 1, 30000) > 0 ? recv(l->server, p, cap, 0) : 0;
  return got > 0 ? (size_t)got : 0;
}

static void take(struct transcript_run *r, const char *want, size_t n, int is_all) {
  struct line *l = r->line;
  char bytes[8192];
  size_t got = 0;
  int turns = 0;
  l->room = is_all ? sizeof bytes - 1 : n;
  while (!r->failed && got < n && turns < 200) {
    size_t more = turn(r, bytes + got, sizeof bytes - got);
    turns = more > 0 ? 0 : turns + 1;
    got += more;
  }
  for (int i = 0; i < 3 && got == n; i++) {
    got += turn(r, bytes + got, sizeof bytes - got);
  }
  l->room = 0;
  bytes[got < sizeof bytes ? got : sizeof bytes - 1] = '\0';
  if (got != n || memcmp(bytes, want, n) != 0) {
    transcript_fail(r, "other words than these", bytes);
  }
}

static void hang_up(struct transcript_run *r) {
  struct line *l = r->line;
  close(l->server);
  l->server = -1;
  for (int i = 0; i < 1000 && runs(r); i++) {
    if (!nm_pump(r->session, &l->io) && runs(r)) {
      (void)io_wait(&l->io, NM_IO_READ, 100);
    }
  }
  if (runs(r)) {
    transcript_fail(r, "the session does not see the end of the line", NULL);
  }
  read_for_it(r);
  nm_session_lost(r->session, NULL);
}

static const struct transcript_wire wire = {say, take, hang_up};

static void play(const struct transcript_case *c, size_t piece, int is_late, unsigned long long chance) {
  long live = nm_test_alloc_live();
  struct line l = {.client = -1, .server = -1, .piece = piece, .is_late = is_late, .chance = chance};
  CHECK_ROW(open_line(&l) == 0, c->name);
  CHECK_ROW(transcript_play_over(c, piece, 0, 0, &wire, &l), c->name);
  close_line(&l);
  CHECK_ROW(nm_test_alloc_live() == live, c->name);
}

/* ---- a large content, part of it sent from where it lies ---- */

struct memory_line {
  struct nm_io io; /* first */
  struct nm_buf sent;
  const char *replies; /* to what was said before the content, one said after another */
  const char *last;
  struct nm_session *session;
  unsigned long long chance;
};

static int memory_sendv(struct nm_io *io, const struct nm_str *v, size_t n, size_t *n_out) {
  struct memory_line *l = (struct memory_line *)(void *)io;
  struct line chance = {.chance = l->chance};
  size_t most = 1 + pick(&chance, 100000), before = l->sent.n;
  l->chance = chance.chance;
  if (most % 5 == 0) {
    return NM_AGAIN;
  }
  for (size_t i = 0; i < n && most > 0; i++) {
    size_t piece = v[i].n < most ? v[i].n : most;
    nm_buf_add(&l->sent, v[i].p, piece);
    most -= piece;
  }
  *n_out = l->sent.n - before;
  return 0;
}

static int memory_send(struct nm_io *io, const char *p, size_t n, size_t *n_out) {
  struct nm_str whole = nm_str(p, n);
  return memory_sendv(io, &whole, 1, n_out);
}

static int memory_recv(struct nm_io *io, char *p, size_t cap, size_t *n_out) {
  struct memory_line *l = (struct memory_line *)(void *)io;
  const char *said = l->replies;
  if (nm_session_want(l->session) == NM_WANT_READ && *l->replies == '\0') {
    said = l->last;
    l->last = "";
  } else if (nm_session_want(l->session) == NM_WANT_READ) {
    l->replies = "";
  } else {
    said = "";
  }
  *n_out = strlen(said);
  memcpy(p, said, *n_out < cap ? *n_out : cap);
  return *n_out > 0 ? 0 : NM_AGAIN;
}

/* By DATA: what is between the 354 and the dot. way: whether the line takes several places at once. */
static void sends_large_contents_from_where_they_lie(void) {
  static const struct nm_io_ops together = {memory_send, memory_recv, NULL, memory_sendv};
  static const struct nm_io_ops alone = {memory_send, memory_recv, NULL, NULL};
  static char text[700000];
  struct nm_addr a = {.refs = 1, .spec = NM_STR("a@x.test")};
  struct nm_addr *to[] = {&a};
  struct nm_caps caps = {.flags = NM_CAP_PIPELINING};
  for (size_t i = 0; i < sizeof text; i++) {
    text[i] = "a line of text...\r\n"[i % 19];
  }
  text[19 * 20000] = text[19 * 7] = '.'; /* doubled on the way, as is what begins after it */
  for (unsigned long long way = 0; way < 20; way++) {
    struct memory_line l = {.io = {.ops = way & 1 ? &together : &alone}, .sent = {.max = 1 << 20}};
    struct nm_buf want = {.max = 1 << 20};
    struct nm_source *content = nm_source_memory(nm_str(text, sizeof text));
    struct nm_envelope env = {.from = &a, .to = to, .n_to = 1, .size = -1};
    l.session = nm_session_new();
    l.replies = "250 ok\r\n250 ok\r\n354 go\r\n";
    l.last = "250 done\r\n";
    l.chance = 0x9e3779b97f4a7c15u + way;
    CHECK(nm_session_adopt(l.session, &caps) == 0 && nm_session_begin(l.session, &env, content) == 0);
    for (int turns = 0; nm_pump_runs(l.session) && turns < 10000; turns++) {
      nm_pump(l.session, &l.io);
    }
    CHECK(nm_session_result(l.session)->outcome == NM_OUTCOME_ACCEPTED);
    const char *begin = memmem(l.sent.p, l.sent.n, "DATA\r\n", 6);
    nm_buf_add(&want, text, 19 * 7);
    nm_buf_add_c(&want, ".");
    nm_buf_add(&want, text + 19 * 7, 19 * 20000 - 19 * 7);
    nm_buf_add_c(&want, ".");
    nm_buf_add(&want, text + 19 * 20000, sizeof text - 19 * 20000);
    nm_buf_add_c(&want, sizeof text % 19 == 0 ? ".\r\n" : "\r\n.\r\n");
    CHECK(begin != NULL &&
          nm_str_eq(nm_str(begin + 6, l.sent.n - (size_t)(begin + 6 - l.sent.p)), nm_buf_str(&want)));
    nm_session_free(&l.session);
    nm_source_free(&content);
    nm_buf_free(&l.sent);
    nm_buf_free(&want);
  }
}

/* ---- tests ---- */

static void play_whole(const struct transcript_case *c) {
  play(c, SIZE_MAX / 2, 0, 1);
}

static void play_octets(const struct transcript_case *c) {
  play(c, 1, 0, 7);
}

static void play_by_chance(const struct transcript_case *c) {
  for (unsigned long long i = 1; i <= 5; i++) {
    play(c, 0, 0, i * 0x9e3779b97f4a7c15u);
  }
}

static void play_late(const struct transcript_case *c) {
  play(c, SIZE_MAX / 2, 1, 3);
  play(c, 0, 1, 5);
}

static void cases_go_as_written_over_tcp(void) {
  CHECK(transcript_for_each(play_whole) >= 400);
}

static void cases_go_the_same_octet_by_octet(void) {
  transcript_for_each(play_octets);
}

static void cases_go_the_same_in_pieces_of_any_size(void) {
  transcript_for_each(play_by_chance);
}

static void last_words_are_heard_before_the_end_of_the_line(void) {
  transcript_for_each(play_late);
}

int main(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 16) == 0);
  RUN(cases_go_as_written_over_tcp);
  RUN(cases_go_the_same_octet_by_octet);
  RUN(cases_go_the_same_in_pieces_of_any_size);
  RUN(last_words_are_heard_before_the_end_of_the_line);
  RUN(sends_large_contents_from_where_they_lie);
  close(listener);
  return ctest_end();
}
