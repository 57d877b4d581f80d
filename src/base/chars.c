#include "base/chars.h"

/* The classes of each printable ASCII character; built by hand from the productions named in the header. */
#define A NM_CHAR_ATEXT
#define Q NM_CHAR_QTEXT
#define W NM_CHAR_WSP
#define T NM_CHAR_TOKEN
#define D NM_CHAR_DTEXT
#define F NM_CHAR_FTEXT
#define R NM_CHAR_ATTR
#define E NM_CHAR_EWORD
#define P NM_CHAR_PRINT
#define X NM_CHAR_HEX
#define L NM_CHAR_LDH
#define V (Q | D | F | P) /* a visible character that no production excludes */

#define DIGIT (V | A | T | R | E | X | L | NM_CHAR_DIGIT)
#define ALPHA (V | A | T | R | E | L | NM_CHAR_ALPHA)
#define HEXAL (ALPHA | X)

const unsigned short nm_char_class[256] = {
    ['\t'] = W,
    [' '] = W | P,
    ['!'] = V | A | T | R | E,
    ['"'] = D | F | P,
    ['#'] = V | A | T | R,
    ['$'] = V | A | T | R,
    ['%'] = V | A | T,
    ['&'] = V | A | T | R,
    ['\''] = V | A | T,
    ['('] = V,
    [')'] = V,
    ['*'] = V | A | T | E,
    ['+'] = V | A | T | R | E,
    [','] = V,
    ['-'] = V | A | T | R | E | L,
    ['.'] = V | T | R,
    ['/'] = V | A | E,
    ['0'] = DIGIT,
    ['1'] = DIGIT,
    ['2'] = DIGIT,
    ['3'] = DIGIT,
    ['4'] = DIGIT,
    ['5'] = DIGIT,
    ['6'] = DIGIT,
    ['7'] = DIGIT,
    ['8'] = DIGIT,
    ['9'] = DIGIT,
    [':'] = Q | D | P,
    [';'] = V,
    ['<'] = V,
    ['='] = V | A,
    ['>'] = V,
    ['?'] = V | A,
    ['@'] = V,
    ['A'] = HEXAL,
    ['B'] = HEXAL,
    ['C'] = HEXAL,
    ['D'] = HEXAL,
    ['E'] = HEXAL,
    ['F'] = HEXAL,
    ['G'] = ALPHA,
    ['H'] = ALPHA,
    ['I'] = ALPHA,
    ['J'] = ALPHA,
    ['K'] = ALPHA,
    ['L'] = ALPHA,
    ['M'] = ALPHA,
    ['N'] = ALPHA,
    ['O'] = ALPHA,
    ['P'] = ALPHA,
    ['Q'] = ALPHA,
    ['R'] = ALPHA,
    ['S'] = ALPHA,
    ['T'] = ALPHA,
    ['U'] = ALPHA,
    ['V'] = ALPHA,
    ['W'] = ALPHA,
    ['X'] = ALPHA,
    ['Y'] = ALPHA,
    ['Z'] = ALPHA,
    ['['] = Q | F | P,
    ['\\'] = F | P,
    [']'] = Q | F | P,
    ['^'] = V | A | T | R,
    ['_'] = V | A | T | R,
    ['`'] = V | A | T | R,
    ['a'] = HEXAL,
    ['b'] = HEXAL,
    ['c'] = HEXAL,
    ['d'] = HEXAL,
    ['e'] = HEXAL,
    ['f'] = HEXAL,
    ['g'] = ALPHA,
    ['h'] = ALPHA,
    ['i'] = ALPHA,
    ['j'] = ALPHA,
    ['k'] = ALPHA,
    ['l'] = ALPHA,
    ['m'] = ALPHA,
    ['n'] = ALPHA,
    ['o'] = ALPHA,
    ['p'] = ALPHA,
    ['q'] = ALPHA,
    ['r'] = ALPHA,
    ['s'] = ALPHA,
    ['t'] = ALPHA,
    ['u'] = ALPHA,
    ['v'] = ALPHA,
    ['w'] = ALPHA,
    ['x'] = ALPHA,
    ['y'] = ALPHA,
    ['z'] = ALPHA,
    ['{'] = V | A | T | R,
    ['|'] = V | A | T | R,
    ['}'] = V | A | T | R,
    ['~'] = V | A | T | R,
};

int nm_all(struct nm_str s, int classes) {
  for (size_t i = 0; i < s.n; i++) {
    if (!nm_is((unsigned char)s.p[i], classes)) {
      return 0;
    }
  }
  return s.n > 0;
}

/* dot-atom-text = 1*atext *("." 1*atext)   (RFC 5322 3.2.3) */
int nm_is_dot_atom(struct nm_str s) {
  int was_atext = 0;
  for (size_t i = 0; i < s.n; i++) {
    int is_atext = nm_is((unsigned char)s.p[i], NM_CHAR_ATEXT);
    if (!is_atext && (s.p[i] != '.' || !was_atext)) {
      return 0;
    }
    was_atext = is_atext;
  }
  return was_atext;
}

/* sub-domain = Let-dig [Ldh-str]   (RFC 5321 4.1.2) */
static int is_label(struct nm_str s) {
  return s.n <= 63 && nm_all(s, NM_CHAR_LDH) && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

/* Domain = sub-domain *("." sub-domain)   (RFC 5321 4.1.2) */
int nm_is_domain(struct nm_str s) {
  if (s.n > 253) {
    return 0;
  }
  size_t from = 0;
  for (size_t i = 0; i <= s.n; i++) {
    if (i == s.n || s.p[i] == '.') {
      if (!is_label(nm_str(s.p + from, i - from))) {
        return 0;
      }
      from = i + 1;
    }
  }
  return 1;
}
