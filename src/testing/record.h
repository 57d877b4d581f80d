#ifndef NM_TESTING_RECORD_H
#define NM_TESTING_RECORD_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/hidden.h"
#include "testing/texts.h"

/* What the server has heard: messages, command lines, connections; all of it together within a maximum of octets. */

/* Never changes once it is recorded, so that others may read it while the server works. */
struct nm_mail {
  atomic_uint refs;
  uint64_t connection;
  uint64_t number; /* the queue id is made of it */
  size_t bytes;    /* counted for it when it was recorded */
  int chunked;     /* came by BDAT */
  int lmtp;
  int extended; /* EHLO, not HELO */
  struct nm_buf tls;
  struct nm_buf helo;
  struct nm_buf user;
  struct nm_buf mechanism;
  struct nm_buf from;
  struct nm_buf parameters;
  struct nm_texts to; /* address, parameters, address, parameters, … */
  struct nm_buf data;
};

struct nm_visitor {
  uint64_t number;
  int is_over;
  const char *how;    /* it ended: "quit", "closed", … */
  struct nm_buf tls;  /* "TLSv1.3", or why there is none */
  struct nm_buf user; /* who logged in */
};

struct nm_record {
  size_t max_messages;
  size_t max_bytes;
  size_t bytes;
  struct nm_mail **mails;
  size_t n_mails;
  struct nm_visitor *visitors; /* by their numbers, 1 is the first */
  size_t n_visitors;
  struct nm_texts lines; /* the connection's number in octets of a uint64_t, line, number, line, … */
  uint64_t lost;         /* lines for which there was no room */
  uint64_t mails_made;
};

NM_HIDDEN_BEGIN

struct nm_mail *nm_mail_new(size_t max_data);
struct nm_mail *nm_mail_ref(struct nm_mail *m);
void nm_mail_unref(struct nm_mail **m);

/* Takes no memory. */
void nm_record_init(struct nm_record *r, size_t max_messages, size_t max_bytes);
/* Keeps a reference of its own. NM_ELIMIT: no room; NM_ENOMEM. */
int nm_record_mail(struct nm_record *r, struct nm_mail *m);
/* The one that was recorded last was none. */
void nm_record_drop_last(struct nm_record *r);
void nm_record_line(struct nm_record *r, uint64_t connection, struct nm_str line);
/* Its number in *out. NM_ENOMEM, NM_ELIMIT. */
int nm_record_visitor(struct nm_record *r, uint64_t *out);
/* NULL: one of before a reset. Until the next is added. */
struct nm_visitor *nm_record_get(const struct nm_record *r, uint64_t number);
/* For a reader elsewhere: the messages themselves are shared. out is to be freed also when it fails: NM_ENOMEM. */
int nm_record_copy(const struct nm_record *r, struct nm_record *out);
/* Forgets everything; numbers begin anew. */
void nm_record_reset(struct nm_record *r);
void nm_record_free(struct nm_record *r);

NM_HIDDEN_END

#endif
