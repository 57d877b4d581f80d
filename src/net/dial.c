#include "net/conn.h"

#include <limits.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/chars.h"
#include "base/clock.h"

/* RFC 5321 4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
               Reply-code = %x32-35 %x30-35 %x30-39
   0 when the line is none. *is_last_out: no further line belongs to it. libcurl splits the lines; it also takes LF alone. */
static int reply_code(const char *p, size_t n, int *is_last_out) {
  if (n < 4 || p[0] < '2' || p[0] > '5' || !nm_is((unsigned char)p[1], NM_CHAR_DIGIT) ||
      !nm_is((unsigned char)p[2], NM_CHAR_DIGIT) || strchr("- \r\n", p[3]) == NULL || p[3] == '\0') {
    return 0;
  }
  *is_last_out = p[3] != '-';
  return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
}

/* What is due now is EHLO's reply: the first one, and the one in TLS. */
static int is_ehlo_due(const struct nm_conn *c) {
  return c->replies == 1 || (c->tls == NM_TLS_STARTTLS && c->replies == 3);
}

/* RFC 5321 4.3.2: only 220 greets, and only 250 is EHLO's; libcurl would take any 2yz, and say HELO after 3yz. */
static int is_out_of_place(const struct nm_conn *c, int code) {
  return code < 400 && ((c->replies == 0 && code != 220) || (is_ehlo_due(c) && code != 250));
}

/* 4yz is no word about EHLO itself, and nothing is said after 421 (RFC 5321 3.8): libcurl would say HELO. */
static int is_the_end(const struct nm_conn *c, int code) {
  return code >= 400 && code < 500 && is_ehlo_due(c);
}

/* CURLOPT_HEADERFUNCTION: one line of the server's. Taking less than all of it ends the dial: libcurl itself would wait for ever for
   an IMAP or HTTP server to say something in SMTP. */
static size_t take_line(char *p, size_t size, size_t n, void *owner) {
  struct nm_conn *c = owner;
  int is_last = 0;
  (void)size; /* always 1 */
  nm_buf_add(&c->lines, p, n);
  if (c->lines.err != 0) {
    c->flood = c->lines.err == NM_ELIMIT;
    return 0;
  }
  int code = reply_code(p, n, &is_last);
  if (code == 0 || (c->reply_code != 0 && code != c->reply_code)) {
    c->garbage = 1;
    return 0;
  }
  c->reply_code = is_last ? 0 : code;
  if (!is_last) {
    return n;
  }
  c->garbage = is_out_of_place(c, code);
  c->is_over = is_the_end(c, code);
  c->last_code = code;
  c->replies++;
  return c->garbage || c->is_over ? 0 : n;
}

/* CURLOPT_WRITEFUNCTION: a dial has no body; by default libcurl would write one to the host's stdout. */
static size_t swallow(char *p, size_t size, size_t n, void *owner) {
  (void)p;
  (void)owner;
  return size * n;
}

static const char *address_text(const struct curl_sockaddr *a, char *room) {
  nm_sockaddr_text(&a->addr, a->addrlen, room, NM_PEER_TEXT_MAX);
  return room[0] != '\0' ? room : "a socket of this machine";
}

/* CURLOPT_OPENSOCKETFUNCTION: called with each address before it is connected to. */
static curl_socket_t open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *a) {
  struct nm_conn *c = owner;
  (void)purpose;
  nm_dial_log_event(c, "connecting to %s", address_text(a, (char[NM_PEER_TEXT_MAX]){0}));
  if (c->loopback_only && !c->is_local && !nm_sockaddr_is_loopback(&a->addr, a->addrlen)) {
    c->refused = 1;
    return CURL_SOCKET_BAD;
  }
  return nm_sockets_open(&c->sockets, a->family, a->socktype, a->protocol);
}

static CURLcode set_callbacks(struct nm_conn *c) {
  CURL *h = c->easy;
  CURLcode rc = curl_easy_setopt(h, CURLOPT_PRIVATE, (char *)c);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->words);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_line);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, swallow);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
  rc = rc != CURLE_OK ? rc : curl_easy_setopt(h, CURLOPT_SHARE, c->net->shared->share);
  return rc;
}

/* Behind a proxy nobody here knows the peer's address, so nothing is even tried. */
static int refuse_proxied(struct nm_conn *c) {
  c->state = NM_CONN_FAILED;
  c->refused = 1;
  return nm_error_set(&c->error, NM_EINVAL, NM_KIND_TLS,
                      "without TLS only a loopback address may be reached, and not through a proxy");
}

static int begin(struct nm_conn *c, const struct nm_dial *d, struct nm_error *e) {
  int rc = nm_net_renew(c->net);
  if (rc != 0) {
    return nm_error_nomem(e);
  }
  c->multi = nm_net_multi(c->net);
  c->easy = curl_easy_init();
  if (c->multi == NULL || c->easy == NULL) {
    return nm_error_nomem(e);
  }
  rc = nm_dial_options_set(c, d, e);
  rc = rc == 0 && d->wants_log && nm_dial_log_begin(c) != 0 ? nm_error_nomem(e) : rc;
  if (rc != 0) {
    return rc;
  }
  if (c->loopback_only && c->proxied) {
    (void)refuse_proxied(c);
    return 0;
  }
  if (set_callbacks(c) != CURLE_OK || curl_multi_add_handle(c->multi, c->easy) != CURLM_OK) {
    return nm_error_nomem(e);
  }
  return 0;
}

int nm_dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e) {
  *out = NULL;
  struct nm_conn *c = nm_zalloc(sizeof *c);
  if (c == NULL) {
    return nm_error_nomem(e);
  }
  c->net = net;
  c->pid = nm_net_process(net);
  c->began = nm_clock_ms();
  c->fd = -1;
  c->lines.max = NM_DIAL_LINES_MAX;
  c->tls = d->tls;
  c->loopback_only = d->loopback_only;
  c->is_bare = d->is_bare;
  c->is_local = d->socket_path != NULL;
  c->proxied = d->proxy != NULL && d->proxy[0] != '\0';
  int rc = begin(c, d, e);
  if (rc != 0) {
    nm_conn_close(&c, 1);
    return rc;
  }
  *out = c;
  return 0;
}

static int64_t when(const struct nm_conn *c, CURLINFO what) {
  curl_off_t us = 0;
  return curl_easy_getinfo(c->easy, what, &us) == CURLE_OK ? us : 0;
}

/* By the sockets themselves: of an address with TLS some versions of libcurl (7.88) note the time only when TLS is there. */
static int is_connected(const struct nm_conn *c) {
  int fds[NM_SOCKETS_MAX];
  struct sockaddr_storage a;
  unsigned n = c->proxied ? 0 : nm_sockets_list(&c->sockets, fds); /* a proxy is not the server yet */
  for (; n > 0; n--) {
    socklen_t len = sizeof a;
    if (getpeername(fds[n - 1], (struct sockaddr *)&a, &len) == 0) {
      return 1;
    }
  }
  return when(c, CURLINFO_CONNECT_TIME_T) > 0;
}

/* Once TCP is up the caller's clock alone decides: a greeting, EHLO, TLS or AUTH that is slow but comes must not fail because
   the connect phase was given a sum. (libcurl reads this option anew at each look at its clock.) */
static void note_progress(struct nm_conn *c) {
  if (when(c, CURLINFO_NAMELOOKUP_TIME_T) > 0) {
    c->reached |= NM_DIAL_RESOLVED;
  }
  if ((c->reached & NM_DIAL_CONNECTED) == 0 && is_connected(c)) {
    c->reached |= NM_DIAL_CONNECTED;
    c->refused = 0; /* another address of the same name was a loopback one */
    (void)curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX);
  }
  if (when(c, CURLINFO_APPCONNECT_TIME_T) > 0) {
    c->reached |= NM_DIAL_SECURE;
  }
  nm_dial_log_reached(c);
}

void nm_dial_times(const struct nm_conn *c, struct nm_dial_times *out) {
  *out = (struct nm_dial_times){.resolved = when(c, CURLINFO_NAMELOOKUP_TIME_T),
                                .connected = when(c, CURLINFO_CONNECT_TIME_T),
                                .secure = when(c, CURLINFO_APPCONNECT_TIME_T),
                                .ready = when(c, CURLINFO_TOTAL_TIME_T)};
}

static int go_on(struct nm_conn *c) {
  int rc = nm_net_perform(c->net, c->multi);
  if (rc != 0) {
    return nm_failure_explain(c, rc == NM_ENOMEM ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
  }
  note_progress(c);
  if (!c->done) {
    /* Now, before the wait: what is yet unacknowledged may be all the server waits for. */
    nm_sockets_ack(&c->sockets);
    return NM_AGAIN;
  }
  return c->result == CURLE_OK ? nm_conn_ready(c) : nm_failure_explain(c, c->result);
}

int nm_dial_step(struct nm_conn *c, struct nm_error *e) {
  int rc = c->error.code;
  if (nm_conn_is_foreign(c)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT, "this connection belongs to the parent process");
  }
  if (c->state == NM_CONN_DEAD) {
    return nm_error_set(e, NM_EIO, NM_KIND_CONNECT, "the connection is lost");
  }
  if (c->state == NM_CONN_DIALING) {
    rc = go_on(c);
  }
  if (rc < 0 && e != NULL) {
    *e = c->error;
  }
  return rc;
}

/* libcurl polls all connections of the multi handle that are dialling, and its own timers: it may return early, for another one. */
int nm_dial_wait(struct nm_conn *c, int ms) {
  if (c->state != NM_CONN_DIALING || c->done || nm_conn_is_foreign(c)) {
    return 0;
  }
  int64_t start = nm_clock_ms();
  nm_net_wait(c->net, c->multi, ms);
  return ms >= 0 && nm_clock_ms() - start >= ms ? NM_ETIME : 0;
}

uint64_t nm_dial_progress(const struct nm_conn *c) {
  unsigned bits = c->reached;
  return c->replies + (bits & 1u) + (bits >> 1 & 1u) + (bits >> 2 & 1u);
}

const char *nm_dial_doing(const struct nm_conn *c) {
  if ((c->reached & NM_DIAL_RESOLVED) == 0) {
    return "the name server";
  }
  if ((c->reached & NM_DIAL_CONNECTED) == 0) {
    return "the connection";
  }
  if (c->replies > 0) {
    return "the server's words";
  }
  if (c->tls == NM_TLS_IMPLICIT) {
    return c->is_bare ? "TLS" : "TLS and the server's greeting";
  }
  return "the server's greeting (if it begins with TLS on this port, set EnableSsl and ImplicitTls)";
}

void nm_dial_lines(const struct nm_conn *c, const char **p, size_t *n) {
  struct nm_str s = nm_buf_str(&c->lines);
  *p = s.p;
  *n = s.n;
}

int nm_dial_refused(const struct nm_conn *c) {
  return c->state == NM_CONN_FAILED && c->refused;
}
