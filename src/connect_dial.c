#include "connect.h"

#include "base/clock.h"
#include "ehlo_name.h"
#include "kept.h"

static const char *text(const struct nm_buf *b) {
  return b->n > 0 ? b->p : NULL;
}

int nm_security_choose(const struct nm_client *c, const struct nm_logins *logins, struct nm_security *out,
                       struct nm_error *e) {
  int is_socket = nm_client_socket(c) != NULL;
  int implicit = c->implicit_tls < 0 ? c->port == 465 && !is_socket : c->implicit_tls;
  *out = (struct nm_security){.tls = NM_TLS_NONE};
  if (is_socket && (c->enable_ssl || implicit)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS,
                        "%s is a socket of this machine, where nobody can listen and no certificate has a "
                        "name to be for; set EnableSsl = false, and ImplicitTls = nil",
                        c->host.p);
  }
  if (is_socket && c->proxy.n > 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT,
                        "%s is a socket of this machine, and no proxy leads there; set Proxy = nil",
                        c->host.p);
  }
  if (c->enable_ssl && c->is_lmtp && !implicit) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_TLS,
        "STARTTLS cannot be had over LMTP; set ImplicitTls = true if port %d of %s begins with "
        "TLS, or EnableSsl = false for a server on this machine",
        c->port, c->host.p);
  }
  if (c->enable_ssl) {
    out->tls = implicit ? NM_TLS_IMPLICIT : NM_TLS_STARTTLS;
    return 0;
  }
  if (implicit) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS,
                        "port %d of %s speaks TLS from the first byte; set EnableSsl = true", c->port,
                        c->host.p);
  }
  unsigned mechs = 0;
  int named = 1;
  for (size_t i = 0; i < logins->n; i++) {
    mechs |= logins->ways[i].mechs;
    named &= logins->ways[i].named;
  }
  int in_clear =
      mechs == 0 || c->allow_plaintext_auth || (named && (mechs & (NM_SASL_CLEAR | NM_SASL_EXTERNAL)) == 0);
  out->loopback_only = !in_clear;
  return 0;
}

/* libcurl's user name for the way; Domain belongs to NTLM's (DESIGN.md 3.9). */
static int make_user(const struct nm_login *way, struct nm_buf *user) {
  if (way->credential != NULL) {
    if (way->mechs == NM_SASL_NTLM && way->credential->domain.n > 0) {
      nm_buf_add_str(user, nm_buf_str(&way->credential->domain));
      nm_buf_add_byte(user, '\\');
    }
    nm_buf_add_str(user, nm_buf_str(&way->credential->user));
  } else {
    nm_buf_add_c(user, "");
  }
  return user->err;
}

static const char *password_of(const struct nm_connecting *k, const struct nm_login *way) {
  const struct nm_buf *b = k->has_secret             ? &k->secret
                           : way->credential != NULL ? &way->credential->password
                                                     : NULL;
  return b != NULL && b->n > 0 ? b->p : "";
}

/* What comes too early, or too much, is noticed only by who reads all of it: libcurl drops what lies behind a reply, and takes what came with
   the greeting for EHLO's answer. It must do the talking where it makes TLS out of a line in clear (what was said before is forgotten then), and
   where it logs in. */
static int may_be_bare(const struct nm_connecting *k, const struct nm_login *way) {
  return k->security.tls != NM_TLS_STARTTLS && way == NULL;
}

static int start(struct nm_connecting *k, const struct nm_login *way) {
  struct nm_client *c = k->client;
  k->is_bare = may_be_bare(k, way);
  struct nm_buf user = {.max = 2 * NM_SECRET_MAX + 1, .secret = 1};
  char name[NM_EHLO_NAME_MAX];
  nm_ehlo_name(text(&c->local_name), name);
  const char *path = nm_client_socket(c);
  struct nm_dial d = {.host = path != NULL ? "localhost" : c->host.p,
                      .socket_path = path,
                      .port = c->port,
                      .tls = k->security.tls,
                      .loopback_only = k->security.loopback_only,
                      .is_bare = k->is_bare,
                      .wants_log = nm_client_trace(c) != NULL,
                      .ehlo_name = name,
                      .ca_file = text(&c->ca_file),
                      .ca_path = text(&c->ca_path),
                      .cert_file = text(&c->cert_file),
                      .key_file = text(&c->key_file),
                      .key_password = text(&c->key_password),
                      .proxy = text(&c->proxy),
                      .ip_version = c->ip_version,
                      .timeout_ms = c->timeout};
  int err = nm_connect_check(k);
  if (err != 0) {
    return err;
  }
  if (way != NULL) {
    err = make_user(way, &user);
    d.user = user.p;
    d.password = password_of(k, way);
    d.mechanisms = nm_sasl_name(way->mechs);
  }
  k->log_at = 0;
  err = err == 0 ? c->api->dial_start(c->net, &d, &c->conn, &k->out->error) : nm_error_nomem(&k->out->error);
  nm_buf_free(&user);
  return err;
}

int nm_connect_dial(struct nm_connecting *k, const struct nm_login *way) {
  struct nm_client *c = k->client;
  struct nm_error *e = &k->out->error;
  if (nm_client_need_net(c) != 0) {
    return nm_error_nomem(e);
  }
  nm_dialogue_free(&k->said);
  nm_auth_free(&k->auth);    /* of the line before */
  *e = (struct nm_error){0}; /* what kept the way before from being used is no error of this one */
  k->said.way = way;
  k->said.secret = k->has_secret ? nm_buf_str(&k->secret) : nm_str("", 0);
  k->state = NM_CONNECT_DIAL;
  k->is_logged_in = 0;
  return start(k, way);
}

/* What libcurl's log says goes into the trace as it comes. */
static void show_log(struct nm_connecting *k) {
  const char *p, *lf;
  size_t n;
  if (k->client->trace == NULL) {
    return;
  }
  k->client->api->dial_log(k->client->conn, &p, &n);
  while (k->log_at < n && (lf = memchr(p + k->log_at, '\n', n - k->log_at)) != NULL) {
    const char *line = p + k->log_at;
    nm_trace_add(k->client->trace,
                 line[0] == 'C'   ? NM_TRACE_CLIENT
                 : line[0] == 'S' ? NM_TRACE_SERVER
                                  : NM_TRACE_EVENT,
                 nm_str(line + 1, (size_t)(lf - line) - 1));
    k->log_at = (size_t)(lf - p) + 1;
  }
}

/* The server's words of the dial. */
static int read_lines(struct nm_connecting *k, int err) {
  const char *lines;
  size_t n;
  struct nm_dial_times times;
  k->client->api->dial_times(k->client->conn, &times);
  k->said.is_secured = times.secure > 0;
  k->client->api->dial_lines(k->client->conn, &lines, &n);
  k->said.tls = k->security.tls;
  k->said.is_tls_forced = k->security.is_forced;
  int understood = nm_dialogue_read(&k->said, nm_str(lines, n), err == 0 ? &k->out->error : NULL);
  return err == 0 ? understood : err;
}

/* The line has EHLO behind it; of a bare one not even the greeting was read. */
static int hand_over(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  c->api->dial_times(c->conn, &k->out->dial);
  nm_pace_rest(k->pace); /* the connection is there, however late it was looked for */
  nm_session_free(&c->session);
  c->session = nm_session_new();
  if (c->session == NULL) {
    return nm_error_nomem(&k->out->error);
  }
  nm_session_trace(c->session, nm_client_trace(c));
  c->is_secure = k->security.tls != NM_TLS_NONE;
  if (!k->is_bare) {
    k->state = NM_CONNECT_CHOOSE;
    return nm_session_adopt(c->session, &k->said.caps) == 0 ? 0 : nm_error_nomem(&k->out->error);
  }
  char name[NM_EHLO_NAME_MAX];
  nm_ehlo_name(text(&c->local_name), name);
  /* Also HELO will do at first, when a login is needed: that it has none is what the user is told then. */
  struct nm_hello hello = {.name = nm_str_c(name), .is_lmtp = c->is_lmtp};
  k->state = NM_CONNECT_TALK;
  k->hello_since = nm_clock_ms();
  if (nm_session_start(c->session, &hello) != 0) {
    k->out->error = nm_session_talk_result(c->session)->error;
    return k->out->error.code;
  }
  return 0;
}

/* The line in clear would have left this machine: STARTTLS it is. */
static int dial_secure(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  c->api->conn_close(&c->conn, 1);
  k->out->error = (struct nm_error){0};
  if (c->is_lmtp) {
    return nm_error_set(&k->out->error, NM_EINVAL, NM_KIND_TLS,
                        "a password goes over TLS only, and LMTP has no STARTTLS here; set EnableSsl and "
                        "ImplicitTls, or AllowPlaintextAuth if nobody can listen on the way");
  }
  k->security = (struct nm_security){.tls = NM_TLS_STARTTLS, .is_forced = 1};
  return start(k, k->said.way);
}

int nm_connect_dial_step(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  struct nm_error *e = &k->out->error;
  for (;;) {
    /* libcurl's own clock is as long: where nobody stepped for Timeout it strikes first, and its words say less. */
    const char *doing = c->api->dial_doing(c->conn);
    int is_late = nm_pace_left(k->pace, c->api->dial_progress(c->conn)) == 0;
    int err = c->api->dial_step(c->conn, e);
    show_log(k);
    if (is_late && err != 0 && err != NM_AGAIN && e->kind == NM_KIND_CONNECT) {
      err = nm_pace_over(k->pace, doing, e);
    } else if (err == NM_AGAIN) {
      if (nm_pace_left(k->pace, c->api->dial_progress(c->conn)) > 0) {
        nm_connect_need(k, NM_NEED_LINE);
        return NM_AGAIN;
      }
      err = nm_pace_over(k->pace, c->api->dial_doing(c->conn), e);
    }
    if (err != 0 && k->security.loopback_only && c->api->dial_refused(c->conn)) {
      err = dial_secure(k);
      if (err == 0) {
        continue;
      }
    }
    if (c->conn != NULL) {
      err = read_lines(k, err);
    }
    return err == 0 ? hand_over(k) : err;
  }
}
