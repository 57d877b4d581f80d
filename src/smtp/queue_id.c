#include <stdint.h>
#include <string.h>

#include "base/chars.h"
#include "smtp/reply.h"

/* The name a server gives a message that it took: no RFC says how, so these are the words of the servers there are. */

/* Where what begins in s, ASCII letters without case; s.n when it is not there. Each reply is looked through for all the words there
   are, so most places are passed by for their first octet alone. */
static size_t find(struct nm_str s, struct nm_str what) {
  char first = nm_lower(what.p[0]);
  for (size_t i = 0; i + what.n <= s.n; i++) {
    if (nm_lower(s.p[i]) == first && nm_str_ieq(nm_str(s.p + i, what.n), what)) {
      return i;
    }
  }
  return s.n;
}

int nm_reply_has_word(const struct nm_reply *r, struct nm_str word) {
  struct nm_str text = nm_buf_str(&r->text);
  return find(text, word) < text.n;
}

/* No quote, bracket or separator that servers put around a queue id. */
static int is_id(char c) {
  return nm_is((unsigned char)c, NM_CHAR_PRINT) && strchr(" \"'(),;<>[]{}", c) == NULL;
}

static int has_digit(struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (nm_is((unsigned char)s.p[i], NM_CHAR_DIGIT)) {
      return 1;
    }
  }
  return 0;
}

static struct nm_str none(void) {
  return nm_str("", 0);
}

static struct nm_str id_at(struct nm_str s, size_t at) {
  size_t end = at;
  while (end < s.n && is_id(s.p[end])) {
    end++;
  }
  while (end > at && s.p[end - 1] == '.') { /* the sentence's */
    end--;
  }
  return nm_str(s.p + at, end - at);
}

/* The word that ends at end, spaces between not counted. */
static struct nm_str id_before(struct nm_str s, size_t end) {
  while (end > 0 && s.p[end - 1] == ' ') {
    end--;
  }
  size_t start = end;
  while (start > 0 && is_id(s.p[start - 1])) {
    start--;
  }
  return nm_str(s.p + start, end - start);
}

/* What is looked for, and an octet of it that few other lines have: a line without that one is not looked through. */
struct words {
  const char *text;
  char mark;
};

/* Words that stand before an id. */
static const struct words before_id[] = {
    {"queued as <", 'q'},      /* Brevo */
    {"queued as ", 'q'},       /* Postfix, Yandex, SendGrid, Halon */
    {"queued with id ", 'q'},  /* Stalwart */
    {"InternalId=", '='},      /* Exchange */
    {" id=", '='},             /* Exim, Mail.ru */
    {"Message Queued (", '('}, /* Haraka */
    {" qp ", 'q'},             /* qmail */
    {"envelope id ", 'v'},     /* Oracle's, iCloud */
    {"SESSIONID=<", '='}       /* Cyrus over LMTP */
};

/* Words that stand after one. They are common words, so an id before them has a digit. */
static const struct words after_id[] = {
    {" Message accepted for delivery", 'v'}, /* Sendmail, OpenSMTPD, CommuniGate, Kerio */
    {" - gsmtp", '-'},                       /* Google */
    {" accepted", 'p'},                      /* AsyncOS */
    {" Saved", 'v'}                          /* Dovecot over LMTP */
};

/* One bit for each octet, the same for letters of both cases; others that share it do no harm. */
static uint32_t bit_of(char c) {
  return (uint32_t)1 << ((unsigned char)c & 31);
}

static uint32_t bits_of(struct nm_str line) {
  uint32_t bits = 0;
  for (size_t i = 0; i < line.n; i++) {
    bits |= bit_of(line.p[i]);
  }
  return bits;
}

/* As find. bits: those of the line. */
static size_t find_words(struct nm_str line, uint32_t bits, const struct words *w) {
  return (bits & bit_of(w->mark)) != 0 ? find(line, nm_str_c(w->text)) : line.n;
}

/* "queued on HOST as ID" and "queued on HOST ID": Yandex. An id has a digit: "queued on disk for delivery" has none. */
static struct nm_str queued_on(struct nm_str line) {
  struct nm_str on = NM_STR("queued on ");
  struct nm_str as = NM_STR("as ");
  size_t at = find(line, on);
  if (at == line.n) {
    return none();
  }
  struct nm_str host = id_at(line, at + on.n);
  at += on.n + host.n + 1;
  if (at + as.n < line.n && nm_str_ieq(nm_str(line.p + at, as.n), as)) {
    at += as.n;
  }
  struct nm_str id = at < line.n ? id_at(line, at) : none();
  return has_digit(id) ? id : none();
}

/* "Ok ID" and no more: Amazon SES, Momentum. Long, and of several parts: "Ok 10" is none. */
static struct nm_str alone(struct nm_str line) {
  struct nm_str ok = NM_STR("Ok ");
  if (line.n < ok.n + 16 || !nm_str_istarts(line, ok)) {
    return none();
  }
  struct nm_str id = id_at(line, ok.n);
  int is_all = id.n == line.n - ok.n;
  return is_all && has_digit(id) && memchr(id.p, '-', id.n) != NULL ? id : none();
}

static struct nm_str id_in(struct nm_str line) {
  struct nm_str id = none();
  uint32_t bits = bits_of(line);
  for (size_t k = 0; id.n == 0 && k < sizeof before_id / sizeof before_id[0]; k++) {
    size_t at = find_words(line, bits, &before_id[k]);
    if (at < line.n) {
      id = id_at(line, at + strlen(before_id[k].text));
    }
  }
  for (size_t k = 0; id.n == 0 && k < sizeof after_id / sizeof after_id[0]; k++) {
    size_t at = find_words(line, bits, &after_id[k]);
    if (at < line.n) {
      id = id_before(line, at);
      id = has_digit(id) ? id : none();
    }
  }
  id = id.n > 0 ? id : queued_on(line);
  return id.n > 0 ? id : alone(line);
}

struct nm_str nm_reply_queue_id(const struct nm_reply *r) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  struct nm_str id = none();
  while (id.n == 0 && nm_reply_next_line(&rest, &line)) {
    int code[3];
    size_t n = nm_reply_enhanced(line, nm_reply_class(r), code);
    n += n > 0 && n < line.n; /* its space */
    id = id_in(nm_str(line.p + n, line.n - n));
  }
  return id;
}
