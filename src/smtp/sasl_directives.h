#ifndef NM_SMTP_SASL_DIRECTIVES_H
#define NM_SMTP_SASL_DIRECTIVES_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* What of a digest-challenge (RFC 2831 2.1.1) and of a response-auth is looked at. The texts borrow from unquoted. */
struct nm_directives {
  struct nm_buf unquoted; /* all values, without their quotes */
  struct nm_str realm, nonce, rspauth;
  int has_realm, has_nonce, has_rspauth, has_algorithm, has_charset, has_qop, offers_auth;
};

NM_HIDDEN_BEGIN

/* NM_EINVAL: not a list of directives, one twice that may stand there once, or a charset or algorithm that is not DIGEST-MD5's;
   NM_ENOMEM. */
int nm_directives_read(struct nm_directives *d, struct nm_str text);
void nm_directives_free(struct nm_directives *d);

NM_HIDDEN_END

#endif
