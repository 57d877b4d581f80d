#ifndef NM_MIME_DATA_URI_H
#define NM_MIME_DATA_URI_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Begins with "data:". */
int nm_data_uri_is(struct nm_str uri);
/* RFC 2397: appends the media type, lower case and without parameters ("text/plain" when there is none), and the decoded bytes.
   base64 as the WHATWG's Fetch reads it: white space is skipped, the padding may be missing. Linear. NM_EINVAL, NM_ELIMIT. */
int nm_data_uri_read(struct nm_str uri, struct nm_buf *type, struct nm_buf *data, struct nm_error *e);

NM_HIDDEN_END

#endif
