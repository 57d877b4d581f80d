#include "smtp/reply.h"

#include <stdint.h>
#include <string.h>

#include "base/chars.h"
#include "base/printable.h"

static void add_printable(struct nm_buf *out, struct nm_str s) {
  while (s.n > 0) {
    char shown[NM_PRINTABLE_MAX];
    size_t used;
    size_t n = nm_printable(s, shown, &used);
    nm_buf_add(out, shown, n);
    s = nm_str(s.p + used, s.n - used);
  }
}

void nm_reply_print(const struct nm_reply *r, struct nm_buf *out) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  int is_first = 1;
  nm_buf_addf(out, "%d", r->code);
  while (nm_reply_next_line(&rest, &line)) {
    int repeated[3];
    size_t code_n = is_first ? 0 : nm_reply_enhanced(line, nm_reply_class(r), repeated);
    if (code_n > 0 && memcmp(repeated, r->enhanced, sizeof repeated) == 0) {
      /* said once is enough */
      size_t skip = code_n < line.n ? code_n + 1 : code_n;
      line = nm_str(line.p + skip, line.n - skip);
    }
    is_first = 0;
    if (line.n > 0) {
      nm_buf_add_byte(out, ' ');
      add_printable(out, line);
    }
  }
}

int nm_reply_error(const struct nm_reply *r, int code, enum nm_kind kind, const char *what,
                   struct nm_error *e) {
  struct nm_buf line = {.max = NM_ERROR_TEXT_MAX};
  nm_reply_print(r, &line);
  if (line.n > 0) {
    nm_error_set(e, code, kind, "%s: %s", what, line.p);
  } else {
    nm_error_set(e, code, kind, "%s: %d", what, r->code);
  }
  nm_buf_free(&line);
  return code;
}

/* Where what begins in s, ASCII letters without case; s.n when it is not there. */
static size_t find(struct nm_str s, struct nm_str what) {
  for (size_t i = 0; i + what.n <= s.n; i++) {
    if (nm_str_ieq(nm_str(s.p + i, what.n), what)) {
      return i;
    }
  }
  return s.n;
}

/* No quote, bracket or separator that servers put around a queue id. */
static int is_id(char c) {
  return nm_is((unsigned char)c, NM_CHAR_PRINT) && strchr(" \"'(),;<>[]{}", c) == NULL;
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

/* Words that stand before an id. */
static const struct nm_str before_id[] = {
    {"queued as ", 10},      /* Postfix, Yandex, SendGrid */
    {"queued with id ", 15}, /* Stalwart */
    {"InternalId=", 11},     /* Exchange */
    {" id=", 4},             /* Exim, Mail.ru */
    {"Message Queued (", 16} /* Haraka */
};

/* Words that stand after one. */
static const struct nm_str after_id[] = {
    {" Message accepted for delivery", 30}, /* Sendmail, OpenSMTPD */
    {" - gsmtp", 8}                         /* Google */
};

/* "queued on HOST as ID" and "queued on HOST ID": Yandex. An id has a digit: "queued on disk for delivery" has none. */
static struct nm_str queued_on(struct nm_str line) {
  struct nm_str on = NM_STR("queued on ");
  struct nm_str as = NM_STR("as ");
  size_t at = find(line, on);
  if (at == line.n) {
    return nm_str("", 0);
  }
  struct nm_str host = id_at(line, at + on.n);
  at += on.n + host.n + 1;
  if (at + as.n < line.n && nm_str_ieq(nm_str(line.p + at, as.n), as)) {
    at += as.n;
  }
  struct nm_str id = at < line.n ? id_at(line, at) : nm_str("", 0);
  for (size_t i = 0; i < id.n; i++) {
    if (nm_is((unsigned char)id.p[i], NM_CHAR_DIGIT)) {
      return id;
    }
  }
  return nm_str("", 0);
}

static struct nm_str id_in(struct nm_str line) {
  struct nm_str id = nm_str("", 0);
  for (size_t k = 0; id.n == 0 && k < sizeof before_id / sizeof before_id[0]; k++) {
    size_t at = find(line, before_id[k]);
    if (at < line.n) {
      id = id_at(line, at + before_id[k].n);
    }
  }
  for (size_t k = 0; id.n == 0 && k < sizeof after_id / sizeof after_id[0]; k++) {
    size_t at = find(line, after_id[k]);
    if (at < line.n) {
      id = id_before(line, at);
    }
  }
  return id.n > 0 ? id : queued_on(line);
}

struct nm_str nm_reply_queue_id(const struct nm_reply *r) {
  struct nm_str rest = nm_buf_str(&r->text);
  struct nm_str line;
  struct nm_str id = nm_str("", 0);
  while (id.n == 0 && nm_reply_next_line(&rest, &line)) {
    id = id_in(line);
  }
  return id;
}
