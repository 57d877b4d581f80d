#ifndef NM_SEND_OPTIONS_H
#define NM_SEND_OPTIONS_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/list.h"
#include "smtp/envelope.h"

/* What is asked for one send beside the message, or, as a client's default, for each of its sends. Counted. What is not said is left
   to the message, the client and the server. */
struct nm_send_options {
  unsigned refs;
  int is_default; /* a client's: what belongs to one message cannot be said here */
  int has_from;   /* from is said; NULL then is the null reverse-path */
  struct nm_addr *from;
  struct nm_list *
      to; /* struct nm_recipient; NULL: the message's recipients. Not changed once it is here: copies share it. */
  unsigned notify;             /* for those recipients that have none of their own; 0: not said */
  struct nm_buf orcpt;         /* likewise; empty: not said */
  struct nm_buf envid;         /* empty: not said */
  struct nm_mail_options mail; /* but for envid */
  int all_or_nothing;          /* -1: not said */
  enum nm_chunking chunking;   /* NM_CHUNKING_OFFERED: not said, or just that */
};

NM_HIDDEN_BEGIN

/* Nothing is said. NM_ENOMEM. */
int nm_send_options_new(struct nm_send_options **out);
/* For one send: as defaults (NULL: none) says. NM_ENOMEM. */
int nm_send_options_copy(const struct nm_send_options *defaults, struct nm_send_options **out);
struct nm_send_options *nm_send_options_ref(struct nm_send_options *o);
void nm_send_options_unref(struct nm_send_options **o);
/* Nothing is said any more. */
void nm_send_options_clear(struct nm_send_options *o);
/* The two change what they say. */
void nm_send_options_swap(struct nm_send_options *a, struct nm_send_options *b);

/* All are checked: NM_EINVAL, NM_ELIMIT with words in e, and nothing is changed. An empty text takes it back. */
int nm_send_options_set_envid(struct nm_send_options *o, struct nm_str envid, struct nm_error *e);
int nm_send_options_set_orcpt(struct nm_send_options *o, struct nm_str orcpt, struct nm_error *e);
/* Copies those members of mail that are plain values. */
int nm_send_options_set_mail(struct nm_send_options *o, const struct nm_mail_options *mail,
                             struct nm_error *e);

NM_HIDDEN_END

#endif
