#ifndef NM_MIME_HTML_STACK_H
#define NM_MIME_HTML_STACK_H

#include "base/hidden.h"
#include "base/str.h"
#include "mime/html_element.h"

/* The elements that are open, and which of them a tag ends: the tree of HTML as far as it matters to text, by the rules that
   browsers have for tags that are missing or cross each other (WHATWG HTML 13.2.6.4.7, 13.2.6.4.9 to 15). */

/* Browsers stop at 512. Each tag may look at all of them. */
#define NM_HTML_DEPTH_MAX 256
/* An unknown element with a longer name is not kept. */
#define NM_HTML_NAME_MAX 32

struct nm_html_open {
  const struct nm_html_element *element;
  struct nm_str name;
  unsigned char live;   /* it was not hidden when it began: what its end does is to be done */
  unsigned char hidden; /* what it holds is */
  unsigned char pre;
  unsigned char held; /* it has a margin, or a place in a table */
  long number;        /* ol: of the next item */
};

struct nm_html_stack {
  size_t n;
  struct nm_html_open open[NM_HTML_DEPTH_MAX];
};

NM_HIDDEN_BEGIN

/* How many stay open when the element begins. */
size_t nm_html_stack_before(const struct nm_html_stack *s, const struct nm_html_element *element);
/* Which one an end tag ends, with all that is open within it; *alone_out: with nothing of that. n: none. */
size_t nm_html_stack_ended(const struct nm_html_stack *s, const struct nm_html_element *element,
                           struct nm_str name, int *alone_out);
/* The innermost with this id, not looking out of a table cell and the like; n: none. */
size_t nm_html_stack_find(const struct nm_html_stack *s, enum nm_html_id id);
/* The list that an item belongs to; n: none. */
size_t nm_html_stack_list(const struct nm_html_stack *s);

NM_HIDDEN_END

#endif
