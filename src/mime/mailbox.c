#include "mime/mailbox.h"

#include "mime/encword.h"
#include "mime/fold.h"

/* name-addr = [display-name] angle-addr   (RFC 5322 3.4); a bare addr-spec where there is no name. */
int nm_mailbox_write(struct nm_buf *b, size_t *col, const struct nm_addr *a, struct nm_str charset,
                     const char *tail, struct nm_error *e) {
  int named = a->name.n > 0;
  int err = named ? nm_encword_phrase(b, col, a->name, charset, e) : 0;
  if (err != 0) {
    return err;
  }
  size_t n = a->spec.n + (named ? 2 : 0) + strlen(tail);
  *col = nm_fold_space(b, *col, n) + n;
  nm_buf_add_c(b, named ? "<" : "");
  nm_buf_add_str(b, a->spec);
  nm_buf_add_c(b, named ? ">" : "");
  nm_buf_add_c(b, tail);
  return nm_fold_status(b, e);
}

int nm_mailbox_field(struct nm_buf *b, const char *field, const struct nm_list *list, struct nm_str charset,
                     struct nm_error *e) {
  if (list->n == 0) {
    return 0;
  }
  size_t col = nm_fold_name(b, field);
  for (size_t i = 0; i < list->n; i++) {
    const char *tail = i + 1 < list->n ? "," : "";
    int err = nm_mailbox_write(b, &col, list->items[i], charset, tail, e);
    if (err != 0) {
      return err;
    }
  }
  nm_fold_end(b);
  return nm_fold_status(b, e);
}
