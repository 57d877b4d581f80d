#ifndef NM_MAIL_H
#define NM_MAIL_H

#include "sent.h"
#include "smtp/split_rcpt.h"

/* One message on its way, through as many transactions as it needs. The first part is the caller's, and kept until it is over. */
struct nm_mail {
  const struct nm_envelope *env;
  struct nm_source *content; /* at its first byte */
  struct nm_sent *out;       /* all-zero before */
  size_t rcpt_max;  /* recipients of one transaction, as the caller knows of the server; 0: no limit known */
  int64_t deadline; /* ms, of nm_clock_ms; 0: none, or somebody else sees to it */
  int64_t patience; /* ms from its begin to that */
  /* Of who sends it. */
  unsigned caps; /* NM_CAP_…, of the server that it was begun with last; has_caps: there was one */
  int has_caps;
  uint64_t weight;       /* octets: what the flight counts for it */
  struct nm_mails *list; /* in which it is; NULL: none */
  struct nm_mail *next, *previous;
  int64_t since;   /* ms: when it came into the queue, or was begun */
  int is_begun;    /* a line has had it since it was handed in last */
  unsigned n_lost; /* lines that were lost before it was handed over */
  struct nm_split split;
};

/* Oldest first. All-zero is empty. */
struct nm_mails {
  struct nm_mail *first, *last;
  size_t n;
  int64_t due; /* ms: before that no deadline of theirs is over; 0: none has one */
};

NM_HIDDEN_BEGIN

void nm_mails_add(struct nm_mails *l, struct nm_mail *m);
void nm_mails_add_first(struct nm_mails *l, struct nm_mail *m);
/* Out of the list that it is in, if any. */
void nm_mails_remove(struct nm_mail *m);
/* The first, taken out; NULL: it is empty. */
struct nm_mail *nm_mails_take(struct nm_mails *l);
/* Whether a deadline of theirs may be over now. */
int nm_mails_may_be_late(const struct nm_mails *l, int64_t now);
/* All of them were looked at: due is the first deadline that is to come. */
void nm_mails_look_ahead(struct nm_mails *l, int64_t now);

/* All-zero, as far as anybody looks: it was before, or has been used. */
void nm_mail_clear(struct nm_mail *m);
void nm_mail_begin(struct nm_mail *m);
/* After its end: once more, for those recipients who have not got it and were not refused for good. What has become of the others is kept.
   NM_EINVAL: nobody is left, or the content can be read only once; NM_ENOMEM: all is as before. */
int nm_mail_begin_again(struct nm_mail *m);
/* After a transaction, whose result it takes out of r: 1: another one is to be run for the recipients that are left, with the content at
   its first byte. */
int nm_mail_add(struct nm_mail *m, struct nm_txn_result *r);
/* No further transaction can be run, because of out->error, or of what out has as the dial's reply: what some have got is no failure, though
   the way to the others is closed. */
void nm_mail_stop(struct nm_mail *m);
/* Its deadline is over: fills e, and returns it. */
const struct nm_error *nm_mail_too_late(const struct nm_mail *m, struct nm_error *e);
/* It is over: what became of it in out, in sentences that stand alone, with out's place. */
void nm_mail_end(struct nm_mail *m);

NM_HIDDEN_END

#endif
