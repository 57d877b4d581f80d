#ifndef NM_PUMP_H
#define NM_PUMP_H

#include "base/hidden.h"
#include "base/io.h"
#include "pace.h"
#include "smtp/session.h"

/* DESIGN.md 3.3: ms; on a line that has rested for longer, content waits until the server is known to be there. */
#define NM_REST_SHORT_MS 1000
/* Answers in a row by which a content gave nothing that cost no rest, since filters need a few to make a chunk of many; and the rest, ms. */
#define NM_IDLE_FREE 100
#define NM_IDLE_REST_MS 10

NM_HIDDEN_BEGIN

/* One turn between session and line: whatever can be calculated, written or read without waiting. 1: something moved. A dead line
   ends the session. */
int nm_pump(struct nm_session *s, struct nm_io *io);
/* A transaction or a talk is under way: there is something to pump. */
int nm_pump_runs(const struct nm_session *s);
/* Nothing moved: waits for what the session wants of the line, at most ms. */
void nm_pump_wait(const struct nm_session *s, struct nm_io *io, int ms);
/* What pace allows is over, waiting for what: the session ends, in words that fit what was handed over. */
void nm_pump_out_of_time(struct nm_session *s, const struct nm_pace *pace, const char *what);

NM_HIDDEN_END

#endif
