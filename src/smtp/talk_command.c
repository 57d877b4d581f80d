#include "base/chars.h"
#include "base/utf8.h"
#include "smtp/talk.h"

/* A command that is one line, and answered by one reply. */

/* RFC 5321 4.5.3.1.4: a command line, with its CRLF. */
#define LINE_MAX_OCTETS 512

enum takes { TAKES_NONE, TAKES_STRING, NEEDS_STRING, NEEDS_NAME };

static const struct {
  const char *name;
  enum takes takes;
  enum nm_kind kind; /* what a refusal is about: who was asked about, or the connection */
} verbs[] = {
    {"NOOP", TAKES_STRING, NM_KIND_CONNECT},   {"RSET", TAKES_NONE, NM_KIND_CONNECT},
    {"VRFY", NEEDS_STRING, NM_KIND_RECIPIENT}, {"EXPN", NEEDS_STRING, NM_KIND_RECIPIENT},
    {"HELP", TAKES_STRING, NM_KIND_CONNECT},   {"ETRN", NEEDS_NAME, NM_KIND_RECIPIENT},
};

const char *nm_talk_verb(enum nm_verb verb) {
  return verbs[verb].name;
}

/* RFC 5321 4.1.2: String = Atom / Quoted-string. What people look up is a mailbox, or a name of several words, and servers take it
   as it is (4.1.1.6); so all that can stand in a line may, but for spaces at its ends, which nobody sees. */
static int is_string(struct nm_str s) {
  if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ' || nm_utf8_valid(s) != s.n) {
    return 0;
  }
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c < 128 && !nm_is(c, NM_CHAR_PRINT)) {
      return 0;
    }
  }
  return 1;
}

static int has_space(struct nm_str s) {
  return memchr(s.p, ' ', s.n) != NULL;
}

/* RFC 6531 3.7.4.2 */
#define UTF8_PARAMETER " SMTPUTF8"

/* verb [ SP argument [ " SMTPUTF8" ] ] CRLF */
static size_t line_length(enum nm_verb verb, struct nm_str argument) {
  size_t n = strlen(verbs[verb].name) + 2;
  n += nm_is_ascii(argument) ? 0 : sizeof UTF8_PARAMETER - 1;
  return argument.n > 0 ? n + 1 + argument.n : n;
}

static int takes_utf8(enum nm_verb verb) {
  return verb == NM_VERB_VRFY || verb == NM_VERB_EXPN;
}

int nm_verb_check(enum nm_verb verb, struct nm_str argument, struct nm_error *e) {
  const char *name = verbs[verb].name;
  enum takes takes = verbs[verb].takes;
  if (argument.n == 0) {
    return takes < NEEDS_STRING ? 0
                                : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s needs an argument", name);
  }
  if (takes == TAKES_NONE) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s takes no argument", name);
  }
  if (argument.n > LINE_MAX_OCTETS || line_length(verb, argument) > LINE_MAX_OCTETS) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "the argument of %s is too long: a command line has at most %d octets", name,
                        LINE_MAX_OCTETS);
  }
  if (!is_string(argument) || (takes == NEEDS_NAME && has_space(argument))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the argument of %s may not have control characters, line ends or outer spaces%s",
                        name, takes == NEEDS_NAME ? ", nor spaces within" : "");
  }
  if (!nm_is_ascii(argument) && !takes_utf8(verb)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the argument of %s is not ASCII", name);
  }
  return 0;
}

static int check(struct nm_talk *t, struct nm_str argument, const struct nm_caps *caps) {
  struct nm_error *e = &t->result.error;
  int rc = nm_verb_check(t->verb, argument, e);
  if (rc == 0 && !nm_is_ascii(argument) && (caps->flags & NM_CAP_SMTPUTF8) == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the argument of %s is not ASCII, and the server does not offer SMTPUTF8 for that",
                        verbs[t->verb].name);
  }
  return rc;
}

int nm_talk_command(struct nm_talk *t, enum nm_verb verb, struct nm_str argument,
                    const struct nm_caps *caps) {
  nm_talk_begin(t, NM_TALK_COMMAND);
  t->verb = verb;
  int rc = check(t, argument, caps);
  if (rc != 0) {
    return rc;
  }
  t->line.max = LINE_MAX_OCTETS;
  nm_buf_add_c(&t->line, verbs[verb].name);
  if (argument.n > 0) {
    nm_buf_add_byte(&t->line, ' ');
    nm_buf_add_str(&t->line, argument);
  }
  if (!nm_is_ascii(argument)) {
    nm_buf_add_c(&t->line, UTF8_PARAMETER);
  }
  nm_buf_add(&t->line, "\r\n", 2);
  return t->line.err != 0 ? nm_error_nomem(&t->result.error) : 0;
}

int nm_talk_command_reply(struct nm_talk *t, const struct nm_reply *r) {
  if (nm_reply_class(r) == 3) {
    return nm_talk_unexpected(t, r);
  }
  if (nm_reply_class(r) >= 4) {
    struct nm_error what;
    nm_error_set(&what, 0, NM_KIND_NONE, "%s refused", verbs[t->verb].name);
    nm_reply_error(r, NM_EREJECT, verbs[t->verb].kind, what.text, &t->result.error);
  }
  return nm_talk_done(t, r);
}

int nm_talk_has_reset(const struct nm_talk *t) {
  return t->step == NM_TALK_COMMAND && t->verb == NM_VERB_RSET && nm_reply_class(&t->result.reply) == 2;
}
