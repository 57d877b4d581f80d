#ifndef NM_MIME_PARSE_H
#define NM_MIME_PARSE_H

#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/message.h"

/* A message that exists, read into the model that a message is made of. Nothing that it says is lost but what is said here:
   - what stands before the first and behind the last delimiter of a multipart, which nobody shows; the boundaries; Return-Path;
   - fields of a part that do not begin with Content-, which mean nothing there (RFC 2046 5.1);
   - whether the pictures of html stand in an alternative or around it;
   - the parameters of Content-Disposition but for filename; the names of groups of recipients;
   - octets in header fields that are no characters (they are U+FFFD), where the field cannot be sent as it is;
   - of a list of recipients, or Reply-To, those that cannot be read, where others can: they are named nowhere;
   - structured fields (addresses, dates, ids) that can neither be read nor be sent as they are.
   Written again it means the same; what we wrote comes out with the same bytes, given the same stamp.

   Fields that a property stands for become that property, unless they cannot: a From of two mailboxes, a broken Date; those are
   among fields, as is every other one, with its bytes (mime/field_read.h), and written where the property says nothing.
   The body becomes text, html, calendar, views, linked and attachments where it has the shape that those are written in
   (mime/tree.h); a body of another shape becomes root, beside attachments where it stands in a mixed with them.
   Text in any charset is UTF-8 then; BodyEncoding has the charset it came in. multipart/signed and multipart/encrypted are
   one part with its octets. A message/rfc822 is a message when writing it would give its octets, else a part with them. */

/* Octets of one message: what the largest servers take, with room. */
#define NM_PARSE_MAX ((size_t)1 << 28)
/* Octets of one header. A field may be long (a thousand recipients), a header of more is an attack. */
#define NM_PARSE_HEAD_MAX ((size_t)1 << 22)
/* For each octet so many of messages in messages are read as such, so many of UTF-8 are made of texts, and that much for small
   ones; a message or text beyond it stays a part with its octets. So time and memory are linear, whatever is nested or named
   as a charset. */
#define NM_PARSE_WITHIN 2
#define NM_PARSE_TEXT 4
#define NM_PARSE_ROOM ((size_t)1 << 20)

NM_HIDDEN_BEGIN

/* NM_EINVAL for what has no header field at all, NM_ELIMIT for what is too long, too deep or too much; linear. A file
   is read whole. */
int nm_message_parse(struct nm_content *bytes, struct nm_message **out, struct nm_error *e);

NM_HIDDEN_END

#endif
