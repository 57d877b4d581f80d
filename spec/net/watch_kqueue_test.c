/* The same as watch_test, of a kqueue, whatever this system has: on Linux over a likeness of one (support/kqueue), which has no more than is
   used. */

#define NM_WAKE_KQUEUE
#include "net/wake_kqueue.c"
#include "net/watch.c"
#include "support/watch_case.h"

#include <sys/wait.h>

/* No child has its parent's kqueue: the number may be another file's there. */
static void is_not_closed_by_a_child(void) {
  struct nm_watch w = {0};
  int fd = nm_watch_fd(&w);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int pair[2];
    int bad = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || dup2(pair[0], fd) != fd;
    nm_watch_close(&w);
    _exit(bad || write(fd, "x", 1) != 1);
  }
  int status = -1;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  nm_watch_arm(&w, 0);
  CHECK(is_readable(fd, PATIENCE));
  nm_watch_close(&w);
}

int main(void) {
  RUN(tells_of_sockets_and_of_time);
  RUN(is_not_closed_by_a_child);
  return ctest_end();
}
