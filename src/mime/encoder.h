#ifndef NM_MIME_ENCODER_H
#define NM_MIME_ENCODER_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "base/source.h"
#include "mime/scan.h"

/* Content-Transfer-Encoding (RFC 2045 6). The first three pass any MTA; 8bit needs one with 8BITMIME (RFC 6152), binary one
   with BINARYMIME (RFC 3030), so they are only written where the caller both wishes and allows them. */
enum nm_cte { NM_CTE_7BIT, NM_CTE_QP, NM_CTE_BASE64, NM_CTE_8BIT, NM_CTE_BINARY };

/* Octets of an encoded line, without its CRLF (RFC 2045 6.7 (5), 6.8), and what base64 puts into it. */
#define NM_LINE_COLUMNS 76
#define NM_LINE_OCTETS 57

/* One encoder, in any number of steps; any split of the input gives the same bytes. All-zero but for cte and text.
   text: the input is text whose line ends may be CRLF, LF or CR; each is written as CRLF (in base64: encoded as such,
   RFC 2045 6.8). Without text every octet is kept: QP writes CR and LF as =0D and =0A; 7bit, 8bit and binary copy. */
struct nm_encoder {
  enum nm_cte cte;
  int text;
  unsigned char
      held[80]; /* base64: the input of the unfinished line; QP: the unfinished line of the output */
  size_t held_n;
  size_t unit;   /* QP: where the last character of the held line begins */
  unsigned more; /* QP: octets that are still to come of this character */
  int cr;        /* text: the last octet was a CR */
};

/* What step or flush writes at most for n more octets: each as =XX, and 3 for a soft break after no less than 64. */
#define NM_ENCODER_ROOM(n) (3 * (n) + (n) / 6 + 256)

/* How a content is best written. */
struct nm_encoding {
  enum nm_cte cte;
  int text;     /* for the encoder */
  int64_t size; /* octets of the encoded form; -1: not known */
  int line_end; /* the encoded form ends in CRLF */
  int as_is;    /* and is the content itself, octet by octet */
  int is_sure;  /* the octets are those that were looked at: they cannot have changed since */
};

/* What nm_cte_wish allows beyond what passes any MTA. */
enum { NM_ALLOW_8BIT = 1, NM_ALLOW_BINARY = 2 };

/* What the caller wants instead of the best one. All-zero: nothing.
   Quoted-printable and base64 can always be had. 7bit for a content that is none is an error which says what is in the way.
   8bit and binary depend on the way the message takes, which no author can know: where they are not allowed, or 8bit does not
   fit the content (a NUL, a line over 998 octets, a line end that is not CRLF in a content whose octets must survive), the best
   one is taken: mail must arrive. */
struct nm_cte_wish {
  int is_forced;
  enum nm_cte forced;
  unsigned allowed; /* NM_ALLOW_…; means nothing but with 8bit or binary forced */
};

NM_HIDDEN_BEGIN

/* "7bit", "quoted-printable", "base64", "8bit", "binary". */
const char *nm_cte_name(enum nm_cte cte);
/* By that name, without case; empty: nothing is wished. field names it in e. */
int nm_cte_wish_set(struct nm_cte_wish *w, const char *field, struct nm_str name, struct nm_error *e);
/* Returns the octets written to out, which has NM_ENCODER_ROOM(n), or, but for QP, those that it returns. */
size_t nm_encoder_step(struct nm_encoder *e, const char *p, size_t n, char *out);
/* Octets that step may be given where it can write room, which is NM_ENCODER_ROOM(1) at least. */
size_t nm_encoder_fits(const struct nm_encoder *e, size_t room);
/* The end: what is held. Every line of base64 ends in CRLF, the last one too; in all others the last line ends
   as the input does. The encoder may then begin anew. */
size_t nm_encoder_flush(struct nm_encoder *e, char *out);
/* Octets of base64 lines for n octets; -1 when n is -1 or the number is beyond int64_t. */
int64_t nm_encoder_base64_size(int64_t n);

/* Reads s to its end, fills scan, chooses, and rewinds s. A negative code is that of the source (s->error).
   text: a text whose line ends may be rewritten. Else every octet must survive: then 7bit and QP are only taken for
   text in UTF-8 with no line end but CRLF.
   The best one is 7bit for what passes any MTA unchanged; otherwise the shorter of QP and base64. wish: another one (borrows;
   NULL: none). NM_AGAIN of the source is NM_EINVAL here. */
int nm_encoding_choose(struct nm_source *s, int text, const struct nm_cte_wish *wish, struct nm_scan *scan,
                       struct nm_encoding *out);

/* The same for bytes that are at hand. */
int nm_encoding_choose_bytes(struct nm_str bytes, int text, const struct nm_cte_wish *wish,
                             struct nm_scan *scan, struct nm_encoding *out, struct nm_error *e);

/* The encoded form of inner as a source. Takes inner: freed with this one, and at once when memory is short (NULL).
   What does not fit 7bit or 8bit (the content has changed since it was scanned) is an error of read, unless how->is_sure. */
struct nm_source *nm_encoded_source(struct nm_source *inner, const struct nm_encoding *how);

NM_HIDDEN_END

#endif
