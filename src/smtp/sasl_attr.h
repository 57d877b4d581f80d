#ifndef NM_SMTP_SASL_ATTR_H
#define NM_SMTP_SASL_ATTR_H

#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

/* The attributes of SCRAM's messages: a letter and a value each (RFC 5802 5.1 and 7). */

NM_HIDDEN_BEGIN

/* Cuts the next one off rest. 0: it is none. */
int nm_attr_next(struct nm_str *rest, char *name_out, struct nm_str *value_out);
/* Nothing is in rest but optional extensions, each once. */
int nm_attr_extensions(struct nm_str rest);
/* posit-number; 0: it is none, or above UINT32_MAX. */
uint32_t nm_attr_number(struct nm_str s);

NM_HIDDEN_END

#endif
