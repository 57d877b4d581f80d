#ifndef NM_MIME_TEMPLATE_H
#define NM_MIME_TEMPLATE_H

#include "base/hidden.h"
#include "mime/head.h"
#include "mime/message.h"
#include "mime/pieces.h"

/* A message whose body is written once for many messages, each of which has addresses and fields of its own. Counted, immutable. */
struct nm_template {
  unsigned refs;
  struct nm_message *common; /* what each begins with: the message without its body and Message-ID */
  struct nm_head_kept head;  /* of common, as it is written */
  /* The body by what the way takes (NM_ALLOW_…); those that are the same are shared. NULL: it cannot go there, refusal says why. */
  struct nm_pieces *bodies[(NM_ALLOW_8BIT | NM_ALLOW_BINARY) + 1];
  struct nm_error refusal;
  struct nm_error utf8; /* the part with a header beyond ASCII (mime/eai.h); code 0: none */
};

NM_HIDDEN_BEGIN

/* m as it is now, with the boundaries of stamp, and its date for those messages within that have none. Every send opens the files anew,
   and fails when one is not the same any more. NM_EINVAL for what has no body that could be shared: a content that can only be read by one
   send at a time, raw, and a message that goes where its newest Resend says. */
int nm_template_make(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_template **out,
                     struct nm_error *e);
struct nm_template *nm_template_ref(struct nm_template *t);
void nm_template_unref(struct nm_template **t);
/* About how many octets it holds, beside contents that are others' too. */
size_t nm_template_size(const struct nm_template *t);
/* A new message with the fields and addresses of the template, to be set as those of any message, and its body, which stays. NM_ENOMEM. */
int nm_template_mail(struct nm_template *t, struct nm_message **out);
/* For nm_message_render: the body comes next and last. */
int nm_template_write_body(const struct nm_template *t, unsigned allowed, struct nm_pieces *p,
                           struct nm_error *e);

NM_HIDDEN_END

#endif
