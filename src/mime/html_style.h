#ifndef NM_MIME_HTML_STYLE_H
#define NM_MIME_HTML_STYLE_H

#include "base/hidden.h"
#include "base/str.h"

/* The few things of a style attribute that matter to us. */
struct nm_html_style {
  int hidden; /* is not shown, and neither is what it holds */
  int pre;    /* white space and line ends count */
};

/* One character of an attribute's value after another, character references replaced. */
struct nm_html_css {
  struct nm_str value; /* as it stands in the document */
  size_t at;
};

NM_HIDDEN_BEGIN

struct nm_html_style nm_html_style(struct nm_str value);
/* The next url(...) of a style attribute's value: what stands in it, as it stands in the document, without quotes. 0 when there
   is none left. One with a CSS escape (a backslash) in it is passed over,
   and one that begins behind a character reference without ";". */
int nm_html_css_url(struct nm_html_css *css, struct nm_str *out);

NM_HIDDEN_END

#endif
