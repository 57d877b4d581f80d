#include "base/addr.h"

#include "base/addr_parts.h"
#include "base/addr_scan.h"
#include "base/literal.h"

/* Strict RFC 5322 3.4, without the obsolete forms, comments and groups, within the narrower RFC 5321 4.1.2 for what
   is around the "@". One function per production, each beginning at s->at and ending behind what it has read; none
   goes back and none calls itself. */

/* What the productions have read so far, by its meaning. */
struct text {
  char *p;
  size_t n;
  size_t max;
};

struct draft {
  char local_bytes[NM_ADDR_LOCAL_MAX];
  char name_bytes[NM_ADDR_NAME_MAX];
  struct text local;
  struct text name;
  struct nm_str domain;
};

static void draft_begin(struct draft *d) {
  d->local = (struct text){d->local_bytes, 0, sizeof d->local_bytes};
  d->name = (struct text){d->name_bytes, 0, sizeof d->name_bytes};
  d->domain = nm_str("", 0);
}

static int fail_long(const struct nm_addr_scan *s, enum nm_addr_place place) {
  if (place == NM_ADDR_IN_NAME) {
    return nm_addr_fail(s, NM_ELIMIT, "its name is longer than %d octets; shorten it", NM_ADDR_NAME_MAX);
  }
  return nm_addr_fail(
      s, NM_ELIMIT,
      "what is before the \"@\" is longer than %d octets, which no mail server has to take; correct it",
      NM_ADDR_LOCAL_MAX);
}

static int take(const struct nm_addr_scan *s, struct text *t, enum nm_addr_place place, char c) {
  if (t->n == t->max) {
    return fail_long(s, place);
  }
  t->p[t->n++] = c;
  return 0;
}

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE        (RFC 5322 3.2.4, RFC 6532 3.2)
   Quoted-string = DQUOTE *QcontentSMTP DQUOTE                  (RFC 5321 4.1.2: %d32-126, no HTAB)
   A name may hold what RFC 6532 adds; a HTAB is a control character, which neither of the two may hold. */
static int quoted_string(struct nm_addr_scan *s, struct text *t, enum nm_addr_place place) {
  int err = 0;
  for (s->at++; err == 0 && !nm_addr_scan_is(s, '"'); s->at++) {
    if (nm_addr_scan_is(s, '\\')) {
      s->at++;
    }
    if (s->at >= s->end) {
      return nm_addr_unexpected(s, place); /* the scanner has seen the closing quote: not reached */
    }
    char c = s->text.p[s->at];
    if (c == '\t') {
      return nm_addr_fail(s, NM_EINVAL, "there is a tab within double quotes; write a space");
    }
    if (place == NM_ADDR_IN_LOCAL && !nm_is((unsigned char)c, NM_CHAR_PRINT)) {
      return nm_addr_unexpected(s, NM_ADDR_IN_QUOTES);
    }
    err = take(s, t, place, c);
  }
  s->at++;
  return err;
}

/* dot-atom-text = 1*atext *("." 1*atext)   (RFC 5322 3.2.3) */
static int dot_atom(struct nm_addr_scan *s, struct text *t) {
  for (;;) {
    size_t from = s->at;
    while (nm_addr_scan_in(s, NM_CHAR_ATEXT)) {
      int err = take(s, t, NM_ADDR_IN_LOCAL, s->text.p[s->at]);
      if (err != 0) {
        return err;
      }
      s->at++;
    }
    int is_dot = nm_addr_scan_is(s, '.');
    if (s->at == from && (is_dot || (t->n > 0 && nm_addr_scan_is(s, '@')))) {
      return nm_addr_fail(
          s, NM_EINVAL,
          "a dot stands first, last or beside another before the \"@\"; if the mailbox is really named "
          "so, put that part in double quotes: \"a..b\"@example.com");
    }
    if (s->at == from) {
      return nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
    }
    if (!is_dot) {
      return 0;
    }
    int err = take(s, t, NM_ADDR_IN_LOCAL, '.');
    if (err != 0) {
      return err;
    }
    s->at++;
  }
}

/* local-part = dot-atom / quoted-string   (RFC 5322 3.4.1) */
static int local_part(struct nm_addr_scan *s, struct draft *d) {
  int is_quoted = nm_addr_scan_is(s, '"');
  int err = is_quoted ? quoted_string(s, &d->local, NM_ADDR_IN_LOCAL) : dot_atom(s, &d->local);
  if (err != 0) {
    return err;
  }
  if (nm_addr_scan_is(s, '"') ||
      (is_quoted && (nm_addr_scan_in(s, NM_CHAR_ATEXT) || nm_addr_scan_is(s, '.')))) {
    return nm_addr_fail(
        s, NM_EINVAL,
        "what is before the \"@\" is in double quotes in part only; quote all of it or nothing");
  }
  if (!nm_addr_scan_is(s, '@')) {
    return nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
  }
  struct nm_str local = nm_str(d->local.p, d->local.n);
  return nm_addr_local_size(local) > NM_ADDR_LOCAL_MAX ? fail_long(s, NM_ADDR_IN_LOCAL) : 0;
}

/* address-literal = "[" ... "]"   (RFC 5321 4.1.3) */
static int address_literal(struct nm_addr_scan *s, struct draft *d) {
  size_t from = s->at;
  while (s->at < s->end && s->text.p[s->at] != ']') {
    s->at++;
  }
  s->at += s->at < s->end ? 1 : 0;
  d->domain = nm_str(s->text.p + from, s->at - from);
  if (!nm_is_address_literal(d->domain)) {
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

static int domain_name(struct nm_addr_scan *s, struct draft *d) {
  size_t from = s->at;
  while (nm_addr_scan_in(s, NM_CHAR_LDH) || nm_addr_scan_is(s, '.')) {
    s->at++;
  }
  d->domain = nm_str(s->text.p + from, s->at - from);
  int is_empty = d->domain.n == 0;
  if (is_empty && (s->at == s->end || nm_addr_scan_is(s, '>'))) {
    return nm_addr_fail(s, NM_EINVAL, "nothing follows its \"@\"; write it as user@example.com");
  }
  if (is_empty || nm_addr_scan_in(s, NM_CHAR_ATEXT) ||
      (s->at < s->end && (unsigned char)s->text.p[s->at] >= 0x80)) {
    return nm_addr_unexpected(s, NM_ADDR_IN_DOMAIN);
  }
  return check_labels(s, d->domain);
}

/* addr-spec = local-part "@" domain   (RFC 5322 3.4.1)
   White space beside the "@", which 5322 lets a reader accept and no writer make, is refused. */
static int addr_spec(struct nm_addr_scan *s, struct draft *d) {
  nm_addr_scan_wsp(s);
  int err = local_part(s, d);
  if (err != 0) {
    return err;
  }
  s->at++;
  err = nm_addr_scan_is(s, '[') ? address_literal(s, d) : domain_name(s, d);
  if (err == 0 && nm_addr_local_size(nm_str(d->local.p, d->local.n)) + 1 + d->domain.n > NM_ADDR_SPEC_MAX) {
    return nm_addr_fail(s, NM_ELIMIT,
                        "it is longer than %d octets, which no mail server has to take; correct it",
                        NM_ADDR_SPEC_MAX);
  }
  return err;
}

/* atom = [CFWS] 1*atext [CFWS]   (RFC 5322 3.2.3, RFC 6532 3.2)
   with the "." that obs-phrase has for "John Q. Public". */
static int name_atom(struct nm_addr_scan *s, struct text *t) {
  size_t from = s->at;
  int err = 0;
  while (err == 0 && s->at < s->angle) {
    char c = s->text.p[s->at];
    if (!nm_is((unsigned char)c, NM_CHAR_ATEXT) && c != '.' && (unsigned char)c < 0x80) {
      break;
    }
    err = take(s, t, NM_ADDR_IN_NAME, c);
    s->at++;
  }
  return err == 0 && s->at == from ? nm_addr_unexpected(s, NM_ADDR_IN_NAME) : err;
}

/* phrase = 1*word          (RFC 5322 3.2.5)
   word = atom / quoted-string
   An encoded word (RFC 2047) is an atom like another here: it is not decoded. White space between two words is one
   space; between a quoted string and another word it must be there (RFC 5322 lets it be left out, and then
   programs disagree about where the name ends). */
static int phrase(struct nm_addr_scan *s, struct draft *d) {
  struct text *t = &d->name;
  int err = 0;
  while (err == 0 && s->at < s->angle) {
    size_t before = t->n;
    err = t->n > 0 ? take(s, t, NM_ADDR_IN_NAME, ' ') : 0;
    size_t word = t->n;
    if (err == 0) {
      err = nm_addr_scan_is(s, '"') ? quoted_string(s, t, NM_ADDR_IN_NAME) : name_atom(s, t);
    }
    if (err == 0 && s->at < s->angle && !nm_addr_scan_in(s, NM_CHAR_WSP)) {
      err = nm_addr_scan_is(s, '"') || s->text.p[s->at - 1] == '"'
                ? nm_addr_fail(s, NM_EINVAL,
                               "its name is in double quotes in part only; quote all of it or nothing")
                : nm_addr_unexpected(s, NM_ADDR_IN_NAME);
    }
    t->n = t->n == word ? before : t->n; /* "" is no word to stand off */
    nm_addr_scan_wsp(s);
  }
  return err;
}

/* angle-addr = [CFWS] "<" addr-spec ">" [CFWS]   (RFC 5322 3.4) */
static int angle_addr(struct nm_addr_scan *s, struct draft *d) {
  s->at++;
  nm_addr_scan_wsp(s);
  if (nm_addr_scan_is(s, '>')) {
    return nm_addr_fail(s, NM_EINVAL, "its angle brackets are empty; write it as Name <user@example.com>");
  }
  int err = addr_spec(s, d);
  if (err != 0) {
    return err;
  }
  nm_addr_scan_wsp(s);
  if (s->at == s->end) {
    return nm_addr_fail(s, NM_EINVAL, "its \"<\" is not closed; write it as Name <user@example.com>");
  }
  if (!nm_addr_scan_is(s, '>')) {
    return nm_addr_unexpected(s, NM_ADDR_BEHIND);
  }
  s->at++;
  return 0;
}

/* mailbox = name-addr / addr-spec
   name-addr = [display-name] angle-addr
   display-name = phrase   (RFC 5322 3.4) */
static int mailbox(struct nm_addr_scan *s, struct draft *d) {
  draft_begin(d);
  int err;
  if (s->angle == s->end) {
    err = addr_spec(s, d);
  } else {
    err = phrase(s, d);
    err = err != 0 ? err : angle_addr(s, d);
  }
  if (err != 0) {
    return err;
  }
  nm_addr_scan_wsp(s);
  return s->at == s->end ? 0 : nm_addr_unexpected(s, NM_ADDR_BEHIND);
}

static int make(const struct draft *d, struct nm_str name, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_parts parts = {nm_str(d->local.p, d->local.n), d->domain, name};
  return nm_addr_new(&parts, out, e);
}

/* The text's only element. */
static int only_element(struct nm_addr_scan *s) {
  int err = nm_addr_scan_element(s);
  if (err == 0 && s->end < s->text.n) {
    size_t first = s->angle < s->end ? s->angle + 1 : s->start;
    if (s->text.p[first] == '@') { /* the comma is that of a source route */
      s->at = first;
      return nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
    }
    s->end = s->text.n; /* so that the error shows all of it */
    return nm_addr_fail(
        s, NM_EINVAL,
        "it has a comma, and this is the place of one address; put a name that has a comma in double "
        "quotes");
  }
  return err;
}

int nm_addr_parse(struct nm_str text, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_scan s;
  struct draft d;
  *out = NULL;
  int err = nm_addr_scan_begin(&s, text, 0, e);
  err = err != 0 ? err : only_element(&s);
  err = err != 0 ? err : mailbox(&s, &d);
  return err != 0 ? err : make(&d, nm_str(d.name.p, d.name.n), out, e);
}

int nm_addr_make(struct nm_str spec, struct nm_str name, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_scan s;
  struct draft d;
  *out = NULL;
  int err = nm_addr_scan_begin(&s, spec, 0, e);
  err = err != 0 ? err : only_element(&s);
  if (err == 0 && s.angle < s.end) {
    err = nm_addr_fail(&s, NM_EINVAL,
                       "this is the place of an address without name and angle brackets; take them off");
  }
  err = err != 0 ? err : mailbox(&s, &d);
  err = err != 0 ? err : nm_addr_scan_name(name, e);
  return err != 0 ? err : make(&d, name, out, e);
}

static int add(struct nm_list *list, struct nm_addr *a, struct nm_error *e) {
  int err = nm_list_add(list, a);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE,
                        "a list of more than %zu addresses is refused; make several messages", list->max);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

/* mailbox-list = mailbox *("," mailbox)   (RFC 5322 3.4) */
int nm_addr_parse_list(struct nm_str text, struct nm_list *list, struct nm_error *e) {
  struct nm_addr_scan s;
  struct draft d;
  size_t before = list->n;
  int err = nm_addr_scan_begin(&s, text, 1, e);
  while (err == 0) {
    struct nm_addr *a = NULL;
    err = nm_addr_scan_element(&s);
    err = err != 0 ? err : mailbox(&s, &d);
    err = err != 0 ? err : make(&d, nm_str(d.name.p, d.name.n), &a, e);
    err = err != 0 ? err : add(list, a, e);
    nm_addr_unref(&a);
    if (err != 0 || !nm_addr_scan_next(&s)) {
      break;
    }
  }
  while (err != 0 && list->n > before) {
    nm_list_remove(list, list->n - 1);
  }
  return err;
}
