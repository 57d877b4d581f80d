/* Invariant: any octets become UTF-8 without CR, LF and NUL, of a size that is linear; and whatever text our writer writes, in any
   charset, as text or as a phrase, is read back exactly, with no octet lost. */

#include "mime/encword.h"
#include "mime/encword_read.h"
#include "mime/fold.h"
#include "mime/mend.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void any_octets(struct nm_str in) {
  void (*const readers[])(struct nm_buf *, struct nm_str, size_t *) = {
      nm_encword_read_text, nm_encword_read_phrase, nm_encword_read, nm_encword_mend};
  for (size_t i = 0; i < 4; i++) {
    struct nm_buf b = {.max = 1 << 24};
    readers[i](&b, in, NULL);
    struct nm_str got = nm_buf_str(&b);
    must(b.err == 0 && got.n <= 12 * in.n && nm_utf8_valid(got) == got.n);
    must(memchr(got.p, '\r', got.n) == NULL && memchr(got.p, '\n', got.n) == NULL &&
         memchr(got.p, '\0', got.n) == NULL);
    nm_buf_free(&b);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const charsets[] = {"",     "koi8-r", "windows-1251", "gb18030", "iso-2022-jp", "cp932",
                                         "big5", ""};
  if (size == 0) {
    return 0;
  }
  any_octets(nm_str((const char *)data + 1, size - 1));
  struct octets text = mend(data + 1, size - 1);
  int phrase = (data[0] & 8) != 0;
  struct nm_buf b = {.max = 1 << 24}, got = {.max = 1 << 24};
  size_t col = nm_fold_name(&b, phrase ? "From" : "Subject"), name = b.n;
  int err = (phrase ? nm_encword_phrase : nm_encword_text)(&b, &col, nm_str(text.p, text.n),
                                                           nm_str_c(charsets[data[0] & 7]), NULL);
  if (err == 0) {
    (phrase ? nm_encword_read_phrase : nm_encword_read_text)(&got, nm_str(b.p + name, b.n - name), NULL);
    struct octets want = shown(&text);
    must(octets_are(&want, nm_buf_str(&got).p, got.n));
    octets_free(&want);
  }
  nm_buf_free(&b);
  nm_buf_free(&got);
  octets_free(&text);
  return 0;
}
