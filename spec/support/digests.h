#ifndef NM_SPEC_DIGESTS_H
#define NM_SPEC_DIGESTS_H

/* The table of base/digest.h in plain C, for tests and fuzzers that must do without OpenSSL, and a second opinion for the one
   that has it. MD5 as RFC 1321 says, SHA as RFC 6234; short rather than fast. */

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/error.h"

struct digests_state {
  enum nm_hash h;
  uint64_t v[8];
  uint64_t n; /* octets so far */
  unsigned char block[NM_HASH_BLOCK_MAX];
};

static inline size_t digests_block(enum nm_hash h) {
  return h == NM_HASH_SHA512 ? 128 : 64;
}

static inline uint32_t digests_rotl(uint32_t x, unsigned n) {
  return n == 0 ? x : x << n | x >> (32 - n);
}

static inline uint64_t digests_rotr(uint64_t x, unsigned n, unsigned width) {
  return width == 32 ? (uint32_t)((uint32_t)x >> n | (uint32_t)x << (32 - n)) : x >> n | x << (64 - n);
}

static inline uint64_t digests_word(const unsigned char *p, size_t n, int little) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++) {
    v = v << 8 | p[little ? n - 1 - i : i];
  }
  return v;
}

/* floor(2^32 abs(sin(i + 1))) */
static const uint32_t digests_md5_t[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

/* The first 64 bits of the fractional parts of the cube roots of the first 80 primes; SHA-256 has the first 32 of 64 of
   them. */
static const uint64_t digests_sha2_k[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

static inline void digests_md5_block(struct digests_state *s) {
  static const unsigned char turns[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  uint32_t a = (uint32_t)s->v[0], b = (uint32_t)s->v[1], c = (uint32_t)s->v[2], d = (uint32_t)s->v[3];
  for (unsigned i = 0; i < 64; i++) {
    uint32_t f = i < 16   ? (b & c) | (~b & d)
                 : i < 32 ? (d & b) | (~d & c)
                 : i < 48 ? b ^ c ^ d
                          : c ^ (b | ~d);
    unsigned g = (i < 16 ? i : i < 32 ? 5 * i + 1 : i < 48 ? 3 * i + 5 : 7 * i) % 16;
    uint32_t x = a + f + digests_md5_t[i] + (uint32_t)digests_word(s->block + (size_t)g * 4, 4, 1);
    a = d;
    d = c;
    c = b;
    b += digests_rotl(x, turns[i / 16][i % 4]);
  }
  s->v[0] = (uint32_t)(s->v[0] + a);
  s->v[1] = (uint32_t)(s->v[1] + b);
  s->v[2] = (uint32_t)(s->v[2] + c);
  s->v[3] = (uint32_t)(s->v[3] + d);
}

static inline void digests_sha1_block(struct digests_state *s) {
  uint32_t w[80], v[5];
  for (unsigned i = 0; i < 80; i++) {
    w[i] = i < 16 ? (uint32_t)digests_word(s->block + (size_t)i * 4, 4, 0)
                  : digests_rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  }
  for (unsigned i = 0; i < 5; i++) {
    v[i] = (uint32_t)s->v[i];
  }
  for (unsigned i = 0; i < 80; i++) {
    uint32_t f = i < 20   ? ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5a827999
                 : i < 40 ? (v[1] ^ v[2] ^ v[3]) + 0x6ed9eba1
                 : i < 60 ? ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8f1bbcdc
                          : (v[1] ^ v[2] ^ v[3]) + 0xca62c1d6;
    uint32_t x = digests_rotl(v[0], 5) + f + v[4] + w[i];
    v[4] = v[3];
    v[3] = v[2];
    v[2] = digests_rotl(v[1], 30);
    v[1] = v[0];
    v[0] = x;
  }
  for (unsigned i = 0; i < 5; i++) {
    s->v[i] = (uint32_t)(s->v[i] + v[i]);
  }
}

/* SHA-256 and SHA-512 differ in the width of a word, the rounds, and by how much they turn. */
static inline void digests_sha2_block(struct digests_state *s) {
  static const unsigned char turns[2][12] = {{7, 18, 3, 17, 19, 10, 2, 13, 22, 6, 11, 25},
                                             {1, 8, 7, 19, 61, 6, 28, 34, 39, 14, 18, 41}};
  int wide = s->h == NM_HASH_SHA512;
  unsigned width = wide ? 64 : 32;
  const unsigned char *r = turns[wide];
  uint64_t mask = wide ? UINT64_MAX : UINT32_MAX, w[80], v[8];
  for (unsigned i = 0; i < (wide ? 80u : 64u); i++) {
    if (i < 16) {
      w[i] = digests_word(s->block + (size_t)i * (width / 8), width / 8, 0);
    } else {
      uint64_t a = w[i - 15], b = w[i - 2];
      uint64_t s0 = digests_rotr(a, r[0], width) ^ digests_rotr(a, r[1], width) ^ a >> r[2];
      uint64_t s1 = digests_rotr(b, r[3], width) ^ digests_rotr(b, r[4], width) ^ b >> r[5];
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & mask;
    }
  }
  memcpy(v, s->v, sizeof v);
  for (unsigned i = 0; i < (wide ? 80u : 64u); i++) {
    uint64_t a = v[0], e = v[4];
    uint64_t s1 =
        digests_rotr(e, r[9], width) ^ digests_rotr(e, r[10], width) ^ digests_rotr(e, r[11], width);
    uint64_t s0 = digests_rotr(a, r[6], width) ^ digests_rotr(a, r[7], width) ^ digests_rotr(a, r[8], width);
    uint64_t k = wide ? digests_sha2_k[i] : digests_sha2_k[i] >> 32;
    uint64_t x = v[7] + s1 + ((e & v[5]) ^ (~e & v[6])) + k + w[i];
    uint64_t y = s0 + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] = (v[4] + x) & mask;
    v[0] = (x + y) & mask;
  }
  for (unsigned i = 0; i < 8; i++) {
    s->v[i] = (s->v[i] + v[i]) & mask;
  }
}

static inline struct digests_state digests_begin(enum nm_hash h) {
  static const uint64_t start[NM_HASHES][8] = {
      {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
      {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
      {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
      {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
       0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}};
  struct digests_state s = {.h = h};
  memcpy(s.v, start[h], sizeof s.v);
  return s;
}

static inline void digests_add(struct digests_state *s, const void *p, size_t n) {
  size_t block = digests_block(s->h);
  for (size_t i = 0; i < n; i++) {
    s->block[s->n++ % block] = ((const unsigned char *)p)[i];
    if (s->n % block == 0) {
      (s->h == NM_HASH_MD5    ? digests_md5_block
       : s->h == NM_HASH_SHA1 ? digests_sha1_block
                              : digests_sha2_block)(s);
    }
  }
}

static inline void digests_end(struct digests_state *s, unsigned char *out) {
  size_t block = digests_block(s->h), word = s->h == NM_HASH_SHA512 ? 8 : 4;
  uint64_t bits = s->n * 8;
  digests_add(s, "\x80", 1);
  while (s->n % block != block - 2 * word) {
    digests_add(s, "", 1);
  }
  digests_add(s, "\0\0\0\0\0\0\0", 2 * word - 8); /* SHA-512's length has 16 octets */
  unsigned char length[8];
  for (unsigned i = 0; i < 8; i++) {
    length[i] = (unsigned char)(bits >> 8 * (s->h == NM_HASH_MD5 ? i : 7 - i));
  }
  digests_add(s, length, 8);
  for (size_t i = 0; i < nm_hash_size(s->h); i++) {
    size_t at = i % word;
    out[i] = (unsigned char)(s->v[i / word] >> 8 * (s->h == NM_HASH_MD5 ? at : word - 1 - at));
  }
}

static inline int digests_hash(enum nm_hash h, const struct nm_str *parts, size_t n, unsigned char *out) {
  struct digests_state s = digests_begin(h);
  for (size_t i = 0; i < n; i++) {
    digests_add(&s, parts[i].p, parts[i].n);
  }
  digests_end(&s, out);
  return 0;
}

static inline int digests_hmac(enum nm_hash h, struct nm_str key, const struct nm_str *parts, size_t n,
                               unsigned char *out) {
  unsigned char block[2][NM_HASH_BLOCK_MAX] = {{0}};
  size_t size = digests_block(h);
  if (key.n > size) {
    digests_hash(h, &key, 1, block[0]);
  } else if (key.n > 0) {
    memcpy(block[0], key.p, key.n);
  }
  for (size_t i = 0; i < size; i++) {
    block[1][i] = block[0][i] ^ 0x5c;
    block[0][i] ^= 0x36;
  }
  struct digests_state inner = digests_begin(h), outer = digests_begin(h);
  digests_add(&inner, block[0], size);
  for (size_t i = 0; i < n; i++) {
    digests_add(&inner, parts[i].p, parts[i].n);
  }
  digests_end(&inner, out);
  digests_add(&outer, block[1], size);
  digests_add(&outer, out, nm_hash_size(h));
  digests_end(&outer, out);
  return 0;
}

struct nm_pbkdf2 {
  enum nm_hash h;
  uint32_t left;
  size_t n_password;
  unsigned char u[NM_HASH_MAX], t[NM_HASH_MAX];
  char password[];
};

static inline int digests_pbkdf2_new(enum nm_hash h, struct nm_str password, struct nm_str salt,
                                     uint32_t iterations, struct nm_pbkdf2 **out) {
  struct nm_pbkdf2 *p = nm_zalloc(sizeof *p + password.n);
  *out = p;
  if (p == NULL) {
    return NM_ENOMEM;
  }
  p->h = h;
  p->left = iterations - 1;
  p->n_password = password.n;
  if (password.n > 0) {
    memcpy(p->password, password.p, password.n);
  }
  struct nm_str parts[2] = {salt, nm_str("\0\0\0\1", 4)};
  digests_hmac(h, password, parts, 2, p->u);
  memcpy(p->t, p->u, sizeof p->t);
  return 0;
}

static inline int digests_pbkdf2_run(struct nm_pbkdf2 *p, uint32_t rounds, unsigned char *out) {
  for (; rounds > 0 && p->left > 0; rounds--, p->left--) {
    struct nm_str u = nm_str((const char *)p->u, nm_hash_size(p->h));
    digests_hmac(p->h, nm_str(p->password, p->n_password), &u, 1, p->u);
    for (size_t i = 0; i < NM_HASH_MAX; i++) {
      p->t[i] ^= p->u[i];
    }
  }
  if (p->left > 0) {
    return NM_AGAIN;
  }
  memcpy(out, p->t, nm_hash_size(p->h));
  return 0;
}

static inline void digests_pbkdf2_free(struct nm_pbkdf2 **p) {
  nm_free(*p);
  *p = NULL;
}

static inline int digests_same(const void *a, const void *b, size_t n) {
  return memcmp(a, b, n) == 0;
}

static inline const char *digests_version(void) {
  return "plain C";
}

static const struct nm_digest_api digests = {
    .magic = NM_DIGEST_API_MAGIC,
    .version = NM_DIGEST_API_VERSION,
    .size = sizeof(struct nm_digest_api),
    .version_text = digests_version,
    .hash = digests_hash,
    .hmac = digests_hmac,
    .pbkdf2_new = digests_pbkdf2_new,
    .pbkdf2_run = digests_pbkdf2_run,
    .pbkdf2_free = digests_pbkdf2_free,
    .same = digests_same,
};

#endif
