#ifndef NM_BASE_PROCESS_H
#define NM_BASE_PROCESS_H

#include <sys/types.h>
#include "base/hidden.h"

/* Which process this is, for whoever asks before each word to a server: a forked child must not speak on its parent's connections. The number lies
   in a page that the kernel empties in a child, so that it costs no system call. Of a Lua state's clients, hence of one thread at a time. */
struct nm_process;

NM_HIDDEN_BEGIN

/* Counted. NULL: out of memory, or the system has no such page. NULL is fine for all others. */
struct nm_process *nm_process_new(void);
struct nm_process *nm_process_ref(struct nm_process *p);
void nm_process_unref(struct nm_process **p);
/* What getpid says; NULL: asks it each time. Borrows. */
pid_t nm_process_id(const struct nm_process *p);

NM_HIDDEN_END

#endif
