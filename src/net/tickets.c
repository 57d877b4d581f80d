#include "net/tickets.h"

#include <pthread.h>
#include <string.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/cas.h"
#include "net/conn.h"
#include "net/openssl.h"
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
  struct nm_cas *cas;             /* what is verified by; NULL: libcurl has it loaded each time */
  struct ssl_session_st *session; /* NULL: none */
  int64_t verified;               /* when its certificates were */
};

/* Written once, before anybody reads it: OpenSSL gives out an index for the whole process, and its callbacks come with nothing of ours. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct nm_openssl *lib;
static int index_of_ours = -1;

static void let_go(struct nm_ticket *t) {
  if (--t->refs == 0) {
    nm_ticket_forget(t);
    nm_cas_unref(&t->cas);
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

static void take_index(void) {
  lib = nm_openssl();
  index_of_ours = lib != NULL ? lib->new_index(NM_SSL_INDEX_OF_CTX, 0, NULL, NULL, NULL, on_free) : -1;
}

int nm_tickets_can(void) {
  (void)pthread_once(&once, take_index);
  return index_of_ours >= 0;
}

/* ---- what OpenSSL calls ---- */

static struct nm_ticket *ticket_of(const struct ssl_st *ssl) {
  return lib->ctx_get(lib->ctx_of(ssl), index_of_ours);
}

/* The start is the first moment at which there is an SSL, and the last before it says what it knows. A copy goes: OpenSSL spoils a session that was taken
   up in TLS 1.3, and one whose connection was closed without a word. */
static void on_info(const struct ssl_st *ssl, int where, int value) {
  struct nm_ticket *t = ticket_of(ssl);
  (void)value;
  if (t == NULL) {
    return;
  }
  if ((where & NM_SSL_HANDSHAKE_DONE) != 0 && t->cas != NULL) {
    nm_cas_keep(t->cas, lib, lib->ctx_of(ssl));
  }
  if ((where & NM_SSL_HANDSHAKE_START) == 0 || lib->session_of(ssl) != NULL) {
    return;
  }
  if (nm_clock_ms() - t->verified > VERIFIED_FOR_MS) {
    nm_ticket_forget(t);
  }
  struct ssl_session_st *copy = t->session != NULL ? lib->session_copy(t->session) : NULL;
  if (copy != NULL) {
    (void)lib->set_session((struct ssl_st *)(uintptr_t)ssl, copy);
    lib->session_free(copy);
  }
}

/* The server has given a session: in TLS 1.3 with the first bytes after the handshake. 0: OpenSSL's own stays OpenSSL's. */
static int on_new(struct ssl_st *ssl, struct ssl_session_st *session) {
  struct nm_ticket *t = ticket_of(ssl);
  struct ssl_session_st *copy = t != NULL ? lib->session_copy(session) : NULL;
  if (copy == NULL) {
    return 0;
  }
  nm_ticket_forget(t);
  t->session = copy;
  if (!lib->is_reused(ssl)) {
    t->verified = nm_clock_ms();
  }
  return 0;
}

/* CURLOPT_SSL_CTX_FUNCTION: called before there is an SSL. */
static CURLcode on_ctx(CURL *easy, void *ctx, void *owner) {
  struct nm_ticket *t = owner;
  (void)easy;
  if (lib->ctx_get(ctx, index_of_ours) == NULL && lib->ctx_set(ctx, index_of_ours, t) == 1) {
    t->refs++;
  }
  (void)lib->ctx_ctrl(ctx, NM_SSL_SET_CACHE_MODE, NM_SSL_CACHE_OF_CLIENT | NM_SSL_CACHE_IS_OURS, NULL);
  lib->ctx_on_new(ctx, on_new);
  lib->ctx_on_info(ctx, on_info);
  if (t->cas != NULL) {
    nm_cas_use(t->cas, ctx);
  }
  return CURLE_OK;
}

CURLcode nm_ticket_use(struct nm_ticket *t, CURL *easy) {
  CURLcode rc = curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ctx);
  return rc != CURLE_OK ? rc : curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
}

void nm_ticket_forget(struct nm_ticket *t) {
  if (t->session != NULL) {
    lib->session_free(t->session);
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

static struct nm_stamp add_file(struct nm_buf *b, const char *path) {
  struct nm_stamp stamp = nm_stamp_of(path);
  add_text(b, path);
  nm_buf_add(b, (const char *)&stamp, sizeof stamp);
  return stamp;
}

static int place_of(const struct nm_dial *d, const char *ca_file, const char *ca_path, struct nm_buf *b,
                    struct nm_stamp *of_cas_out) {
  add_text(b, d->host);
  nm_buf_addf(b, "%d %d", d->port, (int)d->tls);
  *of_cas_out = add_file(b, ca_file);
  add_file(b, ca_path);
  add_file(b, d->cert_file);
  add_file(b, d->key_file);
  return b->err;
}

/* Where the one for place is pointed to from, or the end of the list. */
static struct nm_ticket **search(struct nm_tickets *t, const struct nm_buf *place) {
  struct nm_ticket **at = &t->first;
  while (*at != NULL && !nm_str_eq(nm_buf_str(&(*at)->place), nm_buf_str(place))) {
    at = &(*at)->next;
  }
  return at;
}

/* Of one too many, the one last asked for longest ago. */
static void drop_last(struct nm_tickets *t) {
  struct nm_ticket **at = &t->first;
  for (unsigned n = 0; n < TICKETS_MAX && *at != NULL; n++) {
    at = &(*at)->next;
  }
  nm_ticket_unref(at);
}

/* The CAs of the file, those that another place is verified by if it is the same file. Of tickets that go by what the file was before, none
   can be found again: they go. */
static struct nm_cas *cas_of(struct nm_tickets *t, const char *file, const struct nm_stamp *stamp) {
  struct nm_cas *found = NULL;
  for (struct nm_ticket **at = &t->first; *at != NULL;) {
    struct nm_ticket *this = *at;
    if (this->cas == NULL || !nm_cas_are_of(this->cas, file)) {
      at = &this->next;
    } else if (nm_cas_are(this->cas, file, stamp)) {
      found = this->cas;
      at = &this->next;
    } else {
      *at = this->next;
      let_go(this);
    }
  }
  return found != NULL ? nm_cas_ref(found) : nm_cas_new(file, stamp);
}

/* Takes place. */
static struct nm_ticket *ticket_new(struct nm_tickets *t, struct nm_buf *place, const char *ca_file,
                                    const struct nm_stamp *stamp) {
  struct nm_ticket *new = nm_zalloc(sizeof *new);
  if (new == NULL) {
    nm_buf_free(place);
    return NULL;
  }
  new->refs = 1;
  new->place = *place;
  if (ca_file != NULL) {
    new->cas = cas_of(t, ca_file, stamp);
    if (new->cas == NULL) {
      nm_ticket_unref(&new);
    }
  }
  return new;
}

struct nm_ticket *nm_tickets_find(struct nm_tickets *t, const struct nm_dial *d, const char *ca_file,
                                  const char *ca_path) {
  struct nm_buf place = {.max = PLACE_MAX};
  struct nm_stamp of_cas;
  if (place_of(d, ca_file, ca_path, &place, &of_cas) != 0) {
    nm_buf_free(&place);
    return NULL;
  }
  struct nm_ticket **at = search(t, &place), *found = *at;
  if (found != NULL) {
    *at = found->next;
    nm_buf_free(&place);
  } else {
    found = ticket_new(t, &place, ca_path == NULL ? ca_file : NULL, &of_cas);
    if (found == NULL) {
      return NULL;
    }
  }
  found->next = t->first;
  t->first = found;
  found->refs++;
  drop_last(t);
  return found;
}

int nm_ticket_has_cas(const struct nm_ticket *t) {
  return t->cas != NULL && nm_cas_are_loaded(t->cas);
}

void nm_tickets_free(struct nm_tickets *t) {
  while (t->first != NULL) {
    struct nm_ticket *first = t->first;
    t->first = first->next;
    let_go(first);
  }
}
