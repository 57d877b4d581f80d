#ifndef NM_EHLO_NAME_H
#define NM_EHLO_NAME_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* A domain of 255 octets at most, or an address literal, and a NUL. */
#define NM_EHLO_NAME_MAX 260

NM_HIDDEN_BEGIN

/* The name to say in EHLO (RFC 5321 4.1.1.1): the given one (NULL: none), else this host's full name, else, where it has none, an address
   literal (RFC 5321 4.1.4), which servers that want a full name take. Asks no name server: that could wait. out has NM_EHLO_NAME_MAX
   octets. */
void nm_ehlo_name(const char *given, char *out);
/* What a hosts file (hosts(5)) says is the full name of a host: the first domain with a dot in a line that has the name. 0: found. */
int nm_ehlo_name_of(struct nm_str hosts, struct nm_str name, char *out);

NM_HIDDEN_END

#endif
