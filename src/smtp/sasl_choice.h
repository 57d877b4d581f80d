#ifndef NM_SMTP_SASL_CHOICE_H
#define NM_SMTP_SASL_CHOICE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "smtp/sasl.h"

/* Which mechanism to speak. Sets of NM_SASL_* bits. */
struct nm_sasl_choice {
  unsigned offered;
  unsigned allowed;    /* the named ones, or NM_SASL_ANY */
  unsigned tried;      /* these did not work */
  int is_named;        /* the caller has named what is allowed */
  int is_protected;    /* TLS, or the caller said that the line needs none */
  int can_bind;        /* there is something of the TLS connection to bind to */
  int has_certificate; /* a client certificate was shown */
  int minimum;         /* nm_sasl_strength of MinimumAuth; 0: any */
};

NM_HIDDEN_BEGIN

/* From the words of EHLO's AUTH line, separated by spaces; unknown ones are passed over. */
unsigned nm_sasl_offered(struct nm_str words);
/* Appends the names of a set, the most wanted first, with the separator between them. */
void nm_sasl_names(struct nm_buf *b, unsigned set, const char *separator);
/* The strongest that may be spoken: one bit. 0: there is none, and e has the reason (kind auth, NM_EINVAL). */
unsigned nm_sasl_choose(const struct nm_sasl_choice *c, struct nm_error *e);
/* What of c->allowed can be trusted to do with this login. */
unsigned nm_sasl_trusted(const struct nm_sasl_choice *c, const struct nm_sasl_login *l);
/* What the code that refuses AUTH says about going on with another mechanism. */
enum nm_sasl_fault nm_sasl_fault_of(int code);

NM_HIDDEN_END

#endif
