#include "connect.h"

#include <string.h>
#include <unistd.h>

#include "dialogue.h"

/* How the line is protected, decided before a byte is sent (DESIGN.md 3.1). */
struct security {
  enum nm_tls tls;
  int loopback_only; /* in clear to this machine only; elsewhere STARTTLS is required after all */
};

static const char *text(const struct nm_buf *b) {
  return b->n > 0 ? b->p : NULL;
}

static int choose_security(const struct nm_client *c, const struct nm_logins *logins, struct security *out,
                           struct nm_error *e) {
  int implicit = c->implicit_tls < 0 ? c->port == 465 : c->implicit_tls;
  *out = (struct security){NM_TLS_NONE, 0};
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
  int in_clear = mechs == 0 || c->allow_plaintext_auth || (named && (mechs & NM_MECHS_CLEAR) == 0);
  out->loopback_only = !in_clear;
  return 0;
}

/* ---- whose connection it is ---- */

static void key_add(struct nm_buf *key, const char *p, size_t n) {
  nm_buf_addf(key, "%zu:", n);
  nm_buf_add(key, p, n);
}

static void key_add_buf(struct nm_buf *key, const struct nm_buf *b) {
  key_add(key, b->p, b->n);
}

/* All that DESIGN.md 3.8 counts, by value. */
static int make_key(const struct nm_client *c, const struct nm_logins *logins, struct nm_buf *key) {
  const struct nm_buf *texts[] = {&c->host,      &c->local_name, &c->ca_file,      &c->ca_path,
                                  &c->cert_file, &c->key_file,   &c->key_password, &c->proxy};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    key_add_buf(key, texts[i]);
  }
  nm_buf_addf(key, "%d %d %d %d %d ", c->port, c->enable_ssl, c->implicit_tls, c->allow_plaintext_auth,
              c->ip_version);
  for (size_t i = 0; i < logins->n; i++) {
    const struct nm_login *way = &logins->ways[i];
    nm_buf_addf(key, "%u %d %d ", way->mechs, way->named, way->credential != NULL);
    if (way->credential != NULL) {
      key_add_buf(key, &way->credential->user);
      key_add_buf(key, &way->credential->password);
      key_add_buf(key, &way->credential->domain);
    }
  }
  return key->err;
}

/* Readable while idle means dead: the server has hung up, or says something nobody asked for (often 421). */
static int is_usable(struct nm_client *c, const struct nm_buf *key) {
  return c->conn != NULL && c->pid == getpid() && nm_session_state(c->session) == NM_SESSION_IDLE &&
         !nm_session_is_spent(c->session) && nm_str_eq(nm_buf_str(key), nm_buf_str(&c->key)) &&
         !c->api->conn_readable(c->conn);
}

void nm_connect_drop(struct nm_client *c) {
  if (c->conn != NULL) {
    c->api->conn_close(&c->conn, 1);
  }
  nm_session_free(&c->session);
  nm_buf_free(&c->key);
}

static void hang_up(struct nm_client *c) {
  if (c->conn != NULL && c->pid == getpid() && nm_session_state(c->session) == NM_SESSION_IDLE &&
      nm_session_quit(c->session) == 0) {
    const char *p;
    size_t n, done;
    nm_session_output(c->session, &p, &n);
    struct nm_io *io = c->api->conn_io(c->conn);
    (void)io->ops->send(io, p, n, &done); /* best effort: nothing waits for its end */
    c->api->conn_close(&c->conn, 0);
  }
  nm_connect_drop(c);
}

void nm_client_close(struct nm_client *c) {
  if (c->sending != NULL) {
    struct nm_error why;
    nm_error_set(&why, NM_EINVAL, NM_KIND_CANCELLED, "the client was closed");
    nm_client_cancel(c->sending, &why);
  }
  hang_up(c);
}

/* ---- one dial ---- */

/* libcurl's user name for the way; Domain belongs to NTLM's (DESIGN.md 3.9). */
static int make_user(const struct nm_login *way, struct nm_buf *user) {
  if (way->credential != NULL) {
    if (way->mechs == NM_MECH_NTLM && way->credential->domain.n > 0) {
      nm_buf_add_str(user, nm_buf_str(&way->credential->domain));
      nm_buf_add_byte(user, '\\');
    }
    nm_buf_add_str(user, nm_buf_str(&way->credential->user));
  } else {
    nm_buf_add_c(user, "");
  }
  return user->err;
}

static int run_dial(struct nm_client *c, struct nm_pace *pace, struct nm_error *e) {
  for (;;) {
    int err = c->api->dial_step(c->conn, e);
    if (err != NM_AGAIN) {
      return err;
    }
    int left = nm_pace_left(pace, c->api->dial_progress(c->conn));
    if (left == 0) {
      return nm_pace_over(pace, c->api->dial_doing(c->conn), e);
    }
    (void)c->api->dial_wait(c->conn, left); /* whether in time or not, the next step tells */
  }
}

static int start_dial(struct nm_client *c, const struct nm_login *way, const struct security *security,
                      const char *ehlo_name, struct nm_error *e) {
  struct nm_buf user = {.max = 2 * NM_SECRET_MAX + 1, .secret = 1}, mechs = {.max = 256};
  struct nm_dial d = {.host = c->host.p,
                      .port = c->port,
                      .tls = security->tls,
                      .loopback_only = security->loopback_only,
                      .ehlo_name = ehlo_name,
                      .ca_file = text(&c->ca_file),
                      .ca_path = text(&c->ca_path),
                      .cert_file = text(&c->cert_file),
                      .key_file = text(&c->key_file),
                      .key_password = text(&c->key_password),
                      .proxy = text(&c->proxy),
                      .ip_version = c->ip_version,
                      .timeout_ms = c->timeout};
  int err = 0;
  if (way != NULL) {
    nm_mech_names(&mechs, way->mechs, " ");
    err = make_user(way, &user);
    d.user = user.p;
    d.password = way->credential != NULL ? text(&way->credential->password) : NULL;
    d.password = d.password != NULL ? d.password : "";
    d.mechanisms = mechs.p;
  }
  err = err == 0 && mechs.err == 0 ? c->api->dial_start(c->net, &d, &c->conn, e) : nm_error_nomem(e);
  nm_buf_free(&user);
  nm_buf_free(&mechs);
  return err;
}

/* Dials, and dials again with STARTTLS when the line in clear would have left this machine. */
static int dial(struct nm_client *c, const struct nm_login *way, struct security security,
                struct nm_pace *pace, struct nm_dialogue *said, struct nm_error *e) {
  char name[NM_EHLO_NAME_MAX];
  nm_ehlo_name(text(&c->local_name), name);
  int is_forced = 0;
  int err = start_dial(c, way, &security, name, e);
  if (err == 0) {
    err = run_dial(c, pace, e);
  }
  if (err != 0 && c->conn != NULL && security.loopback_only && c->api->dial_refused(c->conn)) {
    c->api->conn_close(&c->conn, 1);
    security = (struct security){NM_TLS_STARTTLS, 0};
    is_forced = 1;
    *e = (struct nm_error){0};
    err = start_dial(c, way, &security, name, e);
    if (err == 0) {
      err = run_dial(c, pace, e);
    }
  }
  if (c->conn != NULL) {
    const char *lines;
    size_t n;
    c->api->dial_lines(c->conn, &lines, &n);
    said->way = way;
    said->tls = security.tls;
    said->is_tls_forced = is_forced;
    int understood = nm_dialogue_read(said, nm_str(lines, n), err == 0 ? e : NULL);
    err = err == 0 ? understood : err;
  }
  return err;
}

/* ---- all ways ---- */

static int adopt(struct nm_client *c, const struct nm_dialogue *said, struct nm_buf *key,
                 struct nm_error *e) {
  nm_session_free(&c->session);
  c->session = nm_session_new();
  if (c->session == NULL || nm_session_adopt(c->session, &said->caps) != 0) {
    return nm_error_nomem(e);
  }
  nm_buf_free(&c->key);
  c->key = *key;
  *key = (struct nm_buf){.max = key->max, .secret = 1};
  c->pid = getpid();
  return 0;
}

static int offers_one(const struct nm_dialogue *said, unsigned mechs) {
  for (unsigned bit = 1; bit <= NM_MECH_LAST; bit <<= 1) {
    if ((mechs & bit) != 0 && nm_caps_has_auth(&said->caps, nm_mech_name(bit))) {
      return 1;
    }
  }
  return 0;
}

static int dial_new(struct nm_client *c, const struct nm_logins *logins, struct nm_pace *pace,
                    struct nm_dialogue *said, struct nm_error *e) {
  struct security security;
  int err = choose_security(c, logins, &security, e);
  if (err != 0) {
    return err;
  }
  if (c->net == NULL) {
    c->net = c->api->net_new();
    if (c->net == NULL) {
      return nm_error_nomem(e);
    }
  }
  size_t i = 0;
  do {
    const struct nm_login *way = logins->n > 0 ? &logins->ways[i] : NULL;
    nm_dialogue_free(said);
    *e = (struct nm_error){0}; /* what kept the way before from being used is no error of this one */
    err = dial(c, way, security, pace, said, e);
    if (err == 0 && (way == NULL || said->authenticated)) {
      return 0;
    }
    if (err != 0 && !(way != NULL && e->kind == NM_KIND_AUTH && !offers_one(said, way->mechs))) {
      return nm_dialogue_explain(said, c, err, e);
    }
    err = nm_dialogue_no_auth(said, c, offers_one(said, way->mechs), e);
    c->api->conn_close(&c->conn, 1);
  } while (!offers_one(said, logins->ways[i].mechs) && ++i < logins->n);
  return err;
}

/* A forked child never speaks on its parent's line, nor uses what its parent's libcurl holds. */
static void leave_parents_line(struct nm_client *c) {
  if (c->net != NULL && c->pid != getpid()) {
    nm_connect_drop(c);
    c->api->net_free(c->net);
    c->net = NULL;
  }
  c->pid = getpid();
}

int nm_connect(struct nm_client *c, struct nm_pace *pace, struct nm_sent *out, int *fresh_out) {
  struct nm_logins logins;
  struct nm_buf key = {.max = c->key.max, .secret = 1};
  struct nm_dialogue said = {0};
  *fresh_out = 0;
  leave_parents_line(c);
  int err = nm_login_find(c, &logins, &out->error);
  if (err == 0 && make_key(c, &logins, &key) != 0) {
    err = nm_error_nomem(&out->error);
  }
  if (err == 0 && !is_usable(c, &key)) {
    *fresh_out = 1;
    hang_up(c);
    err = dial_new(c, &logins, pace, &said, &out->error);
    if (err == 0) {
      err = adopt(c, &said, &key, &out->error);
    }
    if (err != 0) {
      nm_connect_drop(c);
      if (said.last.code >= 400) { /* else the last word was friendly, and the fault is ours to name */
        (void)nm_reply_copy(&out->reply, &said.last);
      }
      out->command = said.command;
    }
  }
  nm_dialogue_free(&said);
  nm_buf_free(&key);
  return err;
}
