#ifndef NM_NET_TICKETS_H
#define NM_NET_TICKETS_H

#include <curl/curl.h>
#include "base/hidden.h"
#include "net/api.h"

/* TLS sessions that later connections take up again (RFC 8446 2.2): the server proves itself by what both still know, and the
   certificates, verified before, are not sent and not verified once more: a third of the work of a new connection. And where a server writes its
   tickets and its greeting one after the other, with Nagle's algorithm on (Postfix), a whole round trip: with a session that is taken up it has
   no ticket to write, and the greeting need not wait until that has arrived.
   libcurl could keep them too. But it uses a session of TLS 1.3 once, and a server that gives no new one to who takes one up (Postfix) has
   every second connection begin from nothing; and it never finds those of STARTTLS. That a ticket used twice lets a listener see that both
   connections have the same client (RFC 8446 C.4) is no loss here: it sees the addresses, and a client of SMTP says its name.
   One is kept for each place and what it was verified with: host, port, the way of TLS, CaFile, CaPath and the client's certificate, the files by
   what they were, not by name alone; and with it the CAs of its file as they were loaded (cas.h). libcurl compares the certificate's names with the host's on every connection, taken up or not. */
struct nm_ticket; /* for one such place; counted */

struct nm_tickets {
  struct nm_ticket *first; /* the one last asked for */
};

NM_HIDDEN_BEGIN

/* Whether this libcurl's TLS is an OpenSSL that can be reached. */
int nm_tickets_can(void);
/* The one for this dial, which is over no proxy; ca_file and ca_path are what it will be verified by. NULL: out of memory. Given back by unref. */
struct nm_ticket *nm_tickets_find(struct nm_tickets *t, const struct nm_dial *d, const char *ca_file,
                                  const char *ca_path);
/* Whether the CAs by which its connections are verified are there: then libcurl is to load none. */
int nm_ticket_has_cas(const struct nm_ticket *t);
/* The connection that easy will make takes up what the ticket has, and leaves there what it is given. */
CURLcode nm_ticket_use(struct nm_ticket *t, CURL *easy);
/* The connection failed: the next one begins from nothing. */
void nm_ticket_forget(struct nm_ticket *t);
void nm_ticket_unref(struct nm_ticket **t);
void nm_tickets_free(struct nm_tickets *t);

NM_HIDDEN_END

#endif
