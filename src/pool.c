#include "pool.h"

#include <unistd.h>

#include "base/alloc.h"
#include "kept.h"

void nm_pool_hang_up(struct nm_client *c) {
  for (size_t i = 0; i < c->n_others; i++) {
    nm_kept_hang_up(c->others[i]);
  }
}

static void drop(struct nm_client *o) {
  nm_kept_drop(o);
  o->net = NULL; /* the owner's, as are these */
  o->trace = NULL;
  o->tracer = (struct nm_held){0};
  nm_client_unref(&o);
}

void nm_pool_free(struct nm_client *c) {
  while (c->n_others > 0) {
    drop(c->others[--c->n_others]);
  }
  nm_free(c->others);
  c->others = NULL;
}

static int add(struct nm_client *c) {
  struct nm_client **others = nm_realloc_array(c->others, c->n_others + 1, sizeof *others);
  if (others == NULL) {
    return NM_ENOMEM;
  }
  c->others = others;
  int err = nm_client_new(&others[c->n_others]);
  if (err == 0) {
    others[c->n_others++]->owner = c;
  }
  return err;
}

/* ---- the options ---- */

static int copy_texts(struct nm_client *to, const struct nm_client *from) {
  struct nm_buf *tos[] = {&to->host,      &to->local_name, &to->ca_file,      &to->ca_path,
                          &to->cert_file, &to->key_file,   &to->key_password, &to->proxy};
  const struct nm_buf *froms[] = {&from->host,      &from->local_name, &from->ca_file,      &from->ca_path,
                                  &from->cert_file, &from->key_file,   &from->key_password, &from->proxy};
  int err = 0;
  for (size_t i = 0; err == 0 && i < sizeof tos / sizeof tos[0]; i++) {
    struct nm_error unused;
    err = nm_buf_replace(tos[i], "", nm_buf_str(froms[i]), &unused);
  }
  return err;
}

static int copy_own(struct nm_client *to, const struct nm_client *from) {
  nm_client_forget_credentials(to);
  for (size_t i = 0; i < from->n_own; i++) {
    const struct nm_host_credential *own = &from->own[i];
    struct nm_buf host = {.max = NM_HOST_MAX};
    nm_buf_add_str(&host, nm_buf_str(&own->host));
    if (host.err != 0) {
      return host.err;
    }
    to->own[to->n_own++] = (struct nm_host_credential){own->mechs, host, nm_credential_ref(own->credential)};
  }
  nm_cache_unref(&to->credentials);
  to->credentials = from->credentials != NULL ? nm_cache_ref(from->credentials) : NULL;
  return 0;
}

static void copy_values(struct nm_client *to, const struct nm_client *from) {
  to->port = from->port;
  to->enable_ssl = from->enable_ssl;
  to->implicit_tls = from->implicit_tls;
  to->allow_plaintext_auth = from->allow_plaintext_auth;
  to->minimum_auth = from->minimum_auth;
  to->is_lmtp = from->is_lmtp;
  to->use_default_credentials = from->use_default_credentials;
  to->timeout = from->timeout;
  to->deadline = from->deadline;
  to->ip_version = from->ip_version;
  to->idle_max = from->idle_max;
  to->life_max = from->life_max;
  to->trace_level = from->trace_level;
  to->tracer = (struct nm_held){from->tracer.what, NULL}; /* borrowed, to know that there is one */
  to->trace = from->trace;
  to->api = from->api;
  to->digest = from->digest;
  to->binding = from->binding;
}

/* By what it is connected stays as it is: kept.h compares. */
struct nm_client *nm_pool_take(struct nm_client *c, size_t i) {
  nm_kept_leave_parents(c);
  if (c->net == NULL) {
    c->net = c->api->net_new();
  }
  if (c->net == NULL || i == 0) {
    return c->net != NULL ? c : NULL;
  }
  while (c->n_others < i) {
    if (add(c) != 0) {
      return NULL;
    }
  }
  struct nm_client *o = c->others[i - 1];
  copy_values(o, c);
  o->net = c->net;
  o->pid = getpid();
  return copy_texts(o, c) == 0 && copy_own(o, c) == 0 ? o : NULL;
}
