#include "support/ctest.h"

#include "base/alloc.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "support/digests.h"

#define D (nm_crypto_digest_api())

static int is_hex(const unsigned char *p, size_t n, const char *hex) {
  char text[2 * NM_HASH_MAX + 1] = "";
  for (size_t i = 0; i < n; i++) {
    snprintf(text + 2 * i, 3, "%02x", p[i]);
  }
  return strcmp(text, hex) == 0;
}

/* RFC 1321 A.5, RFC 6234 8.5 */
static const struct {
  enum nm_hash h;
  const char *text;
  const char *hex;
} hashes[] = {
    {NM_HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {NM_HASH_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {NM_HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {NM_HASH_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {NM_HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {NM_HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {NM_HASH_SHA512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d442"
     "3643ce80e2"
     "a9ac94fa54ca49f"},
};

static void hashes_as_the_rfcs_say(void) {
  for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
    unsigned char out[NM_HASH_MAX];
    size_t n = nm_hash_size(hashes[i].h), len = strlen(hashes[i].text);
    for (size_t cut = 0; cut <= len; cut++) {
      struct nm_str parts[3] = {nm_str(hashes[i].text, cut), nm_str(NULL, 0),
                                nm_str(hashes[i].text + cut, len - cut)};
      CHECK_ROW(D->hash(hashes[i].h, parts, 3, out) == 0 && is_hex(out, n, hashes[i].hex), hashes[i].text);
      CHECK_ROW(digests.hash(hashes[i].h, parts, 3, out) == 0 && is_hex(out, n, hashes[i].hex),
                hashes[i].text);
    }
  }
}

/* RFC 2202 2 and 3, RFC 4231 4.3 and 4.7 (a key longer than a block) */
static void hmacs_as_the_rfcs_say(void) {
  static const struct {
    enum nm_hash h;
    const char *hex;
  } jefe[] = {
      {NM_HASH_MD5, "750c783e6ab0b503eaa86e310a5db738"},
      {NM_HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {NM_HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {NM_HASH_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034"
                       "f65f8f0e6fdcaeab1a34d4a6b4b"
                       "636e070a38bce737"},
  };
  unsigned char out[NM_HASH_MAX];
  for (size_t i = 0; i < sizeof jefe / sizeof jefe[0]; i++) {
    struct nm_str text = NM_STR("what do ya want for nothing?");
    CHECK(D->hmac(jefe[i].h, NM_STR("Jefe"), &text, 1, out) == 0);
    CHECK_ROW(is_hex(out, nm_hash_size(jefe[i].h), jefe[i].hex), jefe[i].hex);
  }
  char key[131];
  memset(key, 0xaa, sizeof key);
  struct nm_str text = NM_STR("Test Using Larger Than Block-Size Key - Hash Key First");
  CHECK(D->hmac(NM_HASH_SHA256, nm_str(key, sizeof key), &text, 1, out) == 0);
  CHECK(is_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

static int derive(const struct nm_digest_api *d, enum nm_hash h, const char *password, const char *salt,
                  uint32_t iterations, uint32_t slice, unsigned char *out) {
  struct nm_pbkdf2 *p = NULL;
  int calls = 0, err = d->pbkdf2_new(h, nm_str_c(password), nm_str_c(salt), iterations, &p);
  while (err == 0 && (err = d->pbkdf2_run(p, slice, out)) == NM_AGAIN) {
    err = 0;
    calls++;
  }
  CHECK(slice == 0 || calls <= (int)(iterations / slice));
  d->pbkdf2_free(&p);
  CHECK(p == NULL);
  d->pbkdf2_free(&p);
  return err;
}

/* RFC 6070 2; RFC 7914 11 */
static void derives_as_the_rfcs_say(void) {
  static const struct {
    enum nm_hash h;
    const char *password, *salt;
    uint32_t iterations;
    const char *hex;
  } rows[] = {
      {NM_HASH_SHA1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
      {NM_HASH_SHA1, "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
      {NM_HASH_SHA1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
      {NM_HASH_SHA256, "passwd", "salt", 1,
       "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static const uint32_t slices[] = {1, 7, 4096, 100000};
    for (size_t k = 0; k < 4; k++) {
      unsigned char out[NM_HASH_MAX];
      int err = derive(D, rows[i].h, rows[i].password, rows[i].salt, rows[i].iterations, slices[k], out);
      CHECK_ROW(err == 0 && is_hex(out, nm_hash_size(rows[i].h), rows[i].hex), rows[i].hex);
    }
  }
  struct nm_pbkdf2 *p = NULL;
  CHECK(D->pbkdf2_new(NM_HASH_SHA1, NM_STR("x"), NM_STR("y"), 0, &p) == NM_EINVAL && p == NULL);
}

/* Messages and keys of every length around a block, by both. */
static void agrees_with_plain_c(void) {
  char text[300];
  for (size_t i = 0; i < sizeof text; i++) {
    text[i] = (char)(i * 7 + 1);
  }
  for (int h = 0; h < NM_HASHES; h++) {
    size_t n = nm_hash_size((enum nm_hash)h);
    unsigned char a[NM_HASH_MAX], b[NM_HASH_MAX];
    for (size_t len = 0; len < sizeof text; len++) {
      struct nm_str part = nm_str(text, len), key = nm_str(text + 300 - len, len);
      CHECK(D->hash((enum nm_hash)h, &part, 1, a) == 0 && digests.hash((enum nm_hash)h, &part, 1, b) == 0);
      CHECK(memcmp(a, b, n) == 0);
      CHECK(D->hmac((enum nm_hash)h, key, &part, 1, a) == 0 &&
            digests.hmac((enum nm_hash)h, key, &part, 1, b) == 0);
      CHECK(memcmp(a, b, n) == 0);
    }
    for (uint32_t i = 1; i < 40; i++) {
      CHECK(derive(D, (enum nm_hash)h, "pencil", "salty", i, 5, a) == 0);
      CHECK(derive(&digests, (enum nm_hash)h, "pencil", "salty", i, 3, b) == 0);
      CHECK(memcmp(a, b, n) == 0);
    }
  }
}

static void compares(void) {
  CHECK(D->same("abc", "abc", 3) && !D->same("abc", "abd", 3) && D->same("abc", "abd", 2) &&
        D->same(NULL, NULL, 0));
}

static void has_a_version_of_its_own(void) {
  char why[NM_CRYPTO_WHY_MAX] = "";
  CHECK(nm_digest_api_fits(D) && nm_digest_api_fits(&digests) && !nm_digest_api_fits(NULL));
  struct nm_digest_api other = *D;
  other.version++;
  CHECK(!nm_digest_api_fits(&other));
  CHECK(nm_crypto_check(why, sizeof why) == 0 && why[0] == '\0');
  CHECK(strncmp(D->version_text(), "OpenSSL ", 8) == 0);
}

static void refuses_an_unknown_hash(void) {
  unsigned char out[NM_HASH_MAX];
  struct nm_pbkdf2 *p = NULL;
  struct nm_str none = NM_STR("");
  enum nm_hash h = (enum nm_hash)NM_HASHES;
  CHECK(D->hash(h, &none, 1, out) == NM_EINVAL && D->hmac(h, none, &none, 1, out) == NM_EINVAL);
  CHECK(D->pbkdf2_new(h, none, none, 1, &p) == NM_EINVAL && p == NULL);
}

static void survives_a_failed_allocation(void) {
  long live = nm_test_alloc_live();
  struct nm_pbkdf2 *p = NULL;
  nm_test_alloc_fail_at(1);
  CHECK(D->pbkdf2_new(NM_HASH_SHA1, NM_STR("x"), NM_STR("y"), 9, &p) == NM_ENOMEM && p == NULL);
  nm_test_alloc_fail_at(0);
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(hashes_as_the_rfcs_say);
  RUN(hmacs_as_the_rfcs_say);
  RUN(derives_as_the_rfcs_say);
  RUN(agrees_with_plain_c);
  RUN(compares);
  RUN(has_a_version_of_its_own);
  RUN(refuses_an_unknown_hash);
  RUN(survives_a_failed_allocation);
  return ctest_end();
}
