#ifndef NM_PUMP_H
#define NM_PUMP_H

#include "base/hidden.h"
#include "base/io.h"
#include "smtp/session.h"

NM_HIDDEN_BEGIN

/* One turn between session and line: whatever can be calculated, written or read without waiting. 1: something moved. A dead line
   ends the session. */
int nm_pump(struct nm_session *s, struct nm_io *io);

NM_HIDDEN_END

#endif
