/* Invariant: the address parser takes a text or refuses it; a list that it took is written as a field whose mailboxes a
   reader finds one by one, with the same names and addresses; and what stands there, parsed again, gives the
   same list where no name needed an encoded word. Lines are at most 78 but for one long address. */

#include "base/addr.h"
#include "base/list.h"
#include "base/utf8.h"
#include "mime/mailbox.h"
#include "mime/mend.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

/* The written field reads back as the list; whether all names are plain. */
static int read_list(struct octets *value, const struct nm_list *list) {
  size_t at = 0;
  for (size_t i = 0; i < list->n; i++) {
    const struct nm_addr *a = list->items[i];
    struct octets name = {0};
    struct octets spec = {0};
    size_t used = read_mailbox(value->p + at, value->n - at, &name, &spec);
    must(used > 0);
    must(octets_are(&name, a->name.p, a->name.n));
    must(octets_are(&spec, a->spec.p, a->spec.n));
    octets_free(&name);
    octets_free(&spec);
    at += used;
  }
  must(at == value->n);
  return strstr(value->p, "=?") == NULL;
}

/* The reader knows RFC 5322; a local part beyond ASCII (RFC 6531) is not its language. */
static int all_ascii(const struct nm_list *list) {
  for (size_t i = 0; i < list->n; i++) {
    if (!nm_is_ascii(((const struct nm_addr *)list->items[i])->spec)) {
      return 0;
    }
  }
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct nm_error e = {0};
  struct nm_list *list = nm_addr_list_new();
  struct nm_list *again = nm_addr_list_new();
  must(list != NULL && again != NULL);
  if (nm_addr_parse_list(nm_str((const char *)data, size), list, &e) == 0 && all_ascii(list)) {
    struct nm_buf b = {.max = 1 << 24};
    must(nm_mailbox_field(&b, "To", list, NM_STR(""), &e) == 0);
    /* An empty group ("a:;") is a list of nobody, and a field of nobody is not written. */
    must(list->n > 0 ? field_fault(b.p, b.n, 1) == NULL : b.n == 0);
    struct octets value = list->n > 0 ? unfold(b.p, b.n) : (struct octets){0};
    if (list->n > 0 && read_list(&value, list)) {
      must(nm_addr_parse_list(nm_str(value.p, value.n), again, &e) == 0 && again->n == list->n);
      for (size_t i = 0; i < list->n; i++) {
        must(nm_addr_same(list->items[i], again->items[i]));
        must(nm_str_eq(((struct nm_addr *)list->items[i])->name, ((struct nm_addr *)again->items[i])->name));
      }
    }
    octets_free(&value);
    nm_buf_free(&b);
  }
  nm_list_unref(&list);
  nm_list_unref(&again);
  return 0;
}
