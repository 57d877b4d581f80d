#include "crypto/binding.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"

/* RFC 9266 2: the exporter with this label, an empty context, 32 octets. */
#define EXPORTER_OCTETS 32
static const char label[] = "EXPORTER-Channel-Binding";

static int take_exporter(SSL *ssl, struct nm_binding *out) {
  out->type = "tls-exporter";
  out->n = EXPORTER_OCTETS;
  return SSL_export_keying_material(ssl, out->octets, out->n, label, sizeof label - 1, NULL, 0, 1) == 1
             ? 0
             : NM_EINVAL;
}

/* RFC 5929 3: the first Finished message of the latest handshake: ours, but the server's when a session was taken up again. */
static int take_unique(SSL *ssl, struct nm_binding *out) {
  out->type = "tls-unique";
  out->n = SSL_session_reused(ssl) ? SSL_get_peer_finished(ssl, out->octets, sizeof out->octets)
                                   : SSL_get_finished(ssl, out->octets, sizeof out->octets);
  return out->n > 0 && out->n <= sizeof out->octets ? 0 : NM_EINVAL;
}

/* RFC 5929 4.1: the certificate under the hash of its signature, SHA-256 in the place of MD5 and SHA-1. */
static int take_end_point(SSL *ssl, struct nm_binding *out) {
  X509 *certificate = SSL_get1_peer_certificate(ssl);
  int hash = NID_undef;
  unsigned n = 0;
  if (certificate == NULL) {
    return NM_EINVAL;
  }
  (void)OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, NULL);
  const EVP_MD *md = hash == NID_md5 || hash == NID_sha1
                         ? EVP_sha256()
                         : EVP_get_digestbynid(hash); /* NULL: EdDSA has none */
  int is_done = md != NULL && X509_digest(certificate, md, out->octets, &n) == 1;
  X509_free(certificate);
  out->type = "tls-server-end-point";
  out->n = n;
  return is_done ? 0 : NM_EINVAL;
}

/* RFC 9266 3 for TLS 1.3. Below, tls-unique is what RFC 5802 6.1 has everybody know; without the extended master secret (RFC 7627)
   it can be the same on two connections, and the certificate is the better thing to bind to. */
static int get(void *object, const void *mark, struct nm_binding *out) {
  SSL *ssl = object;
  *out = (struct nm_binding){0};
  if (mark != (const void *)(uintptr_t)SSL_export_keying_material) {
    return NM_EINVAL;
  }
  int err = SSL_version(ssl) >= TLS1_3_VERSION ? take_exporter(ssl, out)
            : SSL_get_extms_support(ssl) == 1  ? take_unique(ssl, out)
                                               : take_end_point(ssl, out);
  if (err != 0) {
    *out = (struct nm_binding){0};
  }
  return err;
}

static const struct nm_binding_api table = {.magic = NM_BINDING_API_MAGIC,
                                            .version = NM_BINDING_API_VERSION,
                                            .size = sizeof(struct nm_binding_api),
                                            .get = get};

const struct nm_binding_api *nm_crypto_binding_api(void) {
  return &table;
}
