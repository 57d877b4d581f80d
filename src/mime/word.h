#ifndef NM_MIME_WORD_H
#define NM_MIME_WORD_H

#include <stdint.h>
#include <string.h>

/* Eight octets looked at as one number. A mask has bit 7 of each octet that is meant; no carry passes from one octet
   to the next, so every mask is exact. */
#define NM_WORD_ALL(c) (0x0101010101010101u * (uint64_t)(c))
#define NM_WORD_HIGH NM_WORD_ALL(0x80)

static inline uint64_t nm_word_load(const char *p) {
  uint64_t w;
  memcpy(&w, p, sizeof w);
  return w;
}

/* Octets below 32: CR, LF, NUL, … */
static inline uint64_t nm_word_controls(uint64_t w) {
  return ~((w & NM_WORD_ALL(0x7f)) + NM_WORD_ALL(0x60)) & ~w & NM_WORD_HIGH;
}

/* Octets equal to c, which is below 128. */
static inline uint64_t nm_word_equal(uint64_t w, unsigned char c) {
  uint64_t x = w ^ NM_WORD_ALL(c);
  return ~(((x & NM_WORD_ALL(0x7f)) + NM_WORD_ALL(0x7f)) | x) & NM_WORD_HIGH;
}

/* How many octets a mask means. */
static inline size_t nm_word_count(uint64_t mask) {
  return (size_t)((mask >> 7) * NM_WORD_ALL(1) >> 56);
}

#endif
