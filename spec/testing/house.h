#ifndef NM_SPEC_HOUSE_H
#define NM_SPEC_HOUSE_H

/* A house for visits and servers, with digests in plain C and a TLS that is none: it makes of each octet itself. */

#include "base/error.h"
#include "support/ctest.h"
#include "support/digests.h"
#include "testing/visit.h"

static inline int house_client_name(const struct nm_tls_end *end, struct nm_buf *out) {
  (void)end;
  nm_buf_add_c(out, "ivanov");
  return 1;
}

static inline int house_binding(const struct nm_tls_end *end, struct nm_str type, struct nm_buf *out) {
  (void)end;
  if (!nm_str_eq(type, NM_STR("tls-exporter"))) {
    return NM_EINVAL;
  }
  nm_buf_add_c(out, "the octets of this line");
  return out->err;
}

static inline const char *house_version(const struct nm_tls_end *end) {
  (void)end;
  return "TLSv1.3";
}

static const struct nm_tls_host_api house_tls = {
    .client_name = house_client_name, .binding = house_binding, .version = house_version};

/* Something to point at. */
#define HOUSE_TLS_END ((const struct nm_tls_end *)&house_tls)

static inline struct nm_house house_open(void) {
  struct nm_house h = {.digest = &digests, .tls = &house_tls};
  nm_setup_init(&h.setup);
  h.setup.iterations = 16; /* these digests are slow */
  return h;
}

static inline void house_add_user(struct nm_house *h, const char *name, const char *password) {
  nm_texts_add(&h->setup.users, nm_str_c(name));
  nm_texts_add(&h->setup.users, nm_str_c(password));
}

static inline void house_add_token(struct nm_house *h, const char *name, const char *token) {
  nm_texts_add(&h->setup.tokens, nm_str_c(name));
  nm_texts_add(&h->setup.tokens, nm_str_c(token));
}

static inline struct nm_fault *house_add_fault(struct nm_house *h, const char *at) {
  struct nm_fault *f = nm_faults_add(&h->faults);
  if (f == NULL || nm_fault_set_at(f, nm_str_c(at), NULL) != 0) {
    return NULL;
  }
  return f;
}

static inline int house_finish(struct nm_house *h, struct nm_error *e) {
  int err = nm_setup_finish(&h->setup, e);
  nm_record_init(&h->record, h->setup.max_messages, h->setup.max_bytes);
  return err;
}

static inline void house_close(struct nm_house *h) {
  nm_setup_free(&h->setup);
  nm_faults_free(&h->faults);
  nm_record_free(&h->record);
}

#endif
