#include "base/idn.h"

#include <idn2.h>
#include <stdint.h>

#include "base/chars.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/visible.h"

/* libidn2 maps and encodes, and is no validator: "c℀.example" becomes "ca/c.example", blanks and empty labels go through,
   and with IDN2_USE_STD3_ASCII_RULES what is bad is left out without a word, so that another domain results. So its answer
   is believed when it says the same with that flag and without, when it is a domain name by our own rules, has the
   labels of the input, leaves ASCII labels alone, and leads back to itself. */

static int refuse(const char **why_out, int code, const char *why) {
  *why_out = why;
  return code;
}

static int refuse_answer(const char **why_out, int answer) {
  switch (answer) {
    case IDN2_MALLOC:
      return refuse(why_out, NM_ENOMEM, "memory is short");
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_TOO_BIG_LABEL:
    case IDN2_PUNYCODE_BIG_OUTPUT:
      return refuse(
          why_out, NM_ELIMIT,
          "its domain is too long in its xn-- form (63 octets between dots, 253 in all); correct it");
    case IDN2_BIDI:
      return refuse(
          why_out, NM_EINVAL,
          "its domain mixes characters that are written from left to right with others that are not, "
          "in a way that IDNA forbids; correct it");
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_OVERFLOW:
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
      return refuse(why_out, NM_EINVAL,
                    "a part of its domain that begins with xn-- is not valid; correct it");
    case IDN2_2HYPHEN:
    case IDN2_HYPHEN_STARTEND:
      return refuse(
          why_out, NM_EINVAL,
          "a part of its domain begins or ends with \"-\", or has \"--\" as third and fourth; correct it");
    default:
      return refuse(why_out, NM_EINVAL,
                    "its domain has a character that IDNA does not allow in a domain, or not at that place; "
                    "correct it");
  }
}

/* label-separator: U+002E, U+3002, U+FF0E, U+FF61   (UTS 46 4, step 3; RFC 3490 3.1) */
static size_t dot_at(const char *p, size_t n) {
  if (*p == '.') {
    return 1;
  }
  return n >= 3 && (memcmp(p, "\xe3\x80\x82", 3) == 0 || memcmp(p, "\xef\xbc\x8e", 3) == 0 ||
                    memcmp(p, "\xef\xbd\xa1", 3) == 0)
             ? 3
             : 0;
}

/* The label at the front of *rest, which is moved behind its separator. 0 when there is none left. */
static int next_label(struct nm_str *rest, struct nm_str *label) {
  size_t i = 0, dot = 0;
  if (rest->p == NULL) {
    return 0;
  }
  while (i < rest->n && dot == 0) {
    dot = dot_at(rest->p + i, rest->n - i);
    i += dot == 0 ? 1 : 0;
  }
  *label = nm_str(rest->p, i);
  *rest = dot > 0 ? nm_str(rest->p + i + dot, rest->n - i - dot) : nm_str(NULL, 0);
  return 1;
}

/* What the mapping would drop or turn into something else never reaches it. U+200C and U+200D are letters' joiners in some
   scripts: IDNA says where (RFC 5892 A.1, A.2). */
static int check_input(struct nm_str domain, const char **why_out) {
  for (size_t i = 0, n; i < domain.n; i += n) {
    uint32_t cp = 0;
    n = nm_utf8_next(domain.p + i, domain.n - i, &cp);
    if (n == 0) {
      return refuse(why_out, NM_EINVAL, "its domain is not UTF-8; convert the text to UTF-8");
    }
    if (cp < 0x80 && cp != '.' && !nm_is((unsigned char)cp, NM_CHAR_LDH)) {
      return refuse(why_out, NM_EINVAL,
                    "its domain has a character other than letters, digits, \"-\" and \".\"; correct it");
    }
    if (cp != 0x200c && cp != 0x200d && nm_is_invisible(cp)) {
      return refuse(why_out, NM_EINVAL, "its domain has an invisible character in it; take it out");
    }
  }
  return 0;
}

static int take(char *to, size_t max, const char *from, struct nm_str *out) {
  size_t n = strlen(from);
  if (n >= max) {
    return NM_ELIMIT;
  }
  memcpy(to, from, n + 1);
  *out = nm_str(to, n);
  return 0;
}

/* text ends with a NUL, room has 256 octets. */
static int lookup(const char *text, int flags, char *room, struct nm_str *out, const char **why_out) {
  uint8_t *answer = NULL;
  int rc = idn2_lookup_u8((const uint8_t *)text, &answer, flags | IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (rc == IDN2_OK && take(room, 256, (const char *)answer, out) != 0) {
    rc = IDN2_TOO_BIG_DOMAIN;
  }
  idn2_free(answer);
  return rc == IDN2_OK ? 0 : refuse_answer(why_out, rc);
}

static int unlookup(struct nm_idn *out, const char **why_out) {
  char *answer = NULL;
  int rc = idn2_to_unicode_8z8z(out->ascii_bytes, &answer, 0);
  if (rc == IDN2_OK && take(out->unicode_bytes, sizeof out->unicode_bytes, answer, &out->unicode) != 0) {
    rc = IDN2_TOO_BIG_DOMAIN;
  }
  idn2_free(answer);
  return rc == IDN2_OK ? 0 : refuse_answer(why_out, rc);
}

/* Label by label: ASCII stays ASCII, and none is lost or new. */
static int is_mapping_of(struct nm_str ascii, struct nm_str domain) {
  struct nm_str from, to;
  while (next_label(&domain, &from)) {
    if (!next_label(&ascii, &to) || (nm_is_ascii(from) && !nm_str_ieq(from, to))) {
      return 0;
    }
  }
  return ascii.p == NULL;
}

static int has_empty_label(struct nm_str domain) {
  struct nm_str label;
  while (next_label(&domain, &label)) {
    if (label.n == 0) {
      return 1;
    }
  }
  return 0;
}

static int in(uint32_t cp, uint32_t first, uint32_t last) {
  return cp >= first && cp <= last;
}

/* The blocks of the scripts that are written from right to left. */
static int is_right_to_left(uint32_t cp) {
  return in(cp, 0x590, 0x8ff) || in(cp, 0xfb1d, 0xfdff) || in(cp, 0xfe70, 0xfefc) ||
         in(cp, 0x10800, 0x10fff) || in(cp, 0x1e800, 0x1efff);
}

/* Which kinds of character a label has, and whether it begins with a digit. */
struct direction {
  int is_right_to_left;
  int has_european_digit; /* 0-9, U+06F0-06F9 */
  int has_arabic_digit;   /* U+0660-0669 */
  int begins_with_digit;
};

static struct direction direction_of(struct nm_str label) {
  struct direction d = {0};
  for (size_t i = 0, n; i < label.n; i += n) {
    uint32_t cp = 0;
    n = nm_utf8_next(label.p + i, label.n - i, &cp);
    if (n == 0) {
      break; /* libidn2's own UTF-8: not reached */
    }
    int is_european = in(cp, '0', '9') || in(cp, 0x6f0, 0x6f9);
    d.begins_with_digit |= i == 0 && (is_european || in(cp, 0x660, 0x669));
    d.has_european_digit |= is_european;
    d.has_arabic_digit |= in(cp, 0x660, 0x669);
    d.is_right_to_left |= !is_european && is_right_to_left(cp);
  }
  return d;
}

/* The Bidi rule (RFC 5893 2) where libidn2 does not hold a name to it: in a name with a right-to-left label no label begins
   with a digit (1.), also one that has no such character itself; and no such label has both kinds of digit (4.). */
static int breaks_bidi_rule(struct nm_str unicode) {
  int is_bidi = 0, begins_with_digit = 0, has_both = 0;
  struct nm_str label;
  while (next_label(&unicode, &label)) {
    struct direction d = direction_of(label);
    is_bidi |= d.is_right_to_left;
    begins_with_digit |= d.begins_with_digit;
    has_both |= d.is_right_to_left && d.has_european_digit && d.has_arabic_digit;
  }
  return is_bidi && (begins_with_digit || has_both);
}

int nm_idn_map(struct nm_str domain, struct nm_idn *out, const char **why_out) {
  char text[NM_IDN_TEXT_MAX];
  char again_bytes[256];
  struct nm_str again;
  if (domain.n >= sizeof text) {
    return refuse_answer(why_out, IDN2_TOO_BIG_DOMAIN);
  }
  int err = check_input(domain, why_out);
  if (err != 0) {
    return err;
  }
  if (has_empty_label(domain)) {
    return refuse(why_out, NM_EINVAL,
                  "a dot stands first, last or beside another in its domain; take it out");
  }
  memcpy(text, domain.p, domain.n);
  text[domain.n] = '\0';
  err = lookup(text, 0, out->ascii_bytes, &out->ascii, why_out);
  err = err != 0 ? err : lookup(text, IDN2_USE_STD3_ASCII_RULES, again_bytes, &again, why_out);
  if (err == 0 &&
      (!nm_str_eq(out->ascii, again) || !nm_is_domain(out->ascii) || !is_mapping_of(out->ascii, domain))) {
    err = refuse_answer(why_out, IDN2_DISALLOWED);
  }
  err = err != 0 ? err : unlookup(out, why_out);
  if (err == 0 && breaks_bidi_rule(out->unicode)) {
    err = refuse_answer(why_out, IDN2_BIDI);
  }
  err = err != 0 ? err : lookup(out->unicode_bytes, 0, again_bytes, &again, why_out);
  if (err == 0 && !nm_str_eq(out->ascii, again)) {
    err = refuse_answer(why_out, IDN2_DISALLOWED);
  }
  return err;
}
