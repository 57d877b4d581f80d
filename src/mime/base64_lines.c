#include "mime/base64_lines.h"

#include <string.h>

#include "mime/encoder.h"

/* Two columns for each value of 12 bits, written out by the preprocessor: pairs[v] is alphabet[v >> 6],
   alphabet[v & 63]. 8 KB stay in the first level cache while a message is encoded. */
#define COL(a, b) {a, b},
#define ROW(a)                                                                                               \
  COL(a, 'A')                                                                                                \
  COL(a, 'B') COL(a, 'C') COL(a, 'D') COL(a, 'E') COL(a, 'F') COL(a, 'G') COL(a, 'H') COL(a, 'I')            \
      COL(a, 'J') COL(a, 'K') COL(a, 'L') COL(a, 'M') COL(a, 'N') COL(a, 'O') COL(a, 'P') COL(a, 'Q')        \
          COL(a, 'R') COL(a, 'S') COL(a, 'T') COL(a, 'U') COL(a, 'V') COL(a, 'W') COL(a, 'X') COL(a, 'Y')    \
              COL(a, 'Z') COL(a, 'a') COL(a, 'b') COL(a, 'c') COL(a, 'd') COL(a, 'e') COL(a, 'f')            \
                  COL(a, 'g') COL(a, 'h') COL(a, 'i') COL(a, 'j') COL(a, 'k') COL(a, 'l') COL(a, 'm')        \
                      COL(a, 'n') COL(a, 'o') COL(a, 'p') COL(a, 'q') COL(a, 'r') COL(a, 's') COL(a, 't')    \
                          COL(a, 'u') COL(a, 'v') COL(a, 'w') COL(a, 'x') COL(a, 'y') COL(a, 'z')            \
                              COL(a, '0') COL(a, '1') COL(a, '2') COL(a, '3') COL(a, '4') COL(a, '5')        \
                                  COL(a, '6') COL(a, '7') COL(a, '8') COL(a, '9') COL(a, '+') COL(a, '/')

static const char pairs[4096][2] = {
    ROW('A') ROW('B') ROW('C') ROW('D') ROW('E') ROW('F') ROW('G') ROW('H') ROW('I') ROW('J') ROW('K')
        ROW('L') ROW('M') ROW('N') ROW('O') ROW('P') ROW('Q') ROW('R') ROW('S') ROW('T') ROW('U') ROW('V')
            ROW('W') ROW('X') ROW('Y') ROW('Z') ROW('a') ROW('b') ROW('c') ROW('d') ROW('e') ROW('f') ROW('g')
                ROW('h') ROW('i') ROW('j') ROW('k') ROW('l') ROW('m') ROW('n') ROW('o') ROW('p') ROW('q')
                    ROW('r') ROW('s') ROW('t') ROW('u') ROW('v') ROW('w') ROW('x') ROW('y') ROW('z') ROW('0')
                        ROW('1') ROW('2') ROW('3') ROW('4') ROW('5') ROW('6') ROW('7') ROW('8') ROW('9')
                            ROW('+') ROW('/')};

static void put_pair(char *out, unsigned v) {
  memcpy(out, pairs[v & 4095], 2);
}

/* 6 octets, 8 columns. */
static void put_six(char *out, const unsigned char *p) {
  unsigned high = (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
  unsigned low = (unsigned)p[3] << 16 | (unsigned)p[4] << 8 | p[5];
  put_pair(out, high >> 12);
  put_pair(out + 2, high);
  put_pair(out + 4, low >> 12);
  put_pair(out + 6, low);
}

void nm_base64_lines(char *out, const unsigned char *p, size_t lines) {
  for (; lines > 0; lines--) {
    for (int i = 0; i < 9; i++) { /* 57 = 9 * 6 + 3 */
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
