/* AUTH (RFC 4954). */

#include "base/base64.h"
#include "base/base64_strict.h"
#include "base/error.h"
#include "testing/number.h"
#include "testing/visit_own.h"

static int is_offered(const struct nm_visit *v, struct nm_str mechanism) {
  struct nm_str name;
  for (size_t at = 0; nm_texts_next(&v->house->setup.mechanisms, &at, &name);) {
    if (nm_str_ieq(name, mechanism)) {
      return nm_exchange_fits(mechanism, v->is_secure);
    }
  }
  return 0;
}

static int may_begin(struct nm_visit *v, struct nm_str mechanism) {
  if (v->house->setup.mechanisms.n == 0) {
    nm_visit_usual(v, 502, "5.5.1", "not offered");
  } else if (v->hello != NM_HELLO_EHLO || v->mechanism.n > 0 || v->mail != NULL) {
    nm_visit_usual(v, 503, "5.5.1",
                   v->hello != NM_HELLO_EHLO ? "say EHLO first"
                   : v->mail != NULL         ? "within a transaction"
                                             : "you are logged in already");
  } else if (!nm_visit_may_auth(v)) {
    nm_visit_usual(v, 530, "5.7.0", "must issue a STARTTLS command first");
  } else if (!is_offered(v, mechanism)) {
    nm_visit_usual(v, 504, "5.5.4", "that mechanism is not offered");
  } else {
    return 1;
  }
  return 0;
}

/* The exchange has said err, and perhaps a challenge. */
static void reply(struct nm_visit *v, const char *place, struct nm_str argument, int err,
                  const struct nm_buf *challenge) {
  v->stage = err == NM_AGAIN ? NM_STAGE_RESPONSE : NM_STAGE_LINE;
  if (err == NM_AGAIN) {
    nm_buf_reset(&v->usual);
    nm_buf_add_c(&v->usual, "334 ");
    nm_base64_add(&v->usual, challenge->p, challenge->n);
    nm_buf_add_c(&v->usual, "\r\n");
  } else if (err == 0) {
    nm_visit_usual(v, 235, "2.7.0", "you are who you say");
  } else if (err == NM_EREJECT) {
    nm_visit_usual(v, 535, "5.7.8", "authentication credentials invalid");
  } else {
    nm_visit_usual(v, 501, "5.5.2", "malformed, or not base64");
  }
  int is_granted = nm_visit_answer(v, place, argument);
  if (err == NM_AGAIN && is_granted) {
    return;
  }
  if (v->stage == NM_STAGE_RESPONSE) {
    v->stage = NM_STAGE_LINE;
  }
  if (err == 0 && is_granted) {
    struct nm_visitor *visitor = nm_record_get(&v->house->record, v->number);
    nm_buf_add_str(&v->user, nm_exchange_user(v->exchange));
    nm_buf_add_c(&v->mechanism, nm_exchange_mechanism(v->exchange));
    if (visitor != NULL) {
      nm_buf_reset(&visitor->user);
      nm_buf_add_str(&visitor->user, nm_buf_str(&v->user));
    }
  }
  nm_exchange_free(&v->exchange);
}

/* text: base64, "=" for an empty initial response; p NULL: there is none. */
static void step(struct nm_visit *v, const char *place, struct nm_str argument, struct nm_str text) {
  struct nm_buf response = {.max = NM_EXCHANGE_MAX}, challenge = {.max = NM_EXCHANGE_MAX};
  int err = text.p != NULL ? nm_base64_strict(&response, text) : 0;
  struct nm_str octets = nm_buf_str(&response);
  if (err == 0) {
    err = nm_exchange_step(v->exchange, text.p != NULL ? &octets : NULL, &challenge);
  }
  if (err == NM_ENOMEM) {
    nm_visit_lost(v, "no memory");
  } else {
    reply(v, place, argument, err, &challenge);
  }
  nm_buf_free(&response);
  nm_buf_free(&challenge);
}

/* "AUTH" SP mechanism [SP (initial-response / "=")] */
void nm_visit_auth(struct nm_visit *v, struct nm_str argument) {
  struct nm_str text = argument, mechanism = nm_word(&text);
  if (!may_begin(v, mechanism)) {
    nm_visit_answer(v, "AUTH", argument);
    return;
  }
  struct nm_exchange_facts facts = {.setup = &v->house->setup,
                                    .digest = v->house->digest,
                                    .tls = v->house->tls,
                                    .end = v->is_secure ? v->tls_end : NULL};
  if (nm_exchange_new(mechanism, &facts, &v->exchange) != 0) {
    nm_visit_lost(v, "no memory");
    return;
  }
  struct nm_str initial = text.n == 0 ? nm_str(NULL, 0) : nm_str_eq(text, NM_STR("=")) ? nm_str("", 0) : text;
  step(v, "AUTH", argument, initial);
}

void nm_visit_response(struct nm_visit *v, struct nm_str line) {
  if (nm_str_eq(line, NM_STR("*"))) {
    nm_exchange_free(&v->exchange);
    v->stage = NM_STAGE_LINE;
    nm_visit_usual(v, 501, "5.7.0", "cancelled");
    nm_visit_answer(v, "RESPONSE", line);
    return;
  }
  step(v, "RESPONSE", line, line.n > 0 ? line : nm_str("", 0));
}
