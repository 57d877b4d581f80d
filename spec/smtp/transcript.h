#ifndef NM_SPEC_TRANSCRIPT_H
#define NM_SPEC_TRANSCRIPT_H

/* Plays a dialogue with a session. A file holds cases, a case holds lines; spec/transcripts/README says what they mean.
   How the bytes are cut is the caller's choice, and must make no difference. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/alloc.h"
#include "smtp/session.h"
#include "support/sources.h"

#define TRANSCRIPT_RCPT_MAX 8
#define TRANSCRIPT_LINES_MAX 128

struct transcript_case {
  const char *name;
  char *lines[TRANSCRIPT_LINES_MAX];
  size_t n;
};

struct transcript_run {
  const struct transcript_case *c;
  size_t in_piece;  /* at most that many bytes from the server at once */
  size_t out_piece; /* at most that many bytes taken at once */
  int tolerant;     /* memory is short: a difference is no failure when an NM_ENOMEM explains it */
  size_t at;        /* the line */
  int failed;
  int short_of_memory;
  int last_input; /* what nm_session_input last said */
  int is_begun;
  struct nm_session *session;
  struct nm_addr *from;
  struct nm_addr *to[TRANSCRIPT_RCPT_MAX];
  size_t n_to;
  int64_t size;
  int all_or_nothing;
  enum nm_body body;
  char content[4096];
  size_t content_n;
  char kind_of_source[16];
  struct nm_source *source;
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

static inline int transcript_begin(struct transcript_run *r) {
  struct nm_str bytes = nm_str(r->content, r->content_n);
  nm_source_free(&r->source);
  if (strcmp(r->kind_of_source, "again") == 0) {
    r->source = odd_source(bytes, 3, 1, NULL);
  } else if (strcmp(r->kind_of_source, "fails") == 0) {
    r->source = failing_source(bytes, "the file has vanished");
  } else {
    r->source = odd_source(bytes, sizeof r->content, 0, NULL);
  }
  struct nm_envelope env = {r->from, r->to, r->n_to, r->size, r->all_or_nothing, r->body};
  int rc = nm_session_begin(r->session, &env, r->source);
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
      if ((nm_session_want(r->session) & NM_WANT_CONTENT) != 0 && ++idle_turns < 3) {
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
  transcript_take(r, want, n, is_all);
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
  if (nm_session_state(r->session) == NM_SESSION_BUSY && (nm_session_want(r->session) & NM_WANT_READ) == 0) {
    transcript_fail(r, "does not want to read", NULL);
  }
  for (size_t at = 0; at < n; at += r->in_piece) {
    size_t piece = n - at < r->in_piece ? n - at : r->in_piece;
    char *exact = malloc(piece);
    memcpy(exact, bytes + at, piece);
    r->last_input = nm_session_input(r->session, exact, piece);
    r->short_of_memory |= r->last_input == NM_ENOMEM;
    free(exact);
  }
}

static inline void transcript_lost(struct transcript_run *r, const char *how) {
  struct nm_error why;
  nm_error_set(&why, NM_ETIME, NM_KIND_TIMEOUT, "no answer for 5 s");
  if (!r->is_begun && transcript_begin(r) != 0) {
    transcript_fail(r, "cannot begin", NULL);
    return;
  }
  nm_session_lost(r->session, strcmp(how, "timeout") == 0 ? &why : NULL);
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

static inline void transcript_want(struct transcript_run *r, const char *what, const char *want,
                                   const char *got) {
  if (strcmp(want, got) != 0) {
    char text[1000];
    snprintf(text, sizeof text, "%s %s", what, got);
    transcript_fail(r, "not as expected", text);
  }
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
  } else if (strcmp(key, "accepted") == 0) {
    snprintf(got, sizeof got, "%zu", res->n_accepted);
  } else if (strcmp(key, "handed") == 0) {
    snprintf(got, sizeof got, "%d", nm_session_handed_over(r->session) != 0);
  } else if (strcmp(key, "rcpt") == 0) {
    size_t n = 0;
    for (size_t i = 0; i < res->n_rcpt; i++) {
      n += (size_t)snprintf(got + n, sizeof got - n, "%s%d", i > 0 ? "," : "", res->rcpt[i].reply.code);
    }
  } else if (strcmp(key, "text") == 0) {
    if (!r->tolerant &&
        strcmp(value, res->error.text) != 0) { /* short memory may cost the text, and only it */
      transcript_fail(r, "not as expected: text", res->error.text);
    }
    return;
  } else {
    transcript_fail(r, "unknown key", key);
    return;
  }
  transcript_want(r, key, value, got);
}

/* "=> outcome key=value … text=the rest of the line" */
static inline void transcript_result(struct transcript_run *r, const char *rest) {
  char words[600];
  const char *p = NULL;
  size_t n = 0;
  snprintf(words, sizeof words, "outcome=%s", rest);
  char *word = words;
  if (nm_session_state(r->session) == NM_SESSION_BUSY) {
    transcript_fail(r, "still busy", NULL);
  }
  if (nm_session_output(r->session, &p, &n) < 0 || n > 0 || nm_session_want(r->session) != 0) {
    transcript_fail(r, "something is left to say", NULL);
  }
  while (word != NULL && *word != '\0') {
    char *value = strchr(word, '=');
    int is_text = strncmp(word, "text=", 5) == 0;
    char *space = is_text ? NULL : strchr(word, ' ');
    *value = '\0';
    if (space != NULL) {
      *space = '\0';
    }
    transcript_check(r, word, value + 1);
    word = space != NULL ? space + 1 : NULL;
  }
  r->is_begun = 0;
}

static inline void transcript_line(struct transcript_run *r, const char *line) {
  const char *rest = NULL;
  if (transcript_is(line, "caps:", &rest)) {
    transcript_set_caps(r, rest);
  } else if (transcript_is(line, "from:", &rest)) {
    nm_addr_unref(&r->from);
    r->from = transcript_addr(rest, strlen(rest));
  } else if (transcript_is(line, "to:", &rest)) {
    transcript_set_rcpts(r, rest);
  } else if (transcript_is(line, "size:", &rest)) {
    r->size = atoll(rest);
  } else if (transcript_is(line, "all-or-nothing:", &rest)) {
    r->all_or_nothing = strcmp(rest, "yes") == 0;
  } else if (transcript_is(line, "body:", &rest)) {
    r->body = strcmp(rest, "8bitmime") == 0 ? NM_BODY_8BITMIME : NM_BODY_7BIT;
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
    transcript_result(r, rest);
  } else {
    transcript_fail(r, "what is this?", NULL);
  }
}

/* 1 when all went as the case says. memory_at > 0: the allocation of that number fails; then 1 also when the case went otherwise
   and an NM_ENOMEM says why, and *used_up_out tells whether there were so many allocations at all. */
static inline int transcript_play(const struct transcript_case *c, size_t in_piece, size_t out_piece,
                                  long memory_at) {
  struct transcript_run r = {.c = c, .in_piece = in_piece, .out_piece = out_piece, .tolerant = memory_at > 0};
  r.size = -1;
  r.from = transcript_addr("me@example.org", 14);
  transcript_set_rcpts(&r, "a@example.net");
  r.content_n = transcript_unescape("Hello\\r\\n", r.content);
  nm_test_alloc_fail_at(memory_at);
  r.session = nm_session_new();
  if (r.session == NULL) {
    r.failed = 1;
    r.short_of_memory = 1;
  }
  for (r.at = 0; r.at < c->n && !r.failed; r.at++) {
    transcript_line(&r, c->lines[r.at]);
  }
  nm_test_alloc_fail_at(0);
  nm_session_free(&r.session);
  nm_source_free(&r.source);
  nm_addr_unref(&r.from);
  transcript_drop_rcpts(&r);
  return !r.failed || (r.tolerant && r.short_of_memory);
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
