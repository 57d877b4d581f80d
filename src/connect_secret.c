#include "connect.h"
#include "kept.h"

/* What a function of the user's gives for the login. */

static void forget_secret(struct nm_connecting *k) {
  nm_buf_free(&k->secret);
  k->secret = (struct nm_buf){.max = NM_SECRET_MAX, .secret = 1};
  k->has_secret = 0;
  k->said.secret = nm_str("", 0);
}

void nm_connect_next_way(struct nm_connecting *k) {
  k->i++;
  k->n_asked = 0;
  forget_secret(k);
}

int nm_connect_may_ask_again(const struct nm_connecting *k) {
  const struct nm_login *way = &k->logins.ways[k->i];
  return way->credential != NULL && way->credential->giver.what != NULL && k->n_asked == 1;
}

int nm_connect_ask_again(struct nm_connecting *k) {
  struct nm_client *c = k->client;
  forget_secret(k);
  k->out->error = (struct nm_error){0};
  k->state = NM_CONNECT_CHOOSE;
  if (c->session == NULL || nm_session_state(c->session) != NM_SESSION_IDLE) {
    nm_kept_drop(c); /* the server has hung up meanwhile, or it was libcurl's dial */
  }
  return NM_AGAIN;
}

struct nm_credential *nm_connect_giver(const struct nm_connecting *k, int *is_again_out) {
  *is_again_out = k->n_asked > 0;
  return k->logins.ways[k->i].credential;
}

void nm_connect_give_secret(struct nm_connecting *k, struct nm_str secret) {
  nm_buf_reset(&k->secret);
  nm_buf_add_str(&k->secret, secret);
  k->has_secret = k->has_rested = 1;
  k->n_asked++;
  nm_pace_rest(k->pace);
}
