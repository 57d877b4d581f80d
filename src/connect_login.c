#include "connect.h"

#include "kept.h"
#include "smtp/sasl_choice.h"

static unsigned offered(const struct nm_connecting *k) {
  return nm_sasl_offered(nm_buf_str(&nm_session_caps(k->client->session)->auth));
}

static struct nm_sasl_choice choice_of(const struct nm_connecting *k, const struct nm_login *way,
                                       int can_bind) {
  const struct nm_client *c = k->client;
  return (struct nm_sasl_choice){.offered = offered(k),
                                 .allowed = way->mechs,
                                 .is_named = way->named,
                                 .is_protected = c->is_secure || c->allow_plaintext_auth ||
                                                 c->api->conn_is_loopback(c->conn),
                                 .can_bind = can_bind,
                                 .has_certificate = c->is_secure && c->cert_file.n > 0,
                                 .minimum = nm_sasl_strength(c->minimum_auth)};
}

/* ---- what a login needs ---- */

/* SCRAM that could bind to the TLS connection says so also where no -PLUS is offered ("y"): a list that was shortened on the way is
   noticed then (RFC 5802 6). */
static int may_bind(const struct nm_connecting *k, const struct nm_login *way) {
  return (offered(k) & way->mechs & NM_SASL_SCRAM) != 0 && k->client->is_secure;
}

/* 1: the password has to be asked for first. Nobody is asked for one that nobody will be told. */
static int needs_secret(struct nm_connecting *k, const struct nm_login *way) {
  struct nm_sasl_choice choice = choice_of(k, way, may_bind(k, way));
  if (way->credential == NULL || way->credential->giver.what == NULL || k->has_secret ||
      (!nm_login_is_foreign(way) && nm_sasl_choose(&choice, NULL) == 0)) {
    return 0;
  }
  nm_connect_need(k, NM_NEED_SECRET);
  return 1;
}

/* 1: a channel binding may decide which mechanism it is, and only netmail.crypto can get one. */
static int needs_crypto(struct nm_connecting *k, const struct nm_login *way) {
  if (!may_bind(k, way) || k->client->digest != NULL) {
    return 0;
  }
  nm_connect_need(k, NM_NEED_CRYPTO);
  return 1;
}

static int get_binding(const struct nm_client *c, struct nm_binding *out) {
  void *ssl;
  const void *mark;
  *out = (struct nm_binding){0};
  return c->binding != NULL && c->api->conn_ssl(c->conn, &ssl, &mark) == 0 &&
         c->binding->get(ssl, mark, out) == 0;
}

static int make_auth(struct nm_connecting *k, const struct nm_login *way) {
  struct nm_client *c = k->client;
  struct nm_binding binding;
  int can_bind = may_bind(k, way) && get_binding(c, &binding);
  struct nm_sasl_choice choice = choice_of(k, way, can_bind);
  struct nm_sasl_login login = {
      .user = nm_buf_str(&way->credential->user),
      .password = k->has_secret ? nm_buf_str(&k->secret) : nm_buf_str(&way->credential->password),
      .realm = nm_buf_str(&way->credential->domain),
      .host = nm_client_socket(c) != NULL ? NM_STR("localhost") : nm_buf_str(&c->host),
      .port = c->port,
      .service = c->is_lmtp ? NM_STR("lmtp") : nm_str("", 0),
      .digest = c->digest};
  if (can_bind) {
    login.binding_type = nm_str_c(binding.type);
    login.binding = nm_str((const char *)binding.octets, binding.n);
  }
  nm_auth_free(&k->auth);
  return nm_auth_new(&choice, &login, &k->auth);
}

/* ---- one way ---- */

/* Refused before a byte of it was said, or the session talks. */
static int speak(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  (void)nm_session_auth(c->session, k->auth);
  k->state = NM_CONNECT_TALK;
  return nm_session_state(c->session) == NM_SESSION_TALKING ? NM_AGAIN : nm_connect_logged_in(k);
}

/* A function may work for minutes, and the reply that had it asked again may have been the server's last word. */
static int has_hung_up(struct nm_connecting *k) {
  int has_rested = k->has_rested;
  k->has_rested = 0;
  return has_rested && k->client->api->conn_readable(k->client->conn);
}

static int log_in(struct nm_connecting *k, const struct nm_login *way) {
  struct nm_client *c = k->client;
  k->state = NM_CONNECT_CHOOSE;
  if (needs_secret(k, way)) {
    return NM_AGAIN;
  }
  if (nm_login_is_foreign(way)) {
    nm_kept_hang_up(c);
    int err = nm_connect_dial(k, way);
    return err == 0 ? NM_AGAIN : nm_connect_fail(k, err);
  }
  if (needs_crypto(k, way)) {
    return NM_AGAIN;
  }
  if (has_hung_up(k)) {
    nm_kept_drop(c);
    return NM_AGAIN; /* dials again, and has the password then */
  }
  k->said.way = way;
  k->said.secret = k->has_secret ? nm_buf_str(&k->secret) : nm_str("", 0);
  if (make_auth(k, way) != 0) {
    return nm_connect_fail(k, nm_error_nomem(&k->out->error));
  }
  return speak(k);
}

static int is_strong_enough(const struct nm_client *c, unsigned foreign) {
  return nm_sasl_strength(foreign) >= nm_sasl_strength(c->minimum_auth);
}

/* Whether the server has something of it. */
static int suits(const struct nm_connecting *k, const struct nm_login *way) {
  unsigned common = offered(k) & way->mechs;
  return common != 0 && (!nm_login_is_foreign(way) || is_strong_enough(k->client, common));
}

int nm_connect_login(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  if (k->logins.n == 0) {
    return 0;
  }
  while (k->i < k->logins.n && !suits(k, &k->logins.ways[k->i])) {
    nm_connect_next_way(k);
  }
  if (k->i < k->logins.n) {
    return log_in(k, &k->logins.ways[k->i]);
  }
  if (k->out->error.code != 0) { /* the last way that did not work says more than that none is left */
    return nm_connect_fail(k, k->out->error.code);
  }
  unsigned wanted = 0;
  for (size_t i = 0; i < k->logins.n; i++) {
    wanted |= k->logins.ways[i].mechs;
  }
  int code =
      nm_dialogue_no_auth(&k->said, &k->out->place, nm_session_caps(c->session), wanted, &k->out->error);
  nm_kept_hang_up(c);
  return code;
}

/* ---- its end ---- */

static int refused(struct nm_connecting *k, const struct nm_talk_result *r) {
  struct nm_client *c = k->client;
  k->out->error = r->error;
  nm_dialogue_take(&k->said, r);
  if (r->auth == NM_AUTH_END_UNUSABLE && nm_session_state(c->session) == NM_SESSION_IDLE) {
    nm_connect_next_way(k);
    k->state = NM_CONNECT_CHOOSE;
    return k->i < k->logins.n ? NM_AGAIN : nm_connect_fail(k, r->error.code);
  }
  if (r->auth == NM_AUTH_END_REFUSED && nm_auth_fault(k->auth) == NM_SASL_FAULT_SECRET &&
      nm_connect_may_ask_again(k)) {
    return nm_connect_ask_again(k);
  }
  return nm_connect_fail(k, r->error.code);
}

int nm_connect_logged_in(struct nm_connecting *k) {
  const struct nm_talk_result *r = nm_session_talk_result(k->client->session);
  if (r->auth == NM_AUTH_END_DIGEST) {
    if (k->client->digest == NULL) {
      nm_connect_need(k, NM_NEED_CRYPTO);
      return NM_AGAIN;
    }
    nm_auth_give_digest(k->auth, k->client->digest);
    return speak(k);
  }
  if (r->auth != NM_AUTH_END_DONE) {
    return refused(k, r);
  }
  k->client->mechanism = nm_auth_bit(k->auth);
  nm_auth_free(&k->auth);
  return 0;
}
