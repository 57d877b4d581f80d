#include "base/addr.h"

#include "base/addr_draft.h"
#include "base/alloc.h"

/* Mailboxes and lists of them: strict RFC 5322 3.4 without comments and folds, or with the obsolete forms of section 4 in
   the lenient readings. One function per production. */

void nm_addr_draft_begin(struct nm_addr_draft *d) {
  d->local = (struct nm_addr_text){d->local_bytes, 0, sizeof d->local_bytes};
  d->name = (struct nm_addr_text){d->name_bytes, 0, sizeof d->name_bytes};
  d->parts = (struct nm_addr_parts){0};
}

static int is_in_atom(struct nm_addr_scan *s, char c) {
  if (c == '@' && s->name_at == 0) {
    s->name_at = s->at + 1;
  }
  return nm_is((unsigned char)c, NM_CHAR_ATEXT) || c == '.' || c == '@' || (unsigned char)c >= 0x80;
}

/* atom = [CFWS] 1*atext [CFWS]   (RFC 5322 3.2.3, RFC 6532 3.2)
   with the "." that obs-phrase has for "John Q. Public", and "@", which check_name looks at. */
static int name_atom(struct nm_addr_scan *s, struct nm_addr_text *t) {
  size_t from = s->at;
  int err = 0;
  while (err == 0 && s->at < s->angle) {
    char c = s->text.p[s->at];
    if (!is_in_atom(s, c)) {
      break;
    }
    err = nm_addr_take(s, t, NM_ADDR_IN_NAME, c);
    s->at++;
  }
  return err == 0 && s->at == from ? nm_addr_unexpected(s, NM_ADDR_IN_NAME) : err;
}

static int fail_half_quoted(const struct nm_addr_scan *s) {
  return nm_addr_fail(s, NM_EINVAL, "its name is in double quotes in part only; quote all of it or nothing");
}

/* Whether the name may go on where a word has ended. Between a quoted string and another word there must be white space: RFC
   5322 lets it be left out, and then programs disagree about where the name ends. */
static int check_word_end(const struct nm_addr_scan *s) {
  int is_quote = nm_addr_scan_is(s, '"') || s->text.p[s->at - 1] == '"';
  if (s->at == s->angle || nm_addr_scan_in(s, NM_CHAR_WSP) || (s->is_lenient && is_quote)) {
    return 0;
  }
  return is_quote ? fail_half_quoted(s) : nm_addr_unexpected(s, NM_ADDR_IN_NAME);
}

/* phrase = 1*word          (RFC 5322 3.2.5)
   word = atom / quoted-string
   An encoded word (RFC 2047) is an atom like another here: it is not decoded. White space between two words is one
   space. */
int nm_addr_phrase(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  struct nm_addr_text *t = &d->name;
  int err = 0;
  for (int is_apart = 0; err == 0 && s->at < s->angle; nm_addr_scan_wsp(s)) {
    size_t before = t->n;
    err = t->n > 0 && is_apart ? nm_addr_take(s, t, NM_ADDR_IN_NAME, ' ') : 0;
    size_t word = t->n;
    if (err == 0) {
      err = nm_addr_scan_is(s, '"') ? nm_addr_quoted_string(s, t, NM_ADDR_IN_NAME) : name_atom(s, t);
    }
    err = err != 0 ? err : check_word_end(s);
    is_apart = nm_addr_scan_in(s, NM_CHAR_WSP) || (is_apart && t->n == word);
    t->n = t->n == word ? before : t->n; /* "" is no word to stand off */
  }
  return err;
}

/* obs-route = obs-domain-list ":"
   obs-domain-list = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain])   (RFC 5322 4.4)
   Held to the rules of any domain, and left out: nobody is to follow it any more (RFC 5321 F.2). */
static int obs_route(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  int may_begin = 1, has_domain = 0;
  for (;;) {
    nm_addr_scan_wsp(s);
    if (nm_addr_scan_is(s, ':') && has_domain) {
      s->at++;
      return 0;
    }
    if (!nm_addr_scan_is(s, ',') && !(nm_addr_scan_is(s, '@') && may_begin)) {
      return nm_addr_unexpected(s, NM_ADDR_IN_LOCAL);
    }
    may_begin = nm_addr_scan_is(s, ',');
    s->at++;
    int err = may_begin ? 0 : nm_addr_domain(s, d);
    if (err != 0) {
      return err;
    }
    has_domain |= !may_begin;
  }
}

/* angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr   (RFC 5322 3.4)
   obs-angle-addr = [CFWS] "<" obs-route addr-spec ">" [CFWS]      (RFC 5322 4.4) */
static int angle_addr(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  s->at++;
  nm_addr_scan_wsp(s);
  if (nm_addr_scan_is(s, '>')) {
    return nm_addr_fail(s, NM_EINVAL, "its angle brackets are empty; write it as Name <user@example.com>");
  }
  int is_routed = s->is_lenient && (nm_addr_scan_is(s, '@') || nm_addr_scan_is(s, ','));
  int err = is_routed ? obs_route(s, d) : 0;
  err = err != 0 ? err : nm_addr_spec(s, d);
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

/* "a@x <a@x>" is what many programs write for a mailbox without a name. A name that is another address lies to whoever
   reads it, and must be quoted to show that it is meant. */
static int check_name(struct nm_addr_scan *s, struct nm_str spec, const struct nm_addr_draft *d) {
  if (s->name_at == 0 || s->is_lenient ||
      nm_str_ieq(nm_str_trim(spec, " \t"), nm_str(d->name.p, d->name.n))) {
    return 0;
  }
  s->at = s->name_at - 1;
  return nm_addr_unexpected(s, NM_ADDR_IN_NAME);
}

/* mailbox = name-addr / addr-spec
   name-addr = [display-name] angle-addr
   display-name = phrase   (RFC 5322 3.4) */
int nm_addr_mailbox(struct nm_addr_scan *s, struct nm_addr_draft *d) {
  nm_addr_draft_begin(d);
  int err;
  if (s->angle == s->end) {
    err = nm_addr_spec(s, d);
  } else {
    s->name_at = 0;
    err = nm_addr_phrase(s, d);
    err = err != 0 ? err : angle_addr(s, d);
    err = err != 0 ? err : check_name(s, nm_str(s->text.p + s->angle + 1, s->at - s->angle - 2), d);
  }
  if (err != 0) {
    return err;
  }
  nm_addr_scan_wsp(s);
  return s->at == s->end ? 0 : nm_addr_unexpected(s, NM_ADDR_BEHIND);
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

static int parse(struct nm_addr_scan *s, struct nm_block *room, struct nm_addr **out) {
  struct nm_addr_draft d;
  int err = only_element(s);
  err = err != 0 ? err : nm_addr_mailbox(s, &d);
  if (err != 0) {
    return err;
  }
  d.parts.name = nm_str(d.name.p, d.name.n);
  return nm_addr_new(room, &d.parts, out, s->e);
}

/* The whole text, which is plain: see nm_addr_plain. */
static int is_plain(struct nm_str text, struct nm_addr_parts *parts) {
  return text.n > 0 && text.n <= NM_ADDR_TEXT_MAX && nm_addr_plain(text, 0, parts) == text.n;
}

int nm_addr_parse_in(struct nm_block *room, struct nm_str text, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_scan s;
  struct nm_addr_parts parts;
  *out = NULL;
  if (is_plain(text, &parts)) {
    return nm_addr_new(room, &parts, out, e);
  }
  int err = nm_addr_scan_begin(&s, text, 0, e);
  return err != 0 ? err : parse(&s, room, out);
}

int nm_addr_parse(struct nm_str text, struct nm_addr **out, struct nm_error *e) {
  return nm_addr_parse_in(NULL, text, out, e);
}

int nm_addr_parse_lenient(struct nm_str text, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_scan s;
  char *tidy = NULL;
  *out = NULL;
  int err = nm_addr_scan_lenient(&s, text, 0, &tidy, e);
  err = err != 0 ? err : parse(&s, NULL, out);
  nm_free(tidy);
  return err;
}

/* addr-spec alone, with the name that was given beside it. */
static int make(struct nm_addr_scan *s, struct nm_str name, struct nm_addr **out) {
  struct nm_addr_draft d;
  int err = only_element(s);
  if (err == 0 && s->angle < s->end) {
    err = nm_addr_fail(s, NM_EINVAL,
                       "this is the place of an address without name and angle brackets; take them off");
  }
  err = err != 0 ? err : nm_addr_mailbox(s, &d);
  err = err != 0 ? err : nm_addr_scan_name(name, s->e);
  if (err != 0) {
    return err;
  }
  d.parts.name = name;
  return nm_addr_new(NULL, &d.parts, out, s->e);
}

int nm_addr_make(struct nm_str spec, struct nm_str name, struct nm_addr **out, struct nm_error *e) {
  struct nm_addr_scan s;
  struct nm_addr_parts parts;
  *out = NULL;
  if (is_plain(spec, &parts) && parts.name.p == NULL) {
    int err = nm_addr_scan_name(name, e);
    parts.name = name;
    return err != 0 ? err : nm_addr_new(NULL, &parts, out, e);
  }
  int err = nm_addr_scan_begin(&s, spec, 0, e);
  return err != 0 ? err : make(&s, name, out);
}
