#ifndef NM_CLIENT_H
#define NM_CLIENT_H

#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include "base/binding.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/held.h"
#include "base/hidden.h"
#include "credential.h"
#include "net/api.h"
#include "send_options.h"
#include "servers.h"
#include "smtp/session.h"
#include "smtp/trace.h"

#define NM_PORT_DEFAULT 25
#define NM_TIMEOUT_DEFAULT 100000
#define NM_TRACE_LEVEL_MAX 3
/* Paths, proxy URLs, names. */
#define NM_OPTION_MAX 4096
/* A host, ":", and a port. */
#define NM_PLACE_MAX (NM_HOST_MAX + 16)
#define NM_PLACE(c) nm_client_place(c, &(struct nm_place){0})
/* Mechanisms there are, one credential each at most, and "" beside them. */
#define NM_LOGIN_MAX 16

/* A credential set for one protocol, with the host it was set for. */
struct nm_host_credential {
  unsigned mechs; /* one bit of NM_SASL_*, or NM_SASL_ANY for "" */
  struct nm_buf host;
  struct nm_credential *credential;
};

/* Where a client sends to at one moment: functions of the user's may change it while it sends. */
struct nm_place {
  char text[NM_PLACE_MAX]; /* for people: "mail.example.org:25", "unix:/run/lmtp"; empty: not known yet */
  char host[NM_HOST_MAX + 1];
  int port; /* 0: a socket of this machine's */
  int is_proxied;
};

static inline void nm_place_copy(struct nm_place *to, const struct nm_place *from) {
  memcpy(to->text, from->text, strlen(from->text) + 1);
  memcpy(to->host, from->host, strlen(from->host) + 1);
  to->port = from->port;
  to->is_proxied = from->is_proxied;
}

/* The options are plain values that may change between sends; a send takes them as they are at its beginning. The text options
   are NUL-terminated and empty when not set. */
struct nm_client {
  unsigned refs;

  struct nm_buf host;
  int port;
  struct nm_servers servers; /* beside host */
  int enable_ssl;
  int implicit_tls; /* 1, 0; -1: by the port, 465 and no other */
  int allow_plaintext_auth;
  unsigned minimum_auth; /* bit of the mechanism than which none may be weaker; 0: any */
  int is_lmtp;           /* RFC 2033 */
  int all_or_nothing;
  int64_t idle_max, life_max;    /* ms that a connection may rest, and live; 0: as long as the server likes */
  size_t max_connections;        /* of a flight that says nothing else */
  enum nm_pipelining pipelining; /* how far it may run ahead of the server's replies */
  unsigned distrust; /* how many steps below that the server has shown that it needs; forgotten with Host */
  struct nm_send_options *options; /* asked for each send; NULL: nothing */
  size_t rcpt_max; /* recipients of one transaction, as the caller knows of the server; 0: no limit known */
  int use_default_credentials;
  int timeout;      /* ms */
  int64_t deadline; /* ms; 0: none */
  int ip_version;   /* 0, 4, 6 */
  struct nm_buf local_name;
  struct nm_buf ca_file, ca_path;
  struct nm_buf cert_file, key_file, key_password;
  struct nm_buf proxy;
  struct nm_host_credential own[NM_LOGIN_MAX]; /* ThisHostCredentials */
  size_t n_own;
  struct nm_credential_cache *credentials;

  struct nm_sending *sending; /* what is on its way: a send or a question, one at a time; NULL: none */
  struct nm_held tracer;      /* sees what is said */
  int trace_level; /* 1: what the client says; 2: the server too; 3: and what happens to the connection */
  struct nm_trace
      *trace;     /* what was said and the tracer has not seen; made with the first tracer, and kept */
  int is_showing; /* the tracer works on a line: nobody else calls it meanwhile */

  /* The kept connection. */
  const struct nm_net_api *api;
  const struct nm_digest_api *digest;   /* NULL: netmail.crypto was not needed yet */
  const struct nm_binding_api *binding; /* comes with digest */
  struct nm_shared *shared;             /* by all clients of a Lua state; NULL: nobody has said by whom */
  struct nm_net *net;
  struct nm_conn *conn; /* NULL: none */
  struct nm_session *session;
  unsigned mechanism;                        /* somebody is logged in by this one; 0: nobody */
  int is_secure;                             /* the line is encrypted, and the server's name was verified */
  struct nm_credential *users[NM_LOGIN_MAX]; /* counted: those whose givers are part of key */
  int64_t rests_since;                       /* ms: when the session became idle */
  int64_t lives_since;                       /* ms: when it was dialled */
  struct nm_buf key; /* everything the connection's identity is made of, secrets too: wiped */
  pid_t pid;
  struct nm_process *process; /* asked which one this is; NULL: the system is */

  /* Further connections (pool.h). */
  size_t pool_line, pool_server; /* of one of these: which it is */
  struct nm_client **others;
  size_t n_others;
  struct nm_flight *flight; /* messages are on their way over these (flight.h); NULL: none */
  size_t n_errands; /* of tasks, that are not over, begun or not: who wants to block looks at them first */
};

NM_HIDDEN_BEGIN

int nm_client_new(struct nm_client **out);
struct nm_client *nm_client_ref(struct nm_client *c);
/* The last one drops the connection without a word. */
void nm_client_unref(struct nm_client **c);

/* It dials by these from now on; shared may be NULL, and so may the process, of which it has a reference as long as of shared. */
void nm_client_use_net(struct nm_client *c, const struct nm_net_api *api, struct nm_shared *shared,
                       struct nm_process *process);
/* 0: there is c->net, one of its own. */
int nm_client_need_net(struct nm_client *c);

/* A domain name, an IP address (IPv6 with or without brackets), or "unix:" and the absolute path of a socket. */
int nm_client_set_host(struct nm_client *c, struct nm_str host, struct nm_error *e);
int nm_client_set_local_name(struct nm_client *c, struct nm_str name, struct nm_error *e);
/* No control characters, and no more than NM_OPTION_MAX. */
int nm_client_check_option(struct nm_str value, const char *what, struct nm_error *e);
/* slot: one of the text options that have no grammar of their own; NUL and control bytes are refused. */
int nm_client_set_option(struct nm_buf *slot, struct nm_str value, const char *what, struct nm_error *e);
/* PEM files; key and password may be empty. None of the three is changed when one is refused. */
int nm_client_set_certificate(struct nm_client *c, struct nm_str file, struct nm_str key,
                              struct nm_str password, struct nm_error *e);
/* scheme://[user:password@]host[:port], scheme http, https, socks4, socks4a, socks5, socks5h. */
int nm_client_set_proxy(struct nm_client *c, struct nm_str url, struct nm_error *e);
/* For the present host; NULL takes it away. */
int nm_client_set_credential(struct nm_client *c, unsigned mechs, struct nm_credential *credential);
/* How far it may run ahead of this server, which may have got wrong what was done so before. */
enum nm_pipelining nm_client_pipelining(const struct nm_client *c);
/* The server has got wrong what was done so: from here on less is. */
void nm_client_distrust(struct nm_client *c, enum nm_pipelining done);
/* All of them. */
void nm_client_forget_credentials(struct nm_client *c);
/* What sees the trace; NULL takes it away. Takes tracer, also when memory is short (NM_ENOMEM). */
int nm_client_set_tracer(struct nm_client *c, void *tracer, void (*release)(void *tracer));
/* Where a new connection's words go; NULL: nobody looks. */
struct nm_trace *nm_client_trace(const struct nm_client *c);
/* Where it sends to now. Returns out's text. */
const char *nm_client_place(const struct nm_client *c, struct nm_place *out);
/* The path when Host is a socket of this machine's; else NULL. */
const char *nm_client_socket(const struct nm_client *c);
/* NULL when there is none that was set for the present host. */
struct nm_credential *nm_client_credential(const struct nm_client *c, unsigned mechs);

/* What the connected server offers, until the next call that does something; NULL: there is no connection. */
const struct nm_caps *nm_client_caps(const struct nm_client *c);
/* QUIT without waiting, then the line is dropped. The next send dials again. A send that is on its way is cancelled. */
void nm_client_close(struct nm_client *c);

NM_HIDDEN_END

#endif
