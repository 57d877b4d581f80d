#ifndef NM_SEND_H
#define NM_SEND_H

#include "client.h"
#include "connect.h"
#include "mail.h"
#include "pace.h"
#include "pool.h"

/* One errand on its way: a message to be sent, or a question to be asked. All-zero: none. Stays where it is until it is over. */
struct nm_sending {
  struct nm_client *client; /* one reference; NULL: it is over */
  struct nm_client *via;    /* whose connection it goes over: the client, or one of its pool's */
  struct nm_client *as;     /* where there are several servers: the client as it was at the beginning */
  size_t server;            /* which of them via is for */
  unsigned tried;           /* bits of those that could not be had */
  struct nm_pace *pace;
  struct nm_sent *out;
  struct nm_connecting connecting;
  int is_connected;
  enum nm_need need;
  int fresh;     /* the line was dialled for it */
  int64_t since; /* ms: when phase began, or was measured last */
  int phase;
  int n_idle;          /* answers in a row by which the content gave nothing */
  struct nm_mail mail; /* content NULL: it is a question */
  /* a question */
  enum nm_verb verb;
  struct nm_buf argument;
};

NM_HIDDEN_BEGIN

/* Sends one message within pace, which began when the caller's work on it did: dials or uses the kept connection, logs in, runs the
   transaction, keeps the connection when it is still good. None of these waits: NM_AGAIN when something has to be done first that
   nm_client_need names. Then the caller does it, calls nm_client_step, and again until it is over. Timeout does not count the time
   that a content or a password takes (the server may well have less patience), Deadline does. A content that goes on giving
   nothing for Timeout ends the send; asked too often in vain, step rests a little.
   0: accepted or partial; else out->error says why, and out->txn.outcome what became of it. content stands at its first byte.
   Everything is kept until it is over. One errand at a time: NM_EINVAL while another is on its way. */
int nm_client_begin(struct nm_client *c, const struct nm_envelope *env, struct nm_source *content,
                    struct nm_pace *pace, struct nm_sent *out, struct nm_sending *s);
/* Asks the server one thing (smtp/session.h: nm_session_command); as nm_client_begin. 0: out->reply is the answer; else out->error. */
int nm_client_ask(struct nm_client *c, enum nm_verb verb, struct nm_str argument, struct nm_pace *pace,
                  struct nm_sent *out, struct nm_sending *s);
int nm_client_step(struct nm_sending *s);
enum nm_need nm_client_need(const struct nm_sending *s);
/* NM_NEED_LINE: waits until step may get on, or its time is over. */
void nm_client_wait(struct nm_sending *s);
/* NM_EINVAL while it sends, or shows what it has said. */
int nm_client_check_free(const struct nm_client *c, struct nm_error *e);
/* Ends it if it is on its way: the line is dropped, and the message does not end in a dot. why (copied) is what out->error
   and the next step say; NULL when nobody asks any more. */
void nm_client_cancel(struct nm_sending *s, const struct nm_error *why);

NM_HIDDEN_END

#endif
