#include "net/openssl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include "net/conn.h"

#define FOUND_AT(name, member)                                                                               \
  { name, offsetof(struct nm_openssl, member) }

static const struct {
  const char *name;
  size_t at;
} functions[] = {FOUND_AT("OpenSSL_version", version),
                 FOUND_AT("CRYPTO_get_ex_new_index", new_index),
                 FOUND_AT("SSL_CTX_ctrl", ctx_ctrl),
                 FOUND_AT("SSL_CTX_sess_set_new_cb", ctx_on_new),
                 FOUND_AT("SSL_CTX_set_info_callback", ctx_on_info),
                 FOUND_AT("SSL_CTX_set_ex_data", ctx_set),
                 FOUND_AT("SSL_CTX_get_ex_data", ctx_get),
                 FOUND_AT("SSL_CTX_get_cert_store", ctx_store),
                 FOUND_AT("SSL_CTX_set_cert_store", ctx_set_store),
                 FOUND_AT("SSL_get_SSL_CTX", ctx_of),
                 FOUND_AT("SSL_get_session", session_of),
                 FOUND_AT("SSL_set_session", set_session),
                 FOUND_AT("SSL_session_reused", is_reused),
                 FOUND_AT("SSL_SESSION_dup", session_copy),
                 FOUND_AT("SSL_SESSION_free", session_free),
                 FOUND_AT("X509_STORE_up_ref", store_ref),
                 FOUND_AT("X509_STORE_free", store_free)};

/* Written once, before anybody reads it. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct nm_openssl lib;
static int is_found;

const void *nm_curl_symbol(const char *name) {
  Dl_info where;
  if (dladdr((const void *)(uintptr_t)curl_easy_init, &where) == 0 || where.dli_fname == NULL) {
    return NULL;
  }
  void *curl = dlopen(where.dli_fname, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
  if (curl == NULL) {
    return NULL;
  }
  const void *found = dlsym(curl, name);
  dlclose(curl);
  return found;
}

/* libcurl may have an OpenSSL built in, and a second one among the libraries it needs: then the functions that are found are the wrong
   ones. They are taken only if they are of the version that libcurl names: "OpenSSL/3.0.19", others in parentheses. */
static int is_libcurls(const char *version) {
  const char *said = nm_curl_info()->ssl_version;
  const char *p = said != NULL ? strstr(said, "OpenSSL/") : NULL;
  size_t n = strlen(version);
  if (p == NULL || (p > said && p[-1] != ' ')) {
    return 0;
  }
  p += strlen("OpenSSL/");
  return strncmp(p, version, n) == 0 && (p[n] == '\0' || p[n] == ' ');
}

static void find(void) {
  struct nm_openssl found;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    const void *f = nm_curl_symbol(functions[i].name);
    if (f == NULL) {
      return;
    }
    memcpy((char *)&found + functions[i].at, &f, sizeof f);
  }
  if (is_libcurls(found.version(NM_SSL_VERSION_STRING))) {
    lib = found;
    is_found = 1;
  }
}

const struct nm_openssl *nm_openssl(void) {
  (void)pthread_once(&once, find);
  return is_found ? &lib : NULL;
}
