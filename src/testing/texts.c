#include "testing/texts.h"

void nm_texts_add(struct nm_texts *t, struct nm_str s) {
  if (s.n > t->b.max || nm_buf_room(&t->b, NM_TEXTS_EXTRA + s.n) == NULL) {
    t->b.err = t->b.err != 0 ? t->b.err : NM_ELIMIT;
    return;
  }
  nm_buf_add(&t->b, (const char *)&s.n, NM_TEXTS_EXTRA);
  nm_buf_add_str(&t->b, s);
  t->n++;
}

int nm_texts_next(const struct nm_texts *t, size_t *at, struct nm_str *out) {
  if (*at >= t->b.n) {
    return 0;
  }
  size_t n;
  memcpy(&n, t->b.p + *at, NM_TEXTS_EXTRA);
  *out = nm_str(t->b.p + *at + NM_TEXTS_EXTRA, n);
  *at += NM_TEXTS_EXTRA + n;
  return 1;
}

int nm_texts_find(const struct nm_texts *t, struct nm_str name, struct nm_str *out) {
  struct nm_str key;
  for (size_t at = 0; nm_texts_next(t, &at, &key) && nm_texts_next(t, &at, out);) {
    if (nm_str_eq(key, name)) {
      return 1;
    }
  }
  return 0;
}

void nm_texts_free(struct nm_texts *t) {
  nm_buf_free(&t->b);
  t->n = 0;
}
