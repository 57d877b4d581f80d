#include "mime/raw.h"

#include <unistd.h>

#include "base/alloc.h"
#include "mime/message.h"
#include "mime/pieces.h"
#include "support/ctest.h"
#include "support/letter.h"

struct row {
  const char *name;
  struct nm_str in;
  const char *out;  /* how it is written; NULL: refused */
  const char *word; /* of the refusal */
  const char *id;   /* the Message-ID taken over */
};

#define SIGNED "DKIM-Signature: v=1\r\n"

static const struct row rows[] = {
    {"as it is", NM_STR("A: b\r\n\r\ntext\r\n"), "A: b\r\n\r\ntext\r\n", NULL, ""},
    {"folds stay", NM_STR("A: b\r\n  c\r\n\tc\r\n\r\n"), "A: b\r\n  c\r\n\tc\r\n\r\n", NULL, ""},
    {"header alone", NM_STR("A: b\r\n"), "A: b\r\n", NULL, ""},
    {"no end of the last line", NM_STR("A: b\r\n\r\ntext"), "A: b\r\n\r\ntext\r\n", NULL, ""},
    {"a file of Unix", NM_STR("A: b\n\ntext\n"), "A: b\r\n\r\ntext\r\n", NULL, ""},
    {"a file of Unix, signed", NM_STR("DKIM-Signature: v=1\n\ntext\n"), SIGNED "\r\ntext\r\n", NULL, ""},
    {"id", NM_STR("Message-Id:\r\n <a@b> \r\n\r\n"), "Message-Id:\r\n <a@b> \r\n\r\n", NULL, "<a@b>"},
    {"the first id", NM_STR("Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n"),
     "Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n", NULL, "<a@b>"},
    {"an id, folded", NM_STR("Message-ID:\r\n <a@b>\r\n \r\n\r\n"), "Message-ID:\r\n <a@b>\r\n \r\n\r\n",
     NULL, "<a@b>"},
    {"an unsafe id", NM_STR("Message-ID: <a b>\r\n\r\n"), "Message-ID: <a b>\r\n\r\n", NULL, ""},
    {"8bit text", NM_STR("A: b\r\n\r\n\xc3\xa9\r\n"), "A: b\r\n\r\n\xc3\xa9\r\n", NULL, ""},
    {"From and dots", NM_STR("A: b\r\n\r\nFrom x\r\n.\r\n"), "A: b\r\n\r\nFrom x\r\n.\r\n", NULL, ""},
    {"empty", NM_STR(""), NULL, "header", NULL},
    {"text", NM_STR("Hello world\r\n"), NULL, "no field", NULL},
    {"text behind an empty line", NM_STR("\r\nHello world\r\n"), NULL, "header", NULL},
    {"bcc", NM_STR("A: b\r\nbCC: x@y.z\r\n\r\n"), NULL, "Bcc", NULL},
    {"bcc with a space", NM_STR("A: b\r\nBcc : x@y.z\r\n\r\n"), NULL, "Bcc", NULL},
    {"high header", NM_STR("A: \xc3\xa9\r\n\r\n"), NULL, "ASCII", NULL},
    {"NUL", NM_STR("A: b\r\n\r\na\0b\r\n"), NULL, "NUL", NULL},
    {"LF among CRLF", NM_STR("A: b\r\n\r\na\nb\r\n"), NULL, "CRLF and some in LF", NULL},
    {"LF among CRLF in the header", NM_STR("A: b\nBcc: x@y.z\r\n\r\n"), NULL, "CRLF and some in LF", NULL},
    {"bare CR", NM_STR("A: b\r\n\r\na\rb\r\n"), NULL, "bare CR", NULL},
    {"bare CR at the end", NM_STR("A: b\n\na\r"), NULL, "bare CR", NULL},
    {"a field behind a bare CR", NM_STR("A: b\rBcc: x@y.z\r\n\r\nhi"), NULL, "bare CR", NULL},
    {"a header that ends behind bare CRs", NM_STR("A: b\r\rtext\r\n"), NULL, "bare CR", NULL},
    {"bcc of who resent it", NM_STR("A: b\r\nResent-Bcc: x@y.z\r\n\r\n"), NULL, "Bcc", NULL},
};

static char path[] = "/tmp/netmail_raw_test.XXXXXX";

static struct nm_content *content_of(struct nm_str bytes, int in_file) {
  struct nm_content *c = NULL;
  if (!in_file) {
    letter_must(nm_content_memory(bytes, &c, NULL));
    return c;
  }
  FILE *f = fopen(path, "wb");
  if (f == NULL || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f) != 0) {
    abort();
  }
  letter_must(nm_content_file(nm_str_c(path), &c, NULL));
  return c;
}

static void check_rows(int in_file) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_message *m = letter_new();
    struct nm_content *c = content_of(rows[i].in, in_file);
    struct nm_source *s = NULL;
    struct nm_error e = {0};
    struct nm_stamp stamp = letter_stamp();
    int err = nm_message_set_raw(m, c, &e);
    CHECK_ROW((err == 0) == (rows[i].out != NULL), rows[i].name);
    if (err == 0) {
      struct nm_buf got = {.max = 10000};
      CHECK_ROW(nm_str_eq(nm_buf_str(&m->raw_id), nm_str_c(rows[i].id)), rows[i].name);
      CHECK_ROW(nm_message_render(m, &stamp, &s, &e) == 0, rows[i].name);
      int64_t size = nm_source_size(s);
      CHECK_ROW(source_read_all(s, 7, &got) == 0 && size == (int64_t)got.n, rows[i].name);
      CHECK_ROW(nm_str_eq(nm_buf_str(&got), nm_str_c(rows[i].out)), rows[i].name);
      int high = strstr(rows[i].out, "\xc3") != NULL;
      CHECK_ROW(nm_pieces_cte(s) == (high ? NM_CTE_8BIT : NM_CTE_7BIT), rows[i].name);
      nm_buf_free(&got);
    } else {
      CHECK_ROW(err == NM_EINVAL && e.kind == NM_KIND_MESSAGE && strstr(e.text, rows[i].word) != NULL,
                e.text);
      CHECK_ROW(m->raw == NULL, rows[i].name);
    }
    nm_source_free(&s);
    nm_content_unref(&c);
    nm_message_unref(&m);
  }
}

static void what_is_taken_and_what_is_refused(void) {
  check_rows(0);
}

static void the_same_from_a_file(void) {
  check_rows(1);
}

static void lines_have_a_limit(void) {
  char text[1100] = "A: b\r\n\r\n";
  memset(text + 8, 'x', 999);
  for (size_t n = 998; n <= 999; n++) {
    struct nm_content *c = NULL;
    struct nm_error e = {0};
    struct nm_encoding how;
    int64_t size;
    letter_must(nm_content_memory(nm_str(text, 8 + n), &c, NULL));
    CHECK((nm_raw_scan(c, &how, &size, NULL, &e) == 0) == (n == 998));
    nm_content_unref(&c);
  }
}

/* A message whose header, with the empty line behind it, has n octets: a multiple of 16. */
static void write_header(struct nm_buf *b, size_t n) {
  nm_buf_add_c(b, "Field: octet\r\n"); /* 14 */
  while (b->n + 2 < n) {
    nm_buf_add_c(b, "Field: octets.\r\n"); /* 16 */
  }
  nm_buf_add_c(b, "\r\ntext\r\n");
}

static void headers_have_a_limit(void) {
  const size_t max = (size_t)1 << 20;
  const size_t sizes[] = {max - 16, max, max + 16};
  for (size_t i = 0; i < 6; i++) {
    struct nm_buf text = {.max = 2 * max};
    struct nm_error e = {0};
    struct nm_encoding how;
    int64_t size = 0;
    write_header(&text, sizes[i / 2]);
    letter_must(text.err);
    struct nm_content *c = content_of(nm_buf_str(&text), i % 2 == 1);
    int err = nm_raw_scan(c, &how, &size, NULL, &e);
    CHECK(sizes[i / 2] < max ? err == 0 && size == (int64_t)text.n
                             : err == NM_EINVAL && strstr(e.text, "1 MB") != NULL);
    nm_content_unref(&c);
    nm_buf_free(&text);
  }
}

static void survives_short_memory_of(int in_file) {
  struct nm_content *c =
      content_of(NM_STR("Message-ID: <a@b>\r\nContent-Type: text/plain; a=b\r\n\r\nx\r\n"), in_file);
  struct nm_message *m = letter_new();
  struct nm_stamp stamp = letter_stamp();
  int err = NM_ENOMEM;
  for (long n = 1; err != 0; n++) {
    struct nm_source *s = NULL;
    nm_test_alloc_fail_at(n);
    err = nm_message_set_raw(m, c, NULL);
    err = err == 0 ? nm_message_render(m, &stamp, &s, NULL) : err;
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || err == NM_ENOMEM);
    nm_source_free(&s);
  }
  nm_message_unref(&m);
  nm_content_unref(&c);
}

static void survives_short_memory(void) {
  survives_short_memory_of(0);
  survives_short_memory_of(1);
}

int main(void) {
  int fd = mkstemp(path);
  if (fd < 0) {
    perror(path);
    return 1;
  }
  close(fd);
  RUN(what_is_taken_and_what_is_refused);
  RUN(the_same_from_a_file);
  RUN(lines_have_a_limit);
  RUN(headers_have_a_limit);
  RUN(survives_short_memory);
  unlink(path);
  return ctest_end();
}
