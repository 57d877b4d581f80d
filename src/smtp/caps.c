#include "smtp/caps.h"

#include <string.h>

#include "base/chars.h"

/* All mechanisms of one server together; a real list is below 200 bytes. What is beyond is passed over. */
#define AUTH_MAX 2048

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

/* RFC 1870 4: size-param = [1*20DIGIT]. What does not fit an int64_t, or is no number, is no limit known. */
static int64_t size_param(struct nm_str word) {
  int64_t size = 0;
  for (size_t i = 0; i < word.n; i++) {
    int digit = word.p[i] - '0';
    if (!nm_is((unsigned char)word.p[i], NM_CHAR_DIGIT) || size > (INT64_MAX - digit) / 10) {
      return 0;
    }
    size = size * 10 + digit;
  }
  return size;
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
static void parse_line(struct nm_caps *c, struct nm_str line) {
  struct nm_str keyword = next_word(&line);
  struct nm_str first_param = nm_str("", 0);
  if (keyword.n > 5 && nm_str_ieq(nm_str(keyword.p, 5), NM_STR("AUTH="))) {
    first_param = nm_str(keyword.p + 5, keyword.n - 5);
    keyword.n = 4;
  }
  unsigned flag = flag_of(keyword);
  c->flags |= flag;
  if (flag == NM_CAP_SIZE) {
    c->size = size_param(next_word(&line));
  } else if (flag == NM_CAP_AUTH) {
    add_mechanism(&c->auth, first_param);
    struct nm_str word = next_word(&line);
    while (word.n > 0) {
      add_mechanism(&c->auth, word);
      word = next_word(&line);
    }
  }
}

int nm_caps_parse(struct nm_caps *c, const struct nm_reply *ehlo) {
  struct nm_str rest = nm_buf_str(&ehlo->text);
  struct nm_str line;
  c->flags = 0;
  c->size = 0;
  c->auth.max = AUTH_MAX;
  nm_buf_reset(&c->auth);
  nm_reply_next_line(&rest, &line); /* the greeting */
  while (nm_reply_next_line(&rest, &line)) {
    parse_line(c, line);
  }
  return c->auth.err;
}

int nm_caps_copy(struct nm_caps *to, const struct nm_caps *from) {
  to->flags = from->flags;
  to->size = from->size;
  to->auth.max = AUTH_MAX;
  nm_buf_reset(&to->auth);
  nm_buf_add_str(&to->auth, nm_buf_str(&from->auth));
  return to->auth.err;
}

int nm_caps_has_auth(const struct nm_caps *c, const char *mechanism) {
  return has_mechanism(nm_buf_str(&c->auth), nm_str_c(mechanism));
}

void nm_caps_free(struct nm_caps *c) {
  nm_buf_free(&c->auth);
  *c = (struct nm_caps){0};
}
