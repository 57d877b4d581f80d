#include "net/sigpipe.h"

#include <errno.h>
#include <time.h>

void nm_sigpipe_hold(struct nm_sigpipe *s, int needed) {
  sigset_t pending, pipe;
  s->held = 0;
  if (!needed) {
    return;
  }
  (void)sigpending(&pending);
  if (sigismember(&pending, SIGPIPE) == 1) {
    return; /* somebody else has it blocked and waiting: one more changes nothing, and it is not ours to take */
  }
  (void)sigemptyset(&pipe);
  (void)sigaddset(&pipe, SIGPIPE);
  s->held = pthread_sigmask(SIG_BLOCK, &pipe, &s->before) == 0;
}

void nm_sigpipe_release(struct nm_sigpipe *s) {
  static const struct timespec now = {0, 0};
  sigset_t pipe;
  if (!s->held) {
    return;
  }
  int saved = errno;
  (void)sigemptyset(&pipe);
  (void)sigaddset(&pipe, SIGPIPE);
  while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR) {
  }
  (void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
  errno = saved;
  s->held = 0;
}
