/* Runs a command some times, one at a time, and measures it as the programs of peers measure themselves: see peer.h. Its standard input
   is a file.
     command TIMES FILE COMMAND... */

#include "peer.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *file, char **command) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    int in = open(file, O_RDONLY);
    int out = open("/dev/null", O_WRONLY);
    if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1) {
      execvp(command[0], command);
    }
    _exit(127);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    die(command[0]);
  }
}

static double seconds_in(struct timeval t) {
  return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    die("command TIMES FILE COMMAND...");
  }
  struct clock begin = start_clock();
  for (long left = strtol(argv[1], NULL, 10); left > 0; left--) {
    run(argv[2], argv + 3);
  }
  struct clock end = start_clock();
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used); /* we are small: its peak is the command's */
  printf("%.6f %.6f %ld\n", end.seconds - begin.seconds,
         seconds_in(used.ru_utime) + seconds_in(used.ru_stime), used.ru_maxrss);
  return 0;
}
