#ifndef NM_SMTP_ENVELOPE_H
#define NM_SMTP_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"
#include "smtp/caps.h"
#include "smtp/orcpt.h"

/* Who sends what to whom, and what is asked of the server for it. Plain values that the caller keeps alive; all-zero asks for
   nothing. Every value is typed and checked (nm_mail_options_check, nm_rcpt_options_check) before it becomes part of a command. */

/* What the lines of a content may hold: RFC 6152 2 (3), body-value = "7BIT" / "8BITMIME"; RFC 3030 3 adds "BINARYMIME". Without the
   parameter it is 7BIT, which is therefore never written. */
enum nm_body {
  NM_BODY_7BIT,
  NM_BODY_8BITMIME,
  NM_BODY_BINARYMIME /* any octets, sent as they are: needs CHUNKING */
};

/* Content by BDAT (RFC 3030) where the server offers CHUNKING. */
enum nm_chunking {
  NM_CHUNKING_OFFERED,    /* with PIPELINING in one flight with MAIL and RCPT */
  NM_CHUNKING_AFTER_RCPT, /* BDAT, but not before all replies to RCPT */
  NM_CHUNKING_OFF         /* DATA always */
};

/* RFC 3461 4.3: what a report of failure brings back. */
enum nm_ret { NM_RET_DEFAULT, NM_RET_FULL, NM_RET_HDRS };

/* RFC 3461 4.1: when to report on a recipient. NEVER stands alone, the others together; 0: as the server likes. */
enum { NM_NOTIFY_NEVER = 1, NM_NOTIFY_SUCCESS = 2, NM_NOTIFY_FAILURE = 4, NM_NOTIFY_DELAY = 8 };

/* RFC 2852 4: deliver within seconds, else notify (N) or return (R). */
enum nm_by { NM_BY_NONE, NM_BY_NOTIFY, NM_BY_RETURN };
#define NM_BY_SECONDS_MAX 999999999 /* 1*9DIGIT */

/* RFC 4865 4: release after seconds, or at a moment. */
enum nm_hold { NM_HOLD_NONE, NM_HOLD_FOR, NM_HOLD_UNTIL };
#define NM_HOLD_SECONDS_MAX 999999999 /* 1*9DIGIT */

#define NM_PRIORITY_MAX 9 /* RFC 6710 4: -9 to 9 */

/* Encoded, RFC 3461 4.4. */
#define NM_ENVID_MAX 100

/* Parameters of MAIL. What the server does not offer is an error that names it, before MAIL; when its NM_CAP_ bit is in if_offered it
   is left out. A value that is wrong in itself is an error in any case. */
struct nm_mail_options {
  unsigned if_offered; /* NM_CAP_DSN, _REQUIRETLS, _DELIVERBY, _FUTURERELEASE, _MT_PRIORITY */
  enum nm_ret ret;
  struct nm_str envid; /* printable ASCII, as the reports shall show it; n == 0: none */
  int require_tls;     /* RFC 8689: on every hop from here on */
  enum nm_by by;
  int by_trace; /* a report of each hop that cannot trace it */
  int32_t by_seconds;
  enum nm_hold hold;
  int64_t hold_value; /* seconds, or the moment in seconds since 1970 (UTC) */
  int has_priority;
  int priority;
};

/* Parameters of one RCPT. */
struct nm_rcpt_options {
  unsigned notify;
  struct nm_str orcpt; /* as smtp/orcpt.h takes it; n == 0: none */
};

struct nm_envelope {
  const struct nm_addr *from; /* NULL or of no spec: the null reverse-path "<>" (RFC 5321 4.5.5) */
  struct nm_addr *const *to;  /* n_to of them */
  size_t n_to;
  int64_t size;       /* of the content, for SIZE=; -1: not known */
  int all_or_nothing; /* neither DATA nor content before every RCPT was accepted */
  enum nm_body body;  /* NM_BODY_8BITMIME: the content has octets over 127; nothing else may have them */
  enum nm_chunking chunking;
  int is_utf8; /* the header has UTF-8 (RFC 6532); addresses speak for themselves */
  int is_tls;  /* the line is encrypted and the server's name was verified */
  int is_lmtp; /* RFC 2033: a reply for each recipient after the content */
  int is_idle; /* the line has rested: no content before MAIL's reply shows that it lives (BDAT would go with MAIL) */
  struct nm_mail_options mail;
  const struct nm_rcpt_options *rcpt; /* n_to of them; NULL: none asks for anything */
  unsigned left_out; /* NM_CAP_: of what may be left out, what was asked for and is not offered */
};

NM_HIDDEN_BEGIN

/* That the values are right in themselves, whatever the server: 0, NM_EINVAL or NM_ELIMIT (too long) with the option named in e. */
int nm_mail_options_check(const struct nm_mail_options *o, struct nm_error *e);
int nm_rcpt_options_check(const struct nm_rcpt_options *o, struct nm_error *e);

/* The envelope as this server can have it: all checks, then what is not offered and may be left out is left out (left_out), and is_utf8 says
   whether SMTPUTF8 is needed. NM_EINVAL, NM_ELIMIT (what exceeds what the server allows): e says why, nothing was sent. */
int nm_envelope_settle(struct nm_envelope *env, const struct nm_caps *caps, struct nm_error *e);

NM_HIDDEN_END

#endif
