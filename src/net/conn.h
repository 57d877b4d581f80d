#ifndef NM_NET_CONN_H
#define NM_NET_CONN_H

#include <curl/curl.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/hidden.h"
#include "net/api.h"
#include "net/shared.h"
#include "net/socket.h"
#include "net/stamp.h"
#include "net/tickets.h"
#include "net/watch.h"

/* All reply lines of one dial: greeting, EHLO twice, AUTH. A server that needs more than this talks for another reason. */
#define NM_DIAL_LINES_MAX 65536

/* One client's libcurl: a multi handle, which holds the connections, and what it shares with others. */
struct nm_net {
  CURLM *multi; /* NULL: each connection has its own, see net.c */
  struct nm_shared *shared;
  struct nm_stamp ca;    /* of the file with the CAs that was last asked for */
  int64_t ca_changed;    /* ms: when it was seen to be another one than before; 0: never */
  pid_t pid;             /* whose handles these are: in a forked child they are left as they are */
  struct nm_watch watch; /* for an event loop */
  int has_worked;        /* libcurl, on all that dial, since the last calm, wait or new dial */
  int nowhere;      /* a descriptor that leads nowhere, put over a socket on which no byte more may go out */
  int hold_sigpipe; /* see net/sigpipe.h */
};

enum nm_conn_state {
  NM_CONN_DIALING,
  NM_CONN_READY,
  NM_CONN_FAILED, /* error says why */
  NM_CONN_DEAD    /* was ready, the line is lost */
};

/* What has been reached; each bit is a sign of progress. */
enum { NM_DIAL_RESOLVED = 1 << 0, NM_DIAL_CONNECTED = 1 << 1, NM_DIAL_SECURE = 1 << 2 };

struct nm_conn {
  struct nm_io io; /* first: an nm_io of ours is the nm_conn */
  struct nm_net *net;
  CURLM *multi; /* the net's or its own; easy stays in it as long as it lives */
  CURL *easy;
  pid_t pid;
  enum nm_conn_state state;
  struct nm_ticket *ticket;  /* NULL: none */
  struct nm_sockets sockets; /* what libcurl was given to connect with */
  int fd;                    /* once ready; libcurl's, never closed by us */
  int is_watched;            /* fd, by net's watch */
  unsigned n_watched;        /* of sockets.n, while dialling */
  int64_t began;             /* ms */
  int is_plain;              /* what is sent goes out on fd as it is */
  int heard;                 /* bytes came in since the last went out, or were acknowledged */
  int has_heard;             /* at any time */

  int done; /* libcurl has ended the dial, with result */
  CURLcode result;
  unsigned reached;    /* NM_DIAL_* */
  struct nm_buf lines; /* of the dial, as they came */
  struct nm_buf log;   /* as dial_log gives it; max 0: not wanted */
  unsigned logged;     /* of reached: what it says already */
  int in_login;        /* AUTH was said: the server's lines may repeat one */
  int in_tunnel;       /* a proxy is spoken to: its lines are nobody's of this dialogue */
  int is_bare;
  int is_local;     /* over a socket of this machine's */
  uint64_t replies; /* complete ones */
  int last_code;    /* of the last complete reply */
  int flood;        /* lines hit its maximum */
  int garbage;      /* a line that is none of a reply */
  int is_over;      /* the server has said that it will not go on */
  int reply_code;   /* of the reply that is being read; 0: a new one begins */
  enum nm_tls tls;
  int loopback_only;
  int refused; /* an address was refused because it is not a loopback one */
  int proxied;
  int is_loopback;
  char words[CURL_ERROR_SIZE]; /* libcurl's CURLOPT_ERRORBUFFER */
  struct nm_error error;
};

NM_HIDDEN_BEGIN

/* net.c */
const char *nm_net_curl_version(void);
/* What libcurl says of itself, asked once. */
const curl_version_info_data *nm_curl_info(void);
/* How old a loaded store of CAs may be for this dial, in seconds: no older than the last change of the file; -1: as libcurl has it. */
long nm_net_ca_age(struct nm_net *net, const char *ca_file);
/* shared NULL: nothing, with nobody. */
struct nm_net *nm_net_new(struct nm_shared *shared);
void nm_net_free(struct nm_net *net);
/* The process that asks: pid_t as getpid gives it. */
static inline pid_t nm_net_process(const struct nm_net *net) {
  return nm_process_id(net->shared != NULL ? net->shared->process : NULL);
}
/* In a forked child: new handles in place of the parent's. */
int nm_net_renew(struct nm_net *net);
int nm_net_watch(struct nm_net *net);
void nm_net_calm(struct nm_net *net);
void nm_net_alarm(struct nm_net *net, int ms);
/* For one connection; NULL when out of memory. Given back once the connection is out of it. */
CURLM *nm_net_multi(struct nm_net *net);
void nm_net_multi_back(struct nm_net *net, CURLM *multi);
/* Lets libcurl work on every connection of the multi handle, and notes in each that has ended its dial how. Once for all that are stepped between
   one nm_net_calm and the next. */
int nm_net_perform(struct nm_net *net, CURLM *multi);
/* Until something may be done for one of them, at most ms (-1: for ever). */
void nm_net_wait(struct nm_net *net, CURLM *multi, int ms);

/* options_check.c: whether libcurl may be told of d. Borrows d. */
int nm_dial_options_check(const struct nm_dial *d, struct nm_error *e);

/* options.c: everything libcurl is told about this dial. Borrows d. */
int nm_dial_options_set(struct nm_conn *c, const struct nm_dial *d, struct nm_error *e);

/* failure.c: what libcurl's code means, with its words and what to do about it, in c->error; returns the NM_E code. */
int nm_failure_explain(struct nm_conn *c, CURLcode rc);
/* Why a ready line was lost, where TLS told it: its code, in e too; 0: nobody knows. */
int nm_failure_of_line(const struct nm_conn *c, struct nm_error *e);

/* dial.c */
int nm_dial_start(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e);
int nm_dial_step(struct nm_conn *c, struct nm_error *e);
int nm_dial_wait(struct nm_conn *c, int ms);
uint64_t nm_dial_progress(const struct nm_conn *c);
const char *nm_dial_doing(const struct nm_conn *c);
void nm_dial_lines(const struct nm_conn *c, const char **p, size_t *n);
int nm_dial_refused(const struct nm_conn *c);
void nm_dial_times(const struct nm_conn *c, struct nm_dial_times *out);

/* dial_log.c */
int nm_dial_log_begin(struct nm_conn *c);
void nm_dial_log_event(struct nm_conn *c, const char *fmt, ...) NM_PRINTF(2, 3);
/* What has been reached since it was last asked. */
void nm_dial_log_reached(struct nm_conn *c);
void nm_dial_log(const struct nm_conn *c, const char **p, size_t *n);

/* conn.c */
/* The dial is done: takes the socket over. */
int nm_conn_ready(struct nm_conn *c);
struct nm_io *nm_conn_io(struct nm_conn *c);
int nm_conn_is_loopback(const struct nm_conn *c);
int nm_conn_rest(struct nm_conn *c, int ms);
int nm_conn_readable(struct nm_conn *c);
void nm_conn_close(struct nm_conn **c, int quietly);
int nm_conn_ssl(struct nm_conn *c, void **ssl, const void **mark);
/* True in a process other than the one that dialled. */
int nm_conn_is_foreign(const struct nm_conn *c);

NM_HIDDEN_END

#endif
