#include "smtp/words.h"

#include <string.h>

#include "base/alloc.h"

/* The caller knows its maximum: a reply's, which is far below SIZE_MAX. */
static struct nm_words *words_new(struct nm_str text) {
  struct nm_words *w = nm_alloc(sizeof *w + text.n + 1);
  if (w != NULL) {
    w->refs = 1;
    w->n = text.n;
    memcpy(w->text, text.p, text.n);
    w->text[text.n] = '\0';
  }
  return w;
}

struct nm_words *nm_words_same(struct nm_words *before, struct nm_str text) {
  if (text.n == 0) {
    return NULL;
  }
  if (before != NULL && before->n == text.n && memcmp(before->text, text.p, text.n) == 0) {
    before->refs++;
    return before;
  }
  return words_new(text);
}

void nm_words_unref(struct nm_words **w) {
  if (*w != NULL && --(*w)->refs == 0) {
    nm_free(*w);
  }
  *w = NULL;
}
