#include "dialogue.h"

#include <string.h>

#include "smtp/sasl_choice.h"
#include "smtp/secret.h"

/* What a reply answers. The order is fixed: greeting; EHLO, and HELO when EHLO was refused; STARTTLS and EHLO once more where
   that was asked for; AUTH with its challenges to the end. */
enum due { DUE_GREETING, DUE_EHLO, DUE_STARTTLS, DUE_SECURE_EHLO, DUE_AUTH };

static int read_ehlo(struct nm_dialogue *d, enum due *due, const struct nm_reply *r) {
  d->command = "EHLO";
  if (r->code != 250) {
    return 0; /* HELO comes next */
  }
  *due = *due == DUE_EHLO && d->tls == NM_TLS_STARTTLS ? DUE_STARTTLS : DUE_AUTH;
  nm_caps_free(&d->caps); /* of an EHLO before STARTTLS: anybody may have written those */
  return nm_caps_parse(&d->caps, r);
}

static int read_reply(struct nm_dialogue *d, enum due *due, const struct nm_reply *r) {
  switch (*due) {
    case DUE_GREETING:
      d->command = "CONNECT";
      *due = DUE_EHLO;
      return 0;
    case DUE_EHLO:
    case DUE_SECURE_EHLO:
      return read_ehlo(d, due, r);
    case DUE_STARTTLS:
      d->command = "STARTTLS";
      *due = DUE_SECURE_EHLO;
      return 0;
    case DUE_AUTH:
      d->command = "AUTH";
      d->authenticated = r->code == 235;
      return 0;
  }
  return 0;
}

/* What was said and not answered any more, when the last reply was no refusal. */
static const char *pending(const struct nm_dialogue *d, enum due due) {
  switch (due) {
    case DUE_GREETING:
      return "CONNECT";
    case DUE_STARTTLS:
      return "STARTTLS";
    case DUE_AUTH:
      return d->way != NULL ? "AUTH" : "EHLO";
    case DUE_SECURE_EHLO:
      return d->is_secured ? "EHLO" : "STARTTLS";
    case DUE_EHLO:
      break;
  }
  return "EHLO";
}

static int shows_secret(const struct nm_dialogue *d, struct nm_str text) {
  const struct nm_credential *credential = d->way != NULL ? d->way->credential : NULL;
  return credential != NULL &&
         nm_secret_shown(text, nm_buf_str(&credential->user),
                         d->secret.n > 0 ? d->secret : nm_buf_str(&credential->password));
}

int nm_dialogue_read(struct nm_dialogue *d, struct nm_str lines, struct nm_error *e) {
  struct nm_reply_parser *parser = nm_reply_parser_new();
  if (parser == NULL) {
    return nm_error_nomem(e);
  }
  int err = 0;
  enum due due = DUE_GREETING;
  while (lines.n > 0 && err == 0) {
    size_t used = 0;
    int got = nm_reply_parser_step(parser, lines.p, lines.n, &used, e);
    lines = nm_str(lines.p + used, lines.n - used);
    if (got < 0) {
      err = got;
    } else if (got > 0) {
      const struct nm_reply *r = nm_reply_parser_get(parser);
      if (read_reply(d, &due, r) != 0 || nm_reply_copy(&d->last, r) != 0) {
        err = nm_error_nomem(e);
      }
    }
  }
  nm_reply_parser_free(&parser);
  if (d->last.code < 400 && !d->authenticated) {
    d->command = pending(d, due);
  }
  if (shows_secret(d, nm_buf_str(&d->last.text))) {
    nm_buf_reset(&d->last.text);
    nm_buf_add_c(&d->last.text, NM_SECRET_REPEATED);
  }
  return err;
}

void nm_dialogue_free(struct nm_dialogue *d) {
  nm_caps_free(&d->caps);
  nm_reply_free(&d->last);
  *d = (struct nm_dialogue){0};
}

static const char *user_of(const struct nm_dialogue *d) {
  if (d->way->credential != NULL && d->way->credential->user.n > 0) {
    return d->way->credential->user.p;
  }
  return (d->way->mechs & NM_SASL_GSSAPI) != 0     ? "the owner of the Kerberos ticket"
         : (d->way->mechs & NM_SASL_EXTERNAL) != 0 ? "the owner of the certificate"
                                                   : "the owner of the token";
}

/* What is to be done about the refusal. */
static const char *auth_advice(const struct nm_dialogue *d) {
  switch (d->last.code) {
    case 534: /* Gmail's for RFC 4954's "too weak a mechanism" */
      if (nm_reply_has_word(&d->last, NM_STR("password"))) {
        return "make an app password at the provider, and give that as Password";
      }
      /* fallthrough */
    case 500:
    case 501:
    case 504:
    case 538:
      return "the server does not take this way of logging in; name another mechanism in "
             "ThisHostCredentials, "
             "or use \"\"";
    default:
      break;
  }
  if (d->last.code < 500) {
    return "the server cannot check it now; try again later";
  }
  if ((d->way->mechs & NM_SASL_EXTERNAL) != 0) {
    return "check ClientCertificate";
  }
  return (d->way->credential != NULL && d->way->credential->is_token) ||
                 (d->way->mechs & ~(unsigned)(NM_SASL_OAUTHBEARER | NM_SASL_XOAUTH2)) == 0
             ? "get a fresh access token, for this user and with the right to send mail"
             : "check UserName and Password (many providers want an app password, not the one of "
               "the web page)";
}

static void explain_auth(const struct nm_dialogue *d, const char *said, const char *why,
                         const struct nm_place *at, struct nm_error *e) {
  if (d->last.code < 400) {
    nm_error_set(e, NM_EREJECT, NM_KIND_AUTH, "authentication failed at %s as %s: %s", at->text, user_of(d),
                 why);
    return;
  }
  const char *reason = strstr(why, NM_AUTH_REASON); /* what the mechanism itself was told */
  nm_error_set(e, NM_EREJECT, NM_KIND_AUTH, "%s: authentication failed at %s as %s%s; %s", said, at->text,
               user_of(d), reason != NULL ? reason : "", auth_advice(d));
}

static void explain_refused(const struct nm_dialogue *d, const char *said, const struct nm_place *at,
                            struct nm_error *e) {
  nm_error_set(e, NM_EREJECT, NM_KIND_CONNECT, "%s: %s refused %s; %s", said, at->text,
               strcmp(d->command, "CONNECT") == 0 ? "the connection" : d->command,
               d->last.code < 500 ? "try again later" : "ask the server's administrator");
}

static void explain_tls(const struct nm_dialogue *d, const char *said, const struct nm_error *from,
                        const struct nm_place *at, struct nm_error *e) {
  const char *why =
      d->is_tls_forced
          ? "; a password goes over TLS only: use a port that has it, or set AllowPlaintextAuth if nobody "
            "can listen on the way"
          : "";
  nm_error_set(e, from->code, from->kind, "no secure line to %s: %s%s%s%s", at->text, from->text,
               said[0] != '\0' ? "; the server said " : "", said, why);
}

/* Before anything was said: the place may be wrong. Later: the server hung up. */
static void explain_connection(const struct nm_dialogue *d, const struct nm_error *from,
                               const struct nm_place *at, struct nm_error *e) {
  int is_proxied = at->is_proxied;
  if (d->last.code == 0 && (d->command == NULL || strcmp(d->command, "CONNECT") == 0)) {
    nm_error_set(e, from->code, from->kind, "cannot connect to %s%s: %s; check Host%s%s", at->text,
                 is_proxied ? " through Proxy" : "", from->text, at->port != 0 ? " and Port" : "",
                 is_proxied ? ", and Proxy" : "");
  } else {
    nm_error_set(e, from->code, from->kind,
                 "the connection to %s broke at %s: %s; nothing was sent, so it is safe to "
                 "try again",
                 at->text, d->command, from->text);
  }
}

static void explain_kind(const struct nm_dialogue *d, const char *said, const struct nm_error *from,
                         const struct nm_place *at, struct nm_error *e) {
  if (from->kind == NM_KIND_AUTH && d->way != NULL) {
    explain_auth(d, said, from->text, at, e);
  } else if (from->kind == NM_KIND_TLS) {
    explain_tls(d, said, from, at, e);
  } else if (d->last.code >= 400) {
    explain_refused(d, said, at, e);
  } else if (from->kind == NM_KIND_TIMEOUT) {
    nm_error_set(e, from->code, from->kind, "%s (server %s%s)", from->text, at->text,
                 at->is_proxied ? ", through Proxy" : "");
  } else if (from->kind == NM_KIND_PROTOCOL) {
    nm_error_set(e, from->code, from->kind, "%s does not speak SMTP as it should: %s", at->text, from->text);
  } else {
    explain_connection(d, from, at, e);
  }
}

int nm_dialogue_explain(const struct nm_dialogue *d, const struct nm_place *at, int err, struct nm_error *e) {
  struct nm_error from = *e;
  struct nm_buf words = {.max = NM_ERROR_TEXT_MAX / 2};
  if (err == NM_ENOMEM || from.kind == NM_KIND_CANCELLED) {
    return err;
  }
  if (shows_secret(d, nm_str_c(from.text))) {
    nm_error_set(&from, from.code, from.kind, NM_SECRET_REPEATED);
  }
  if (d->last.code >= 400) {
    nm_reply_print(&d->last, &words);
  }
  explain_kind(d, words.n > 0 ? words.p : "", &from, at, e);
  nm_buf_free(&words);
  return e->code;
}

void nm_dialogue_take(struct nm_dialogue *d, const struct nm_talk_result *r) {
  d->command = r->command;
  nm_reply_free(&d->last); /* also when nothing was said any more: what came before is no reason */
  /* What it says of a login that we broke off, for a reason of ours, is no reason. */
  if (r->reply.code != 0 && (r->auth == NM_AUTH_END_NONE || r->error.code == NM_EREJECT)) {
    (void)nm_reply_copy(&d->last, &r->reply); /* short of memory the words are lost */
  }
}

int nm_dialogue_no_auth(const struct nm_dialogue *d, const struct nm_place *at, const struct nm_caps *caps,
                        unsigned wanted, struct nm_error *e) {
  struct nm_buf names = {.max = 256};
  nm_sasl_names(&names, wanted, ", ");
  const char *shown = names.n > 0 ? names.p : "";
  if ((nm_sasl_offered(nm_buf_str(&caps->auth)) & wanted) != 0) {
    nm_error_set(e, NM_EREJECT, NM_KIND_AUTH,
                 "%s did not confirm the authentication as %s; nothing was sent (mechanisms tried: %s)",
                 at->text, d->way != NULL ? user_of(d) : "anybody", shown);
  } else if (caps->auth.n == 0) {
    nm_error_set(
        e, NM_EREJECT, NM_KIND_AUTH,
        "credentials are set, but %s offers no authentication%s; use the submission port (587 or 465), or "
        "take the credentials away",
        at->text, d->tls != NM_TLS_NONE ? "" : " without TLS (EnableSsl)");
  } else {
    nm_error_set(e, NM_EREJECT, NM_KIND_AUTH,
                 "%s offers %s, but only %s may be used; name another mechanism in ThisHostCredentials, "
                 "or use \"\"",
                 at->text, caps->auth.p, shown);
  }
  nm_buf_free(&names);
  return e->code;
}
