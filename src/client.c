#include "client.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/chars.h"
#include "base/check.h"
#include "base/literal.h"
#include "host.h"
#include "pool.h"
#include "smtp/command.h"

int nm_client_new(struct nm_client **out) {
  struct nm_client *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return NM_ENOMEM;
  }
  c->refs = 1;
  c->port = NM_PORT_DEFAULT;
  c->implicit_tls = -1;
  c->trace_level = NM_TRACE_LEVEL_MAX;
  c->timeout = NM_TIMEOUT_DEFAULT;
  c->pipelining = NM_PIPELINING_FULL;
  c->max_connections = 1;
  c->host.max = c->local_name.max = NM_HOST_MAX;
  c->ca_file.max = c->ca_path.max = c->cert_file.max = c->key_file.max = NM_OPTION_MAX;
  c->key_password.max = c->proxy.max = NM_OPTION_MAX;
  c->key.max = 4 * NM_LOGIN_MAX * NM_SECRET_MAX;
  c->key_password.secret = c->proxy.secret = c->key.secret = 1; /* a proxy's URL may hold a password */
  *out = c;
  return 0;
}

struct nm_client *nm_client_ref(struct nm_client *c) {
  c->refs++;
  return c;
}

static void drop_own(struct nm_client *c, size_t at) {
  nm_buf_free(&c->own[at].host);
  nm_credential_unref(&c->own[at].credential);
  c->n_own--;
  memmove(&c->own[at], &c->own[at + 1], (c->n_own - at) * sizeof c->own[0]);
}

void nm_client_forget_credentials(struct nm_client *c) {
  while (c->n_own > 0) {
    drop_own(c, c->n_own - 1);
  }
}

void nm_client_unref(struct nm_client **at) {
  struct nm_client *c = *at;
  *at = NULL;
  if (c == NULL || --c->refs > 0) {
    return;
  }
  nm_pool_free(c);
  if (c->conn != NULL) {
    c->api->conn_close(&c->conn, 1);
  }
  if (c->net != NULL) {
    c->api->net_free(c->net);
  }
  if (c->shared != NULL) {
    c->api->shared_unref(&c->shared);
  }
  nm_process_unref(&c->process);
  nm_session_free(&c->session);
  nm_trace_free(&c->trace);
  nm_held_set(&c->tracer, NULL, NULL);
  for (size_t i = 0; i < NM_LOGIN_MAX; i++) {
    nm_credential_unref(&c->users[i]);
  }
  nm_client_forget_credentials(c);
  nm_servers_free(&c->servers);
  nm_cache_unref(&c->credentials);
  nm_send_options_unref(&c->options);
  struct nm_buf *texts[] = {&c->host,     &c->local_name,   &c->ca_file, &c->ca_path, &c->cert_file,
                            &c->key_file, &c->key_password, &c->proxy,   &c->key};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    nm_buf_free(texts[i]);
  }
  nm_free(c);
}

void nm_client_use_net(struct nm_client *c, const struct nm_net_api *api, struct nm_shared *shared,
                       struct nm_process *process) {
  c->api = api;
  if (c->process == NULL) {
    c->process = nm_process_ref(process);
  }
  if (c->shared == NULL && shared != NULL) {
    c->shared = api->shared_ref(shared);
  }
}

int nm_client_need_net(struct nm_client *c) {
  c->net = c->net != NULL ? c->net : c->api->net_new(c->shared);
  return c->net != NULL ? 0 : NM_ENOMEM;
}

int nm_client_check_option(struct nm_str value, const char *what, struct nm_error *e) {
  for (size_t i = 0; i < value.n; i++) {
    if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s contains a control character", what);
    }
  }
  return value.n <= NM_OPTION_MAX
             ? 0
             : nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "%s is longer than %d bytes", what, NM_OPTION_MAX);
}

const char *nm_client_socket(const struct nm_client *c) {
  return nm_is_socket(nm_buf_str(&c->host)) ? c->host.p + strlen(NM_SOCKET_PREFIX) : NULL;
}

const char *nm_client_place(const struct nm_client *c, struct nm_place *out) {
  *out = (struct nm_place){.is_proxied = c->proxy.n > 0};
  snprintf(out->host, sizeof out->host, "%s", c->host.n > 0 ? c->host.p : "");
  if (nm_client_socket(c) != NULL) {
    snprintf(out->text, sizeof out->text, "%s", out->host);
  } else {
    out->port = c->port;
    snprintf(out->text, sizeof out->text, "%s:%d", c->host.n > 0 ? out->host : "no host", c->port);
  }
  return out->text;
}

int nm_client_set_host(struct nm_client *c, struct nm_str host, struct nm_error *e) {
  int err = nm_host_set(&c->host, "Host", host, e);
  c->distrust = err == 0 ? 0 : c->distrust;
  return err;
}

int nm_client_set_local_name(struct nm_client *c, struct nm_str name, struct nm_error *e) {
  int err = nm_check_nul("LocalName", name, e);
  if (err != 0) {
    return err;
  }
  if (name.n > 0 && nm_ehlo_name_check(name) != 0) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "LocalName '%.*s' is neither a domain name nor an address literal such as [192.0.2.1]",
        (int)(name.n < 300 ? name.n : 300), name.p);
  }
  return nm_buf_replace(&c->local_name, "LocalName", name, e);
}

int nm_client_set_option(struct nm_buf *slot, struct nm_str value, const char *what, struct nm_error *e) {
  int err = nm_client_check_option(value, what, e);
  return err == 0 ? nm_buf_replace(slot, what, value, e) : err;
}

int nm_client_set_certificate(struct nm_client *c, struct nm_str file, struct nm_str key,
                              struct nm_str password, struct nm_error *e) {
  int err = nm_client_check_option(file, "ClientCertificate", e);
  err = err == 0 ? nm_client_check_option(key, "ClientCertificate.Key", e) : err;
  err = err == 0 ? nm_client_check_option(password, "ClientCertificate.Password", e) : err;
  /* Only memory can be short from here on. */
  err = err == 0 ? nm_buf_replace(&c->cert_file, "ClientCertificate", file, e) : err;
  err = err == 0 ? nm_buf_replace(&c->key_file, "ClientCertificate.Key", key, e) : err;
  return err == 0 ? nm_buf_replace(&c->key_password, "ClientCertificate.Password", password, e) : err;
}

static size_t scheme_length(struct nm_str url) {
  static const char *const schemes[] = {"http://",    "https://",  "socks4://",
                                        "socks4a://", "socks5://", "socks5h://"};
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    struct nm_str s = nm_str_c(schemes[i]);
    if (url.n > s.n && nm_str_ieq(nm_str(url.p, s.n), s)) {
      return s.n;
    }
  }
  return 0;
}

static size_t find_byte(struct nm_str s, const char *set) {
  size_t i = 0;
  while (i < s.n && strchr(set, s.p[i]) == NULL) {
    i++;
  }
  return i;
}

/* port = *DIGIT   (RFC 3986 3.2.3) */
static int is_port(struct nm_str s) {
  long port = 0;
  for (size_t i = 0; i < s.n && i < 6; i++) {
    port = port * 10 + (s.p[i] - '0');
  }
  return s.n <= 5 && nm_all(s, NM_CHAR_DIGIT) && port >= 1 && port <= 65535;
}

/* host [ ":" port ] [ "/" ] */
static int is_proxy_place(struct nm_str s) {
  if (s.n > 0 && s.p[s.n - 1] == '/') {
    s.n--;
  }
  if (s.n > 0 && s.p[0] == '[') {
    size_t end = find_byte(s, "]");
    struct nm_str rest = end < s.n ? nm_str(s.p + end + 1, s.n - end - 1) : nm_str("", 0);
    return end < s.n && nm_is_ipv6(nm_str(s.p + 1, end - 1)) &&
           (rest.n == 0 || (rest.p[0] == ':' && is_port(nm_str(rest.p + 1, rest.n - 1))));
  }
  size_t colon = find_byte(s, ":");
  return nm_is_domain(nm_str(s.p, colon)) &&
         (colon == s.n || is_port(nm_str(s.p + colon + 1, s.n - colon - 1)));
}

/* URI = scheme "://" [ userinfo "@" ] host [ ":" port ]   (RFC 3986 3). The text may hold a password and is never shown. */
int nm_client_set_proxy(struct nm_client *c, struct nm_str url, struct nm_error *e) {
  size_t at = scheme_length(url);
  struct nm_str rest = url.n > 0 ? nm_str(url.p + at, url.n - at) : url;
  size_t sign = find_byte(rest, "@");
  struct nm_str place = sign < rest.n ? nm_str(rest.p + sign + 1, rest.n - sign - 1) : rest;
  if (url.n > 0 && at == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "Proxy is not a URL such as socks5h://proxy:1080 or http://user:password@proxy:3128 "
                        "(schemes: http, https, socks4, socks4a, socks5, socks5h)");
  }
  if (url.n > 0 && sign < rest.n && find_byte(nm_str(rest.p, sign), " /?#[]") < sign) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "the user name or password in Proxy holds a character that must be written as %%XX there "
        "(@ is %%40, # is %%23, / is %%2F)");
  }
  if (url.n > 0 && !is_proxy_place(place)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "the host or port in Proxy is not one; write scheme://host:port, and @, # and / in a user "
        "name or password as %%40, %%23 and %%2F");
  }
  return nm_client_set_option(&c->proxy, url, "Proxy", e);
}

static size_t find_own(const struct nm_client *c, unsigned mechs) {
  size_t i = 0;
  while (i < c->n_own &&
         (c->own[i].mechs != mechs || !nm_host_same(nm_buf_str(&c->own[i].host), nm_buf_str(&c->host)))) {
    i++;
  }
  return i;
}

/* Entries for other hosts under the same protocol go: there is one value for each protocol. */
static void forget_own(struct nm_client *c, unsigned mechs) {
  for (size_t i = c->n_own; i-- > 0;) {
    if (c->own[i].mechs == mechs) {
      drop_own(c, i);
    }
  }
}

int nm_client_set_credential(struct nm_client *c, unsigned mechs, struct nm_credential *credential) {
  if (credential == NULL) {
    forget_own(c, mechs);
    return 0;
  }
  struct nm_buf host = {.max = NM_HOST_MAX};
  nm_buf_add_str(&host, nm_buf_str(&c->host));
  if (host.err != 0) {
    return host.err;
  }
  nm_credential_ref(credential); /* before the old one goes: it may be the same */
  forget_own(c, mechs);
  c->own[c->n_own++] = (struct nm_host_credential){mechs, host, credential}; /* one a protocol: it fits */
  return 0;
}

struct nm_credential *nm_client_credential(const struct nm_client *c, unsigned mechs) {
  size_t at = find_own(c, mechs);
  return at < c->n_own ? c->own[at].credential : NULL;
}

int nm_client_set_tracer(struct nm_client *c, void *tracer, void (*release)(void *tracer)) {
  nm_held_set(&c->tracer, tracer, release);
  if (tracer != NULL && c->trace == NULL) {
    c->trace = nm_trace_new();
  }
  return tracer == NULL || c->trace != NULL ? 0 : NM_ENOMEM;
}

struct nm_trace *nm_client_trace(const struct nm_client *c) {
  return c->tracer.what != NULL ? c->trace : NULL;
}

static const enum nm_pipelining steps[] = {NM_PIPELINING_FULL, NM_PIPELINING_ENVELOPE, NM_PIPELINING_OFF};
#define STEPS 3

static unsigned step_of(enum nm_pipelining mode) {
  unsigned i = 0;
  while (i + 1 < STEPS && steps[i] != mode) {
    i++;
  }
  return i;
}

enum nm_pipelining nm_client_pipelining(const struct nm_client *c) {
  unsigned asked = step_of(c->pipelining);
  return steps[asked > c->distrust ? asked : c->distrust];
}

void nm_client_distrust(struct nm_client *c, enum nm_pipelining done) {
  unsigned less = step_of(done) + 1;
  c->distrust = less < STEPS && less > c->distrust ? less : c->distrust;
}

/* Who has its connection: a flight's are all with one server. */
static const struct nm_client *holder(const struct nm_client *c) {
  for (size_t i = 0; c->flight != NULL && i < c->n_others; i++) {
    const struct nm_session *s = c->others[i]->session;
    if (s != NULL && (nm_session_state(s) == NM_SESSION_IDLE || nm_session_state(s) == NM_SESSION_BUSY)) {
      return c->others[i];
    }
  }
  return c;
}

const struct nm_caps *nm_client_caps(const struct nm_client *client) {
  const struct nm_client *c = holder(client);
  int is_there = c->conn != NULL && c->pid == nm_process_id(c->process) && c->session != NULL &&
                 nm_session_state(c->session) != NM_SESSION_CLOSED;
  return is_there ? nm_session_caps(c->session) : NULL;
}
