#include "smtp/command.h"

#include <string.h>

#include "base/chars.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/lanes.h"
#include "base/literal.h"
#include "base/utf8.h"
#include "smtp/moment.h"
#include "smtp/xtext.h"

/* RFC 5321 4.5.3.1.3: 256 octets with "<" and ">". */
#define PATH_MAX_OCTETS 254

#if defined(NM_LANES)
/* Of those octets that is_plain wants, the usual ones: letters, "-" to "9", "@", "_", "+". */
static nm_lanes are_usual(const char *p) {
  nm_lanes c = nm_lanes_load(p), letter = (c | 0x20) - 'a', other = c - '-';
  return (nm_lanes)(letter < 26) | (nm_lanes)(other < '9' - '-' + 1) | (nm_lanes)(c == '@') |
         (nm_lanes)(c == '_') | (nm_lanes)(c == '+');
}

/* All of them are; the last lanes end with the address, and may look at some octets twice. */
static int is_usual(struct nm_str spec) {
  if (spec.n < NM_LANES) {
    return 0;
  }
  nm_lanes all = are_usual(spec.p + spec.n - NM_LANES);
  for (size_t i = 0; i + NM_LANES < spec.n; i += NM_LANES) {
    all &= are_usual(spec.p + i);
  }
  return !nm_lanes_any(~all);
}
#else
static int is_usual(struct nm_str spec) {
  (void)spec;
  return 0;
}
#endif

/* Atoms, dots and "@": most addresses are nothing else, and none of these can end or extend a command. */
static int is_plain(struct nm_str spec) {
  size_t i = is_usual(spec) ? spec.n : 0;
  while (i < spec.n &&
         (nm_is((unsigned char)spec.p[i], NM_CHAR_ATEXT) || spec.p[i] == '.' || spec.p[i] == '@')) {
    i++;
  }
  return i == spec.n;
}

int nm_command_addr_is_plain(const struct nm_addr *a) {
  return a != NULL && a->spec.n > 0 && a->spec.n <= PATH_MAX_OCTETS && is_plain(a->spec);
}

/* The last gate before the wire. RFC 5321 4.1.2: within Path = "<" Mailbox ">" only a quoted string of the local part may
   hold SP, "<" and ">"; no octet outside 32-126 may stand anywhere (4.1.2 qtextSMTP, quoted-pairSMTP), so nothing can end
   the path, add a parameter or end the line. SMTPUTF8 (RFC 6531 3.3) adds UTF8-non-ascii to atext, qtextSMTP and sub-domain. */
static int is_path(struct nm_str spec, int utf8) {
  int is_quoted = 0;
  for (size_t i = 0; i < spec.n; i++) {
    char c = spec.p[i];
    if (!nm_is((unsigned char)c, NM_CHAR_PRINT) && !(utf8 && (unsigned char)c > 127)) {
      return 0;
    }
    if (is_quoted && c == '\\') {
      i++;
      if (i == spec.n || !nm_is((unsigned char)spec.p[i], NM_CHAR_PRINT)) {
        return 0;
      }
    } else if (c == '"' && (i == 0 || is_quoted)) {
      is_quoted = i == 0;
    } else if (!is_quoted && (c == ' ' || c == '<' || c == '>' || c == '"' || c == '\\')) {
      return 0;
    }
  }
  return !is_quoted && nm_utf8_valid(spec) == spec.n;
}

int nm_command_addr_check(const struct nm_addr *a, int utf8) {
  if (a == NULL || a->spec.n == 0) {
    return NM_EINVAL;
  }
  if (a->spec.n > PATH_MAX_OCTETS) {
    return NM_ELIMIT;
  }
  return is_plain(a->spec) || is_path(a->spec, utf8) ? 0 : NM_EINVAL;
}

static void add_mail_options(struct nm_buf *b, const struct nm_mail_options *o) {
  static const char *const ret[] = {"", " RET=FULL", " RET=HDRS"};
  if (o->ret != NM_RET_DEFAULT) {
    nm_buf_add_c(b, ret[o->ret]);
  }
  if (o->envid.n > 0) { /* RFC 3461 4.4: envid-parameter = "ENVID=" xtext */
    nm_buf_add_c(b, " ENVID=");
    nm_xtext_add(b, o->envid);
  }
  if (o->require_tls) {
    nm_buf_add_c(b, " REQUIRETLS");
  }
  if (o->by != NM_BY_NONE) { /* RFC 2852 4: by-time ";" by-mode [by-trace] */
    nm_buf_addf(b, " BY=%ld;%c%s", (long)o->by_seconds, o->by == NM_BY_NOTIFY ? 'N' : 'R',
                o->by_trace ? "T" : "");
  }
  if (o->hold == NM_HOLD_FOR) { /* RFC 4865 4: future-release-interval = 1*9DIGIT */
    nm_buf_addf(b, " HOLDFOR=%lld", (long long)o->hold_value);
  } else if (o->hold == NM_HOLD_UNTIL) { /* future-release-date-time = date-time of RFC 3339, in UTC */
    nm_buf_add_c(b, " HOLDUNTIL=");
    nm_moment_add(b, o->hold_value);
  }
  if (o->has_priority) { /* RFC 6710 4: priority-value = ["-"] NZDIGIT / "0" */
    nm_buf_addf(b, " MT-PRIORITY=%d", o->priority);
  }
}

/* The verb, the path, and what comes behind it. */
static void add_path(struct nm_buf *b, struct nm_str verb, struct nm_str spec, struct nm_str tail) {
  size_t n = verb.n + spec.n + tail.n;
  char *p = nm_buf_room(b, n);
  if (p == NULL) {
    return;
  }
  memcpy(p, verb.p, verb.n);
  if (spec.n > 0) {
    memcpy(p + verb.n, spec.p, spec.n);
  }
  memcpy(p + verb.n + spec.n, tail.p, tail.n);
  p[n] = '\0';
  b->n += n;
}

/* RFC 5321 4.1.1.2: mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF; Reverse-path = Path / "<>" */
int nm_command_mail(struct nm_buf *b, const struct nm_envelope *env) {
  static const char *const body[] = {"", " BODY=8BITMIME", " BODY=BINARYMIME"};
  struct nm_str spec = env->from != NULL ? env->from->spec : nm_str("", 0);
  int rc = spec.n > 0 ? nm_command_addr_check(env->from, env->is_utf8) : 0;
  rc = rc != 0 ? rc : nm_mail_options_check(&env->mail, NULL);
  if (rc != 0) {
    return rc;
  }
  add_path(b, NM_STR("MAIL FROM:<"), spec, NM_STR(">"));
  if (env->size >= 0) {
    char size[6 + NM_DECIMAL_MAX] = " SIZE=";
    nm_buf_add(b, size, 6 + nm_decimal((uint64_t)env->size, size + 6));
  }
  if (env->body != NM_BODY_7BIT) {
    nm_buf_add_c(b, body[env->body]);
  }
  if (env->is_utf8) {
    nm_buf_add_c(b, " SMTPUTF8");
  }
  add_mail_options(b, &env->mail);
  nm_buf_add(b, "\r\n", 2);
  return b->err;
}

/* RFC 3461 4.1: notify-esmtp-value = "NEVER" / 1#notify-list-element */
static void add_notify(struct nm_buf *b, unsigned notify) {
  static const char *const names[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
  const char *before = " NOTIFY=";
  for (unsigned i = 0; i < 4; i++) {
    if ((notify & 1u << i) != 0) {
      nm_buf_add_c(b, before);
      nm_buf_add_c(b, names[i]);
      before = ",";
    }
  }
}

/* RFC 5321 4.1.1.3: rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF */
int nm_command_rcpt(struct nm_buf *b, const struct nm_envelope *env, size_t i) {
  const struct nm_rcpt_options *o = env->rcpt != NULL ? &env->rcpt[i] : NULL;
  int rc = nm_command_addr_check(env->to[i], env->is_utf8);
  rc = rc != 0 || o == NULL ? rc : nm_rcpt_options_check(o, NULL);
  if (rc != 0) {
    return rc;
  }
  add_path(b, NM_STR("RCPT TO:<"), env->to[i]->spec, o == NULL ? NM_STR(">\r\n") : NM_STR(">"));
  if (o != NULL) {
    add_notify(b, o->notify);
    if (o->orcpt.n > 0) {
      nm_buf_add_c(b, " ORCPT=");
      nm_orcpt_add(b, o->orcpt);
    }
    nm_buf_add(b, "\r\n", 2);
  }
  return b->err;
}

/* RFC 5321 4.1.1.1: ehlo = "EHLO" SP ( Domain / address-literal ) CRLF */
int nm_ehlo_name_check(struct nm_str name) {
  return nm_is_domain(name) || nm_is_address_literal(name) ? 0 : NM_EINVAL;
}
