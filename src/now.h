#ifndef NM_NOW_H
#define NM_NOW_H

#include "base/buf.h"
#include "mime/message.h"

/* What a send needs of this moment: date and Message-ID, unless the message has its own, and boundary. Kept through the retries of one send. */
struct nm_now {
  struct nm_stamp stamp; /* stamp.message_id points into id */
  struct nm_buf id;
};

NM_HIDDEN_BEGIN

/* All-zero before. Asks the clock, the time zone and the random source. */
int nm_now_take(struct nm_now *now, const struct nm_message *m, struct nm_error *e);
/* Date and boundary alone, for what has no Message-ID. */
int nm_now_stamp(struct nm_stamp *stamp, const struct nm_message *m, struct nm_error *e);
void nm_now_free(struct nm_now *now);
/* For the next message: its memory, and what a second is called, stay. */
void nm_now_reset(struct nm_now *now);
/* Minutes east of UTC at t, by the system's time zone. */
int nm_utc_offset(int64_t t);

NM_HIDDEN_END

#endif
