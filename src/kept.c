#include "kept.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "pool.h"

/* As octets: a key is made for each send, and only ever compared. */
static void key_add_number(struct nm_buf *key, uint64_t n) {
  nm_buf_add(key, (const char *)&n, sizeof n);
}

static void key_add(struct nm_buf *key, const struct nm_buf *b) {
  key_add_number(key, b->n);
  nm_buf_add_str(key, nm_buf_str(b));
}

/* A giver has no value to compare: it is the same as long as nobody has set it anew. */
static void key_add_credential(struct nm_buf *key, const struct nm_credential *credential) {
  key_add(key, &credential->user);
  key_add(key, &credential->password);
  key_add(key, &credential->domain);
  nm_buf_add_byte(key, credential->giver.what != NULL);
  if (credential->giver.what != NULL) {
    key_add_number(key, (uintptr_t)credential);
    key_add_number(key, credential->version);
  }
}

int nm_kept_key(const struct nm_client *c, const struct nm_logins *logins, struct nm_buf *key) {
  const struct nm_buf *texts[] = {&c->host,      &c->local_name, &c->ca_file,      &c->ca_path,
                                  &c->cert_file, &c->key_file,   &c->key_password, &c->proxy};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    key_add(key, texts[i]);
  }
  const int numbers[] = {c->port,       c->enable_ssl,        c->implicit_tls, c->allow_plaintext_auth,
                         c->ip_version, (int)c->minimum_auth, c->is_lmtp};
  nm_buf_add(key, (const char *)numbers, sizeof numbers);
  for (size_t i = 0; i < logins->n; i++) {
    const struct nm_login *way = &logins->ways[i];
    key_add_number(key, way->mechs);
    nm_buf_add_byte(key, (char)(way->named << 1 | (way->credential != NULL)));
    if (way->credential != NULL) {
      key_add_credential(key, way->credential);
    }
  }
  return key->err;
}

int nm_kept_identity(const struct nm_client *c, struct nm_buf *key_out) {
  struct nm_logins logins;
  struct nm_error none;
  *key_out = (struct nm_buf){.max = c->key.max, .secret = 1};
  int err = nm_login_find(c, &logins, &none);
  err = err == 0 ? nm_kept_key(c, &logins, key_out) : err;
  nm_logins_free(&logins);
  return err;
}

int nm_kept_is_old(const struct nm_client *c, int rests) {
  int64_t idle_max = rests ? c->idle_max : 0;
  if (idle_max == 0 && c->life_max == 0) { /* mostly; and this is asked for each message */
    return 0;
  }
  int64_t now = nm_clock_ms();
  return (idle_max > 0 && now - c->rests_since > idle_max) ||
         (c->life_max > 0 && now - c->lives_since > c->life_max);
}

/* Readable while idle means dead: the server has hung up, or says something nobody asked for (often 421). */
int nm_kept_is_usable(struct nm_client *c, const struct nm_buf *key) {
  return c->conn != NULL && c->pid == nm_process_id(c->process) &&
         nm_session_state(c->session) == NM_SESSION_IDLE && !nm_session_is_spent(c->session) &&
         !nm_kept_is_old(c, 1) && nm_str_eq(nm_buf_str(key), nm_buf_str(&c->key)) &&
         !c->api->conn_readable(c->conn);
}

void nm_kept_drop(struct nm_client *c) {
  if (c->conn != NULL) {
    c->api->conn_close(&c->conn, 1);
  }
  nm_session_free(&c->session);
  nm_buf_free(&c->key);
  for (size_t i = 0; i < NM_LOGIN_MAX; i++) {
    nm_credential_unref(&c->users[i]);
  }
  c->mechanism = 0;
  c->is_secure = 0;
}

void nm_kept_move(struct nm_client *from, struct nm_client *to) {
  if (from->conn == NULL || to->conn != NULL) {
    return;
  }
  nm_kept_drop(to);
  to->conn = from->conn;
  to->session = from->session;
  to->mechanism = from->mechanism;
  to->is_secure = from->is_secure;
  to->rests_since = from->rests_since;
  to->lives_since = from->lives_since;
  to->key = from->key;
  to->pid = from->pid;
  memcpy(to->users, from->users, sizeof to->users);
  from->conn = NULL; /* and the rest with it */
  from->session = NULL;
  from->key = (struct nm_buf){.max = to->key.max, .secret = 1};
  memset(from->users, 0, sizeof from->users);
  nm_kept_drop(from);
}

void nm_kept_hang_up(struct nm_client *c) {
  if (c->conn != NULL && c->session != NULL && c->pid == nm_process_id(c->process) &&
      nm_session_quit(c->session) == 0) {
    const char *p;
    size_t n, done;
    nm_session_output(c->session, &p, &n);
    struct nm_io *io = c->api->conn_io(c->conn);
    if (io->ops->send(io, p, n, &done) == 0) { /* best effort: nothing waits for its end */
      nm_session_sent(c->session, done);
    }
    c->api->conn_close(&c->conn, 0);
  }
  nm_kept_drop(c);
}

void nm_kept_leave_parents(struct nm_client *c) {
  if (c->net != NULL && c->pid != nm_process_id(c->process)) {
    nm_pool_free(c);
    nm_kept_drop(c);
    c->api->net_free(c->net);
    c->net = NULL;
  }
  c->pid = nm_process_id(c->process);
}
