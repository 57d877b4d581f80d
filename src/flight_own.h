#ifndef NM_FLIGHT_OWN_H
#define NM_FLIGHT_OWN_H

#include "flight.h"

/* Between the files flight*.c. */

NM_HIDDEN_BEGIN

/* flight.c: what becomes of messages. */
/* It is over; nothing of the flight's has it. */
void nm_flight_end_mail(struct nm_flight *f, struct nm_mail *m);
void nm_flight_fail_queue(struct nm_flight *f, const struct nm_sent *why);
/* What was handed in behind Close. */
void nm_flight_fail_behind_close(struct nm_flight *f);
/* DESIGN.md 3.6: those that have waited for too long. */
void nm_flight_fail_late(struct nm_flight *f);

/* flight_lines.c */
/* The line was in another state before. */
void nm_flight_on_moved(struct nm_flight *f, struct nm_line *l, enum nm_line_state before);
/* As many lines as have something to do. 1: something moved. */
int nm_flight_connect_lines(struct nm_flight *f, int64_t turn_end);
/* ms: when a line is to be dialled that rests, for those that wait; INT64_MAX: none is. */
int64_t nm_flight_next_dial(const struct nm_flight *f);

/* flight_step.c: those that the line has lost come before all others, in their order. 1: something was there. */
int nm_flight_take_results(struct nm_flight *f, struct nm_line *l);

NM_HIDDEN_END

#endif
