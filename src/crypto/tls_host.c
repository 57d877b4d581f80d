#include "crypto/tls_host.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "crypto/tls_cert.h"

struct nm_tls_host {
  struct nm_tls_keys keys;
  SSL_CTX *context;
};

struct nm_tls_end {
  SSL *ssl;
  BIO *from_line; /* both are ssl's */
  BIO *to_line;
  X509 *cert; /* the host's */
  int is_broken;
  char why[160];
};

/* ---- the host ---- */

static void host_free(struct nm_tls_host **host) {
  if (*host != NULL) {
    SSL_CTX_free((*host)->context);
    nm_tls_keys_free(&(*host)->keys);
    nm_free(*host);
    *host = NULL;
  }
}

/* A client's certificate is looked at when somebody logs in by it; a wrong one is no reason to refuse the line. */
static int take_any(int ok, X509_STORE_CTX *store) {
  (void)ok;
  (void)store;
  return 1;
}

static SSL_CTX *new_context(const struct nm_tls_keys *keys, int version_max, int asks) {
  SSL_CTX *c = SSL_CTX_new(TLS_server_method());
  if (c == NULL) {
    return NULL;
  }
  int max = version_max == 12 ? TLS1_2_VERSION : version_max == 13 ? TLS1_3_VERSION : 0;
  int ok = SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(c, max) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(c), keys->ca) == 1 &&
           (!asks || SSL_CTX_add_client_CA(c, keys->ca) == 1);
  /* A session that is taken up again has no certificate to be checked: a spec could not change it. */
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  /* A server does not send its CA along. */
  (void)SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  ok = ok && SSL_CTX_set_num_tickets(c, 0) == 1;
  if (asks) {
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, take_any);
  }
  if (!ok) {
    SSL_CTX_free(c);
    return NULL;
  }
  return c;
}

static int host_new(int version_max, int asks, struct nm_tls_host **out, struct nm_error *e) {
  (void)ERR_set_mark();
  struct nm_tls_host *h = *out = nm_zalloc(sizeof *h);
  int err = h != NULL ? nm_tls_keys_make(&h->keys) : NM_ENOMEM;
  if (err == 0) {
    h->context = new_context(&h->keys, version_max, asks);
  }
  if (err != 0 || h->context == NULL) {
    host_free(out);
    err = nm_error_set(e, NM_ENOMEM, NM_KIND_TLS, "OpenSSL cannot make a key and a certificate");
  }
  (void)ERR_pop_to_mark();
  return err;
}

static struct nm_str ca(const struct nm_tls_host *host) {
  return nm_buf_str(&host->keys.ca_pem);
}

static struct nm_str client(const struct nm_tls_host *host) {
  return nm_buf_str(&host->keys.client_pem);
}

/* ---- one end ---- */

static void end_free(struct nm_tls_end **end) {
  if (*end != NULL) {
    SSL_free((*end)->ssl); /* and the BIOs */
    nm_free(*end);
    *end = NULL;
  }
}

/* ssl takes the two BIOs over. */
static int give_bios(struct nm_tls_end *t) {
  t->from_line = BIO_new(BIO_s_mem());
  t->to_line = BIO_new(BIO_s_mem());
  if (t->from_line == NULL || t->to_line == NULL) {
    BIO_free(t->from_line);
    BIO_free(t->to_line);
    return 0;
  }
  BIO_set_mem_eof_return(t->from_line, -1);
  BIO_set_mem_eof_return(t->to_line, -1);
  SSL_set_bio(t->ssl, t->from_line, t->to_line);
  return 1;
}

static int end_new(struct nm_tls_host *host, enum nm_tls_certificate certificate, struct nm_tls_end **out) {
  struct nm_tls_end *t = *out = nm_zalloc(sizeof *t);
  if (t == NULL) {
    return NM_ENOMEM;
  }
  t->cert = host->keys.certs[certificate];
  t->ssl = SSL_new(host->context);
  if (t->ssl == NULL || !give_bios(t) || SSL_use_certificate(t->ssl, t->cert) != 1 ||
      SSL_use_PrivateKey(t->ssl, host->keys.key) != 1) {
    ERR_clear_error();
    end_free(out);
    return NM_ENOMEM;
  }
  SSL_set_accept_state(t->ssl);
  return 0;
}

static int feed(struct nm_tls_end *t, const char *p, size_t n) {
  size_t written = 0;
  return n == 0 || (BIO_write_ex(t->from_line, p, n, &written) == 1 && written == n) ? 0 : NM_ENOMEM;
}

static void note_why(struct nm_tls_end *t) {
  unsigned long code = ERR_peek_error();
  const char *reason = ERR_reason_error_string(code);
  (void)snprintf(t->why, sizeof t->why, "%s", reason != NULL ? reason : "TLS failed");
  t->is_broken = 1;
}

static int read_some(struct nm_tls_end *t, char *p, size_t cap, size_t *n_out) {
  *n_out = 0;
  if (t->is_broken) {
    return NM_EPROTO;
  }
  ERR_clear_error();
  int rc = SSL_read_ex(t->ssl, p, cap, n_out);
  if (rc == 1) {
    return 0;
  }
  int reason = SSL_get_error(t->ssl, rc);
  int err = reason == SSL_ERROR_ZERO_RETURN ? NM_EIO : reason == SSL_ERROR_WANT_READ ? NM_AGAIN : NM_EPROTO;
  if (err == NM_EPROTO) {
    note_why(t);
  }
  ERR_clear_error();
  return err;
}

/* A BIO in memory takes everything, so that nothing is left over. */
static int write_all(struct nm_tls_end *t, const char *p, size_t n) {
  size_t written = 0;
  ERR_clear_error();
  if (t->is_broken || SSL_write_ex(t->ssl, p, n, &written) != 1 || written != n) {
    t->is_broken = 1;
    ERR_clear_error();
    return NM_EPROTO;
  }
  return 0;
}

static size_t take(struct nm_tls_end *t, char *p, size_t cap) {
  size_t n = 0;
  return BIO_read_ex(t->to_line, p, cap, &n) == 1 ? n : 0;
}

/* After a fatal error nothing may be said (SSL_shutdown(3)). */
static void goodbye(struct nm_tls_end *t) {
  if (!t->is_broken && SSL_is_init_finished(t->ssl)) {
    (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
  }
}

static int is_up(const struct nm_tls_end *t) {
  return SSL_is_init_finished(t->ssl);
}

static const char *version(const struct nm_tls_end *t) {
  return SSL_get_version(t->ssl);
}

static const char *why(const struct nm_tls_end *t) {
  return t->why;
}

static int client_name(const struct nm_tls_end *t, struct nm_buf *out) {
  X509 *cert = SSL_get0_peer_certificate(t->ssl);
  if (cert == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK) {
    return 0;
  }
  char name[256];
  int n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
  if (n <= 0) {
    return 0;
  }
  nm_buf_add(out, name, (size_t)n);
  return out->err == 0;
}

/* ---- channel binding ---- */

/* RFC 9266 4.1: EKM with this label and an empty context, 32 octets. Below TLS 1.3 it needs an extended master secret. */
static size_t exporter(SSL *ssl, unsigned char *out) {
  static const char label[] = "EXPORTER-Channel-Binding";
  int is_safe = SSL_version(ssl) >= TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;
  return is_safe && SSL_export_keying_material(ssl, out, 32, label, sizeof label - 1,
                                               (const unsigned char *)"", 0, 1) == 1
             ? 32
             : 0;
}

/* RFC 5929 3.1: the first Finished, which is the client's where no session is taken up again; not defined for TLS 1.3. */
static size_t unique(SSL *ssl, unsigned char *out, size_t cap) {
  return SSL_version(ssl) >= TLS1_3_VERSION ? 0 : SSL_get_peer_finished(ssl, out, cap);
}

static int binding(const struct nm_tls_end *t, struct nm_str type, struct nm_buf *out) {
  unsigned char octets[EVP_MAX_MD_SIZE];
  size_t n = 0;
  unsigned size = 0;
  if (nm_str_eq(type, NM_STR("tls-exporter"))) {
    n = exporter(t->ssl, octets);
  } else if (nm_str_eq(type, NM_STR("tls-unique"))) {
    n = unique(t->ssl, octets, sizeof octets);
  } else if (nm_str_eq(type, NM_STR("tls-server-end-point")) &&
             X509_digest(t->cert, EVP_sha256(), octets, &size) ==
                 1) { /* RFC 5929 4.1: the signature's hash */
    n = size;
  }
  ERR_clear_error();
  if (n == 0 || n > sizeof octets) {
    return NM_EINVAL;
  }
  nm_buf_add(out, (const char *)octets, n);
  return out->err;
}

const struct nm_tls_host_api *nm_crypto_tls_host_api(void) {
  static const struct nm_tls_host_api table = {
      .host_new = host_new,
      .host_free = host_free,
      .ca = ca,
      .client = client,
      .end_new = end_new,
      .end_free = end_free,
      .feed = feed,
      .read = read_some,
      .write = write_all,
      .take = take,
      .goodbye = goodbye,
      .is_up = is_up,
      .version = version,
      .why = why,
      .client_name = client_name,
      .binding = binding,
  };
  return &table;
}
