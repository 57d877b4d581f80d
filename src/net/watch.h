#ifndef NM_NET_WATCH_H
#define NM_NET_WATCH_H

#include "net/wake.h"

/* One descriptor for an event loop, which stays the same: readable when a connection, or the clock, may let something get on. All-zero is
   closed. */
struct nm_watch {
  int is_open;
  struct nm_wake wake;
  int is_armed;
  int64_t due; /* ms: when the time that is set is over, if it is armed */
};

NM_HIDDEN_BEGIN

/* The descriptor, made at the first call; -1: there is none. */
int nm_watch_fd(struct nm_watch *w);
void nm_watch_close(struct nm_watch *w);
/* From now on every change of the socket counts, until it is closed. Again is fine. */
void nm_watch_add(struct nm_watch *w, int socket);
/* What has happened so far is known, and no time is set any more. Before the sockets are looked at: what happens between must not be
   forgotten. */
void nm_watch_calm(struct nm_watch *w);
/* The descriptor becomes readable when something happens, or when ms are over (0: at once, -1: never). Many may ask: the soonest counts. */
void nm_watch_arm(struct nm_watch *w, int ms);

NM_HIDDEN_END

#endif
