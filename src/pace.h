#ifndef NM_PACE_H
#define NM_PACE_H

#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"

/* Timeout and Deadline of one send, on the monotonic clock. */
struct nm_pace {
  int64_t timeout;  /* ms without progress */
  int64_t deadline; /* ms of the whole send, 0: none */
  int64_t begin, last;
  int64_t turn_end; /* when who steps wants to have it back; 0: when it is over */
  uint64_t progress;
};

NM_HIDDEN_BEGIN

void nm_pace_begin(struct nm_pace *p, int64_t timeout, int64_t deadline);
/* progress: any number that changes when things go on. Returns how long may be waited, in ms; 0: time is over. */
int nm_pace_left(struct nm_pace *p, uint64_t progress);
/* What was waited for until now is there: Timeout begins anew. */
void nm_pace_rest(struct nm_pace *p);
/* turn_end is reached. */
int nm_pace_turn_is_over(const struct nm_pace *p);
/* Fills e with which of the two is over, waiting for what ("the server's words"), and what to do; the caller adds
   the server. */
int nm_pace_over(const struct nm_pace *p, const char *what, struct nm_error *e);
/* The same without what to do: the message may be there. */
int nm_pace_over_late(const struct nm_pace *p, const char *what, struct nm_error *e);

NM_HIDDEN_END

#endif
