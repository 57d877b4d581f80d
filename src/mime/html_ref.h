#ifndef NM_MIME_HTML_REF_H
#define NM_MIME_HTML_REF_H

#include <stdint.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* Character references of HTML ("&amp;", "&#8364;") as browsers read them, also without the ";" where that is taken. Of the
   two thousand names of HTML 5 those that mails use are known; an unknown one stays as it is written. */

NM_HIDDEN_BEGIN

/* The first character of s (s.n > 0), which is in UTF-8: how many octets stand for it, itself in *cp_out. */
size_t nm_html_char(struct nm_str s, int in_attribute, uint32_t *cp_out);
/* Appends s with its references replaced. Never more octets than s has, but for U+FFFD. */
void nm_html_decode(struct nm_buf *b, struct nm_str s, int in_attribute);

NM_HIDDEN_END

#endif
