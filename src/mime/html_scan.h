#ifndef NM_MIME_HTML_SCAN_H
#define NM_MIME_HTML_SCAN_H

#include "base/hidden.h"
#include "base/str.h"

/* HTML cut into tags and text as browsers do it (WHATWG HTML 13.2.5): nothing is an error, each octet is looked at once, all
   that is returned points into the input. Scripts are taken to be off, as they are in mail readers: what stands in noscript
   is markup like any other. */
enum nm_html_kind {
  NM_HTML_TEXT,    /* with character references, unless raw */
  NM_HTML_START,   /* <name attributes> */
  NM_HTML_END,     /* </name> */
  NM_HTML_COMMENT, /* a comment, doctype, processing instruction, or what is taken for one */
  NM_HTML_OVER     /* the end of the input, and ever after */
};

struct nm_html_token {
  enum nm_html_kind kind;
  struct nm_str all;        /* its octets */
  struct nm_str name;       /* of a tag, as it is written */
  struct nm_str attributes; /* of a start tag: what nm_html_attribute_next reads */
  int raw;                  /* text of a script, style or the like: not for people, without references */
  int self_closing;         /* ends in "/>" */
};

/* Born with the input: { .in = html }. */
struct nm_html_scan {
  struct nm_str in;
  size_t at;
  struct nm_str text_of; /* the element whose text comes next, with no tags in it; empty: none */
  int raw;
};

struct nm_html_attribute {
  struct nm_str name;
  struct nm_str value; /* without its quotes, references not yet replaced; p NULL: there is no "=" */
  char quote;          /* '"', '\'', or 0 */
};

NM_HIDDEN_BEGIN

enum nm_html_kind nm_html_next(struct nm_html_scan *s, struct nm_html_token *token);
/* The next one of a tag's attributes from *at (0 at first) on; 0 when there is none left. Of two with the same name the first
   counts. */
int nm_html_attribute_next(struct nm_str attributes, size_t *at, struct nm_html_attribute *out);
/* White space of HTML: tab, LF, FF, CR, space; as a set for nm_str_trim. */
#define NM_HTML_SPACES "\t\n\f\r "
int nm_html_is_space(char c);

NM_HIDDEN_END

#endif
