#ifndef NM_CONNECT_H
#define NM_CONNECT_H

#include "client.h"
#include "login.h"
#include "pace.h"

NM_HIDDEN_BEGIN

/* Makes c->conn a ready connection, authenticated when there are credentials, with c->session in charge of it: the kept one when
   it still is who it must be and alive (*fresh_out = 0), else a new one. On failure out->error, out->reply and
   out->command tell, and there is no connection. */
int nm_connect(struct nm_client *c, struct nm_pace *pace, struct nm_sent *out, int *fresh_out);
/* Drops the connection without a word. */
void nm_connect_drop(struct nm_client *c);

NM_HIDDEN_END

#endif
