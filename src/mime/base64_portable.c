#include "mime/base64_kernel.h"

#include <stdint.h>
#include <string.h>

#include "mime/base64_lines.h"
#include "mime/encoder.h"

/* Two columns for each value of 12 bits, written out by the preprocessor: pairs[v] is alphabet[v >> 6],
   alphabet[v & 63]. 8 KB stay in the first level cache while a message is encoded. */
/* clang-format off */
#define ROW(a) \
  {a, 'A'}, {a, 'B'}, {a, 'C'}, {a, 'D'}, {a, 'E'}, {a, 'F'}, {a, 'G'}, {a, 'H'}, \
  {a, 'I'}, {a, 'J'}, {a, 'K'}, {a, 'L'}, {a, 'M'}, {a, 'N'}, {a, 'O'}, {a, 'P'}, \
  {a, 'Q'}, {a, 'R'}, {a, 'S'}, {a, 'T'}, {a, 'U'}, {a, 'V'}, {a, 'W'}, {a, 'X'}, \
  {a, 'Y'}, {a, 'Z'}, {a, 'a'}, {a, 'b'}, {a, 'c'}, {a, 'd'}, {a, 'e'}, {a, 'f'}, \
  {a, 'g'}, {a, 'h'}, {a, 'i'}, {a, 'j'}, {a, 'k'}, {a, 'l'}, {a, 'm'}, {a, 'n'}, \
  {a, 'o'}, {a, 'p'}, {a, 'q'}, {a, 'r'}, {a, 's'}, {a, 't'}, {a, 'u'}, {a, 'v'}, \
  {a, 'w'}, {a, 'x'}, {a, 'y'}, {a, 'z'}, {a, '0'}, {a, '1'}, {a, '2'}, {a, '3'}, \
  {a, '4'}, {a, '5'}, {a, '6'}, {a, '7'}, {a, '8'}, {a, '9'}, {a, '+'}, {a, '/'}
/* clang-format on */

static const char pairs[4096][2] = {
    ROW('A'), ROW('B'), ROW('C'), ROW('D'), ROW('E'), ROW('F'), ROW('G'), ROW('H'), ROW('I'), ROW('J'),
    ROW('K'), ROW('L'), ROW('M'), ROW('N'), ROW('O'), ROW('P'), ROW('Q'), ROW('R'), ROW('S'), ROW('T'),
    ROW('U'), ROW('V'), ROW('W'), ROW('X'), ROW('Y'), ROW('Z'), ROW('a'), ROW('b'), ROW('c'), ROW('d'),
    ROW('e'), ROW('f'), ROW('g'), ROW('h'), ROW('i'), ROW('j'), ROW('k'), ROW('l'), ROW('m'), ROW('n'),
    ROW('o'), ROW('p'), ROW('q'), ROW('r'), ROW('s'), ROW('t'), ROW('u'), ROW('v'), ROW('w'), ROW('x'),
    ROW('y'), ROW('z'), ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'), ROW('5'), ROW('6'), ROW('7'),
    ROW('8'), ROW('9'), ROW('+'), ROW('/')};

static void put_pair(char *out, uint64_t v) {
  memcpy(out, pairs[v & 4095], 2);
}

static uint64_t load(const unsigned char *p) { /* compilers make one load of it */
  return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
         (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
}

/* 6 octets, 8 columns; looks at 8 octets. */
static void put_six(char *out, const unsigned char *p) {
  uint64_t v = load(p);
  put_pair(out, v >> 52);
  put_pair(out + 2, v >> 40);
  put_pair(out + 4, v >> 28);
  put_pair(out + 6, v >> 16);
}

void nm_base64_lines_portable(char *out, const unsigned char *p, size_t lines) {
  for (; lines > 0; lines--) {
    for (int i = 0; i < 9; i++) { /* 57 = 9 * 6 + 3: the last look ends at octet 56 */
      put_six(out + 8 * i, p + 6 * i);
    }
    unsigned last = (unsigned)p[54] << 16 | (unsigned)p[55] << 8 | p[56];
    put_pair(out + 72, last >> 12);
    put_pair(out + 74, last);
    memcpy(out + 76, "\r\n", 2);
    out += NM_BASE64_LINE;
    p += NM_LINE_OCTETS;
  }
}
