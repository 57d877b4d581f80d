#ifndef NM_BASE_CHARS_H
#define NM_BASE_CHARS_H

#include "base/hidden.h"
#include "base/str.h"

/* One table of 256 masks for every character class of the mail RFCs. No locale. */
enum {
  NM_CHAR_ATEXT = 1 << 0, /* RFC 5322 3.2.3 */
  NM_CHAR_QTEXT = 1 << 1, /* RFC 5322 3.2.4 without obs-qtext: 33, 35-91, 93-126 */
  NM_CHAR_WSP = 1 << 2,   /* SP, HTAB */
  NM_CHAR_TOKEN = 1 << 3, /* RFC 2045 5.1: printable ASCII but SP and tspecials */
  NM_CHAR_DTEXT = 1 << 4, /* RFC 5321 4.1.3 dcontent: 33-90, 94-126 */
  NM_CHAR_DIGIT = 1 << 5,
  NM_CHAR_ALPHA = 1 << 6,
  NM_CHAR_FTEXT = 1 << 7,  /* RFC 5322 3.6.8: 33-57, 59-126, a header field's name */
  NM_CHAR_ATTR = 1 << 8,   /* RFC 2231 7 attribute-char: TOKEN but * ' % */
  NM_CHAR_EWORD = 1 << 9,  /* RFC 2047 5(3): what Q encoding may leave literal within a phrase */
  NM_CHAR_PRINT = 1 << 10, /* 32-126 */
  NM_CHAR_HEX = 1 << 11,
  NM_CHAR_LDH = 1 << 12 /* letter, digit, hyphen */
};

NM_HIDDEN_BEGIN

extern const unsigned short nm_char_class[256];

static inline int nm_is(unsigned char c, int classes) {
  return (nm_char_class[c] & classes) != 0;
}

static inline char nm_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* WSP (RFC 5322 3.2.2) */
static inline int nm_is_wsp(char c) {
  return c == ' ' || c == '\t';
}

/* What FWS is made of, also where lines have not been unfolded or end in LF alone. */
static inline int nm_is_fws(char c) {
  return nm_is_wsp(c) || c == '\r' || c == '\n';
}

/* Behind the bytes of these classes that stand at. */
static inline size_t nm_skip(struct nm_str s, size_t at, int classes) {
  while (at < s.n && nm_is((unsigned char)s.p[at], classes)) {
    at++;
  }
  return at;
}

/* All n >= 1 bytes are in one of the classes. */
int nm_all(struct nm_str s, int classes);
/* dot-atom-text (RFC 5322 3.2.3) */
int nm_is_dot_atom(struct nm_str s);
/* The host part of a URL, an EHLO name, an address domain: labels of letters, digits and hyphens (RFC 1123
   2.1), no label over 63 octets, 253 in all, no empty label, no hyphen at a label's ends. */
int nm_is_domain(struct nm_str s);

NM_HIDDEN_END

#endif
