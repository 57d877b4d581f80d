#ifndef NM_MIME_SPLIT_H
#define NM_MIME_SPLIT_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "mime/message.h"

/* The least a piece may have: a header and some lines. */
#define NM_SPLIT_MIN 4096

NM_HIDDEN_BEGIN

/* A list of struct nm_message. */
struct nm_list *nm_message_list_new(void);
/* m as messages of at most max octets each (message/partial, RFC 2046 5.2.2), which a reader puts together again; one that is short
   enough as it is becomes the only one. Same sender and recipients; each has a Subject that says which of how many it is. All
   contents are read now, into memory. NM_EINVAL: max is below NM_SPLIT_MIN, or a line beyond ASCII (RFC 2046 5.2.2: 7bit alone);
   NM_ELIMIT. */
int nm_message_split(const struct nm_message *m, const struct nm_stamp *stamp, size_t max,
                     struct nm_list *out, struct nm_error *e);

NM_HIDDEN_END

#endif
