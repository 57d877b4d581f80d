#include "base/addr_scan.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/utf8.h"

/* As much of an element as an error shows. */
#define EXCERPT_MAX 100
#define REASON_MAX 512

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

static int fail_empty(const struct nm_addr_scan *s) {
  if (s->number > 1 || (s->number == 1 && s->end < s->text.n)) {
    return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                        "address %zu of the list is empty; take the extra comma out", s->number);
  }
  return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                      "the address is empty; write one like user@example.com");
}

/* The bytes of the character at i, 0 when it may stand nowhere: then the error is set. */
static size_t char_at(const struct nm_addr_scan *s, size_t i) {
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

/* Only quotes hide a comma or a "<". A backslash means something within quotes only. */
int nm_addr_scan_element(struct nm_addr_scan *s) {
  s->end = s->text.n;
  nm_addr_scan_wsp(s);
  s->start = s->at;
  s->angle = SIZE_MAX;
  int quoted = 0, paired = 0;
  size_t i = s->at, n;
  for (; i < s->text.n; i += n) {
    char c = s->text.p[i];
    n = char_at(s, i);
    if (n == 0) {
      return NM_EINVAL;
    }
    if (paired) {
      paired = 0;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      paired = c == '\\';
    } else if (c == ',') {
      break;
    } else if (c == '<' && s->angle == SIZE_MAX) {
      s->angle = i;
    }
  }
  s->end = i;
  s->angle = s->angle < i ? s->angle : i;
  if (quoted) {
    return nm_addr_fail(s, NM_EINVAL, "a double quote is opened and not closed; add the closing one");
  }
  return s->start == s->end ? fail_empty(s) : 0;
}

int nm_addr_scan_name(struct nm_str name, struct nm_error *e) {
  struct nm_addr_scan s = {.text = name, .noun = "name", .end = name.n, .e = e};
  if (name.n > NM_ADDR_NAME_MAX) {
    return nm_addr_fail(&s, NM_ELIMIT, "it is longer than %d octets; shorten it", NM_ADDR_NAME_MAX);
  }
  for (size_t i = 0, n; i < name.n; i += n) {
    n = char_at(&s, i);
    if (n == 0) {
      return NM_EINVAL;
    }
    if (name.p[i] == '\t') {
      return nm_addr_fail(&s, NM_EINVAL, "there is a tab in it; write a space");
    }
  }
  return 0;
}

int nm_addr_scan_next(struct nm_addr_scan *s) {
  if (s->end == s->text.n) {
    return 0;
  }
  s->at = s->end + 1;
  s->number++;
  return 1;
}

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

/* Characters that show nothing, or turn around what others show: C1 controls, spaces beyond ASCII, soft hyphen,
   joiners, marks and overrides of direction, fillers, variation selectors, tags. */
static int is_invisible(uint32_t cp) {
  static const uint32_t ranges[][2] = {
      {0x80, 0xa0},     {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},   {0x115f, 0x1160},
      {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x2000, 0x200f},  {0x2028, 0x202f}, {0x205f, 0x206f},
      {0x3000, 0x3000}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},  {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
      {0xfff0, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    if (cp >= ranges[i][0] && cp <= ranges[i][1]) {
      return 1;
    }
  }
  return 0;
}

static int fail_non_ascii(const struct nm_addr_scan *s, enum nm_addr_place place) {
  uint32_t cp = 0;
  const char *p = s->text.p + s->at;
  int n = (int)nm_utf8_next(p, s->end - s->at, &cp);
  if (is_invisible(cp)) {
    return nm_addr_fail(s, NM_EINVAL, "it holds the invisible character U+%04X; take it out", (unsigned)cp);
  }
  return nm_addr_fail(s, NM_EINVAL,
                      "\"%.*s\" (U+%04X) is not ASCII, and addresses beyond ASCII are not supported; %s", n,
                      p, (unsigned)cp,
                      place == NM_ADDR_IN_DOMAIN
                          ? "write the domain in its xn-- form"
                          : "use an ASCII address of that mailbox, and write its domain in its xn-- form");
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
  if ((unsigned char)c >= 0x80 && place != NM_ADDR_BEHIND) {
    return fail_non_ascii(s, place);
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
