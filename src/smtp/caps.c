#include "smtp/caps.h"

#include <string.h>

#include "base/chars.h"
#include "smtp/moment.h"

/* All mechanisms of one server together; a real list is below 200 bytes. What is beyond is passed over. */
#define AUTH_MAX 2048
/* All lines: a real EHLO reply is below 1000 bytes. Lines beyond are not kept, what they offer is understood all the same. */
#define LINES_MAX 16384

static const struct {
  struct nm_str keyword;
  unsigned flag;
} known[] = {
    {{"PIPELINING", 10}, NM_CAP_PIPELINING},
    {{"SIZE", 4}, NM_CAP_SIZE},
    {{"8BITMIME", 8}, NM_CAP_8BITMIME},
    {{"STARTTLS", 8}, NM_CAP_STARTTLS},
    {{"ENHANCEDSTATUSCODES", 19}, NM_CAP_ENHANCEDSTATUSCODES},
    {{"CHUNKING", 8}, NM_CAP_CHUNKING},
    {{"BINARYMIME", 10}, NM_CAP_BINARYMIME},
    {{"SMTPUTF8", 8}, NM_CAP_SMTPUTF8},
    {{"DSN", 3}, NM_CAP_DSN},
    {{"AUTH", 4}, NM_CAP_AUTH},
    {{"LIMITS", 6}, NM_CAP_LIMITS},
    {{"DELIVERBY", 9}, NM_CAP_DELIVERBY},
    {{"FUTURERELEASE", 13}, NM_CAP_FUTURERELEASE},
    {{"MT-PRIORITY", 11}, NM_CAP_MT_PRIORITY},
    {{"REQUIRETLS", 10}, NM_CAP_REQUIRETLS},
    {{"ETRN", 4}, NM_CAP_ETRN},
    {{"VRFY", 4}, NM_CAP_VRFY},
    {{"EXPN", 4}, NM_CAP_EXPN},
    {{"HELP", 4}, NM_CAP_HELP},
};

/* The next word of s, which loses it; n == 0 at the end. */
static struct nm_str next_word(struct nm_str *s) {
  size_t start = 0;
  while (start < s->n && nm_is((unsigned char)s->p[start], NM_CHAR_WSP)) {
    start++;
  }
  size_t end = start;
  while (end < s->n && !nm_is((unsigned char)s->p[end], NM_CHAR_WSP)) {
    end++;
  }
  struct nm_str word = nm_str(s->p + start, end - start);
  *s = nm_str(s->p + end, s->n - end);
  return word;
}

/* 1*DIGIT up to max. What is larger, or is no number, is no number known: 0. */
static int64_t number(struct nm_str word, int64_t max) {
  int64_t value = 0;
  for (size_t i = 0; i < word.n; i++) {
    int digit = word.p[i] - '0';
    if (!nm_is((unsigned char)word.p[i], NM_CHAR_DIGIT) || value > (max - digit) / 10) {
      return 0;
    }
    value = value * 10 + digit;
  }
  return value;
}

/* 0: no moment known. */
static int64_t moment(struct nm_str word) {
  int64_t at = 0;
  return nm_moment_read(word, &at) == 0 ? at : 0;
}

static struct nm_str before_comma(struct nm_str word) {
  const char *comma = word.n > 0 ? memchr(word.p, ',', word.n) : NULL;
  return comma != NULL ? nm_str(word.p, (size_t)(comma - word.p)) : word;
}

/* limits-ehlo-params   = 1*(SP limit)  limit = limit-name ["=" limit-value]   (RFC 9422 3)
   RCPTMAX, MAILMAX, RCPTDOMAINMAX: value = %x31-39 0*5DIGIT; names without case, others are passed over. */
static void limit(struct nm_caps *c, struct nm_str word) {
  const char *eq = word.n > 0 ? memchr(word.p, '=', word.n) : NULL;
  if (eq == NULL) {
    return;
  }
  struct nm_str name = nm_str(word.p, (size_t)(eq - word.p));
  uint32_t value = (uint32_t)number(nm_str(eq + 1, word.n - name.n - 1), 999999);
  if (nm_str_ieq(name, NM_STR("RCPTMAX"))) {
    c->rcpt_max = value;
  } else if (nm_str_ieq(name, NM_STR("MAILMAX"))) {
    c->mail_max = value;
  } else if (nm_str_ieq(name, NM_STR("RCPTDOMAINMAX"))) {
    c->domain_max = value;
  }
}

/* RFC 4422 3.1: sasl-mech = 1*20mech-char; mech-char = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE */
static int is_mechanism(struct nm_str word) {
  if (word.n == 0 || word.n > 20) {
    return 0;
  }
  for (size_t i = 0; i < word.n; i++) {
    if (!nm_is((unsigned char)word.p[i], NM_CHAR_LDH) && word.p[i] != '_') {
      return 0;
    }
  }
  return 1;
}

static int has_mechanism(struct nm_str list, struct nm_str mechanism) {
  struct nm_str word = next_word(&list);
  while (word.n > 0) {
    if (nm_str_ieq(word, mechanism)) {
      return 1;
    }
    word = next_word(&list);
  }
  return 0;
}

static void add_mechanism(struct nm_buf *list, struct nm_str word) {
  if (!is_mechanism(word) || has_mechanism(nm_buf_str(list), word) || list->n + 1 + word.n > list->max) {
    return;
  }
  if (list->n > 0) {
    nm_buf_add_byte(list, ' ');
  }
  for (size_t i = 0; i < word.n; i++) {
    char c = word.p[i];
    nm_buf_add_byte(list, c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c);
  }
}

static unsigned flag_of(struct nm_str keyword) {
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (nm_str_ieq(keyword, known[i].keyword)) {
      return known[i].flag;
    }
  }
  return 0;
}

/* RFC 5321 4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param ). "AUTH=PLAIN LOGIN" is what servers say for clients
   of before RFC 4954. */
static struct nm_str next_keyword(struct nm_str *line, struct nm_str *first_param_out) {
  struct nm_str keyword = next_word(line);
  *first_param_out = nm_str("", 0);
  if (keyword.n > 5 && nm_str_istarts(keyword, NM_STR("AUTH="))) {
    *first_param_out = nm_str(keyword.p + 5, keyword.n - 5);
    keyword.n = 4;
  }
  return keyword;
}

static void parse_words(struct nm_caps *c, unsigned flag, struct nm_str line) {
  for (struct nm_str word = next_word(&line); word.n > 0; word = next_word(&line)) {
    if (flag == NM_CAP_AUTH) {
      add_mechanism(&c->auth, word);
    } else {
      limit(c, word);
    }
  }
}

static void keep_line(struct nm_buf *lines, struct nm_str line) {
  if (line.n > 0 && line.n < lines->max - lines->n) {
    nm_buf_add_str(lines, line);
    nm_buf_add_byte(lines, '\n');
  }
}

static void parse_line(struct nm_caps *c, struct nm_str line) {
  struct nm_str first_param;
  keep_line(&c->lines, line);
  unsigned flag = flag_of(next_keyword(&line, &first_param));
  c->flags |= flag;
  switch (flag) {
    case NM_CAP_SIZE: /* RFC 1870 4: size-param = [1*20DIGIT] */
      c->size = number(next_word(&line), INT64_MAX);
      break;
    case NM_CAP_DELIVERBY: /* RFC 2852 3: deliverby-param = min-by-time *( ',' extension-token ), 1*9DIGIT */
      c->by_min = (uint32_t)number(before_comma(next_word(&line)), 999999999);
      break;
    case NM_CAP_FUTURERELEASE: /* RFC 4865 3: max-future-release-interval SP max-future-release-date-time */
      c->hold_max = (uint32_t)number(next_word(&line), 999999999);
      c->hold_until = moment(next_word(&line));
      break;
    case NM_CAP_AUTH:
      add_mechanism(&c->auth, first_param);
      parse_words(c, flag, line);
      break;
    case NM_CAP_LIMITS:
      parse_words(c, flag, line);
      break;
    default:
      break;
  }
}

/* All-zero but for the memory that it has. */
static void forget(struct nm_caps *c) {
  struct nm_caps empty = {.auth = c->auth, .lines = c->lines};
  empty.auth.max = AUTH_MAX;
  empty.lines.max = LINES_MAX;
  nm_buf_reset(&empty.auth);
  nm_buf_reset(&empty.lines);
  *c = empty;
}

static int failed(const struct nm_caps *c) {
  return c->auth.err != 0 ? c->auth.err : c->lines.err;
}

int nm_caps_parse(struct nm_caps *c, const struct nm_reply *ehlo) {
  struct nm_str rest = nm_buf_str(&ehlo->text);
  struct nm_str line;
  forget(c);
  nm_reply_next_line(&rest, &line); /* the greeting */
  while (nm_reply_next_line(&rest, &line)) {
    parse_line(c, line);
  }
  return failed(c);
}

int nm_caps_copy(struct nm_caps *to, const struct nm_caps *from) {
  struct nm_buf auth = to->auth, lines = to->lines;
  *to = *from;
  to->auth = auth;
  to->lines = lines;
  to->auth.max = AUTH_MAX;
  to->lines.max = LINES_MAX;
  nm_buf_reset(&to->auth);
  nm_buf_reset(&to->lines);
  nm_buf_add_str(&to->auth, nm_buf_str(&from->auth));
  nm_buf_add_str(&to->lines, nm_buf_str(&from->lines));
  return failed(to);
}

int nm_caps_has_auth(const struct nm_caps *c, const char *mechanism) {
  return has_mechanism(nm_buf_str(&c->auth), nm_str_c(mechanism));
}

void nm_caps_free(struct nm_caps *c) {
  nm_buf_free(&c->auth);
  nm_buf_free(&c->lines);
  *c = (struct nm_caps){0};
}
