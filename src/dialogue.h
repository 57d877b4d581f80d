#ifndef NM_DIALOGUE_H
#define NM_DIALOGUE_H

#include "client.h"
#include "login.h"
#include "smtp/caps.h"
#include "smtp/reply.h"

/* What the server said while libcurl dialled: greeting, EHLO, STARTTLS, EHLO, AUTH. The first five are set before reading. */
struct nm_dialogue {
  const struct nm_login *way; /* borrowed; NULL: no login */
  struct nm_str
      secret;        /* borrowed: the way's password when its credential does not hold it; n == 0: it does */
  enum nm_tls tls;   /* what the line was to be */
  int is_tls_forced; /* not asked for, but a password needs it */
  int is_secured;    /* TLS was there at the end */
  struct nm_caps caps;  /* of the last EHLO */
  int authenticated;    /* a 235 came after it */
  struct nm_reply last; /* the last reply; code 0: none */
  const char *
      command; /* what that reply answers when it is a refusal, else what was waiting for its reply: "CONNECT", "EHLO",
                                 "STARTTLS", "AUTH" */
};

NM_HIDDEN_BEGIN

/* From the reply lines. NM_EPROTO when they cannot be read. A reply that repeats the password is not kept. */
int nm_dialogue_read(struct nm_dialogue *d, struct nm_str lines, struct nm_error *e);
void nm_dialogue_free(struct nm_dialogue *d);
/* e, as the transport filled it, becomes a sentence that stands alone: host, user, the server's words, what to do. Returns err. */
int nm_dialogue_explain(const struct nm_dialogue *d, const struct nm_place *at, int err, struct nm_error *e);
/* What the engine was told goes on where the dial left off. */
void nm_dialogue_take(struct nm_dialogue *d, const struct nm_talk_result *r);
/* Credentials were given, the connection is up, and no 235 was seen. wanted: the mechanisms that were to be used. */
int nm_dialogue_no_auth(const struct nm_dialogue *d, const struct nm_place *at, const struct nm_caps *caps,
                        unsigned wanted, struct nm_error *e);

NM_HIDDEN_END

#endif
