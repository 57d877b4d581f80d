#include "base/addr_scan.h"

#include <stdint.h>

#include "base/addr.h"
#include "base/utf8.h"

int nm_addr_scan_begin(struct nm_addr_scan *s, struct nm_str text, size_t number, struct nm_error *e) {
  *s = (struct nm_addr_scan){
      .text = text.n > 0 ? text : NM_STR(""), .noun = "address", .number = number, .e = e};
  if (text.n > NM_ADDR_TEXT_MAX) {
    return nm_error_set(
        e, NM_ELIMIT, NM_KIND_MESSAGE,
        "a text of %zu bytes is too long to be read as addresses: the limit is %d; add them in pieces",
        text.n, NM_ADDR_TEXT_MAX);
  }
  return 0;
}

void nm_addr_scan_wsp(struct nm_addr_scan *s) {
  while (nm_addr_scan_in(s, NM_CHAR_WSP)) {
    s->at++;
  }
}

size_t nm_addr_scan_char(const struct nm_addr_scan *s, size_t i) {
  unsigned char c = (unsigned char)s->text.p[i];
  if ((c < 0x20 && c != '\t') || c == 0x7f) {
    nm_addr_fail(s, NM_EINVAL, "it holds the control character \\x%02X; take it out", (unsigned)c);
    return 0;
  }
  size_t n = nm_utf8_next(s->text.p + i, s->text.n - i, NULL);
  if (n == 0) {
    nm_addr_fail(s, NM_EINVAL, "the byte \\x%02X in it is not UTF-8; convert the text to UTF-8", (unsigned)c);
  }
  return n;
}

/* obs-route begins behind this "<": "@" or "," (RFC 5322 4.4). Its commas separate no elements. */
static int begins_route(const struct nm_addr_scan *s, size_t i) {
  while (i < s->text.n && nm_is((unsigned char)s->text.p[i], NM_CHAR_WSP)) {
    i++;
  }
  return s->is_lenient && i < s->text.n && (s->text.p[i] == '@' || s->text.p[i] == ',');
}

/* What of the element is behind the scanner. */
struct pass {
  int is_quoted;
  int is_paired;
  int is_route;
  int may_be_name; /* so far all of it may be the name of a group */
};

/* 1: the element ends before the byte at i. Only quotes (and a route) hide a separator or a "<". A backslash means
   something within quotes only. */
static int step(struct nm_addr_scan *s, struct pass *p, size_t i) {
  char c = s->text.p[i];
  if (p->is_paired) {
    p->is_paired = 0;
  } else if (c == '"') {
    p->is_quoted = !p->is_quoted;
  } else if (p->is_quoted) {
    p->is_paired = c == '\\';
  } else if (p->is_route) {
    p->is_route = c != ':' && c != '>';
  } else if (c == ',' || (c == ';' && s->is_in_group) || (c == ':' && p->may_be_name)) {
    return 1;
  } else if (c == '<' && s->angle == SIZE_MAX) {
    s->angle = i;
    p->is_route = begins_route(s, i + 1);
  }
  p->may_be_name &= p->is_quoted || (c != '<' && c != '@' && c != '[');
  return 0;
}

int nm_addr_scan_element(struct nm_addr_scan *s) {
  struct pass pass = {.may_be_name = s->number > 0 && !s->is_in_group};
  s->end = s->text.n;
  nm_addr_scan_wsp(s);
  s->start = s->at;
  s->angle = SIZE_MAX;
  size_t i = s->at, n;
  for (; i < s->text.n; i += n) {
    if (nm_is((unsigned char)s->text.p[i], NM_CHAR_ALPHA | NM_CHAR_DIGIT) && !pass.is_paired) {
      n = 1; /* nearly all of a list of addresses, and without a meaning here */
      continue;
    }
    n = nm_addr_scan_char(s, i);
    if (n == 0) {
      return NM_EINVAL;
    }
    if (step(s, &pass, i)) {
      break;
    }
  }
  s->end = i;
  s->angle = s->angle < i ? s->angle : i;
  if (pass.is_quoted) {
    return nm_addr_fail(s, NM_EINVAL, "a double quote is opened and not closed; add the closing one");
  }
  if (i < s->text.n && s->text.p[i] == ':') {
    return NM_ADDR_GROUP;
  }
  return s->start == s->end && !(s->is_lenient && s->number > 0) ? nm_addr_fail_empty(s) : 0;
}

static int fail_open_group(const struct nm_addr_scan *s) {
  return nm_addr_fail(
      s, NM_EINVAL,
      "its group begins with a name and \":\" and does not end with \";\"; add that, or put a "
      "name that has a colon in double quotes");
}

int nm_addr_scan_group(struct nm_addr_scan *s) {
  s->at = s->end + 1;
  s->end = s->text.n;
  nm_addr_scan_wsp(s);
  if (s->at == s->end) {
    return fail_open_group(s);
  }
  s->is_in_group = 1;
  if (!nm_addr_scan_is(s, ';')) {
    return 1;
  }
  s->end = s->at;
  return 0;
}

int nm_addr_scan_name(struct nm_str name, struct nm_error *e) {
  struct nm_addr_scan s = {.text = name, .noun = "name", .end = name.n, .e = e};
  if (name.n > NM_ADDR_NAME_MAX) {
    return nm_addr_fail(&s, NM_ELIMIT, "it is longer than %d octets; shorten it", NM_ADDR_NAME_MAX);
  }
  for (size_t i = 0, n; i < name.n; i += n) {
    n = nm_addr_scan_char(&s, i);
    if (n == 0) {
      return NM_EINVAL;
    }
    if (name.p[i] == '\t') {
      return nm_addr_fail(&s, NM_EINVAL, "there is a tab in it; write a space");
    }
  }
  return 0;
}

/* group = display-name ":" [group-list] ";" [CFWS]
   address-list = (address *("," address))   (RFC 5322 3.4) */
static int leave_group(struct nm_addr_scan *s) {
  s->is_in_group = 0;
  s->at = s->end + 1;
  s->end = s->text.n;
  nm_addr_scan_wsp(s);
  if (s->at < s->end && !nm_addr_scan_is(s, ',')) {
    return nm_addr_fail(s, NM_EINVAL, "text follows the \";\" of a group; separate it by a comma");
  }
  s->end = s->at;
  return 0;
}

int nm_addr_scan_next(struct nm_addr_scan *s) {
  if (s->end == s->text.n) {
    return s->is_in_group ? fail_open_group(s) : 0;
  }
  if (s->text.p[s->end] == ';') {
    int err = leave_group(s);
    if (err != 0 || s->end == s->text.n) {
      return err;
    }
  }
  s->at = s->end + 1;
  s->number++;
  return 1;
}
