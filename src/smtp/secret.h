#ifndef NM_SMTP_SECRET_H
#define NM_SMTP_SECRET_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

/* A server that does not understand an AUTH line may quote it: its words are then not shown to anybody. */
#define NM_SECRET_REPEATED "(the server repeated the password; its words are not shown)"

/* By what a password is known again where it is no longer kept: of each of its forms the length, and 32 bits of a sum under a random base. So
   few say of a text of another's that it is the password once in four billion places, and of the password no more than that: who reads the
   memory of a process must still guess it. All-zero is of none; wiped by its owner. */
struct nm_secret_mark {
  uint32_t n;
  uint32_t sum;
};

/* Of two passwords: the one before is not forgotten when another is tried on the same line. */
#define NM_SECRET_MARKS_MAX 10

struct nm_secret_marks {
  uint32_t base;
  int hides_all; /* memory was short when they were made */
  size_t n;      /* all that were added; the oldest are overwritten */
  struct nm_secret_mark marks[NM_SECRET_MARKS_MAX];
};

NM_HIDDEN_BEGIN

/* text has the password in it: as it is, as base64 of itself or of a text that it is a part of, or of what PLAIN sends with this user. When
   memory is short: yes. */
int nm_secret_shown(struct nm_str text, struct nm_str user, struct nm_str password);
/* text has the line that was sent in it, or enough of its beginning to be a quotation that was cut. */
int nm_secret_quoted(struct nm_str text, struct nm_str sent);

/* That password is looked for, too, in those of its forms that have eight octets: shorter ones would hide what servers say of themselves. */
void nm_secret_marks_add(struct nm_secret_marks *m, struct nm_str user, struct nm_str password);
/* As nm_secret_shown, of those that were added. Linear. */
int nm_secret_marks_show(const struct nm_secret_marks *m, struct nm_str text);

NM_HIDDEN_END

#endif
