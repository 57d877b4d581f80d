#ifndef NM_NET_SHARED_H
#define NM_NET_SHARED_H

#include <curl/curl.h>
#include <sys/types.h>
#include "base/hidden.h"
#include "net/api.h"
#include "net/tickets.h"

/* What clients that live in one Lua state have in common, so that a program which makes a client for each mail does not begin from nothing each
   time. None of it is anybody's identity: names that were looked up, loaded CAs, and TLS sessions by place (tickets.h). Used by one
   thread at a time, so nothing needs a lock. */
struct nm_shared {
  unsigned refs;
  const struct nm_process *process; /* NULL: nobody has one */
  CURLSH *share;                    /* DNS, and those TLS sessions that tickets has not */
  pid_t pid;                        /* whose share this is: in a forked child it is left as it is */
  struct nm_tickets tickets;
};

NM_HIDDEN_BEGIN

struct nm_shared *nm_shared_new(const struct nm_process *process);
struct nm_shared *nm_shared_ref(struct nm_shared *s);
/* After the last connection of those that were dialled by it. */
void nm_shared_unref(struct nm_shared **s);
/* In a forked child: a new share in place of the parent's, which connections of the parent's still hold. */
int nm_shared_renew(struct nm_shared *s);

NM_HIDDEN_END

#endif
