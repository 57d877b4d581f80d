#include "testing/setup.h"

#include <arpa/inet.h>

#include "base/chars.h"
#include "testing/exchange.h"
#include "testing/number.h"

/* What a modern server offers. LIMITS and the like are for those who ask for them. */
static const char *const usual_extensions[] = {
    "PIPELINING", "SIZE 26214400", "8BITMIME",   "SMTPUTF8",
    "DSN",        "CHUNKING",      "BINARYMIME", "ENHANCEDSTATUSCODES"};
#define USUAL (sizeof usual_extensions / sizeof usual_extensions[0])

/* All texts of a list. */
#define LIST_MAX ((size_t)1 << 20)
#define MESSAGES_MAX 10000
#define BYTES_MAX ((size_t)64 << 20)

void nm_setup_init(struct nm_setup *s) {
  *s = (struct nm_setup){
      .address.max = 64,
      .hostname.max = 255,
      .users.b = {.max = LIST_MAX},
      .tokens.b.max = LIST_MAX,
      .mechanisms.b.max = LIST_MAX,
      .extensions.b.max = LIST_MAX,
      .iterations = 4096,
      .max_messages = MESSAGES_MAX,
      .max_bytes = BYTES_MAX,
  };
}

void nm_setup_free(struct nm_setup *s) {
  nm_buf_free(&s->address);
  nm_buf_free(&s->hostname);
  nm_texts_free(&s->users);
  nm_texts_free(&s->tokens);
  nm_texts_free(&s->mechanisms);
  nm_texts_free(&s->extensions);
}

static int is_loopback(const char *address) {
  struct in_addr v4;
  struct in6_addr v6;
  return (inet_pton(AF_INET, address, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127) ||
         (inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

/* Of an EHLO line, and of the list of mechanisms: one that is not would be a way to break the reply by accident; to break it on
   purpose there are faults. */
static int check_texts(const struct nm_texts *t, const char *what, struct nm_error *e) {
  struct nm_str s;
  for (size_t at = 0; nm_texts_next(t, &at, &s);) {
    if (s.n == 0 || s.n > 500 || !nm_all(s, NM_CHAR_PRINT)) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "bad value for '%s' (each is 1 to 500 printable ASCII characters)", what);
    }
  }
  return 0;
}

static int check_mechanisms(const struct nm_setup *s, struct nm_error *e) {
  struct nm_str name;
  for (size_t at = 0; nm_texts_next(&s->mechanisms, &at, &name);) {
    if (!nm_exchange_knows(name)) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "bad value for 'Mechanisms' (the test server does not speak %.*s)",
                          (int)(name.n < 40 ? name.n : 40), name.p);
    }
  }
  return 0;
}

static void fill(struct nm_setup *s) {
  if (s->address.n == 0) {
    nm_buf_add_c(&s->address, "127.0.0.1");
  }
  if (s->hostname.n == 0) {
    nm_buf_add_c(&s->hostname, "mail.example.test");
  }
  for (size_t i = 0; i < USUAL && !s->has_extensions; i++) {
    nm_texts_add(&s->extensions, nm_str_c(usual_extensions[i]));
  }
  s->has_extensions = 1;
  if (!s->has_mechanisms) {
    nm_exchange_add_usual(&s->mechanisms, s->users.n > 0, s->tokens.n > 0, s->tls != NM_SETUP_PLAIN);
    s->has_mechanisms = 1;
  }
}

static int check(const struct nm_setup *s, struct nm_error *e) {
  if (!is_loopback(s->address.p)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "bad value for 'Host' (a loopback address expected, as 127.0.0.1 or ::1; got '%s')",
                        s->address.p);
  }
  if (!nm_is_domain(nm_buf_str(&s->hostname))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "bad value for 'Hostname' (a domain name expected)");
  }
  if (s->require_tls && s->tls == NM_SETUP_PLAIN) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "RequireTls needs Tls = \"starttls\" or \"implicit\"");
  }
  if (s->require_auth && s->mechanisms.n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "RequireAuth needs Users, Tokens or Mechanisms");
  }
  int err = check_texts(&s->extensions, "Extensions", e);
  return err != 0 ? err : check_mechanisms(s, e);
}

int nm_setup_finish(struct nm_setup *s, struct nm_error *e) {
  fill(s);
  if (s->address.err != 0 || s->hostname.err != 0 || s->users.b.err != 0 || s->tokens.b.err != 0 ||
      s->mechanisms.b.err != 0 || s->extensions.b.err != 0) {
    return nm_error_nomem(e);
  }
  return check(s, e);
}

int nm_setup_offers(const struct nm_setup *s, const char *keyword, struct nm_str *argument_out) {
  struct nm_str line;
  for (size_t at = 0; nm_texts_next(&s->extensions, &at, &line);) {
    struct nm_str word = nm_word(&line);
    if (nm_str_ieq(word, nm_str_c(keyword))) {
      *argument_out = line;
      return 1;
    }
  }
  return 0;
}

uint64_t nm_setup_number(const struct nm_setup *s, const char *keyword, uint64_t fallback) {
  struct nm_str argument;
  uint64_t n;
  return nm_setup_offers(s, keyword, &argument) && nm_number(argument, &n) && n > 0 ? n : fallback;
}

uint64_t nm_setup_limit(const struct nm_setup *s, const char *name, uint64_t fallback) {
  struct nm_str rest;
  size_t length = strlen(name);
  uint64_t n;
  if (!nm_setup_offers(s, "LIMITS", &rest)) {
    return fallback;
  }
  while (rest.n > 0) {
    struct nm_str word = nm_word(&rest);
    if (word.n > length + 1 && word.p[length] == '=' && nm_str_ieq(nm_str(word.p, length), nm_str_c(name)) &&
        nm_number(nm_str(word.p + length + 1, word.n - length - 1), &n)) {
      return n;
    }
  }
  return fallback;
}
