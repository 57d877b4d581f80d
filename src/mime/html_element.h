#ifndef NM_MIME_HTML_ELEMENT_H
#define NM_MIME_HTML_ELEMENT_H

#include "base/hidden.h"
#include "base/str.h"

/* What a reader of text has to know of an element. */
enum nm_html_id {
  NM_EL_OTHER,
  NM_EL_A,
  NM_EL_BLOCKQUOTE,
  NM_EL_BR,
  NM_EL_CELL, /* td, th */
  NM_EL_DD,
  NM_EL_DL,
  NM_EL_DT,
  NM_EL_HEADING,
  NM_EL_HR,
  NM_EL_IMG,
  NM_EL_INPUT,
  NM_EL_LI,
  NM_EL_OL,
  NM_EL_P,
  NM_EL_PRE,
  NM_EL_Q,
  NM_EL_ROW,      /* tr */
  NM_EL_ROWGROUP, /* thead, tbody, tfoot, caption */
  NM_EL_TABLE,
  NM_EL_UL
};

enum {
  NM_EL_VOID = 1,    /* has no end tag */
  NM_EL_BLOCK = 2,   /* begins and ends a line; ends an open p */
  NM_EL_APART = 4,   /* and has a blank line before and after */
  NM_EL_SPECIAL = 8, /* its end tag ends what is open within it, and no other tag ends it from within */
  NM_EL_SCOPE = 16,  /* end tags within it end nothing outside */
  NM_EL_FORMAT = 32, /* ends alone when blocks are open within it */
  NM_EL_DROP = 64    /* nobody reads what is in it */
};

struct nm_html_element {
  char name[11];
  unsigned char id;
  unsigned char flags;
};

NM_HIDDEN_BEGIN

/* Never NULL: an unknown element is an inline one. Names compare without case. */
const struct nm_html_element *nm_html_element(struct nm_str name);

NM_HIDDEN_END

#endif
