/* Invariant: decode(encode(x)) == x, in each encoding, as octets and as text (then with its line ends as CRLF); and any octets are
   decoded to the same at every split, into no more room than is promised. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/decoder.h"

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

struct bytes {
  char *p;
  size_t n;
};

static struct bytes decode(enum nm_cte cte, const char *p, size_t n, size_t step) {
  struct nm_decoder d = {.cte = cte};
  struct bytes out = {malloc(n + NM_DECODER_ROOM(0)), 0};
  for (size_t at = 0; at < n; at += step) {
    size_t len = step < n - at ? step : n - at;
    char *room = malloc(NM_DECODER_ROOM(len));
    size_t got = nm_decoder_step(&d, p + at, len, room);
    must(got <= NM_DECODER_ROOM(len) && out.n + got <= n + NM_DECODER_ROOM(0));
    memcpy(out.p + out.n, room, got);
    free(room);
    out.n += got;
  }
  char end[NM_DECODER_ROOM(0)];
  size_t got = nm_decoder_flush(&d, end);
  must(got <= sizeof end && out.n + got <= n + NM_DECODER_ROOM(0));
  memcpy(out.p + out.n, end, got);
  out.n += got;
  return out;
}

static struct bytes encode(enum nm_cte cte, int text, const char *p, size_t n) {
  struct nm_encoder e = {.cte = cte, .text = text};
  struct bytes out = {malloc(NM_ENCODER_ROOM(n) + NM_ENCODER_ROOM(0)), 0};
  out.n = nm_encoder_step(&e, p, n, out.p);
  out.n += nm_encoder_flush(&e, out.p + out.n);
  return out;
}

static struct bytes lines(const char *p, size_t n) {
  struct bytes out = {malloc(2 * n + 1), 0};
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '\r' || p[i] == '\n') {
      i += p[i] == '\r' && i + 1 < n && p[i + 1] == '\n';
      memcpy(out.p + out.n, "\r\n", 2);
      out.n += 2;
    } else {
      out.p[out.n++] = p[i];
    }
  }
  return out;
}

static void round_trip(enum nm_cte cte, int text, const char *p, size_t n, size_t step) {
  struct bytes coded = encode(cte, text, p, n), want = text ? lines(p, n) : (struct bytes){NULL, n};
  struct bytes got = decode(cte, coded.p, coded.n, step);
  must(got.n == want.n && (n == 0 || memcmp(got.p, text ? want.p : p, want.n) == 0));
  free(coded.p);
  free(want.p);
  free(got.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const enum nm_cte ctes[] = {NM_CTE_QP, NM_CTE_BASE64, NM_CTE_BINARY};
  if (size == 0) {
    return 0;
  }
  const char *p = (const char *)data + 1;
  size_t n = size - 1, step = 1 + data[0] % 100;
  for (size_t i = 0; i < 3; i++) {
    struct bytes whole = decode(ctes[i], p, n, n + 1), split = decode(ctes[i], p, n, step);
    must(whole.n == split.n && memcmp(whole.p, split.p, whole.n) == 0);
    free(whole.p);
    free(split.p);
    round_trip(ctes[i], 0, p, n, step);
    round_trip(ctes[i], 1, p, n, step);
  }
  return 0;
}
