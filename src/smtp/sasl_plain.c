/* Mechanisms that tell the server the secret itself, or nothing: the line must be protected. */

#include "base/chars.h"
#include "smtp/sasl_mech.h"
#include "smtp/secret.h"

static int asks_for_more(struct nm_sasl *s, struct nm_error *e) {
  return nm_sasl_fail(s, NM_SASL_FAULT_MECHANISM, NM_EPROTO, e,
                      "the server asks for more than the mechanism has");
}

/* RFC 4616 2: message = [authzid] UTF8NUL authcid UTF8NUL passwd. As they were given: it is the server that prepares
   them (RFC 4616 2, last paragraphs). */
static int plain_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                      struct nm_error *e) {
  (void)challenge;
  if (s->turn > 0) {
    return asks_for_more(s, e);
  }
  nm_buf_add_str(response, nm_buf_str(&s->authzid));
  nm_buf_add_byte(response, '\0');
  nm_buf_add_str(response, nm_buf_str(&s->user));
  nm_buf_add_byte(response, '\0');
  nm_buf_add_str(response, nm_buf_str(&s->password));
  s->is_done = 1;
  return 0;
}

/* LOGIN was never more than a draft. What the two prompts say differs from server to server, and "Password:" first is no reason to
   send the password first: they are answered in their order. */
static int login_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                      struct nm_error *e) {
  (void)challenge;
  if (s->turn > 1) {
    return asks_for_more(s, e);
  }
  nm_buf_add_str(response, nm_buf_str(s->turn == 0 ? &s->user : &s->password));
  s->is_done = s->turn == 1;
  return 0;
}

/* RFC 4422 A.1: the identity is in the TLS certificate; what is said is on whose behalf, or nothing. */
static int external_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                         struct nm_error *e) {
  (void)challenge;
  if (s->turn > 0) {
    return asks_for_more(s, e);
  }
  nm_buf_add_str(response, nm_buf_str(s->authzid.n > 0 ? &s->authzid : &s->user));
  s->is_done = 1;
  return 0;
}

/* ---- tokens ---- */

/* RFC 6749 A.12: access-token = 1*VSCHAR. A line end, as a token read from a file often has, or a CTRL-A, would be protocol. */
static int token_begin(struct nm_sasl *s, struct nm_error *e) {
  if (!nm_all(nm_buf_str(&s->password), NM_CHAR_PRINT)) {
    return nm_sasl_fail(s, NM_SASL_FAULT_SECRET, NM_EINVAL, e,
                        "the token has a character that is not printable ASCII (a line end?); correct it");
  }
  const struct nm_buf *texts[] = {&s->user, &s->authzid, &s->host};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    for (size_t k = 0; k < texts[i]->n; k++) {
      if ((unsigned char)texts[i]->p[k] < 0x20) {
        return nm_sasl_fail(s, NM_SASL_FAULT_SECRET, NM_EINVAL, e,
                            "the user name has a control character in it");
      }
    }
  }
  return 0;
}

/* The second challenge is the reason for a refusal (RFC 7628 3.2.2; Google's XOAUTH2), never a question. It is answered, and the
   server then says no in SMTP's words; a yes after it is not believed. */
static int token_refused(struct nm_sasl *s, struct nm_str challenge, struct nm_error *e) {
  s->is_done = 0;
  if (s->turn > 1) {
    return asks_for_more(s, e);
  }
  if (!nm_secret_shown(challenge, nm_buf_str(&s->user), nm_buf_str(&s->password))) {
    nm_buf_add_str(&s->words, challenge);
  }
  return 0;
}

/* https://developers.google.com/gmail/imap/xoauth2-protocol: "user=" {User} "^Aauth=Bearer " {Access Token} "^A^A" */
static int xoauth2_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                        struct nm_error *e) {
  if (s->turn > 0) {
    return token_refused(s, challenge, e); /* answered by nothing */
  }
  nm_buf_add_c(response, "user=");
  nm_buf_add_str(response, nm_buf_str(&s->user));
  nm_buf_add_c(response, "\1auth=Bearer ");
  nm_buf_add_str(response, nm_buf_str(&s->password));
  nm_buf_add_c(response, "\1\1");
  s->is_done = 1;
  return 0;
}

/* RFC 7628 3.1:
   client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep
   kvpair = key "=" value kvsep ; kvsep = %x01 */
static int oauthbearer_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response,
                            struct nm_error *e) {
  if (s->turn > 0) {
    int err = token_refused(s, challenge, e);
    if (err == 0) {
      nm_buf_add_byte(response, '\1');
    }
    return err;
  }
  const struct nm_buf *identity = s->authzid.n > 0 ? &s->authzid : &s->user;
  nm_buf_add_c(response, "n,");
  if (identity->n > 0) {
    nm_buf_add_c(response, "a=");
    nm_sasl_add_saslname(response, nm_buf_str(identity));
  }
  nm_buf_add_c(response, ",\1");
  if (s->host.n > 0) {
    nm_buf_add_c(response, "host=");
    nm_buf_add_str(response, nm_buf_str(&s->host));
    nm_buf_addf(response, "\1port=%d\1", s->port);
  }
  nm_buf_add_c(response, "auth=Bearer ");
  nm_buf_add_str(response, nm_buf_str(&s->password));
  nm_buf_add_c(response, "\1\1");
  s->is_done = 1;
  return 0;
}

const struct nm_sasl_mech nm_sasl_plain = {
    .name = "PLAIN", .bit = NM_SASL_PLAIN, .strength = 1, .is_client_first = 1, .step = plain_step};
const struct nm_sasl_mech nm_sasl_login_mech = {
    .name = "LOGIN", .bit = NM_SASL_LOGIN, .strength = 1, .step = login_step};
const struct nm_sasl_mech nm_sasl_external = {
    .name = "EXTERNAL", .bit = NM_SASL_EXTERNAL, .strength = 12, .is_client_first = 1, .step = external_step};
const struct nm_sasl_mech nm_sasl_xoauth2 = {.name = "XOAUTH2",
                                             .bit = NM_SASL_XOAUTH2,
                                             .strength = 2,
                                             .is_client_first = 1,
                                             .begin = token_begin,
                                             .step = xoauth2_step};
const struct nm_sasl_mech nm_sasl_oauthbearer = {.name = "OAUTHBEARER",
                                                 .bit = NM_SASL_OAUTHBEARER,
                                                 .strength = 2,
                                                 .is_client_first = 1,
                                                 .begin = token_begin,
                                                 .step = oauthbearer_step};
