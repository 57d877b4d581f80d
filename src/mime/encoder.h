#ifndef NM_MIME_ENCODER_H
#define NM_MIME_ENCODER_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/source.h"

/* Content-Transfer-Encoding (RFC 2045 6). */
enum nm_cte { NM_CTE_7BIT, NM_CTE_QP, NM_CTE_BASE64 };

/* What one pass over the content found; all-zero to begin. Feed any split of the bytes. */
struct nm_scan {
  uint64_t bytes;
  uint64_t high;  /* octets >= 0x80 */
  uint64_t qp;    /* octets that QP must write as =XX */
  uint64_t lines; /* line ends */
  size_t line;    /* octets of the line so far */
  size_t longest; /* the longest line, without its end */
  unsigned char prev;
  unsigned nul : 1;
  unsigned bare : 1;    /* a CR not followed by LF, or (in binary terms) a LF without CR */
  unsigned lf_only : 1; /* a LF without CR */
  unsigned cr_only : 1; /* a CR without LF */
  unsigned from : 1;    /* a line that begins with "From " */
  unsigned from_state : 3;
};

/* One encoder, in any number of steps. text: line ends (CRLF, LF or CR) are written as CRLF in QP and 7bit.
   Zero-initialised but for cte and text. */
struct nm_encoder {
  enum nm_cte cte;
  int text;
  unsigned char held[64]; /* base64: an unfinished line's input; QP: a pending blank or CR */
  size_t held_n;
  size_t col;
};

/* Upper bound of what step or flush writes for n more input bytes. */
#define NM_ENCODER_ROOM(n) (3 * (n) + (n) / 18 + 256)

NM_HIDDEN_BEGIN

const char *nm_cte_name(enum nm_cte cte);
void nm_scan_step(struct nm_scan *s, const char *p, size_t n);
/* Call once after the last step, then ask. 7bit: only text of ASCII without NUL, CR and LF only at line ends, no line over
   998, no "From " line; QP or base64: by which of the two is shorter for text. Not text: base64, unless 7bit would do and
   all line ends are CRLF. */
void nm_scan_end(struct nm_scan *s);
enum nm_cte nm_scan_choose(const struct nm_scan *s, int text);
/* Bytes written to out (at least NM_ENCODER_ROOM(n) big). */
size_t nm_encoder_step(struct nm_encoder *e, const char *p, size_t n, char *out);
/* The end: the tail of base64, a soft break for a last blank. Lines of the output end in CRLF except the last. */
size_t nm_encoder_flush(struct nm_encoder *e, char *out);
/* Takes inner (frees it with itself, also when this fails). Size: exact for base64 over a known size; else exact
   only when given (size >= 0), -1 otherwise. */
struct nm_source *nm_encoded_source(struct nm_source *inner, enum nm_cte cte, int text, int64_t size);
/* Reads s to its end: chooses, and gives the exact size of the encoded form; then rewinds. *cte_out and *size_out are
   set on 0. NM_AGAIN cannot happen with contents. */
int nm_encoding_choose(struct nm_source *s, int text, enum nm_cte *cte_out, int64_t *size_out);

NM_HIDDEN_END

#endif
