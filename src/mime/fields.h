#ifndef NM_MIME_FIELDS_H
#define NM_MIME_FIELDS_H

#include "base/list.h"
#include "mime/field.h"

/* The fields that a message has beside those of its own properties: a struct nm_list of struct nm_field, in order, a
   name any number of times unless its rule says single. Names compare without case. */

/* More is no message but an attack or a loop. */
#define NM_FIELDS_MAX 1000

NM_HIDDEN_BEGIN

struct nm_list *nm_fields_new(void);
void nm_fields_init(struct nm_list *l, struct nm_block *block); /* as nm_list_init */
/* The index of the first field of that name from index at on; list->n: none. */
size_t nm_fields_find(const struct nm_list *list, struct nm_str name, size_t at);
/* Its value; p NULL: there is none. */
struct nm_str nm_fields_get(const struct nm_list *list, struct nm_str name);
/* At the end. A second one where only one may stand is NM_EINVAL. */
int nm_fields_add(struct nm_list *list, struct nm_str name, struct nm_str value, struct nm_error *e);
/* In the place of the first of that name, and the others go; at the end when there was none. On failure list is unchanged. */
int nm_fields_set(struct nm_list *list, struct nm_str name, struct nm_str value, struct nm_error *e);
/* Each field of from stands in list instead of those of its name, where the first of them stood; those of new names at the end. When memory
   is short, or list full, some of them. */
int nm_fields_merge(struct nm_list *list, const struct nm_list *from, struct nm_error *e);
/* All of that name; whether there were any. */
int nm_fields_remove(struct nm_list *list, struct nm_str name);
/* NM_EINVAL unless List-Unsubscribe has an https URL. */
int nm_fields_check_one_click(const struct nm_list *list, struct nm_error *e);
/* Fails where the author's List-Unsubscribe-Post stands without its URL. */
int nm_fields_check(const struct nm_list *list, struct nm_error *e);
/* All of them, with their CRLFs, if nm_fields_check likes them; charset as nm_field_write takes. */
int nm_fields_write(struct nm_buf *b, const struct nm_list *list, struct nm_str charset, struct nm_error *e);

NM_HIDDEN_END

#endif
