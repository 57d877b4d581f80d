#ifndef NM_MIME_MAILBOX_H
#define NM_MIME_MAILBOX_H

#include <stddef.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"

NM_HIDDEN_BEGIN

/* `Name <addr>` or `addr`; has_next: with a "," on the same line as the address. */
int nm_mailbox_write(struct nm_buf *b, size_t *col, const struct nm_addr *a, struct nm_str charset,
                     int has_next, struct nm_error *e);
/* A whole field "Name: a, b\r\n"; nothing at all when the list is empty. */
int nm_mailbox_field(struct nm_buf *b, const char *field, const struct nm_list *list, struct nm_str charset,
                     struct nm_error *e);

NM_HIDDEN_END

#endif
