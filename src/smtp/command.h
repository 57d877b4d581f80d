#ifndef NM_SMTP_COMMAND_H
#define NM_SMTP_COMMAND_H

#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/hidden.h"

/* A command line with all its parameters (RFC 5321 4.5.3.1.4 and the extensions' additions). */
#define NM_COMMAND_MAX 1024

/* What the lines of a content may hold: RFC 6152 2 (3), body-value = "7BIT" / "8BITMIME". Without the parameter it is 7BIT, which is
   therefore never written. BINARYMIME (RFC 3030) is none of these: it needs BDAT. */
enum nm_body { NM_BODY_7BIT, NM_BODY_8BITMIME };

NM_HIDDEN_BEGIN

/* NM_EINVAL when a is NULL or its spec has a byte that could end or extend a command. */
int nm_command_addr_check(const struct nm_addr *a);
/* "MAIL FROM:<spec> SIZE=n BODY=8BITMIME\r\n"; size < 0: without SIZE. The address comes from its parsed form; a byte
   that could end or extend the command is refused here once more (NM_EINVAL), whatever was checked before. */
int nm_command_mail(struct nm_buf *b, const struct nm_addr *from, int64_t size, enum nm_body body);
int nm_command_rcpt(struct nm_buf *b, const struct nm_addr *to);
/* The argument of EHLO: a domain or an address literal (RFC 5321 4.1.3); nothing else. */
int nm_ehlo_name_check(struct nm_str name);

NM_HIDDEN_END

#endif
