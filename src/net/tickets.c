#include "net/tickets.h"

#include <pthread.h>
#include <string.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/conn.h"
#include "net/stamp.h"

/* Servers that a client comes back to; one that goes to the MX of each recipient comes back to few. */
#define TICKETS_MAX 32
/* Host and four paths of PATH_MAX. */
#define PLACE_MAX 20000
/* So often the certificates are looked at anew, however many tickets the server gives: they may have run out meanwhile. */
#define VERIFIED_FOR_MS (60 * 60 * 1000)

struct nm_ticket {
  unsigned refs; /* the list's, the dials' and those of libcurl's SSL_CTXs */
  struct nm_ticket *next;
  struct nm_buf place;
  struct ssl_session_st *session; /* NULL: none */
  int64_t verified;               /* when its certificates were */
};

/* ---- OpenSSL ---- */

/* From its headers, which belong to crypto/; part of its ABI since 1.1.1. */
enum {
  VERSION_STRING = 6,
  INDEX_OF_SSL_CTX = 1,
  SET_CACHE_MODE = 44,
  CACHE_OF_CLIENT = 0x001,
  CACHE_IS_OURS = 0x300,
  HANDSHAKE_START = 0x10
};

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct crypto_ex_data_st;
typedef void on_free_fn(void *, void *, struct crypto_ex_data_st *, int, long, void *);
typedef void on_info_fn(const struct ssl_st *, int, int);
typedef int on_new_fn(struct ssl_st *, struct ssl_session_st *);

/* The functions of the very OpenSSL that libcurl uses. */
struct openssl {
  const char *(*version)(int);
  int (*new_index)(int, long, void *, void *, void *, on_free_fn *);
  long (*ctx_ctrl)(struct ssl_ctx_st *, int, long, void *);
  void (*ctx_on_new)(struct ssl_ctx_st *, on_new_fn *);
  void (*ctx_on_info)(struct ssl_ctx_st *, on_info_fn *);
  int (*ctx_set)(struct ssl_ctx_st *, int, void *);
  void *(*ctx_get)(const struct ssl_ctx_st *, int);
  struct ssl_ctx_st *(*ctx_of)(const struct ssl_st *);
  struct ssl_session_st *(*session_of)(const struct ssl_st *);
  int (*set_session)(struct ssl_st *, struct ssl_session_st *);
  int (*is_reused)(const struct ssl_st *);
  struct ssl_session_st *(*copy)(const struct ssl_session_st *);
  void (*free)(struct ssl_session_st *);
};

static const struct {
  const char *name;
  size_t at;
} functions[] = {{"OpenSSL_version", offsetof(struct openssl, version)},
                 {"CRYPTO_get_ex_new_index", offsetof(struct openssl, new_index)},
                 {"SSL_CTX_ctrl", offsetof(struct openssl, ctx_ctrl)},
                 {"SSL_CTX_sess_set_new_cb", offsetof(struct openssl, ctx_on_new)},
                 {"SSL_CTX_set_info_callback", offsetof(struct openssl, ctx_on_info)},
                 {"SSL_CTX_set_ex_data", offsetof(struct openssl, ctx_set)},
                 {"SSL_CTX_get_ex_data", offsetof(struct openssl, ctx_get)},
                 {"SSL_get_SSL_CTX", offsetof(struct openssl, ctx_of)},
                 {"SSL_get_session", offsetof(struct openssl, session_of)},
                 {"SSL_set_session", offsetof(struct openssl, set_session)},
                 {"SSL_session_reused", offsetof(struct openssl, is_reused)},
                 {"SSL_SESSION_dup", offsetof(struct openssl, copy)},
                 {"SSL_SESSION_free", offsetof(struct openssl, free)}};

/* Written once, before anybody reads it: OpenSSL gives out an index for the whole process, and its callbacks come with nothing of ours. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct openssl lib;
static int index_of_ours = -1;

static void let_go(struct nm_ticket *t) {
  if (--t->refs == 0) {
    nm_ticket_forget(t);
    nm_buf_free(&t->place);
    nm_free(t);
  }
}

/* An SSL_CTX ends; newer versions of libcurl keep one after its connection was closed, until the other side has closed too. */
static void on_free(void *ctx, void *ours, struct crypto_ex_data_st *data, int i, long number,
                    void *argument) {
  (void)ctx;
  (void)data;
  (void)i;
  (void)number;
  (void)argument;
  if (ours != NULL) {
    let_go(ours);
  }
}

/* libcurl may have an OpenSSL built in, and a second one among the libraries it needs: then the functions that are found are the wrong
   ones. They are taken only if they are of the version that libcurl names: "OpenSSL/3.0.19", others in parentheses. */
static int is_libcurls(const char *version) {
  const char *said = curl_version_info(CURLVERSION_NOW)->ssl_version;
  const char *p = said != NULL ? strstr(said, "OpenSSL/") : NULL;
  size_t n = strlen(version);
  if (p == NULL || (p > said && p[-1] != ' ')) {
    return 0;
  }
  p += strlen("OpenSSL/");
  return strncmp(p, version, n) == 0 && (p[n] == '\0' || p[n] == ' ');
}

static void find_openssl(void) {
  struct openssl found;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    const void *f = nm_net_symbol(functions[i].name);
    if (f == NULL) {
      return;
    }
    memcpy((char *)&found + functions[i].at, &f, sizeof f);
  }
  if (is_libcurls(found.version(VERSION_STRING))) {
    lib = found;
    index_of_ours = found.new_index(INDEX_OF_SSL_CTX, 0, NULL, NULL, NULL, on_free);
  }
}

int nm_tickets_can(void) {
  (void)pthread_once(&once, find_openssl);
  return index_of_ours >= 0;
}

/* ---- what OpenSSL calls ---- */

static struct nm_ticket *ticket_of(const struct ssl_st *ssl) {
  return lib.ctx_get(lib.ctx_of(ssl), index_of_ours);
}

/* The first moment at which there is an SSL, and the last before it says what it knows. A copy goes: OpenSSL spoils a session that was taken
   up in TLS 1.3, and one whose connection was closed without a word. */
static void on_info(const struct ssl_st *ssl, int where, int value) {
  struct nm_ticket *t = ticket_of(ssl);
  (void)value;
  if ((where & HANDSHAKE_START) == 0 || t == NULL || lib.session_of(ssl) != NULL) {
    return;
  }
  if (nm_clock_ms() - t->verified > VERIFIED_FOR_MS) {
    nm_ticket_forget(t);
  }
  struct ssl_session_st *copy = t->session != NULL ? lib.copy(t->session) : NULL;
  if (copy != NULL) {
    (void)lib.set_session((struct ssl_st *)(uintptr_t)ssl, copy);
    lib.free(copy);
  }
}

/* The server has given a session: in TLS 1.3 with the first bytes after the handshake. 0: OpenSSL's own stays OpenSSL's. */
static int on_new(struct ssl_st *ssl, struct ssl_session_st *session) {
  struct nm_ticket *t = ticket_of(ssl);
  struct ssl_session_st *copy = t != NULL ? lib.copy(session) : NULL;
  if (copy == NULL) {
    return 0;
  }
  nm_ticket_forget(t);
  t->session = copy;
  if (!lib.is_reused(ssl)) {
    t->verified = nm_clock_ms();
  }
  return 0;
}

/* CURLOPT_SSL_CTX_FUNCTION: called before there is an SSL. */
static CURLcode on_ctx(CURL *easy, void *ctx, void *owner) {
  struct nm_ticket *t = owner;
  (void)easy;
  if (lib.ctx_get(ctx, index_of_ours) == NULL && lib.ctx_set(ctx, index_of_ours, t) == 1) {
    t->refs++;
  }
  (void)lib.ctx_ctrl(ctx, SET_CACHE_MODE, CACHE_OF_CLIENT | CACHE_IS_OURS, NULL);
  lib.ctx_on_new(ctx, on_new);
  lib.ctx_on_info(ctx, on_info);
  return CURLE_OK;
}

CURLcode nm_ticket_use(struct nm_ticket *t, CURL *easy) {
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ctx);
  return rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
}

void nm_ticket_forget(struct nm_ticket *t) {
  if (t->session != NULL) {
    lib.free(t->session);
    t->session = NULL;
  }
}

void nm_ticket_unref(struct nm_ticket **pt) {
  struct nm_ticket *t = *pt;
  *pt = NULL;
  if (t != NULL) {
    let_go(t);
  }
}

/* ---- the list ---- */

static void add_text(struct nm_buf *b, const char *s) {
  nm_buf_add_byte(b, s != NULL);
  nm_buf_add(b, s != NULL ? s : "", s != NULL ? strlen(s) + 1 : 0);
}

static void add_file(struct nm_buf *b, const char *path) {
  struct nm_stamp stamp = nm_stamp_of(path);
  add_text(b, path);
  nm_buf_add(b, (const char *)&stamp, sizeof stamp);
}

static int place_of(const struct nm_dial *d, const char *ca_file, const char *ca_path, struct nm_buf *b) {
  add_text(b, d->host);
  nm_buf_addf(b, "%d %d", d->port, (int)d->tls);
  add_file(b, ca_file);
  add_file(b, ca_path);
  add_file(b, d->cert_file);
  add_file(b, d->key_file);
  return b->err;
}

/* Where the one for place is pointed to from, or the end of the list. */
static struct nm_ticket **search(struct nm_tickets *t, const struct nm_buf *place, unsigned *n_out) {
  struct nm_ticket **at = &t->first;
  for (*n_out = 0; *at != NULL && !nm_str_eq(nm_buf_str(&(*at)->place), nm_buf_str(place)); ++*n_out) {
    at = &(*at)->next;
  }
  return at;
}

static void drop_last(struct nm_tickets *t) {
  struct nm_ticket **at = &t->first;
  while ((*at)->next != NULL) {
    at = &(*at)->next;
  }
  nm_ticket_unref(at);
}

struct nm_ticket *nm_tickets_find(struct nm_tickets *t, const struct nm_dial *d, const char *ca_file,
                                  const char *ca_path) {
  struct nm_buf place = {.max = PLACE_MAX};
  unsigned n;
  if (place_of(d, ca_file, ca_path, &place) != 0) {
    nm_buf_free(&place);
    return NULL;
  }
  struct nm_ticket **at = search(t, &place, &n), *found = *at;
  if (found != NULL) {
    *at = found->next;
    nm_buf_free(&place);
  } else {
    found = nm_zalloc(sizeof *found);
    if (found == NULL) {
      nm_buf_free(&place);
      return NULL;
    }
    found->refs = 1;
    found->place = place;
    if (n == TICKETS_MAX) {
      drop_last(t);
    }
  }
  found->next = t->first;
  t->first = found;
  found->refs++;
  return found;
}

void nm_tickets_free(struct nm_tickets *t) {
  while (t->first != NULL) {
    struct nm_ticket *first = t->first;
    t->first = first->next;
    let_go(first);
  }
}
