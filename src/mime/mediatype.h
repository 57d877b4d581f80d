#ifndef NM_MIME_MEDIATYPE_H
#define NM_MIME_MEDIATYPE_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

NM_HIDDEN_BEGIN

/* By the file name's last extension, without case; "application/octet-stream" when it is unknown. Static. */
const char *nm_media_type_by_name(struct nm_str file_name);
/* token "/" token, nothing more: parameters are set one by one. */
int nm_media_type_check(struct nm_str type, struct nm_error *e);
/* text/... : line ends may be normalised, a charset belongs to it. */
int nm_media_type_is_text(struct nm_str type);

NM_HIDDEN_END

#endif
