#ifndef NM_MIME_HTML_FRAME_H
#define NM_MIME_HTML_FRAME_H

#include "base/hidden.h"
#include "mime/html_attributes.h"
#include "mime/html_out.h"
#include "mime/html_stack.h"

/* What stands around the text of an element: line ends, the margin of a quote or an item, a place in a table. */

NM_HIDDEN_BEGIN

/* Line ends before and behind it, for nm_html_out_break: no blank lines around a list that is within another. s: what is around it. */
size_t nm_html_frame_breaks(const struct nm_html_stack *s, const struct nm_html_element *element);
/* Whether there is something to end. An item has the number of its list in s. */
int nm_html_frame_begin(struct nm_html_out *out, struct nm_html_stack *s, const struct nm_html_open *o,
                        const struct nm_html_attributes *a);
void nm_html_frame_end(struct nm_html_out *out, const struct nm_html_element *element);

NM_HIDDEN_END

#endif
