#ifndef NM_SMTP_SESSION_OWN_H
#define NM_SMTP_SESSION_OWN_H

#include "base/hidden.h"
#include "smtp/row.h"
#include "smtp/secret.h"
#include "smtp/session.h"
#include "smtp/talk.h"

/* Transactions that can have bytes in one buffer. */
#define NM_STRETCH_MAX 64

/* What is written at once: four TLS records, and many small messages; of a content that takes more than that, enough for few system calls
   and few chunks, and little enough to be still in the processor's cache when they read it. What lacks NM_OUT_FULL is full. */
#define NM_OUT_SMALL 65536
#define NM_OUT_LARGE ((size_t)256 << 10)
#define NM_OUT_FULL 256

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
  struct nm_str lent; /* of a content: what goes out behind that, from where it lies */
  size_t out_at;      /* of both */
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
  int is_hung_up;   /* by the server, when nothing was due */
  struct nm_talk talk;
  struct nm_secret_marks secrets; /* what the server was told: its words that repeat it are not shown */
  int hides_reply;                /* the last reply has such words */
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
/* Makes the output buffer, which holds nothing that counts any more, that large; short of memory it stays as it is. */
void nm_session_size_output(struct nm_session *s, size_t max);
/* The handshake's 220 to STARTTLS is here, TLS is not. */
int nm_session_wants_tls(const struct nm_session *s);

/* session_in.c */
/* Something is said, or waited for. */
int nm_session_is_speaking(const struct nm_session *s);
/* Its reply, or what it calculated, said that. */
void nm_session_talk_went_on(struct nm_session *s, int verdict);
/* Some transactions may be over. */
void nm_session_row_goes_on(struct nm_session *s);
/* Whatever runs ends here. */
void nm_session_end_with(struct nm_session *s, const struct nm_error *why);

/* session_trace.c */

/* Lines of that stretch that have left whole since it was last called. */
void nm_session_trace_sent(struct nm_session *s, const struct nm_stretch *st);
/* The content that has left, in one line, when it has ended or will not. */
void nm_session_trace_content(struct nm_session *s);
void nm_session_trace_reply(struct nm_session *s, const struct nm_reply *r, int is_challenge);

NM_HIDDEN_END

#endif
