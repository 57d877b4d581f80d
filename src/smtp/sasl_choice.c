#include "smtp/sasl_choice.h"

#include "base/buf.h"
#include "base/utf8.h"

#define NAMES_MAX 512

unsigned nm_sasl_offered(struct nm_str words) {
  unsigned set = 0;
  while (words.n > 0) {
    const char *space = memchr(words.p, ' ', words.n);
    size_t n = space != NULL ? (size_t)(space - words.p) : words.n;
    set |= n > 0 ? nm_sasl_by_name(nm_str(words.p, n)) : 0;
    words = space != NULL ? nm_str(space + 1, words.n - n - 1) : nm_str(words.p + n, 0);
  }
  return set;
}

static unsigned above(unsigned set, int minimum) {
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    if (nm_sasl_strength(bit) < minimum) {
      set &= ~bit;
    }
  }
  return set;
}

/* What may be said on a line in clear: nothing with the secret in it; and other mechanisms, which let an eavesdropper guess at the
   password and somebody between us take the connection over, only for who names them. */
static unsigned fit_for_line(const struct nm_sasl_choice *c, unsigned set) {
  if (!c->is_protected) {
    set &= c->is_named ? ~(unsigned)(NM_SASL_CLEAR | NM_SASL_EXTERNAL) : 0;
  }
  return set;
}

/* What the connection has to give for it. */
static unsigned possible(const struct nm_sasl_choice *c, unsigned set) {
  set &= c->can_bind ? ~0u : ~(unsigned)NM_SASL_PLUS;
  return set & (c->has_certificate ? ~0u : ~(unsigned)NM_SASL_EXTERNAL);
}

void nm_sasl_names(struct nm_buf *b, unsigned set, const char *separator) {
  const char *before = "";
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    if ((set & bit) != 0) {
      nm_buf_addf(b, "%s%s", before, nm_sasl_name(bit));
      before = separator;
    }
  }
}

static void add_names(struct nm_buf *b, unsigned set) {
  nm_sasl_names(b, set, ", ");
  nm_buf_add_c(b, set == 0 ? "nothing that netmail knows" : "");
}

/* The first condition that left none says what to do. The allowed names go between what the two texts say. */
static void find_reason(const struct nm_sasl_choice *c, const char **before, const char **after) {
  unsigned set = c->offered & c->allowed;
  if (set == 0) {
    *before = ", and ";
    *after = " is allowed; allow one of its mechanisms in ThisHostCredentials";
  } else if ((set & ~c->tried) == 0) {
    *before = "; of ";
    *after = " none did work";
  } else if (possible(c, set & ~c->tried) == 0) {
    *before = "; for ";
    *after = " this connection has neither a client certificate (ClientCertificate) nor a channel binding";
  } else if (fit_for_line(c, possible(c, set & ~c->tried)) == 0) {
    *before = ", and the line is not encrypted: ";
    *after = " would give the password to who listens; set EnableSsl = true";
  } else {
    *before = "; of what is allowed (";
    *after = ") none of them is as strong as MinimumAuth wants";
  }
}

static void explain(const struct nm_sasl_choice *c, struct nm_error *e) {
  struct nm_buf offered = {.max = NAMES_MAX}, allowed = {.max = NAMES_MAX};
  const char *before, *after;
  find_reason(c, &before, &after);
  add_names(&offered, c->offered);
  add_names(&allowed, c->allowed);
  if (offered.err != 0 || allowed.err != 0) {
    (void)nm_error_nomem(e);
  } else {
    (void)nm_error_set(e, NM_EINVAL, NM_KIND_AUTH, "the server offers %s for logging in%s%s%s", offered.p,
                       before, allowed.p, after);
  }
  nm_buf_free(&offered);
  nm_buf_free(&allowed);
}

unsigned nm_sasl_choose(const struct nm_sasl_choice *c, struct nm_error *e) {
  unsigned set = above(fit_for_line(c, possible(c, c->offered & c->allowed & ~c->tried)), c->minimum);
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    if ((set & bit) != 0) {
      return bit;
    }
  }
  explain(c, e);
  return 0;
}

/* RFC 2831 2.1.2.1 wants ISO 8859-1 digested where the text has a form in it, Cyrus does so, and Dovecot digests UTF-8 always. Such a
   login would fail as if the password were wrong: unless it is named, or all there is, another mechanism is taken. */
unsigned nm_sasl_trusted(const struct nm_sasl_choice *c, const struct nm_sasl_login *l) {
  unsigned others = c->allowed & ~(unsigned)NM_SASL_DIGEST_MD5;
  int is_doubtful = !c->is_named && (!nm_is_ascii(l->user) || !nm_is_ascii(l->password));
  return is_doubtful && (others & c->offered) != 0 ? others : c->allowed;
}

/* RFC 4954 4 and 6; 5xx of RFC 5321. */
enum nm_sasl_fault nm_sasl_fault_of(int code) {
  switch (code) {
    case 432: /* a password transition is needed: PLAIN would do it */
    case 500: /* the line is too long, or not understood */
    case 501: /* malformed */
    case 504: /* no such mechanism */
    case 534: /* too weak a mechanism */
    case 538: /* encryption wanted for this mechanism */
      return NM_SASL_FAULT_MECHANISM;
    case 535:
      return NM_SASL_FAULT_SECRET;
    default:
      return NM_SASL_FAULT_SERVER;
  }
}
