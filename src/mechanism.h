#ifndef NM_MECHANISM_H
#define NM_MECHANISM_H

#include "base/buf.h"
#include "base/hidden.h"
#include "base/str.h"

/* SASL mechanisms as sets of bits, the strongest first. */
enum {
  NM_MECH_GSSAPI = 1 << 0,
  NM_MECH_DIGEST_MD5 = 1 << 1,
  NM_MECH_CRAM_MD5 = 1 << 2,
  NM_MECH_NTLM = 1 << 3,
  NM_MECH_PLAIN = 1 << 4,
  NM_MECH_LOGIN = 1 << 5,
  NM_MECH_LAST = NM_MECH_LOGIN,

  /* The password itself, or all that is needed to have it, goes over the line. */
  NM_MECHS_CLEAR = NM_MECH_PLAIN | NM_MECH_LOGIN,
  /* What "" stands for: the server's list decides among these. GSSAPI and NTLM, which may log in as somebody the caller
     did not name, only when they are named (DESIGN.md 3.9). */
  NM_MECHS_ANY = NM_MECH_DIGEST_MD5 | NM_MECH_CRAM_MD5 | NM_MECHS_CLEAR
};

NM_HIDDEN_BEGIN

/* One bit for a name in any case ("Kerberos" is GSSAPI), NM_MECHS_ANY for "", 0 for an unknown one. */
unsigned nm_mech_by_name(struct nm_str name);
/* The name of one bit. */
const char *nm_mech_name(unsigned bit);
/* Names of a set, strongest first, separated by separator. */
void nm_mech_names(struct nm_buf *b, unsigned set, const char *separator);

NM_HIDDEN_END

#endif
