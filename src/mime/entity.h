#ifndef NM_MIME_ENTITY_H
#define NM_MIME_ENTITY_H

#include <stddef.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "mime/param_read.h"
#include "mime/part.h"

/* A message taken apart into its MIME entities (RFC 2046 5.1): which bytes are whose header and body, and nothing more. The strings
   point into the message. What stands before the first delimiter of a multipart and behind its last one belongs to nobody
   ("Implementations must ignore" it, RFC 2046 5.1.1), and is not kept. */

/* Parts of one message, with those of messages within; more is an attack. */
#define NM_ENTITIES_MAX 10000
/* Levels of multiparts and messages. */
#define NM_ENTITY_DEPTH_MAX NM_PART_HEIGHT_MAX

#define NM_ENTITY_NONE ((size_t)-1)

struct nm_entity {
  struct nm_str head;   /* its fields, without the empty line */
  struct nm_str body;   /* as it is encoded; of a multipart: all of it, with the delimiters */
  struct nm_typed type; /* Content-Type; type.type.n == 0: there is none, or no readable one */
  size_t child;         /* the first, NM_ENTITY_NONE: a leaf */
  size_t next;          /* of the same parent */
  size_t n;             /* children */
  int in_digest; /* of a multipart/digest: its type is message/rfc822 unless it says otherwise (RFC 2046 5.1.5) */
};

/* All-zero is none. items[0] is the message itself. */
struct nm_entities {
  struct nm_entity *items;
  size_t n;
  size_t cap;
};

NM_HIDDEN_BEGIN

/* budget: how many entities there may be, is counted down. depth: levels around this message. A multipart without a boundary, or
   one that never comes, is a leaf; one without its end ends with what is around it; a delimiter of an outer one ends all within.
   multipart/signed and multipart/encrypted are leaves. Linear. Keeps bytes until free. NM_ENOMEM, NM_ELIMIT. */
int nm_entities_read(struct nm_entities *all, struct nm_str bytes, unsigned depth, size_t *budget,
                     struct nm_error *e);
void nm_entities_free(struct nm_entities *all);
/* Whether its media type is that one, of which a half may be "*"; with the defaults of RFC 2045 5.2. */
int nm_entity_is(const struct nm_entity *entity, const char *type, const char *subtype);

NM_HIDDEN_END

#endif
