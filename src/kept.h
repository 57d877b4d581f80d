#ifndef NM_KEPT_H
#define NM_KEPT_H

#include "client.h"
#include "login.h"

/* The connection that a client keeps between its sends, and whose it is (DESIGN.md 3.8). */

NM_HIDDEN_BEGIN

/* All that makes a connection the client's, by value. key is born with its max and secret. */
int nm_kept_key(const struct nm_client *c, const struct nm_logins *logins, struct nm_buf *key);
/* The same of what c is now, with the logins that it has: as key, with its own max. NM_EINVAL: there is no way to log in (login.h). */
int nm_kept_identity(const struct nm_client *c, struct nm_buf *key_out);
/* There is one, it is still who key says, and it is alive. */
int nm_kept_is_usable(struct nm_client *c, const struct nm_buf *key);
/* It has lived, or, at rest, rested for longer than the client wants it to. */
int nm_kept_is_old(const struct nm_client *c, int rests);
/* A forked child never speaks on its parent's line, nor uses what its parent's libcurl holds. */
void nm_kept_leave_parents(struct nm_client *c);
/* Says QUIT if that can be said now, without waiting, and drops the connection. */
void nm_kept_hang_up(struct nm_client *c);
/* from's connection, if it has one, becomes that of to, which has none. Both have the same net. */
void nm_kept_move(struct nm_client *from, struct nm_client *to);
/* Drops the connection without a word. */
void nm_kept_drop(struct nm_client *c);

NM_HIDDEN_END

#endif
