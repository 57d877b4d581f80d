#ifndef NM_MIME_HTML_TEXT_H
#define NM_MIME_HTML_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* Writes html as a text that people can read to out (empty; .max counts): UTF-8, LF, one line end at its end. NM_EINVAL when html
   is not UTF-8.
   - Paragraphs, headings, tables and the like stand apart by a blank line, other blocks begin a line. Headings are neither
     underlined (the rule would be as long as the text only in a font of one width) nor put in capitals (that changes names
     and is spelled out by screen readers).
   - Lines are not wrapped: the reader's window does that, at a width that nobody knows here, and a transfer encoding keeps the
     lines of the wire short. Nor is this format=flowed, which is a promise of the part's Content-Type about each trailing
     space.
   - "* " or "1. " before items, "> " before quotes; links as text <url>; images by their alt; cells of a row, when each is one line,
     as "a | b".
   - Not shown: scripts, styles, the title, what is hidden (attribute hidden; display:none, visibility:hidden, max-height:0).
   Linear in html, and so is the length of the text. Elements deeper than any real mail has them are read as if they were
   not there; only their text is. */
int nm_html_to_text(struct nm_str html, struct nm_buf *out, struct nm_error *e);

NM_HIDDEN_END

#endif
