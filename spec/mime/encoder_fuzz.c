/* Whatever we encode decodes to the input (as text: with its line ends as CRLF), in lines of at most 76 octets that end in
   CRLF, at most as large as promised, the same at every split, through an encoded source and by every kernel; an encoding that
   is wanted is taken, or cannot be and says so. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/base64_kernel.h"
#include "mime/base64_lines.h"
#include "mime/encoder.h"

struct bytes {
  char *p;
  size_t n;
};

static struct bytes canonical(const char *in, size_t len, int text) {
  struct bytes b = {malloc(2 * len + 1), 0};
  for (size_t i = 0; i < len; i++) {
    if (text && (in[i] == '\r' || in[i] == '\n')) {
      i += in[i] == '\r' && i + 1 < len && in[i + 1] == '\n';
      memcpy(b.p + b.n, "\r\n", 2);
      b.n += 2;
    } else {
      b.p[b.n++] = in[i];
    }
  }
  return b;
}

static int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct bytes decode_quoted(struct bytes in) {
  struct bytes b = {malloc(in.n + 1), 0};
  for (size_t i = 0; i < in.n; i++) {
    if (in.p[i] != '=') {
      b.p[b.n++] = in.p[i];
    } else if (in.n - i >= 3 && in.p[i + 1] == '\r' && in.p[i + 2] == '\n') {
      i += 2;
    } else {
      assert(in.n - i >= 3 && hex_value(in.p[i + 1]) >= 0 && hex_value(in.p[i + 2]) >= 0);
      b.p[b.n++] = (char)(hex_value(in.p[i + 1]) << 4 | hex_value(in.p[i + 2]));
      i += 2;
    }
  }
  return b;
}

static struct bytes decode_base64(struct bytes in) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct bytes b = {malloc(in.n + 1), 0};
  unsigned value = 0, bits = 0;
  size_t columns = 0;
  for (size_t i = 0; i < in.n; i++) {
    const char *at = memchr(alphabet, in.p[i], 64);
    columns += in.p[i] != '\r' && in.p[i] != '\n';
    if (at == NULL) {
      assert(in.p[i] == '\r' || in.p[i] == '\n' || (in.p[i] == '=' && in.n - i <= 4));
      continue;
    }
    value = (value << 6 | (unsigned)(at - alphabet)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      b.p[b.n++] = (char)(value >> bits & 255);
    }
  }
  assert(columns % 4 == 0);
  return b;
}

static void check_lines(struct bytes out, enum nm_cte cte) {
  size_t col = 0;
  for (size_t i = 0; i < out.n; i++) {
    char c = out.p[i];
    if (c == '\r') {
      assert(i + 1 < out.n && out.p[i + 1] == '\n');
      assert(col == 0 || (out.p[i - 1] != ' ' && out.p[i - 1] != '\t'));
      assert(!(col == 1 && out.p[i - 1] == '.'));
      col = 0;
      i++;
      continue;
    }
    assert((c >= 32 && c < 127) || c == '\t');
    col++;
    assert(col <= NM_LINE_COLUMNS);
    assert(!(col == 5 && memcmp(&out.p[i - 4], "From ", 5) == 0));
  }
  assert(col == 0 || (cte == NM_CTE_QP && out.p[out.n - 1] != ' ' && out.p[out.n - 1] != '\t'));
  assert(!(col == 1 && out.p[out.n - 1] == '.'));
}

static struct bytes encode(const struct nm_encoding *how, const char *in, size_t len, uint32_t seed) {
  struct nm_encoder e = {.cte = how->cte, .text = how->text};
  struct bytes b = {malloc(NM_ENCODER_ROOM(len) + (len + 1) * NM_ENCODER_ROOM(1)), 0};
  for (size_t at = 0; at < len;) {
    seed = seed * 1664525u + 1013904223u;
    size_t step = seed == 0 ? len : 1 + (seed >> 24) % 97;
    step = step < len - at ? step : len - at;
    size_t n = nm_encoder_step(&e, in + at, step, b.p + b.n);
    assert(n <= NM_ENCODER_ROOM(step));
    b.n += n;
    at += step;
  }
  b.n += nm_encoder_flush(&e, b.p + b.n);
  return b;
}

static struct bytes encode_whole(const struct nm_encoding *how, const char *in, size_t len) {
  struct nm_encoder e = {.cte = how->cte, .text = how->text};
  size_t room = how->cte == NM_CTE_QP || how->size <= 0 ? NM_ENCODER_ROOM(len) : (size_t)how->size;
  struct bytes b = {malloc(room), 0}; /* exact: a write beyond what is promised is caught */
  b.n = nm_encoder_step(&e, in, len, b.p);
  char end[NM_ENCODER_ROOM(0)];
  size_t n = nm_encoder_flush(&e, end);
  b.p = realloc(b.p, b.n + n + 1);
  memcpy(b.p + b.n, end, n);
  b.n += n;
  return b;
}

static void check_source(const struct nm_encoding *how, const char *in, size_t len, size_t cap,
                         struct bytes want) {
  struct nm_source *s = nm_encoded_source(nm_source_memory(nm_str(in, len)), how);
  char *piece = malloc(cap);
  size_t at = 0, n = 0;
  while (nm_source_read(s, piece, cap, &n) == 0 && n > 0) {
    assert(n <= cap && n <= want.n - at && memcmp(want.p + at, piece, n) == 0);
    at += n;
  }
  assert(at == want.n && s->error.code == 0);
  free(piece);
  nm_source_free(&s);
}

static void check_same(struct bytes a, struct bytes b) {
  assert(a.n == b.n && memcmp(a.p, b.p, a.n) == 0);
}

static void check(const struct nm_encoding *how, const char *in, size_t len, uint32_t seed) {
  struct bytes want = canonical(in, len, how->text);
  struct bytes whole = encode_whole(how, in, len);
  struct bytes split = encode(how, in, len, seed);
  check_same(whole, split);
  check_source(how, in, len, 1 + seed % 1500, whole);
  if (how->cte == NM_CTE_QP || how->cte == NM_CTE_BASE64) {
    check_lines(whole, how->cte);
    struct bytes back = how->cte == NM_CTE_QP ? decode_quoted(whole) : decode_base64(whole);
    check_same(back, want);
    free(back.p);
  } else {
    check_same(whole, want);
  }
  free(want.p);
  free(whole.p);
  free(split.p);
}

/* Blocks of the exact size: a look beyond either is caught. */
static void check_kernels(const char *in, size_t len) {
  size_t lines = len / NM_LINE_OCTETS, n = lines * NM_BASE64_LINE;
  unsigned char *from = malloc(lines * NM_LINE_OCTETS + 1);
  char *want = malloc(n + 1), *got = malloc(n + 1);
  from = realloc(from, lines > 0 ? lines * NM_LINE_OCTETS : 1);
  got = realloc(got, n > 0 ? n : 1);
  memcpy(from, in, lines * NM_LINE_OCTETS);
  nm_base64_lines_portable(want, from, lines);
  const struct nm_base64_kernel *k = NULL;
  for (size_t i = 0; (k = nm_base64_kernel(i)) != NULL; i++) {
    k->lines(got, from, lines);
    assert(memcmp(got, want, n) == 0);
  }
  free(from);
  free(want);
  free(got);
}

/* What RFC 2045 2.7 and 2.8 say of 7bit and 8bit. */
static int is_plain(struct bytes b, int high) {
  size_t line = 0;
  for (size_t i = 0; i < b.n; i++) {
    unsigned char c = (unsigned char)b.p[i];
    int crlf = c == '\r' && i + 1 < b.n && b.p[i + 1] == '\n';
    line = crlf ? 0 : line + 1;
    i += (size_t)crlf;
    if (c == 0 || (c > 127 && !high) || (c == '\r' && !crlf) || c == '\n' || line > 998) {
      return 0;
    }
  }
  return 1;
}

static void check_wish(const struct nm_encoding *how, const struct nm_cte_wish *wish, struct bytes out) {
  unsigned needs = how->cte == NM_CTE_8BIT ? NM_ALLOW_8BIT : how->cte == NM_CTE_BINARY ? NM_ALLOW_BINARY : 0;
  assert((wish->allowed & needs) == needs);
  if (!wish->is_forced || how->cte != wish->forced) {
    assert(needs == 0);
    assert(!wish->is_forced || wish->forced == NM_CTE_8BIT || wish->forced == NM_CTE_BINARY);
  }
  if (how->cte == NM_CTE_7BIT || how->cte == NM_CTE_8BIT) {
    assert(is_plain(out, how->cte == NM_CTE_8BIT));
  }
  assert(how->line_end == (out.n > 1 && memcmp(out.p + out.n - 2, "\r\n", 2) == 0));
}

static void check_choice(const char *in, size_t len, int text, const struct nm_cte_wish *wish,
                         uint32_t seed) {
  struct nm_source *s = nm_source_memory(nm_str(in, len));
  struct nm_scan scan;
  struct nm_encoding how = {0};
  int err = nm_encoding_choose(s, text, wish, &scan, &how);
  if (err != 0) {
    struct bytes same = canonical(in, len, text);
    assert(err == NM_EINVAL && wish->is_forced && wish->forced == NM_CTE_7BIT && !is_plain(same, 0));
    assert(strstr(s->error.text, "cannot be sent as 7bit: line ") != NULL);
    free(same.p);
    nm_source_free(&s);
    return;
  }
  nm_source_free(&s);
  struct bytes whole = encode_whole(&how, in, len);
  assert((int64_t)whole.n == how.size);
  check_wish(&how, wish, whole);
  if (!text && how.text) { /* as text, but not an octet may change */
    struct bytes same = canonical(in, len, 1);
    assert(same.n == len && memcmp(same.p, in, len) == 0);
    free(same.p);
  }
  free(whole.p);
  check(&how, in, len, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) {
    return 0;
  }
  uint32_t seed = (uint32_t)data[0] << 8 | data[1];
  int mode = data[2];
  char *in = malloc(size - 3 + 1); /* its own block: a read beyond the end is caught */
  memcpy(in, data + 3, size - 3);
  size_t len = size - 3;
  in = realloc(in, len > 0 ? len : 1);
  struct nm_cte_wish wish = {.is_forced = mode >> 1 & 1, .forced = (enum nm_cte)((mode >> 2 & 7) % 5)};
  wish.allowed = (unsigned)mode >> 5 & 3;
  check_kernels(in, len);
  for (int text = 0; text <= 1; text++) {
    struct nm_encoding qp = {.cte = NM_CTE_QP, .text = text, .size = -1};
    struct nm_encoding base64 = {.cte = NM_CTE_BASE64, .text = text, .size = -1};
    check(mode & 1 ? &qp : &base64, in, len, seed);
    check_choice(in, len, text, &wish, seed);
  }
  free(in);
  return 0;
}
