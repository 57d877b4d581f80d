#include "smtp/secret.h"

#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/random.h"

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

/* What is done with each form; other than 0: no more of them. */
typedef int use_form(void *arg, const char *p, size_t n);

/* The base64 of a text in which the password stands behind k octets (modulo 3): what it is there whatever stands before and behind. */
static int in_the_middle(struct nm_str password, size_t k, char *plain, char *encoded, use_form *use,
                         void *arg) {
  size_t skip = k == 0 ? 0 : k + 1; /* characters that the octets before have a part in */
  memset(plain, 0, k);
  memcpy(plain + k, password.p, password.n);
  size_t n = encode(encoded, plain, k + password.n);
  return k == 0 || n >= skip + QUOTATION ? use(arg, encoded + skip, n - skip) : 0;
}

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd   (RFC 4616 2) */
static int in_plain(struct nm_str user, struct nm_str password, char *plain, char *encoded, use_form *use,
                    void *arg) {
  plain[0] = plain[user.n + 1] = '\0';
  if (user.n > 0) {
    memcpy(plain + 1, user.p, user.n);
  }
  memcpy(plain + user.n + 2, password.p, password.n);
  return use(arg, encoded, encode(encoded, plain, user.n + password.n + 2));
}

static void let_go(char *p, size_t n) {
  if (p != NULL) {
    nm_wipe(p, n);
  }
  nm_free(p);
}

/* The password as servers have it: as it is, in base64 of itself or of what it stands within, and as PLAIN sends it. NM_ENOMEM, or what use says
   last. */
static int over_forms(struct nm_str user, struct nm_str password, use_form *use, void *arg) {
  if (password.n < SECRET_MIN) {
    return 0;
  }
  size_t plain_n = user.n + password.n + 2, encoded_n = NM_BASE64_SIZE(plain_n);
  char *plain = nm_zalloc(plain_n);
  char *encoded = nm_alloc(encoded_n);
  int rc = NM_ENOMEM;
  if (plain != NULL && encoded != NULL) {
    rc = use(arg, password.p, password.n);
    for (size_t k = 0; k < 3 && rc == 0; k++) {
      rc = in_the_middle(password, k, plain, encoded, use, arg);
    }
    rc = rc == 0 ? in_plain(user, password, plain, encoded, use, arg) : rc;
  }
  let_go(plain, plain_n);
  let_go(encoded, encoded_n);
  return rc;
}

static int text_has(void *text, const char *p, size_t n) {
  return contains(*(const struct nm_str *)text, p, n);
}

int nm_secret_shown(struct nm_str text, struct nm_str user, struct nm_str password) {
  return over_forms(user, password, text_has, &text) != 0;
}

int nm_secret_quoted(struct nm_str text, struct nm_str sent) {
  return contains(text, sent.p, sent.n < QUOTATION ? sent.n : QUOTATION);
}

/* ---- marks ---- */

/* The greatest prime below 2^32: products of two remainders fit 64 bits. */
#define PRIME UINT64_C(4294967291)

static uint64_t push(uint64_t sum, uint64_t base, char c) {
  return (sum * base + (unsigned char)c + 1) % PRIME;
}

/* Beyond the replies to AUTH a shorter form is mostly a word of the server's own: "user" is in every other refusal. */
#define MARK_MIN 8

static int add_mark(void *arg, const char *p, size_t n) {
  struct nm_secret_marks *m = arg;
  uint64_t sum = 0;
  if (n < MARK_MIN) {
    return 0;
  }
  for (size_t i = 0; i < n; i++) {
    sum = push(sum, m->base, p[i]);
  }
  m->marks[m->n++ % NM_SECRET_MARKS_MAX] = (struct nm_secret_mark){(uint32_t)n, (uint32_t)sum};
  return 0;
}

/* 2^16 to PRIME - 1, from the random source; without one the marks do their work all the same. */
static uint32_t draw_base(void) {
  uint32_t x = 0;
  (void)nm_random(&x, sizeof x);
  return (uint32_t)(65536 + x % (PRIME - 65536));
}

void nm_secret_marks_add(struct nm_secret_marks *m, struct nm_str user, struct nm_str password) {
  m->base = m->base != 0 ? m->base : draw_base();
  m->hides_all |= over_forms(user, password, add_mark, m) != 0;
}

/* A sum over a window that goes along the text (Karp and Rabin, 1987). */
static int has_mark(const struct nm_secret_mark *mark, uint64_t base, struct nm_str text) {
  uint64_t sum = 0, power = 1; /* of the octet that leaves the window */
  for (size_t i = 0; i < text.n; i++) {
    if (i >= mark->n) {
      uint64_t leaves = ((unsigned char)text.p[i - mark->n] + UINT64_C(1)) * power % PRIME;
      sum = (sum + PRIME - leaves) % PRIME;
    } else if (i > 0) {
      power = power * base % PRIME;
    }
    sum = push(sum, base, text.p[i]);
    if (i + 1 >= mark->n && sum == mark->sum) {
      return 1;
    }
  }
  return 0;
}

int nm_secret_marks_show(const struct nm_secret_marks *m, struct nm_str text) {
  size_t n = m->n < NM_SECRET_MARKS_MAX ? m->n : NM_SECRET_MARKS_MAX;
  int shown = m->hides_all;
  for (size_t i = 0; i < n && !shown; i++) {
    shown = text.n >= m->marks[i].n && has_mark(&m->marks[i], m->base, text);
  }
  return shown;
}
