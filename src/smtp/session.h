#ifndef NM_SMTP_SESSION_H
#define NM_SMTP_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/io.h"
#include "base/source.h"
#include "smtp/auth.h"
#include "smtp/caps.h"
#include "smtp/command.h"
#include "smtp/envelope.h"
#include "smtp/reply.h"
#include "smtp/trace.h"
#include "smtp/words.h"

/* The client's side of one SMTP connection, without I/O: bytes go in and come out, and it says what it wants.
   It knows no clock, no socket and no Lua. It lives across transactions, one at a time or in flight behind one another. */
struct nm_session;

/* How far it runs ahead of the replies where the server offers PIPELINING. */
enum nm_pipelining {
  NM_PIPELINING_ENVELOPE, /* within one transaction (RFC 2920): what a new session does */
  NM_PIPELINING_FULL, /* across transactions: some are begun before the outcome of those before is known */
  NM_PIPELINING_OFF   /* each command waits for the reply to the one before */
};

/* What may be in flight unless nm_session_window says otherwise. If the line breaks, the outcome of so many is unknown; at 20 ms of
   round trip sixteen messages of 2 KB make 1.6 MB/s, and large ones need few of them: 2 MB make 100 MB/s there. Where the server is near,
   more of them would only wait in the kernel until they are in no processor's cache any more. */
#define NM_WINDOW_DEFAULT 16
#define NM_WINDOW_MAX 1024
#define NM_WINDOW_BYTES_DEFAULT (2 << 20)

/* NM_WANT_CONTENT: the source has said "not now": ask nm_session_output again when it may have bytes.
   NM_WANT_TLS: make the connection TLS, verified, then call nm_session_secured; it comes alone: nothing may be read before.
   NM_WANT_WORK: something is calculated in slices of some milliseconds: ask nm_session_output again at once. */
enum {
  NM_WANT_READ = NM_IO_READ,
  NM_WANT_WRITE = NM_IO_WRITE,
  NM_WANT_CONTENT = 4,
  NM_WANT_TLS = 8,
  NM_WANT_WORK = 16
};

enum nm_session_state {
  NM_SESSION_IDLE,     /* ready for nm_session_begin, nm_session_auth, nm_session_command, nm_session_quit */
  NM_SESSION_BUSY,     /* transactions run */
  NM_SESSION_TALKING,  /* the handshake, AUTH or a single command runs */
  NM_SESSION_QUITTING, /* QUIT is on its way */
  NM_SESSION_CLOSED    /* nothing more may be spoken; drop the connection */
};

enum nm_starttls {
  NM_STARTTLS_NONE,   /* never asked for: TLS is there from the first byte, or is not wanted */
  NM_STARTTLS_WISHED, /* when the server offers it; one that refuses it, or hides it, is spoken to in clear */
  NM_STARTTLS_REQUIRED
};

/* How a session begins on a new connection. */
struct nm_hello {
  struct nm_str name; /* what EHLO says: a domain or an address literal; copied */
  int is_lmtp;        /* LHLO (RFC 2033), which has no HELO */
  enum nm_starttls starttls;
  int needs_extensions; /* a server that knows only HELO will not do: AUTH is needed, or anything else that EHLO would tell */
};

enum nm_verb { NM_VERB_NOOP, NM_VERB_RSET, NM_VERB_VRFY, NM_VERB_EXPN, NM_VERB_HELP, NM_VERB_ETRN };

/* What became of nm_session_auth. */
enum nm_auth_end {
  NM_AUTH_END_NONE, /* it never came to an end */
  NM_AUTH_END_DONE, /* 235, and the mechanism has seen what it must see before that is believed */
  NM_AUTH_END_REFUSED, /* the server says no: mostly to this user with this password; another try with them would only count */
  NM_AUTH_END_UNUSABLE,  /* no mechanism works here that may be used */
  NM_AUTH_END_TEMPORARY, /* the server cannot say now */
  NM_AUTH_END_FORGED, /* the server claims success without proof, or wants what is not safe: the session is closed */
  NM_AUTH_END_DIGEST /* nm_auth_give_digest, then nm_session_auth again */
};

/* The end of the handshake, of AUTH, or of a single command. */
struct nm_talk_result {
  struct nm_error error; /* code 0: it went well */
  const char *
      command; /* the last word is about: "CONNECT" (the greeting), "EHLO", "STARTTLS", "AUTH", "NOOP", …; NULL: none */
  struct nm_reply reply; /* the reply that decided; code 0: none. Words that repeat a secret are replaced. */
  enum nm_auth_end auth;
};

/* What became of a transaction (DESIGN.md 3.3). */
enum nm_outcome {
  NM_OUTCOME_NOT_SENT, /* nobody has it, safe to try again */
  NM_OUTCOME_REJECTED, /* the server said no to all */
  NM_OUTCOME_PARTIAL,  /* accepted for some recipients */
  NM_OUTCOME_ACCEPTED,
  NM_OUTCOME_UNKNOWN /* the line broke after the last byte of the content was handed over */
};

/* What is kept of the texts of RCPT's replies, of one and of all together: a hostile server answers 100000 recipients. Beyond
   that the codes stay and the text is cut. */
#define NM_RCPT_TEXT_MAX 2048
#define NM_RCPT_TEXTS_MAX (8 << 20)

/* What became of one recipient. */
enum nm_fate {
  NM_FATE_NOT_SENT, /* has not got it, and nobody said no */
  NM_FATE_REFUSED,
  NM_FATE_ACCEPTED,
  NM_FATE_UNKNOWN
};

/* The answer that counts for one recipient: to RCPT, of LMTP (RFC 2033 4.2) the one after the content. Owned by the result. There may be a
   hundred thousand, and a server says the same to most. */
struct nm_rcpt {
  const struct nm_addr *addr; /* borrowed from the envelope */
  struct nm_words *words;     /* one reference; NULL: it has no text, or there was no memory for it */
  short code;                 /* 0: no answer came */
  short enhanced[3];
  enum nm_fate fate;
};

static inline int nm_rcpt_class(const struct nm_rcpt *r) {
  return r->code / 100;
}

struct nm_txn_result {
  enum nm_outcome outcome;
  const char *command;   /* the last word is about: "RSET", "MAIL", "RCPT", "DATA", ".", "BDAT"; NULL: none */
  struct nm_reply reply; /* the reply that decided; code 0: none */
  struct nm_rcpt *rcpt;  /* in the envelope's order */
  size_t n_rcpt;
  size_t n_accepted;     /* recipients whose last answer was 2xx */
  unsigned left_out;     /* NM_CAP_: what was asked for if offered, and was not */
  struct nm_error error; /* code 0 when outcome is accepted or partial */
};

NM_HIDDEN_BEGIN

/* Closed until it has a connection. */
struct nm_session *nm_session_new(void);
void nm_session_free(struct nm_session **s);
/* The connection is past EHLO (and AUTH): takes over with these capabilities (copied). Once in a session's life, this or
   nm_session_start: NM_EINVAL. */
int nm_session_adopt(struct nm_session *s, const struct nm_caps *caps);
/* The connection is there and nothing was said: from the greeting to EHLO's reply, over STARTTLS and EHLO once more where that is
   asked for. Then the session is idle and its capabilities are valid, or it is closed and nm_session_talk_result says why (kind
   connect, tls, protocol). NM_EINVAL (as adopt; or a name that may not stand in EHLO), NM_ENOMEM: nothing has begun. */
int nm_session_start(struct nm_session *s, const struct nm_hello *h);
/* What NM_WANT_TLS wanted is done. All that was learned before is forgotten. NM_EINVAL when nobody wanted it. A handshake that
   fails is nm_session_lost. */
int nm_session_secured(struct nm_session *s);
/* Logs in, over as many mechanisms as a tries. Keeps a until the state is no longer TALKING. When the session is idle again, or
   closed (a server that lies, or is gone), nm_session_talk_result has auth and the rest. NM_EINVAL when not idle, or somebody is
   logged in (RFC 4954 4). Otherwise, when it cannot be begun, nothing was written, the session stays idle, the result says why, and
   its code is returned; NM_AGAIN: NM_AUTH_END_DIGEST. */
int nm_session_auth(struct nm_session *s, struct nm_auth *a);
/* What of the argument is wrong with any server: NM_EINVAL, NM_ELIMIT with e. */
int nm_verb_check(enum nm_verb verb, struct nm_str argument, struct nm_error *e);
/* One simple command (RFC 5321 4.1.1.5 to 4.1.1.9, RFC 1985). The argument, empty for none, is copied: printable ASCII; for VRFY and EXPN
   UTF-8 where the server has SMTPUTF8. Then idle again, with the reply in nm_session_talk_result (NM_EREJECT for 4xx and 5xx), or
   closed. NM_EINVAL when not idle; when it cannot be begun, the result says why. */
int nm_session_command(struct nm_session *s, enum nm_verb verb, struct nm_str argument);
enum nm_session_state nm_session_state(const struct nm_session *s);
/* Of the last EHLO; empty before. */
const struct nm_caps *nm_session_caps(const struct nm_session *s);
/* Of what nm_session_start, nm_session_auth or nm_session_command began last; valid until the next of them. */
const struct nm_talk_result *nm_session_talk_result(const struct nm_session *s);
/* Why the session is closed, or will be when those that run are answered; code 0: it is not, or ended with QUIT. */
const struct nm_error *nm_session_error(const struct nm_session *s);
/* Every line, from now on, goes into t too (kept; NULL: none): sent ones when their last byte was handed over, replies when they
   are complete. Content is "[N bytes of content]"; "***" stands for what AUTH's lines and challenges say. */
void nm_session_trace(struct nm_session *s, struct nm_trace *t);

/* NM_EINVAL while transactions run, and in mode FULL while results wait; else those are lost. NM_ENOMEM: as before. */
int nm_session_pipelining(struct nm_session *s, enum nm_pipelining mode);
enum nm_pipelining nm_session_mode(const struct nm_session *s);
/* In mode FULL: at most that many transactions that run or whose results wait, 1 to NM_WINDOW_MAX; none is begun while that many
   octets of others, at least, are in flight. As nm_session_pipelining. */
int nm_session_window(struct nm_session *s, size_t window, uint64_t bytes);
/* Starts a transaction. Keeps from, to and the source until it is over: the state is no longer BUSY, or nm_session_results counts it.
   The source stands at its first byte. NM_EINVAL when not idle, unless nm_session_may_begin (the results of before stay). Otherwise,
   when it cannot be begun, nothing was written, the state stays, and its result says why (outcome not_sent): NM_EINVAL when there is no
   recipient, an address could end a command, an option is wrong, or what is asked for is not offered (kind message); NM_ELIMIT when
   the size is above the server's SIZE (kind data) or another of its limits is exceeded; NM_ENOMEM. What the options point to is
   kept as long.
   In mode FULL a result keeps its place in the window until it is taken or dropped; in the others this forgets it. A source that says
   "not now" holds the transactions behind it, and so does one that must wait for a reply (after DATA, all_or_nothing, is_idle, …). */
int nm_session_begin(struct nm_session *s, const struct nm_envelope *env, struct nm_source *content);
/* Another transaction may be begun: when idle, or in mode FULL behind those that run. Begin as many as this allows, then take the output:
   many small ones leave at once. Not behind LMTP, whose replies must be counted first (is_lmtp is NM_EINVAL there). */
int nm_session_may_begin(const struct nm_session *s);
/* As many transactions were begun as the server allows on one connection (LIMITS MAILMAX, RFC 9422), or it has hung up: the next needs
   another. */
int nm_session_is_spent(const struct nm_session *s);
/* The server has hung up behind the last reply that was due: what it has said counts. */
void nm_session_hung_up(struct nm_session *s);
/* Queues QUIT: when idle, or closed after a handshake that ended in good order with a refusal (RFC 5321 3.8: not after 421).
   Nobody has to wait for its reply: nm_session_output once, and the connection may be dropped. */
int nm_session_quit(struct nm_session *s);

/* NM_WANT_* bits; 0 when idle or closed. READ and WRITE together are normal: replies are read while content goes out,
   so that neither side can block the other. */
int nm_session_want(const struct nm_session *s);
/* Bytes to send, at a place that does not move until they are all sent; *n_out 0: nothing now. Pulls from the content. A
   source that fails ends the transaction as not_sent and closes the session (the dot is never sent): its code is returned; so
   is what a calculation finds out about the server (NM_WANT_WORK), and NM_ENOMEM. Transactions before it that are all written get their
   replies first; then the session closes in nm_session_input. Those behind it are not_sent. */
int nm_session_output(struct nm_session *s, const char **p_out, size_t *n_out);
/* What is to be sent right behind those, from another place, which does not move either; often nothing. A transport that takes both at once
   saves a call and a short packet; any other need not ask. */
struct nm_str nm_session_behind(const struct nm_session *s);
/* The transport took the first n of them, or of both. */
void nm_session_sent(struct nm_session *s, size_t n);
/* Bytes from the server, all are used. A reply that nothing asked for, one that comes before its command was sent, a malformed
   one: the session is closed and NM_EPROTO (NM_ELIMIT, NM_ENOMEM) returned, also ever after. A refusal is no error here, even
   one that closes the session: 421, or a 4xx or 5xx while the content goes out. A line in place of the greeting that is none of a
   reply is quoted in the error, no other: later ones may repeat what we said. */
int nm_session_input(struct nm_session *s, const char *p, size_t n);
/* Idle, with a result that was found by counting replies (content went before the replies to its envelope). A reply too many that is there
   already, given to nm_session_input before the result is taken, makes it unknown. */
int nm_session_is_in_doubt(const struct nm_session *s);
/* The i-th of those whose results nobody has yet, counted from 0, ends as not_sent, if it has not said anything so far; nobody else is
   touched. Its result is there when those before it have theirs. */
void nm_session_withdraw(struct nm_session *s, size_t i, const struct nm_error *why);
/* The line is gone: end of stream, a transport error, a timeout. why says it (copied); each running transaction ends as not_sent
   or unknown, by what was handed over of it; as rejected when the server had already refused it. NULL: "the connection was lost". */
void nm_session_lost(struct nm_session *s, const struct nm_error *why);
/* The greeting is due, and not an octet of it has come. */
int nm_session_is_unheard(const struct nm_session *s);
/* Grows with every complete reply and every byte sent: no change for Timeout ms means no progress. */
uint64_t nm_session_progress(const struct nm_session *s);
/* Of the transaction that nm_session_result is about: true once the last byte of the content has been handed to the transport: from
   here on nothing is repeated silently. */
int nm_session_handed_over(const struct nm_session *s);
/* Of the same: a byte of the content was sent. */
int nm_session_content_begun(const struct nm_session *s);
/* How many results wait, in the order in which the transactions were begun. */
size_t nm_session_results(const struct nm_session *s);
/* Of the oldest transaction whose result was neither taken nor dropped: it is over when nm_session_results is not 0. Valid until the next
   begin, in mode FULL until it is taken or dropped. */
const struct nm_txn_result *nm_session_result(const struct nm_session *s);
/* Moves the oldest of those that wait out, so that it outlives the session: free with nm_txn_result_free. Empty when none waits. */
void nm_session_take_result(struct nm_session *s, struct nm_txn_result *out);
/* Forgets the oldest of those that wait; its memory serves the next transactions. */
void nm_session_drop_result(struct nm_session *s);
void nm_txn_result_free(struct nm_txn_result *r);
/* *to, which owns nothing, has what from had, which is empty then. */
void nm_txn_result_move(struct nm_txn_result *to, struct nm_txn_result *from);
/* What was said to this recipient: borrows from r, for as long as r is as it is. Neither free nor change it. */
struct nm_reply nm_rcpt_reply(const struct nm_rcpt *r);
/* That is the answer, with text_max octets of its text at most. before (NULL: none) was said last: mostly the same, and then it is not kept
   twice. */
void nm_rcpt_answer(struct nm_rcpt *r, const struct nm_reply *answer, size_t text_max,
                    struct nm_words *before);
/* What was said to the other, and its fate, is this one's. */
void nm_rcpt_take(struct nm_rcpt *r, struct nm_rcpt *from);
void nm_rcpt_free(struct nm_rcpt *r);
const char *nm_outcome_name(enum nm_outcome o);

NM_HIDDEN_END

#endif
