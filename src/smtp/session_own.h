#ifndef NM_SMTP_SESSION_OWN_H
#define NM_SMTP_SESSION_OWN_H

#include "base/hidden.h"
#include "smtp/row.h"
#include "smtp/secret.h"
#include "smtp/session.h"
#include "smtp/talk.h"

/* Transactions that can have bytes in one buffer. */
#define NM_STRETCH_MAX 64

/* Between the files session*.c. */
struct nm_session {
  enum nm_session_state state;
  int has_begun;          /* adopted or started: once */
  int is_authenticated;   /* by nm_session_auth */
  int may_quit;           /* closed, and in good order */
  int closed_code;        /* what nm_session_input says once closed */
  struct nm_error closed; /* why */
  struct nm_caps caps;
  struct nm_reply_parser *parser;
  int is_early;   /* the reply being read began before its command was sent */
  size_t awaited; /* commands sent to their last byte and not answered */
  /* Filled only when all of it was sent: a TLS library that was offered a pointer wants the same again. */
  struct nm_buf out;
  size_t out_at;
  int out_is_secret;
  /* What out is made of, without gaps. */
  struct nm_stretch stretch[NM_STRETCH_MAX];
  size_t n_stretch;
  size_t at_stretch; /* the one that out_at is in */
  uint64_t progress;
  enum nm_pipelining pipelining;
  struct nm_row row;
  struct nm_source *wire; /* the content of the transaction that writes */
  int is_reset_due; /* by the last reply: the server still holds a transaction that the next one must clear */
  int ending; /* code: nothing more is begun, and when all that runs has its replies the session is closed */
  uint32_t n_begun; /* transactions over this connection */
  struct nm_talk talk;
  struct nm_secret_marks secrets; /* what the server was told: its words that repeat it are not shown */
  struct nm_trace *trace;         /* borrowed; NULL: nobody looks */
  size_t traced;                  /* of out: what the trace has */
  uint64_t content_n;             /* sent of the running content, for the trace */
};

NM_HIDDEN_BEGIN

/* The one function that assigns the state. */
void nm_session_set_state(struct nm_session *s, enum nm_session_state state);
/* Nothing more goes out, not even what is in the buffer. why NULL: it ended with QUIT. */
void nm_session_shut(struct nm_session *s, int code, const struct nm_error *why);
/* All of the output buffer is commands of no transaction. */
void nm_session_one_stretch(struct nm_session *s);
/* Forgets what is in the output buffer; what AUTH says is not left in memory longer than it must be. */
void nm_session_drop_output(struct nm_session *s);
/* The handshake's 220 to STARTTLS is here, TLS is not. */
int nm_session_wants_tls(const struct nm_session *s);

/* Lines of that stretch that have left whole since it was last called. */
void nm_session_trace_sent(struct nm_session *s, const struct nm_stretch *st);
/* The content that has left, in one line, when it has ended or will not. */
void nm_session_trace_content(struct nm_session *s);
void nm_session_trace_reply(struct nm_session *s, const struct nm_reply *r, int is_challenge);

NM_HIDDEN_END

#endif
