#ifndef NM_MIME_HTML_LINK_H
#define NM_MIME_HTML_LINK_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Appends what a reader of text should see of a link to href (an attribute's value as it stands in the document); nothing when
   that is nothing: "#place", "javascript:...", what only the HTML itself can use. Of mailto: and tel: the address and the
   number. Nothing in it can end the "<...>" it will stand in. */
void nm_html_link(struct nm_buf *b, struct nm_str href);
/* Whether the text of a link says all of its address (as nm_html_link wrote it). */
int nm_html_link_is_said(struct nm_str text, struct nm_str url);

NM_HIDDEN_END

#endif
