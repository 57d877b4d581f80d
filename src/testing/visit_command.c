/* The commands of RFC 5321 4.1.1, but for the transaction's own. */

#include "base/chars.h"
#include "testing/number.h"
#include "testing/visit_own.h"

void nm_visit_rset(struct nm_visit *v) {
  nm_mail_unref(&v->mail);
  v->is_utf8 = v->is_binary = 0;
  v->rcpts = 0;
  v->in_chunks = 0;
  v->content_fails = 0;
  v->size = 0;
}

/* EHLO and what came of it are forgotten. */
static void forget(struct nm_visit *v) {
  nm_visit_rset(v);
  v->hello = NM_HELLO_NONE;
  v->mails = 0;
  nm_buf_reset(&v->name);
  nm_buf_reset(&v->user);
  nm_buf_reset(&v->mechanism);
  nm_exchange_free(&v->exchange);
}

void nm_visit_greet(struct nm_visit *v) {
  v->stage = NM_STAGE_LINE;
  nm_visit_usual(v, 220, "", "%s %s netmail test server", v->house->setup.hostname.p,
                 v->house->setup.lmtp ? "LMTP" : "ESMTP");
  v->is_unwelcome = !nm_visit_answer(v, "CONNECT", nm_str("", 0));
}

/* ---- EHLO ---- */

/* Before TLS a password would go in clear, and would be asked for again after it (RFC 3207 4.2). */
int nm_visit_may_auth(const struct nm_visit *v) {
  return v->house->setup.mechanisms.n > 0 && (v->is_secure || v->house->setup.tls == NM_SETUP_PLAIN);
}

static void offer(struct nm_visit *v, struct nm_str line, size_t *last) {
  *last = v->usual.n;
  nm_buf_add_c(&v->usual, "250-");
  nm_buf_add_str(&v->usual, line);
  nm_buf_add_c(&v->usual, "\r\n");
}

static void offer_mechanisms(struct nm_visit *v, size_t *last) {
  struct nm_buf line = {.max = 4096};
  struct nm_str name;
  nm_buf_add_c(&line, "AUTH");
  for (size_t at = 0; nm_texts_next(&v->house->setup.mechanisms, &at, &name);) {
    if (nm_exchange_fits(name, v->is_secure)) {
      nm_buf_add_c(&line, " ");
      nm_buf_add_str(&line, name);
    }
  }
  if (line.err != 0) {
    v->usual.err = line.err;
  } else if (line.n > 4) {
    offer(v, nm_buf_str(&line), last);
  }
  nm_buf_free(&line);
}

/* ehlo-ok-rsp = ( "250" SP Domain [ SP ehlo-greet ] CRLF )
              / ( "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF ) */
static void usual_ehlo(struct nm_visit *v) {
  const struct nm_setup *s = &v->house->setup;
  struct nm_str line;
  size_t last;
  nm_buf_reset(&v->usual);
  offer(v, nm_buf_str(&s->hostname), &last);
  for (size_t at = 0; nm_texts_next(&s->extensions, &at, &line);) {
    offer(v, line, &last);
  }
  if (s->tls == NM_SETUP_STARTTLS && !v->is_secure) {
    offer(v, NM_STR("STARTTLS"), &last);
  }
  if (nm_visit_may_auth(v)) {
    offer_mechanisms(v, &last);
  }
  if (v->usual.err == 0) {
    v->usual.p[last + 3] = ' ';
  }
}

/* ( Domain / address-literal ); a client may not know its name, but it may not say what is no name (RFC 5321 4.1.1.1) */
static int is_name(struct nm_str s) {
  return nm_is_domain(s) || (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' && nm_all(s, NM_CHAR_PRINT));
}

static void hello(struct nm_visit *v, struct nm_str name, const char *verb) {
  int extended = verb[0] != 'H';
  int is_right = is_name(name);
  if (extended != (verb[0] == 'L') && v->house->setup.lmtp) {
    nm_visit_usual(v, 500, "5.5.1", "this is LMTP: say LHLO");
    is_right = 0;
  } else if (verb[0] == 'L' && !v->house->setup.lmtp) {
    nm_visit_usual(v, 500, "5.5.1", "this is not LMTP");
    is_right = 0;
  } else if (!is_right) {
    nm_visit_usual(v, 501, "5.5.4", "a domain or an address literal is wanted");
  } else if (extended) {
    usual_ehlo(v);
  } else {
    nm_visit_usual(v, 250, "", "%s", v->house->setup.hostname.p);
  }
  if (nm_visit_answer(v, verb, name) && is_right) {
    nm_visit_rset(v);
    v->hello = extended ? NM_HELLO_EHLO : NM_HELLO_HELO;
    v->mails = 0;
    nm_buf_reset(&v->name);
    nm_buf_add_str(&v->name, name);
  }
}

static void do_ehlo(struct nm_visit *v, struct nm_str argument) {
  hello(v, argument, "EHLO");
}

static void do_helo(struct nm_visit *v, struct nm_str argument) {
  if (v->house->setup.lmtp) { /* RFC 2033 4.1 */
    nm_visit_usual(v, 500, "5.5.1", "this is LMTP: say LHLO");
    nm_visit_answer(v, "HELO", argument);
  } else {
    hello(v, argument, "HELO");
  }
}

static void do_lhlo(struct nm_visit *v, struct nm_str argument) {
  hello(v, argument, "LHLO");
}

/* ---- STARTTLS ---- */

/* RFC 3207 4: what was learned before is forgotten. Octets that came with the command are the handshake's, and make it fail. */
static void do_starttls(struct nm_visit *v, struct nm_str argument) {
  int is_right = v->house->setup.tls == NM_SETUP_STARTTLS && !v->is_secure && argument.n == 0;
  if (v->house->setup.tls != NM_SETUP_STARTTLS) {
    nm_visit_usual(v, 502, "5.5.1", "not offered");
  } else if (v->is_secure) {
    nm_visit_usual(v, 503, "5.5.1", "there is TLS already");
  } else if (argument.n > 0) {
    nm_visit_usual(v, 501, "5.5.4", "STARTTLS has no parameters");
  } else {
    nm_visit_usual(v, 220, "2.0.0", "ready to start TLS");
  }
  if (nm_visit_answer(v, "STARTTLS", argument) && is_right && v->stage == NM_STAGE_LINE) {
    forget(v);
    v->stage = NM_STAGE_TLS_NEXT;
  }
}

/* ---- the transaction's ---- */

static void do_mail(struct nm_visit *v, struct nm_str argument) {
  int is_right = nm_visit_mail(v, argument);
  if (nm_visit_answer(v, "MAIL", argument) && is_right) {
    nm_visit_begin_mail(v, argument);
  }
}

static void do_rcpt(struct nm_visit *v, struct nm_str argument) {
  int is_right = nm_visit_rcpt(v, argument);
  if (nm_visit_answer(v, "RCPT", argument) && is_right) {
    nm_visit_add_rcpt(v, argument);
  }
}

static void do_rset(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 250, "2.0.0", "forgotten");
  if (nm_visit_answer(v, "RSET", argument)) {
    nm_visit_rset(v);
  }
}

/* ---- the others ---- */

static void do_noop(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 250, "2.0.0", "ok");
  nm_visit_answer(v, "NOOP", argument);
}

static void do_vrfy(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 252, "2.5.0", "cannot say, but will take mail and try");
  nm_visit_answer(v, "VRFY", argument);
}

static void do_expn(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 502, "5.5.1", "no lists here");
  nm_visit_answer(v, "EXPN", argument);
}

static void do_help(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 214, "2.0.0", "netmail's test server: docs/testing.md");
  nm_visit_answer(v, "HELP", argument);
}

static void do_etrn(struct nm_visit *v, struct nm_str argument) {
  int offered = nm_visit_offers(v, "ETRN");
  nm_visit_usual(v, offered ? 250 : 502, offered ? "2.0.0" : "5.5.1",
                 offered ? "queuing started" : "not offered");
  nm_visit_answer(v, "ETRN", argument);
}

static void do_quit(struct nm_visit *v, struct nm_str argument) {
  nm_visit_usual(v, 221, "2.0.0", "bye");
  if (nm_visit_answer(v, "QUIT", argument) && v->stage == NM_STAGE_LINE) {
    nm_visit_finish(v, NM_END_CLOSE, "quit");
  }
}

static const struct {
  const char *verb;
  void (*run)(struct nm_visit *v, struct nm_str argument);
} commands[] = {
    {"EHLO", do_ehlo}, {"HELO", do_helo},       {"LHLO", do_lhlo},       {"STARTTLS", do_starttls},
    {"MAIL", do_mail}, {"RCPT", do_rcpt},       {"DATA", nm_visit_data}, {"BDAT", nm_visit_bdat},
    {"RSET", do_rset}, {"AUTH", nm_visit_auth}, {"NOOP", do_noop},       {"VRFY", do_vrfy},
    {"EXPN", do_expn}, {"HELP", do_help},       {"ETRN", do_etrn},       {"QUIT", do_quit},
};

static void unknown(struct nm_visit *v, struct nm_str verb, struct nm_str argument) {
  char place[32] = "";
  for (size_t i = 0; i < verb.n && verb.n < sizeof place; i++) {
    char c = nm_lower(verb.p[i]);
    place[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
  }
  nm_visit_usual(v, 500, "5.5.1", "unknown command");
  nm_visit_answer(v, place[0] != '\0' ? place : "?", argument);
}

void nm_visit_command(struct nm_visit *v, struct nm_str line) {
  struct nm_str argument = line, verb = nm_word(&argument);
  if (v->is_unwelcome && !nm_str_ieq(verb, NM_STR("QUIT"))) { /* RFC 5321 3.1 */
    nm_visit_usual(v, 503, "5.5.1", "you were not let in");
    nm_visit_answer(v, "*", argument);
    return;
  }
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (nm_str_ieq(verb, nm_str_c(commands[i].verb))) {
      commands[i].run(v, argument);
      return;
    }
  }
  unknown(v, verb, argument);
}
