#ifndef NM_SPEC_VECTORS_H
#define NM_SPEC_VECTORS_H

/* Test vectors of others, read in place from the folder that NETMAIL_VECTORS names. All that is needed of JSON here is
   to find strings of hex digits after a key. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file as a C string, or NULL. */
static inline char *vectors_load(const char *name) {
  char path[1024];
  const char *folder = getenv("NETMAIL_VECTORS");
  if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
    return NULL;
  }
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    return NULL;
  }
  size_t cap = 1 << 20;
  char *text = malloc(cap + 1);
  size_t n = fread(text, 1, cap, f);
  text[n] = '\0';
  fclose(f);
  return text;
}

static inline int vectors_nibble(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hex string whose first digit is at p: its bytes and a NUL, to be freed. */
static inline char *vectors_bytes(const char *p, size_t *n_out) {
  size_t n = 0;
  char *bytes = malloc(strlen(p) / 2 + 1);
  while (vectors_nibble(p[0]) >= 0 && vectors_nibble(p[1]) >= 0) {
    bytes[n++] = (char)(vectors_nibble(p[0]) * 16 + vectors_nibble(p[1]));
    p += 2;
  }
  bytes[n] = '\0';
  *n_out = n;
  return bytes;
}

#endif
