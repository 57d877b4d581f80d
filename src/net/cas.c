#include "net/cas.h"

#include <string.h>
#include "base/alloc.h"

struct nm_cas {
  unsigned refs;
  struct nm_stamp stamp;
  const struct nm_openssl *lib;
  struct x509_store_st *store; /* NULL: not loaded yet */
  char file[];
};

struct nm_cas *nm_cas_new(const char *file, const struct nm_stamp *stamp) {
  size_t n = strlen(file) + 1;
  struct nm_cas *c = n <= SIZE_MAX - sizeof *c ? nm_zalloc(sizeof *c + n) : NULL;
  if (c != NULL) {
    c->refs = 1;
    c->stamp = *stamp;
    memcpy(c->file, file, n);
  }
  return c;
}

struct nm_cas *nm_cas_ref(struct nm_cas *c) {
  c->refs++;
  return c;
}

void nm_cas_unref(struct nm_cas **at) {
  struct nm_cas *c = *at;
  *at = NULL;
  if (c == NULL || --c->refs > 0) {
    return;
  }
  if (c->store != NULL) {
    c->lib->store_free(c->store);
  }
  nm_free(c);
}

int nm_cas_are_of(const struct nm_cas *c, const char *file) {
  return strcmp(c->file, file) == 0;
}

int nm_cas_are(const struct nm_cas *c, const char *file, const struct nm_stamp *stamp) {
  return nm_cas_are_of(c, file) && memcmp(&c->stamp, stamp, sizeof *stamp) == 0;
}

int nm_cas_are_loaded(const struct nm_cas *c) {
  return c->store != NULL;
}

/* ctx has no CA but ours: libcurl was told to load nothing (options.c). */
void nm_cas_use(const struct nm_cas *c, struct ssl_ctx_st *ctx) {
  if (c->store != NULL && c->lib->store_ref(c->store) == 1) {
    c->lib->ctx_set_store(ctx, c->store);
  }
}

void nm_cas_keep(struct nm_cas *c, const struct nm_openssl *lib, const struct ssl_ctx_st *ctx) {
  struct x509_store_st *store = c->store == NULL ? lib->ctx_store(ctx) : NULL;
  if (store != NULL && lib->store_ref(store) == 1) {
    c->lib = lib;
    c->store = store;
  }
}
