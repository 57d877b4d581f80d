#ifndef NM_BASE_DIGEST_H
#define NM_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include "base/hidden.h"
#include "base/str.h"

/* Digests as a table of functions: who needs one is handed the table, so that only netmail.crypto knows OpenSSL and it is loaded at
   first need. The table goes through the Lua registry; nothing allocated on one side is freed by the other. */
#define NM_DIGEST_API_KEY "netmail.crypto.digest"
#define NM_DIGEST_API_MAGIC 0x6e6d6472u
#define NM_DIGEST_API_VERSION 1u

enum nm_hash { NM_HASH_MD5, NM_HASH_SHA1, NM_HASH_SHA256, NM_HASH_SHA512 };
#define NM_HASHES 4

/* Octets of the longest digest, and of the longest block (RFC 2104's B). */
#define NM_HASH_MAX 64
#define NM_HASH_BLOCK_MAX 128

struct nm_pbkdf2; /* a derivation under way */

struct nm_digest_api {
  uint32_t magic;
  uint32_t version;
  uint32_t size;
  const char *(*version_text)(void);
  /* The digest of the n parts one after the other: nm_hash_size octets. NM_EINVAL when the library has not that hash (MD5 in FIPS
     mode), NM_ENOMEM. */
  int (*hash)(enum nm_hash h, const struct nm_str *parts, size_t n, unsigned char *out);
  /* HMAC, RFC 2104, of the parts; as hash. */
  int (*hmac)(enum nm_hash h, struct nm_str key, const struct nm_str *parts, size_t n, unsigned char *out);
  /* PBKDF2 with HMAC (RFC 8018 5.2), one block as long as the digest: RFC 5802's Hi(). iterations > 0. In slices, because a
     server decides how long it takes. *out is the caller's to free. NM_EINVAL, NM_ENOMEM as hash. */
  int (*pbkdf2_new)(enum nm_hash h, struct nm_str password, struct nm_str salt, uint32_t iterations,
                    struct nm_pbkdf2 **out);
  /* At most so many rounds more. 0: done, out is filled; NM_AGAIN: call again; NM_ENOMEM: failed for good. */
  int (*pbkdf2_run)(struct nm_pbkdf2 *p, uint32_t rounds, unsigned char *out);
  /* Overwrites and frees; leaves NULL. */
  void (*pbkdf2_free)(struct nm_pbkdf2 **p);
  /* 1 when the n octets are the same, in a time that depends on n only. */
  int (*same)(const void *a, const void *b, size_t n);
};

static inline size_t nm_hash_size(enum nm_hash h) {
  static const unsigned char sizes[NM_HASHES] = {16, 20, 32, 64};
  return sizes[h];
}

/* What a table from another shared object must be. */
static inline int nm_digest_api_fits(const struct nm_digest_api *api) {
  return api != NULL && api->magic == NM_DIGEST_API_MAGIC && api->version == NM_DIGEST_API_VERSION &&
         api->size == sizeof *api;
}

#endif
