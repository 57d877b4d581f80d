#include "base/addr_draft.h"
#include "base/literal.h"
#include "base/utf8.h"

/* What is around the "@": RFC 5322 3.4.1 within the narrower RFC 5321 4.1.2, with the characters that RFC 6531 3.3 adds. */

static int fail_long(const struct nm_addr_scan *s, enum nm_addr_place place) {
  if (place == NM_ADDR_IN_NAME) {
    return nm_addr_fail(s, NM_ELIMIT, "its name is longer than %d octets; shorten it", NM_ADDR_NAME_MAX);
  }
  if (place == NM_ADDR_IN_DOMAIN) {
    return nm_addr_fail(s, NM_ELIMIT,
                        "it is longer than %d octets, which no mail server has to take; correct it",
                        NM_ADDR_SPEC_MAX);
  }
  return nm_addr_fail(
      s, NM_ELIMIT,
      "what is before the \"@\" is longer than %d octets, which no mail server has to take; correct it",
      NM_ADDR_LOCAL_MAX);
}

int nm_addr_take(const struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place, char c) {
  if (t->n == t->max) {
    return fail_long(s, place);
  }
  t->p[t->n++] = c;
  return 0;
}

/* The next n bytes of the text. */
static int take_bytes(struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place, size_t n) {
  int err = 0;
  for (; n > 0 && err == 0; n--) {
    err = nm_addr_take(s, t, place, s->text.p[s->at]);
    s->at++;
  }
  return err;
}

/* UTF8-non-ascii: any but those that only mislead. */
static int take_beyond_ascii(struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place) {
  size_t n = nm_addr_visible(s, place);
  return n == 0 ? NM_EINVAL : take_bytes(s, t, place, n);
}

/* qcontent, one character; the backslash of a quoted pair is behind the scanner. */
static int quoted_char(struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place) {
  char c = s->text.p[s->at];
  if (c == '\t' && s->is_lenient && place == NM_ADDR_IN_NAME) {
    s->at++;
    return nm_addr_take(s, t, place, ' ');
  }
  if (c == '\t') {
    return nm_addr_fail(s, NM_EINVAL, "there is a tab within double quotes; write a space");
  }
  return place == NM_ADDR_IN_LOCAL && (unsigned char)c >= 0x80 ? take_beyond_ascii(s, t, place)
                                                               : take_bytes(s, t, place, 1);
}

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE        (RFC 5322 3.2.4, RFC 6532 3.2)
   Quoted-string = DQUOTE *QcontentSMTP DQUOTE                  (RFC 5321 4.1.2: %d32-126, no HTAB; RFC 6531 3.3)
   A HTAB is a control character, which neither an address nor a name may hold. */
int nm_addr_quoted_string(struct nm_addr_scan *s, struct nm_addr_text *t, enum nm_addr_place place) {
  int err = 0;
  s->at++;
  while (err == 0 && !nm_addr_scan_is(s, '"')) {
    if (nm_addr_scan_is(s, '\\')) {
      s->at++;
    }
    if (s->at >= s->end) {
      return nm_addr_unexpected(s, place); /* the scanner has seen the closing quote: not reached */
    }
    err = quoted_char(s, t, place);
  }
  s->at++;
  return err;
}

/* 1*atext   (RFC 5322 3.2.3, RFC 6531 3.3); 0 of them leave s->at where it is. */
static int atom(struct nm_addr_scan *s, struct nm_addr_text *t) {
  int err = 0;
  for (;;) {
    if (err == 0 && nm_addr_scan_in(s, NM_CHAR_ATEXT)) {
      err = take_bytes(s, t, NM_ADDR_IN_LOCAL, 1);
    } else if (err == 0 && nm_addr_scan_beyond_ascii(s)) {
      err = take_beyond_ascii(s, t, NM_ADDR_IN_LOCAL);
    } else {
      return err;
    }
  }
}

static int fail_dot(const struct nm_addr_scan *s) {
  return nm_addr_fail(
      s, NM_EINVAL,
      "a dot stands first, last or beside another before the \"@\"; if the mailbox is really named "
      "so, put that part in double quotes: \"a..b\"@example.com");
}

/* dot-atom-text = 1*atext *("." 1*atext)   (RFC 5322 3.2.3) */
static int dot_atom(struct nm_addr_scan *s, struct nm_addr_text *t) {
  for (;;) {
    size_t from = s->at;
    int err = atom(s, t);
    int is_dot = nm_addr_scan_is(s, '.');
    if (err != 0) {
      return err;
    }
    if (s->at == from) {
      return is_dot || (t->n > 0 && nm_addr_scan_is(s, '@')) ? fail_dot(s)
                                                             : nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
    }
    if (!is_dot) {
      return 0;
    }
    err = take_bytes(s, t, NM_ADDR_IN_LOCAL, 1);
    if (err != 0) {
      return err;
    }
  }
}

/* obs-local-part = word *("." word)   (RFC 5322 4.4)
   By its meaning: "a". b is a.b. */
static int obs_local_part(struct nm_addr_scan *s, struct nm_addr_text *t) {
  for (;;) {
    size_t from = s->at;
    int err = nm_addr_scan_is(s, '"') ? nm_addr_quoted_string(s, t, NM_ADDR_IN_LOCAL) : atom(s, t);
    if (err != 0) {
      return err;
    }
    if (s->at == from) {
      return nm_addr_scan_is(s, '.') || (t->n > 0 && nm_addr_scan_is(s, '@'))
                 ? fail_dot(s)
                 : nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
    }
    size_t word = s->at;
    nm_addr_scan_wsp(s);
    if (!nm_addr_scan_is(s, '.')) {
      s->at = nm_addr_scan_is(s, '@') ? s->at : word; /* so that the error is about the white space */
      return 0;
    }
    err = take_bytes(s, t, NM_ADDR_IN_LOCAL, 1);
    if (err != 0) {
      return err;
    }
    nm_addr_scan_wsp(s);
  }
}

static int fail_half_quoted(const struct nm_addr_scan *s) {
  return nm_addr_fail(
      s, NM_EINVAL, "what is before the \"@\" is in double quotes in part only; quote all of it or nothing");
}

/* local-part = dot-atom / quoted-string / obs-local-part   (RFC 5322 3.4.1) */
static int local_part(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  int is_quoted = nm_addr_scan_is(s, '"');
  int err = s->is_lenient ? obs_local_part(s, &d->local)
            : is_quoted   ? nm_addr_quoted_string(s, &d->local, NM_ADDR_IN_LOCAL)
                          : dot_atom(s, &d->local);
  if (err != 0) {
    return err;
  }
  if (nm_addr_scan_is(s, '"') || (is_quoted && (nm_addr_scan_in(s, NM_CHAR_ATEXT) ||
                                                nm_addr_scan_is(s, '.') || nm_addr_scan_beyond_ascii(s)))) {
    return fail_half_quoted(s);
  }
  if (!nm_addr_scan_is(s, '@')) {
    return nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
  }
  d->parts.local = nm_str(d->local.p, d->local.n);
  return nm_addr_local_size(d->parts.local) > NM_ADDR_LOCAL_MAX ? fail_long(s, NM_ADDR_IN_LOCAL) : 0;
}

/* address-literal = "[" ... "]"   (RFC 5321 4.1.3) */
static int address_literal(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  size_t from = s->at;
  while (s->at < s->end && s->text.p[s->at] != ']') {
    s->at++;
  }
  s->at += s->at < s->end ? 1 : 0;
  d->parts.domain = d->parts.host = nm_str(s->text.p + from, s->at - from);
  if (!nm_is_address_literal(d->parts.domain)) {
    return nm_addr_fail(s, NM_EINVAL,
                        "what is in square brackets is no IP address; write it as user@[192.0.2.1] or "
                        "user@[IPv6:2001:db8::1]");
  }
  return 0;
}

/* sub-domain = Let-dig [Ldh-str]   (RFC 5321 4.1.2; 63 octets: RFC 1035 2.3.4) */
static int check_label(const struct nm_addr_scan *s, struct nm_str label) {
  if (label.n == 0) {
    return nm_addr_fail(s, NM_EINVAL,
                        "a dot stands first, last or beside another in its domain; take it out");
  }
  if (label.n > 63) {
    return nm_addr_fail(s, NM_ELIMIT,
                        "a part of its domain between dots is longer than 63 octets; correct it");
  }
  if (label.p[0] == '-' || label.p[label.n - 1] == '-') {
    return nm_addr_fail(s, NM_EINVAL, "a part of its domain begins or ends with \"-\"; correct it");
  }
  return 0;
}

/* Domain = sub-domain *("." sub-domain)   (RFC 5321 4.1.2) */
static int check_labels(const struct nm_addr_scan *s, struct nm_str domain) {
  size_t from = 0;
  int err = 0;
  for (size_t i = 0; err == 0 && i <= domain.n; i++) {
    if (i == domain.n || domain.p[i] == '.') {
      err = check_label(s, nm_str(domain.p + from, i - from));
      from = i + 1;
    }
  }
  return err;
}

/* U-label (RFC 6531 3.3: sub-domain =/ U-label), in the one form that it maps to. What is ASCII stays as it is written: an
   A-label there is a name like others, whether this machine's Unicode knows its characters or not. */
static int take_domain(const struct nm_addr_scan *s, struct nm_addr_draft *d, struct nm_str domain) {
  const char *why = NULL;
  d->parts.domain = d->parts.host = domain;
  if (nm_is_ascii(domain)) {
    return check_labels(s, domain);
  }
  int err = nm_idn_map(domain, &d->idn, &why);
  if (err != 0) {
    return err == NM_ENOMEM ? nm_error_nomem(s->e) : nm_addr_fail(s, err, "%s", why);
  }
  d->parts.domain = d->idn.ascii;
  d->parts.host = d->idn.unicode;
  return 0;
}

/* Letters, digits, hyphens and dots, and what is beyond ASCII; obs-domain = atom *("." atom) (RFC 5322 4.4) lets white
   space stand beside a dot. */
static int domain_text(struct nm_addr_scan *s, struct nm_addr_text *t) {
  int err = 0;
  for (size_t end = s->at; err == 0; end = s->at) {
    if (nm_addr_scan_in(s, NM_CHAR_LDH)) {
      err = take_bytes(s, t, NM_ADDR_IN_DOMAIN, 1);
    } else if (nm_addr_scan_beyond_ascii(s)) {
      err = take_beyond_ascii(s, t, NM_ADDR_IN_DOMAIN);
    } else {
      if (s->is_lenient) {
        nm_addr_scan_wsp(s);
      }
      if (!nm_addr_scan_is(s, '.')) {
        s->at = end;
        return 0;
      }
      err = take_bytes(s, t, NM_ADDR_IN_DOMAIN, 1);
      if (s->is_lenient) {
        nm_addr_scan_wsp(s);
      }
    }
  }
  return err;
}

int nm_addr_domain(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  struct nm_addr_text t = {d->domain_bytes, 0, sizeof d->domain_bytes};
  if (s->is_lenient) {
    nm_addr_scan_wsp(s);
  }
  if (nm_addr_scan_is(s, '[')) {
    return address_literal(s, d);
  }
  int err = domain_text(s, &t);
  if (err != 0) {
    return err;
  }
  if (t.n == 0 && (s->at == s->end || nm_addr_scan_is(s, '>'))) {
    return nm_addr_fail(s, NM_EINVAL, "nothing follows its \"@\"; write it as user@example.com");
  }
  if (t.n == 0 || nm_addr_scan_in(s, NM_CHAR_ATEXT)) {
    return nm_addr_unexpected(s, NM_ADDR_IN_DOMAIN);
  }
  return take_domain(s, d, nm_str(t.p, t.n));
}

/* "An 'encoded-word' MUST NOT appear in any portion of an 'addr-spec'" (RFC 2047 5): readers decode it all the same, and then show
   an address of the decoder's making. Nobody has such a mailbox. */
static int check_encoded(const struct nm_addr_scan *s, struct nm_str local) {
  const char *at = memmem(local.p, local.n, "=?", 2);
  size_t left = at != NULL ? local.n - (size_t)(at - local.p) - 2 : 0;
  if (left == 0 || memmem(at + 2, left, "?=", 2) == NULL) {
    return 0;
  }
  return nm_addr_fail(s, NM_EINVAL, "an encoded word (=?...?=) is no mailbox name; write the name decoded");
}

/* addr-spec = local-part "@" domain   (RFC 5322 3.4.1)
   White space beside the "@", which 5322 lets a reader accept and no writer make, is refused unless lenient. */
int nm_addr_spec(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  nm_addr_scan_wsp(s);
  int err = local_part(s, d);
  err = err != 0 ? err : check_encoded(s, d->parts.local);
  if (err != 0) {
    return err;
  }
  s->at++;
  err = nm_addr_domain(s, d);
  if (err == 0 &&
      nm_addr_local_size(d->parts.local) + 1 + nm_addr_wire_domain(&d->parts).n > NM_ADDR_SPEC_MAX) {
    return fail_long(s, NM_ADDR_IN_DOMAIN);
  }
  return err;
}
