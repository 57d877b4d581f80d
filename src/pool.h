#ifndef NM_POOL_H
#define NM_POOL_H

#include "client.h"

/* The connections of one client: its own, and others beside it. Each of the others is a client too, with the options that the first had
   when it was taken last; net, trace and tracer are the first one's. */

NM_HIDDEN_BEGIN

/* The client as it is now, to take connections by later: what functions of the user's change meanwhile is none of theirs. Borrowed, until
   the next one. c->api is there. NULL: out of memory, or of descriptors. */
struct nm_client *nm_pool_snapshot(struct nm_client *c);
/* The connection number i to server number server (servers.h), with the options of now, a snapshot; 0 to 0 is the client itself. Borrowed,
   lives as long as c. NULL: out of memory. */
struct nm_client *nm_pool_take(struct nm_client *c, const struct nm_client *now, size_t i, size_t server);
/* What an event loop watches, the same descriptor for all of them; -1: there is none here, or memory is short. c->api is there. */
int nm_client_watch(struct nm_client *c);
/* Before each step of who watches it. */
void nm_client_calm(struct nm_client *c);
/* It becomes readable after ms (-1: never) even if nothing happens. */
void nm_client_alarm(struct nm_client *c, int ms);
/* QUIT without waiting to all but c itself. */
void nm_pool_hang_up(struct nm_client *c);
/* Drops all but c itself, without a word, and frees them. */
void nm_pool_free(struct nm_client *c);

NM_HIDDEN_END

#endif
