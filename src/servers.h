#ifndef NM_SERVERS_H
#define NM_SERVERS_H

#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"

/* Further servers that do a client the same service as its Host, and which of them all is asked. A server is known by its number: 0 is
   Host itself. All-zero: there is Host alone. */

#define NM_SERVERS_MAX 15

struct nm_server {
  struct nm_buf host;
  int port; /* 0: the client's */
};

struct nm_servers {
  struct nm_server *others;
  size_t n;           /* of them */
  int is_round_robin; /* each connection begins with the next one; else Host first, the others when it cannot be had */
  size_t turn;
  int64_t bad_until[NM_SERVERS_MAX + 1]; /* ms: it could not be had a while ago, and comes after the others */
};

NM_HIDDEN_BEGIN

void nm_servers_free(struct nm_servers *s);
/* "mail.example", "mail.example:587", "[2001:db8::1]:25", "unix:/run/lmtp". NM_ELIMIT: there are NM_SERVERS_MAX. */
int nm_servers_add(struct nm_servers *s, struct nm_str text, struct nm_error *e);
/* With all that is known of them. NM_ENOMEM. */
int nm_servers_copy(const struct nm_servers *from, struct nm_servers *to);
int nm_servers_same(const struct nm_servers *a, const struct nm_servers *b);
/* What was seen of those of a copy, if they still are the same. */
void nm_servers_learn(struct nm_servers *s, const struct nm_servers *copy);
/* With which a new connection begins. */
size_t nm_servers_first(struct nm_servers *s, int64_t now);
/* 1: another one is to be tried than those whose bits are set in tried. */
int nm_servers_next(const struct nm_servers *s, unsigned tried, int64_t now, size_t *next_out);
void nm_servers_note(struct nm_servers *s, size_t i, int is_good, int64_t now);

NM_HIDDEN_END

#endif
