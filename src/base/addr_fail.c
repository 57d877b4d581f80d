#include "base/addr_scan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/utf8.h"
#include "base/visible.h"

/* As much of an element as an error shows. */
#define EXCERPT_MAX 100
#define REASON_MAX 512

/* The element, cut between characters, into out (cap bytes). A NUL, which printf would stop at, becomes \x00. */
static void excerpt(const struct nm_addr_scan *s, char *out, size_t cap) {
  size_t i = s->start;
  size_t end = s->end;
  while (end > i && nm_is((unsigned char)s->text.p[end - 1], NM_CHAR_WSP)) {
    end--;
  }
  int is_cut = end - i > EXCERPT_MAX;
  if (is_cut) {
    for (end = i + EXCERPT_MAX; end > i && ((unsigned char)s->text.p[end] & 0xc0) == 0x80;) {
      end--;
    }
  }
  size_t used = 0;
  for (; i < end && used + 8 < cap; i++) {
    if (s->text.p[i] == '\0') {
      memcpy(out + used, "\\x00", 4);
      used += 4;
    } else {
      out[used++] = s->text.p[i];
    }
  }
  memcpy(out + used, is_cut ? "..." : "", is_cut ? 4 : 1);
}

int nm_addr_fail(const struct nm_addr_scan *s, int code, const char *reason, ...) {
  char shown[4 * EXCERPT_MAX + 8];
  char why[REASON_MAX];
  excerpt(s, shown, sizeof shown);
  va_list args;
  va_start(args, reason);
  vsnprintf(why, sizeof why, reason, args);
  va_end(args);
  if (s->number == 0) {
    return nm_error_set(s->e, code, NM_KIND_MESSAGE, "the %s \"%s\" is refused: %s", s->noun, shown, why);
  }
  return nm_error_set(s->e, code, NM_KIND_MESSAGE, "%s %zu of the list, \"%s\", is refused: %s", s->noun,
                      s->number, shown, why);
}

int nm_addr_fail_empty(const struct nm_addr_scan *s) {
  if (s->number > 1 || (s->number == 1 && s->end < s->text.n)) {
    return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                        "address %zu of the list is empty; take the extra comma out", s->number);
  }
  return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                      "the address is empty; write one like user@example.com");
}

size_t nm_addr_visible(const struct nm_addr_scan *s, enum nm_addr_place place) {
  uint32_t cp = 0;
  size_t n = nm_utf8_next(s->text.p + s->at, s->end - s->at, &cp);
  int in_domain = place == NM_ADDR_IN_DOMAIN;
  /* A domain's full-width forms are mapped, and of its joiners IDNA knows which may stay. */
  if (nm_is_invisible(cp) && !(in_domain && (cp == 0x200c || cp == 0x200d))) {
    nm_addr_fail(s, NM_EINVAL, "it holds the invisible character U+%04X; take it out", (unsigned)cp);
    return 0;
  }
  if (nm_is_ascii_form(cp) && !in_domain) {
    nm_addr_fail(s, NM_EINVAL,
                 "\"%.*s\" (U+%04X) is not the ASCII character that it looks like; write that one", (int)n,
                 s->text.p + s->at, (unsigned)cp);
    return 0;
  }
  return n;
}

/* "@", or one of the two characters beyond ASCII that a keyboard may give for it. */
static int is_at_sign(const char *p, size_t n) {
  return *p == '@' || (n >= 3 && (memcmp(p, "\xef\xbc\xa0", 3) == 0 || memcmp(p, "\xef\xb9\xab", 3) == 0));
}

/* An element that reads as words and not as an address: what is missing is the "@", or the angle brackets.
   0 when neither is the case. */
static int fail_words(const struct nm_addr_scan *s) {
  int has_wsp = 0, has_at = 0;
  for (size_t i = s->at; i < s->end && !has_at; i++) {
    has_at = is_at_sign(s->text.p + i, s->end - i);
    has_wsp |= nm_is((unsigned char)s->text.p[i], NM_CHAR_WSP);
  }
  if (!has_at) {
    return nm_addr_fail(
        s, NM_EINVAL,
        "it has no \"@\"; write it as user@example.com (and put a name that has a comma in double "
        "quotes)");
  }
  int in_word = nm_addr_scan_in(s, NM_CHAR_WSP) || (unsigned char)s->text.p[s->at] >= 0x80;
  if (has_wsp && in_word && s->angle == s->end) {
    return nm_addr_fail(s, NM_EINVAL,
                        "there is white space before the \"@\"; a name and an address are written as "
                        "Name <user@example.com>");
  }
  return 0;
}

/* The first row that fits is said. */
static const struct {
  const char *bytes;
  unsigned places;
  const char *reason;
} reasons[] = {
    {"()", NM_ADDR_IN_NAME,
     "a comment in parentheses is not accepted; take it out, or put the name in double quotes"},
    {"()", ~0u, "a comment in parentheses is not accepted; take it out"},
    {";", ~0u, "\";\" is not accepted; separate addresses by commas, and list those of a group one by one"},
    {":", NM_ADDR_IN_NAME | NM_ADDR_IN_LOCAL,
     "\":\" is not accepted; put a name that has it in double quotes, and list the addresses of a group one "
     "by one"},
    {"@", NM_ADDR_IN_LOCAL,
     "nothing stands before its \"@\" (source routes are not accepted); write it as user@example.com"},
    {"@", NM_ADDR_IN_DOMAIN | NM_ADDR_BEHIND,
     "it has a second \"@\"; one that belongs before the last is written in double quotes: "
     "\"a@b\"@example.com"},
    {">", ~0u, "it has a \">\" without its \"<\"; write it as Name <user@example.com>"},
    {"<", ~0u, "it has a second \"<\"; write it as Name <user@example.com>"},
    {" \t", NM_ADDR_IN_LOCAL | NM_ADDR_IN_DOMAIN,
     "there is white space before or beside its \"@\"; take it out"},
};

int nm_addr_unexpected(const struct nm_addr_scan *s, enum nm_addr_place place) {
  int err = place == NM_ADDR_IN_LOCAL ? fail_words(s) : 0;
  if (err != 0) {
    return err;
  }
  if (s->at == s->end) {
    return nm_addr_fail(s, NM_EINVAL,
                        "it ends too early; write it as user@example.com or Name <user@example.com>");
  }
  char c = s->text.p[s->at];
  if ((unsigned char)c >= 0x80 && place != NM_ADDR_BEHIND && nm_addr_visible(s, place) == 0) {
    return NM_EINVAL;
  }
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
    if ((reasons[i].places & place) != 0 && strchr(reasons[i].bytes, c) != NULL) {
      return nm_addr_fail(s, NM_EINVAL, "%s", reasons[i].reason);
    }
  }
  switch (place) {
    case NM_ADDR_IN_NAME:
      return nm_addr_fail(s, NM_EINVAL,
                          "\"%c\" is not accepted in a name as it stands; put the name in double quotes", c);
    case NM_ADDR_IN_LOCAL:
      return nm_addr_fail(
          s, NM_EINVAL,
          "\"%c\" is not accepted before the \"@\" as it stands; put what is before the \"@\" in double "
          "quotes",
          c);
    case NM_ADDR_IN_DOMAIN:
      return nm_addr_fail(s, NM_EINVAL,
                          "\"%c\" is not accepted in a domain (letters, digits, \"-\" and \".\" are)", c);
    default:
      return nm_addr_fail(s, NM_EINVAL,
                          "text follows the address; separate addresses by commas, and write a name first");
  }
}
