#ifndef NM_SMTP_ROW_H
#define NM_SMTP_ROW_H

#include "base/hidden.h"
#include "smtp/txn.h"

/* The transactions of one session, oldest first: those that are over, whose results wait to be taken, then those that run. Of these the
   oldest hears the replies, and the oldest that has something left to say writes, perhaps into the same buffer as the one before it.
   The slots are a ring, allocated once. All-zero has none. */
struct nm_row {
  struct nm_txn *slots;
  size_t window;      /* slots there are */
  size_t first;       /* slot of the oldest */
  size_t n;           /* in use */
  size_t n_over;      /* of these, all before the first that runs */
  size_t n_written;   /* of these, all before the first that has something left to say */
  uint64_t bytes;     /* in flight: the weights of those that run */
  uint64_t bytes_max; /* no further one is begun when there are as many */
};

NM_HIDDEN_BEGIN

/* Empty, with that many slots, one at least; results that wait are lost. NM_ENOMEM: as it was. */
int nm_row_resize(struct nm_row *r, size_t window, uint64_t bytes_max);
void nm_row_free(struct nm_row *r);
/* The i-th in use. At 0 also, when none is, the slot of the one that was taken last. */
struct nm_txn *nm_row_at(const struct nm_row *r, size_t i);
/* One that runs, and hears the next reply; NULL: none. */
struct nm_txn *nm_row_hearing(const struct nm_row *r);
/* One that has something left to say, now or later; NULL: none. */
struct nm_txn *nm_row_writing(const struct nm_row *r);
/* Another one may go behind these, as far as the row's limits go. */
int nm_row_has_room(const struct nm_row *r);
/* The slot behind the last: nm_txn_begin, then nm_row_settle. */
struct nm_txn *nm_row_add(struct nm_row *r);
/* Counts anew, after one was begun, has written, or is over. */
void nm_row_settle(struct nm_row *r);
/* t was begun, or has written: what it adds to what is in flight. */
void nm_row_weigh(struct nm_row *r, struct nm_txn *t);
/* Forgets the oldest, which is over; its slot is free. */
void nm_row_drop(struct nm_row *r);
/* From the i-th on: none that runs goes on; the server has done nothing with what it may have got of them. */
void nm_row_leave_out(struct nm_row *r, size_t i, const struct nm_error *why);

NM_HIDDEN_END

#endif
