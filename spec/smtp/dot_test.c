#include "smtp/dot.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "smtp/undot.h"
#include "smtp/vectors.h"
#include "support/ctest.h"
#include "support/sources.h"

static const size_t caps[] = {1, 2, 3, 7, 4095, 4096, 4097, 16384, 65536};

/* Everything a dot source gives for in, read in pieces of cap, its input coming in pieces of in_piece. */
static int stuff(struct nm_str in, size_t in_piece, int stutters, size_t cap, struct nm_buf *out) {
  struct nm_source *inner = odd_source(in, in_piece, stutters, NULL);
  struct nm_source *dot = wire_of(inner, NM_WIRE_DOTTED);
  int rc = source_read_all(dot, cap, out);
  CHECK(nm_wire_ended(dot));
  nm_source_free(&dot);
  nm_source_free(&inner);
  return rc;
}

static void check_row(struct nm_str in, struct nm_str want, const char *row) {
  for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
    for (size_t piece = 1; piece <= in.n + 1; piece = piece < 40 ? piece + 1 : piece * 3) {
      struct nm_buf out = {.max = 1 << 24};
      CHECK_ROW(stuff(in, piece, (int)(piece & 1), caps[i], &out) == 0, row);
      CHECK_ROW(nm_str_eq(nm_buf_str(&out), want), row);
      nm_buf_free(&out);
    }
  }
}

static void stuffs_rows_at_every_split(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", "\r\n.\r\n"},
      {"foo\n.\n", "foo\r\n..\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"..", "...\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a\n", "a\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {"\r\n", "\r\n.\r\n"},
      {"\n", "\r\n.\r\n"},
      {"\r", "\r\n.\r\n"},
      {"\n\r", "\r\n\r\n.\r\n"},
      {"\r\r\n", "\r\n\r\n.\r\n"},
      {"\r\n\n", "\r\n\r\n.\r\n"},
      {"\r\n\r\n", "\r\n\r\n.\r\n"},
      {"a\r\n.b\r\n", "a\r\n..b\r\n.\r\n"},
      {"a\r.b\r", "a\r\n..b\r\n.\r\n"},
      {"a\n..\n.\n", "a\r\n...\r\n..\r\n.\r\n"},
      {"a\r\n\r\n.text", "a\r\n\r\n..text\r\n.\r\n"},
      {"a.b.\r\n", "a.b.\r\n.\r\n"},
      {"\r\n\r\n.\r\nMAIL FROM:<e@z>\r\n", "\r\n\r\n..\r\nMAIL FROM:<e@z>\r\n.\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    check_row(nm_str_c(rows[i].in), nm_str_c(rows[i].out), rows[i].in);
  }
}

/* The same source for BDAT: lines without dots doubled, or octets as they are. */
static int chunk(struct nm_str in, size_t in_piece, int stutters, size_t cap, int is_binary,
                 struct nm_buf *out) {
  struct nm_source *inner = odd_source(in, in_piece, stutters, NULL);
  struct nm_source *source = wire_of(inner, is_binary ? NM_WIRE_OCTETS : NM_WIRE_LINES);
  int rc = source_read_all(source, cap, out);
  CHECK(nm_wire_ended(source) && nm_source_size(source) == -1);
  nm_source_free(&source);
  nm_source_free(&inner);
  return rc;
}

static void gives_lines_to_chunks_at_every_split(void) {
  static const struct {
    const char *in;
    const char *out;
  } rows[] = {
      {"", "\r\n"},
      {".", ".\r\n"},
      {".\n..\r.", ".\r\n..\r\n.\r\n"},
      {"a", "a\r\n"},
      {"a\r\n", "a\r\n"},
      {"a\r", "a\r\n"},
      {"\r\r\n\n", "\r\n\r\n\r\n"},
      {"\r\n.\r\nMAIL FROM:<e@z>\r\n", "\r\n.\r\nMAIL FROM:<e@z>\r\n"},
      {"BDAT 5 LAST\nabc", "BDAT 5 LAST\r\nabc\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_str in = nm_str_c(rows[i].in);
    for (size_t k = 0; k < sizeof caps / sizeof caps[0]; k++) {
      for (size_t piece = 1; piece <= in.n + 1; piece++) {
        struct nm_buf lines = {.max = 1000}, octets = {.max = 1000};
        CHECK_ROW(chunk(in, piece, (int)(piece & 1), caps[k], 0, &lines) == 0, rows[i].in);
        CHECK_ROW(nm_str_eq(nm_buf_str(&lines), nm_str_c(rows[i].out)), rows[i].in);
        CHECK_ROW(chunk(in, piece, (int)(piece & 1), caps[k], 1, &octets) == 0, rows[i].in);
        CHECK_ROW(nm_str_eq(nm_buf_str(&octets), in), rows[i].in);
        nm_buf_free(&lines);
        nm_buf_free(&octets);
      }
    }
  }
}

static void chunk_sources_fail_and_rewind(void) {
  for (int is_binary = 0; is_binary < 2; is_binary++) {
    struct nm_source *inner = failing_source(NM_STR("ab"), "gone");
    struct nm_source *source = wire_of(inner, is_binary ? NM_WIRE_OCTETS : NM_WIRE_LINES);
    struct nm_buf out = {.max = 100};
    CHECK(source_read_all(source, 10, &out) == NM_EIO && strcmp(source->error.text, "gone") == 0);
    CHECK(source_read_all(source, 10, &out) == NM_EIO && !nm_wire_ended(source));
    nm_source_free(&source);
    nm_source_free(&inner);
    inner = odd_source(NM_STR("ab"), 1, 0, NULL);
    source = wire_of(inner, is_binary ? NM_WIRE_OCTETS : NM_WIRE_LINES);
    nm_buf_reset(&out);
    CHECK(source_read_all(source, 10, &out) == 0 && nm_source_rewind(source) == 0);
    CHECK(!nm_wire_ended(source) && source_read_all(source, 10, &out) == 0);
    CHECK(nm_str_eq(nm_buf_str(&out), is_binary ? NM_STR("abab") : NM_STR("ab\r\nab\r\n")));
    nm_buf_free(&out);
    nm_source_free(&source);
    nm_source_free(&inner);
  }
}

/* A payload as it is, between text, and across the end of the inner buffer. */
static void check_payload(struct nm_str payload) {
  static const size_t before[] = {0, 1, 3, 4094, 16380, 16382, 16383, 16384, 32767};
  for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
    for (int tail = 0; tail < 2; tail++) {
      struct nm_buf in = {.max = 1 << 20}, want = {.max = 1 << 20};
      for (size_t k = 0; k < before[i]; k++) {
        nm_buf_add_byte(&in, 'x');
      }
      nm_buf_add_str(&in, payload);
      nm_buf_add_c(&in, tail ? "MAIL FROM:<evil@z.test>\r\n" : "");
      normalise(nm_buf_str(&in), &want);
      for (size_t k = 0; k < sizeof caps / sizeof caps[0]; k++) {
        struct nm_buf out = {.max = 1 << 20}, back = {.max = 1 << 20};
        CHECK(stuff(nm_buf_str(&in), k % 2 ? 5000 : 1 << 20, 0, caps[k], &out) == 0);
        CHECK(undot(nm_buf_str(&out), &back) == 0);
        CHECK(nm_str_eq(nm_buf_str(&back), nm_buf_str(&want)));
        nm_buf_free(&out);
        nm_buf_free(&back);
      }
      nm_buf_free(&in);
      nm_buf_free(&want);
    }
  }
}

static void nothing_ends_the_data_early(void) {
  static const char *const payloads[] = {"\n.\n",         "\r.\r",     "\n.\r\n", "\r\n.\r",
                                         "\r\r\n.\r\r\n", "\r\n.\r\n", "."};
  for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
    check_payload(nm_str_c(payloads[i]));
  }
}

static void no_payload_ends_the_data_early(void) {
  char *text = vectors_load("injection-payloads.json");
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS is not set");
  }
  const char *list = strstr(text, "\"end_of_data\"");
  const char *end = list != NULL ? strchr(list, ']') : NULL;
  const char *at = list != NULL ? strchr(list, '[') : NULL;
  int count = 0;
  while (at != NULL && at < end) {
    const char *open = strchr(at, '"');
    if (open == NULL || open > end) {
      break;
    }
    size_t n = 0;
    char *bytes = vectors_bytes(open + 1, &n);
    check_payload(nm_str(bytes, n));
    free(bytes);
    count++;
    at = strchr(open + 1, '"') + 1;
  }
  CHECK(count == 22);
  free(text);
}

static void rewinds(void) {
  struct nm_source *inner = nm_source_memory(NM_STR(".a\r"));
  struct nm_source *dot = wire_of(inner, NM_WIRE_DOTTED);
  char piece[3];
  size_t n = 0;
  CHECK(nm_source_size(dot) == -1);
  CHECK(nm_source_read(dot, piece, 3, &n) == 0 && n == 3 && !nm_wire_ended(dot));
  for (int i = 0; i < 2; i++) {
    struct nm_buf out = {.max = 100};
    CHECK(nm_source_rewind(dot) == 0 && !nm_wire_ended(dot));
    CHECK(source_read_all(dot, 4, &out) == 0 && strcmp(out.p, "..a\r\n.\r\n") == 0);
    nm_buf_free(&out);
  }
  nm_source_free(&dot);
  nm_source_free(&inner);
}

static int cannot_rewind(struct nm_source *s) {
  return nm_error_set(&s->error, NM_EINVAL, NM_KIND_MESSAGE, "one way only");
}

static void passes_on_that_it_cannot_rewind(void) {
  static const struct nm_source_ops ops = {NULL, cannot_rewind, NULL, NULL, NULL, NULL};
  struct nm_source inner = {.ops = &ops};
  struct nm_source *dot = wire_of(&inner, NM_WIRE_DOTTED);
  CHECK(nm_source_rewind(dot) == NM_EINVAL && strcmp(dot->error.text, "one way only") == 0);
  nm_source_free(&dot);
}

/* What came before the failure is given; then it fails, again and again, and the end never comes. */
static void passes_a_failure_on(void) {
  struct nm_source *inner = failing_source(NM_STR("a\r\n.b"), "disk on fire");
  struct nm_source *dot = wire_of(inner, NM_WIRE_DOTTED);
  struct nm_buf out = {.max = 100};
  CHECK(source_read_all(dot, 100, &out) == NM_EIO && strcmp(out.p, "a\r\n..b") == 0);
  char piece[10];
  size_t n = 0;
  CHECK(nm_source_read(dot, piece, 10, &n) == NM_EIO && n == 0 && !nm_wire_ended(dot));
  CHECK(strcmp(dot->error.text, "disk on fire") == 0);
  nm_buf_free(&out);
  nm_source_free(&dot);
  nm_source_free(&inner);
}

static void knows_its_end_with_the_last_byte(void) {
  struct nm_source *inner = nm_source_memory(NM_STR("abc\r\n"));
  struct nm_source *dot = wire_of(inner, NM_WIRE_DOTTED);
  char piece[8];
  size_t n = 0;
  CHECK(nm_source_read(dot, piece, 8, &n) == 0 && n == 5 && !nm_wire_ended(dot));
  CHECK(nm_source_read(dot, piece, 2, &n) == 0 && n == 2 && !nm_wire_ended(dot));
  CHECK(nm_source_read(dot, piece, 1, &n) == 0 && n == 1 && nm_wire_ended(dot));
  CHECK(nm_source_read(dot, piece, 1, &n) == 0 && n == 0);
  nm_source_free(&dot);
  nm_source_free(&inner);
}

static void survives_short_memory(void) {
  long live = nm_test_alloc_live();
  struct nm_source *inner = nm_source_memory(NM_STR("a"));
  nm_test_alloc_fail_at(1);
  CHECK(wire_of(inner, NM_WIRE_DOTTED) == NULL);
  nm_test_alloc_fail_at(0);
  nm_source_free(&inner);
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(stuffs_rows_at_every_split);
  RUN(gives_lines_to_chunks_at_every_split);
  RUN(chunk_sources_fail_and_rewind);
  RUN(nothing_ends_the_data_early);
  RUN(no_payload_ends_the_data_early);
  RUN(rewinds);
  RUN(passes_on_that_it_cannot_rewind);
  RUN(passes_a_failure_on);
  RUN(knows_its_end_with_the_last_byte);
  RUN(survives_short_memory);
  return ctest_end();
}
