#ifndef NM_MIME_PARAMS_H
#define NM_MIME_PARAMS_H

#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* The parameters of a Content-Type that an author chose: name and value in the order in which they came. All-zero is the
   empty list. */
struct nm_params {
  struct nm_param *items;
  size_t n;
};

struct nm_param {
  struct nm_str name;  /* token; followed by a NUL */
  struct nm_str value; /* UTF-8 of one line */
};

/* Registered types have four at most. */
#define NM_PARAMS_MAX 32
/* A URL of message/external-body is the longest there is. */
#define NM_PARAM_VALUE_MAX 4096

NM_HIDDEN_BEGIN

void nm_params_free(struct nm_params *p);
/* The value of the one of that name (without case); p NULL: there is none. */
struct nm_str nm_params_get(const struct nm_params *p, struct nm_str name);
/* In the place of the one of that name, or at the end. NM_EINVAL for a name that is no token (RFC 2045 5.1) of at most 40
   octets, a value that is not UTF-8 of one line; NM_ELIMIT. p is unchanged on failure. */
int nm_params_set(struct nm_params *p, struct nm_str name, struct nm_str value, struct nm_error *e);
/* Whether there was one. */
int nm_params_remove(struct nm_params *p, struct nm_str name);
/* By name; that of the name first (empty: none) before all others. What came out of a hash table has no order of its own. */
void nm_params_sort(struct nm_params *p, struct nm_str first);
/* to becomes a copy of from; unchanged on failure (NM_ENOMEM). */
int nm_params_assign(struct nm_params *to, const struct nm_params *from);

NM_HIDDEN_END

#endif
