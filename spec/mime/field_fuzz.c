/* Invariant: a name and a value are refused with a sentence, or are one field whose lines hold nothing but it, which reads back as
   its canonical value; and the canonical value is its own canonical form. */

#include "mime/field.h"
#include "mime/field_reader.h"
#include "mime/mend.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void check_written(const struct nm_field *f, struct nm_str charset) {
  struct nm_buf b = {.max = 1 << 24};
  struct nm_error e = {0};
  must(nm_field_write(&b, f, charset, &e) == 0);
  must(written_fault(f, b.p, b.n) == NULL);
  nm_buf_free(&b);
}

static void check_canonical(const struct nm_field *f) {
  struct nm_field *again = NULL;
  struct nm_error e = {0};
  int err = nm_field_new(f->name, f->value, &again, &e);
  must(err == 0 && nm_str_eq(again->value, f->value));
  nm_field_unref(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"X-Any",
                                      "In-Reply-To",
                                      "References",
                                      "Keywords",
                                      "Comments",
                                      "List-ID",
                                      "List-Post",
                                      "Auto-Submitted",
                                      "List-Unsubscribe",
                                      "list-help",
                                      "Subject",
                                      "Content-X",
                                      "X-A: b\r\nBcc",
                                      "X A",
                                      "",
                                      "List-Unsubscribe-Post"};
  static const char *const charsets[] = {"", "koi8-r", "iso-2022-jp", "gb18030"};
  if (size < 2) {
    return 0;
  }
  struct nm_field *f = NULL;
  struct nm_error e = {0};
  struct octets value = mend(data + 2, size - 2);
  struct nm_str name = nm_str_c(names[data[0] & 15]);
  struct nm_str text = nm_str(value.p, value.n);
  if (data[0] & 16) { /* the name, too, is the input's */
    size_t n = data[1] < text.n ? data[1] : text.n;
    name = nm_str(text.p, n);
    text = nm_str(text.p + n, text.n - n);
  }
  int err = nm_field_new(name, text, &f, &e);
  must(err == 0 ? f != NULL : f == NULL && e.text[0] != '\0' && (err == NM_EINVAL || err == NM_ELIMIT));
  if (err == 0) {
    check_written(f, nm_str_c(charsets[data[0] >> 5 & 3]));
    check_canonical(f);
  }
  nm_field_unref(&f);
  octets_free(&value);
  return 0;
}
