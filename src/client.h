#ifndef NM_CLIENT_H
#define NM_CLIENT_H

#include <stdint.h>
#include <sys/types.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "credential.h"
#include "mechanism.h"
#include "net/api.h"
#include "pace.h"
#include "send_options.h"
#include "smtp/session.h"
#include "smtp/split_rcpt.h"

#define NM_PORT_DEFAULT 25
#define NM_TIMEOUT_DEFAULT 100000
/* Paths, proxy URLs, names. */
#define NM_OPTION_MAX 4096
/* Mechanisms there are, one credential each at most, and "" beside them. */
#define NM_LOGIN_MAX 8

/* A credential set for one protocol, with the host it was set for. */
struct nm_host_credential {
  unsigned mechs; /* one bit, or NM_MECHS_ANY for "" */
  struct nm_buf host;
  struct nm_credential *credential;
};

/* The options are plain values that may change between sends; a send takes them as they are at its beginning. The text options
   are NUL-terminated and empty when not set. */
struct nm_client {
  unsigned refs;

  struct nm_buf host;
  int port;
  int enable_ssl;
  int implicit_tls; /* 1, 0; -1: by the port, 465 and no other */
  int allow_plaintext_auth;
  int all_or_nothing;
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

  struct nm_sending *sending; /* the one send that is on its way; NULL: none */

  /* The kept connection. */
  const struct nm_net_api *api;
  struct nm_net *net;
  struct nm_conn *conn; /* NULL: none */
  struct nm_session *session;
  int64_t rests_since; /* ms: when the session became idle */
  struct nm_buf key;   /* everything the connection's identity is made of, secrets too: wiped */
  pid_t pid;
};

/* Of one send; the last three are the session's, of each transaction. */
enum { NM_PHASE_CONNECT, NM_PHASE_ENVELOPE, NM_PHASE_CONTENT, NM_PHASE_REPLY, NM_PHASES };

/* What became of one send; all-zero before. */
struct nm_sent {
  struct nm_txn_result txn;
  struct nm_error error;    /* the whole sentence for the user; code 0 on success */
  struct nm_reply reply;    /* of the dial phase, when it failed there; code 0: see txn.reply */
  const char *command;      /* the command error is about; NULL */
  int64_t spent[NM_PHASES]; /* ms in each phase, of all transactions together */
  struct nm_error rest; /* partial: why a transaction after the first was not accepted; code 0: they were */
};

/* One send on its way. All-zero: none. Stays where it is until it is over. */
struct nm_sending {
  struct nm_client *client; /* one reference; NULL: it is over */
  struct nm_source *content;
  struct nm_pace *pace;
  struct nm_sent *out;
  struct nm_split split;
  int fresh;      /* the line was dialled for it */
  int is_waiting; /* the content has said "not now" */
  int64_t since;  /* ms: when phase began, or was measured last */
  int phase;
  int n_idle; /* answers in a row by which the content gave nothing */
};

NM_HIDDEN_BEGIN

int nm_client_new(struct nm_client **out);
struct nm_client *nm_client_ref(struct nm_client *c);
/* The last one drops the connection without a word. */
void nm_client_unref(struct nm_client **c);

/* A domain name or an IP address (IPv6 with or without brackets); non-ASCII names are refused with a word. */
int nm_client_set_host(struct nm_client *c, struct nm_str host, struct nm_error *e);
int nm_client_set_local_name(struct nm_client *c, struct nm_str name, struct nm_error *e);
/* slot: one of the text options that have no grammar of their own; NUL and control bytes are refused. */
int nm_client_set_option(struct nm_buf *slot, struct nm_str value, const char *what, struct nm_error *e);
/* PEM files; key and password may be empty. None of the three is changed when one is refused. */
int nm_client_set_certificate(struct nm_client *c, struct nm_str file, struct nm_str key,
                              struct nm_str password, struct nm_error *e);
/* scheme://[user:password@]host[:port], scheme http, https, socks4, socks4a, socks5, socks5h. */
int nm_client_set_proxy(struct nm_client *c, struct nm_str url, struct nm_error *e);
/* For the present host; NULL takes it away. */
int nm_client_set_credential(struct nm_client *c, unsigned mechs, struct nm_credential *credential);
/* NULL when there is none that was set for the present host. */
struct nm_credential *nm_client_credential(const struct nm_client *c, unsigned mechs);

/* Sends one message within pace, which began when the caller's work on it did: dials or uses the kept connection, runs the
   transaction, keeps the connection when it is still good. Blocks, but for the content: NM_AGAIN when that has said "not now". Then the
   caller sees that it gets bytes (nm_pieces_waiting tells who waits for them), calls nm_client_step, and again until it is
   over. Timeout does not count the time that a content takes for its next bytes (the server may well have less
   patience), Deadline does. A content that goes on giving nothing for Timeout ends the send; asked too often in vain,
   step rests a little.
   0: accepted or partial; else out->error says why, and out->txn.outcome what became of it. content stands at its first byte.
   Everything is kept until it is over. One send at a time: NM_EINVAL while another is on its way. */
int nm_client_begin(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                    struct nm_pace *pace, struct nm_sent *out, struct nm_sending *s);
int nm_client_step(struct nm_sending *s);
/* Ends it if it is on its way: the line is dropped, and the message does not end in a dot. why (copied) is what out->error
   and the next step say; NULL when nobody asks any more. */
void nm_client_cancel(struct nm_sending *s, const struct nm_error *why);
/* What the connected server offers, until the next call that does something; NULL: there is no connection. */
const struct nm_caps *nm_client_caps(const struct nm_client *c);
void nm_sent_free(struct nm_sent *s);
/* QUIT without waiting, then the line is dropped. The next send dials again. A send that is on its way is cancelled. */
void nm_client_close(struct nm_client *c);

NM_HIDDEN_END

#endif
