#include "base/addr_parts.h"
#include "base/chars.h"
#include "base/utf8.h"

/* The mailboxes that nearly all are, in one pass over their octets: nothing is copied, nothing refused. Whatever has more to it (a
   quoted local part, an international domain, an encoded word in the address, two spaces between words) is left to the productions of
   addr_parse.c and addr_spec.c, which know all there is; where both read a text they must make the same of it, and addr_plain_fuzz.c
   holds them to that. */

/* What is left to read of one text. */
struct rest {
  const char *p;
  const char *end;
};

static int is_at(const struct rest *r, char c) {
  return r->p < r->end && *r->p == c;
}

static void skip(struct rest *r, int classes) {
  while (r->p < r->end && nm_is((unsigned char)*r->p, classes)) {
    r->p++;
  }
}

/* dot-atom-text = 1*atext *("." 1*atext)   (RFC 5322 3.2.3)
   Without "?": encoded words have it (RFC 2047), and hardly anybody else. */
static int dot_atom(struct rest *r, struct nm_str *out) {
  const char *from = r->p;
  for (;;) {
    const char *atom = r->p;
    skip(r, NM_CHAR_ATEXT);
    if (r->p == atom) {
      return 0;
    }
    if (!is_at(r, '.')) {
      *out = nm_str(from, (size_t)(r->p - from));
      return out->n <= NM_ADDR_LOCAL_MAX && memchr(from, '?', out->n) == NULL;
    }
    r->p++;
  }
}

/* Domain = sub-domain *("." sub-domain)
   sub-domain = Let-dig [Ldh-str]   (RFC 5321 4.1.2; 63 octets: RFC 1035 2.3.4) */
static int domain(struct rest *r, struct nm_str *out) {
  const char *from = r->p;
  for (;;) {
    const char *label = r->p;
    skip(r, NM_CHAR_LDH);
    if (r->p == label || r->p - label > 63 || *label == '-' || r->p[-1] == '-') {
      return 0;
    }
    if (!is_at(r, '.')) {
      *out = nm_str(from, (size_t)(r->p - from));
      return 1;
    }
    r->p++;
  }
}

/* addr-spec = local-part "@" domain   (RFC 5322 3.4.1) */
static int spec(struct rest *r, struct nm_addr_parts *parts) {
  if (!dot_atom(r, &parts->local) || !is_at(r, '@')) {
    return 0;
  }
  r->p++;
  if (!domain(r, &parts->domain)) {
    return 0;
  }
  parts->host = parts->domain;
  return parts->local.n + 1 + parts->domain.n <= NM_ADDR_SPEC_MAX;
}

/* phrase = 1*atom, with dots in them, one space between two   (RFC 5322 3.2.5, 4.1, RFC 6532 3.2) */
static int words(struct rest *r, struct nm_str *out) {
  const char *from = r->p;
  for (;;) {
    const char *word = r->p;
    while (r->p < r->end &&
           (nm_is((unsigned char)*r->p, NM_CHAR_ATEXT) || *r->p == '.' || (unsigned char)*r->p >= 0x80)) {
      r->p++;
    }
    if (r->p == word) {
      return 0;
    }
    *out = nm_str(from, (size_t)(r->p - from));
    if (!is_at(r, ' ') || r->end - r->p < 2 || r->p[1] == '<') {
      return 1;
    }
    r->p++;
  }
}

/* quoted-string without quoted pairs   (RFC 5322 3.2.4, RFC 6532 3.2) */
static int quoted(struct rest *r, struct nm_str *out) {
  const char *from = ++r->p;
  while (r->p < r->end && *r->p != '"') {
    unsigned char c = (unsigned char)*r->p;
    if (c == '\\' || c < 0x20 || c == 0x7f) {
      return 0;
    }
    r->p++;
  }
  if (r->p == r->end) {
    return 0;
  }
  *out = nm_str(from, (size_t)(r->p - from));
  r->p++;
  return out->n > 0;
}

static int name(struct rest *r, struct nm_str *out) {
  *out = nm_str(r->p, 0);
  if (!is_at(r, '<') && !(is_at(r, '"') ? quoted(r, out) : words(r, out))) {
    return 0;
  }
  return out->n <= NM_ADDR_NAME_MAX && nm_utf8_valid(*out) == out->n;
}

/* name-addr = [display-name] angle-addr
   angle-addr = [CFWS] "<" addr-spec ">" [CFWS]   (RFC 5322 3.4) */
static int name_addr(struct rest *r, struct nm_addr_parts *parts) {
  if (!name(r, &parts->name)) {
    return 0;
  }
  skip(r, NM_CHAR_WSP);
  if (!is_at(r, '<')) {
    return 0;
  }
  r->p++;
  if (!spec(r, parts) || !is_at(r, '>')) {
    return 0;
  }
  r->p++;
  return 1;
}

size_t nm_addr_plain(struct nm_str text, size_t at, struct nm_addr_parts *parts) {
  struct rest r = {text.p + at, text.p + text.n};
  *parts = (struct nm_addr_parts){.is_plain = 1};
  skip(&r, NM_CHAR_WSP);
  struct rest whole = r;
  if (!spec(&r, parts)) {
    r = whole;
    if (!name_addr(&r, parts)) {
      return 0;
    }
  }
  skip(&r, NM_CHAR_WSP);
  return r.p == r.end || *r.p == ',' ? (size_t)(r.p - text.p) : 0;
}
