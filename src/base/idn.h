#ifndef NM_BASE_IDN_H
#define NM_BASE_IDN_H

#include <stddef.h>
#include "base/hidden.h"
#include "base/str.h"

/* Internationalized domain names (RFC 5890; UTS 46, non-transitional, NFC). The one place that asks libidn2. */

/* As much of a name as is looked at: the 253 octets of a domain are 250 characters at most. */
#define NM_IDN_TEXT_MAX 1024

/* A name in its two forms, each the only one of its kind: what maps to the same domain has the same bytes here. */
struct nm_idn {
  struct nm_str ascii;   /* A-labels, lower case: what DNS and SMTP are told */
  struct nm_str unicode; /* U-labels, NFC: what people are shown */
  char ascii_bytes[256];
  char unicode_bytes[NM_IDN_TEXT_MAX];
};

NM_HIDDEN_BEGIN

/* domain is UTF-8, with a character beyond ASCII in it. NM_EINVAL, NM_ELIMIT or NM_ENOMEM; *why_out is the reason then,
   the second half of a sentence about "it". */
int nm_idn_map(struct nm_str domain, struct nm_idn *out, const char **why_out);

NM_HIDDEN_END

#endif
