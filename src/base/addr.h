#ifndef NM_BASE_ADDR_H
#define NM_BASE_ADDR_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/str.h"

/* A mailbox (RFC 5322 3.4, RFC 6532 3.2): a display name, and an address parsed into local part and domain and written
   anew from them, so that the same value stands in the envelope and in the header. Immutable, counted.
   An international domain has two forms, each the only one for its domain (base/idn.h): U-labels are shown, A-labels go on the
   wire, in the envelope and in the header alike, so that no server has to know more than ASCII. Only a local part beyond
   ASCII, which has no other form, takes the U-labels with it on the wire, and needs SMTPUTF8 (RFC 6531).
   A domain that is given in ASCII stays as it is written, its A-labels too.
   Octets as written: local part 64, the whole 254 (RFC 5321 4.5.3.1: a path is 256 with its "<" and ">"); display
   name NM_ADDR_NAME_MAX. */
struct nm_addr {
  unsigned refs;
  struct nm_block *block; /* what it lies in, and holds; NULL: a block of its own */
  struct nm_str local;    /* without quotes: what the quoted string means */
  struct nm_str domain;   /* in ASCII: A-labels, or address literal with its brackets */
  struct nm_str host;     /* as it is shown: U-labels */
  struct nm_str spec;     /* local@domain as it goes on the wire, the local part quoted only if it must be */
  struct nm_str address;  /* local@host as it is shown; spec itself where the two are the same */
  struct nm_str name;     /* display name in UTF-8; empty when there is none */
};

#define NM_ADDR_NAME_MAX 2048
/* One text that is parsed as a list, and recipients of one message. */
#define NM_ADDR_TEXT_MAX (1 << 20)
#define NM_ADDR_LIST_MAX 100000

NM_HIDDEN_BEGIN

/* Exactly one mailbox: `addr@dom`, `Name <addr@dom>`, `"Quoted, Name" <addr@dom>`. Strict: comments, folds, groups, source
   routes, line ends and control characters are refused, and so are characters that look like none or like another one
   (base/visible.h) in an address; a name may have any other. White space between the words of a name becomes one space.
   NM_EINVAL, or NM_ELIMIT for what is too long; *out is NULL then. */
int nm_addr_parse(struct nm_str text, struct nm_addr **out, struct nm_error *e);
/* The same, in room where there is enough of it left. NULL: a block of its own, as everywhere else. */
int nm_addr_parse_in(struct nm_block *room, struct nm_str text, struct nm_addr **out, struct nm_error *e);
/* An addr-spec and a name given apart; the name is taken as it is (any UTF-8 without C0 controls and DEL). */
int nm_addr_make(struct nm_str spec, struct nm_str name, struct nm_addr **out, struct nm_error *e);
/* A comma-separated list of mailboxes and groups (`Name: a@b, c@d;`), appended to list (a list made by nm_addr_list_new): a
   group stands for its members and may have none. On error nothing is appended. An empty text is an error. Linear
   time, no recursion. */
int nm_addr_parse_list(struct nm_str text, struct nm_list *list, struct nm_error *e);
/* The same two for the value of a header field that others wrote: comments (nested, and never part of an address or name),
   folds, white space around "." and "@", a local part quoted in part, source routes (left out), commas with nothing
   between them (RFC 5322 3.2.2 and 4). No control character gets through here either. */
int nm_addr_parse_lenient(struct nm_str text, struct nm_addr **out, struct nm_error *e);
int nm_addr_parse_list_lenient(struct nm_str text, struct nm_list *list, struct nm_error *e);
struct nm_list *nm_addr_list_new(void);
void nm_addr_list_init(struct nm_list *l, struct nm_block *block); /* as nm_list_init */
struct nm_addr *nm_addr_ref(struct nm_addr *a);
void nm_addr_unref(struct nm_addr **a);
/* By value: local part exact, domain in ASCII without case; names do not count. */
int nm_addr_same(const struct nm_addr *a, const struct nm_addr *b);
/* An order in which equals by value are 0 and the addresses of a domain stand together. */
int nm_addr_compare(const struct nm_addr *a, const struct nm_addr *b);
/* The same for equals by value. No secret: whoever chooses addresses can choose some of one hash. */
uint32_t nm_addr_hash(const struct nm_addr *a);
/* Takes those out that are the same as one before them. place (NULL: nobody asks) has room for list->n: where each of them is then, or
   the one that it is the same as. Linear; n log n for addresses that were chosen to make it slow. NM_ENOMEM: the list is as it was. */
int nm_addr_list_unique(struct nm_list *list, size_t *place);
/* Cannot be written in ASCII: envelope and header need SMTPUTF8. */
int nm_addr_is_utf8(const struct nm_addr *a);

NM_HIDDEN_END

#endif
