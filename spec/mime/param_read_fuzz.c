/* Invariant: any octets are read, or are too much; names and values are UTF-8 without CR, LF and NUL, no name twice; and whatever
   value our writer writes, with its fallback or without, is read back as the one parameter there is. */

#include "mime/fold.h"
#include "mime/mend.h"
#include "mime/param.h"
#include "mime/param_read.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void is_text(struct nm_str s) {
  must(s.n == 0 || (nm_utf8_valid(s) == s.n && memchr(s.p, '\r', s.n) == NULL &&
                    memchr(s.p, '\n', s.n) == NULL && memchr(s.p, '\0', s.n) == NULL));
}

static void any_octets(struct nm_str in) {
  struct nm_typed p;
  int err = nm_typed_read(&p, in);
  must(err == 0 || err == NM_ELIMIT);
  is_text(p.type);
  is_text(p.subtype);
  for (size_t i = 0; i < p.n; i++) {
    must(p.items[i].name.n > 0);
    is_text(p.items[i].name);
    is_text(p.items[i].value);
    struct nm_str first = nm_typed_get(&p, p.items[i].name);
    must(first.p == p.items[i].value.p);
  }
  nm_typed_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  any_octets(nm_str((const char *)data + 1, size - 1));
  struct octets value = mend(data + 1, size - 1);
  struct octets want = shown(&value);
  struct nm_buf b = {.max = 1 << 24};
  nm_buf_add_c(&b, "text/plain");
  for (size_t i = 0; i < (data[0] >> 1); i++) {
    nm_buf_add_byte(&b, 'x');
  }
  size_t type = b.n;
  ((data[0] & 1) != 0 ? nm_param_write_fallback : nm_param_write)(&b, b.n, "name", nm_str(value.p, value.n));
  nm_fold_end(&b);
  struct nm_typed p;
  int err = nm_typed_read(&p, nm_buf_str(&b));
  if (b.n <= NM_TYPED_TEXT_MAX && value.n < 1000) {
    must(err == 0);
    must(p.type.n + 1 + p.subtype.n == type && p.n == 1 && nm_str_eq(p.items[0].name, NM_STR("name")));
    must(octets_are(&want, p.items[0].value.p, p.items[0].value.n));
  }
  nm_typed_free(&p);
  nm_buf_free(&b);
  octets_free(&want);
  octets_free(&value);
  return 0;
}
