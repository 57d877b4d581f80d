/* MAIL and RCPT with their parameters. */

#include "base/chars.h"
#include "testing/number.h"
#include "testing/visit_own.h"

/* What RFC 5321 4.5.3.1.8 wants of everybody is a hundred; more than this nobody tests by hand. */
#define RCPTS_MAX 10000

/* ---- parameters ---- */

static int bad(struct nm_visit *v, const char *keyword) {
  nm_visit_usual(v, 501, "5.5.4", "bad value of %s", keyword);
  return 0;
}

static int check_size(struct nm_visit *v, struct nm_str value) {
  uint64_t n, max = nm_setup_number(&v->house->setup, "SIZE", UINT64_MAX);
  if (!nm_number(value, &n)) {
    return bad(v, "SIZE");
  }
  if (n > max) {
    nm_visit_usual(v, 552, "5.3.4", "larger than %llu octets", (unsigned long long)max);
    return 0;
  }
  return 1;
}

static int check_body(struct nm_visit *v, struct nm_str value) {
  int is_binary = nm_str_ieq(value, NM_STR("BINARYMIME"));
  if (is_binary && !nm_visit_offers(v, "BINARYMIME")) {
    nm_visit_usual(v, 555, "5.5.4", "BINARYMIME is not offered");
    return 0;
  }
  v->is_binary = is_binary;
  return is_binary || nm_str_ieq(value, NM_STR("7BIT")) || nm_str_ieq(value, NM_STR("8BITMIME")) ||
         bad(v, "BODY");
}

static int check_utf8(struct nm_visit *v, struct nm_str value) {
  v->is_utf8 = 1;
  return value.p == NULL || bad(v, "SMTPUTF8");
}

static int check_ret(struct nm_visit *v, struct nm_str value) {
  return nm_str_ieq(value, NM_STR("FULL")) || nm_str_ieq(value, NM_STR("HDRS")) || bad(v, "RET");
}

/* xtext = *( xchar / hexchar ), hexchar = "+" and two hexadecimal digits in capitals (RFC 3461 4) */
static int is_xtext(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] < '!' || s.p[i] > '~' || s.p[i] == '=') {
      return 0;
    }
    if (s.p[i] == '+') {
      struct nm_str digits = nm_str(s.p + i + 1, s.n - i - 1 < 2 ? s.n - i - 1 : 2);
      if (digits.n < 2 || !nm_all(digits, NM_CHAR_HEX) || (digits.p[0] >= 'a') || (digits.p[1] >= 'a')) {
        return 0;
      }
      i += 2;
    }
  }
  return s.n > 0;
}

static int check_xtext(struct nm_visit *v, struct nm_str value) {
  return is_xtext(value) || bad(v, "a parameter in xtext");
}

/* esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) */
static int check_notify(struct nm_visit *v, struct nm_str value) {
  if (nm_str_ieq(value, NM_STR("NEVER"))) {
    return 1;
  }
  for (struct nm_str rest = value;;) {
    const char *comma = rest.n > 0 ? memchr(rest.p, ',', rest.n) : NULL;
    struct nm_str one = nm_str(rest.p, comma != NULL ? (size_t)(comma - rest.p) : rest.n);
    if (!nm_str_ieq(one, NM_STR("SUCCESS")) && !nm_str_ieq(one, NM_STR("FAILURE")) &&
        !nm_str_ieq(one, NM_STR("DELAY"))) {
      return bad(v, "NOTIFY");
    }
    if (comma == NULL) {
      return 1;
    }
    rest = nm_str(comma + 1, rest.n - one.n - 1);
  }
}

/* ORCPT = addr-type ";" xtext */
static int check_orcpt(struct nm_visit *v, struct nm_str value) {
  const char *semicolon = value.n > 0 ? memchr(value.p, ';', value.n) : NULL;
  size_t n = semicolon != NULL ? (size_t)(semicolon - value.p) : 0;
  struct nm_str type = nm_str(value.p, n);
  int is_utf8_type = nm_str_ieq(type, NM_STR("utf-8")); /* RFC 6533 has an xtext of its own */
  return (n > 0 && (is_utf8_type || is_xtext(nm_str(value.p + n + 1, value.n - n - 1)))) || bad(v, "ORCPT");
}

/* RFC 8689 4.2.1: over TLS alone */
static int check_requiretls(struct nm_visit *v, struct nm_str value) {
  if (!v->is_secure) {
    nm_visit_usual(v, 530, "5.7.10", "REQUIRETLS needs TLS");
    return 0;
  }
  return value.p == NULL || bad(v, "REQUIRETLS");
}

static int check_nothing(struct nm_visit *v, struct nm_str value) {
  (void)v;
  (void)value;
  return 1;
}

static const struct parameter {
  const char *keyword;
  const char *extension; /* that brings it; "AUTH" is there when a mechanism is */
  int of_rcpt;
  int (*check)(struct nm_visit *v, struct nm_str value);
} parameters[] = {
    {"SIZE", "SIZE", 0, check_size},
    {"BODY", "8BITMIME", 0, check_body},
    {"SMTPUTF8", "SMTPUTF8", 0, check_utf8},
    {"RET", "DSN", 0, check_ret},
    {"ENVID", "DSN", 0, check_xtext},
    {"NOTIFY", "DSN", 1, check_notify},
    {"ORCPT", "DSN", 1, check_orcpt},
    {"AUTH", "AUTH", 0, check_xtext},
    {"REQUIRETLS", "REQUIRETLS", 0, check_requiretls},
    {"BY", "DELIVERBY", 0, check_nothing},
    {"HOLDFOR", "FUTURERELEASE", 0, check_nothing},
    {"HOLDUNTIL", "FUTURERELEASE", 0, check_nothing},
    {"MT-PRIORITY", "MT-PRIORITY", 0, check_nothing},
};
#define PARAMETERS (sizeof parameters / sizeof parameters[0])

static const struct parameter *find_parameter(struct nm_str keyword, int of_rcpt) {
  for (size_t i = 0; i < PARAMETERS; i++) {
    if (parameters[i].of_rcpt == of_rcpt && nm_str_ieq(keyword, nm_str_c(parameters[i].keyword))) {
      return &parameters[i];
    }
  }
  return NULL;
}

static int is_offered(const struct nm_visit *v, const struct parameter *p, struct nm_str keyword) {
  struct nm_str argument;
  char text[64];
  if (p != NULL) {
    return strcmp(p->extension, "AUTH") == 0 ? nm_visit_may_auth(v)
                                             : nm_setup_offers(&v->house->setup, p->extension, &argument);
  }
  /* One that is unknown is taken where an extension of that name is offered. */
  if (keyword.n == 0 || keyword.n >= sizeof text) {
    return 0;
  }
  memcpy(text, keyword.p, keyword.n);
  text[keyword.n] = '\0';
  return nm_setup_offers(&v->house->setup, text, &argument);
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value] */
static int check_parameters(struct nm_visit *v, struct nm_str rest, int of_rcpt) {
  unsigned seen = 0;
  while (rest.n > 0) {
    struct nm_str word = nm_word(&rest), value = {NULL, 0};
    const char *equals = memchr(word.p, '=', word.n);
    if (equals != NULL) {
      value = nm_str(equals + 1, (size_t)(word.p + word.n - equals - 1));
      word.n = (size_t)(equals - word.p);
    }
    const struct parameter *p = find_parameter(word, of_rcpt);
    if (v->hello != NM_HELLO_EHLO || !is_offered(v, p, word)) {
      nm_visit_usual(v, 555, "5.5.4", "a parameter that was not offered");
      return 0;
    }
    unsigned bit = p != NULL ? 1u << (p - parameters) : 0;
    if ((seen & bit) != 0) {
      nm_visit_usual(v, 501, "5.5.4", "a parameter twice");
      return 0;
    }
    seen |= bit;
    if (p != NULL && !p->check(v, value)) {
      return 0;
    }
  }
  return 1;
}

/* ---- MAIL ---- */

/* Whether it is MAIL's turn. */
static int may_mail(struct nm_visit *v) {
  const struct nm_setup *s = &v->house->setup;
  if (v->hello == NM_HELLO_NONE) {
    nm_visit_usual(v, 503, "5.5.1", "say %s first", s->lmtp ? "LHLO" : "EHLO");
  } else if (v->mail != NULL) {
    nm_visit_usual(v, 503, "5.5.1", "within another transaction");
  } else if (s->require_tls && !v->is_secure) {
    nm_visit_usual(v, 530, "5.7.0", "must issue a STARTTLS command first");
  } else if (s->require_auth && v->mechanism.n == 0) {
    nm_visit_usual(v, 530, "5.7.0", "authentication required");
  } else if (v->mails >= nm_setup_limit(s, "MAILMAX", UINT64_MAX)) {
    nm_visit_usual(v, 452, "4.5.3", "no more messages on this connection");
  } else {
    return 1;
  }
  return 0;
}

int nm_visit_mail(struct nm_visit *v, struct nm_str argument) {
  struct nm_str address, rest;
  if (!may_mail(v)) {
    return 0;
  }
  v->is_utf8 = v->is_binary = 0;
  if (!nm_path_read(argument, "FROM:", &address, &rest)) {
    nm_visit_usual(v, 501, "5.5.2", "MAIL FROM:<address> and parameters are wanted");
    return 0;
  }
  if (!check_parameters(v, rest, 0)) {
    return 0;
  }
  if (address.n > 0 && !nm_path_is_mailbox(address, v->is_utf8)) {
    nm_visit_usual(v, 553, "5.1.7", "that is no mailbox");
    return 0;
  }
  nm_visit_usual(v, 250, "2.1.0", "sender ok");
  return 1;
}

void nm_visit_begin_mail(struct nm_visit *v, struct nm_str argument) {
  struct nm_str address, rest;
  int utf8 = v->is_utf8, binary = v->is_binary;
  nm_visit_rset(v);
  v->is_utf8 = utf8;
  v->is_binary = binary;
  struct nm_mail *m = v->mail = nm_mail_new(v->house->setup.max_bytes);
  if (m == NULL) {
    nm_visit_lost(v, "no memory");
    return;
  }
  (void)nm_path_read(argument, "FROM:", &address, &rest);
  nm_buf_add_str(&m->from, address);
  nm_buf_add_str(&m->parameters, rest);
  nm_buf_add_str(&m->helo, nm_buf_str(&v->name));
  nm_buf_add_str(&m->user, nm_buf_str(&v->user));
  nm_buf_add_str(&m->mechanism, nm_buf_str(&v->mechanism));
  if (v->is_secure) {
    nm_buf_add_c(&m->tls, v->house->tls->version(v->tls_end));
  }
  m->connection = v->number;
  m->lmtp = v->house->setup.lmtp;
  m->extended = v->hello == NM_HELLO_EHLO;
}

/* ---- RCPT ---- */

int nm_visit_rcpt(struct nm_visit *v, struct nm_str argument) {
  struct nm_str address, rest;
  if (v->mail == NULL || v->in_chunks) {
    nm_visit_usual(v, 503, "5.5.1", v->mail == NULL ? "say MAIL first" : "the content has begun");
    return 0;
  }
  if (!nm_path_read(argument, "TO:", &address, &rest)) {
    nm_visit_usual(v, 501, "5.5.2", "RCPT TO:<address> and parameters are wanted");
    return 0;
  }
  if (!check_parameters(v, rest, 1)) {
    return 0;
  }
  if (!nm_path_is_mailbox(address, v->is_utf8)) {
    nm_visit_usual(v, 553, "5.1.3", "that is no mailbox");
    return 0;
  }
  if (v->rcpts >= nm_setup_limit(&v->house->setup, "RCPTMAX", RCPTS_MAX)) {
    nm_visit_usual(v, 452, "4.5.3", "too many recipients");
    return 0;
  }
  nm_visit_usual(v, 250, "2.1.5", "recipient ok");
  return 1;
}

void nm_visit_add_rcpt(struct nm_visit *v, struct nm_str argument) {
  struct nm_str address, rest;
  (void)nm_path_read(argument, "TO:", &address, &rest);
  nm_texts_add(&v->mail->to, address);
  nm_texts_add(&v->mail->to, rest);
  v->rcpts++;
}
