#include "pump.h"

/* Of a read: some hundred replies. */
#define READ_MAX 4096

/* Written before what the server says is looked at. Who has written little looks at once: it is his turn to speak. */
#define WRITE_MAX ((size_t)256 << 10)
#define MUCH 16384

int nm_pump_runs(const struct nm_session *s) {
  enum nm_session_state state = nm_session_state(s);
  return state == NM_SESSION_BUSY || state == NM_SESSION_TALKING;
}

/* What there is now, as far as the line takes it. */
static int write_once(struct nm_session *s, struct nm_io *io, size_t *done) {
  struct nm_str v[2] = {{0}};
  nm_session_output(s, &v[0].p, &v[0].n);
  if (v[0].n == 0) {
    return NM_AGAIN;
  }
  v[1] = nm_session_behind(s);
  int err = v[1].n > 0 && io->ops->sendv != NULL ? io->ops->sendv(io, v, 2, done)
                                                 : io->ops->send(io, v[0].p, v[0].n, done);
  if (err == 0) {
    nm_session_sent(s, *done);
  }
  return err;
}

/* 1: something moved; negative: the line takes nothing more. */
static int write_some(struct nm_session *s, struct nm_io *io) {
  size_t total = 0, done = MUCH;
  int err = 0;
  while (err == 0 && done >= MUCH && total < WRITE_MAX) {
    done = 0;
    err = write_once(s, io, &done);
    total += err == 0 ? done : 0;
  }
  return total > 0 ? 1 : err == NM_AGAIN ? 0 : err;
}

/* What lies behind the last reply that was due is one too many, also where a read ended between the two. A server that has hung up behind it
   in good order has answered all the same; but a content that goes blind must not be the next thing that it gets. */
static int look_behind(struct nm_session *s, struct nm_io *io) {
  char in[READ_MAX];
  size_t done = 0;
  int err = io->ops->recv(io, in, sizeof in, &done);
  if (err == 0 && done > 0) {
    nm_session_input(s, in, done);
  } else if (err == 0 && nm_session_is_in_doubt(s)) {
    nm_session_hung_up(s);
  }
  return err;
}

/* What a look at what the server says came to: nobody listens any more, it says nothing now, it has said something, or the line is dead,
   whatever came before. */
enum look { LOOK_NONE, LOOK_QUIET, LOOK_HEARD, LOOK_DEAD };

static enum look read_some(struct nm_session *s, struct nm_io *io) {
  char in[READ_MAX];
  enum look look = LOOK_NONE;
  while (nm_pump_runs(s) && !(look == LOOK_HEARD && io->is_drained)) {
    size_t done = 0;
    int err = io->ops->recv(io, in, sizeof in, &done);
    if (err == NM_AGAIN) {
      return look == LOOK_NONE ? LOOK_QUIET : look;
    }
    if (err < 0 || done == 0) {
      return LOOK_DEAD;
    }
    nm_session_input(s, in, done);
    look = LOOK_HEARD;
  }
  return look;
}

int nm_pump(struct nm_session *s, struct nm_io *io) {
  int want = nm_session_want(s), wrote = 0;
  int talks = nm_session_state(s) == NM_SESSION_TALKING;
  if ((want & (NM_WANT_WRITE | NM_WANT_CONTENT | NM_WANT_WORK)) != 0) {
    wrote = write_some(s, io);
  }
  /* What the server said before it hung up is worth more than the fact that it did. */
  enum look look = read_some(s, io);
  int has_said_all = talks && nm_session_state(s) == NM_SESSION_IDLE;
  int is_dead = wrote < 0 || look == LOOK_DEAD;
  is_dead |= (has_said_all || nm_session_is_in_doubt(s)) && look_behind(s, io) < 0;
  if (is_dead && nm_session_state(s) != NM_SESSION_CLOSED) {
    struct nm_error why = {0};
    nm_error_set(&why, NM_EIO, NM_KIND_CONNECT, "the server closed the connection");
    nm_session_lost(s, &why);
  }
  if (look == LOOK_QUIET && nm_session_want(s) == NM_WANT_READ) {
    return 0; /* it is the server's turn: another turn of ours would only hear the same */
  }
  return wrote > 0 || look >= LOOK_HEARD || (want & NM_WANT_WORK) != 0;
}

void nm_pump_wait(const struct nm_session *s, struct nm_io *io, int ms) {
  int want = nm_session_want(s) & (NM_IO_READ | NM_IO_WRITE);
  (void)io->ops->wait(io, want != 0 ? want : NM_IO_READ, ms);
}

void nm_pump_out_of_time(struct nm_session *s, const struct nm_pace *pace, const char *what) {
  struct nm_error over = {0};
  if (nm_session_handed_over(s)) {
    nm_pace_over_late(pace, what, &over);
  } else {
    nm_pace_over(pace, what, &over);
  }
  nm_session_lost(s, &over);
}
