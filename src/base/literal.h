#ifndef NM_BASE_LITERAL_H
#define NM_BASE_LITERAL_H

#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* An address literal with its brackets, [127.0.0.1] or [IPv6:2001:db8::1] (RFC 5321 4.1.3): what may stand for a
   domain in an address and in EHLO. A tag other than IPv6 is refused: none was ever registered. */
int nm_is_address_literal(struct nm_str s);
/* The addresses themselves, without brackets: four decimal numbers without leading zeros; RFC 5321's forms of IPv6. */
int nm_is_ipv4(struct nm_str s);
int nm_is_ipv6(struct nm_str s);

NM_HIDDEN_END

#endif
