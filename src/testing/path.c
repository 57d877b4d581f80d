#include "base/chars.h"
#include "base/utf8.h"
#include "testing/visit_own.h"

/* The length of what stands between the angle brackets; a ">" within a quoted string ends nothing. n: there is no end. */
static size_t inner_length(struct nm_str s) {
  int quoted = 0;
  size_t i = 0;
  for (; i < s.n && (quoted || s.p[i] != '>'); i++) {
    if (s.p[i] == '"') {
      quoted = !quoted;
    } else if (s.p[i] == '\\' && quoted && i + 1 < s.n) {
      i++;
    }
  }
  return i;
}

/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] (RFC 5321 4.1.1.2; rcpt alike, 4.1.1.3): no space before the path */
int nm_path_read(struct nm_str argument, const char *keyword, struct nm_str *address_out,
                 struct nm_str *parameters_out) {
  size_t n = strlen(keyword);
  if (argument.n <= n || !nm_str_ieq(nm_str(argument.p, n), nm_str_c(keyword)) || argument.p[n] != '<') {
    return 0;
  }
  struct nm_str rest = nm_str(argument.p + n + 1, argument.n - n - 1);
  size_t length = inner_length(rest);
  if (length >= rest.n) {
    return 0;
  }
  *address_out = nm_str(rest.p, length);
  rest = nm_str(rest.p + length + 1, rest.n - length - 1);
  if (rest.n > 0 && rest.p[0] != ' ') {
    return 0;
  }
  while (rest.n > 0 && rest.p[0] == ' ') {
    rest = nm_str(rest.p + 1, rest.n - 1);
  }
  *parameters_out = rest;
  return 1;
}

int nm_path_is_mailbox(struct nm_str address, int utf8) {
  int quoted = 0, at = 0;
  for (size_t i = 0; i < address.n; i++) {
    unsigned char c = (unsigned char)address.p[i];
    if (c < ' ' || c == 127 || (c == ' ' && !quoted) || (c > 127 && !utf8)) {
      return 0;
    }
    i += c == '\\' && quoted && i + 1 < address.n;
    quoted = c == '"' ? !quoted : quoted;
    at = at || (c == '@' && !quoted && i > 0 && i + 1 < address.n);
  }
  return !quoted && (at || nm_str_ieq(address, NM_STR("postmaster"))) && nm_utf8_valid(address) == address.n;
}
