#include "mime/param.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "mime/encword.h"
#include "mime/fold.h"
#include "mime/reader.h"
#include "support/ctest.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10

static const char disposition[] = "Content-Disposition: attachment";
static const char type[] = "Content-Type: application/octet-stream";

static void disposition_write(struct nm_buf *b, struct nm_str value) {
  *b = (struct nm_buf){.max = 1 << 20};
  nm_buf_add_c(b, disposition);
  nm_param_write(b, b->n, "filename", value);
  nm_fold_end(b);
}

static void type_write(struct nm_buf *b, struct nm_str value) {
  *b = (struct nm_buf){.max = 1 << 20};
  nm_buf_add_c(b, type);
  nm_param_write_fallback(b, b->n, "name", value);
  nm_fold_end(b);
}

static void writes_file_names(void) {
  static const struct {
    const char *value;
    const char *rest;
  } rows[] = {
      {"report.pdf", "; filename=report.pdf\r\n"},
      {"my report.pdf", "; filename=\"my report.pdf\"\r\n"},
      {"", "; filename=\"\"\r\n"},
      {"a\"; filename=\"evil.exe", "; filename=\"a\\\"; filename=\\\"evil.exe\"\r\n"},
      {"a\\", "; filename=\"a\\\\\"\r\n"},
      {"a;b=c", "; filename=\"a;b=c\"\r\n"},
      /* Tokens that look like RFC 2231 to a hasty reader. */
      {"utf-8''evil", "; filename=\"utf-8''evil\"\r\n"},
      {"%41", "; filename=\"%41\"\r\n"},
      {"a*", "; filename=\"a*\"\r\n"},
      /* And what looks like RFC 2047. */
      {"=?utf-8?q?evil.exe?=", ";\r\n filename*=utf-8''%3D%3Futf-8%3Fq%3Fevil.exe%3F%3D\r\n"},
      {"отчёт.pdf", ";\r\n filename*=utf-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf\r\n"},
      {"naïve.txt", "; filename*=utf-8''na%C3%AFve.txt\r\n"},
      {"a\tb", "; filename*=utf-8''a%09b\r\n"},
      {"a\r\nX: y", "; filename*=utf-8''a%0D%0AX%3A%20y\r\n"},
      {"\x7f", "; filename*=utf-8''%7F\r\n"},
      {"\xff", "; filename*=utf-8''%FF\r\n"},
      /* The longest that has its line, with the column for a ";" behind it; and one more. */
      {X50 "xxxxxxxxxxxxxxxxx", ";\r\n filename=" X50 "xxxxxxxxxxxxxxxxx\r\n"},
      {X50 "xxxxxxxxxxxxxxxxxx", ";\r\n filename*0*=utf-8''" X50 "xxxxxxx;\r\n filename*1*=xxxxxxxxxxx\r\n"},
      {X50 "xxxxxxxxxxxxxx ", ";\r\n filename=\"" X50 "xxxxxxxxxxxxxx \"\r\n"},
      {X50 "xxxxxxxxxxxxxxx ", ";\r\n filename*0*=utf-8''" X50 "xxxxxxx;\r\n filename*1*=xxxxxxxx%20\r\n"},
      {"отчёт за третий квартал.pdf",
       ";\r\n filename*0*=utf-8''%D0%BE%D1%82%D1%87%D1%91%D1%82%20%D0%B7%D0%B0%20%D1%82;\r\n"
       " filename*1*=%D1%80%D0%B5%D1%82%D0%B8%D0%B9%20%D0%BA%D0%B2%D0%B0%D1%80%D1%82;\r\n"
       " filename*2*=%D0%B0%D0%BB.pdf\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b;
    disposition_write(&b, nm_str_c(rows[i].value));
    CHECK_ROW(b.err == 0 && strcmp(b.p + sizeof disposition - 1, rows[i].rest) == 0, b.p);
    nm_buf_free(&b);
  }
}

static void writes_names_with_a_fallback(void) {
  static const struct {
    const char *value;
    const char *rest;
  } rows[] = {
      {"report.pdf", "; name=report.pdf\r\n"},
      {"my report.pdf", "; name=\"my report.pdf\"\r\n"},
      {"отчёт.pdf", ";\r\n name=\"=?utf-8?B?0L7RgtGH0ZHRgi5wZGY=?=\";\r\n"
                    " name*=utf-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.pdf\r\n"},
      {"отчёт за третий квартал двадцать шестого.pdf",
       ";\r\n name=\"=?utf-8?B?0L7RgtGH0ZHRgiDQt9CwINGC0YDQtdGC0LjQuSDQutCy0LDRgNGC?=\r\n"
       " =?utf-8?B?0LDQuyDQtNCy0LDQtNGG0LDRgtGMINGI0LXRgdGC0L7Qs9C+LnBkZg==?=\";\r\n"
       " name*0*=utf-8''%D0%BE%D1%82%D1%87%D1%91%D1%82%20%D0%B7%D0%B0%20%D1%82%D1%80;\r\n"
       " name*1*=%D0%B5%D1%82%D0%B8%D0%B9%20%D0%BA%D0%B2%D0%B0%D1%80%D1%82%D0%B0;\r\n"
       " name*2*=%D0%BB%20%D0%B4%D0%B2%D0%B0%D0%B4%D1%86%D0%B0%D1%82%D1%8C%20%D1%88;\r\n"
       " name*3*=%D0%B5%D1%81%D1%82%D0%BE%D0%B3%D0%BE.pdf\r\n"},
      {"\"x\"\r\n\xc3\xa9", ";\r\n name=\"=?utf-8?B?IngiDQrDqQ==?=\"; name*=utf-8''%22x%22%0D%0A%C3%A9\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf b;
    type_write(&b, nm_str_c(rows[i].value));
    CHECK_ROW(b.err == 0 && strcmp(b.p + sizeof type - 1, rows[i].rest) == 0, b.p);
    nm_buf_free(&b);
  }
}

static int is_utf8(const char *p, size_t n) {
  return nm_utf8_valid(nm_str(p, n)) == n;
}

static int any(const char *p, size_t n) {
  (void)p;
  (void)n;
  return 1;
}

/* Both fields, judged by the reader: the same value, one parameter, lines of 78 at most. */
static void reads_back(struct nm_str value) {
  int (*ok)(const char *, size_t) = is_utf8(value.p, value.n) ? is_utf8 : any;
  for (int fallback = 0; fallback < 2; fallback++) {
    struct nm_buf b;
    struct parameter a = {0};
    (fallback ? type_write : disposition_write)(&b, value);
    CHECK_ROW(field_fault(b.p, b.n, 0) == NULL, b.p);
    struct octets all = unfold(b.p, b.n);
    size_t skip = fallback ? strlen("application/octet-stream") : strlen("attachment");
    CHECK_ROW(read_parameters(all.p + skip, all.n - skip, fallback ? "name" : "filename", &a, ok) == 0, b.p);
    struct octets *got = a.pieces > 0 ? &a.extended : &a.plain;
    CHECK_ROW(octets_are(got, value.p, value.n), b.p);
    CHECK_ROW(a.plains == (fallback || a.pieces == 0), b.p);
    if (a.pieces > 0 && fallback && ok == is_utf8) {
      struct octets words = {0};
      CHECK_ROW(read_text(a.plain.p, a.plain.n, 1, &words) == 0, b.p);
      CHECK_ROW(octets_are(&words, value.p, value.n), b.p);
      octets_free(&words);
    }
    parameter_free(&a);
    octets_free(&all);
    nm_buf_free(&b);
  }
}

/* Each kind of character at every offset from a line's end. */
static void splits_only_between_characters(void) {
  static const char *const units[] = {"x", " ", "\"", "\\", "é", "€", "😀", "=?", "\r\n", "%", "'", "a;"};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    size_t n = strlen(units[i]);
    for (size_t before = 0; before < 90; before++) {
      char value[200];
      memset(value, 'x', before);
      size_t end = before;
      while (end + n < before + 60) {
        memcpy(value + end, units[i], n);
        end += n;
        reads_back(nm_str(value, end));
      }
    }
  }
}

static void numbers_many_pieces(void) {
  static char value[20000];
  for (size_t i = 0; i + 1 < sizeof value; i += 2) {
    memcpy(value + i, "ж", 2);
  }
  reads_back(nm_str(value, sizeof value));
  memset(value, 'x', sizeof value);
  reads_back(nm_str(value, sizeof value));
  memset(value, 0xff, sizeof value);
  reads_back(nm_str(value, sizeof value));
}

static void keeps_every_octet_inside(void) {
  for (int c = 0; c < 256; c++) {
    char value[3] = {'a', (char)c, 'b'};
    reads_back(nm_str(value, 3));
    reads_back(nm_str(value + 1, 1));
  }
}

/* The file names of the shared payloads: hex strings of the JSON array "filenames". */
static void survives_hostile_file_names(void) {
  const char *root = getenv("NETMAIL_VECTORS");
  if (root == NULL) {
    SKIP("NETMAIL_VECTORS is not set");
  }
  char path[1024];
  snprintf(path, sizeof path, "%s/injection-payloads.json", root);
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    SKIP("no injection-payloads.json");
  }
  static char json[1 << 20];
  size_t n = fread(json, 1, sizeof json - 1, f);
  fclose(f);
  json[n] = '\0';
  const char *p = strstr(json, "\"filenames\"");
  p = p != NULL ? strchr(p, '[') : NULL;
  int names = 0;
  while (p != NULL && *p != ']') {
    static char name[1 << 16];
    size_t len = 0;
    p += strcspn(p, "\"]");
    if (*p == ']') {
      break;
    }
    for (p++; *p != '"' && *p != '\0'; p += 2) {
      char digits[3] = {p[0], p[1], '\0'};
      name[len++] = (char)strtoul(digits, NULL, 16);
    }
    p++;
    reads_back(nm_str(name, len));
    names++;
  }
  CHECK(names >= 30);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_buf b;
    nm_test_alloc_fail_at(n);
    type_write(&b, NM_STR("отчёт за третий квартал двадцать шестого.pdf"));
    nm_test_alloc_fail_at(0);
    int err = b.err;
    nm_buf_free(&b);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 1);
      return;
    }
    CHECK(err == NM_ENOMEM);
  }
}
#endif

static void keeps_to_the_maximum(void) {
  for (size_t max = 0; max < 400; max++) {
    struct nm_buf b = {.max = max};
    nm_param_write_fallback(&b, 20, "name", NM_STR("отчёт за третий квартал.pdf"));
    CHECK(b.n <= max && (b.err == 0 || b.err == NM_ELIMIT));
    nm_buf_free(&b);
  }
}

int main(void) {
  RUN(writes_file_names);
  RUN(writes_names_with_a_fallback);
  RUN(splits_only_between_characters);
  RUN(numbers_many_pieces);
  RUN(keeps_every_octet_inside);
  RUN(survives_hostile_file_names);
  RUN(keeps_to_the_maximum);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
