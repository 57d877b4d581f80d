/* What parses, strictly or leniently, is written as a spec that parses strictly back to the same value, alone, in a list and
   beside its name; the spec holds no control character, no space outside quotes and no second address, and is ASCII unless
   the local part is not; what is right strictly means the same leniently; a list is its elements; what is refused leaves
   nothing behind and says why in printable UTF-8. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/chars.h"
#include "base/literal.h"
#include "base/utf8.h"

static void check_error(int err, const struct nm_error *e) {
  assert(err == NM_EINVAL || err == NM_ELIMIT);
  assert(e->code == err && e->kind == NM_KIND_MESSAGE && e->text[0] != '\0');
  struct nm_str text = nm_str_c(e->text);
  assert(nm_utf8_valid(text) == text.n);
  for (size_t i = 0; i < text.n; i++) {
    assert((unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f);
  }
}

/* Walks the spec as a server would: an "@" outside quotes is the only one, and all else there is what an address
   may show to a line of protocol. */
static void check_spec(const struct nm_addr *a) {
  static const char specials[] = "()<>,;:\\ \"";
  int quoted = 0;
  size_t at_signs = 0;
  assert(a->spec.n <= 254);
  for (size_t i = 0; i < a->spec.n; i++) {
    char c = a->spec.p[i];
    assert((unsigned char)c >= 0x20 && c != 0x7f && ((unsigned char)c < 0x80 || nm_addr_is_utf8(a)));
    if (quoted && c == '\\') {
      i++;
      assert(i < a->spec.n && (a->spec.p[i] == '"' || a->spec.p[i] == '\\'));
    } else if (c == '"') {
      assert(quoted || i == 0);
      assert(!quoted || a->spec.p[i + 1] == '@');
      quoted = !quoted;
    } else if (!quoted) {
      at_signs += c == '@';
      int in_literal = a->domain.p[0] == '[' && i > a->spec.n - a->domain.n;
      assert(strchr(specials, c) == NULL || (c == ':' && in_literal));
    }
  }
  struct nm_str domain = nm_addr_is_utf8(a) ? a->host : a->domain;
  assert(!quoted && at_signs == 1 && domain.n > 0 && nm_utf8_valid(a->spec) == a->spec.n);
  assert(nm_addr_is_utf8(a) == !nm_is_ascii(a->local));
  assert(nm_is_domain(a->domain) || nm_is_address_literal(a->domain));
  assert(a->spec.n - domain.n <= 65 && a->spec.p[a->spec.n - domain.n - 1] == '@');
  assert(memcmp(a->spec.p + a->spec.n - domain.n, domain.p, domain.n) == 0);
}

static void check_name(const struct nm_addr *a) {
  assert(a->name.n <= NM_ADDR_NAME_MAX && nm_utf8_valid(a->name) == a->name.n);
  for (size_t i = 0; i < a->name.n; i++) {
    assert((unsigned char)a->name.p[i] >= 0x20 && a->name.p[i] != 0x7f);
  }
}

static void check_same(const struct nm_addr *a, const struct nm_addr *b) {
  assert(nm_str_eq(a->spec, b->spec) && nm_str_eq(a->local, b->local) && nm_str_ieq(a->domain, b->domain));
  assert(nm_addr_same(a, b));
}

/* "name" <spec>, as one would write it. */
static void write_quoted(struct nm_buf *b, const struct nm_addr *a) {
  nm_buf_add_byte(b, '"');
  for (size_t i = 0; i < a->name.n; i++) {
    nm_buf_add_c(b, a->name.p[i] == '"' || a->name.p[i] == '\\' ? "\\" : "");
    nm_buf_add_byte(b, a->name.p[i]);
  }
  nm_buf_add_c(b, "\" <");
  nm_buf_add_str(b, a->spec);
  nm_buf_add_byte(b, '>');
}

static void check_addr(const struct nm_addr *a) {
  struct nm_addr *b = NULL;
  struct nm_buf buf = {.max = 8192};
  check_spec(a);
  check_name(a);
  assert(nm_addr_parse(a->spec, &b, NULL) == 0);
  check_same(a, b);
  assert(b->name.n == 0);
  nm_addr_unref(&b);
  assert(nm_addr_parse(a->address, &b, NULL) == 0);
  check_same(a, b);
  assert(nm_str_eq(a->address, b->address) && nm_str_eq(a->host, b->host));
  nm_addr_unref(&b);
  assert(nm_addr_parse_lenient(a->address, &b, NULL) == 0);
  check_same(a, b);
  nm_addr_unref(&b);
  assert(nm_addr_make(a->spec, a->name, &b, NULL) == 0);
  check_same(a, b);
  assert(nm_str_eq(a->name, b->name));
  nm_addr_unref(&b);
  write_quoted(&buf, a);
  assert(buf.err == 0 && nm_addr_parse(nm_buf_str(&buf), &b, NULL) == 0);
  check_same(a, b);
  assert(nm_str_eq(a->name, b->name));
  nm_addr_unref(&b);
  nm_buf_free(&buf);
}

static void check_list(struct nm_str text, int is_lenient) {
  struct nm_error e = {0};
  struct nm_list *l = nm_addr_list_new();
  struct nm_list *again = nm_addr_list_new();
  struct nm_buf buf = {.max = (size_t)1 << 24};
  int err = is_lenient ? nm_addr_parse_list_lenient(text, l, &e) : nm_addr_parse_list(text, l, &e);
  if (err != 0) {
    check_error(err, &e);
    assert(l->n == 0);
  }
  for (size_t i = 0; i < l->n; i++) {
    check_addr(l->items[i]);
    nm_buf_add_c(&buf, i > 0 ? ", " : "");
    write_quoted(&buf, l->items[i]);
  }
  if (l->n > 0 && buf.n <= NM_ADDR_TEXT_MAX) {
    assert(buf.err == 0 && nm_addr_parse_list(nm_buf_str(&buf), again, NULL) == 0 && again->n == l->n);
    for (size_t i = 0; i < l->n; i++) {
      check_same(l->items[i], again->items[i]);
    }
  }
  nm_buf_free(&buf);
  nm_list_unref(&l);
  nm_list_unref(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size > 0 ? size : 1);
  memcpy(copy, data, size);
  struct nm_str text = nm_str(copy, size);
  struct nm_addr *a = NULL, *b = NULL;
  struct nm_error e = {0};
  int err = nm_addr_parse(text, &a, &e);
  int lenient = nm_addr_parse_lenient(text, &b, &e);
  if (lenient != 0) {
    check_error(lenient, &e);
    assert(b == NULL);
  } else {
    check_addr(b);
  }
  if (err == 0) {
    check_addr(a);
    check_same(a, b);
    assert(nm_str_eq(a->name, b->name));
  }
  nm_addr_unref(&b);
  nm_addr_unref(&a);
  size_t half = size / 2; /* the same bytes as an address and a name */
  err = nm_addr_make(nm_str(copy, half), nm_str(copy + half, size - half), &a, &e);
  if (err != 0) {
    check_error(err, &e);
  } else {
    check_addr(a);
  }
  nm_addr_unref(&a);
  check_list(text, 0);
  check_list(text, 1);
  free(copy);
  assert(nm_test_alloc_live() == 0);
  return 0;
}
