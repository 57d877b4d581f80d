#ifndef NM_SPEC_SASL_LOGIN_H
#define NM_SPEC_SASL_LOGIN_H

/* One exchange as a test gives it: who logs in, and what is said. */

#include "smtp/sasl.h"
#include "support/ctest.h"
#include "support/digests.h"

/* Nothing of these may ever be in a text for people. */
#define SECRET "pencil"

static inline struct nm_sasl_login login_of(const char *user, const char *password) {
  return (struct nm_sasl_login){.user = nm_str_c(user),
                                .password = nm_str_c(password),
                                .host = NM_STR("mail.example.org"),
                                .port = 587,
                                .digest = &digests};
}

static inline struct nm_buf sasl_room(void) {
  return (struct nm_buf){.max = NM_SASL_MESSAGE_MAX, .secret = 1};
}

/* The challenge in a block of its own size, and all work done. */
static inline int sasl_say(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                           struct nm_error *e) {
  char *copy = malloc(challenge.n > 0 ? challenge.n : 1);
  if (challenge.n > 0) {
    memcpy(copy, challenge.p, challenge.n);
  }
  nm_buf_reset(response);
  int err = nm_sasl_step(s, nm_str(copy, challenge.n), response, e);
  memset(copy, 'x', challenge.n); /* it was borrowed until now only */
  free(copy);
  while (err == NM_AGAIN) {
    err = nm_sasl_work(s, response, e);
  }
  return err;
}

#endif
