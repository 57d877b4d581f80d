#ifndef NM_MIME_SCAN_H
#define NM_MIME_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "mime/look.h"

/* What one pass over a content found. All-zero to begin, but for the first two; any split of the bytes. */
struct nm_scan {
  int utf8_known;    /* set: nobody will ask for not_utf8, which costs the most */
  enum nm_look look; /* what else nobody will ask for: escapes, or from_line either */
  uint64_t bytes;
  uint64_t crlf, lf, cr; /* line ends; lf and cr: alone */
  uint64_t escapes;      /* octets other than line ends that QP must write as =XX */
  size_t line;           /* octets of the line so far */
  int too_long;          /* a line over NM_SCAN_LINE_MAX */
  int high;              /* an octet over 127 */
  int nul;
  int from_line; /* a line that begins with "From " */
  int not_utf8;  /* right after nm_scan_end */
  /* between two steps: */
  int after_cr;
  int was_crlf;          /* the last line end */
  unsigned from;         /* octets of "From " that this line began with */
  unsigned char tail[4]; /* the beginning of a UTF-8 character */
  size_t tail_n;
};

/* RFC 5322 2.1.1: a line without its CRLF. */
#define NM_SCAN_LINE_MAX 998

NM_HIDDEN_BEGIN

void nm_scan_step(struct nm_scan *s, const char *p, size_t n);
/* Once, after the last step. */
void nm_scan_end(struct nm_scan *s);
/* Of a content that is one piece, without not_utf8. */
struct nm_scan nm_scan_of(const char *p, size_t n);
/* Fit to go as it is once its line ends are CRLF: ASCII without NUL, no line over 998 octets. */
int nm_scan_is_7bit(const struct nm_scan *s);
/* The same but for octets over 127 (RFC 2045 2.8). */
int nm_scan_is_8bit(const struct nm_scan *s);
/* The last line has its end, any or CRLF. */
int nm_scan_line_end(const struct nm_scan *s);
int nm_scan_crlf_end(const struct nm_scan *s);

NM_HIDDEN_END

#endif
