#include "smtp/row.h"

#include "base/alloc.h"

int nm_row_resize(struct nm_row *r, size_t window, uint64_t bytes_max) {
  if (window != r->window) {
    struct nm_txn *slots = nm_realloc_array(NULL, window, sizeof *slots);
    if (slots == NULL) {
      return NM_ENOMEM;
    }
    for (size_t i = 0; i < window; i++) {
      slots[i] = (struct nm_txn){0};
    }
    nm_row_free(r);
    r->slots = slots;
    r->window = window;
  }
  while (r->n > 0) {
    nm_row_drop(r);
  }
  r->bytes_max = bytes_max;
  return 0;
}

void nm_row_free(struct nm_row *r) {
  for (size_t i = 0; i < r->window; i++) {
    nm_txn_free(&r->slots[i]);
  }
  nm_free(r->slots);
  *r = (struct nm_row){0};
}

struct nm_txn *nm_row_at(const struct nm_row *r, size_t i) {
  size_t at = r->first + i; /* no more than twice the window */
  return &r->slots[at < r->window ? at : at - r->window];
}

struct nm_txn *nm_row_hearing(const struct nm_row *r) {
  return r->n_over < r->n ? nm_row_at(r, r->n_over) : NULL;
}

struct nm_txn *nm_row_writing(const struct nm_row *r) {
  return r->n_written < r->n ? nm_row_at(r, r->n_written) : NULL;
}

int nm_row_has_room(const struct nm_row *r) {
  return r->n < r->window && r->bytes < r->bytes_max;
}

struct nm_txn *nm_row_add(struct nm_row *r) {
  return nm_row_at(r, r->n++);
}

void nm_row_settle(struct nm_row *r) {
  while (r->n_over < r->n && nm_row_at(r, r->n_over)->is_over) {
    struct nm_txn *t = nm_row_at(r, r->n_over++);
    r->bytes -= t->weight;
    t->weight = 0;
    nm_txn_let_go(t);
  }
  r->n_written = r->n_written > r->n_over ? r->n_written : r->n_over;
  while (r->n_written < r->n && nm_txn_is_written(nm_row_at(r, r->n_written))) {
    r->n_written++;
  }
}

void nm_row_weigh(struct nm_row *r, struct nm_txn *t) {
  uint64_t size = t->size > 0 ? (uint64_t)t->size : 0;
  uint64_t known = t->written > size ? t->written : size;
  r->bytes += known - t->weight;
  t->weight = known;
}

void nm_row_drop(struct nm_row *r) {
  nm_txn_recycle(nm_row_at(r, 0));
  r->first = r->first + 1 < r->window ? r->first + 1 : 0;
  r->n--;
  r->n_over -= r->n_over > 0;
  r->n_written -= r->n_written > 0;
}

void nm_row_leave_out(struct nm_row *r, size_t i, const struct nm_error *why) {
  for (; i < r->n; i++) {
    struct nm_txn *t = nm_row_at(r, i);
    if (!t->is_over) {
      nm_txn_leave_out(t, why);
    }
  }
}
