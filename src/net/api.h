#ifndef NM_NET_API_H
#define NM_NET_API_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/io.h"
#include "base/process.h"

/* What netmail.net offers to netmail.core: a table of functions, handed over through the Lua registry, so that neither
   shared object links the other and libcurl is loaded at the first send. Nothing allocated on one side is freed by the other. */
#define NM_NET_API_KEY "netmail.net.api"
#define NM_NET_API_MAGIC 0x6e6d6e74u
#define NM_NET_API_VERSION 7u

enum nm_tls { NM_TLS_NONE, NM_TLS_STARTTLS, NM_TLS_IMPLICIT };

/* Borrowed until dial_start returns. NULL strings: not set. */
struct nm_dial {
  const char *host; /* checked by the caller: a domain or an IP address (IPv6 without brackets) */
  int port;
  enum nm_tls tls; /* STARTTLS: required */
  int loopback_only; /* connect only if the address is a loopback one: else NM_EINVAL from step, and dial_refused says so */
  int is_bare; /* nothing is said: the line alone, in TLS or not, and the server's greeting still to be read. Not with STARTTLS. */
  int wants_log;           /* dial_log */
  const char *socket_path; /* a socket of this machine's in place of host and port */
  const char *ehlo_name;   /* checked by the caller: a domain or an address literal */
  const char *user;        /* NULL: no AUTH at all */
  const char *password;
  const char *mechanisms; /* separated by one space, upper case; never empty when user is set */
  const char *ca_file;
  const char *ca_path;
  const char *cert_file; /* PEM */
  const char *key_file;
  const char *key_password;
  const char *proxy; /* URL; NULL: none, and the environment's proxies are not used */
  int ip_version;    /* 0: any, 4, 6 */
  int timeout_ms;    /* without progress, for the connect phase's share between addresses */
};

/* When what was reached, in microseconds since the dial began; 0: never. */
struct nm_dial_times {
  int64_t resolved;
  int64_t connected;
  int64_t secure;
  int64_t ready;
};

struct nm_shared; /* of any number of clients: DNS cache, TLS sessions, loaded CAs; counted */
struct nm_net;    /* one a client: its connections */
struct nm_conn;   /* one connection */

struct nm_net_api {
  uint32_t magic;
  uint32_t version;
  uint32_t size;
  const char *(*curl_version)(void);
  /* NULL: out of memory. It keeps process, which may be NULL; whoever holds a reference to the one holds one to the other for as long. */
  struct nm_shared *(*shared_new)(const struct nm_process *process);
  struct nm_shared *(*shared_ref)(struct nm_shared *shared);
  void (*shared_unref)(struct nm_shared **shared);
  /* NULL when out of memory or descriptors. In a forked child it serves new dials, apart from the parent's. It keeps shared; NULL: its
     connections share with each other alone. */
  struct nm_net *(*net_new)(struct nm_shared *shared);
  /* All its connections are gone by then. */
  void (*net_free)(struct nm_net *net);
  /* The one descriptor that an event loop watches for reading in place of all connections; it stays the same as long as net lives. -1:
     there is none on this system. In a forked child a new one. */
  int (*net_watch)(struct nm_net *net);
  /* Before a step of what it watches: all that has happened so far is about to be looked at, and makes it readable no more. */
  void (*net_calm)(struct nm_net *net);
  /* It becomes readable after ms (-1: never) even if nothing happens. */
  void (*net_alarm)(struct nm_net *net, int ms);
  /* Begins to dial: DNS, TCP, proxy, TLS or STARTTLS with verification, greeting, EHLO, AUTH. Does not block. */
  int (*dial_start)(struct nm_net *net, const struct nm_dial *d, struct nm_conn **out, struct nm_error *e);
  /* Goes on as far as it can without waiting. 0: ready to speak; NM_AGAIN: call dial_wait, then step again; negative: failed,
     e is filled (kind connect, tls, auth, protocol, timeout) with libcurl's words; the caller adds host and server's reply. */
  int (*dial_step)(struct nm_conn *c, struct nm_error *e);
  /* Waits at most ms (-1: for ever) for something to do. 0 or NM_ETIME. */
  int (*dial_wait)(struct nm_conn *c, int ms);
  /* Grows with every sign of progress: name resolved, connected, TLS up, a complete reply. */
  uint64_t (*dial_progress)(const struct nm_conn *c);
  /* What is waited for: "the name server", "the connection", "the server's words". Static. */
  const char *(*dial_doing)(const struct nm_conn *c);
  /* All reply lines of the dial phase as the server sent them (bounded: a flood ends the dial with NM_ELIMIT). */
  void (*dial_lines)(const struct nm_conn *c, const char **p, size_t *n);
  /* What was said and what happened, in lines: one octet ('C' the client, 'S' the server, '-' an event), the text without its end, LF. What
     AUTH says is not in it, only "***". Grows; empty unless it was wanted. */
  void (*dial_log)(const struct nm_conn *c, const char **p, size_t *n);
  void (*dial_times)(const struct nm_conn *c, struct nm_dial_times *out);
  /* True when loopback_only stopped it: an address was not loopback. */
  int (*dial_refused)(const struct nm_conn *c);
  /* The connection as an io; valid until conn_close. */
  struct nm_io *(*conn_io)(struct nm_conn *c);
  /* Whether the peer is loopback and reached without a proxy. */
  int (*conn_is_loopback)(const struct nm_conn *c);
  /* The SSL of OpenSSL's that encrypts the line, and the address of the SSL_export_keying_material that belongs to it, by which
     somebody else who has an OpenSSL knows whether it is the same one. 0, or NM_EINVAL: there is none. The line is idle. */
  int (*conn_ssl)(struct nm_conn *c, void **ssl, const void **mark);
  /* A ready connection was lost: why, where TLS has told it (a server of TLS 1.3 says behind the handshake that it wants a certificate, or
     another one). The code, and e filled; 0: nobody knows. */
  int (*conn_loss)(const struct nm_conn *c, struct nm_error *e);
  /* Who steps the connection, dialled or not, can get no further now: net_watch's descriptor becomes readable when it may, at the latest
     after ms (-1: no such time). Returns how long that is. */
  int (*conn_rest)(struct nm_conn *c, int ms);
  /* True when there is something to read or the line is broken: on an idle connection both mean dead, and dead it is from
     then on. A TLS record without bytes for us (session ticket, key update) is neither. Does not block. */
  int (*conn_readable)(struct nm_conn *c);
  /* Frees. quietly: not one byte goes out, neither QUIT nor a TLS alert (for __gc and dead lines); else TLS may say its
     goodbye if that needs no waiting. In a forked child always quietly, and the parent's line is left alone. */
  void (*conn_close)(struct nm_conn **c, int quietly);
};

/* What a table from another shared object must be. */
static inline int nm_net_api_fits(const struct nm_net_api *api) {
  return api != NULL && api->magic == NM_NET_API_MAGIC && api->version == NM_NET_API_VERSION &&
         api->size == sizeof *api;
}

#endif
