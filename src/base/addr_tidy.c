#include "base/addr_draft.h"
#include "base/alloc.h"

/* Before a lenient text is parsed, what means nothing in it (RFC 5322 3.2.2) is replaced by one space, so that the parser
   proper judges what is left by the same rules as ever, and no byte of a comment can become part of an address: where two
   words would run into one, "a@good.test(x)evil.test", a space is between them and the address is refused.
   In quoted strings only the line end of a fold goes; within square brackets a parenthesis is no comment. */

#define COMMENT_DEPTH_MAX 100

static int is_wsp(const struct nm_addr_scan *s, size_t i) {
  return i < s->text.n && nm_is((unsigned char)s->text.p[i], NM_CHAR_WSP);
}

/* FWS = ([*WSP CRLF] 1*WSP) / obs-FWS
   obs-FWS = 1*WSP *(CRLF 1*WSP)   (RFC 5322 3.2.2, 4.2)
   Bytes of the line end of a fold at i, 0 when there is none; a bare LF is what files on Unix have for it. */
static size_t fold_at(const struct nm_addr_scan *s, size_t i) {
  if (s->text.p[i] == '\n') {
    return is_wsp(s, i + 1) ? 1 : 0;
  }
  return s->text.p[i] == '\r' && i + 1 < s->text.n && s->text.p[i + 1] == '\n' && is_wsp(s, i + 2) ? 2 : 0;
}

/* One character, or the line end of a fold: its bytes, or 0 with the error set. */
static size_t unit_at(const struct nm_addr_scan *s, size_t i) {
  size_t n = fold_at(s, i);
  return n > 0 ? n : nm_addr_scan_char(s, i);
}

/* CFWS = (1*([FWS] comment) [FWS]) / FWS
   comment = "(" *([FWS] ccontent) [FWS] ")"
   ccontent = ctext / quoted-pair / comment   (RFC 5322 3.2.2) */
static int skip_cfws(struct nm_addr_scan *s) {
  size_t n;
  for (int depth = 0; s->at < s->text.n; s->at += n) {
    char c = s->text.p[s->at];
    n = unit_at(s, s->at);
    if (n == 0) {
      return NM_EINVAL;
    }
    if (c == '(') {
      if (++depth > COMMENT_DEPTH_MAX) {
        return nm_addr_fail(s, NM_ELIMIT, "comments are nested deeper than %d in it; take them out",
                            COMMENT_DEPTH_MAX);
      }
    } else if (depth == 0) {
      if (fold_at(s, s->at) == 0 && !is_wsp(s, s->at)) {
        return 0;
      }
    } else if (c == ')') {
      depth--;
    } else if (c == '\\' && s->at + 1 < s->text.n) {
      s->at++;
      n = nm_addr_scan_char(s, s->at);
      if (n == 0) {
        return NM_EINVAL;
      }
    }
    if (depth > 0 && s->at + n == s->text.n) {
      return nm_addr_fail(s, NM_EINVAL, "a comment is opened and not closed; add the closing parenthesis");
    }
  }
  return 0;
}

/* From a quote or an opening bracket to what closes it, or to the end of the text: the parser says what is wrong then. */
static int copy_until(struct nm_addr_scan *s, char close, char *to, size_t *used) {
  int is_paired = 1; /* so that the opening quote closes nothing */
  while (s->at < s->text.n) {
    char c = s->text.p[s->at];
    size_t fold = is_paired ? 0 : fold_at(s, s->at);
    size_t n = fold > 0 ? fold : nm_addr_scan_char(s, s->at);
    if (n == 0) {
      return NM_EINVAL;
    }
    memcpy(to + *used, s->text.p + s->at, n);
    *used += fold > 0 ? 0 : n;
    s->at += n;
    if (c == close && !is_paired) {
      return 0;
    }
    is_paired = !is_paired && c == '\\' && close == '"';
  }
  return 0;
}

static int tidy(struct nm_addr_scan *s, char *to, size_t *n_out) {
  size_t used = 0;
  int err = 0;
  s->end = s->text.n;
  while (err == 0 && s->at < s->text.n) {
    char c = s->text.p[s->at];
    if (c == '(' || is_wsp(s, s->at) || fold_at(s, s->at) > 0) {
      to[used++] = ' ';
      err = skip_cfws(s);
    } else if (c == '"' || c == '[') {
      err = copy_until(s, c == '"' ? '"' : ']', to, &used);
    } else if (c == ')') {
      err = nm_addr_fail(s, NM_EINVAL, "it has a \")\" without its \"(\"; take it out");
    } else {
      size_t n = nm_addr_scan_char(s, s->at);
      err = n == 0 ? NM_EINVAL : 0;
      memcpy(to + used, s->text.p + s->at, n);
      used += n;
      s->at += n;
    }
  }
  *n_out = used;
  return err;
}

int nm_addr_scan_lenient(struct nm_addr_scan *s, struct nm_str text, size_t number, char **tidy_out,
                         struct nm_error *e) {
  size_t n = 0;
  int err = nm_addr_scan_begin(s, text, 0, e);
  if (err != 0) {
    return err;
  }
  char *to = nm_alloc(text.n + 1);
  if (to == NULL) {
    return nm_error_nomem(e);
  }
  s->noun = number > 0 ? "list" : s->noun;
  err = tidy(s, to, &n); /* never longer than the text: a space stands for a byte at least */
  if (err == 0) {
    err = nm_addr_scan_begin(s, nm_str(to, n), number, e);
  }
  if (err != 0) {
    nm_free(to);
    return err;
  }
  s->is_lenient = 1;
  *tidy_out = to;
  return 0;
}
