#include "smtp/auth.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/base64_strict.h"
#include "smtp/secret.h"

#define WORDS_SHOWN 300

enum state {
  IDLE,       /* nothing said yet */
  SAID,       /* a reply is due: to AUTH, or to a response */
  HOLDING,    /* as SAID, and the initial response waits for the 334 */
  WORKING,    /* a calculation runs */
  CANCELLING, /* "*" was said: its reply ends the exchange */
  OVER
};

struct nm_auth {
  enum state state;
  struct nm_sasl_choice choice;
  struct nm_sasl_login login; /* its texts are in kept */
  struct nm_buf kept[9];
  struct nm_sasl *sasl;
  struct nm_buf response; /* decoded */
  struct nm_buf coded;    /* what of it was said last: a server may quote it */
  size_t secret_at;
  unsigned bit;
  enum nm_sasl_fault fault;
  struct nm_error failure; /* why the mechanism spoken last did not work; code 0: it did, so far */
};

/* ---- life ---- */

static int keep_login(struct nm_auth *a) {
  struct nm_str *texts[] = {&a->login.user,         &a->login.password, &a->login.authzid,
                            &a->login.realm,        &a->login.host,     &a->login.service,
                            &a->login.binding_type, &a->login.binding,  &a->login.nonce};
  int err = 0;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    /* One octet more than a mechanism takes, which then says that it is too long. */
    a->kept[i] = (struct nm_buf){.max = NM_SASL_TEXT_MAX + 1, .secret = 1};
    nm_buf_add(&a->kept[i], texts[i]->p,
               texts[i]->n <= NM_SASL_TEXT_MAX ? texts[i]->n : NM_SASL_TEXT_MAX + 1);
    err = err != 0 ? err : a->kept[i].err;
    *texts[i] = nm_buf_str(&a->kept[i]);
  }
  return err;
}

int nm_auth_new(const struct nm_sasl_choice *choice, const struct nm_sasl_login *login,
                struct nm_auth **out) {
  struct nm_auth *a = nm_zalloc(sizeof *a);
  *out = NULL;
  if (a == NULL) {
    return NM_ENOMEM;
  }
  a->choice = *choice;
  a->choice.allowed = nm_sasl_trusted(choice, login) & ~(unsigned)NM_SASL_FOREIGN;
  a->login = *login;
  a->login.offers_plus = (choice->offered & NM_SASL_PLUS) != 0;
  a->choice.can_bind = choice->can_bind && login->binding.n > 0;
  a->response = (struct nm_buf){.max = NM_SASL_MESSAGE_MAX, .secret = 1};
  a->coded = (struct nm_buf){.max = NM_AUTH_LINE_MAX, .secret = 1};
  if (keep_login(a) != 0) {
    nm_auth_free(&a);
    return NM_ENOMEM;
  }
  *out = a;
  return 0;
}

void nm_auth_free(struct nm_auth **a) {
  struct nm_auth *old = *a;
  if (old == NULL) {
    return;
  }
  for (size_t i = 0; i < sizeof old->kept / sizeof old->kept[0]; i++) {
    nm_buf_free(&old->kept[i]);
  }
  nm_sasl_free(&old->sasl);
  nm_buf_free(&old->response);
  nm_buf_free(&old->coded);
  nm_free(old);
  *a = NULL;
}

void nm_auth_give_digest(struct nm_auth *a, const struct nm_digest_api *digest) {
  a->login.digest = digest;
}

size_t nm_auth_secret_at(const struct nm_auth *a) {
  return a->secret_at;
}

unsigned nm_auth_bit(const struct nm_auth *a) {
  return a->bit;
}

enum nm_sasl_fault nm_auth_fault(const struct nm_auth *a) {
  return a->fault;
}

/* ---- lines ---- */

/* The end; after a success nothing more is to be asked. */
static int over(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  a->state = OVER;
  nm_buf_reset(line);
  if (e != NULL) {
    *e = a->failure;
  }
  return a->failure.code;
}

/* What this state has no place for; who is told so after the end hears how it ended. */
static int out_of_turn(struct nm_auth *a, const char *why, struct nm_buf *line, struct nm_error *e) {
  return a->state == OVER ? over(a, line, e) : nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "%s", why);
}

/* The server is none to go on with. */
static int distrust(struct nm_auth *a, const char *why, struct nm_buf *line, struct nm_error *e) {
  a->fault = NM_SASL_FAULT_SERVER;
  nm_error_set(&a->failure, NM_EPROTO, NM_KIND_AUTH, "%s: %s", nm_sasl_name(a->bit), why);
  return over(a, line, e);
}

static int no_memory(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  a->fault = NM_SASL_FAULT_SERVER;
  (void)nm_error_nomem(&a->failure);
  return over(a, line, e);
}

/* base64 of the response becomes coded. */
static struct nm_str encode(struct nm_auth *a) {
  nm_buf_reset(&a->coded);
  nm_base64_add(&a->coded, a->response.p, a->response.n);
  return nm_buf_str(&a->coded);
}

/* The line ends; due: what its reply will find. */
static int say(struct nm_auth *a, enum state due, struct nm_buf *line, struct nm_error *e) {
  nm_buf_add_c(line, "\r\n");
  a->state = due;
  return line->err != 0 || a->coded.err != 0 ? no_memory(a, line, e) : NM_AUTH_SAY;
}

/* auth-command = "AUTH" SP sasl-mech [SP initial-response] CRLF ; initial-response = base64 / "="
   A response that would make the line too long waits for the server's empty challenge (RFC 4954 4). */
static int say_auth(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  nm_buf_reset(line);
  nm_buf_addf(line, "AUTH %s", nm_sasl_name(a->bit));
  int is_held = 0;
  a->secret_at = line->n;
  if (nm_sasl_is_client_first(a->sasl)) {
    struct nm_str response = encode(a);
    is_held = line->n + 1 + response.n + 2 > NM_AUTH_COMMAND_MAX;
    if (!is_held) {
      nm_buf_add_c(line, " ");
      a->secret_at = line->n;
      nm_buf_add_str(line, response.n > 0 ? response : NM_STR("="));
    }
  }
  return say(a, is_held ? HOLDING : SAID, line, e);
}

/* *base64 CRLF */
static int say_response(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  nm_buf_reset(line);
  a->secret_at = 0;
  nm_buf_add_str(line, encode(a));
  return say(a, SAID, line, e);
}

/* "*" CRLF: the server answers with 501 (RFC 4954 4), or with what it wanted to say anyway. */
static int say_cancel(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  nm_buf_reset(line);
  nm_buf_add_c(line, "*");
  a->secret_at = line->n;
  return say(a, CANCELLING, line, e);
}

/* ---- mechanisms ---- */

/* Makes the next mechanism's state, with what it says first in response. A login that does not suit one may suit another. */
static int prepare(struct nm_auth *a) {
  nm_sasl_free(&a->sasl);
  nm_buf_reset(&a->response);
  a->choice.tried |= a->bit;
  int err = nm_sasl_new(a->bit, &a->login, &a->sasl, &a->failure);
  if (err == 0 && nm_sasl_is_client_first(a->sasl)) {
    err = nm_sasl_step(a->sasl, nm_str("", 0), &a->response, &a->failure);
  }
  return err;
}

static int next_mechanism(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  for (;;) {
    struct nm_error none = {0};
    unsigned bit = nm_sasl_choose(&a->choice, &none);
    if (bit == 0) {
      a->failure = a->failure.code != 0 ? a->failure : none;
      return over(a, line, e);
    }
    a->bit = bit;
    if ((bit & NM_SASL_DIGESTS) != 0 && a->login.digest == NULL) {
      nm_buf_reset(line);
      a->state = IDLE; /* for nm_auth_begin */
      return NM_AUTH_DIGEST;
    }
    int err = prepare(a);
    if (err == 0) {
      a->failure = (struct nm_error){0};
      a->fault = NM_SASL_FINE;
      return say_auth(a, line, e);
    }
    if (err == NM_ENOMEM) {
      return over(a, line, e);
    }
    a->fault = NM_SASL_FAULT_SECRET;
  }
}

int nm_auth_begin(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  if (a->state != IDLE) {
    return out_of_turn(a, "a login is under way", line, e);
  }
  return next_mechanism(a, line, e);
}

/* What a step of the mechanism came to. */
static int go_on(struct nm_auth *a, int err, struct nm_buf *line, struct nm_error *e) {
  if (err == 0) {
    return say_response(a, line, e);
  }
  if (err == NM_AGAIN) {
    nm_buf_reset(line);
    a->state = WORKING;
    return NM_AUTH_WORK;
  }
  a->fault = nm_sasl_fault(a->sasl);
  return err == NM_ENOMEM ? over(a, line, e) : say_cancel(a, line, e);
}

int nm_auth_work(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  if (a->state != WORKING) {
    return out_of_turn(a, "there is nothing to work on", line, e);
  }
  return go_on(a, nm_sasl_work(a->sasl, &a->response, &a->failure), line, e);
}

/* ---- replies ---- */

static int hear_challenge(struct nm_auth *a, struct nm_str text, struct nm_buf *line, struct nm_error *e) {
  struct nm_buf challenge = {.max = NM_SASL_MESSAGE_MAX, .secret = 1};
  int err = nm_base64_strict(&challenge, text);
  if (err == NM_ENOMEM) {
    nm_buf_free(&challenge);
    return no_memory(a, line, e);
  }
  if (err != 0 || (a->state == HOLDING && challenge.n > 0)) {
    nm_buf_free(&challenge);
    a->fault = NM_SASL_FAULT_MECHANISM;
    nm_error_set(&a->failure, NM_EPROTO, NM_KIND_AUTH, "%s: the server's challenge %s", nm_sasl_name(a->bit),
                 err == NM_EINVAL   ? "is not base64"
                 : err == NM_ELIMIT ? "is too long"
                                    : "comes where the client begins");
    return say_cancel(a, line, e);
  }
  if (a->state == HOLDING) {
    return say_response(a, line, e);
  }
  nm_buf_reset(&a->response);
  err = nm_sasl_step(a->sasl, nm_buf_str(&challenge), &a->response, &a->failure);
  nm_buf_free(&challenge);
  return go_on(a, err, line, e);
}

int nm_auth_repeats_secret(const struct nm_auth *a, struct nm_str words) {
  return nm_secret_quoted(words, nm_buf_str(&a->coded)) ||
         nm_secret_shown(words, a->login.user, a->login.password);
}

void nm_auth_mark_secret(const struct nm_auth *a, struct nm_secret_marks *marks) {
  nm_secret_marks_add(marks, a->login.user, a->login.password);
}

/* Words of the server's for people, unless they repeat what is secret. */
static struct nm_str shown(const struct nm_auth *a, struct nm_str text) {
  return nm_auth_repeats_secret(a, text) ? NM_STR("(its words repeat what it was told, and are not shown)")
                                         : text;
}

static void set_refusal(struct nm_auth *a, int code, struct nm_str text) {
  struct nm_str words = nm_sasl_server_words(a->sasl), reply = shown(a, text);
  a->fault = nm_sasl_fault_of(code);
  words = words.n > 0 ? shown(a, words) : words;
  nm_error_set(&a->failure, NM_EREJECT, NM_KIND_AUTH, "%s: the server refuses: %d %.*s%s%.*s",
               nm_sasl_name(a->bit), code, nm_shown(reply, WORDS_SHOWN), reply.p,
               words.n > 0 ? NM_AUTH_REASON : "", nm_shown(words, WORDS_SHOWN), words.p);
}

/* The exchange has ended without a login. */
static int after_failure(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  return a->fault == NM_SASL_FAULT_MECHANISM ? next_mechanism(a, line, e) : over(a, line, e);
}

static int hear_success(struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  if (a->state == HOLDING) {
    return distrust(a,
                    "the server says that we are logged in before it was told who we are; it is not believed",
                    line, e);
  }
  if (nm_sasl_succeed(a->sasl, &a->failure) != 0) {
    a->fault = nm_sasl_fault(a->sasl);
    return over(a, line, e);
  }
  a->state = OVER;
  nm_buf_reset(line);
  nm_sasl_free(&a->sasl);
  return NM_AUTH_DONE;
}

int nm_auth_reply(struct nm_auth *a, int code, struct nm_str text, struct nm_buf *line, struct nm_error *e) {
  if (a->state != SAID && a->state != HOLDING && a->state != CANCELLING) {
    return out_of_turn(a, "a reply to nothing", line, e);
  }
  if (code == 421) { /* the server hangs up, whatever was asked */
    set_refusal(a, code, text);
    return over(a, line, e);
  }
  if (a->state == CANCELLING) {
    /* Whatever is said, the exchange has failed, by what was found then. */
    return code < 400 ? distrust(a, "the server goes on with a login that was cancelled", line, e)
                      : after_failure(a, line, e);
  }
  if (code == 334) {
    return hear_challenge(a, text, line, e);
  }
  if (code == 235) {
    return hear_success(a, line, e);
  }
  if (code < 400) {
    return distrust(a, "the server's reply is no answer to AUTH", line, e);
  }
  set_refusal(a, code, text);
  return after_failure(a, line, e);
}
