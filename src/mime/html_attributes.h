#ifndef NM_MIME_HTML_ATTRIBUTES_H
#define NM_MIME_HTML_ATTRIBUTES_H

#include "base/hidden.h"
#include "base/str.h"

/* The attributes of one tag that a reader of text looks at, as they stand in the document; p NULL: not there. All-zero at first. */
struct nm_html_attributes {
  struct nm_str href, alt, type, start, value, style;
  int is_hidden;
};

NM_HIDDEN_BEGIN

void nm_html_attributes_read(struct nm_html_attributes *a, struct nm_str all);
/* An integer, of which nine digits are read; otherwise when it is none. */
long nm_html_integer(struct nm_str s, long otherwise);

NM_HIDDEN_END

#endif
