#ifndef NM_MIME_PART_H
#define NM_MIME_PART_H

#include "base/buf.h"
#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/str.h"
#include "mime/encoder.h"
#include "mime/params.h"

struct nm_message;

#define NM_PART_NAME_MAX 1024
#define NM_PART_LIST_MAX 100000
/* Parts in parts in parts: readers give up long before. */
#define NM_PART_HEIGHT_MAX 50

enum nm_part_kind {
  NM_PART_OCTETS,    /* a leaf whose octets the author made: an attached file */
  NM_PART_TEXT,      /* a leaf of UTF-8 text, whose charset and line ends are ours */
  NM_PART_MULTIPART, /* of children */
  NM_PART_MESSAGE,   /* message/rfc822 */
  NM_PART_EXTERNAL   /* message/external-body: the content is elsewhere, access says where (RFC 2046 5.2.3) */
};

/* Content-Disposition (RFC 2183). DEFAULT: "attachment" among the attachments of a message, "inline" among its linked resources,
   otherwise none. NONE: none anywhere, as a part that was read without one. */
enum nm_disposition {
  NM_DISPOSITION_DEFAULT,
  NM_DISPOSITION_INLINE,
  NM_DISPOSITION_ATTACHMENT,
  NM_DISPOSITION_NONE
};

/* A MIME entity. Counted; the fields are set through the functions, read directly. What it is made of (content, children,
   message) never changes, so a part is never within itself and its height is known; its fields may change. */
struct nm_part {
  unsigned refs;
  enum nm_part_kind kind;
  unsigned height;            /* 1: a leaf */
  int is_utf8;                /* a header within is in UTF-8 (RFC 6532): can only be sent with SMTPUTF8 */
  struct nm_content *content; /* OCTETS, TEXT */
  struct nm_list *children;   /* MULTIPART */
  struct nm_message *message; /* MESSAGE: a copy of its own */
  struct nm_params access;    /* EXTERNAL */
  struct nm_buf name;         /* file name as shown; empty: none. Never a path: the last component only */
  struct nm_buf type;         /* media type; empty: by kind and name. EXTERNAL: that of the content */
  struct nm_params params;    /* of the type, but for boundary, name, and type of multipart/related */
  struct nm_buf content_id;   /* without <>; empty: none */
  struct nm_buf description;  /* UTF-8 */
  struct nm_buf location;     /* URI */
  struct nm_buf language;     /* tags with ", " between them */
  enum nm_disposition disposition;
  struct nm_cte_wish wish; /* its allowed is 0 */
  struct nm_list *fields;  /* struct nm_field: others of its header, kept from a parsed message; NULL: none */
};

NM_HIDDEN_BEGIN

/* The last component of a path, after / or \. Borrows. */
struct nm_str nm_part_file_name(struct nm_str path);

/* Each takes a reference to what it is given. */

/* name: its last path component (after / or \) is kept; may be empty. */
int nm_part_new(struct nm_content *content, struct nm_str name, struct nm_part **out, struct nm_error *e);
/* text is UTF-8 in memory, without NUL (NM_EINVAL). text/plain until another text/... type is set. */
int nm_part_new_text(struct nm_content *text, struct nm_part **out, struct nm_error *e);
/* type: "multipart/mixed" or another, as set_type takes it. children: struct nm_part; copied. NM_EINVAL without children, NM_ELIMIT
   above NM_PART_HEIGHT_MAX. */
int nm_part_new_multipart(struct nm_str type, const struct nm_list *children, struct nm_part **out,
                          struct nm_error *e);
/* m as it is now (nm_message_copy). */
int nm_part_new_message(const struct nm_message *m, struct nm_part **out, struct nm_error *e);
/* access has access-type and what that needs: URL (RFC 2017): URL; FTP, ANON-FTP, TFTP: NAME and SITE; LOCAL-FILE: NAME;
   MAIL-SERVER: SERVER; another type needs an "x-" in front. */
int nm_part_new_external(const struct nm_params *access, struct nm_part **out, struct nm_error *e);
struct nm_part *nm_part_ref(struct nm_part *p);
void nm_part_unref(struct nm_part **p);

/* Each checks its argument (UTF-8; no CR, LF, NUL; grammar of RFC 2045, RFC 2392) and leaves the old value on error. Empty
   takes it away. */
int nm_part_set_name(struct nm_part *p, struct nm_str name, struct nm_error *e);
/* type "/" subtype, and parameters as set_param takes them behind ";". Empty: by name. A leaf cannot be multipart/..., a text only text/..., a multipart only another multipart/...
   (but not signed and encrypted, which have their own makers); a message keeps its own. OCTETS as message/... (but message/global)
   may not be encoded: rendering refuses what is not 7bit, and writes its line ends as CRLF. */
int nm_part_set_type(struct nm_part *p, struct nm_str type, struct nm_error *e);
/* name: not boundary, name, nor type of multipart/related, which are made by rendering. charset of TEXT: what it is written
   in, known to iconv; of OCTETS: what the author says that it is in. An empty value takes it away. */
int nm_part_set_param(struct nm_part *p, struct nm_str name, struct nm_str value, struct nm_error *e);
/* With or without <>; left side and right side as RFC 5322 msg-id, but the "@right" part is optional, as HTML
   authors write cid:chart. Setting one makes the part inline; empty takes the id away. */
int nm_part_set_content_id(struct nm_part *p, struct nm_str id, struct nm_error *e);
int nm_part_set_description(struct nm_part *p, struct nm_str text, struct nm_error *e);
/* RFC 2557 4.2: a URI, absolute or relative, in ASCII. */
int nm_part_set_location(struct nm_part *p, struct nm_str uri, struct nm_error *e);
/* RFC 3282: language tags (RFC 5646) with commas between them. */
int nm_part_set_language(struct nm_part *p, struct nm_str tags, struct nm_error *e);
/* "7bit", "8bit", "binary", "quoted-printable", "base64"; empty: the best one. Not for a multipart or a message. */
int nm_part_set_transfer_encoding(struct nm_part *p, struct nm_str name, struct nm_error *e);
/* What goes into Content-Type: the type set, or the one by kind or name. */
struct nm_str nm_part_type(const struct nm_part *p);
/* One of them is of that type. */
int nm_part_list_has_type(const struct nm_list *parts, struct nm_str type);
/* By HTML, when there is any. */
int nm_part_is_shown(const struct nm_part *p);
struct nm_list *nm_part_list_new(void);
void nm_part_list_init(struct nm_list *l, struct nm_block *block); /* as nm_list_init */

NM_HIDDEN_END

#endif
