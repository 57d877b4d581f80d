/* Both ends of a TLS connection in memory: what the client binds to is what the server's own OpenSSL says of the connection. */

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/digest.h"
#include "crypto/binding.h"
#include "support/ctest.h"

#define MARK ((const void *)(uintptr_t)SSL_export_keying_material)

struct line {
  SSL *client, *server;
};

/* ---- certificates ---- */

enum key { RSA_KEY, RSA_PSS_KEY, P256_KEY, ED25519_KEY };

/* Nobody attacks it, and valgrind takes a minute for a few of 2048 bits. */
#define RSA_BITS 1024

/* One of each kind for all connections. */
static EVP_PKEY *keys[ED25519_KEY + 1];

static void make_keys(void) {
  keys[RSA_KEY] = keys[RSA_PSS_KEY] = EVP_RSA_gen(RSA_BITS);
  keys[P256_KEY] = EVP_EC_gen("P-256");
  keys[ED25519_KEY] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  CHECK(keys[RSA_KEY] != NULL && keys[P256_KEY] != NULL && keys[ED25519_KEY] != NULL);
}

static void free_keys(void) {
  EVP_PKEY_free(keys[RSA_KEY]);
  EVP_PKEY_free(keys[P256_KEY]);
  EVP_PKEY_free(keys[ED25519_KEY]);
}

static int sign(X509 *x, EVP_PKEY *pkey, enum key k, const EVP_MD *md) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_PKEY_CTX *pctx = NULL;
  int ok = EVP_DigestSignInit(ctx, &pctx, k == ED25519_KEY ? NULL : md, NULL, pkey) == 1;
  ok = ok && (k != RSA_PSS_KEY || EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);
  ok = ok && X509_sign_ctx(x, ctx) > 0;
  EVP_MD_CTX_free(ctx);
  return ok;
}

static X509 *make_certificate(EVP_PKEY *pkey, enum key k, const EVP_MD *md) {
  X509 *x = X509_new();
  X509_NAME *name = X509_get_subject_name(x);
  CHECK(X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1);
  CHECK(X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL);
  CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0) ==
        1);
  CHECK(X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, pkey) == 1 && sign(x, pkey, k, md));
  return x;
}

/* ---- a connection ---- */

struct setup {
  const char *name;
  int version;
  uint64_t options; /* of the client */
  enum key key;
  const char *hash; /* of the certificate's signature */
  const char *type; /* what is bound to; NULL: nothing */
  const char *end_point_hash;
};

static SSL_CTX *client_ctx(const struct setup *s) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(ctx, 0); /* SHA-1 and MD5 too */
  (void)SSL_CTX_set_min_proto_version(ctx, s->version);
  (void)SSL_CTX_set_max_proto_version(ctx, s->version);
  (void)SSL_CTX_set_options(ctx, s->options);
  return ctx;
}

static SSL_CTX *server_ctx(const struct setup *s) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  EVP_PKEY *pkey = keys[s->key];
  X509 *x = make_certificate(pkey, s->key, EVP_get_digestbyname(s->hash));
  SSL_CTX_set_security_level(ctx, 0);
  CHECK_ROW(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, pkey) == 1, s->name);
  (void)SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"spec", 4);
  X509_free(x);
  return ctx;
}

static struct line connect_line(SSL_CTX *client, SSL_CTX *server, SSL_SESSION *session) {
  struct line l = {SSL_new(client), SSL_new(server)};
  BIO *a = NULL, *b = NULL;
  CHECK(BIO_new_bio_pair(&a, 0, &b, 0) == 1);
  SSL_set_bio(l.client, a, a);
  SSL_set_bio(l.server, b, b);
  SSL_set_connect_state(l.client);
  SSL_set_accept_state(l.server);
  if (session != NULL) {
    CHECK(SSL_set_session(l.client, session) == 1);
  }
  for (int i = 0; i < 20; i++) {
    (void)SSL_do_handshake(l.client);
    (void)SSL_do_handshake(l.server);
  }
  return l;
}

/* What was said reaches the other end: a ticket comes with the first bytes. */
static void exchange(const struct line *l) {
  char c = 'x';
  CHECK(SSL_write(l->server, &c, 1) == 1 && SSL_read(l->client, &c, 1) == 1 && c == 'x');
}

static void line_free(struct line *l) {
  SSL_free(l->client);
  SSL_free(l->server);
}

/* ---- the other opinion ---- */

static size_t of_server(SSL *server, const struct setup *s, unsigned char *out) {
  unsigned n = 0;
  if (strcmp(s->type, "tls-exporter") == 0) {
    CHECK(SSL_export_keying_material(server, out, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0) == 1);
    return 32;
  }
  if (strcmp(s->type, "tls-unique") ==
      0) { /* the first Finished: the client's, or the server's in a resumed handshake */
    return SSL_session_reused(server) ? SSL_get_finished(server, out, NM_BINDING_MAX)
                                      : SSL_get_peer_finished(server, out, NM_BINDING_MAX);
  }
  CHECK(X509_digest(SSL_get_certificate(server), EVP_get_digestbyname(s->end_point_hash), out, &n) == 1);
  return n;
}

static void check_line(const struct line *l, const struct setup *s) {
  const struct nm_binding_api *api = nm_crypto_binding_api();
  struct nm_binding b, again;
  unsigned char other[NM_BINDING_MAX] = {0};
  CHECK_ROW(SSL_is_init_finished(l->client) && SSL_is_init_finished(l->server), s->name);
  memset(&b, 1, sizeof b);
  int err = api->get(l->client, MARK, &b);
  if (s->type == NULL) {
    CHECK_ROW(err == NM_EINVAL && b.type == NULL && b.n == 0, s->name);
    return;
  }
  CHECK_ROW(err == 0 && b.type != NULL && strcmp(b.type, s->type) == 0, s->name);
  size_t n = of_server(l->server, s, other);
  CHECK_ROW(n > 0 && b.n == n && memcmp(b.octets, other, n) == 0, s->name);
  CHECK(api->get(l->client, MARK, &again) == 0 && memcmp(&b, &again, sizeof b) == 0);
}

static const struct setup setups[] = {
    {"1.3", TLS1_3_VERSION, 0, P256_KEY, "SHA256", "tls-exporter", NULL},
    {"1.3 Ed25519", TLS1_3_VERSION, 0, ED25519_KEY, "SHA256", "tls-exporter", NULL},
    {"1.2", TLS1_2_VERSION, 0, P256_KEY, "SHA256", "tls-unique", NULL},
    {"1.2 RSA", TLS1_2_VERSION, 0, RSA_KEY, "SHA256", "tls-unique", NULL},
    {"1.2 without EMS", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, P256_KEY, "SHA256",
     "tls-server-end-point", "SHA256"},
    {"SHA-384", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, P256_KEY, "SHA384", "tls-server-end-point",
     "SHA384"},
    {"SHA-512", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, RSA_KEY, "SHA512", "tls-server-end-point",
     "SHA512"},
    {"SHA-1", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, RSA_KEY, "SHA1", "tls-server-end-point",
     "SHA256"},
    {"MD5", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, RSA_KEY, "MD5", "tls-server-end-point",
     "SHA256"},
    {"no hash of its own", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, ED25519_KEY, "SHA256", NULL,
     NULL},
};

static void binds_to_what_the_server_sees(void) {
  for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
    SSL_CTX *client = client_ctx(&setups[i]), *server = server_ctx(&setups[i]);
    struct line l = connect_line(client, server, NULL);
    check_line(&l, &setups[i]);
    line_free(&l);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
  }
}

static void binds_to_a_resumed_session(void) {
  for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
    SSL_CTX *client = client_ctx(&setups[i]), *server = server_ctx(&setups[i]);
    struct line first = connect_line(client, server, NULL);
    exchange(&first);
    SSL_SESSION *session = SSL_get1_session(first.client);
    struct line l = connect_line(client, server, session);
    CHECK_ROW(SSL_session_reused(l.client), setups[i].name);
    check_line(&l, &setups[i]);
    struct nm_binding a = {0}, b = {0};
    if (setups[i].type != NULL &&
        setups[i].end_point_hash == NULL) { /* another connection, another binding */
      CHECK(nm_crypto_binding_api()->get(first.client, MARK, &a) == 0 &&
            nm_crypto_binding_api()->get(l.client, MARK, &b) == 0);
      CHECK_ROW(a.n != b.n || memcmp(a.octets, b.octets, a.n) != 0, setups[i].name);
    }
    SSL_SESSION_free(session);
    line_free(&l);
    line_free(&first);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
  }
}

/* An RSA-PSS signature names its hash elsewhere; what is not sure is not bound to. */
static void does_not_guess_a_hash(void) {
  static const struct setup pss = {
      "RSA-PSS", TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET, RSA_PSS_KEY, "SHA256", NULL, NULL};
  SSL_CTX *client = client_ctx(&pss), *server = server_ctx(&pss);
  struct line l = connect_line(client, server, NULL);
  check_line(&l, &pss);
  line_free(&l);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

static int stranger;

static void refuses_another_openssls_connection(void) {
  struct nm_binding b;
  SSL_CTX *client = client_ctx(&setups[0]), *server = server_ctx(&setups[0]);
  struct line l = connect_line(client, server, NULL);
  const void *marks[] = {NULL, &stranger, (const void *)(uintptr_t)SSL_new};
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    memset(&b, 1, sizeof b);
    CHECK(nm_crypto_binding_api()->get(l.client, marks[i], &b) == NM_EINVAL && b.type == NULL && b.n == 0);
    CHECK(nm_crypto_binding_api()->get(&stranger, marks[i], &b) == NM_EINVAL); /* not looked at */
  }
  line_free(&l);
  SSL *early = SSL_new(client); /* no handshake yet */
  CHECK(nm_crypto_binding_api()->get(early, MARK, &b) == NM_EINVAL && b.n == 0);
  SSL_free(early);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
}

static void table_is_checked(void) {
  struct nm_binding_api wrong = *nm_crypto_binding_api();
  CHECK(nm_binding_api_fits(&wrong) && !nm_binding_api_fits(NULL));
  wrong.version++;
  CHECK(!nm_binding_api_fits(&wrong));
  wrong = *nm_crypto_binding_api();
  wrong.size--;
  CHECK(!nm_binding_api_fits(&wrong));
  wrong = *nm_crypto_binding_api();
  wrong.magic = NM_DIGEST_API_MAGIC;
  CHECK(!nm_binding_api_fits(&wrong));
}

int main(void) {
  make_keys();
  RUN(binds_to_what_the_server_sees);
  RUN(binds_to_a_resumed_session);
  RUN(does_not_guess_a_hash);
  RUN(refuses_another_openssls_connection);
  RUN(table_is_checked);
  free_keys();
  return ctest_end();
}
