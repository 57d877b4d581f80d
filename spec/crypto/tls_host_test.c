/* A server's end of TLS against OpenSSL's client, back to back in memory. */

#include "crypto/tls_host.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/alloc.h"
#include "support/ctest.h"

struct pair {
  struct nm_tls_host *host;
  struct nm_tls_end *end;
  SSL_CTX *context;
  SSL *client;
  BIO *to_client;
  BIO *from_client;
  size_t piece; /* octets that go over the line at once */
};

static const struct nm_tls_host_api *api;

static X509 *read_cert(struct nm_str pem) {
  BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
  X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
  BIO_free(b);
  return cert;
}

static EVP_PKEY *read_key(struct nm_str pem) {
  BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
  BIO_free(b);
  return key;
}

static int open_host(struct pair *p, int version, int asks) {
  struct nm_error e = {0};
  *p = (struct pair){.piece = 100000};
  return api->host_new(version, asks, &p->host, &e);
}

static void open_line(struct pair *p, enum nm_tls_certificate certificate, const char *name, int shows) {
  X509 *ca = read_cert(api->ca(p->host));
  CHECK(api->end_new(p->host, certificate, &p->end) == 0);
  p->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(p->context, SSL_VERIFY_PEER, NULL);
  CHECK(ca != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(p->context), ca) == 1);
  X509_free(ca);
  p->client = SSL_new(p->context);
  p->to_client = BIO_new(BIO_s_mem());
  p->from_client = BIO_new(BIO_s_mem());
  SSL_set_bio(p->client, p->to_client, p->from_client);
  CHECK(name[0] == '1' ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(p->client), name) == 1
                       : SSL_set1_host(p->client, name) == 1);
  if (shows) {
    X509 *cert = read_cert(api->client(p->host));
    EVP_PKEY *key = read_key(api->client(p->host));
    CHECK(SSL_use_certificate(p->client, cert) == 1 && SSL_use_PrivateKey(p->client, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  SSL_set_connect_state(p->client);
}

static void close_line(struct pair *p) {
  SSL_free(p->client);
  SSL_CTX_free(p->context);
  api->end_free(&p->end);
  api->end_free(&p->end);
  p->client = NULL;
  p->context = NULL;
}

/* What each has for the other goes over. */
static void carry(struct pair *p) {
  char octets[20000];
  size_t n;
  size_t piece = p->piece < sizeof octets ? p->piece : sizeof octets;
  while (BIO_read_ex(p->from_client, octets, piece, &n) == 1 && n > 0) {
    CHECK(api->feed(p->end, octets, n) == 0);
    if (p->piece == 1) {
      char nothing[1];
      size_t none;
      (void)api->read(p->end, nothing, 1, &none);
    }
  }
  while ((n = api->take(p->end, octets, piece)) > 0) {
    CHECK(BIO_write_ex(p->to_client, octets, n, &n) == 1);
  }
}

/* 0: both are up. */
static int shake(struct pair *p) {
  char octet;
  size_t n;
  int err = NM_AGAIN;
  for (int i = 0; i < 10 && err == NM_AGAIN; i++) {
    int rc = SSL_do_handshake(p->client);
    carry(p);
    err = api->read(p->end, &octet, 1, &n);
    carry(p);
    if (rc == 1 && api->is_up(p->end)) {
      ERR_clear_error();
      return 0;
    }
  }
  ERR_clear_error();
  return err;
}

/* ---- */

static const struct {
  enum nm_tls_certificate certificate;
  const char *name;
  long verify;
} rows[] = {
    {NM_TLS_CERT_GOOD, "localhost", X509_V_OK},
    {NM_TLS_CERT_GOOD, "127.0.0.1", X509_V_OK},
    {NM_TLS_CERT_GOOD, "mail.example.test", X509_V_ERR_HOSTNAME_MISMATCH},
    {NM_TLS_CERT_EXPIRED, "localhost", X509_V_ERR_CERT_HAS_EXPIRED},
    {NM_TLS_CERT_WRONG_NAME, "localhost", X509_V_ERR_HOSTNAME_MISMATCH},
    {NM_TLS_CERT_WRONG_NAME, "127.0.0.1", X509_V_ERR_IP_ADDRESS_MISMATCH},
    {NM_TLS_CERT_SELF_SIGNED, "localhost", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
};

static void shows_the_certificate_that_is_asked_for(void) {
  for (int version = 12; version <= 13; version++) {
    struct pair p;
    CHECK(open_host(&p, version, 0) == 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      for (size_t piece = 1; piece <= 100000; piece *= 1000) {
        p.piece = piece;
        open_line(&p, rows[i].certificate, rows[i].name, 0);
        int err = shake(&p);
        CHECK_ROW(SSL_get_verify_result(p.client) == rows[i].verify, rows[i].name);
        CHECK_ROW(err == (rows[i].verify == X509_V_OK ? 0 : NM_EPROTO), rows[i].name);
        CHECK_ROW((api->why(p.end)[0] != '\0') == (err != 0), api->why(p.end));
        CHECK(err != 0 || strcmp(api->version(p.end), version == 12 ? "TLSv1.2" : "TLSv1.3") == 0);
        close_line(&p);
      }
    }
    api->host_free(&p.host);
    api->host_free(&p.host);
  }
}

static void carries_octets_and_says_goodbye(void) {
  struct pair p;
  static char much[50000], got[50000];
  memset(much, 'x', sizeof much);
  CHECK(open_host(&p, 0, 0) == 0);
  open_line(&p, NM_TLS_CERT_GOOD, "localhost", 0);
  CHECK(shake(&p) == 0);
  size_t n, sum = 0;
  CHECK(SSL_write_ex(p.client, "EHLO x\r\n", 8, &n) == 1);
  carry(&p);
  CHECK(api->read(p.end, got, sizeof got, &n) == 0 && n == 8 && memcmp(got, "EHLO x\r\n", 8) == 0);
  CHECK(api->read(p.end, got, sizeof got, &n) == NM_AGAIN && n == 0);
  CHECK(api->write(p.end, much, sizeof much) == 0);
  carry(&p);
  while (sum < sizeof much && SSL_read_ex(p.client, got + sum, sizeof got - sum, &n) == 1) {
    sum += n;
  }
  CHECK(sum == sizeof much && memcmp(much, got, sum) == 0);
  api->goodbye(p.end);
  carry(&p);
  CHECK(SSL_read_ex(p.client, got, 1, &n) == 0 && SSL_get_error(p.client, 0) == SSL_ERROR_ZERO_RETURN);
  CHECK(SSL_shutdown(p.client) == 1);
  carry(&p);
  CHECK(api->read(p.end, got, 1, &n) == NM_EIO);
  close_line(&p);
  api->host_free(&p.host);
}

static void takes_no_nonsense(void) {
  struct pair p;
  char got[16];
  size_t n;
  CHECK(open_host(&p, 0, 0) == 0);
  open_line(&p, NM_TLS_CERT_GOOD, "localhost", 0);
  CHECK(api->feed(p.end, "MAIL FROM:<a@x>\r\n", 17) == 0);
  CHECK(api->read(p.end, got, sizeof got, &n) == NM_EPROTO && api->why(p.end)[0] != '\0');
  CHECK(api->read(p.end, got, sizeof got, &n) == NM_EPROTO && api->write(p.end, "x", 1) == NM_EPROTO);
  CHECK(ERR_peek_error() == 0);
  close_line(&p);
  api->host_free(&p.host);
}

static void knows_the_client_by_its_certificate(void) {
  for (int shows = 0; shows < 2; shows++) {
    struct pair p;
    struct nm_buf name = {.max = 100};
    CHECK(open_host(&p, 0, 1) == 0);
    open_line(&p, NM_TLS_CERT_GOOD, "localhost", shows);
    CHECK(shake(&p) == 0);
    CHECK(api->client_name(p.end, &name) == shows);
    CHECK(nm_str_eq(nm_buf_str(&name), shows ? NM_STR("client@example.test") : NM_STR("")));
    nm_buf_free(&name);
    close_line(&p);
    /* another host's client is nobody here */
    struct pair other;
    CHECK(open_host(&other, 0, 1) == 0);
    struct nm_tls_host *mine = p.host;
    open_line(&p, NM_TLS_CERT_GOOD, "localhost", 0);
    X509 *cert = read_cert(api->client(other.host));
    EVP_PKEY *key = read_key(api->client(other.host));
    CHECK(SSL_use_certificate(p.client, cert) == 1 && SSL_use_PrivateKey(p.client, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    CHECK(shake(&p) == 0 && api->client_name(p.end, &name) == 0 && p.host == mine);
    close_line(&p);
    api->host_free(&other.host);
    api->host_free(&p.host);
  }
}

/* RFC 9266 and RFC 5929, as the client's OpenSSL has them. */
static void binds_to_the_line(void) {
  for (int version = 12; version <= 13; version++) {
    struct pair p;
    unsigned char octets[64];
    struct nm_buf b = {.max = 100};
    CHECK(open_host(&p, version, 0) == 0);
    open_line(&p, NM_TLS_CERT_GOOD, "localhost", 0);
    CHECK(shake(&p) == 0);
    CHECK(SSL_export_keying_material(p.client, octets, 32, "EXPORTER-Channel-Binding", 24,
                                     (const unsigned char *)"", 0, 1) == 1);
    CHECK(api->binding(p.end, NM_STR("tls-exporter"), &b) == 0 && b.n == 32 && memcmp(b.p, octets, 32) == 0);
    nm_buf_reset(&b);
    size_t n = SSL_get_finished(p.client, octets, sizeof octets);
    int err = api->binding(p.end, NM_STR("tls-unique"), &b);
    CHECK(version == 12 ? err == 0 && b.n == n && memcmp(b.p, octets, n) == 0 : err == NM_EINVAL && b.n == 0);
    nm_buf_reset(&b);
    unsigned size = 0;
    X509 *cert = SSL_get1_peer_certificate(p.client);
    CHECK(X509_digest(cert, EVP_sha256(), octets, &size) == 1);
    X509_free(cert);
    CHECK(api->binding(p.end, NM_STR("tls-server-end-point"), &b) == 0 && b.n == size &&
          memcmp(b.p, octets, size) == 0);
    CHECK(api->binding(p.end, NM_STR("tls-other"), &b) == NM_EINVAL);
    nm_buf_free(&b);
    close_line(&p);
    api->host_free(&p.host);
  }
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct pair p;
    nm_test_alloc_fail_at(n);
    int err = open_host(&p, 0, 0);
    err = err != 0 ? err : api->end_new(p.host, NM_TLS_CERT_GOOD, &p.end);
    nm_test_alloc_fail_at(0);
    api->end_free(&p.end);
    api->host_free(&p.host);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 3);
      break;
    }
    CHECK(err == NM_ENOMEM);
  }
}

int main(void) {
  api = nm_crypto_tls_host_api();
  RUN(shows_the_certificate_that_is_asked_for);
  RUN(carries_octets_and_says_goodbye);
  RUN(takes_no_nonsense);
  RUN(knows_the_client_by_its_certificate);
  RUN(binds_to_the_line);
  RUN(survives_failed_allocations);
  return ctest_end();
}
