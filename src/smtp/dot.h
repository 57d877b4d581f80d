#ifndef NM_SMTP_DOT_H
#define NM_SMTP_DOT_H

#include "base/hidden.h"
#include "base/source.h"

/* How a content goes on the wire. */
enum nm_wire_form {
  /* DATA (RFC 5321 4.5.2): every CRLF, bare LF and bare CR becomes CRLF, a dot that begins a line is doubled, a missing last CRLF is
     added (also to an empty content), then ".\r\n". */
  NM_WIRE_DOTTED,
  /* BDAT (RFC 3030 2): the same lines without dots doubled and without the dot at the end. */
  NM_WIRE_LINES,
  /* BDAT of a binary content: the octets as they are. */
  NM_WIRE_OCTETS
};

NM_HIDDEN_BEGIN

/* One for many contents, one after another: has none, and is not to be read, before nm_wire_source_set, which forgets the content of
   before and keeps inner: the caller frees it after this one. The state lives across reads: any split of the input gives the same bytes.
   Size unknown. NULL when out of memory. */
struct nm_source *nm_wire_source(void);
void nm_wire_source_set(struct nm_source *wire, struct nm_source *inner, enum nm_wire_form form);
/* The last byte was read. With the dot known at once, otherwise only by one more read that gives nothing. */
int nm_wire_ended(const struct nm_source *s);
/* As nm_source_lend: what comes next on the wire, where the content has it in memory as it is to be sent. */
size_t nm_wire_lend(struct nm_source *s, size_t min, size_t max, const char **p_out);
/* Makes that read, if all was given that is at hand: nm_wire_ended is right then. What it finds is given later; where it can be lent, that
   is all that happens. */
void nm_wire_look(struct nm_source *s, size_t min, size_t max);

NM_HIDDEN_END

#endif
