#ifndef NM_MIME_LIST_URLS_H
#define NM_MIME_LIST_URLS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* The values of List-Unsubscribe and its sisters (RFC 2369 2): URLs in angle brackets with commas between them. */

/* One URL: it fits on a line without a fold inside it. */
#define NM_LIST_URL_MAX 900

NM_HIDDEN_BEGIN

/* The next URL of `<url>, <url>` from *at on, without its brackets; a text without any bracket is one URL. 1; 0 when there is none
   left; NM_EINVAL where the text is no such list, then *url_out is the rest of it. */
int nm_list_url_next(struct nm_str text, size_t *at, struct nm_str *url_out);
/* Appends "<url>, <url>" for the URLs of text: at least one, each http, https or mailto. NM_EINVAL with a sentence that
   begins with field's name. */
int nm_list_urls(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e);
/* What was written by nm_list_urls has an https URL in it. */
int nm_list_urls_has_https(struct nm_str value);

NM_HIDDEN_END

#endif
