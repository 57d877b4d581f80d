#include "dialogue.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smtp/command.h"

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
  return err;
}

void nm_dialogue_free(struct nm_dialogue *d) {
  nm_caps_free(&d->caps);
  nm_reply_free(&d->last);
  *d = (struct nm_dialogue){0};
}

static const char *user_of(const struct nm_login *way) {
  return way != NULL && way->credential != NULL && way->credential->user.n > 0
             ? way->credential->user.p
             : "the owner of the Kerberos ticket";
}

static int explain_auth(const struct nm_reply *last, const char *words, const char *why,
                        const struct nm_client *c, const struct nm_login *way, struct nm_error *e) {
  if (last->code < 400) {
    return nm_error_set(e, NM_EREJECT, NM_KIND_AUTH, "authentication failed at %s:%d as %s: %s", c->host.p,
                        c->port, user_of(way), why);
  }
  const char *advice = last->code < 500
                           ? "the server cannot check it now; try again later"
                           : "check UserName and Password (many providers want an app password, not "
                             "the one of the web page)";
  return nm_error_set(e, NM_EREJECT, NM_KIND_AUTH, "%s: authentication failed at %s:%d as %s; %s", words,
                      c->host.p, c->port, user_of(way), advice);
}

int nm_dialogue_explain(const struct nm_dialogue *d, const struct nm_client *c, const struct nm_login *way,
                        int err, struct nm_error *e) {
  struct nm_error from = *e;
  struct nm_buf words = {.max = NM_ERROR_TEXT_MAX / 2};
  if (d->last.code >= 400) {
    nm_reply_print(&d->last, &words);
  }
  const char *said = words.n > 0 ? words.p : "";
  if (err == NM_ENOMEM) {
    *e = from;
  } else if (from.kind == NM_KIND_TIMEOUT) {
    nm_error_set(e, from.code, from.kind, "no connection to %s:%d: %s", c->host.p, c->port, from.text);
  } else if (from.kind == NM_KIND_AUTH) {
    explain_auth(&d->last, said, from.text, c, way, e);
  } else if (d->last.code >= 400 && from.kind != NM_KIND_TLS) {
    nm_error_set(e, NM_EREJECT, NM_KIND_CONNECT, "%s: %s:%d refused %s; %s", said, c->host.p, c->port,
                 strcmp(d->command, "CONNECT") == 0 ? "the connection" : d->command,
                 d->last.code < 500 ? "try again later" : "ask the server's administrator");
  } else if (from.kind == NM_KIND_TLS) {
    nm_error_set(e, from.code, from.kind, "no secure line to %s:%d: %s%s%s", c->host.p, c->port, from.text,
                 words.n > 0 ? "; the server said " : "", said);
  } else if (from.kind == NM_KIND_PROTOCOL) {
    nm_error_set(e, from.code, from.kind, "%s:%d does not speak SMTP as it should: %s", c->host.p, c->port,
                 from.text);
  } else {
    nm_error_set(e, from.code, from.kind, "cannot connect to %s:%d%s: %s; check Host and Port%s", c->host.p,
                 c->port, c->proxy.n > 0 ? " through Proxy" : "", from.text,
                 c->proxy.n > 0 ? ", and Proxy" : "");
  }
  nm_buf_free(&words);
  return err;
}

int nm_dialogue_no_auth(const struct nm_dialogue *d, const struct nm_client *c, const struct nm_login *way,
                        int offered, struct nm_error *e) {
  struct nm_buf wanted = {.max = 256};
  nm_mech_names(&wanted, way->mechs, ", ");
  if (offered) {
    nm_error_set(e, NM_EREJECT, NM_KIND_AUTH,
                 "%s:%d did not confirm the authentication as %s; nothing was sent (mechanisms tried: %s)",
                 c->host.p, c->port, user_of(way), wanted.n > 0 ? wanted.p : "");
  } else if (d->caps.auth.n == 0) {
    nm_error_set(
        e, NM_EREJECT, NM_KIND_AUTH,
        "credentials are set, but %s:%d offers no authentication%s; use the submission port (587 or 465), or "
        "take the credentials away",
        c->host.p, c->port, d->tls != NM_TLS_NONE ? "" : " without TLS (EnableSsl)");
  } else {
    nm_error_set(e, NM_EREJECT, NM_KIND_AUTH,
                 "%s:%d offers %s, but only %s may be used; name another mechanism in "
                 "ThisHostCredentials, or use \"\"",
                 c->host.p, c->port, d->caps.auth.p, wanted.n > 0 ? wanted.p : "");
  }
  nm_buf_free(&wanted);
  return e->code;
}

void nm_ehlo_name(const char *given, char *out) {
  if (given != NULL) {
    snprintf(out, NM_EHLO_NAME_MAX, "%s", given);
    return;
  }
  if (gethostname(out, NM_EHLO_NAME_MAX - 1) != 0) {
    out[0] = '\0';
  }
  out[NM_EHLO_NAME_MAX - 1] = '\0';
  if (nm_ehlo_name_check(nm_str_c(out)) != 0) {
    snprintf(out, NM_EHLO_NAME_MAX, "[127.0.0.1]");
  }
}
