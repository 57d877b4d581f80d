#include "credential.h"

#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "smtp/sasl.h"

int nm_credential_new(struct nm_credential **out) {
  struct nm_credential *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return NM_ENOMEM;
  }
  c->refs = 1;
  c->user.max = c->password.max = c->domain.max = NM_SECRET_MAX;
  c->user.secret = c->password.secret = c->domain.secret = 1;
  *out = c;
  return 0;
}

struct nm_credential *nm_credential_ref(struct nm_credential *c) {
  c->refs++;
  return c;
}

void nm_credential_unref(struct nm_credential **at) {
  struct nm_credential *c = *at;
  *at = NULL;
  if (c != NULL && --c->refs == 0) {
    nm_buf_free(&c->user);
    nm_buf_free(&c->password);
    nm_buf_free(&c->domain);
    nm_held_set(&c->giver, NULL, NULL);
    nm_free(c);
  }
}

static int is_break(char c) {
  return c == '\r' || c == '\n';
}

/* A line break at the end is nobody's: it came with the line of a file or the output of a program. The server would only say 535. */
static int check(struct nm_str s, const char *what, struct nm_error *e) {
  int err = nm_check_nul(what, s, e);
  if (err == 0 && s.n > 0 && is_break(s.p[s.n - 1])) {
    err = nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                       "%s ends in a line break, as what is read from a file does; take it off, as with "
                       "text:gsub(\"[\\r\\n]+$\", \"\")",
                       what);
  }
  if (err == 0 && s.n > NM_SECRET_MAX) {
    err = nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "%s is longer than %d bytes", what, NM_SECRET_MAX);
  }
  return err;
}

/* Of one line. */
static int check_name(struct nm_str s, const char *what, struct nm_error *e) {
  int err = check(s, what, e);
  for (size_t i = 0; i < s.n && err == 0; i++) {
    if (is_break(s.p[i])) {
      err = nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                         "%s contains a line break, which no mechanism can carry", what);
    }
  }
  return err;
}

int nm_credential_check_secret(const char *what, struct nm_str secret, struct nm_error *e) {
  return check(secret, what, e);
}

int nm_credential_set(struct nm_credential *c, struct nm_str user, struct nm_str password,
                      struct nm_error *e) {
  int err = check_name(user, "UserName", e);
  if (err == 0) {
    err = check(password, "Password", e);
  }
  if (err != 0) {
    return err;
  }
  struct nm_buf kept = {.max = NM_SECRET_MAX, .secret = 1};
  nm_buf_add_str(&kept, user); /* before the password goes: both are replaced or none */
  if (kept.err != 0 || nm_buf_replace(&c->password, "Password", password, e) != 0) {
    nm_buf_free(&kept);
    return nm_error_nomem(e);
  }
  nm_buf_free(&c->user);
  c->user = kept;
  c->version++;
  nm_held_set(&c->giver, NULL, NULL);
  return 0;
}

int nm_credential_set_user(struct nm_credential *c, struct nm_str user, struct nm_error *e) {
  int err = check_name(user, "UserName", e);
  c->version++;
  return err == 0 ? nm_buf_replace(&c->user, "UserName", user, e) : err;
}

void nm_credential_set_giver(struct nm_credential *c, void *giver, void (*release)(void *giver)) {
  nm_held_set(&c->giver, giver, release);
  nm_buf_free(&c->password);
  c->version++;
}

int nm_credential_set_domain(struct nm_credential *c, struct nm_str domain, struct nm_error *e) {
  int err = check_name(domain, "Domain", e);
  if (err != 0) {
    return err;
  }
  c->version++;
  return nm_buf_replace(&c->domain, "Domain", domain, e);
}

int nm_credential_same(const struct nm_credential *a, const struct nm_credential *b) {
  return nm_str_eq(nm_buf_str(&a->user), nm_buf_str(&b->user)) &&
         nm_str_eq(nm_buf_str(&a->password), nm_buf_str(&b->password)) &&
         nm_str_eq(nm_buf_str(&a->domain), nm_buf_str(&b->domain)) && a->giver.what == b->giver.what &&
         a->is_token == b->is_token;
}

int nm_is_socket(struct nm_str host) {
  size_t n = strlen(NM_SOCKET_PREFIX);
  return host.n >= n && memcmp(host.p, NM_SOCKET_PREFIX, n) == 0;
}

int nm_host_same(struct nm_str a, struct nm_str b) {
  return nm_is_socket(a) || nm_is_socket(b) ? nm_str_eq(a, b) : nm_str_ieq(a, b);
}

int nm_cache_new(struct nm_credential_cache **out) {
  struct nm_credential_cache *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return NM_ENOMEM;
  }
  c->refs = 1;
  *out = c;
  return 0;
}

struct nm_credential_cache *nm_cache_ref(struct nm_credential_cache *c) {
  c->refs++;
  return c;
}

static void entry_free(struct nm_cache_entry *entry) {
  nm_buf_free(&entry->host);
  nm_credential_unref(&entry->credential);
}

void nm_cache_unref(struct nm_credential_cache **at) {
  struct nm_credential_cache *c = *at;
  *at = NULL;
  if (c != NULL && --c->refs == 0) {
    for (size_t i = 0; i < c->n; i++) {
      entry_free(&c->entries[i]);
    }
    nm_free(c->entries);
    nm_free(c);
  }
}

static struct nm_cache_entry *find(const struct nm_credential_cache *c, struct nm_str host, int port,
                                   unsigned mechs) {
  for (size_t i = 0; i < c->n; i++) {
    struct nm_cache_entry *entry = &c->entries[i];
    if (entry->port == port && entry->mechs == mechs && nm_host_same(nm_buf_str(&entry->host), host)) {
      return entry;
    }
  }
  return NULL;
}

static struct nm_cache_entry *append(struct nm_credential_cache *c, struct nm_str host) {
  if (c->n == c->cap) {
    size_t cap = c->cap > 0 ? c->cap * 2 : 4;
    struct nm_cache_entry *entries = nm_realloc_array(c->entries, cap, sizeof *entries);
    if (entries == NULL) {
      return NULL;
    }
    c->entries = entries;
    c->cap = cap;
  }
  struct nm_cache_entry *entry = &c->entries[c->n];
  *entry = (struct nm_cache_entry){.host = {.max = NM_HOST_MAX}};
  nm_buf_add_str(&entry->host, host);
  if (entry->host.err != 0) {
    nm_buf_free(&entry->host);
    return NULL;
  }
  c->n++;
  return entry;
}

int nm_cache_add(struct nm_credential_cache *c, struct nm_str host, int port, unsigned mechs,
                 struct nm_credential *credential, struct nm_error *e) {
  int bad = nm_check_nul("Host", host, e);
  if (bad != 0) {
    return bad;
  }
  struct nm_cache_entry *entry = find(c, host, port, mechs);
  if (entry == NULL && (host.n > NM_HOST_MAX || c->n >= NM_CACHE_MAX)) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        host.n > NM_HOST_MAX ? "the host name is longer than 255 octets"
                                             : "the credential cache is full");
  }
  if (entry == NULL) {
    entry = append(c, host);
  }
  if (entry == NULL) {
    return nm_error_nomem(e);
  }
  nm_credential_ref(credential);
  nm_credential_unref(&entry->credential);
  entry->credential = credential;
  entry->port = port;
  entry->mechs = mechs;
  return 0;
}

int nm_cache_remove(struct nm_credential_cache *c, struct nm_str host, int port, unsigned mechs) {
  struct nm_cache_entry *entry = find(c, host, port, mechs);
  if (entry == NULL) {
    return 0;
  }
  entry_free(entry);
  c->n--;
  size_t at = (size_t)(entry - c->entries);
  memmove(entry, entry + 1, (c->n - at) * sizeof *entry);
  return 1;
}

static int serves(const struct nm_cache_entry *entry, struct nm_str host, int port) {
  return (entry->host.n == 0 || nm_host_same(nm_buf_str(&entry->host), host)) &&
         (entry->port == 0 || entry->port == port);
}

struct nm_credential *nm_cache_get_exact(const struct nm_credential_cache *c, struct nm_str host, int port,
                                         unsigned mechs) {
  for (size_t i = 0; i < c->n; i++) {
    if (c->entries[i].mechs == mechs && serves(&c->entries[i], host, port)) {
      return c->entries[i].credential;
    }
  }
  return NULL;
}

struct nm_credential *nm_cache_get(const struct nm_credential_cache *c, struct nm_str host, int port,
                                   unsigned mechs) {
  struct nm_credential *exact = nm_cache_get_exact(c, host, port, mechs);
  return exact != NULL ? exact : nm_cache_get_exact(c, host, port, NM_SASL_ANY);
}
