#ifndef NM_MIME_CHARSET_H
#define NM_MIME_CHARSET_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* Text is UTF-8 inside; a charset is only what stands on the wire. iconv does the work. */

/* A charset's name (RFC 2978 2.3 allows 40 octets): with it an encoded word still has room for any character.
   */
#define NM_CHARSET_NAME_MAX 40

/* A way out of UTF-8, opened once for many texts. All-zero is UTF-8 itself. Borrows nothing. */
struct nm_charset {
  void *cd;   /* an iconv_t; NULL: UTF-8, bytes go as they are */
  void *back; /* the way back, to check what iconv wrote */
  char name[NM_CHARSET_NAME_MAX + 1];
};

/* A way into UTF-8, kept open from one text to the next. All-zero is none yet. Borrows nothing. */
struct nm_charset_reader {
  void *cd; /* an iconv_t; NULL: UTF-8, or none */
  enum { NM_CHARSET_READER_NONE, NM_CHARSET_READER_OPEN, NM_CHARSET_READER_UNKNOWN } state;
  char asked[NM_CHARSET_NAME_MAX + 1]; /* as it was asked for */
  char name[NM_CHARSET_NAME_MAX + 1];  /* as it is registered, or iconv knows it */
};

NM_HIDDEN_BEGIN

/* The name is an RFC 2978 mime-charset, iconv knows it, and it contains ASCII as it is (UTF-16 and the like
   cannot carry mail text unencoded and are refused). "" and "utf-8" mean UTF-8. */
int nm_charset_check(struct nm_str name, struct nm_error *e);
/* utf8 in the charset, appended to out, ending in the charset's initial state. A character that the charset
   lacks is NM_EINVAL with a text that names it (as U+XXXX and itself) and the charset; so is broken UTF-8.
   Never transliterates. On error what was appended is worth nothing. */
int nm_charset_encode(struct nm_str charset, struct nm_str utf8, struct nm_buf *out, struct nm_error *e);
/* Whether that would append exactly those octets. Needs no memory for them. 0 also for a charset that nobody knows; NM_ENOMEM. */
int nm_charset_gives(struct nm_str charset, struct nm_str utf8, struct nm_str octets);
/* The registered name of a charset that iconv knows under others too ("cp1251": windows-1251, "KOI8R": koi8-r), added to out; any
   other name as it is. */
void nm_charset_mime_name(struct nm_str name, struct nm_buf *out);
/* *to becomes charset, checked, under the name that readers know; empty stays empty. field names it in e. */
int nm_charset_keep(struct nm_buf *to, const char *field, struct nm_str charset, struct nm_error *e);
/* UTF-8 by its name or by no name. Not "us-ascii": that one lacks all the other characters. */
int nm_charset_is_utf8(struct nm_str name);

/* The three steps of nm_charset_check and nm_charset_encode, for those who convert piece by piece: each
   convert begins and ends in the initial state. Close may be called twice. */
int nm_charset_open(struct nm_charset *c, struct nm_str name, struct nm_error *e);
int nm_charset_convert(struct nm_charset *c, struct nm_str utf8, struct nm_buf *out, struct nm_error *e);
void nm_charset_close(struct nm_charset *c);

/* The way in. Any charset that iconv knows, by any of its names, also one that could not carry mail text unencoded. NM_EINVAL
   when nobody knows it. A reader that is open for that name already stays as it is. */
int nm_charset_reader_open(struct nm_charset_reader *r, struct nm_str name);
/* bytes as UTF-8, appended to out. What is no character there becomes U+FFFD, and is counted in *bad_out (may be NULL, is not
   set to 0 before). Bytes of a charset that is often named for a larger one (gb2312 for gb18030) are read as that where they
   must be. The error is that of out. */
int nm_charset_read(struct nm_charset_reader *r, struct nm_str bytes, struct nm_buf *out, size_t *bad_out);
/* May be called twice. */
void nm_charset_reader_close(struct nm_charset_reader *r);
/* The three in one. */
int nm_charset_decode(struct nm_str charset, struct nm_str bytes, struct nm_buf *out, size_t *bad_out);

NM_HIDDEN_END

#endif
