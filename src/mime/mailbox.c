#include "mime/mailbox.h"

#include "mime/encword.h"
#include "mime/fold.h"

/* name-addr = [display-name] angle-addr   (RFC 5322 3.4); a bare addr-spec where there is no name. */
int nm_mailbox_write(struct nm_buf *b, size_t *col, const struct nm_addr *a, struct nm_str charset,
                     int has_next, struct nm_error *e) {
  int named = a->name.n > 0;
  int err = named ? nm_encword_phrase(b, col, a->name, charset, e) : 0;
  if (err != 0) {
    return err;
  }
  static const struct nm_str ends[2][2] = {{{"", 0}, {",", 1}}, {{">", 1}, {">,", 2}}};
  *col = nm_fold_pieces(b, *col, nm_str("<", (size_t)named), a->spec, ends[named][has_next]);
  return nm_fold_status(b, e);
}

int nm_mailbox_field(struct nm_buf *b, const char *field, const struct nm_list *list, struct nm_str charset,
                     struct nm_error *e) {
  if (list->n == 0) {
    return 0;
  }
  size_t col = nm_fold_name(b, field);
  for (size_t i = 0; i < list->n; i++) {
    int err = nm_mailbox_write(b, &col, list->items[i], charset, i + 1 < list->n, e);
    if (err != 0) {
      return err;
    }
  }
  nm_fold_end(b);
  return nm_fold_status(b, e);
}
