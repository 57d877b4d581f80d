#ifndef NM_BASE_ADDR_SCAN_H
#define NM_BASE_ADDR_SCAN_H

#include <stddef.h>
#include "base/chars.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* What the productions of addr_spec.c and addr_parse.c read from: one text, cut into its elements, which are separated by
   commas; and the sentences for what is refused (addr_fail.c). Each byte of an element is passed once here and once by its
   production. */
struct nm_addr_scan {
  struct nm_str text;
  const char *noun; /* what the text is: for the errors */
  size_t at;        /* the next byte to read */
  size_t start;     /* of the element */
  size_t end;       /* of the element: its separator, or the end of the text */
  size_t angle;     /* its first "<" outside quotes; end when it has none */
  size_t number;    /* of the element in a list, from 1; 0: the text is no list */
  size_t
      name_at; /* where "@" first stands in the name that was read, counted from 1; 0: nowhere, or no matter */
  int is_lenient; /* the obsolete forms of RFC 5322 4 are taken; comments and folds are gone already (addr_tidy.c) */
  int is_in_group; /* the element is the member of a group: a ";" ends it too */
  struct nm_error *e;
};

/* Where a byte stands that does not belong there. */
enum nm_addr_place { NM_ADDR_IN_NAME = 1, NM_ADDR_IN_LOCAL = 2, NM_ADDR_IN_DOMAIN = 4, NM_ADDR_BEHIND = 8 };

/* nm_addr_scan_element: what was found is the name of a group, and ends at its colon. */
#define NM_ADDR_GROUP 1

NM_HIDDEN_BEGIN

int nm_addr_scan_begin(struct nm_addr_scan *s, struct nm_str text, size_t number, struct nm_error *e);
/* Finds the element at s->at: 0, or NM_ADDR_GROUP. Refuses, wherever they stand: control characters, broken UTF-8, an open
   quote, nothing (a lenient list may have nothing between two commas: start is end then). */
int nm_addr_scan_element(struct nm_addr_scan *s);
/* Goes into the group whose name is the element. 1: it has members; 0: it is closed, and is the element now. */
int nm_addr_scan_group(struct nm_addr_scan *s);
/* Refuses a name given apart from its address that is too long, or holds a control character or broken UTF-8. */
int nm_addr_scan_name(struct nm_str name, struct nm_error *e);
/* Goes on behind the element's separator: 1, 0 when the text is over, negative when it may not end so. */
int nm_addr_scan_next(struct nm_addr_scan *s);
void nm_addr_scan_wsp(struct nm_addr_scan *s);
/* The bytes of the character at i of the text, 0 when it may stand nowhere: then the error is set. */
size_t nm_addr_scan_char(const struct nm_addr_scan *s, size_t i);

/* Within the element, at s->at. */
static inline int nm_addr_scan_is(const struct nm_addr_scan *s, char c) {
  return s->at < s->end && s->text.p[s->at] == c;
}

static inline int nm_addr_scan_in(const struct nm_addr_scan *s, int classes) {
  return s->at < s->end && nm_is((unsigned char)s->text.p[s->at], classes);
}

static inline int nm_addr_scan_beyond_ascii(const struct nm_addr_scan *s) {
  return s->at < s->end && (unsigned char)s->text.p[s->at] >= 0x80;
}

/* Says which address is refused and why; the reason is the second half of a sentence. Returns code. */
int nm_addr_fail(const struct nm_addr_scan *s, int code, const char *reason, ...) NM_PRINTF(3, 4);
int nm_addr_fail_empty(const struct nm_addr_scan *s);
/* The byte at s->at (or the end of the element) cannot stand there. NM_EINVAL. */
int nm_addr_unexpected(const struct nm_addr_scan *s, enum nm_addr_place place);
/* The bytes of the character beyond ASCII at s->at, 0 when an address may not have it there: then the error is set. */
size_t nm_addr_visible(const struct nm_addr_scan *s, enum nm_addr_place place);

NM_HIDDEN_END

#endif
