/* The Content-Type of a part and its parameters. */

#include "base/chars.h"
#include "mime/charset.h"
#include "base/check.h"
#include "mime/mediatype.h"
#include "mime/param_read.h"
#include "mime/part.h"

/* RFC 2045 6.4: a composite type may not be encoded, so it cannot hold bytes of any kind. message/... is judged by its
   bytes when the message is rendered; a multipart's boundary is a parameter that we would have to take on trust. */
static int check_leaf_type(struct nm_str type, struct nm_error *e) {
  if (!nm_str_istarts(type, NM_STR("multipart/"))) {
    return 0;
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "the type of a content cannot be \"%.*s\": a multipart is made of parts; attach each part, or "
      "attach the file as application/octet-stream",
      nm_shown(type, 200), type.p);
}

static int check_type_of_kind(const struct nm_part *p, struct nm_str type, struct nm_error *e) {
  switch (p->kind) {
    case NM_PART_MULTIPART:
      if (!nm_str_istarts(type, NM_STR("multipart/"))) {
        return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                            "\"%.*s\" is not the type of a multipart; write multipart/mixed "
                            "or the like",
                            nm_shown(type, 200), type.p);
      }
      if (nm_str_istarts(type, NM_STR("multipart/signed")) ||
          nm_str_istarts(type, NM_STR("multipart/encrypted"))) {
        return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                            "a \"%.*s\" cannot be made of parts by hand: every octet of it counts",
                            nm_shown(type, 200), type.p);
      }
      return 0;
    case NM_PART_MESSAGE:
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "the type of a message within a message cannot be chosen");
    case NM_PART_TEXT:
      if (!nm_media_type_is_text(type)) {
        return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                            "a text cannot be \"%.*s\"; write text/..., or give the bytes as Content",
                            nm_shown(type, 200), type.p);
      }
      return 0;
    default:
      return check_leaf_type(type, e);
  }
}

static int set_charset(struct nm_part *p, struct nm_str charset, struct nm_error *e) {
  struct nm_buf name = {.max = NM_CHARSET_NAME_MAX + 1};
  int err = nm_charset_keep(&name, "Charset", charset, e);
  err = err == 0 ? nm_params_set(&p->params, NM_STR("charset"), nm_buf_str(&name), e) : err;
  nm_buf_free(&name);
  return err;
}

int nm_part_set_param(struct nm_part *p, struct nm_str name, struct nm_str value, struct nm_error *e) {
  if (nm_str_ieq(name, NM_STR("boundary")) || nm_str_ieq(name, NM_STR("name")) ||
      (nm_str_ieq(name, NM_STR("type")) &&
       nm_str_istarts(nm_buf_str(&p->type), NM_STR("multipart/related")))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "the parameter %.*s of a type is made from other properties; "
                        "leave it out",
                        nm_shown(name, 200), name.p);
  }
  if (value.n == 0) {
    nm_params_remove(&p->params, name);
    return 0;
  }
  if (p->kind == NM_PART_TEXT && nm_str_ieq(name, NM_STR("charset"))) {
    return set_charset(p, value, e);
  }
  return nm_params_set(&p->params, name, value, e);
}

static int set_type_alone(struct nm_part *p, struct nm_str type, struct nm_error *e) {
  static const char field[] = "the part's type";
  int err = type.n > 0 ? nm_check_line(field, type, e) : 0;
  if (type.n == 0 && p->kind == NM_PART_MULTIPART) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "a multipart needs its type");
  }
  if (err == 0 && type.n > 0) {
    err = nm_media_type_check(type, e);
    err = err == 0 ? check_type_of_kind(p, type, e) : err;
  }
  return err == 0 ? nm_buf_replace(&p->type, field, type, e) : err;
}

static int set_all(struct nm_part *p, const struct nm_typed *typed, struct nm_str type, struct nm_error *e) {
  int err = set_type_alone(p, type, e);
  struct nm_str name = nm_typed_get(typed, NM_STR("name"));
  for (size_t i = 0; i < typed->n && err == 0; i++) {
    if (!nm_str_ieq(typed->items[i].name, NM_STR("name"))) {
      err = nm_part_set_param(p, typed->items[i].name, typed->items[i].value, e);
    }
  }
  err = err == 0 && name.n > 0 ? nm_part_set_name(p, name, e)
                               : err; /* last: it has nothing to be taken back for */
  return err;
}

/* All of it or nothing. */
static int set_typed(struct nm_part *p, const struct nm_typed *typed, struct nm_error *e) {
  struct nm_buf type = {.max = 2 * p->type.max}, old_type = {.max = p->type.max};
  struct nm_params old = {0};
  nm_buf_add_str(&type, typed->type);
  nm_buf_add_c(&type, "/");
  nm_buf_add_str(&type, typed->subtype);
  nm_buf_add_str(&old_type, nm_buf_str(&p->type));
  int is_kept = type.err == 0 && old_type.err == 0 && nm_params_assign(&old, &p->params) == 0;
  int err = is_kept ? set_all(p, typed, nm_buf_str(&type), e) : nm_error_nomem(e);
  if (err != 0 && is_kept) {
    struct nm_buf fresh = p->type;
    p->type = old_type;
    old_type = fresh;
    struct nm_params kept = p->params;
    p->params = old;
    old = kept;
  }
  nm_params_free(&old);
  nm_buf_free(&old_type);
  nm_buf_free(&type);
  return err;
}

/* value = token / quoted-string   (RFC 2045 5.1). Where it ends; at when there is none. */
static size_t skip_value(struct nm_str s, size_t at) {
  if (at == s.n || s.p[at] != '"') {
    return nm_skip(s, at, NM_CHAR_TOKEN);
  }
  size_t end = at + 1;
  while (end < s.n && s.p[end] != '"') {
    end += s.p[end] == '\\' ? 2 : 1;
  }
  return end < s.n ? end + 1 : at;
}

/* *(";" attribute "=" value)   (RFC 2045 5.1) from the first ";" on. What is forgiven in the mail of others would here be lost, and
   its author never know. */
static int check_typed(struct nm_str s, size_t at, struct nm_error *e) {
  while (at < s.n) {
    size_t name = nm_skip(s, at + 1, NM_CHAR_WSP), equals = nm_skip(s, name, NM_CHAR_TOKEN),
           value = equals + 1;
    if (name == s.n) {
      break; /* a ";" at the end */
    }
    int has_value = equals > name && equals < s.n && s.p[equals] == '=' && skip_value(s, value) > value;
    size_t next = has_value ? nm_skip(s, skip_value(s, value), NM_CHAR_WSP) : 0;
    if (!has_value || (next < s.n && s.p[next] != ';')) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "the part's type \"%.*s\" has something else than a parameter at byte %zu; write "
                          "name=value or name=\"value\" behind each \";\"",
                          nm_shown(s, 200), s.p, name + 1);
    }
    at = next;
  }
  return 0;
}

/* content = type "/" subtype *(";" parameter)   (RFC 2045 5.1) */
int nm_part_set_type(struct nm_part *p, struct nm_str type, struct nm_error *e) {
  const char *semicolon = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;
  if (semicolon == NULL) {
    return set_type_alone(p, type, e);
  }
  struct nm_typed typed;
  int err = nm_check_line("the part's type", type, e);
  err = err == 0 ? check_typed(type, (size_t)(semicolon - type.p), e) : err;
  if (err != 0) {
    return err;
  }
  err = nm_typed_read(&typed, type);
  if (err != 0) {
    return err == NM_ENOMEM ? nm_error_nomem(e)
                            : nm_error_set(e, err, NM_KIND_MESSAGE, "the part's type is too long");
  }
  err = set_typed(p, &typed, e);
  nm_typed_free(&typed);
  return err;
}
