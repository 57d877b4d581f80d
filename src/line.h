#ifndef NM_LINE_H
#define NM_LINE_H

#include "connect.h"
#include "mail.h"
#include "pace.h"

enum nm_line_state { NM_LINE_DOWN, NM_LINE_CONNECTING, NM_LINE_UP };

/* One connection at work, with messages behind one another on it (smtp/session.h). All-zero is down. */
struct nm_line {
  enum nm_line_state state;
  struct nm_client *client; /* borrowed; NULL: not chosen yet */
  size_t server;            /* which of its servers (servers.h) that is for */
  unsigned tried;           /* bits of those that could not be had */
  struct nm_connecting connecting;
  struct nm_pace pace;
  struct nm_sent
      sent; /* of the connection itself, always with the same server: once it is down, error says why; code 0: it was hung up */
  enum nm_pipelining pipelining;
  enum nm_need need;
  struct nm_mails mails; /* those begun, in the session's order */
  size_t n_begun;        /* over this connection */
  size_t n_heard;        /* of these, those of which the server has said what becomes of them */
  int is_fresh;          /* it was dialled for these */
  int has_culprit;       /* it is lost, and with whom is known */
  int has_stalled;       /* the server has not said a word for Timeout */
  int n_idle;            /* answers in a row by which a content gave nothing */
  int64_t asks_at;       /* ms: its content is not asked again before that */
  unsigned n_failed;     /* dials in a row */
  int64_t not_before;    /* ms: it is not dialled again until then */
};

/* What nm_line_take says of a message. */
enum nm_line_verdict {
  NM_LINE_OVER, /* nothing more can be done for it */
  NM_LINE_REST, /* recipients are left for another transaction */
  NM_LINE_AGAIN /* the line was lost, nothing counts: it may go over another */
};

NM_HIDDEN_BEGIN

/* Begins to connect c, within the turn that ends then (ms; 0: none). c is kept. Then as step. */
void nm_line_connect(struct nm_line *l, struct nm_client *c, int64_t turn_end);
/* One step: 1: something moved. l->need says what is needed before the next one. */
int nm_line_step(struct nm_line *l, int64_t turn_end);
/* As far as it runs ahead of the server's replies from here on; the line is up, and nothing is on it. */
void nm_line_pipeline(struct nm_line *l, enum nm_pipelining mode, size_t window);
/* Another message may be begun. A line that is used up (per_line messages, 0: as many as the server takes) or was found dead goes
   down when nothing is on it. */
int nm_line_has_room(struct nm_line *l, size_t per_line);
/* Begins it. 0: it is on the line; else it is over. */
int nm_line_begin(struct nm_line *l, struct nm_mail *m, int64_t now);
/* The oldest whose result is there, taken off the line; NULL: none. */
struct nm_mail *nm_line_take(struct nm_line *l, int64_t now, enum nm_line_verdict *verdict_out);
/* The content that is waited for; NULL: none. */
struct nm_source *nm_line_content(const struct nm_line *l);
/* What l->need named is done. */
void nm_line_resume(struct nm_line *l);
/* It is being connected, and cannot be: why (copied). The next step says so. */
void nm_line_refuse(struct nm_line *l, const struct nm_error *why);
/* ms until it gives up; INT_MAX: nothing is waited for. */
int nm_line_left(struct nm_line *l);
void nm_line_wait(struct nm_line *l, int ms);
/* What is on it ends: nm_line_take gives all. why (copied); NULL: nobody asks. */
void nm_line_cancel(struct nm_line *l, const struct nm_error *why);
/* QUIT, without waiting. Nothing is on it. */
void nm_line_hang_up(struct nm_line *l);
void nm_line_free(struct nm_line *l);

NM_HIDDEN_END

#endif
