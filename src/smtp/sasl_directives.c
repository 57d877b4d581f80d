#include "smtp/sasl_directives.h"

#include "base/chars.h"
#include "base/error.h"

static void skip_lws(struct nm_str *s) {
  while (s->n > 0 && nm_is_fws(s->p[0])) {
    *s = nm_str(s->p + 1, s->n - 1);
  }
}

/* token = 1*<any CHAR except CTLs or separators>   RFC 2831 7.1; RFC 2045's has "{" and "}" besides */
static struct nm_str cut_token(struct nm_str *s) {
  size_t n = 0;
  while (n < s->n && nm_is((unsigned char)s->p[n], NM_CHAR_TOKEN) && s->p[n] != '{' && s->p[n] != '}') {
    n++;
  }
  struct nm_str token = nm_str(s->p, n);
  *s = nm_str(s->p + n, s->n - n);
  return token;
}

/* quoted-string = ( <"> qdstr-val <"> ) ; qdstr-val = *( qdtext | quoted-pair ) ; quoted-pair = "\" CHAR
   0: it does not end. */
static int cut_quoted(struct nm_str *s, struct nm_buf *out) {
  size_t i = 1;
  for (; i < s->n && s->p[i] != '"'; i++) {
    if (s->p[i] == '\\' && ++i == s->n) {
      return 0;
    }
    if (s->p[i] == '\0') {
      return 0;
    }
    nm_buf_add_byte(out, s->p[i]);
  }
  if (i >= s->n) {
    return 0;
  }
  *s = nm_str(s->p + i + 1, s->n - i - 1);
  return 1;
}

/* name "=" ( token | quoted-string ). Whether a value stands in quotes is not looked at: Dovecot quotes charset and algorithm, others
   quote neither realm nor nonce. 0: it is none. */
static int cut_directive(struct nm_str *s, struct nm_buf *unquoted, struct nm_str *name,
                         struct nm_str *value) {
  *name = cut_token(s);
  skip_lws(s);
  if (name->n == 0 || s->n == 0 || s->p[0] != '=') {
    return 0;
  }
  *s = nm_str(s->p + 1, s->n - 1);
  skip_lws(s);
  size_t before = unquoted->n;
  if (s->n > 0 && s->p[0] == '"') {
    if (!cut_quoted(s, unquoted)) {
      return 0;
    }
  } else {
    struct nm_str token = cut_token(s);
    if (token.n == 0) {
      return 0;
    }
    nm_buf_add_str(unquoted, token);
  }
  *value = nm_str(unquoted->p != NULL ? unquoted->p + before : "", unquoted->n - before);
  return 1;
}

/* qop-list is 1#token. */
static int lists(struct nm_str list, struct nm_str word) {
  while (list.n > 0) {
    skip_lws(&list);
    if (nm_str_ieq(cut_token(&list), word)) {
      return 1;
    }
    while (list.n > 0 && list.p[0] != ',') {
      list = nm_str(list.p + 1, list.n - 1);
    }
    list = list.n > 0 ? nm_str(list.p + 1, list.n - 1) : list;
  }
  return 0;
}

static int once(int *has) {
  int is_first = !*has;
  *has = 1;
  return is_first;
}

/* RFC 2831 2.1.1: realm may come often, the first is kept; the others at most once; what is unknown is passed over. 0: refused. */
static int take(struct nm_directives *d, struct nm_str name, struct nm_str value) {
  if (nm_str_ieq(name, NM_STR("realm"))) {
    d->realm = d->has_realm ? d->realm : value;
    d->has_realm = 1;
    return 1;
  }
  if (nm_str_ieq(name, NM_STR("nonce"))) {
    d->nonce = value;
    return once(&d->has_nonce) && value.n > 0;
  }
  if (nm_str_ieq(name, NM_STR("rspauth"))) {
    d->rspauth = value;
    return once(&d->has_rspauth);
  }
  if (nm_str_ieq(name, NM_STR("qop"))) {
    d->offers_auth = lists(value, NM_STR("auth"));
    return once(&d->has_qop);
  }
  if (nm_str_ieq(name, NM_STR("charset"))) {
    return once(&d->has_charset) && nm_str_ieq(value, NM_STR("utf-8"));
  }
  if (nm_str_ieq(name, NM_STR("algorithm"))) {
    return once(&d->has_algorithm) && nm_str_ieq(value, NM_STR("md5-sess"));
  }
  return 1;
}

/* 1#( directive ), elements may be empty. */
static int read_list(struct nm_directives *d, struct nm_str text) {
  for (;;) {
    while (text.n > 0 && (nm_is_fws(text.p[0]) || text.p[0] == ',')) {
      text = nm_str(text.p + 1, text.n - 1);
    }
    if (text.n == 0) {
      return 0;
    }
    struct nm_str name, value;
    if (!cut_directive(&text, &d->unquoted, &name, &value) || !take(d, name, value)) {
      return NM_EINVAL;
    }
    skip_lws(&text);
    if (text.n > 0 && text.p[0] != ',') {
      return NM_EINVAL;
    }
  }
}

int nm_directives_read(struct nm_directives *d, struct nm_str text) {
  /* Born as large as all can be, so that no value moves. */
  *d = (struct nm_directives){.unquoted = {.max = text.n + 1, .secret = 1}};
  int err = nm_buf_room(&d->unquoted, text.n + 1) != NULL ? read_list(d, text) : NM_ENOMEM;
  if (err != 0) {
    nm_directives_free(d);
  }
  return err;
}

void nm_directives_free(struct nm_directives *d) {
  nm_buf_free(&d->unquoted);
  *d = (struct nm_directives){0};
}
