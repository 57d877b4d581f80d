#include "support/ctest.h"

#include "base/utf8.h"

/* The definition the other way round: decode what the lead octet says, then refuse by value. */
static size_t reference(const unsigned char *p, size_t n, uint32_t *cp_out) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
  if (len == 0 || len > n) {
    return 0;
  }
  uint32_t cp = len == 1 ? p[0] : p[0] & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if (p[i] >> 6 != 2) {
      return 0;
    }
    cp = cp << 6 | (p[i] & 0x3fu);
  }
  if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
    return 0;
  }
  *cp_out = cp;
  return len;
}

static size_t encode(uint32_t cp, char *p) {
  if (cp < 0x80) {
    p[0] = (char)cp;
    return 1;
  }
  size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--) {
    p[i] = (char)(0x80 | (cp & 0x3f));
    cp >>= 6;
  }
  p[0] = (char)(0xf00u >> len | cp);
  return len;
}

static void reads_every_code_point(void) {
  for (uint32_t cp = 0; cp <= 0x110400; cp++) {
    char p[4];
    uint32_t got = 0;
    size_t len = encode(cp, p);
    int good = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
    CHECK(nm_utf8_next(p, len, &got) == (good ? len : 0) && got == (good ? cp : 0));
    CHECK(nm_utf8_next(p, len, NULL) == (good ? len : 0));
    CHECK(len == 1 || nm_utf8_next(p, len - 1, &got) == 0);
  }
}

static void writes_every_code_point(void) {
  for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
    char want[4], got[NM_UTF8_MAX];
    size_t len = encode(cp, want);
    CHECK((cp >= 0xd800 && cp <= 0xdfff) || (nm_utf8_put(got, cp) == len && memcmp(got, want, len) == 0));
  }
}

/* Every sequence of up to four of the octets where the rules change. */
static void agrees_with_the_definition(void) {
  static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                        0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
                                        0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfb, 0xfc, 0xfe, 0xff};
  size_t count = sizeof edges;
  for (size_t i = 0; i < count * count * count * count; i++) {
    unsigned char p[4] = {edges[i % count], edges[i / count % count], edges[i / count / count % count],
                          edges[i / count / count / count]};
    for (size_t n = 1; n <= 4; n++) {
      uint32_t want = 0, got = 0;
      size_t len = reference(p, n, &want);
      CHECK(nm_utf8_next((const char *)p, n, &got) == len && got == want);
    }
  }
}

static size_t valid_by_characters(const char *p, size_t n) {
  size_t i = 0, len = 0;
  while (i < n && (len = nm_utf8_next(p + i, n - i, NULL)) > 0) {
    i += len;
  }
  return i;
}

/* A long text is not looked at character by character; wherever four octets stand in it, the same must come out. */
static void a_long_text_is_its_characters(void) {
  static const unsigned char edges[] = {0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf,
                                        0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5};
  size_t count = sizeof edges;
  for (size_t at = 58; at <= 66; at++) {
    for (size_t i = at; i < count * count * count * count; i += 7) {
      char text[140];
      for (size_t k = 0; k < sizeof text; k++) {
        text[k] = k % 2 == 0 ? '\xd0' : '\x96';
      }
      unsigned char four[4] = {edges[i % count], edges[i / count % count], edges[i / count / count % count],
                               edges[i / count / count / count]};
      if (at % 2 == 1) { /* whole characters around them all the same */
        text[at - 1] = text[at + 4] = 'x';
      }
      memcpy(text + at, four, 4);
      CHECK(nm_utf8_valid(nm_str(text, sizeof text)) == valid_by_characters(text, sizeof text));
      CHECK(nm_utf8_valid(nm_str(text, at + 4)) == valid_by_characters(text, at + 4));
    }
  }
}

static void finds_the_first_bad_byte(void) {
  static const struct {
    struct nm_str s;
    size_t valid;
  } rows[] = {
      {NM_STR(""), 0},
      {{NULL, 0}, 0},
      {NM_STR("abc"), 3},
      {NM_STR("a\0b"), 3},
      {NM_STR("\xd0\x98\xd0\xb2"), 4},
      {NM_STR("\xff"), 0},
      {NM_STR("a\x80"), 1},
      {NM_STR("\xd0\x98\xd0"), 2},
      {NM_STR("\xf0\x9f\x93"), 0},
      {NM_STR("\xed\xa0\x80"), 0},
      {NM_STR("\xc0\x8d\xc0\x8a"), 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_ROW(nm_utf8_valid(rows[i].s) == rows[i].valid, rows[i].s.p);
  }
}

/* One odd character at every place of runs around the word-wise steps, in a block of its own size. */
static void looks_at_every_octet_of_a_run(void) {
  static const struct nm_str odd[] = {{"\xff", 1}, {"\x80", 1}, {"\xd0\x98", 2}, {"\xf0\x9f\x93\xa7", 4}};
  for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++) {
    for (size_t n = 0; n < 40; n++) {
      for (size_t at = 0; at <= n; at++) {
        char *p = malloc(n + odd[k].n);
        memset(p, 'a', n + odd[k].n);
        memcpy(p + at, odd[k].p, odd[k].n);
        struct nm_str s = nm_str(p, n + odd[k].n);
        CHECK(nm_utf8_valid(s) == (k < 2 ? at : s.n));
        CHECK(!nm_is_ascii(s) && nm_is_ascii(nm_str(p, at)));
        free(p);
      }
    }
  }
  CHECK(nm_is_ascii(NM_STR("")) && nm_is_ascii(nm_str(NULL, 0)) && nm_is_ascii(NM_STR("\x00\x7f")));
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

/* "C2 A9" or, when it is not hex, the text itself, up to the next ":" or the line's end. */
static size_t read_field(const char *p, int is_hex, char *out) {
  size_t n = 0;
  while (*p != '\0' && *p != ':' && *p != '\n' && *p != '\r') {
    if (!is_hex) {
      out[n++] = *p++;
    } else if (hex_digit(*p) >= 0 && hex_digit(p[1]) >= 0) {
      out[n++] = (char)(hex_digit(*p) << 4 | hex_digit(p[1]));
      p += 2;
    } else {
      p++;
    }
  }
  return n;
}

/* What is left when every octet that begins no character is passed over. */
static size_t skip_invalid(struct nm_str s, char *out) {
  size_t n = 0;
  for (size_t i = 0; i < s.n;) {
    size_t len = nm_utf8_next(s.p + i, s.n - i, NULL);
    memcpy(out + n, s.p + i, len);
    n += len;
    i += len > 0 ? len : 1;
  }
  return n;
}

static int check_line(const char *line) {
  char bytes[512], want[512], got[512];
  const char *kind = strchr(line, ':');
  if (line[0] == '#' || kind == NULL) {
    return 0;
  }
  kind += strspn(kind, ": ");
  int is_valid = strncmp(kind, "valid", 5) == 0;
  const char *value = strchr(kind, ':');
  if (value == NULL || strlen(value) > sizeof bytes) {
    return 0;
  }
  int is_hex = strncmp(kind + (is_valid ? 5 : 7), " hex", 4) == 0;
  struct nm_str s = nm_str(bytes, read_field(value + 1, is_hex, bytes));
  CHECK_ROW((nm_utf8_valid(s) == s.n) == is_valid, line);
  const char *rest = strchr(value + 1, ':');
  if (!is_valid && rest != NULL) {
    size_t n = read_field(rest + 1, strstr(rest, "nothing") == NULL, want);
    n = n == 7 && memcmp(want, "nothing", 7) == 0 ? 0 : n;
    CHECK_ROW(nm_str_eq(nm_str(want, n), nm_str(got, skip_invalid(s, got))), line);
  }
  return 1;
}

static void agrees_with_the_vectors(void) {
  const char *root = getenv("NETMAIL_VECTORS");
  if (root == NULL) {
    SKIP("NETMAIL_VECTORS is not set");
  }
  char path[1024], line[2048];
  snprintf(path, sizeof path, "%s/unicode/utf8tests.txt", root);
  FILE *f = fopen(path, "r");
  if (f == NULL) {
    SKIP("there is no unicode/utf8tests.txt in NETMAIL_VECTORS");
  }
  int checked = 0;
  while (fgets(line, sizeof line, f) != NULL) {
    checked += check_line(line);
  }
  fclose(f);
  CHECK(checked > 200);
}

int main(void) {
  RUN(reads_every_code_point);
  RUN(writes_every_code_point);
  RUN(agrees_with_the_definition);
  RUN(a_long_text_is_its_characters);
  RUN(finds_the_first_bad_byte);
  RUN(looks_at_every_octet_of_a_run);
  RUN(agrees_with_the_vectors);
  return ctest_end();
}
