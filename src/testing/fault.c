#include "testing/fault.h"

#include "base/alloc.h"
#include "base/chars.h"

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

int nm_fault_set_reply(struct nm_fault *f, struct nm_str text, struct nm_error *e) {
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
