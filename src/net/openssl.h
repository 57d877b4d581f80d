#ifndef NM_NET_OPENSSL_H
#define NM_NET_OPENSSL_H

#include <stddef.h>
#include "base/hidden.h"

/* The OpenSSL that libcurl uses, found at run time: its callbacks do what libcurl has no option for. Its headers belong to crypto/; what is declared
   here is part of its ABI since 1.1.1. */

enum {
  NM_SSL_VERSION_STRING = 6,
  NM_SSL_INDEX_OF_CTX = 1,
  NM_SSL_SET_CACHE_MODE = 44,
  NM_SSL_CACHE_OF_CLIENT = 0x001,
  NM_SSL_CACHE_IS_OURS = 0x300,
  NM_SSL_HANDSHAKE_START = 0x10,
  NM_SSL_HANDSHAKE_DONE = 0x20
};

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct x509_store_st;
struct crypto_ex_data_st;
typedef void nm_ssl_free_fn(void *, void *, struct crypto_ex_data_st *, int, long, void *);
typedef void nm_ssl_info_fn(const struct ssl_st *, int, int);
typedef int nm_ssl_new_fn(struct ssl_st *, struct ssl_session_st *);

struct nm_openssl {
  const char *(*version)(int);
  int (*new_index)(int, long, void *, void *, void *, nm_ssl_free_fn *);
  long (*ctx_ctrl)(struct ssl_ctx_st *, int, long, void *);
  void (*ctx_on_new)(struct ssl_ctx_st *, nm_ssl_new_fn *);
  void (*ctx_on_info)(struct ssl_ctx_st *, nm_ssl_info_fn *);
  int (*ctx_set)(struct ssl_ctx_st *, int, void *);
  void *(*ctx_get)(const struct ssl_ctx_st *, int);
  struct x509_store_st *(*ctx_store)(const struct ssl_ctx_st *);
  void (*ctx_set_store)(struct ssl_ctx_st *, struct x509_store_st *); /* takes it */
  struct ssl_ctx_st *(*ctx_of)(const struct ssl_st *);
  struct ssl_session_st *(*session_of)(const struct ssl_st *);
  int (*set_session)(struct ssl_st *, struct ssl_session_st *);
  int (*is_reused)(const struct ssl_st *);
  struct ssl_session_st *(*session_copy)(const struct ssl_session_st *);
  void (*session_free)(struct ssl_session_st *);
  int (*store_ref)(struct x509_store_st *);
  void (*store_free)(struct x509_store_st *);
};

NM_HIDDEN_BEGIN

/* What libcurl, or a library that it needs, calls by this name; NULL: there is none. */
const void *nm_curl_symbol(const char *name);
/* NULL: libcurl's TLS is no OpenSSL, or one that cannot be reached. Always the same. */
const struct nm_openssl *nm_openssl(void);

NM_HIDDEN_END

#endif
