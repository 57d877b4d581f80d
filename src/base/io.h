#ifndef NM_BASE_IO_H
#define NM_BASE_IO_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* Bytes that are moved: a connection as the composers see it. */
enum { NM_IO_READ = 1, NM_IO_WRITE = 2 };

struct nm_io;

struct nm_io_ops {
  /* 0 with *n_out >= 1 bytes taken, NM_AGAIN, or a negative code: the line is dead. After NM_AGAIN the same
     pointer and at least as many bytes must be offered again (TLS has begun a record with them). */
  int (*send)(struct nm_io *io, const char *p, size_t n, size_t *n_out);
  /* 0 with *n_out >= 1; 0 with *n_out == 0 at the end of the stream; NM_AGAIN; or a negative code. Read until
     NM_AGAIN, or is_drained, before waiting: TLS may hold bytes that poll does not see. */
  int (*recv)(struct nm_io *io, char *p, size_t cap, size_t *n_out);
  /* Waits at most ms (-1: for ever) until one of want (NM_IO_*) may succeed. 0: look again (also after a signal);
     NM_ETIME: the time is over. */
  int (*wait)(struct nm_io *io, int want, int ms);
  /* NULL: it has none. As send, of n places in memory, one behind the other; some may be empty. */
  int (*sendv)(struct nm_io *io, const struct nm_str *v, size_t n, size_t *n_out);
};

struct nm_io {
  const struct nm_io_ops *ops;
  int is_drained; /* by recv: it has just given all that there was, as NM_AGAIN would say. 0: nobody knows */
};

#endif
