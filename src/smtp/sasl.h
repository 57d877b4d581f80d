#ifndef NM_SMTP_SASL_H
#define NM_SMTP_SASL_H

#include <stdint.h>
#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/hidden.h"
#include "base/str.h"

/* SASL (RFC 4422), the client's side of one exchange, without I/O and without lines: challenges go in and responses come out,
   decoded both. smtp/auth.h puts it on SMTP's lines and chooses the mechanism. */
struct nm_sasl;

/* Sets of mechanisms, the most wanted first. GSSAPI and NTLM are names here: they are not spoken by us. */
enum {
  NM_SASL_EXTERNAL = 1 << 0,
  NM_SASL_GSSAPI = 1 << 1,
  NM_SASL_SCRAM_SHA_512_PLUS = 1 << 2,
  NM_SASL_SCRAM_SHA_256_PLUS = 1 << 3,
  NM_SASL_SCRAM_SHA_1_PLUS = 1 << 4,
  NM_SASL_SCRAM_SHA_512 = 1 << 5,
  NM_SASL_SCRAM_SHA_256 = 1 << 6,
  NM_SASL_SCRAM_SHA_1 = 1 << 7,
  NM_SASL_DIGEST_MD5 = 1 << 8,
  NM_SASL_CRAM_MD5 = 1 << 9,
  NM_SASL_NTLM = 1 << 10,
  NM_SASL_OAUTHBEARER = 1 << 11,
  NM_SASL_XOAUTH2 = 1 << 12,
  NM_SASL_PLAIN = 1 << 13,
  NM_SASL_LOGIN = 1 << 14,
  NM_SASL_LAST = NM_SASL_LOGIN,

  NM_SASL_PLUS = NM_SASL_SCRAM_SHA_512_PLUS | NM_SASL_SCRAM_SHA_256_PLUS | NM_SASL_SCRAM_SHA_1_PLUS,
  NM_SASL_SCRAM = NM_SASL_PLUS | NM_SASL_SCRAM_SHA_512 | NM_SASL_SCRAM_SHA_256 | NM_SASL_SCRAM_SHA_1,
  NM_SASL_MD5 = NM_SASL_DIGEST_MD5 | NM_SASL_CRAM_MD5,
  /* The password or token itself goes over the line. */
  NM_SASL_CLEAR = NM_SASL_OAUTHBEARER | NM_SASL_XOAUTH2 | NM_SASL_PLAIN | NM_SASL_LOGIN,
  /* Need the table of digests, and with it netmail.crypto. */
  NM_SASL_DIGESTS = NM_SASL_SCRAM | NM_SASL_MD5,
  /* What "" stands for: with a password, and with no identity but the one it is given with. */
  NM_SASL_ANY = NM_SASL_SCRAM | NM_SASL_MD5 | NM_SASL_PLAIN | NM_SASL_LOGIN,
  /* Spoken by libcurl, when named. */
  NM_SASL_FOREIGN = NM_SASL_GSSAPI | NM_SASL_NTLM
};

/* RFC 5802 5.1 wants 4096 at least; a million takes a third of a second, and who asks for more wants to keep us busy. */
#define NM_SASL_ITERATIONS_MIN 4096u
#define NM_SASL_ITERATIONS_MAX 1000000u
/* RFC 4954 4: a line of an exchange has at most 12288 octets, base64 and CRLF. */
#define NM_SASL_MESSAGE_MAX 9213
/* Of each text in nm_sasl_login. */
#define NM_SASL_TEXT_MAX 8192
/* PBKDF2 rounds between two calls: a millisecond or two. */
#define NM_SASL_SLICE 4096u

/* Who logs in, and where. Texts are copied by nm_sasl_new; an empty one is not given. */
struct nm_sasl_login {
  struct nm_str user;
  struct nm_str password; /* or token: OAUTHBEARER, XOAUTH2 */
  struct nm_str authzid;  /* on whose behalf; mostly empty: the user's own */
  struct nm_str realm;    /* DIGEST-MD5: when empty, the first one that the server offers, else none */
  struct nm_str host;     /* as it was named in the certificate's check */
  int port;
  struct nm_str service;      /* DIGEST-MD5; when empty, "smtp" */
  struct nm_str binding_type; /* "tls-exporter", "tls-unique", "tls-server-end-point" (RFC 9266, RFC 5929) */
  struct nm_str binding;      /* its octets */
  int offers_plus; /* the server offers a -PLUS mechanism: a SCRAM without it then says "n", not "y" (RFC 5802 6) */
  uint32_t iterations_min;            /* 0: NM_SASL_ITERATIONS_MIN */
  uint32_t iterations_max;            /* 0: NM_SASL_ITERATIONS_MAX */
  struct nm_str nonce;                /* for tests; when empty, one of 144 random bits */
  const struct nm_digest_api *digest; /* kept; may be NULL when none of NM_SASL_DIGESTS is to be spoken */
};

/* What a failure says about going on with another mechanism. */
enum nm_sasl_fault {
  NM_SASL_FINE,
  NM_SASL_FAULT_MECHANISM, /* this mechanism does not work here; another one may */
  NM_SASL_FAULT_SECRET,    /* wrong user, password or token: the same everywhere */
  NM_SASL_FAULT_SERVER /* the server does not prove who it is, or wants what is not safe: nothing more is to be told it */
};

NM_HIDDEN_BEGIN

/* One bit for a name in any case ("Kerberos" is GSSAPI), NM_SASL_ANY for "", 0 for an unknown one. */
unsigned nm_sasl_by_name(struct nm_str name);
/* The name of one bit; "" for another number. */
const char *nm_sasl_name(unsigned bit);
/* Of one bit, for MinimumAuth: a higher one is harder to eavesdrop on, or to be lured into. Equal: of the same worth. */
int nm_sasl_strength(unsigned bit);

/* bit: one that is not in NM_SASL_FOREIGN. NM_EINVAL when the login does not suit the mechanism (e says why and what to do), NM_ENOMEM. */
int nm_sasl_new(unsigned bit, const struct nm_sasl_login *login, struct nm_sasl **out, struct nm_error *e);
/* Overwrites what it kept, and frees; leaves NULL. */
void nm_sasl_free(struct nm_sasl **s);
/* The client speaks first: nm_sasl_step with an empty challenge gives what it says, which may go with the AUTH command (RFC 4954 4). */
int nm_sasl_is_client_first(const struct nm_sasl *s);

/* One challenge in, one response out: appended to response, which is to be born { .max = NM_SASL_MESSAGE_MAX, .secret = 1 }. Its bytes
   are secret, whatever they are. NM_AGAIN: a long calculation has begun; call nm_sasl_work until it says something else. Negative: the
   exchange has failed and is to be cancelled (e has a sentence without a secret; nm_sasl_fault, the consequence); it stays so.
   NM_EPROTO: the server's message is wrong; NM_EREJECT: the server said no, in the mechanism's own words; NM_EINVAL, NM_ENOMEM. */
int nm_sasl_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response, struct nm_error *e);
/* A slice of it, some milliseconds at most; returns what nm_sasl_step does. */
int nm_sasl_work(struct nm_sasl *s, struct nm_buf *response, struct nm_error *e);
/* The server says that we are in. 0: it may be believed. NM_EPROTO: it may not: it has not yet proved that it knows the
   password where the mechanism wants that, or has not even heard ours. */
int nm_sasl_succeed(struct nm_sasl *s, struct nm_error *e);
enum nm_sasl_fault nm_sasl_fault(const struct nm_sasl *s);
/* What the server said of its refusal within the exchange ("invalid-proof", JSON); n == 0: nothing. Bytes of a stranger. */
struct nm_str nm_sasl_server_words(const struct nm_sasl *s);

NM_HIDDEN_END

#endif
