#include "send_dial.h"

#include <string.h>

#include "base/clock.h"
#include "pool.h"

static int dial(struct nm_sending *s) {
  return nm_connect_begin(&s->connecting, s->via, s->pace, s->out);
}

/* Before another server is asked: nothing of the last one's is known any more. */
static void forget_server(struct nm_sending *s) {
  int64_t spent[NM_PHASES];
  memcpy(spent, s->out->spent, sizeof spent);
  nm_sent_free(s->out);
  memcpy(s->out->spent, spent, sizeof spent);
}

/* Whose connection is used from here on. NM_ENOMEM. */
static int choose_server(struct nm_sending *s, size_t server) {
  forget_server(s);
  s->server = server;
  s->via = server == 0 ? s->client : nm_pool_take(s->client, s->as, 0, server);
  return s->via != NULL ? 0 : nm_error_nomem(&s->out->error);
}

/* Where nothing was handed over to anybody, another server may do better. */
int nm_sending_dial_on(struct nm_sending *s, int err) {
  struct nm_servers *all = &s->client->servers;
  while (err < 0 && err != NM_AGAIN && s->as != NULL && s->mail.split.n_runs == 0 &&
         nm_sent_may_elsewhere(s->out)) {
    size_t next;
    int64_t now = nm_clock_ms();
    nm_servers_note(all, s->server, 0, now);
    s->tried |= 1u << s->server;
    if (!nm_servers_next(all, s->tried, now, &next)) {
      return nm_sent_say_all_failed(s->out);
    }
    nm_pace_rest(s->pace); /* Timeout begins anew; Deadline does not */
    err = choose_server(s, next);
    err = err == 0 ? dial(s) : err;
  }
  return err;
}

/* Where there are several servers: which one it begins with. Their connections are made as the client is now. */
static int choose_first(struct nm_sending *s) {
  struct nm_client *c = s->client;
  if (c->servers.n == 0 || s->as != NULL) {
    return 0;
  }
  if (nm_pool_snapshot(c, &s->as) != 0) {
    return nm_error_nomem(&s->out->error);
  }
  return choose_server(s, nm_servers_first(&c->servers, nm_clock_ms()));
}

int nm_sending_dial(struct nm_sending *s) {
  int err = choose_first(s);
  return nm_sending_dial_on(s, err == 0 ? dial(s) : err);
}
