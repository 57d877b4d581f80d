#ifndef NM_TESTING_VISIT_OWN_H
#define NM_TESTING_VISIT_OWN_H

#include "testing/exchange.h"
#include "testing/visit.h"

/* Between the files of a visit. */

enum nm_stage {
  NM_STAGE_TLS_NEXT, /* once all is said */
  NM_STAGE_TLS,
  NM_STAGE_SHAKING,
  NM_STAGE_GREETING,
  NM_STAGE_LINE,
  NM_STAGE_RESPONSE, /* a line of an AUTH exchange */
  NM_STAGE_DOT,      /* content up to the dot */
  NM_STAGE_CHUNK,    /* content that was counted */
  NM_STAGE_DEAF      /* what comes is thrown away */
};

enum nm_hello { NM_HELLO_NONE, NM_HELLO_HELO, NM_HELLO_EHLO };

/* What a fault wants once so many octets of content have come: its own copies, because the user may replace the faults. */
struct nm_late {
  int is_set;
  uint64_t after;
  struct nm_fault fault; /* without its texts */
  struct nm_buf reply;
  struct nm_buf inject;
};

struct nm_visit {
  struct nm_house *house;
  uint64_t number; /* in the record and the faults */
  enum nm_stage stage;
  int64_t now;

  struct nm_buf in;
  size_t in_at;   /* before it all is done */
  size_t scanned; /* before it there is no LF */
  int skips;      /* the rest of a line that is too long */
  int is_eof;

  struct nm_buf out;
  size_t out_at;
  int paces; /* from pace_at on not before pace_next, and drop by drop */
  size_t pace_at;
  int64_t pace_next;
  int64_t drip;
  int64_t pause; /* nothing is read before */
  enum nm_endless endless;
  uint64_t endless_left;
  int stalls;
  enum nm_end end;
  int is_gone; /* the line is */

  struct nm_buf usual; /* the reply, if no fault wants another */
  int is_unwelcome;    /* the greeting was no 220 */
  enum nm_hello hello;
  struct nm_buf name; /* that the client gave itself */
  const struct nm_tls_end *tls_end;
  int is_secure;
  enum nm_tls_certificate certificate;
  struct nm_exchange *exchange;
  struct nm_buf user;
  struct nm_buf mechanism;

  struct nm_mail *mail; /* the transaction */
  int is_utf8;
  int is_binary;
  size_t rcpts;
  uint64_t mails; /* accepted since EHLO */
  uint64_t size;  /* of content so far */
  uint64_t chunk_left;
  int chunk_last;
  int in_chunks;
  int content_fails; /* 0, or why the content is not taken: 552, 452, 503 */
  unsigned dot;      /* how much of CRLF.CRLF has been seen */
  struct nm_late late;
};

NM_HIDDEN_BEGIN

/* visit_say.c */
/* v->usual becomes a line, without the enhanced code where those are not offered. */
void nm_visit_usual(struct nm_visit *v, int code, const char *enhanced, const char *fmt, ...) NM_PRINTF(4, 5);
/* Says it, or what a fault at that place wants. 1: what was asked for is to happen. */
int nm_visit_answer(struct nm_visit *v, const char *place, struct nm_str argument);
/* What the fault does beside choosing the reply. */
void nm_visit_act(struct nm_visit *v, const struct nm_fault *f, struct nm_str reply, struct nm_str inject);
void nm_visit_finish(struct nm_visit *v, enum nm_end end, const char *how);
int nm_visit_offers(const struct nm_visit *v, const char *keyword);
int nm_visit_may_auth(const struct nm_visit *v);

/* visit_command.c */
void nm_visit_command(struct nm_visit *v, struct nm_str line);
void nm_visit_greet(struct nm_visit *v);
/* The transaction is forgotten. */
void nm_visit_rset(struct nm_visit *v);

/* visit_mail.c; each returns whether the command is right, and has made the usual reply. */
int nm_visit_mail(struct nm_visit *v, struct nm_str argument);
int nm_visit_rcpt(struct nm_visit *v, struct nm_str argument);
/* And have their effect. */
void nm_visit_begin_mail(struct nm_visit *v, struct nm_str argument);
void nm_visit_add_rcpt(struct nm_visit *v, struct nm_str argument);

/* visit_content.c */
void nm_visit_data(struct nm_visit *v, struct nm_str argument);
void nm_visit_bdat(struct nm_visit *v, struct nm_str argument);
/* Content among what has come. */
void nm_visit_content(struct nm_visit *v);

/* visit_auth.c */
void nm_visit_auth(struct nm_visit *v, struct nm_str argument);
void nm_visit_response(struct nm_visit *v, struct nm_str line);

/* path.c */
/* "FROM:<a@b> SIZE=1": *address_out what is between the angle brackets, *parameters_out what is behind. 0: it is not that. */
int nm_path_read(struct nm_str argument, const char *keyword, struct nm_str *address_out,
                 struct nm_str *parameters_out);
/* Whether that may be a mailbox, or nothing at all. */
int nm_path_is_mailbox(struct nm_str address, int utf8);

NM_HIDDEN_END

#endif
