#include "smtp/orcpt.h"

#include "base/chars.h"
#include "base/utf8.h"
#include "smtp/xtext.h"

/* addr-type = atom   (RFC 3461 4.2); those that are registered with IANA have letters, digits and hyphens. Its length with the ";", or 0. */
static size_t type_length(struct nm_str s) {
  size_t n = 0;
  while (n < s.n && nm_is((unsigned char)s.p[n], NM_CHAR_LDH)) {
    n++;
  }
  return n > 0 && n < s.n && s.p[n] == ';' ? n + 1 : 0;
}

static int wrong(struct nm_error *e, int code, const char *what) {
  return nm_error_set(e, code, NM_KIND_MESSAGE, "ORCPT %s", what);
}

/* original-recipient-address = addr-type ";" xtext */
static int check_typed(struct nm_str s, size_t type, struct nm_error *e) {
  struct nm_str rest = nm_str(s.p + type, s.n - type);
  if (rest.n == 0 || !nm_xtext_is(rest)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "ORCPT has no xtext behind its type \"%.*s\" (RFC 3461 4); give the address alone, or "
        "write what is no printable ASCII, \"+\" and \"=\" as + and two hexadecimal digits there",
        (int)(type - 1), s.p);
  }
  return s.n <= NM_ORCPT_MAX ? 0 : NM_ELIMIT;
}

static int check_length(struct nm_str s) {
  struct nm_buf room = {.max = NM_ORCPT_MAX};
  nm_orcpt_add(&room, s);
  int err = room.err;
  nm_buf_free(&room);
  return err;
}

int nm_orcpt_check(struct nm_str s, struct nm_error *e) {
  if (s.n == 0) {
    return 0;
  }
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c < 32 || c == 127) {
      return wrong(e, NM_EINVAL, "has a control character");
    }
  }
  if (nm_utf8_valid(s) != s.n) {
    return wrong(e, NM_EINVAL, "is not valid UTF-8");
  }
  size_t type = type_length(s);
  int err = s.n > NM_ORCPT_MAX ? NM_ELIMIT : type > 0 ? check_typed(s, type, e) : check_length(s);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "ORCPT has more than %d characters as it is sent",
                        NM_ORCPT_MAX);
  }
  return err == NM_ENOMEM ? nm_error_nomem(e) : err;
}

/* RFC 6533 3 has "utf-8" for what "rfc822" cannot hold. */
void nm_orcpt_add(struct nm_buf *b, struct nm_str s) {
  if (type_length(s) > 0) {
    nm_buf_add_str(b, s);
  } else if (nm_is_ascii(s)) {
    nm_buf_add_c(b, "rfc822;");
    nm_xtext_add(b, s);
  } else {
    nm_buf_add_c(b, "utf-8;");
    nm_utf8_xtext_add(b, s);
  }
}
