#ifndef NM_PUMP_H
#define NM_PUMP_H

#include "base/hidden.h"
#include "base/io.h"
#include "smtp/session.h"

NM_HIDDEN_BEGIN

/* One turn between session and line: whatever can be calculated, written or read without waiting. 1: something moved. A dead line
   ends the session. */
int nm_pump(struct nm_session *s, struct nm_io *io);
/* A transaction or a talk is under way: there is something to pump. */
int nm_pump_runs(const struct nm_session *s);
/* Nothing moved: waits for what the session wants of the line, at most ms. */
void nm_pump_wait(const struct nm_session *s, struct nm_io *io, int ms);

NM_HIDDEN_END

#endif
