/* What nm_addr_plain takes, the productions take too: they find the same element, the same parts and the same name in it. A list reads
   the same within a group, where nothing is plain, as outside of it. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr_draft.h"
#include "base/alloc.h"
#include "base/buf.h"

static void check_at(struct nm_str text, size_t at) {
  struct nm_addr_parts plain;
  struct nm_addr_scan s;
  struct nm_addr_draft d;
  struct nm_error e = {0};
  size_t end = nm_addr_plain(text, at, &plain);
  if (end == 0) {
    return;
  }
  assert(nm_addr_scan_begin(&s, text, 1, &e) == 0);
  s.at = at;
  assert(nm_addr_scan_element(&s) == 0 && s.end == end);
  int has_angle = s.angle < s.end;
  assert(nm_addr_mailbox(&s, &d) == 0);
  assert(nm_str_eq(d.parts.local, plain.local) && nm_str_eq(d.parts.domain, plain.domain));
  assert(nm_str_eq(d.parts.host, plain.host) && nm_str_eq(nm_str(d.name.p, d.name.n), plain.name));
  assert(has_angle == (plain.name.p != NULL));
  assert(plain.domain.p == plain.local.p + plain.local.n + 1 && plain.domain.p[-1] == '@');
}

static void check_same(const struct nm_list *a, const struct nm_list *b) {
  assert(a->n == b->n);
  for (size_t i = 0; i < a->n; i++) {
    const struct nm_addr *x = a->items[i], *y = b->items[i];
    assert(nm_str_eq(x->spec, y->spec) && nm_str_eq(x->address, y->address) && nm_str_eq(x->name, y->name));
    assert(nm_str_eq(x->local, y->local) && nm_str_eq(x->domain, y->domain) && nm_str_eq(x->host, y->host));
  }
}

/* A colon or semicolon would mean something else in a group. */
static void check_list(struct nm_str text) {
  if (text.n == 0 || text.n > NM_ADDR_TEXT_MAX - 3 || memchr(text.p, ':', text.n) != NULL ||
      memchr(text.p, ';', text.n) != NULL || nm_str_trim(text, " \t").n == 0) {
    return;
  }
  struct nm_list *a = nm_addr_list_new(), *b = nm_addr_list_new();
  struct nm_buf group = {.max = NM_ADDR_TEXT_MAX};
  nm_buf_add_c(&group, "g:");
  nm_buf_add_str(&group, text);
  nm_buf_add_c(&group, ";");
  assert(group.err == 0);
  int err = nm_addr_parse_list(text, a, NULL);
  int in_group = nm_addr_parse_list(nm_buf_str(&group), b, NULL);
  assert((err == 0) == (in_group == 0));
  check_same(a, b);
  nm_buf_free(&group);
  nm_list_unref(&a);
  nm_list_unref(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, data, size);
  struct nm_str text = nm_str(copy, size);
  for (size_t at = 0; at < size; at++) {
    if (at == 0 || copy[at - 1] == ',') {
      check_at(text, at);
    }
  }
  check_list(text);
  free(copy);
  assert(nm_test_alloc_live() == 0);
  return 0;
}
