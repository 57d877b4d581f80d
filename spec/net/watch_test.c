/* One descriptor for an event loop. */

#include "support/watch_case.h"

int main(void) {
  RUN(tells_of_sockets_and_of_time);
  return ctest_end();
}
