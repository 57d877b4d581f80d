#include "testing/fault.h"

#include "base/alloc.h"
#include "base/chars.h"
#include "base/check.h"

/* Places that are no verb, and the verbs: a wrong letter in a rule would make a spec that tests nothing. */
static const char *const places[] = {"*",    "CONNECT", "TLS",  "EHLO", "HELO", "LHLO",    "STARTTLS", "AUTH",
                                     "MAIL", "RCPT",    "DATA", "BDAT", "DOT",  "CONTENT", "RESPONSE", "RSET",
                                     "NOOP", "VRFY",    "EXPN", "HELP", "ETRN", "QUIT"};
#define PLACES (sizeof places / sizeof places[0])

struct nm_fault *nm_faults_add(struct nm_faults *f) {
  if (f->n >= NM_FAULTS_MAX) {
    return NULL;
  }
  struct nm_fault *items = nm_realloc_array(f->items, f->n + 1, sizeof *items);
  if (items == NULL) {
    return NULL;
  }
  f->items = items;
  struct nm_fault *added = &items[f->n++];
  *added = (struct nm_fault){.at.max = 64,
                             .match.max = NM_FAULT_TEXT_MAX,
                             .reply.max = NM_FAULT_TEXT_MAX,
                             .inject.max = NM_FAULT_TEXT_MAX};
  return added;
}

void nm_faults_free(struct nm_faults *f) {
  for (size_t i = 0; i < f->n; i++) {
    nm_buf_free(&f->items[i].at);
    nm_buf_free(&f->items[i].match);
    nm_buf_free(&f->items[i].reply);
    nm_buf_free(&f->items[i].inject);
  }
  nm_free(f->items);
  *f = (struct nm_faults){0};
}

/* Verbs of one's own begin with X (RFC 5321 4.1.5). */
static int is_place(struct nm_str at) {
  for (size_t i = 0; i < PLACES; i++) {
    if (nm_str_ieq(at, nm_str_c(places[i]))) {
      return 1;
    }
  }
  return at.n > 1 && nm_lower(at.p[0]) == 'x' && nm_all(at, NM_CHAR_ALPHA | NM_CHAR_DIGIT);
}

int nm_fault_set_at(struct nm_fault *f, struct nm_str at, struct nm_error *e) {
  int err = nm_check_nul("At", at, e);
  if (err != 0) {
    return err;
  }
  if (!is_place(at)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "bad value for 'At' (a command, CONNECT, TLS, RESPONSE, CONTENT or DOT expected, got '%.*s')",
        (int)(at.n < 40 ? at.n : 40), at.p);
  }
  nm_buf_reset(&f->at);
  for (size_t i = 0; i < at.n; i++) {
    char c = nm_lower(at.p[i]);
    nm_buf_add_byte(&f->at, c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
  }
  return f->at.err != 0 ? nm_error_nomem(e) : 0;
}

/* Reply-code [ SP textstring ], or with "-": Reply-code = %x32-35 DIGIT DIGIT here. What may stand in text is more than the RFC's
   textstring by the octets over 127, which servers with SMTPUTF8 have. */
static int is_reply_line(struct nm_str line, const char *code, int is_last) {
  if (line.n < 3 || memcmp(line.p, code, 3) != 0 || (line.n == 3 && !is_last) ||
      (line.n > 3 && line.p[3] != (is_last ? ' ' : '-'))) {
    return 0;
  }
  for (size_t i = 4; i < line.n; i++) {
    unsigned char c = (unsigned char)line.p[i];
    if ((c < 32 && c != '\t') || c == 127) {
      return 0;
    }
  }
  return 1;
}

/* Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF   (RFC 5321 4.2) */
static int is_reply(struct nm_str text) {
  int is_right =
      text.n >= 3 && text.p[0] >= '2' && text.p[0] <= '5' && nm_all(nm_str(text.p, 3), NM_CHAR_DIGIT);
  struct nm_str rest = text;
  while (is_right && rest.n > 0) {
    const char *end = memchr(rest.p, '\n', rest.n);
    size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
    size_t used = end != NULL ? n + 1 : n;
    size_t octets = n > 0 && end != NULL && rest.p[n - 1] == '\r' ? n - 1 : n;
    is_right = is_reply_line(nm_str(rest.p, octets), text.p, used == rest.n);
    rest = nm_str(rest.p + used, rest.n - used);
  }
  return is_right;
}

int nm_fault_set_reply(struct nm_fault *f, struct nm_str text, struct nm_error *e) {
  int err = nm_check_nul("Reply", text, e); /* what shows it below ends there */
  if (err != 0) {
    return err;
  }
  if (!is_reply(text)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "bad value for 'Reply' (\"%.*s\" is no reply: each line has the same three digits, from 200 "
        "to 599, \"-\" behind them but for the last, and text; for octets as they are there is Raw)",
        nm_shown(text, 100), text.p);
  }
  f->say = NM_SAY_TEXT;
  nm_buf_reset(&f->reply);
  for (size_t i = 0; i < text.n; i++) {
    if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r')) {
      nm_buf_add_byte(&f->reply, '\r');
    }
    nm_buf_add_byte(&f->reply, text.p[i]);
  }
  if (text.n == 0 || text.p[text.n - 1] != '\n') {
    nm_buf_add_c(&f->reply, "\r\n");
  }
  return f->reply.err == NM_ELIMIT
             ? nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "bad value for 'Reply' (longer than %zu octets)",
                            f->reply.max)
         : f->reply.err != 0 ? nm_error_nomem(e)
                             : 0;
}

static int stands_at(const struct nm_fault *f, const char *at) {
  struct nm_str place = nm_str_c(at), ours = nm_buf_str(&f->at);
  if (nm_str_eq(ours, place)) {
    return 1;
  }
  static const char *const no_verbs[] = {"CONNECT", "TLS", "RESPONSE", "CONTENT", "DOT"};
  int is_verb = 1;
  for (size_t i = 0; i < sizeof no_verbs / sizeof no_verbs[0]; i++) {
    is_verb = is_verb && !nm_str_eq(place, nm_str_c(no_verbs[i]));
  }
  return is_verb && nm_str_eq(ours, NM_STR("*"));
}

static int matches(const struct nm_fault *f, struct nm_str argument) {
  return f->match.n == 0 ||
         (argument.n > 0 && memmem(argument.p, argument.n, f->match.p, f->match.n) != NULL);
}

static int is_time(const struct nm_fault *f) {
  return (f->nth == 0 || f->seen == f->nth) && (f->every == 0 || f->seen % f->every == 0) &&
         (f->times == 0 || f->seen <= f->times);
}

const struct nm_fault *nm_faults_find(struct nm_faults *f, const char *at, struct nm_str argument,
                                      uint64_t connection) {
  const struct nm_fault *found = NULL;
  for (size_t i = 0; i < f->n; i++) {
    struct nm_fault *rule = &f->items[i];
    if (stands_at(rule, at) && matches(rule, argument) &&
        (rule->connection == 0 || rule->connection == connection)) {
      rule->seen++;
      found = found == NULL && is_time(rule) ? rule : found;
    }
  }
  return found;
}

void nm_faults_reset(struct nm_faults *f) {
  for (size_t i = 0; i < f->n; i++) {
    f->items[i].seen = 0;
  }
}
