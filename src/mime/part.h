#ifndef NM_MIME_PART_H
#define NM_MIME_PART_H

#include "base/buf.h"
#include "base/content.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/str.h"

#define NM_PART_NAME_MAX 1024
#define NM_PART_LIST_MAX 100000

/* One attached file or inline part. Counted; the fields are set through the functions, read directly. */
struct nm_part {
  unsigned refs;
  struct nm_content *content;
  struct nm_buf name;       /* file name as shown; empty: none. Never a path: the last component only */
  struct nm_buf type;       /* media type; empty: by name */
  struct nm_buf content_id; /* without <>; empty: none */
  int inline_part;          /* Content-Disposition: inline, and inside multipart/related */
};

NM_HIDDEN_BEGIN

/* The last component of a path, after / or \. Borrows. */
struct nm_str nm_part_file_name(struct nm_str path);
/* Takes a reference to content. name: its last path component (after / or \) is kept; may be empty. */
int nm_part_new(struct nm_content *content, struct nm_str name, struct nm_part **out, struct nm_error *e);
struct nm_part *nm_part_ref(struct nm_part *a);
void nm_part_unref(struct nm_part **a);
/* Each checks its argument (UTF-8; no CR, LF, NUL; grammar of RFC 2045, RFC 2392) and leaves the old value on error. */
int nm_part_set_name(struct nm_part *a, struct nm_str name, struct nm_error *e);
/* multipart/... is refused: such a content is not one part. message/... (but message/global) may not be encoded: rendering
   refuses what is not 7bit, and writes its line ends as CRLF. Empty: by name. */
int nm_part_set_type(struct nm_part *a, struct nm_str type, struct nm_error *e);
/* With or without <>; left side and right side as RFC 5322 msg-id, but the "@right" part is optional, as HTML
   authors write cid:chart. Setting one makes the part inline; empty takes the id away. */
int nm_part_set_content_id(struct nm_part *a, struct nm_str id, struct nm_error *e);
/* What goes into Content-Type: the type set, or the one by name. */
struct nm_str nm_part_type(const struct nm_part *a);
struct nm_list *nm_part_list_new(void);

NM_HIDDEN_END

#endif
