#ifndef NM_POOL_H
#define NM_POOL_H

#include "client.h"

/* The connections of one client: its own, and others beside it. Each of the others is a client too, with the options that the first had
   when it was taken last; net, trace and tracer are the first one's. */

NM_HIDDEN_BEGIN

/* The i-th, 0 the client itself; borrowed, lives as long as c. Before it is used for a flight: its options are made the client's of now.
   c->api is there. NULL: out of memory, or of descriptors. */
struct nm_client *nm_pool_take(struct nm_client *c, size_t i);
/* QUIT without waiting to all but c itself. */
void nm_pool_hang_up(struct nm_client *c);
/* Drops all but c itself, without a word, and frees them. */
void nm_pool_free(struct nm_client *c);

NM_HIDDEN_END

#endif
