/* Invariant: any text comes back exactly through a reader that knows RFC 2047 and 5322 only; words are at most 75 octets,
   lines at most 78, CR and LF stand only in folds; what a charset lacks is refused. Also as a phrase. */

#include "mime/encword.h"
#include "mime/fold.h"
#include "mime/mend.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const charsets[] = {"",     "koi8-r", "windows-1251", "gb18030", "iso-2022-jp", "cp932",
                                         "big5", ""};
  if (size == 0) {
    return 0;
  }
  struct octets text = mend(data + 1, size - 1);
  struct nm_str charset = nm_str_c(charsets[data[0] & 7]);
  int phrase = (data[0] & 8) != 0;
  struct nm_buf b = {.max = 1 << 24};
  struct nm_error e = {0};
  size_t col = nm_fold_name(&b, phrase ? "From" : "Subject");
  int err = (phrase ? nm_encword_phrase : nm_encword_text)(&b, &col, nm_str(text.p, text.n), charset, &e);
  must(err == 0 || (err == NM_EINVAL && charset.n > 0 && e.text[0] != '\0'));
  if (err == 0) {
    struct octets got = {0};
    struct octets spec = {0};
    if (phrase) {
      nm_fold_token(&b, col, NM_STR("<a@b.test>"));
    }
    nm_fold_end(&b);
    must(field_fault(b.p, b.n, 0) == NULL);
    struct octets value = unfold(b.p, b.n);
    if (phrase) {
      must(read_mailbox(value.p, value.n, &got, &spec) == value.n && octets_are(&spec, "a@b.test", 8));
    } else {
      must(read_text(value.p, value.n, 0, &got) == 0);
    }
    must(octets_are(&got, text.p, text.n));
    octets_free(&value);
    octets_free(&got);
    octets_free(&spec);
  }
  nm_buf_free(&b);
  octets_free(&text);
  return 0;
}
