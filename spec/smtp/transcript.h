#ifndef NM_SPEC_TRANSCRIPT_H
#define NM_SPEC_TRANSCRIPT_H

/* Plays a dialogue with a session. A file holds cases, a case holds lines; spec/transcripts/README says what they mean.
   How the bytes are cut is the caller's choice, and must make no difference. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "smtp/session.h"
#include "support/digests.h"
#include "support/sources.h"

#define TRANSCRIPT_RCPT_MAX 8
#define TRANSCRIPT_LINES_MAX 128
#define TRANSCRIPT_FLIGHT_MAX 40

struct transcript_case {
  const char *name;
  char *lines[TRANSCRIPT_LINES_MAX];
  size_t n;
};

struct transcript_run;

/* Where the bytes go, if not straight into the session and out of it: over a line that something moves them on. */
struct transcript_wire {
  /* the server says this */
  void (*say)(struct transcript_run *r, const char *p, size_t n);
  /* the client says this; is_all: and nothing more */
  void (*take)(struct transcript_run *r, const char *want, size_t n, int is_all);
  /* the server hangs up */
  void (*hang_up)(struct transcript_run *r);
};

/* What one transaction keeps while it runs. */
struct transcript_txn {
  struct nm_addr *from;
  struct nm_addr *to[TRANSCRIPT_RCPT_MAX];
  struct nm_rcpt_options rcpt[TRANSCRIPT_RCPT_MAX];
  char *content;
  struct nm_source *source;
};

struct transcript_run {
  const struct transcript_case *c;
  const struct transcript_wire *wire; /* NULL: none */
  void *line;                         /* its own */
  size_t in_piece;                    /* at most that many bytes from the server at once */
  size_t out_piece;                   /* at most that many bytes taken at once */
  int tolerant; /* memory is short: a difference is no failure when an NM_ENOMEM explains it */
  size_t at;    /* the line */
  int failed;
  int short_of_memory;
  int last_input; /* what nm_session_input last said */
  int is_begun;
  struct nm_session *session;
  struct nm_addr *from;
  struct nm_addr *to[TRANSCRIPT_RCPT_MAX];
  size_t n_to;
  struct nm_rcpt_options rcpt[TRANSCRIPT_RCPT_MAX];
  struct nm_envelope env; /* from, to and rcpt are filled in when it begins */
  char content[4096];
  size_t content_n;
  char kind_of_source[16];
  struct transcript_txn txn[TRANSCRIPT_FLIGHT_MAX];
  size_t n_txn;
  int is_full; /* results keep their place until they are dropped */
  struct nm_trace *trace;
  struct nm_auth *auth;
  char password[200];
};

static inline void transcript_fail(struct transcript_run *r, const char *what, const char *got) {
  if (r->tolerant && r->short_of_memory) {
    r->failed = 1;
    return;
  }
  if (!r->failed) {
    printf("  %s: line \"%s\" (in %zu, out %zu): %s%s%s\n", r->c->name, r->c->lines[r->at], r->in_piece,
           r->out_piece, what, got != NULL ? ", got: " : "", got != NULL ? got : "");
  }
  r->failed = 1;
}

static inline int transcript_hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 0;
}

/* \r \n \\ \xNN */
static inline size_t transcript_unescape(const char *s, char *out) {
  size_t n = 0;
  while (*s != '\0') {
    if (*s != '\\') {
      out[n++] = *s++;
    } else if (s[1] == 'x') {
      out[n++] = (char)(transcript_hex(s[2]) * 16 + transcript_hex(s[3]));
      s += 4;
    } else {
      out[n++] = s[1] == 'r' ? '\r' : s[1] == 'n' ? '\n' : s[1];
      s += 2;
    }
  }
  return n;
}

static inline int transcript_is(const char *line, const char *key, const char **rest_out) {
  size_t n = strlen(key);
  if (strncmp(line, key, n) != 0) {
    return 0;
  }
  *rest_out = line + n + (line[n] == ' ');
  return 1;
}

/* Twice: the allocation that is to fail may be one of these, and what fails once goes through the next time. */
static inline struct nm_addr *transcript_addr(const char *p, size_t n) {
  struct nm_addr *a = NULL;
  if (nm_addr_make(nm_str(p, n), nm_str("", 0), &a, NULL) != 0) {
    nm_addr_make(nm_str(p, n), nm_str("", 0), &a, NULL);
  }
  return a;
}

/* The value of "key=" in a list of such, up to the next space; n == 0 when there is none. */
static inline struct nm_str transcript_option(const char *list, const char *key) {
  size_t n = strlen(key);
  for (const char *at = list; at != NULL; at = strchr(at, ' ') != NULL ? strchr(at, ' ') + 1 : NULL) {
    if (strncmp(at, key, n) == 0 && at[n] == '=') {
      return nm_str(at + n + 1, strcspn(at + n + 1, " "));
    }
  }
  return nm_str("", 0);
}

/* ret=hdrs envid=X requiretls=1 by=N:60 holdfor=60 holduntil=SECONDS priority=3 if-offered=1 */
static inline void transcript_mail_options(struct transcript_run *r, const char *list) {
  struct nm_mail_options *o = &r->env.mail;
  struct nm_str ret = transcript_option(list, "ret"), by = transcript_option(list, "by");
  struct nm_str hold_for = transcript_option(list, "holdfor"),
                hold_until = transcript_option(list, "holduntil");
  struct nm_str priority = transcript_option(list, "priority");
  *o = (struct nm_mail_options){.envid = transcript_option(list, "envid")};
  o->ret = nm_str_eq(ret, NM_STR("full"))   ? NM_RET_FULL
           : nm_str_eq(ret, NM_STR("hdrs")) ? NM_RET_HDRS
                                            : NM_RET_DEFAULT;
  o->require_tls = transcript_option(list, "requiretls").n > 0;
  o->by = by.n == 0 ? NM_BY_NONE : by.p[0] == 'N' ? NM_BY_NOTIFY : NM_BY_RETURN;
  o->by_seconds = by.n > 2 ? (int32_t)atol(by.p + 2) : 0;
  o->hold = hold_for.n > 0 ? NM_HOLD_FOR : hold_until.n > 0 ? NM_HOLD_UNTIL : NM_HOLD_NONE;
  o->hold_value = atoll(hold_for.n > 0 ? hold_for.p : hold_until.p);
  o->has_priority = priority.n > 0;
  o->priority = atoi(priority.p);
  o->if_offered = transcript_option(list, "if-offered").n > 0 ? ~0u : 0;
}

/* notify=NUMBER orcpt=ADDRESS, for every recipient */
static inline void transcript_rcpt_options(struct transcript_run *r, const char *list) {
  for (size_t i = 0; i < TRANSCRIPT_RCPT_MAX; i++) {
    r->rcpt[i].notify = (unsigned)atoi(transcript_option(list, "notify").p);
    r->rcpt[i].orcpt = transcript_option(list, "orcpt");
  }
}

static inline void transcript_drop_rcpts(struct transcript_run *r) {
  for (size_t i = 0; i < r->n_to; i++) {
    nm_addr_unref(&r->to[i]);
  }
  r->n_to = 0;
}

static inline void transcript_set_rcpts(struct transcript_run *r, const char *list) {
  transcript_drop_rcpts(r);
  while (*list != '\0') {
    size_t n = 0;
    for (int is_quoted = 0; list[n] != '\0' && (is_quoted || list[n] != ' '); n++) {
      is_quoted ^= list[n] == '"';
    }
    r->to[r->n_to++] = transcript_addr(list, n);
    list += n + (list[n] == ' ');
  }
}

static inline void transcript_set_caps(struct transcript_run *r, const char *list) {
  struct nm_reply ehlo = {.code = 250, .text = {.max = NM_REPLY_MAX}};
  struct nm_caps caps = {0};
  if (nm_buf_room(&ehlo.text, 1024) == NULL) {
    nm_buf_reset(&ehlo.text);
  }
  nm_buf_add_c(&ehlo.text, "mx.example.org\n");
  for (; *list != '\0'; list++) {
    nm_buf_add_byte(&ehlo.text, *list == ',' ? '\n' : *list);
  }
  if (nm_caps_parse(&caps, &ehlo) != 0 || nm_session_adopt(r->session, &caps) != 0) {
    r->short_of_memory = 1;
    transcript_fail(r, "cannot adopt", NULL);
  }
  nm_caps_free(&caps);
  nm_reply_free(&ehlo);
}

static inline void transcript_free_txns(struct transcript_run *r) {
  for (size_t k = 0; k < r->n_txn; k++) {
    struct transcript_txn *t = &r->txn[k];
    nm_source_free(&t->source);
    free(t->content);
    nm_addr_unref(&t->from);
    for (size_t i = 0; i < TRANSCRIPT_RCPT_MAX; i++) {
      nm_addr_unref(&t->to[i]);
    }
  }
  r->n_txn = 0;
}

/* A copy of what the lines before have said. */
static inline struct transcript_txn *transcript_add_txn(struct transcript_run *r) {
  if (nm_session_state(r->session) != NM_SESSION_BUSY) {
    transcript_free_txns(r);
  }
  struct transcript_txn *t = &r->txn[r->n_txn++];
  *t = (struct transcript_txn){.from = r->from != NULL ? nm_addr_ref(r->from) : NULL};
  for (size_t i = 0; i < r->n_to; i++) {
    t->to[i] = nm_addr_ref(r->to[i]);
    t->rcpt[i] = r->rcpt[i];
  }
  t->content = malloc(r->content_n + 1);
  memcpy(t->content, r->content, r->content_n);
  struct nm_str bytes = nm_str(t->content, r->content_n);
  if (strcmp(r->kind_of_source, "again") == 0) {
    t->source = odd_source(bytes, 3, 1, NULL);
  } else if (strcmp(r->kind_of_source, "fails") == 0) {
    t->source = failing_source(bytes, "the file has vanished");
  } else {
    t->source = odd_source(bytes, sizeof r->content, 0, NULL);
  }
  return t;
}

static inline int transcript_begin(struct transcript_run *r) {
  if (r->n_txn == TRANSCRIPT_FLIGHT_MAX) {
    transcript_fail(r, "too many transactions for this test", NULL);
    return NM_ELIMIT;
  }
  struct transcript_txn *t = transcript_add_txn(r);
  r->env.from = t->from;
  r->env.to = t->to;
  r->env.n_to = r->n_to;
  r->env.rcpt = t->rcpt;
  int rc = nm_session_begin(r->session, &r->env, t->source);
  r->is_begun = 1;
  r->short_of_memory |= rc == NM_ENOMEM;
  return rc;
}

/* Takes exactly n bytes of output (more only to compare: none may be left when is_all). */
static inline void transcript_take(struct transcript_run *r, const char *want, size_t n, int is_all) {
  size_t got = 0;
  int idle_turns = 0;
  while (!r->failed && got <= n) {
    const char *p = NULL, *again = NULL;
    size_t have = 0, still = 0;
    if (got == n && !is_all) {
      return;
    }
    int rc = nm_session_output(r->session, &p, &have);
    r->short_of_memory |= rc == NM_ENOMEM;
    if (have == 0) {
      int want_later = nm_session_want(r->session) & (NM_WANT_CONTENT | NM_WANT_WORK);
      if (want_later == NM_WANT_WORK || (want_later != 0 && ++idle_turns < 3)) {
        continue;
      }
      break;
    }
    idle_turns = 0;
    nm_session_output(r->session, &again, &still);
    if (again != p || still != have) {
      transcript_fail(r, "pending bytes have moved", NULL);
    }
    if ((nm_session_want(r->session) & NM_WANT_WRITE) == 0) {
      transcript_fail(r, "has output but does not want to write", NULL);
    }
    have = have < r->out_piece ? have : r->out_piece;
    have = got < n && have > n - got ? n - got : have;
    if (have > n - got || memcmp(p, want + got, have) != 0) {
      char text[200];
      snprintf(text, sizeof text, "%.*s", (int)have, p);
      transcript_fail(r, "other output than this", text);
      return;
    }
    uint64_t before = nm_session_progress(r->session);
    nm_session_sent(r->session, have);
    got += have;
    if (nm_session_progress(r->session) == before) {
      transcript_fail(r, "sent bytes are no progress", NULL);
    }
  }
  if (got < n) {
    transcript_fail(r, "less output than this", NULL);
  }
}

static inline void transcript_says(struct transcript_run *r, const char *want, size_t n, int is_all) {
  if (r->wire != NULL) {
    r->wire->take(r, want, n, is_all);
  } else {
    transcript_take(r, want, n, is_all);
  }
}

/* All C lines that follow one another are one stretch of output. */
static inline void transcript_client(struct transcript_run *r) {
  char want[8192];
  size_t n = 0;
  int is_all = 1;
  const char *rest = NULL;
  if (!r->is_begun && transcript_begin(r) != 0) {
    transcript_fail(r, "cannot begin", nm_session_result(r->session)->error.text);
    return;
  }
  for (;; r->at++) {
    if (transcript_is(r->c->lines[r->at], "C:", &rest)) {
      n += transcript_unescape(rest, want + n);
      memcpy(want + n, "\r\n", 2);
      n += 2;
      is_all = 1;
    } else if (transcript_is(r->c->lines[r->at], "C>", &rest)) {
      n += transcript_unescape(rest, want + n);
      is_all = 0;
    } else {
      break;
    }
  }
  r->at--;
  transcript_says(r, want, n, is_all);
}

/* An exact copy, so that one octet more would be noticed. */
static inline void transcript_hear(struct transcript_run *r, const char *p, size_t n) {
  char *exact = malloc(n);
  memcpy(exact, p, n);
  r->last_input = nm_session_input(r->session, exact, n);
  r->short_of_memory |= r->last_input == NM_ENOMEM;
  free(exact);
}

/* All S lines that follow one another come as one stretch of input. */
static inline void transcript_server(struct transcript_run *r) {
  char bytes[8192];
  size_t n = 0;
  const char *rest = NULL;
  if (!r->is_begun && transcript_begin(r) != 0) {
    transcript_fail(r, "cannot begin", NULL);
    return;
  }
  for (;; r->at++) {
    if (transcript_is(r->c->lines[r->at], "S:", &rest)) {
      n += transcript_unescape(rest, bytes + n);
      memcpy(bytes + n, "\r\n", 2);
      n += 2;
    } else if (transcript_is(r->c->lines[r->at], "S>", &rest)) {
      n += transcript_unescape(rest, bytes + n);
    } else {
      break;
    }
  }
  r->at--;
  if ((nm_session_state(r->session) == NM_SESSION_BUSY ||
       nm_session_state(r->session) == NM_SESSION_TALKING) &&
      (nm_session_want(r->session) & (NM_WANT_READ | NM_WANT_TLS)) == 0) {
    transcript_fail(r, "does not want to read", NULL);
  }
  if (r->wire != NULL) {
    r->wire->say(r, bytes, n);
    return;
  }
  for (size_t at = 0; at < n; at += r->in_piece) {
    size_t piece = n - at < r->in_piece ? n - at : r->in_piece;
    transcript_hear(r, bytes + at, piece);
  }
}

static inline void transcript_lost(struct transcript_run *r, const char *how) {
  struct nm_error why;
  nm_error_set(&why, NM_ETIME, NM_KIND_TIMEOUT, "no answer for 5 s");
  if (!r->is_begun && transcript_begin(r) != 0) {
    transcript_fail(r, "cannot begin", NULL);
    return;
  }
  if (strcmp(how, "timeout") == 0) {
    nm_session_lost(r->session, &why);
  } else if (r->wire != NULL) {
    r->wire->hang_up(r);
  } else {
    nm_session_lost(r->session, NULL);
  }
}

/* The next output fails, and so does the session. */
static inline void transcript_output_fails(struct transcript_run *r, int want) {
  const char *p = NULL;
  size_t n = 0;
  int rc = 0;
  for (int turn = 0; rc == 0 && turn < 3; turn++) {
    rc = nm_session_output(r->session, &p, &n);
    nm_session_sent(r->session, n);
  }
  if (rc != want || n != 0 || nm_session_state(r->session) != NM_SESSION_CLOSED) {
    transcript_fail(r, "output did not fail", NULL);
  }
}

/* ---- outside of transactions ---- */

/* The words of a line; returns their number. Writes to line. */
static inline size_t transcript_words(char *line, char **words, size_t max) {
  size_t n = 0;
  while (n < max && *line != '\0') {
    words[n++] = line;
    line += strcspn(line, " ");
    if (*line != '\0') {
      *line++ = '\0';
    }
  }
  return n;
}

/* hello: NAME OPTION… */
static inline int transcript_hello(struct transcript_run *r, const char *rest) {
  char line[600];
  char *words[8];
  snprintf(line, sizeof line, "%s", rest);
  size_t n = transcript_words(line, words, 8);
  struct nm_hello h = {.name = nm_str_c(n > 0 ? words[0] : "")};
  for (size_t i = 1; i < n; i++) {
    h.is_lmtp |= strcmp(words[i], "lmtp") == 0;
    h.needs_extensions |= strcmp(words[i], "extensions") == 0;
    if (strcmp(words[i], "starttls") == 0) {
      h.starttls = NM_STARTTLS_REQUIRED;
    } else if (strcmp(words[i], "starttls-wished") == 0) {
      h.starttls = NM_STARTTLS_WISHED;
    }
  }
  return nm_session_start(r->session, &h);
}

/* auth: MECHANISM,… USER PASSWORD [NONCE] */
static inline int transcript_auth(struct transcript_run *r, const char *rest) {
  char line[2000];
  char *words[4] = {"", "", "", ""};
  snprintf(line, sizeof line, "%s", rest);
  transcript_words(line, words, 4);
  snprintf(r->password, sizeof r->password, "%s", words[2]);
  struct nm_sasl_choice choice = {.offered = nm_sasl_offered(nm_buf_str(&nm_session_caps(r->session)->auth)),
                                  .is_named = 1,
                                  .is_protected = 1};
  struct nm_sasl_login login = {.user = nm_str_c(words[1]),
                                .password = nm_str_c(words[2]),
                                .nonce = nm_str_c(words[3]),
                                .host = NM_STR("mx.example.org"),
                                .port = 587,
                                .iterations_min = 16, /* each case is played some hundred times */
                                .digest = strcmp(words[3], "none") == 0 ? NULL : &digests};
  for (char *name = words[0]; *name != '\0';) {
    size_t n = strcspn(name, ",");
    choice.allowed |= nm_sasl_by_name(nm_str(name, n));
    name += n + (name[n] == ',');
  }
  nm_auth_free(&r->auth);
  int rc = nm_auth_new(&choice, &login, &r->auth);
  return rc == 0 ? nm_session_auth(r->session, r->auth) : rc;
}

/* verb: VERB [ARGUMENT] */
static inline int transcript_verb(struct transcript_run *r, const char *rest) {
  static const char *const names[] = {"NOOP", "RSET", "VRFY", "EXPN", "HELP", "ETRN"};
  char argument[2000];
  size_t verb = 0;
  while (verb < 5 && strncmp(names[verb], rest, 4) != 0) {
    verb++;
  }
  size_t n = transcript_unescape(rest + 4 + (rest[4] == ' '), argument);
  return nm_session_command(r->session, (enum nm_verb)verb, nm_str(argument, n));
}

/* What begins something; want is what it returns. */
static inline void transcript_start(struct transcript_run *r, int rc, int want) {
  r->is_begun |= rc == 0;
  r->short_of_memory |= rc == NM_ENOMEM;
  if (rc != want) {
    char got[20];
    snprintf(got, sizeof got, "%d", rc);
    transcript_fail(r, "begins otherwise", got);
  }
}

/* cannot: CODE hello|auth|verb … */
static inline void transcript_cannot(struct transcript_run *r, const char *rest) {
  int want = atoi(rest);
  rest = strchr(rest, ' ') + 1;
  const char *what = NULL;
  int rc = 0;
  if (transcript_is(rest, "hello", &what)) {
    rc = transcript_hello(r, what);
  } else if (transcript_is(rest, "auth", &what)) {
    rc = transcript_auth(r, what);
  } else if (transcript_is(rest, "verb", &what)) {
    rc = transcript_verb(r, what);
  } else if (transcript_is(rest, "quit", &what)) {
    rc = nm_session_quit(r->session);
  } else if (transcript_is(rest, "tls", &what)) {
    rc = nm_session_secured(r->session);
  }
  transcript_start(r, rc, want);
}

static inline void transcript_tls(struct transcript_run *r) {
  const char *p = NULL;
  size_t n = 0;
  if (nm_session_want(r->session) != NM_WANT_TLS || nm_session_output(r->session, &p, &n) != 0 || n > 0) {
    transcript_fail(r, "does not want TLS, and nothing else", NULL);
  }
  if (nm_session_secured(r->session) != 0) {
    transcript_fail(r, "cannot be secured", NULL);
  }
}

static inline int transcript_holds(const char *text, const char *secret) {
  return secret[0] != '\0' && strstr(text, secret) != NULL;
}

/* What people see must not have the password in it. */
static inline void transcript_no_secret(struct transcript_run *r, const char *text) {
  char coded[300];
  size_t n = nm_base64_encode(coded, r->password, strlen(r->password));
  coded[n / 4 * 4] = '\0';
  if (strlen(r->password) >= 3 &&
      (transcript_holds(text, r->password) || (n >= 8 && transcript_holds(text, coded)))) {
    transcript_fail(r, "the secret is told", text);
  }
}

/* "T: C text", the next line of the trace; S from the server, E an event. */
static inline void transcript_trace(struct transcript_run *r, const char *rest) {
  enum nm_trace_from from = NM_TRACE_CLIENT;
  struct nm_str line = nm_str("", 0);
  char got[NM_TRACE_LINE_MAX + 100] = "nothing";
  if (nm_trace_next(r->trace, &from, &line)) {
    snprintf(got, sizeof got, "%c %.*s", "CSE"[from], (int)line.n, line.p);
  }
  transcript_no_secret(r, got);
  if (strcmp(got, rest) != 0 && !r->tolerant) {
    transcript_fail(r, "another line in the trace", got);
  }
}

/* Whatever is left, at the end. */
static inline void transcript_secrets_are_kept(struct transcript_run *r) {
  const struct nm_talk_result *res = nm_session_talk_result(r->session);
  enum nm_trace_from from;
  struct nm_str line;
  while (nm_trace_next(r->trace, &from, &line)) {
    transcript_no_secret(r, line.p);
  }
  transcript_no_secret(r, res->error.text);
  transcript_no_secret(r, nm_session_error(r->session)->text);
  transcript_no_secret(r, res->reply.text.n > 0 ? res->reply.text.p : "");
}

/* Whoever moves bytes over a line has words of his own for its end, and sees what input returns; the rest must be the same. */
static inline int transcript_same(const struct transcript_run *r, const char *what, const char *want,
                                  const char *got) {
  static const char lost[] = "the connection was lost", hung_up[] = "the server closed the connection";
  if (r->wire == NULL || strcmp(want, got) == 0) {
    return strcmp(want, got) == 0;
  }
  size_t n = strncmp(want, lost, sizeof lost - 1) == 0 ? sizeof lost - 1 : 0;
  size_t m = strncmp(got, hung_up, sizeof hung_up - 1) == 0 ? sizeof hung_up - 1 : 0;
  return strcmp(what, "input") == 0 || (n > 0 && m > 0 && strcmp(want + n, got + m) == 0);
}

static inline void transcript_want(struct transcript_run *r, const char *what, const char *want,
                                   const char *got) {
  if (!transcript_same(r, what, want, got)) {
    char text[1500];
    snprintf(text, sizeof text, "%.40s %.1400s", what, got);
    transcript_fail(r, "not as expected", text);
  }
}

/* One key=value of a -> line. */
static inline void transcript_check_talk(struct transcript_run *r, const char *key, const char *value) {
  static const char *const states[] = {"idle", "busy", "talking", "quitting", "closed"};
  static const char *const ends[] = {"none", "done", "refused", "unusable", "temporary", "forged", "digest"};
  const struct nm_talk_result *res = nm_session_talk_result(r->session);
  const struct nm_caps *caps = nm_session_caps(r->session);
  char got[1200] = "";
  if (strcmp(key, "state") == 0) {
    snprintf(got, sizeof got, "%s", states[nm_session_state(r->session)]);
  } else if (strcmp(key, "command") == 0) {
    snprintf(got, sizeof got, "%s", res->command != NULL ? res->command : "none");
  } else if (strcmp(key, "code") == 0) {
    snprintf(got, sizeof got, "%d", res->reply.code);
  } else if (strcmp(key, "error") == 0) {
    snprintf(got, sizeof got, "%d", res->error.code);
  } else if (strcmp(key, "kind") == 0) {
    snprintf(got, sizeof got, "%s", res->error.code != 0 ? nm_kind_name(res->error.kind) : "none");
  } else if (strcmp(key, "auth") == 0) {
    snprintf(got, sizeof got, "%s", ends[res->auth]);
  } else if (strcmp(key, "closed") == 0) {
    snprintf(got, sizeof got, "%d", nm_session_error(r->session)->code);
  } else if (strcmp(key, "input") == 0) {
    snprintf(got, sizeof got, "%d", r->last_input);
  } else if (strcmp(key, "size") == 0) {
    snprintf(got, sizeof got, "%lld", (long long)caps->size);
  } else if (strcmp(key, "offers") == 0) {
    snprintf(got, sizeof got, "%s%s%s", caps->flags & NM_CAP_STARTTLS ? "S" : "",
             caps->flags & NM_CAP_PIPELINING ? "P" : "", caps->auth.n > 0 ? "A" : "");
  } else if (strcmp(key, "text") == 0) {
    snprintf(got, sizeof got, "%s", r->tolerant ? value : res->error.text);
  } else {
    transcript_fail(r, "unknown key", key);
    return;
  }
  transcript_want(r, key, value, got);
}

/* One key=value of a => line. */
static inline void transcript_check(struct transcript_run *r, const char *key, const char *value) {
  static const char *const states[] = {"idle", "busy", "talking", "quitting", "closed"};
  const struct nm_txn_result *res = nm_session_result(r->session);
  char got[300] = "";
  if (strcmp(key, "outcome") == 0) {
    snprintf(got, sizeof got, "%s", nm_outcome_name(res->outcome));
  } else if (strcmp(key, "command") == 0) {
    snprintf(got, sizeof got, "%s", res->command != NULL ? res->command : "none");
  } else if (strcmp(key, "code") == 0) {
    snprintf(got, sizeof got, "%d", res->reply.code);
  } else if (strcmp(key, "error") == 0) {
    snprintf(got, sizeof got, "%d", res->error.code);
  } else if (strcmp(key, "kind") == 0) {
    snprintf(got, sizeof got, "%s", res->error.code != 0 ? nm_kind_name(res->error.kind) : "none");
  } else if (strcmp(key, "state") == 0) {
    snprintf(got, sizeof got, "%s", states[nm_session_state(r->session)]);
  } else if (strcmp(key, "input") == 0) {
    snprintf(got, sizeof got, "%d", r->last_input);
  } else if (strcmp(key, "waiting") == 0) {
    snprintf(got, sizeof got, "%zu", nm_session_results(r->session));
  } else if (strcmp(key, "accepted") == 0) {
    snprintf(got, sizeof got, "%zu", res->n_accepted);
  } else if (strcmp(key, "handed") == 0) {
    snprintf(got, sizeof got, "%d", nm_session_handed_over(r->session) != 0);
  } else if (strcmp(key, "fate") == 0) {
    static const char *const fates[] = {"not_sent", "refused", "accepted", "unknown"};
    size_t n = 0;
    for (size_t i = 0; i < res->n_rcpt; i++) {
      n += (size_t)snprintf(got + n, sizeof got - n, "%s%s", i > 0 ? "," : "", fates[res->rcpt[i].fate]);
    }
  } else if (strcmp(key, "rcpt") == 0) {
    size_t n = 0;
    for (size_t i = 0; i < res->n_rcpt; i++) {
      n += (size_t)snprintf(got + n, sizeof got - n, "%s%d", i > 0 ? "," : "", res->rcpt[i].code);
    }
  } else if (strcmp(key, "text") == 0) {
    if (!r->tolerant) { /* short memory may cost the text, and only it */
      transcript_want(r, key, value, res->error.text);
    }
    return;
  } else {
    transcript_fail(r, "unknown key", key);
    return;
  }
  transcript_want(r, key, value, got);
}

/* key=value …, text= takes the rest of the line. */
static inline void transcript_check_words(struct transcript_run *r, char *words,
                                          void (*check)(struct transcript_run *, const char *,
                                                        const char *)) {
  char *word = words;
  while (word != NULL && *word != '\0') {
    char *value = strchr(word, '=');
    int is_text = strncmp(word, "text=", 5) == 0;
    char *space = is_text ? NULL : strchr(word, ' ');
    *value = '\0';
    if (space != NULL) {
      *space = '\0';
    }
    check(r, word, value + 1);
    word = space != NULL ? space + 1 : NULL;
  }
}

static inline void transcript_nothing_left(struct transcript_run *r) {
  const char *p = NULL;
  size_t n = 0;
  if (nm_session_state(r->session) == NM_SESSION_BUSY || nm_session_state(r->session) == NM_SESSION_TALKING) {
    transcript_fail(r, "still busy", NULL);
  }
  if (nm_session_output(r->session, &p, &n) < 0 || n > 0 || nm_session_want(r->session) != 0) {
    transcript_fail(r, "something is left to say", NULL);
  }
  r->is_begun = 0;
}

/* "=> outcome …" with nothing left to say, "=+ outcome …" with others behind it. */
static inline void transcript_result(struct transcript_run *r, const char *rest, int is_last) {
  char words[1500];
  snprintf(words, sizeof words, "outcome=%s", rest);
  if (is_last) {
    transcript_nothing_left(r);
  }
  if (r->is_full && nm_session_results(r->session) == 0) {
    transcript_fail(r, "no result waits", NULL);
  }
  transcript_check_words(r, words, transcript_check);
  if (r->is_full) {
    nm_session_drop_result(r->session);
  }
}

/* "-> state …" of what is no transaction. */
static inline void transcript_talk_result(struct transcript_run *r, const char *rest) {
  char words[1500];
  snprintf(words, sizeof words, "state=%s", rest);
  transcript_nothing_left(r);
  transcript_check_words(r, words, transcript_check_talk);
}

static inline void transcript_pipelining(struct transcript_run *r, const char *mode) {
  enum nm_pipelining how = strcmp(mode, "full") == 0  ? NM_PIPELINING_FULL
                           : strcmp(mode, "off") == 0 ? NM_PIPELINING_OFF
                                                      : NM_PIPELINING_ENVELOPE;
  int rc = nm_session_pipelining(r->session, how);
  r->is_full = how == NM_PIPELINING_FULL;
  r->short_of_memory |= rc == NM_ENOMEM;
  if (rc != 0) {
    transcript_fail(r, "cannot", NULL);
  }
}

/* window: TRANSACTIONS OCTETS */
static inline void transcript_window(struct transcript_run *r, const char *rest) {
  char *end = NULL;
  size_t n = strtoul(rest, &end, 10);
  int rc = nm_session_window(r->session, n, strtoull(end, NULL, 10));
  r->short_of_memory |= rc == NM_ENOMEM;
  if (rc != 0) {
    transcript_fail(r, "cannot", NULL);
  }
}

static inline void transcript_line(struct transcript_run *r, const char *line) {
  const char *rest = NULL;
  if (transcript_is(line, "caps:", &rest)) {
    transcript_set_caps(r, rest);
  } else if (transcript_is(line, "from:", &rest)) {
    nm_addr_unref(&r->from);
    r->from = strcmp(rest, "null") != 0 ? transcript_addr(rest, strlen(rest)) : NULL;
  } else if (transcript_is(line, "to:", &rest)) {
    transcript_set_rcpts(r, rest);
  } else if (transcript_is(line, "size:", &rest)) {
    r->env.size = atoll(rest);
  } else if (transcript_is(line, "all-or-nothing:", &rest)) {
    r->env.all_or_nothing = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "lmtp:", &rest)) {
    r->env.is_lmtp = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "idle:", &rest)) {
    r->env.is_idle = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "secure:", &rest)) {
    r->env.is_tls = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "utf8:", &rest)) {
    r->env.is_utf8 = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "body:", &rest)) {
    r->env.body = strcmp(rest, "8bitmime") == 0     ? NM_BODY_8BITMIME
                  : strcmp(rest, "binarymime") == 0 ? NM_BODY_BINARYMIME
                                                    : NM_BODY_7BIT;
  } else if (transcript_is(line, "chunking:", &rest)) {
    r->env.chunking = strcmp(rest, "off") == 0          ? NM_CHUNKING_OFF
                      : strcmp(rest, "after-rcpt") == 0 ? NM_CHUNKING_AFTER_RCPT
                                                        : NM_CHUNKING_OFFERED;
  } else if (transcript_is(line, "mail:", &rest)) {
    transcript_mail_options(r, rest);
  } else if (transcript_is(line, "rcpt:", &rest)) {
    transcript_rcpt_options(r, rest);
  } else if (transcript_is(line, "content:", &rest)) {
    r->content_n = transcript_unescape(rest, r->content);
  } else if (transcript_is(line, "source:", &rest)) {
    snprintf(r->kind_of_source, sizeof r->kind_of_source, "%s", rest);
  } else if (transcript_is(line, "refused:", &rest)) {
    if (transcript_begin(r) != atoi(rest)) {
      transcript_fail(r, "not refused like this", NULL);
    }
  } else if (transcript_is(line, "output:", &rest)) {
    transcript_output_fails(r, atoi(rest));
  } else if (transcript_is(line, "quit", &rest)) {
    if (nm_session_quit(r->session) != 0) {
      transcript_fail(r, "cannot quit", NULL);
    }
    r->is_begun = 1;
  } else if (transcript_is(line, "begin", &rest)) {
    if (transcript_begin(r) != 0) {
      transcript_fail(r, "cannot begin", NULL);
    }
  } else if (line[0] == 'C') {
    transcript_client(r);
  } else if (transcript_is(line, "S!", &rest)) {
    transcript_lost(r, rest);
  } else if (line[0] == 'S') {
    transcript_server(r);
  } else if (transcript_is(line, "=>", &rest)) {
    transcript_result(r, rest, 1);
  } else if (transcript_is(line, "=+", &rest)) {
    transcript_result(r, rest, 0);
  } else if (transcript_is(line, "->", &rest)) {
    transcript_talk_result(r, rest);
  } else if (transcript_is(line, "pipelining:", &rest)) {
    transcript_pipelining(r, rest);
  } else if (transcript_is(line, "window:", &rest)) {
    transcript_window(r, rest);
  } else if (transcript_is(line, "silent", &rest)) {
    transcript_says(r, "", 0, 1);
  } else if (transcript_is(line, "may-begin:", &rest)) {
    if (nm_session_may_begin(r->session) != (strcmp(rest, "yes") == 0)) {
      transcript_fail(r, "may begin, or may not", NULL);
    }
  } else if (transcript_is(line, "T:", &rest)) {
    transcript_trace(r, rest);
  } else if (transcript_is(line, "hello:", &rest)) {
    transcript_start(r, transcript_hello(r, rest), 0);
  } else if (transcript_is(line, "auth:", &rest)) {
    transcript_start(r, transcript_auth(r, rest), 0);
  } else if (transcript_is(line, "verb:", &rest)) {
    transcript_start(r, transcript_verb(r, rest), 0);
  } else if (transcript_is(line, "cannot:", &rest)) {
    transcript_cannot(r, rest);
  } else if (transcript_is(line, "unasked", &rest)) {
    r->is_begun = 1;
  } else if (transcript_is(line, "tls", &rest)) {
    transcript_tls(r);
  } else {
    transcript_fail(r, "what is this?", NULL);
  }
}

/* 1 when all went as the case says. memory_at > 0: the allocation of that number fails; then 1 also when the case went otherwise
   and an NM_ENOMEM says why. wire: see there; NULL: none. */
static inline int transcript_play_over(const struct transcript_case *c, size_t in_piece, size_t out_piece,
                                       long memory_at, const struct transcript_wire *wire, void *line) {
  struct transcript_run r = {.c = c,
                             .wire = wire,
                             .line = line,
                             .in_piece = in_piece,
                             .out_piece = out_piece,
                             .tolerant = memory_at > 0};
  r.env.size = -1;
  r.from = transcript_addr("me@example.org", 14);
  transcript_set_rcpts(&r, "a@example.net");
  r.content_n = transcript_unescape("Hello\\r\\n", r.content);
  nm_test_alloc_fail_at(memory_at);
  r.session = nm_session_new();
  if (r.session == NULL) {
    r.failed = 1;
    r.short_of_memory = 1;
  }
  r.trace = nm_trace_new();
  if (r.session != NULL) {
    nm_session_trace(r.session, r.trace);
  }
  for (r.at = 0; r.at < c->n && !r.failed; r.at++) {
    transcript_line(&r, c->lines[r.at]);
  }
  nm_test_alloc_fail_at(0);
  if (r.session != NULL) {
    r.at = c->n - 1;
    transcript_secrets_are_kept(&r);
  }
  nm_session_free(&r.session);
  nm_trace_free(&r.trace);
  nm_auth_free(&r.auth);
  transcript_free_txns(&r);
  nm_addr_unref(&r.from);
  transcript_drop_rcpts(&r);
  return !r.failed || (r.tolerant && r.short_of_memory);
}

static inline int transcript_play(const struct transcript_case *c, size_t in_piece, size_t out_piece,
                                  long memory_at) {
  return transcript_play_over(c, in_piece, out_piece, memory_at, NULL, NULL);
}

/* Cuts text, which is written to, into cases; returns their number. */
static inline size_t transcript_load(char *text, struct transcript_case *cases, size_t max) {
  size_t n = 0;
  char *line = text;
  while (line != NULL && *line != '\0') {
    char *next = strchr(line, '\n');
    if (next != NULL) {
      *next++ = '\0';
    }
    if (strncmp(line, "case: ", 6) == 0 && n < max) {
      cases[n++] = (struct transcript_case){.name = line + 6};
    } else if (n > 0 && line[0] != '#' && line[0] != '\0' && cases[n - 1].n < TRANSCRIPT_LINES_MAX - 1) {
      cases[n - 1].lines[cases[n - 1].n++] = line;
      cases[n - 1].lines[cases[n - 1].n] = ""; /* so that one line can look at the next */
    }
    line = next;
  }
  return n;
}

#endif
