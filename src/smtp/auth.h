#ifndef NM_SMTP_AUTH_H
#define NM_SMTP_AUTH_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "smtp/sasl.h"
#include "smtp/sasl_choice.h"
#include "smtp/secret.h"

/* AUTH (RFC 4954): one login, on SMTP's lines. Chooses the mechanism, and the next one when that does not work here; replies go in,
   lines come out. */
struct nm_auth;

/* What is to be done next. */
enum nm_auth_next {
  NM_AUTH_DONE = 0, /* logged in, and it may be believed */
  NM_AUTH_SAY,      /* send the line, and give its reply to nm_auth_reply */
  NM_AUTH_WORK,     /* call nm_auth_work: a slice of a long calculation */
  NM_AUTH_DIGEST    /* nm_auth_give_digest, then nm_auth_begin again: netmail.crypto is needed first now */
};

/* RFC 4954 4: an AUTH command with its initial response has 512 octets at most, a later line 12288. */
#define NM_AUTH_COMMAND_MAX 512
#define NM_AUTH_LINE_MAX 12288
/* In a sentence about a refusal: behind it stands what the mechanism itself was told of it. */
#define NM_AUTH_REASON "; reason: "

NM_HIDDEN_BEGIN

/* Both are copied. What libcurl speaks (NM_SASL_FOREIGN) is left out of what is allowed. NM_ENOMEM. */
int nm_auth_new(const struct nm_sasl_choice *choice, const struct nm_sasl_login *login, struct nm_auth **out);
/* Overwrites and frees; leaves NULL. */
void nm_auth_free(struct nm_auth **a);
/* The table must live as long as a. */
void nm_auth_give_digest(struct nm_auth *a, const struct nm_digest_api *digest);

/* These three return what is next, or a negative code: not logged in (e has the sentence, kind auth, without a secret), and it stays so. The
   connection is in order then, but for NM_EPROTO and NM_ENOMEM. line is born { .max = NM_AUTH_LINE_MAX, .secret = 1 }, is emptied first,
   and ends with CRLF. */
int nm_auth_begin(struct nm_auth *a, struct nm_buf *line, struct nm_error *e);
/* code and text of the whole reply (nm_reply), its lines joined by \n. */
int nm_auth_reply(struct nm_auth *a, int code, struct nm_str text, struct nm_buf *line, struct nm_error *e);
int nm_auth_work(struct nm_auth *a, struct nm_buf *line, struct nm_error *e);

/* Of the line said last: from this octet on to its CRLF it is secret, for a trace. */
size_t nm_auth_secret_at(const struct nm_auth *a);
/* Words of the server's that hold the password, or the line said last. */
int nm_auth_repeats_secret(const struct nm_auth *a, struct nm_str words);
/* For the time when a is gone. */
void nm_auth_mark_secret(const struct nm_auth *a, struct nm_secret_marks *marks);
/* The mechanism spoken last, one bit; 0: none yet. */
unsigned nm_auth_bit(const struct nm_auth *a);
/* After a failure: NM_SASL_FAULT_SECRET says that another password or token may do. */
enum nm_sasl_fault nm_auth_fault(const struct nm_auth *a);

NM_HIDDEN_END

#endif
