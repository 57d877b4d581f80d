#ifndef NM_NET_SIGPIPE_H
#define NM_NET_SIGPIPE_H

#include <signal.h>
#include "base/hidden.h"

/* Before 7.87 libcurl let OpenSSL write to the socket by itself, with write(2): on a broken line that raises SIGPIPE, and
   CURLOPT_NOSIGNAL means that libcurl does nothing against it. Changing the process's signal handler is not ours to do, so
   the signal is blocked in this thread around the call, and taken away if the call raised it. */
#define NM_SIGPIPE_FIXED 0x075700u

struct nm_sigpipe {
  int held; /* 0: nothing to do, now or at release */
  sigset_t before;
};

NM_HIDDEN_BEGIN

/* needed == 0: does nothing. Each hold has its release in the same function. */
void nm_sigpipe_hold(struct nm_sigpipe *s, int needed);
void nm_sigpipe_release(struct nm_sigpipe *s);

NM_HIDDEN_END

#endif
