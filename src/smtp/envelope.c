#include "smtp/envelope.h"

#include "base/chars.h"
#include "base/utf8.h"
#include "smtp/command.h"
#include "smtp/moment.h"
#include "smtp/xtext.h"

static int wrong(struct nm_error *e, const char *what) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s", what);
}

/* RFC 3461 4.4: what ENVID holds before it is xtext is printable ASCII, since a report shows it in its header. */
static int check_envid(struct nm_str envid, struct nm_error *e) {
  if (envid.n == 0) {
    return 0;
  }
  if (!nm_all(envid, NM_CHAR_PRINT)) {
    return wrong(e, "ENVID has a character that is no printable ASCII");
  }
  struct nm_buf room = {.max = NM_ENVID_MAX};
  nm_xtext_add(&room, envid);
  int err = room.err;
  nm_buf_free(&room);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "ENVID has more than %d characters as it is sent",
                        NM_ENVID_MAX);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

/* RFC 2852 4: with by-mode "R" the time is greater than zero; with "N" it may be over. */
static int check_by(const struct nm_mail_options *o, struct nm_error *e) {
  if (o->by > NM_BY_RETURN) {
    return wrong(e, "DELIVERBY has a mode other than notify and return");
  }
  if (o->by == NM_BY_RETURN && o->by_seconds <= 0) {
    return wrong(e, "DELIVERBY with the mode to return needs a time of a second or more");
  }
  if (o->by != NM_BY_NONE && (o->by_seconds > NM_BY_SECONDS_MAX || o->by_seconds < -NM_BY_SECONDS_MAX)) {
    return wrong(e, "the time of DELIVERBY has more than nine digits");
  }
  return 0;
}

static int check_hold(const struct nm_mail_options *o, struct nm_error *e) {
  if (o->hold > NM_HOLD_UNTIL) {
    return wrong(e, "a message is held for a time or until a moment, and no third way");
  }
  if (o->hold == NM_HOLD_FOR && (o->hold_value < 1 || o->hold_value > NM_HOLD_SECONDS_MAX)) {
    return wrong(e, "HOLDFOR takes 1 to 999999999 seconds");
  }
  if (o->hold == NM_HOLD_UNTIL && (o->hold_value < 1 || o->hold_value > NM_MOMENT_MAX)) {
    return wrong(e, "HOLDUNTIL takes a moment from 1970 to the year 9999");
  }
  return 0;
}

int nm_mail_options_check(const struct nm_mail_options *o, struct nm_error *e) {
  if (o->ret > NM_RET_HDRS) {
    return wrong(e, "RET is neither FULL nor HDRS");
  }
  if (o->has_priority && (o->priority > NM_PRIORITY_MAX || o->priority < -NM_PRIORITY_MAX)) {
    return wrong(e, "MT-PRIORITY takes -9 to 9");
  }
  int rc = check_envid(o->envid, e);
  rc = rc != 0 ? rc : check_by(o, e);
  return rc != 0 ? rc : check_hold(o, e);
}

int nm_rcpt_options_check(const struct nm_rcpt_options *o, struct nm_error *e) {
  if (o->notify > (NM_NOTIFY_DELAY << 1) - 1) {
    return wrong(e, "NOTIFY takes NEVER, or any of SUCCESS, FAILURE and DELAY");
  }
  if ((o->notify & NM_NOTIFY_NEVER) != 0 && o->notify != NM_NOTIFY_NEVER) {
    return wrong(e, "NOTIFY takes NEVER alone, or any of SUCCESS, FAILURE and DELAY");
  }
  return nm_orcpt_check(o->orcpt, e);
}

/* ---- against what the server offers ---- */

struct settling {
  struct nm_envelope *env;
  const struct nm_caps *caps;
  struct nm_error *e;
  /* There is nothing about these addresses that a server may not take: */
  int is_plain;   /* the sender's; or there is none */
  size_t n_plain; /* recipients', from the first */
};

/* 1: offered; 0: left out; else the server lacks it. what: who asks for it. */
static int settle(const struct settling *s, unsigned cap, const char *keyword, const char *what) {
  if ((s->caps->flags & cap) != 0) {
    return 1;
  }
  if ((s->env->mail.if_offered & cap) != 0) {
    s->env->left_out |= cap;
    return 0;
  }
  return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                      "%s needs the extension %s, which the server does not offer", what, keyword);
}

static int check_rcpt(const struct settling *s, size_t i, const char **asks) {
  const struct nm_rcpt_options *o = &s->env->rcpt[i];
  struct nm_error why;
  int rc = nm_rcpt_options_check(o, &why);
  if (rc != 0) {
    return nm_error_set(s->e, rc, NM_KIND_MESSAGE, "%s (recipient %zu)", why.text, i + 1);
  }
  if (o->notify != 0 || o->orcpt.n > 0) {
    *asks = o->notify != 0 ? "NOTIFY" : "ORCPT";
  }
  return 0;
}

/* RFC 6533 3: an original recipient beyond ASCII is for servers that know such addresses. */
static int has_utf8_orcpt(const struct nm_envelope *env) {
  for (size_t i = 0; env->rcpt != NULL && i < env->n_to; i++) {
    if (!nm_is_ascii(env->rcpt[i].orcpt)) {
      return 1;
    }
  }
  return 0;
}

static int settle_dsn(const struct settling *s) {
  struct nm_mail_options *o = &s->env->mail;
  const char *asks = o->ret != NM_RET_DEFAULT ? "RET" : o->envid.n > 0 ? "ENVID" : NULL;
  int rc = 0;
  for (size_t i = 0; s->env->rcpt != NULL && i < s->env->n_to && rc == 0; i++) {
    rc = check_rcpt(s, i, &asks);
  }
  if (rc != 0 || asks == NULL) {
    return rc;
  }
  rc = settle(s, NM_CAP_DSN, "DSN", asks);
  if (rc == 0) {
    o->ret = NM_RET_DEFAULT;
    o->envid.n = 0;
    s->env->rcpt = NULL;
  } else if (rc > 0 && has_utf8_orcpt(s->env) && (s->caps->flags & NM_CAP_SMTPUTF8) == 0) {
    return wrong(s->e, "ORCPT beyond ASCII needs the extension SMTPUTF8, which the server does not offer");
  }
  return rc < 0 ? rc : 0;
}

/* RFC 8689 2: the parameter is for a session that TLS protects, and a server that offers it without has nothing to offer. */
static int settle_require_tls(const struct settling *s) {
  struct nm_mail_options *o = &s->env->mail;
  if (!o->require_tls) {
    return 0;
  }
  if (!s->env->is_tls && (o->if_offered & NM_CAP_REQUIRETLS) == 0) {
    return wrong(s->e, "REQUIRETLS needs a connection with TLS and a verified server; set EnableSsl");
  }
  int rc = settle(s, NM_CAP_REQUIRETLS, "REQUIRETLS", "REQUIRETLS");
  o->require_tls = rc > 0 && s->env->is_tls;
  s->env->left_out |= rc < 0 || o->require_tls ? 0 : NM_CAP_REQUIRETLS;
  return rc < 0 ? rc : 0;
}

/* RFC 2852 3: a message to be returned sooner than the server can promise would be refused. */
static int settle_by(const struct settling *s) {
  struct nm_mail_options *o = &s->env->mail;
  int rc = o->by != NM_BY_NONE ? settle(s, NM_CAP_DELIVERBY, "DELIVERBY", "BY") : 0;
  if (rc == 0) {
    o->by = NM_BY_NONE;
  } else if (rc > 0 && o->by == NM_BY_RETURN && o->by_seconds < (int64_t)s->caps->by_min) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "DELIVERBY asks for %ld seconds, and the server needs at least %lu",
                        (long)o->by_seconds, (unsigned long)s->caps->by_min);
  }
  return rc < 0 ? rc : 0;
}

static int settle_hold(const struct settling *s) {
  struct nm_mail_options *o = &s->env->mail;
  const struct nm_caps *caps = s->caps;
  const char *what = o->hold == NM_HOLD_FOR ? "HOLDFOR" : "HOLDUNTIL";
  int rc = o->hold != NM_HOLD_NONE ? settle(s, NM_CAP_FUTURERELEASE, "FUTURERELEASE", what) : 0;
  if (rc == 0) {
    o->hold = NM_HOLD_NONE;
  } else if (rc > 0 && o->hold == NM_HOLD_FOR && caps->hold_max > 0 && o->hold_value > caps->hold_max) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "HOLDFOR asks for %lld seconds, and the server holds a message for at most %lu",
                        (long long)o->hold_value, (unsigned long)caps->hold_max);
  } else if (rc > 0 && o->hold == NM_HOLD_UNTIL && caps->hold_until > 0 && o->hold_value > caps->hold_until) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "HOLDUNTIL is later than the last moment until which the server holds a message");
  }
  return rc < 0 ? rc : 0;
}

static int settle_priority(const struct settling *s) {
  struct nm_mail_options *o = &s->env->mail;
  int rc = o->has_priority ? settle(s, NM_CAP_MT_PRIORITY, "MT-PRIORITY", "MT-PRIORITY") : 0;
  o->has_priority = rc > 0;
  return rc < 0 ? rc : 0;
}

/* RFC 6531 3.4: the parameter is for a message or an envelope beyond ASCII, and for no other. */
static int settle_utf8(const struct settling *s) {
  struct nm_envelope *env = s->env;
  const struct nm_addr *who = !s->is_plain && !nm_is_ascii(env->from->spec) ? env->from : NULL;
  for (size_t i = s->n_plain; i < env->n_to && who == NULL; i++) {
    who = env->to[i] != NULL && !nm_is_ascii(env->to[i]->spec) ? env->to[i] : NULL;
  }
  int is_needed = who != NULL || env->is_utf8;
  env->is_utf8 = is_needed;
  if (!is_needed || (s->caps->flags & NM_CAP_SMTPUTF8) != 0) {
    return 0;
  }
  if (who == NULL) {
    return wrong(s->e, "the message's header has text in UTF-8 that cannot be encoded, and the server does "
                       "not offer SMTPUTF8");
  }
  return nm_error_set(
      s->e, NM_EINVAL, NM_KIND_MESSAGE,
      "the address <%.*s> is not ASCII before its \"@\", and the server does not offer SMTPUTF8; use an "
      "ASCII address of that mailbox",
      (int)who->spec.n, who->spec.p);
}

static int check_addresses(const struct settling *s) {
  const struct nm_envelope *env = s->env;
  if (!s->is_plain && nm_command_addr_check(env->from, env->is_utf8) != 0) {
    return wrong(s->e, "the sender's address cannot stand in a command");
  }
  if (env->n_to == 0) {
    return wrong(s->e, "the message has no recipient");
  }
  for (size_t i = s->n_plain; i < env->n_to; i++) {
    if (nm_command_addr_check(env->to[i], env->is_utf8) != 0) {
      return nm_error_set(s->e, NM_EINVAL, NM_KIND_MESSAGE,
                          "the address of recipient %zu cannot stand in a command", i + 1);
    }
  }
  return 0;
}

/* RFC 3030 3: BINARYMIME goes by BDAT and not otherwise. */
static int settle_body(const struct settling *s) {
  const struct nm_envelope *env = s->env;
  unsigned offered = s->caps->flags;
  if (env->body == NM_BODY_8BITMIME && (offered & NM_CAP_8BITMIME) == 0) {
    return wrong(s->e,
                 "the message has 8-bit octets, and the server does not offer 8BITMIME; quoted-printable and "
                 "base64 pass any server");
  }
  if (env->body == NM_BODY_BINARYMIME &&
      ((offered & NM_CAP_BINARYMIME) == 0 || (offered & NM_CAP_CHUNKING) == 0 ||
       env->chunking == NM_CHUNKING_OFF)) {
    return wrong(s->e,
                 "the message is binary, and BINARYMIME and CHUNKING are not both offered by the server and "
                 "allowed; base64 passes any server");
  }
  return 0;
}

/* RFC 1870 6.1: a message that is larger than the server takes need not be tried. */
static int settle_size(const struct settling *s) {
  struct nm_envelope *env = s->env;
  if ((s->caps->flags & NM_CAP_SIZE) == 0) {
    env->size = -1;
  } else if (s->caps->size > 0 && env->size > s->caps->size) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_DATA,
                        "the message has %lld bytes, the server takes at most %lld", (long long)env->size,
                        (long long)s->caps->size);
  }
  return 0;
}

int nm_envelope_settle(struct nm_envelope *env, const struct nm_caps *caps, struct nm_error *e) {
  static int (*const steps[])(const struct settling *s) = {settle_utf8, check_addresses, settle_body,
                                                           settle_size, settle_dsn,      settle_require_tls,
                                                           settle_by,   settle_hold,     settle_priority};
  struct settling s = {.env = env, .caps = caps, .e = e};
  s.is_plain = env->from == NULL || env->from->spec.n == 0 || nm_command_addr_is_plain(env->from);
  while (s.n_plain < env->n_to && nm_command_addr_is_plain(env->to[s.n_plain])) {
    s.n_plain++;
  }
  int rc = nm_mail_options_check(&env->mail, e);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && rc == 0; i++) {
    rc = steps[i](&s);
  }
  return rc;
}
