#ifndef NM_SPEC_ODD_SECRET_H
#define NM_SPEC_ODD_SECRET_H

/* A password for a fuzz target: another one for each input, so that no input can know it and whoever tells it has been told it. */

#include <stdint.h>
#include <string.h>

#include "base/base64.h"

#define ODD_SECRET_LEN 18

struct odd_secret {
  char word[ODD_SECRET_LEN + 1];
  char coded[40]; /* in base64, which it ends in without a rest */
};

static inline struct odd_secret odd_secret_of(const uint8_t *p, size_t n) {
  struct odd_secret s = {0};
  uint64_t h = 1469598103934665603u;
  for (size_t i = 0; i < n; i++) {
    h = (h ^ p[i]) * 1099511628211u;
  }
  for (size_t i = 0; i < ODD_SECRET_LEN; i++, h = h * 6364136223846793005u + 1442695040888963407u) {
    s.word[i] = (char)('a' + (h >> 40) % 26);
  }
  s.coded[nm_base64_encode(s.coded, s.word, ODD_SECRET_LEN)] = '\0';
  return s;
}

static inline int odd_secret_is_shown(const struct odd_secret *s, const char *text) {
  return text != NULL && (strstr(text, s->word) != NULL || strstr(text, s->coded) != NULL);
}

/* Whether a line of AUTH's, of at most 1023 octets, has it in the base64 of its last word. */
static inline int odd_secret_is_said(const struct odd_secret *s, const char *line) {
  const char *space = strrchr(line, ' ');
  const char *word = space != NULL ? space + 1 : line;
  char plain[1024 + NM_BASE64_ROOM(0)];
  struct nm_base64_reader reader = {0};
  size_t n = nm_base64_step(&reader, word, strcspn(word, "\r\n"), plain);
  return memmem(plain, n, s->word, ODD_SECRET_LEN) != NULL;
}

#endif
