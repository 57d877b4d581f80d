#include "pool.h"

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

static struct nm_client *find(struct nm_client *c, size_t i, size_t server) {
  for (size_t k = 0; k < c->n_others; k++) {
    if (c->others[k]->pool_line == i && c->others[k]->pool_server == server) {
      return c->others[k];
    }
  }
  return NULL;
}

static struct nm_client *add(struct nm_client *c, size_t i, size_t server) {
  struct nm_client **others = nm_realloc_array(c->others, c->n_others + 1, sizeof *others);
  if (others == NULL) {
    return NULL;
  }
  c->others = others;
  struct nm_client *o;
  if (nm_client_new(&o) != 0) {
    return NULL;
  }
  o->pool_line = i;
  o->pool_server = server;
  others[c->n_others++] = o;
  return o;
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
  to->max_connections = from->max_connections;
  to->deadline = from->deadline;
  to->ip_version = from->ip_version;
  to->idle_max = from->idle_max;
  to->life_max = from->life_max;
}

static int copy_options(struct nm_client *to, const struct nm_client *from) {
  copy_values(to, from);
  return copy_texts(to, from) == 0 && copy_own(to, from) == 0 ? 0 : NM_ENOMEM;
}

/* Not by value: it is the owner's, of now. */
static void borrow(struct nm_client *to, const struct nm_client *from) {
  to->trace_level = from->trace_level;
  to->tracer = (struct nm_held){from->tracer.what, NULL}; /* to know that there is one */
  to->trace = from->trace;
  to->api = from->api;
  to->digest = from->digest != NULL ? from->digest : to->digest;
  to->binding = from->binding != NULL ? from->binding : to->binding;
  to->net = from->net;
  if (to->process == NULL) {
    to->process = nm_process_ref(from->process);
  }
}

int nm_pool_snapshot(const struct nm_client *c, struct nm_client **out) {
  int err = nm_client_new(out);
  if (err == 0 && (copy_options(*out, c) != 0 || nm_servers_copy(&c->servers, &(*out)->servers) != 0)) {
    nm_client_unref(out);
    err = NM_ENOMEM;
  }
  return err;
}

/* What was set for Host serves the others too: the user has said that they are the same service. */
static int point(struct nm_client *o, const struct nm_server *server) {
  struct nm_error unused;
  int err = 0;
  for (size_t i = 0; i < o->n_own && err == 0; i++) {
    if (nm_host_same(nm_buf_str(&o->own[i].host), nm_buf_str(&o->host))) {
      err = nm_buf_replace(&o->own[i].host, "", nm_buf_str(&server->host), &unused);
    }
  }
  o->port = server->port != 0 ? server->port : o->port;
  return err == 0 ? nm_buf_replace(&o->host, "", nm_buf_str(&server->host), &unused) : err;
}

/* By what it is connected stays as it is: kept.h compares. */
struct nm_client *nm_pool_take(struct nm_client *c, const struct nm_client *as, size_t i, size_t server) {
  nm_kept_leave_parents(c);
  if (nm_client_need_net(c) != 0) {
    return NULL;
  }
  struct nm_client *o = find(c, i, server);
  o = o != NULL ? o : add(c, i, server);
  if (o == NULL) {
    return NULL;
  }
  borrow(o, c);
  o->pid = nm_process_id(c->process);
  if (copy_options(o, as) != 0 || server > as->servers.n) {
    return NULL;
  }
  return server == 0 || point(o, &as->servers.others[server - 1]) == 0 ? o : NULL;
}

/* ---- event loops ---- */

void nm_client_calm(struct nm_client *c) {
  if (c->net != NULL) {
    c->api->net_calm(c->net);
  }
}

void nm_client_alarm(struct nm_client *c, int ms) {
  if (c->net != NULL) {
    c->api->net_alarm(c->net, ms);
  }
}

int nm_client_watch(struct nm_client *c) {
  if (c->net == NULL) {
    (void)nm_client_need_net(c);
    c->pid = nm_process_id(c->process);
  }
  return c->net != NULL ? c->api->net_watch(c->net) : -1;
}
