#ifndef NM_TESTING_SETUP_H
#define NM_TESTING_SETUP_H

#include "base/hidden.h"
#include "base/tls_host.h"
#include "testing/fault.h"
#include "testing/texts.h"

/* What a server is told when it is made. Filled by the caller after nm_setup_init, then checked once. */

enum nm_setup_tls { NM_SETUP_PLAIN, NM_SETUP_STARTTLS, NM_SETUP_IMPLICIT };

struct nm_setup {
  struct nm_buf address;  /* a loopback one */
  struct nm_buf hostname; /* what it calls itself */
  int port;               /* 0: any that is free */
  enum nm_setup_tls tls;
  int tls_version_max; /* 12, 13; 0: the newest */
  enum nm_tls_certificate certificate;
  int lmtp;
  int require_tls;
  int require_auth;
  struct nm_texts users;  /* name, password, name, password, … */
  struct nm_texts tokens; /* name, token, … */
  struct nm_texts mechanisms;
  int has_mechanisms; /* else all that users, tokens and TLS are enough for */
  struct nm_texts extensions;
  int has_extensions;  /* else nm_setup_init's */
  uint32_t iterations; /* of SCRAM */
  size_t max_messages;
  size_t max_bytes; /* of all that is kept */
};

NM_HIDDEN_BEGIN

void nm_setup_init(struct nm_setup *s);
/* Fills what was left out and says what cannot be: NM_EINVAL, NM_ENOMEM. */
int nm_setup_finish(struct nm_setup *s, struct nm_error *e);
void nm_setup_free(struct nm_setup *s);
/* Of an extension that is offered ("SIZE"): what stands behind its keyword. */
int nm_setup_offers(const struct nm_setup *s, const char *keyword, struct nm_str *argument_out);
/* The same as a number: fallback where it has no argument or is not offered. */
uint64_t nm_setup_number(const struct nm_setup *s, const char *keyword, uint64_t fallback);

/* Of LIMITS (RFC 9422): "RCPTMAX". */
uint64_t nm_setup_limit(const struct nm_setup *s, const char *name, uint64_t fallback);

NM_HIDDEN_END

#endif
