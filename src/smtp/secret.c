#include "smtp/secret.h"

#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"

/* A password of one or two letters is in any text, and hidden by none. */
#define SECRET_MIN 3
/* So much of a line's beginning is no accident: nine octets in base64. */
#define QUOTATION 12

static int contains(struct nm_str text, const char *p, size_t n) {
  for (size_t i = 0; n > 0 && n <= text.n && i <= text.n - n; i++) {
    if (text.p[i] == p[0] && memcmp(text.p + i, p, n) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Returns how much of it says enough: its last group changes when more is encoded with it, or the padding is left away. */
static size_t encode(char *out, const char *p, size_t n) {
  size_t all = nm_base64_encode(out, p, n), whole = n / 3 * 4;
  return whole >= QUOTATION ? whole : all;
}

int nm_secret_shown(struct nm_str text, struct nm_str user, struct nm_str password) {
  if (password.n < SECRET_MIN) {
    return 0;
  }
  size_t plain_n = user.n + password.n + 2;
  char *plain = nm_zalloc(plain_n);
  char *encoded = nm_alloc(NM_BASE64_SIZE(plain_n));
  int shown = plain == NULL || encoded == NULL || contains(text, password.p, password.n);
  if (!shown) {
    shown = contains(text, encoded, encode(encoded, password.p, password.n));
    if (user.n > 0) {
      memcpy(plain + 1, user.p, user.n);
    }
    memcpy(plain + user.n + 2, password.p, password.n);
    shown = shown || contains(text, encoded, encode(encoded, plain, plain_n));
  }
  if (plain != NULL) {
    nm_wipe(plain, plain_n);
  }
  if (encoded != NULL) {
    nm_wipe(encoded, NM_BASE64_SIZE(plain_n));
  }
  nm_free(plain);
  nm_free(encoded);
  return shown;
}

int nm_secret_quoted(struct nm_str text, struct nm_str sent) {
  return contains(text, sent.p, sent.n < QUOTATION ? sent.n : QUOTATION);
}
