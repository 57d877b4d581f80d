/* Invariant: whatever a server says, a login ends, every line of ours is one line of its length, no success without the server's proof
   where the mechanism has one, no secret in an error, nothing said after a failure, and no block of memory left. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "smtp/auth.h"
#include "support/digests.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "Tr0ub4dor&3"
#define NONCE 40
#define SECRET_BASE64 "VHIwdWI0ZG9y" /* as much of it as does not depend on what follows */

/* The rest of the input, and what it decides. */
struct input {
  const uint8_t *p;
  size_t n;
};

static unsigned take(struct input *in) {
  unsigned c = in->n > 0 ? in->p[0] : 0;
  in->p += in->n > 0;
  in->n -= in->n > 0;
  return c;
}

/* The nonce depends on all of the input: no server can have learnt a proof from a run before. */
static void make_nonce(struct input in, char out[NM_BASE64_SIZE(32)]) {
  unsigned char digest[NM_HASH_MAX];
  struct nm_str parts[2] = {NM_STR("nonce"), nm_str((const char *)in.p, in.n)};
  digests_hash(NM_HASH_SHA256, parts, 2, digest);
  nm_base64_encode(out, (const char *)digest, 32);
}

static void check_error(const struct nm_error *e) {
  assert(strstr(e->text, SECRET) == NULL && strstr(e->text, SECRET_BASE64) == NULL);
}

static void check_line(const struct nm_auth *a, const struct nm_buf *line) {
  assert(line->n >= 2 && line->n <= NM_AUTH_LINE_MAX && memcmp(line->p + line->n - 2, "\r\n", 2) == 0);
  assert(nm_auth_secret_at(a) <= line->n - 2);
  for (size_t i = 0; i < line->n - 2; i++) {
    char c = line->p[i];
    assert((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("+/=*- ", c) != NULL);
  }
  assert(strncmp(line->p, "AUTH ", 5) != 0 || line->n <= NM_AUTH_COMMAND_MAX);
}

static void check_next(struct nm_auth *a, int next, struct nm_buf *line, const struct nm_error *e) {
  if (next == NM_AUTH_SAY) {
    check_line(a, line);
    return;
  }
  assert(line->n == 0);
  if (next == NM_AUTH_DONE) {
    assert((nm_auth_bit(a) & (NM_SASL_SCRAM | NM_SASL_DIGEST_MD5)) == 0);
  } else if (next < 0) {
    struct nm_error again = {0};
    assert(e->code == next && e->kind == NM_KIND_AUTH && e->text[0] != '\0');
    assert(nm_auth_reply(a, 235, NM_STR("ok"), line, &again) == next && line->n == 0);
    check_error(&again);
  }
  check_error(e);
}

/* A reply: its code, a length, and text, in base64 if that is wished, behind our nonce if that is wished. What the client has said last
   may be sent back to it, and the secret. */
static int reply(struct nm_auth *a, struct input *in, const char *nonce, const struct nm_buf *said,
                 struct nm_buf *line, struct nm_error *e) {
  static const int codes[16] = {334, 334, 334, 334, 334, 334, 235, 235,
                                535, 504, 501, 421, 454, 250, 432, 500};
  unsigned how = take(in);
  size_t n = take(in);
  n = n < in->n ? n : in->n;
  struct nm_str text = nm_str((const char *)in->p, n);
  struct nm_buf words = {.max = 65536};
  nm_buf_add_str(&words, (how & 32) != 0 ? nm_buf_str(said) : NM_STR(""));
  if ((how & 16) != 0) {
    char coded[NM_BASE64_SIZE(2 + NONCE + 256)], plain[2 + NONCE + 256];
    size_t before = (how & 128) != 0 ? 2 + NONCE : 0;
    memcpy(plain, "r=", 2);
    memcpy(plain + 2, nonce, NONCE);
    memcpy(plain + before, text.p, text.n);
    nm_buf_add(&words, coded, nm_base64_encode(coded, plain, before + text.n));
  } else {
    nm_buf_add_str(&words, text);
  }
  nm_buf_add_str(&words, (how & 64) != 0 ? NM_STR(SECRET) : NM_STR(""));
  in->p += n;
  in->n -= n;
  int next = nm_auth_reply(a, codes[how & 15], nm_buf_str(&words), line, e);
  nm_buf_free(&words);
  return next;
}

static void play(struct nm_auth *a, struct input *in, const char *nonce) {
  struct nm_buf line = {.max = NM_AUTH_LINE_MAX, .secret = 1}, said = {.max = NM_AUTH_LINE_MAX};
  struct nm_error e = {0};
  int next = nm_auth_begin(a, &line, &e), turns = 0;
  check_next(a, next, &line, &e);
  while (next > 0) {
    assert(++turns < 200);
    nm_buf_reset(&said);
    nm_buf_add(&said, line.p, line.n >= 2 ? line.n - 2 : 0);
    next = next == NM_AUTH_WORK ? nm_auth_work(a, &line, &e) : reply(a, in, nonce, &said, &line, &e);
    check_next(a, next, &line, &e);
  }
  nm_buf_free(&line);
  nm_buf_free(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  long live = nm_test_alloc_live();
  char nonce[NM_BASE64_SIZE(32)];
  make_nonce(in, nonce);
  unsigned line = take(&in);
  struct nm_sasl_choice c = {.offered = take(&in) | take(&in) << 8,
                             .allowed = (NM_SASL_LAST << 1) - 1,
                             .is_named = line & 1,
                             .is_protected = line >> 1 & 1,
                             .can_bind = line >> 2 & 1,
                             .has_certificate = line >> 3 & 1,
                             .minimum = (int)(line >> 4) % 4};
  struct nm_sasl_login l = {.user = NM_STR("us,er"),
                            .password = NM_STR(SECRET),
                            .realm = (line & 128) != 0 ? NM_STR("work") : NM_STR(""),
                            .host = NM_STR("mail.example.org"),
                            .port = 587,
                            .binding_type = NM_STR("tls-exporter"),
                            .binding = NM_STR("01234567890123456789012345678901"),
                            .nonce = nm_str(nonce, NONCE),
                            .iterations_min = 1,
                            .iterations_max = 50,
                            .digest = &digests};
  struct nm_auth *a = NULL;
  assert(nm_auth_new(&c, &l, &a) == 0);
  play(a, &in, nonce);
  nm_auth_free(&a);
  assert(nm_test_alloc_live() == live);
  return 0;
}
