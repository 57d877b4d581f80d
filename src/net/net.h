#ifndef NM_NET_NET_H
#define NM_NET_NET_H

#include <stddef.h>
#include "base/hidden.h"
#include "net/api.h"

/* What the shared object netmail.net needs of this folder; the rest is reached through the table. */

/* Long enough for the reason that nm_net_check gives. */
#define NM_NET_WHY_MAX 256

NM_HIDDEN_BEGIN

/* Before anything else of libcurl's. */
void nm_net_begin(void);
/* The one table, const, lives as long as the code. */
const struct nm_net_api *nm_net_api(void);
/* Whether the libcurl that was loaded can do the work: 0, or NM_EINVAL with the reason in why (cut to n, NUL-terminated). */
int nm_net_check(char *why, size_t n);

NM_HIDDEN_END

#endif
