#include "support/ctest.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/process.h"

static int exit_code_of(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In a child it is the child's, asked before or not, and so in a child of that. Returns how often it is not. */
static int down(const struct nm_process *p, int generations) {
  int wrong = nm_process_id(p) != getpid();
  if (generations > 0) {
    pid_t child = fork();
    if (child == 0) {
      _exit(down(p, generations - 1));
    }
    wrong += exit_code_of(child);
  }
  return wrong + (nm_process_id(p) != getpid());
}

static void is_what_getpid_says_in_children_too(void) {
  struct nm_process *p = nm_process_new();
  if (p == NULL) {
    SKIP("the system has no page that is wiped on fork");
  }
  CHECK(down(p, 3) == 0);
  nm_process_unref(&p);
  CHECK(p == NULL);
}

static void is_asked_of_the_system_without_a_page(void) {
  struct nm_process *none = nm_process_ref(NULL);
  CHECK(none == NULL && down(none, 2) == 0);
  nm_process_unref(&none);
}

/* A child lets go of what is its own by then. */
static void is_counted_apart_in_a_child(void) {
  struct nm_process *p = nm_process_new();
  if (p == NULL) {
    SKIP("the system has no page that is wiped on fork");
  }
  struct nm_process *other = nm_process_ref(p);
  CHECK(nm_process_id(p) == getpid());
  pid_t child = fork();
  if (child == 0) {
    nm_process_unref(&p);
    int wrong = nm_process_id(other) != getpid();
    nm_process_unref(&other);
    _exit(wrong);
  }
  CHECK(exit_code_of(child) == 0);
  nm_process_unref(&p);
  CHECK(nm_process_id(other) == getpid());
  nm_process_unref(&other);
}

static void is_nothing_without_memory(void) {
  nm_test_alloc_fail_at(1);
  struct nm_process *p = nm_process_new();
  nm_test_alloc_fail_at(0);
  CHECK(p == NULL);
}

int main(void) {
  RUN(is_what_getpid_says_in_children_too);
  RUN(is_asked_of_the_system_without_a_page);
  RUN(is_counted_apart_in_a_child);
  RUN(is_nothing_without_memory);
  return ctest_end();
}
