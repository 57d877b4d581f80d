#include "mime/split.h"

#include "base/alloc.h"
#include "support/ctest.h"
#include "support/letter.h"

static struct nm_buf render(const struct nm_message *m) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_buf b = {.max = 1 << 20};
  struct nm_source *s = NULL;
  letter_must(nm_message_render(m, &stamp, &s, NULL));
  letter_must(source_read_all(s, 4096, &b));
  nm_source_free(&s);
  return b;
}

static const char *body(const struct nm_buf *b) {
  const char *end = strstr(b->p, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

static struct nm_message *letter(size_t n) {
  static char bytes[100000];
  struct nm_message *m = letter_new();
  memset(bytes, 'x', n);
  letter_must(nm_message_set_subject(m, NM_STR("Title"), NULL));
  letter_must(nm_message_set_text(m, NM_STR("text"), NULL));
  letter_attach(m, "a.bin", nm_str(bytes, n));
  return m;
}

/* RFC 2046 5.2.2: the bodies of all pieces are the message. */
static void the_pieces_are_the_whole(void) {
  static const size_t sizes[] = {3000, 4096, 9000, 30000, 100000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct nm_message *m = letter(sizes[i]);
    struct nm_stamp stamp = letter_stamp();
    struct nm_list *list = nm_message_list_new();
    struct nm_buf whole = render(m), joined = {.max = 1 << 20};
    size_t max = 4096 + i * 1000;
    CHECK(nm_message_split(m, &stamp, max, list, NULL) == 0);
    for (size_t k = 0; k < list->n; k++) {
      char want[100];
      struct nm_buf piece = render(list->items[k]);
      CHECK(piece.n <= max && strcmp(piece.p + piece.n - 2, "\r\n") == 0);
      snprintf(want, sizeof want, "Content-Type: message/partial; id=\"1@a.test\"; number=%zu; total=%zu\r\n",
               k + 1, list->n);
      CHECK_ROW(list->n == 1 || strstr(piece.p, want) != NULL, piece.p);
      snprintf(want, sizeof want, "Subject: Title (%zu/%zu)\r\n", k + 1, list->n);
      CHECK_ROW(list->n == 1 || strstr(piece.p, want) != NULL, piece.p);
      nm_buf_add_c(&joined, list->n == 1 ? piece.p : body(&piece));
      nm_buf_free(&piece);
    }
    CHECK(nm_str_eq(nm_buf_str(&whole), nm_buf_str(&joined)));
    CHECK((list->n == 1) == (whole.n <= max));
    nm_buf_free(&joined);
    nm_buf_free(&whole);
    nm_list_unref(&list);
    nm_message_unref(&m);
  }
}

static int says(int err, int want, const struct nm_error *e, const char *word) {
  return err == want && e->kind == NM_KIND_MESSAGE && strstr(e->text, word) != NULL;
}

static void refuses_with_a_sentence(void) {
  struct nm_message *m = letter(9000);
  struct nm_stamp stamp = letter_stamp();
  struct nm_list *list = nm_message_list_new();
  struct nm_error e = {0};
  CHECK(says(nm_message_split(m, &stamp, 4095, list, &e), NM_EINVAL, &e, "4096"));
  for (int i = 0; i < 200; i++) {
    letter_must(nm_addr_parse_list(NM_STR("somebody.with.a.name@b.test"), m->to, NULL));
  }
  CHECK(says(nm_message_split(m, &stamp, 4096, list, &e), NM_ELIMIT, &e, "header alone"));
  struct nm_content *raw = NULL;
  letter_must(nm_content_memory(NM_STR("A: b\r\n\r\n"), &raw, NULL));
  letter_must(nm_message_set_raw(m, raw, NULL));
  CHECK(says(nm_message_split(m, &stamp, 4096, list, &e), NM_EINVAL, &e, "as it is"));
  CHECK(list->n == 0);
  nm_content_unref(&raw);
  nm_list_unref(&list);
  nm_message_unref(&m);
}

static void survives_short_memory(void) {
  struct nm_message *m = letter(9000);
  struct nm_stamp stamp = letter_stamp();
  long before = nm_test_alloc_live();
  int err = NM_ENOMEM;
  for (long n = 1; err != 0; n++) {
    struct nm_list *list = nm_message_list_new();
    nm_test_alloc_fail_at(n);
    err = nm_message_split(m, &stamp, 5000, list, NULL);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || err == NM_ENOMEM);
    nm_list_unref(&list);
  }
  CHECK(nm_test_alloc_live() == before);
  nm_message_unref(&m);
}

int main(void) {
  RUN(the_pieces_are_the_whole);
  RUN(refuses_with_a_sentence);
  RUN(survives_short_memory);
  return ctest_end();
}
