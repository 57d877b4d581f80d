#ifndef NM_RECIPIENT_H
#define NM_RECIPIENT_H

#include "base/addr.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "base/str.h"

/* One recipient of an envelope, and what is asked for it alone. Immutable, counted. */
struct nm_recipient {
  unsigned refs;
  struct nm_addr *addr;
  unsigned notify;     /* NM_NOTIFY_ bits; 0: what is asked for all */
  struct nm_str orcpt; /* n == 0: what is asked for all */
};

NM_HIDDEN_BEGIN

/* Takes its own reference to addr; orcpt is copied. Values that are wrong (nm_rcpt_options_check) are NM_EINVAL or NM_ELIMIT. */
int nm_recipient_new(struct nm_addr *addr, unsigned notify, struct nm_str orcpt, struct nm_recipient **out,
                     struct nm_error *e);
void nm_recipient_unref(struct nm_recipient **r);
struct nm_list *nm_recipient_list_new(void);
/* One that asks for nothing, at the end. */
int nm_recipient_list_add(struct nm_list *list, struct nm_addr *addr, struct nm_error *e);

NM_HIDDEN_END

#endif
