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
  int is_plain; /* local is an ASCII Dot-string, and domain and host are one and the same and stand behind it and an "@" */
};

/* RFC 5321 4.5.3.1: local part, and a path without its angle brackets. */
#define NM_ADDR_LOCAL_MAX 64
#define NM_ADDR_SPEC_MAX 254

NM_HIDDEN_BEGIN

/* Copies the parts. The parser has checked them: nothing is refused here. room as in nm_addr_parse_in. */
int nm_addr_new(struct nm_block *room, const struct nm_addr_parts *parts, struct nm_addr **out,
                struct nm_error *e);
/* The same as an item of list. */
int nm_addr_new_item(struct nm_list *list, const struct nm_addr_parts *parts, struct nm_error *e);
/* The mailbox at that place of text, if it is one of those that nearly all are, and then what the productions make of it: its parts,
   which lie in text, and where its element ends (at a comma or the end of text). 0: none of them, or none at all; the productions
   (addr_parse.c) are to say. parts->name.p is NULL where no angle brackets are. */
size_t nm_addr_plain(struct nm_str text, size_t at, struct nm_addr_parts *parts);
/* Octets of the local part as it is written: with its quotes and quoted pairs if it needs them. */
size_t nm_addr_local_size(struct nm_str local);
/* What stands behind the "@" on the wire: the ASCII domain, unless the local part needs SMTPUTF8 anyway. */
struct nm_str nm_addr_wire_domain(const struct nm_addr_parts *parts);

NM_HIDDEN_END

#endif
