#ifndef NM_MIME_ENCWORD_READ_H
#define NM_MIME_ENCWORD_READ_H

#include <stddef.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* The way back from mime/encword.h, for header fields that others wrote. The input may still have its folds: a line end
   before white space is none (RFC 5322 2.2.3). Encoded words (RFC 2047, RFC 2231 5) are decoded wherever they stand, also beside
   other text, with raw spaces in them, and with a character that two of them share; what is only like one (an unknown
   charset, another encoding) stays as it is. What comes out is UTF-8 without NUL and line ends: each octet that would not be
   is U+FFFD, and counted in *lost_out (may be NULL, is not set to 0 before), because then the text is not all that the field
   says. Linear. Errors are those of out. */

NM_HIDDEN_BEGIN

/* The value of an unstructured field, without the white space around it. */
void nm_encword_read_text(struct nm_buf *out, struct nm_str value, size_t *lost_out);
/* phrase (RFC 5322 3.2.5): its words with one space between them, quoted strings without their quotes, no comments. */
void nm_encword_read_phrase(struct nm_buf *out, struct nm_str value, size_t *lost_out);
/* Any text, with all of its white space but the folds: a display name, or a parameter. */
void nm_encword_read(struct nm_buf *out, struct nm_str text, size_t *lost_out);
/* The value of a structured field, without folds and the white space around it. What is like an encoded word stays as it is:
   decoded it would become syntax. */
void nm_encword_unfold(struct nm_buf *out, struct nm_str value, size_t *lost_out);
/* The charset of the first encoded word, as it is written; p NULL: there is none. */
struct nm_str nm_encword_charset(struct nm_str value);
/* A text that has no encoded words and no folds, even if it looks like it. */
void nm_encword_mend(struct nm_buf *out, struct nm_str text, size_t *lost_out);

NM_HIDDEN_END

#endif
