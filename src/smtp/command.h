#ifndef NM_SMTP_COMMAND_H
#define NM_SMTP_COMMAND_H

#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/hidden.h"
#include "smtp/envelope.h"

/* A command line with all its parameters. RFC 5321 4.5.3.1.4 allows 512 octets, of which verb and path take 270 at most, and the RFC of
   each parameter adds the room for it; the longest that we write are 530 for MAIL and 810 for RCPT. */
#define NM_COMMAND_MAX 1024

NM_HIDDEN_BEGIN

/* NM_EINVAL when its spec is empty or has a byte that could end or extend a command; NM_ELIMIT when it is longer than a path can
   be (RFC 5321 4.5.3.1.3). Octets above 126 need utf8, and are well-formed UTF-8 then. */
int nm_command_addr_check(const struct nm_addr *a, int utf8);
/* Such an address is ASCII, and passes that check without a second look; most are. 0: nobody knows. */
int nm_command_addr_is_plain(const struct nm_addr *a);
/* All that the envelope asks for, which nm_envelope_settle has checked: "MAIL FROM:<spec> SIZE=n BODY=8BITMIME\r\n". The address comes
   from its parsed form; a byte that could end or extend the command is refused here once more (NM_EINVAL), whatever was
   checked before, and nothing is written then. */
int nm_command_mail(struct nm_buf *b, const struct nm_envelope *env);
/* The recipient of that number, from 0. */
int nm_command_rcpt(struct nm_buf *b, const struct nm_envelope *env, size_t i);
/* The argument of EHLO: a domain or an address literal (RFC 5321 4.1.3); nothing else. */
int nm_ehlo_name_check(struct nm_str name);

NM_HIDDEN_END

#endif
