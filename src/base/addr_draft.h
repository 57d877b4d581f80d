#ifndef NM_BASE_ADDR_DRAFT_H
#define NM_BASE_ADDR_DRAFT_H

#include <stddef.h>
#include "base/addr.h"
#include "base/addr_parts.h"
#include "base/addr_scan.h"
#include "base/hidden.h"
#include "base/idn.h"

/* What the productions have read so far, by its meaning. */
struct nm_addr_text {
  char *p;
  size_t n;
  size_t max;
};

struct nm_addr_draft {
  char local_bytes[NM_ADDR_LOCAL_MAX];
  char name_bytes[NM_ADDR_NAME_MAX];
  char domain_bytes[NM_IDN_TEXT_MAX];
  struct nm_addr_text local;
  struct nm_addr_text name;
  struct nm_idn idn;
  struct nm_addr_parts parts; /* name is not set by the productions */
};

NM_HIDDEN_BEGIN

int nm_addr_take(const struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place, char c);
/* Productions: each begins at s->at and ends behind what it has read; none goes back and none calls itself. */
int nm_addr_quoted_string(struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place);
int nm_addr_domain(struct nm_addr_scan *s, struct nm_addr_draft *d);
int nm_addr_spec(struct nm_addr_scan *s, struct nm_addr_draft *d);
/* Up to the element's angle; the draft has begun. */
int nm_addr_phrase(struct nm_addr_scan *s, struct nm_addr_draft *d);
/* All of the element; begins the draft. */
int nm_addr_mailbox(struct nm_addr_scan *s, struct nm_addr_draft *d);
void nm_addr_draft_begin(struct nm_addr_draft *d);

/* As nm_addr_scan_begin, on a copy of text in which comments and folds are single spaces: *tidy_out, to be freed. */
int nm_addr_scan_lenient(struct nm_addr_scan *s, struct nm_str text, size_t number, char **tidy_out,
                         struct nm_error *e);

NM_HIDDEN_END

#endif
