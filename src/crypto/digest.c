#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"

#if !defined(OPENSSL_VERSION_MAJOR) || OPENSSL_VERSION_MAJOR < 3
#  error "netmail.crypto needs the headers of OpenSSL 3.0 or newer"
#endif

/* HMAC is two digests with a block of key before each (RFC 2104 2). They are kept as contexts that have digested that block and
   are copied for each message: that is what makes PBKDF2 fast here (0.28 microseconds a round with SHA-256, EVP_MAC takes 0.36 and
   PKCS5_PBKDF2_HMAC 0.45), and a slice of it can be a function call. EVP_MAC_init without a key, which would do the same,
   does not begin anew in the first releases of OpenSSL 3.0. */
struct keyed {
  EVP_MD *md;
  EVP_MD_CTX *inner;
  EVP_MD_CTX *outer;
  EVP_MD_CTX *work;
};

struct nm_pbkdf2 {
  struct keyed key;
  size_t n;
  uint32_t left;
  int is_broken;
  unsigned char u[NM_HASH_MAX]; /* U_i of RFC 8018 5.2 */
  unsigned char t[NM_HASH_MAX]; /* U_1 xor ... xor U_i */
};

static const char *const names[NM_HASHES] = {"MD5", "SHA1", "SHA256", "SHA512"};
static const size_t block_sizes[NM_HASHES] = {64, 64, 64, 128};

/* ---- one digest ---- */

static int add_parts(EVP_MD_CTX *c, const struct nm_str *parts, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (parts[i].n > 0 && EVP_DigestUpdate(c, parts[i].p, parts[i].n) != 1) {
      return NM_ENOMEM;
    }
  }
  return 0;
}

static int hash_with(EVP_MD *md, const struct nm_str *parts, size_t n, unsigned char *out) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  int err = c != NULL && EVP_DigestInit_ex(c, md, NULL) == 1 ? add_parts(c, parts, n) : NM_ENOMEM;
  if (err == 0 && EVP_DigestFinal_ex(c, out, NULL) != 1) {
    err = NM_ENOMEM;
  }
  EVP_MD_CTX_free(c);
  return err;
}

/* OpenSSL's list of errors is the thread's, and TLS looks into it: what went wrong here is taken off it again. */
static EVP_MD *fetch(enum nm_hash h) {
  (void)ERR_set_mark();
  EVP_MD *md = (size_t)h < NM_HASHES ? EVP_MD_fetch(NULL, names[h], NULL) : NULL;
  (void)ERR_pop_to_mark();
  return md;
}

static int hash(enum nm_hash h, const struct nm_str *parts, size_t n, unsigned char *out) {
  EVP_MD *md = fetch(h);
  int err = md != NULL ? hash_with(md, parts, n, out) : NM_EINVAL;
  EVP_MD_free(md);
  return err;
}

/* ---- HMAC ---- */

static void keyed_free(struct keyed *k) {
  EVP_MD_CTX_free(k->inner);
  EVP_MD_CTX_free(k->outer);
  EVP_MD_CTX_free(k->work);
  EVP_MD_free(k->md);
  *k = (struct keyed){0};
}

static int begin_padded(EVP_MD_CTX *c, EVP_MD *md, const unsigned char *key, size_t n, unsigned char pad) {
  unsigned char block[NM_HASH_BLOCK_MAX];
  for (size_t i = 0; i < n; i++) {
    block[i] = key[i] ^ pad;
  }
  int ok = EVP_DigestInit_ex(c, md, NULL) == 1 && EVP_DigestUpdate(c, block, n) == 1;
  nm_wipe(block, sizeof block);
  return ok ? 0 : NM_ENOMEM;
}

/* K, filled with zeros to a block; H(K) when it is longer. */
static int keyed_begin(struct keyed *k, enum nm_hash h, struct nm_str key) {
  unsigned char block[NM_HASH_BLOCK_MAX] = {0};
  *k = (struct keyed){.md = fetch(h)};
  if (k->md == NULL) {
    return NM_EINVAL;
  }
  k->inner = EVP_MD_CTX_new();
  k->outer = EVP_MD_CTX_new();
  k->work = EVP_MD_CTX_new();
  int err = k->inner != NULL && k->outer != NULL && k->work != NULL ? 0 : NM_ENOMEM;
  if (err == 0 && key.n > block_sizes[h]) {
    err = hash_with(k->md, &key, 1, block);
  } else if (err == 0 && key.n > 0) {
    memcpy(block, key.p, key.n);
  }
  err = err != 0 ? err : begin_padded(k->inner, k->md, block, block_sizes[h], 0x36);
  err = err != 0 ? err : begin_padded(k->outer, k->md, block, block_sizes[h], 0x5c);
  nm_wipe(block, sizeof block);
  if (err != 0) {
    keyed_free(k);
  }
  return err;
}

static int keyed_run(struct keyed *k, const struct nm_str *parts, size_t n, unsigned char *out) {
  unsigned size = 0;
  if (EVP_MD_CTX_copy_ex(k->work, k->inner) != 1 || add_parts(k->work, parts, n) != 0 ||
      EVP_DigestFinal_ex(k->work, out, &size) != 1 || EVP_MD_CTX_copy_ex(k->work, k->outer) != 1 ||
      EVP_DigestUpdate(k->work, out, size) != 1 || EVP_DigestFinal_ex(k->work, out, NULL) != 1) {
    return NM_ENOMEM;
  }
  return 0;
}

static int hmac(enum nm_hash h, struct nm_str key, const struct nm_str *parts, size_t n, unsigned char *out) {
  struct keyed k;
  int err = keyed_begin(&k, h, key);
  if (err == 0) {
    err = keyed_run(&k, parts, n, out);
    keyed_free(&k);
  }
  return err;
}

/* ---- PBKDF2 ---- */

static void pbkdf2_free(struct nm_pbkdf2 **p) {
  if (*p != NULL) {
    keyed_free(&(*p)->key);
    nm_wipe(*p, sizeof **p);
    nm_free(*p);
    *p = NULL;
  }
}

/* U_1 = PRF (P, S || INT (1)) */
static int first_round(struct nm_pbkdf2 *p, struct nm_str salt) {
  struct nm_str parts[2] = {salt, nm_str("\0\0\0\1", 4)};
  int err = keyed_run(&p->key, parts, 2, p->u);
  memcpy(p->t, p->u, sizeof p->t);
  p->left--;
  return err;
}

static int pbkdf2_new(enum nm_hash h, struct nm_str password, struct nm_str salt, uint32_t iterations,
                      struct nm_pbkdf2 **out) {
  *out = NULL;
  struct nm_pbkdf2 *p = iterations > 0 ? nm_zalloc(sizeof *p) : NULL;
  if (p == NULL) {
    return iterations > 0 ? NM_ENOMEM : NM_EINVAL;
  }
  int err = keyed_begin(&p->key, h, password);
  if (err == 0) {
    p->n = nm_hash_size(h);
    p->left = iterations;
    err = first_round(p, salt);
  }
  if (err != 0) {
    pbkdf2_free(&p);
  }
  *out = p;
  return err;
}

static int pbkdf2_run(struct nm_pbkdf2 *p, uint32_t rounds, unsigned char *out) {
  while (rounds > 0 && p->left > 0 && !p->is_broken) {
    struct nm_str u = nm_str((const char *)p->u, p->n);
    p->is_broken = keyed_run(&p->key, &u, 1, p->u) != 0;
    for (size_t i = 0; i < p->n; i++) {
      p->t[i] ^= p->u[i];
    }
    rounds--;
    p->left--;
  }
  if (p->is_broken) {
    return NM_ENOMEM;
  }
  if (p->left > 0) {
    return NM_AGAIN;
  }
  memcpy(out, p->t, p->n);
  return 0;
}

/* ---- the table ---- */

static int same(const void *a, const void *b, size_t n) {
  return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

static const char *version_text(void) {
  return OpenSSL_version(OPENSSL_VERSION);
}

const struct nm_digest_api *nm_crypto_digest_api(void) {
  static const struct nm_digest_api table = {
      .magic = NM_DIGEST_API_MAGIC,
      .version = NM_DIGEST_API_VERSION,
      .size = sizeof(struct nm_digest_api),
      .version_text = version_text,
      .hash = hash,
      .hmac = hmac,
      .pbkdf2_new = pbkdf2_new,
      .pbkdf2_run = pbkdf2_run,
      .pbkdf2_free = pbkdf2_free,
      .same = same,
  };
  return &table;
}

/* OpenSSL keeps its interface within a major version, and takes no program that was built with newer headers. */
int nm_crypto_check(char *why, size_t n) {
  unsigned long found = OpenSSL_version_num(), built = OPENSSL_VERSION_NUMBER;
  if (found >> 28 == built >> 28 && found >> 20 >= built >> 20) { /* MNN00PP0: major, minor, patch */
    return 0;
  }
  (void)snprintf(why, n, "%s was found, netmail was built with the headers of %d.%d; build it again",
                 OpenSSL_version(OPENSSL_VERSION), OPENSSL_VERSION_MAJOR, OPENSSL_VERSION_MINOR);
  return NM_EINVAL;
}
