#include "net/sigpipe.h"

#include <errno.h>
#include <unistd.h>
#include "support/ctest.h"

static int is_pending(void) {
  sigset_t s;
  (void)sigpending(&s);
  return sigismember(&s, SIGPIPE) == 1;
}

static int is_blocked(void) {
  sigset_t s;
  (void)pthread_sigmask(SIG_BLOCK, NULL, &s);
  return sigismember(&s, SIGPIPE) == 1;
}

/* As OpenSSL does on a broken line. SIGPIPE is at its default: unheld, this ends the program. */
static void write_to_nobody(void) {
  int ends[2];
  if (pipe(ends) == 0) {
    (void)close(ends[0]);
    CHECK(write(ends[1], "x", 1) < 0 && errno == EPIPE);
    (void)close(ends[1]);
  }
}

static void held_signal_is_taken_away(void) {
  struct nm_sigpipe s;
  for (int i = 0; i < 3; i++) {
    nm_sigpipe_hold(&s, 1);
    CHECK(is_blocked());
    write_to_nobody();
    errno = 1234;
    nm_sigpipe_release(&s);
    CHECK(errno == 1234);
    CHECK(!is_blocked() && !is_pending());
  }
  nm_sigpipe_hold(&s, 1);
  nm_sigpipe_release(&s); /* none was raised */
  CHECK(!is_blocked() && !is_pending());
  nm_sigpipe_release(&s);
}

static void not_needed_does_nothing(void) {
  struct nm_sigpipe s;
  nm_sigpipe_hold(&s, 0);
  CHECK(!is_blocked());
  nm_sigpipe_release(&s);
  CHECK(!is_blocked());
}

/* A host that blocks SIGPIPE and looks for it later finds what was there before us, and nothing of ours. */
static void signal_of_the_host_is_left(void) {
  struct nm_sigpipe s;
  sigset_t pipe;
  int sig = 0;
  (void)sigemptyset(&pipe);
  (void)sigaddset(&pipe, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);

  nm_sigpipe_hold(&s, 1);
  write_to_nobody();
  nm_sigpipe_release(&s);
  CHECK(is_blocked() && !is_pending());

  (void)raise(SIGPIPE);
  nm_sigpipe_hold(&s, 1);
  write_to_nobody();
  nm_sigpipe_release(&s);
  CHECK(is_blocked() && is_pending());
  CHECK(sigwait(&pipe, &sig) == 0 && sig == SIGPIPE);
  (void)pthread_sigmask(SIG_UNBLOCK, &pipe, NULL);
}

int main(void) {
  RUN(held_signal_is_taken_away);
  RUN(not_needed_does_nothing);
  RUN(signal_of_the_host_is_left);
  return ctest_end();
}
