#include "crypto/tls_cert.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/error.h"

#define PEM_MAX 16384
#define DAY (24L * 60 * 60)

struct wish {
  const char *name;  /* common name */
  const char *names; /* subjectAltName; NULL: none */
  const char *usage;
  long from; /* seconds from now */
  long to;
  int is_ca;
};

#define LOOPBACK "DNS:localhost,IP:127.0.0.1,IP:::1"

static const struct wish ca_wish = {"netmail test CA", NULL, "critical,keyCertSign,cRLSign", -DAY,
                                    30 * DAY,          1};
static const struct wish client_wish = {NM_TLS_CLIENT_NAME, NULL, "clientAuth", -DAY, 30 * DAY, 0};
static const struct wish wishes[NM_TLS_CERTS] = {
    [NM_TLS_CERT_GOOD] = {"localhost", LOOPBACK, "serverAuth", -DAY, 30 * DAY, 0},
    [NM_TLS_CERT_EXPIRED] = {"localhost", LOOPBACK, "serverAuth", -30 * DAY, -DAY, 0},
    [NM_TLS_CERT_WRONG_NAME] = {"wrong.example.test", "DNS:wrong.example.test", "serverAuth", -DAY, 30 * DAY,
                                0},
    [NM_TLS_CERT_SELF_SIGNED] = {"localhost", LOOPBACK, "serverAuth", -DAY, 30 * DAY, 0},
};

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  int ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

/* RFC 5280 4.1.2.2: positive, at most 20 octets; random, so that no program takes two of them for one. */
static int set_serial(X509 *cert) {
  unsigned char octets[8];
  if (RAND_bytes(octets, sizeof octets) != 1) {
    return 0;
  }
  int64_t serial = 1;
  for (size_t i = 0; i < sizeof octets - 1; i++) {
    serial = serial << 8 | octets[i];
  }
  return ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), serial) == 1;
}

static int set_subject(X509 *cert, const struct wish *w) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)w->name, -1, -1, 0) == 1;
}

static int add_extensions(X509 *cert, X509 *issuer, const struct wish *w) {
  return add_extension(cert, issuer, NID_basic_constraints,
                       w->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(cert, issuer, NID_authority_key_identifier, "keyid:always") &&
         add_extension(cert, issuer, w->is_ca ? NID_key_usage : NID_ext_key_usage, w->usage) &&
         (w->names == NULL || add_extension(cert, issuer, NID_subject_alt_name, w->names));
}

/* issuer NULL: by itself. */
static X509 *make(const struct wish *w, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
  X509 *cert = X509_new();
  if (cert == NULL) {
    return NULL;
  }
  X509 *by = issuer != NULL ? issuer : cert;
  int ok = X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_subject(cert, w) &&
           X509_set_issuer_name(cert, X509_get_subject_name(by)) == 1 && X509_set_pubkey(cert, key) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), w->from) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), w->to) != NULL && add_extensions(cert, by, w) &&
           X509_sign(cert, issuer_key, EVP_sha256()) > 0;
  if (!ok) {
    X509_free(cert);
    return NULL;
  }
  return cert;
}

static int add_pem(struct nm_buf *out, X509 *cert, EVP_PKEY *key) {
  BIO *memory = BIO_new(BIO_s_mem());
  char *p = NULL;
  int ok = memory != NULL && PEM_write_bio_X509(memory, cert) == 1 &&
           (key == NULL || PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1);
  long n = ok ? BIO_get_mem_data(memory, &p) : 0;
  if (n > 0) {
    nm_buf_add(out, p, (size_t)n);
  }
  BIO_free(memory);
  return n > 0 && out->err == 0;
}

void nm_tls_keys_free(struct nm_tls_keys *k) {
  EVP_PKEY_free(k->ca_key);
  EVP_PKEY_free(k->key);
  X509_free(k->ca);
  X509_free(k->client);
  for (size_t i = 0; i < NM_TLS_CERTS; i++) {
    X509_free(k->certs[i]);
  }
  nm_buf_free(&k->ca_pem);
  nm_buf_free(&k->client_pem);
  *k = (struct nm_tls_keys){0};
}

int nm_tls_keys_make(struct nm_tls_keys *k) {
  *k = (struct nm_tls_keys){.ca_pem.max = PEM_MAX, .client_pem.max = PEM_MAX};
  k->ca_key = EVP_EC_gen("P-256");
  k->key = EVP_EC_gen("P-256");
  int ok = k->ca_key != NULL && k->key != NULL;
  k->ca = ok ? make(&ca_wish, k->ca_key, NULL, k->ca_key) : NULL;
  ok = k->ca != NULL;
  k->client = ok ? make(&client_wish, k->key, k->ca, k->ca_key) : NULL;
  ok = k->client != NULL;
  for (size_t i = 0; i < NM_TLS_CERTS && ok; i++) {
    int alone = i == NM_TLS_CERT_SELF_SIGNED;
    k->certs[i] = make(&wishes[i], k->key, alone ? NULL : k->ca, alone ? k->key : k->ca_key);
    ok = k->certs[i] != NULL;
  }
  ok = ok && add_pem(&k->ca_pem, k->ca, NULL) && add_pem(&k->client_pem, k->client, k->key);
  if (!ok) {
    nm_tls_keys_free(k);
    return NM_ENOMEM;
  }
  return 0;
}
