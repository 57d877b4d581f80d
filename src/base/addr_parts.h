#ifndef NM_BASE_ADDR_PARTS_H
#define NM_BASE_ADDR_PARTS_H

#include "base/addr.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* What stands between the parser (addr_parse.c) and the value (addr.c): the parts by their meaning, checked. */
struct nm_addr_parts {
  struct nm_str local;
  struct nm_str domain; /* ASCII */
  struct nm_str host;   /* as it is shown */
  struct nm_str name;
};

/* RFC 5321 4.5.3.1: local part, and a path without its angle brackets. */
#define NM_ADDR_LOCAL_MAX 64
#define NM_ADDR_SPEC_MAX 254

NM_HIDDEN_BEGIN

/* Copies the parts. The parser has checked them: nothing is refused here. */
int nm_addr_new(const struct nm_addr_parts *parts, struct nm_addr **out, struct nm_error *e);
/* Octets of the local part as it is written: with its quotes and quoted pairs if it needs them. */
size_t nm_addr_local_size(struct nm_str local);
/* What stands behind the "@" on the wire: the ASCII domain, unless the local part needs SMTPUTF8 anyway. */
struct nm_str nm_addr_wire_domain(const struct nm_addr_parts *parts);

NM_HIDDEN_END

#endif
