#include "mime/decoder.h"

#include "support/ctest.h"

struct row {
  const char *in;
  const char *out;
};

/* In steps of that many octets; out has exactly the room that is asked for. */
static size_t decode(enum nm_cte cte, struct nm_str in, size_t first, size_t step, char *out) {
  struct nm_decoder d = {.cte = cte};
  size_t n = 0;
  for (size_t at = 0, len = first; at < in.n; at += len, len = step) {
    len = len < in.n - at ? len : in.n - at;
    char *room = malloc(NM_DECODER_ROOM(len));
    size_t got = nm_decoder_step(&d, in.p + at, len, room);
    CHECK(got <= NM_DECODER_ROOM(len));
    memcpy(out + n, room, got);
    free(room);
    n += got;
  }
  return n + nm_decoder_flush(&d, out + n);
}

static void check(enum nm_cte cte, const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct nm_str in = nm_str_c(rows[i].in);
    size_t want = strlen(rows[i].out);
    char *out = malloc(NM_DECODER_ROOM(in.n) + 100);
    for (size_t first = 0; first <= in.n; first++) {
      for (size_t step = 1; step <= in.n + 1; step += in.n > 0 ? in.n : 1) {
        size_t got = decode(cte, in, first, step, out);
        CHECK_ROW(got == want && memcmp(out, rows[i].out, want) == 0, rows[i].in);
      }
    }
    free(out);
  }
}

static void decodes_quoted_printable(void) {
  static const struct row rows[] = {
      {"", ""},
      {"plain text\r\nand more\r\n", "plain text\r\nand more\r\n"},
      {"plain\nand\n", "plain\nand\n"},
      {"=41=3D=d0=9F", "A=\xd0\x9f"},
      /* RFC 2045 6.7 */
      {"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
       "Now's the time for all folk to come to the aid of their country."},
      {"a=\nb", "ab"},
      {"a= \t\r\nb", "ab"},
      {"a= \nb", "ab"},
      {"a=\rb", "ab"},
      {"a=", "a"},
      {"a= ", "a"},
      {"a=\r\n", "a"},
      {"a=\r", "a"},
      /* white space at a line's end was added on the way */
      {"a \t\r\nb  \nc", "a\r\nb\nc"},
      {"a ", "a"},
      {"a  b", "a  b"},
      {"a \rb", "a \rb"},
      {"a \r", "a \r"},
      {" \r\n", "\r\n"},
      {"=20\r\n", " \r\n"},
      /* what means nothing stands for itself */
      {"a=b", "a=b"},
      {"a=4", "a=4"},
      {"a=4x", "a=4x"},
      {"a=4=41", "a=4A"},
      {"a==41", "a=A"},
      {"a=xy", "a=xy"},
      {"a= b", "a= b"},
      {"a= =41", "a= A"},
      {"a= \rb", "ab"},
      {"=\xd0=9f", "=\xd0\x9f"},
      {"\xd0\x9f", "\xd0\x9f"},
  };
  check(NM_CTE_QP, rows, sizeof rows / sizeof rows[0]);
}

static void decodes_base64(void) {
  static const struct row rows[] = {
      {"", ""},
      {"Zg==", "f"}, /* RFC 4648 10 */
      {"Zm8=", "fo"},
      {"Zm9v", "foo"},
      {"Zm9vYg==", "foob"},
      {"Zm9vYmE=", "fooba"},
      {"Zm9vYmFy\r\n", "foobar"},
      {"Zm9v\r\nYmFy\r\n", "foobar"},
      {"Z m\t9!v*\n-_Y.mFy", "foobar"}, /* RFC 2045 6.8: ignored */
      {"Zg", "f"},
      {"Zm8", "fo"},
      {"Z", ""},
      {"Zg==Zm8=Zm9v", "ffofoo"}, /* joined */
      {"Zg=Zg", "ff"},
      {"====", ""},
      {"Z===Zg==", "f"},
      {"+/+/", "\xfb\xff\xbf"},
      {"\xff\x80Zm9v", "foo"},
  };
  check(NM_CTE_BASE64, rows, sizeof rows / sizeof rows[0]);
}

static void copies_the_others(void) {
  static const struct row rows[] = {{"a=41 \r\nb", "a=41 \r\nb"}, {"\xff", "\xff"}};
  check(NM_CTE_7BIT, rows, 2);
  check(NM_CTE_8BIT, rows, 2);
  check(NM_CTE_BINARY, rows, 2);
}

static void knows_each_digit(void) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; c++) {
    const char *at = c != 0 ? strchr(digits, c) : NULL;
    char in[4] = {(char)c, (char)c, (char)c, (char)c}, out[NM_BASE64_ROOM(4)];
    struct nm_base64_reader r = {0};
    size_t n = nm_base64_step(&r, in, 4, out);
    unsigned v = at != NULL ? (unsigned)(at - digits) : 0;
    CHECK(at == NULL ? n == 0
                     : n == 3 && (unsigned char)out[0] == (v << 2 | v >> 4) &&
                           (unsigned char)out[1] == ((v << 4 | v >> 2) & 255) &&
                           (unsigned char)out[2] == ((v << 6 | v) & 255));
  }
}

/* Longer runs of white space than can be held come through, at every split, in the same way. */
static void holds_no_more_than_it_can(void) {
  for (size_t blanks = NM_DECODER_BLANKS - 1; blanks <= NM_DECODER_BLANKS + 1; blanks++) {
    for (int soft = 0; soft < 2; soft++) {
      char in[NM_DECODER_BLANKS + 8] = "=", out[2][3 * NM_DECODER_BLANKS];
      memset(in + soft, ' ', blanks);
      memcpy(in + soft + blanks, "\r\nx", 3);
      size_t n = (size_t)soft + blanks + 3;
      size_t whole = decode(NM_CTE_QP, nm_str(in, n), n, n, out[0]);
      size_t split = decode(NM_CTE_QP, nm_str(in, n), 1, 1, out[1]);
      CHECK(whole == split && memcmp(out[0], out[1], whole) == 0);
      CHECK(blanks > NM_DECODER_BLANKS || whole == (soft ? 1u : 3u));
    }
  }
}

static void reads_the_name(void) {
  static const struct {
    const char *in;
    enum nm_cte cte;
    int err;
  } rows[] = {
      {"7bit", NM_CTE_7BIT, 0},
      {"", NM_CTE_7BIT, 0},
      {" 8BIT\r\n ", NM_CTE_8BIT, 0},
      {"binary", NM_CTE_BINARY, 0},
      {"(x) Quoted-Printable (y)", NM_CTE_QP, 0},
      {"base64;", NM_CTE_BASE64, 0},
      {"base64 x", NM_CTE_BASE64, 0},
      {"x-uuencode", NM_CTE_7BIT, NM_EINVAL},
      {"8-bit", NM_CTE_7BIT, NM_EINVAL},
      {";", NM_CTE_7BIT, NM_EINVAL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    enum nm_cte cte;
    CHECK_ROW(nm_cte_read(nm_str_c(rows[i].in), &cte) == rows[i].err, rows[i].in);
    CHECK_ROW(cte == rows[i].cte, rows[i].in);
  }
}

int main(void) {
  RUN(decodes_quoted_printable);
  RUN(decodes_base64);
  RUN(copies_the_others);
  RUN(knows_each_digit);
  RUN(holds_no_more_than_it_can);
  RUN(reads_the_name);
  return ctest_end();
}
