#ifndef NM_CONNECT_H
#define NM_CONNECT_H

#include "client.h"
#include "dialogue.h"
#include "login.h"
#include "pace.h"
#include "sent.h"

/* What has to be done before a step may get on. */
enum nm_need {
  NM_NEED_NOTHING, /* another step, at once; the trace has something to show before */
  NM_NEED_LINE,    /* wait for it: nm_client_wait, nm_flight_rest */
  NM_NEED_TURN,    /* nothing but another step: the caller wanted to have it back (pace's turn_end) */
  NM_NEED_CONTENT, /* nm_pieces_waiting(content) says whose */
  NM_NEED_SECRET,  /* ask nm_connect_giver's, and hand over what it gives */
  NM_NEED_CRYPTO   /* load netmail.crypto: client's digest and binding */
};

/* How the line is protected, decided before a byte is sent (DESIGN.md 3.1). */
struct nm_security {
  enum nm_tls tls;
  int loopback_only; /* in clear to this machine only; elsewhere STARTTLS is required after all */
  int is_forced;     /* STARTTLS was not asked for, but a password needs it */
};

enum nm_connect_state {
  NM_CONNECT_OVER,
  NM_CONNECT_CHOOSE, /* what is next: a dial, a login, or nothing more */
  NM_CONNECT_DIAL,   /* libcurl works */
  NM_CONNECT_TALK    /* the engine does: the handshake, AUTH */
};

/* A connection on its way. All-zero: none. */
struct nm_connecting {
  enum nm_connect_state state;
  enum nm_need need; /* after NM_AGAIN */
  int fresh;         /* it is a new one */
  struct nm_client *client;
  struct nm_pace *pace;
  struct nm_sent *out;
  struct nm_logins logins;
  size_t i; /* the way that is being tried */
  struct nm_security security;
  int is_bare;         /* libcurl says nothing, and the handshake is the engine's */
  int64_t hello_since; /* ms: when that began */
  struct nm_buf key;
  struct nm_dialogue said;
  size_t log_at;    /* of the dial's log: what the trace has */
  int is_logged_in; /* by libcurl */
  struct nm_auth *auth;
  struct nm_buf secret; /* what the giver gave */
  int has_secret;
  int has_rested; /* the line was idle while the function worked */
  int n_asked;    /* how often it was asked for this connection */
};

NM_HIDDEN_BEGIN

/* Makes c->conn a ready connection, authenticated when there are credentials, with c->session in charge of it: the kept one when
   it still is who it must be and alive (k->fresh = 0), else a new one. 0: it is; NM_AGAIN: k->need says what must be done before
   nm_connect_step. On failure out->error, out->reply and out->command tell, and there is no connection. c, pace and out are kept
   until then. out->place and out->key remember with whom it began: where the client has been changed since, a second connection
   is refused. */
int nm_connect_begin(struct nm_connecting *k, struct nm_client *c, struct nm_pace *pace, struct nm_sent *out);
int nm_connect_step(struct nm_connecting *k);
/* NM_NEED_LINE; ms at most. */
void nm_connect_wait(struct nm_connecting *k, int ms);
/* How long may be waited, ms. */
int nm_connect_left(struct nm_connecting *k);
/* NM_NEED_SECRET: whose; *is_again_out: the server has refused what it gave before. */
struct nm_credential *nm_connect_giver(const struct nm_connecting *k, int *is_again_out);
void nm_connect_give_secret(struct nm_connecting *k, struct nm_str secret);
/* Ends it in the middle. politely: QUIT is said where it can be; else the line is dropped without a word. */
void nm_connect_cancel(struct nm_connecting *k, int politely);

/* Between the files connect*.c. */
/* 0: the client is still what it was when this began. Else a function that was called meanwhile has changed it, and what it was asked
   for belongs to the place of before. */
int nm_connect_check(struct nm_connecting *k);
/* connect_secret.c */
/* This way does not work; what was given for it is forgotten. */
void nm_connect_next_way(struct nm_connecting *k);
/* What a function gave was refused: once, it may give another (a token that had run out). */
int nm_connect_may_ask_again(const struct nm_connecting *k);
/* Always NM_AGAIN. */
int nm_connect_ask_again(struct nm_connecting *k);
/* connect_dial.c */
int nm_security_choose(const struct nm_client *c, const struct nm_logins *logins, struct nm_security *out,
                       struct nm_error *e);
/* Begins to dial with this login, or without; then NM_CONNECT_DIAL. */
int nm_connect_dial(struct nm_connecting *k, const struct nm_login *way);
/* 0: connected, and c->session has it, or is about to begin with the greeting; NM_AGAIN; or an error, in out. */
int nm_connect_dial_step(struct nm_connecting *k);
/* connect_login.c */
/* The connection is idle and nobody is logged in: begins to. 0: nobody has to be; NM_AGAIN: go on with the state. */
int nm_connect_login(struct nm_connecting *k);
/* The engine has come to an end with it. As above. */
int nm_connect_logged_in(struct nm_connecting *k);
/* connect.c: the whole sentence for the user. Returns the code. */
int nm_connect_fail(struct nm_connecting *k, int code);
void nm_connect_need(struct nm_connecting *k, enum nm_need need);

NM_HIDDEN_END

#endif
