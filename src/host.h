#ifndef NM_HOST_H
#define NM_HOST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"

/* Names of servers, as users give them. */

NM_HIDDEN_BEGIN

/* A domain name (U-labels become A-labels), an IP address (IPv6 with or without brackets), or "unix:" and the absolute path of a socket,
   checked and put into slot, which is unchanged when it is refused. what: the name of the property ("Host"). */
int nm_host_set(struct nm_buf *slot, const char *what, struct nm_str host, struct nm_error *e);

NM_HIDDEN_END

#endif
