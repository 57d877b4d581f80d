#ifndef NM_POOL_H
#define NM_POOL_H

#include "client.h"

/* The connections of one client's flight. Each is a client too, with the options of a snapshot; net, trace and tracer are the first
   one's. The client's own connection goes to one of them for as long as the flight works, and comes back (kept.h: nm_kept_move). */

NM_HIDDEN_BEGIN

/* A client with c's options as they are now, and nothing else, to take connections by later: what functions of the user's change meanwhile is
   none of theirs. The caller's. NM_ENOMEM. */
int nm_pool_snapshot(const struct nm_client *c, struct nm_client **out);
/* The connection number i to server number server (servers.h), with the options of a snapshot. Borrowed, lives as long as c. c->api is
   there. NULL: out of memory, or of descriptors. */
struct nm_client *nm_pool_take(struct nm_client *c, const struct nm_client *as, size_t i, size_t server);
/* What an event loop watches, the same descriptor for all of them; -1: there is none here, or memory is short. c->api is there. */
int nm_client_watch(struct nm_client *c);
/* Before each step of who watches it. */
void nm_client_calm(struct nm_client *c);
/* It becomes readable after ms (-1: never) even if nothing happens. */
void nm_client_alarm(struct nm_client *c, int ms);
/* QUIT without waiting to all of them. */
void nm_pool_hang_up(struct nm_client *c);
/* Drops all of them, without a word, and frees them. */
void nm_pool_free(struct nm_client *c);

NM_HIDDEN_END

#endif
