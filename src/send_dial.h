#ifndef NM_SEND_DIAL_H
#define NM_SEND_DIAL_H

#include "send.h"

/* Of one errand: the connection, to whichever of the client's servers can be had (servers.h). */

NM_HIDDEN_BEGIN

/* Begins; as nm_connect_begin. */
int nm_sending_dial(struct nm_sending *s);
/* Goes on, from what a step returned: as nm_connect_step. Where a server could not be had, and there is another, that is dialled. */
int nm_sending_dial_on(struct nm_sending *s, int err);

NM_HIDDEN_END

#endif
