/* The fields of a part (its type: part_type.c): each is checked here, once. */

#include "base/chars.h"
#include "base/check.h"
#include "mime/part.h"

struct nm_str nm_part_file_name(struct nm_str path) {
  size_t at = path.n;
  while (at > 0 && path.p[at - 1] != '/' && path.p[at - 1] != '\\') {
    at--;
  }
  return nm_str(path.p + at, path.n - at);
}

int nm_part_set_name(struct nm_part *p, struct nm_str path, struct nm_error *e) {
  static const char field[] = "the attachment's name";
  struct nm_str name = path.n > 0 ? nm_part_file_name(path) : NM_STR("");
  int err = nm_check_line(field, path, e);
  if (err != 0) {
    return err;
  }
  if (path.n > 0 && (name.n == 0 || nm_str_eq(name, NM_STR(".")) || nm_str_eq(name, NM_STR("..")))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s \"%.*s\" names a folder, not a file; give it a file name", field,
                        nm_shown(path, 200), path.p);
  }
  return nm_buf_replace(&p->name, field, name, e);
}

/* msg-id = "<" id-left "@" id-right ">"   id-left = dot-atom-text   id-right = dot-atom-text / no-fold-literal
   no-fold-literal = "[" *dtext "]"   (RFC 5322 3.6.4; without its brackets here, "@" id-right optional) */
static int is_id(struct nm_str s) {
  const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
  if (at == NULL) {
    return nm_is_dot_atom(s);
  }
  struct nm_str left = nm_str(s.p, (size_t)(at - s.p));
  struct nm_str right = nm_str(at + 1, s.n - left.n - 1);
  if (right.n >= 2 && right.p[0] == '[' && right.p[right.n - 1] == ']') {
    return nm_is_dot_atom(left) && (right.n == 2 || nm_all(nm_str(right.p + 1, right.n - 2), NM_CHAR_DTEXT));
  }
  return nm_is_dot_atom(left) && nm_is_dot_atom(right);
}

int nm_part_set_content_id(struct nm_part *p, struct nm_str id, struct nm_error *e) {
  static const char field[] = "the attachment's content id";
  if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>') {
    id = nm_str(id.p + 1, id.n - 2);
    if (id.n == 0) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s is empty between its brackets", field);
    }
  }
  int err = id.n > 0 ? nm_check_line(field, id, e) : 0;
  if (err != 0) {
    return err;
  }
  if (id.n > 0 && !is_id(id)) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "%s \"%.*s\" is not a message id; write it as name or name@domain, in ASCII, without spaces", field,
        nm_shown(id, 200), id.p);
  }
  enum nm_disposition without =
      p->disposition == NM_DISPOSITION_INLINE ? NM_DISPOSITION_DEFAULT : p->disposition;
  err = nm_buf_replace(&p->content_id, field, id, e);
  if (err == 0) {
    p->disposition = id.n > 0 ? NM_DISPOSITION_INLINE : without;
  }
  return err;
}

int nm_part_set_description(struct nm_part *p, struct nm_str text, struct nm_error *e) {
  static const char field[] = "ContentDescription";
  int err = nm_check_line(field, text, e);
  return err == 0 ? nm_buf_replace(&p->description, field, text, e) : err;
}

/* content-location = "Content-Location:" [CFWS] URI [CFWS]   URI = absoluteURI | relativeURI   (RFC 2557 4.2). A space in it would
   have to be encoded as %20 (RFC 3986 2.1). */
int nm_part_set_location(struct nm_part *p, struct nm_str uri, struct nm_error *e) {
  static const char field[] = "ContentLocation";
  for (size_t i = 0; i < uri.n; i++) {
    unsigned char c = (unsigned char)uri.p[i];
    if (!nm_is(c, NM_CHAR_PRINT) || strchr(" \"<>\\^`{|}", c) != NULL) {
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "%s is not a URI at byte %zu; write it in ASCII, other characters as %%XX", field,
                          i + 1);
    }
  }
  return nm_buf_replace(&p->location, field, uri, e);
}

/* Language-Tag as RFC 5646 2.1 shapes it: 1*8alpha *("-" 1*8alphanum). Whether it is registered is not our affair. */
static int is_language_tag(struct nm_str s) {
  size_t subtag = 0;
  int first = 1;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i];
    if (c == '-' && subtag > 0) {
      first = 0;
      subtag = 0;
    } else if (!nm_is((unsigned char)c, first ? NM_CHAR_ALPHA : NM_CHAR_ALPHA | NM_CHAR_DIGIT) ||
               ++subtag > 8) {
      return 0;
    }
  }
  return subtag > 0;
}

/* Content-Language = "Content-Language:" 1#Language-tag   (RFC 3282 2) */
int nm_part_set_language(struct nm_part *p, struct nm_str tags, struct nm_error *e) {
  static const char field[] = "ContentLanguage";
  struct nm_buf kept = {.max = p->language.max};
  for (size_t at = 0; at < tags.n;) {
    size_t end = at;
    while (end < tags.n && tags.p[end] != ',') {
      end++;
    }
    struct nm_str tag = nm_str_trim(nm_str(tags.p + at, end - at), " ");
    if (!is_language_tag(tag) || end + 1 == tags.n) {
      nm_buf_free(&kept);
      return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                          "%s \"%.*s\" is not a list of language tags; write en, or ru, en-GB", field,
                          nm_shown(tags, 200), tags.p);
    }
    nm_buf_add_c(&kept, kept.n > 0 ? ", " : "");
    nm_buf_add_str(&kept, tag);
    at = end + 1;
  }
  int err = kept.err == 0 ? nm_buf_replace(&p->language, field, nm_buf_str(&kept), e) : kept.err;
  if (err == NM_ENOMEM) {
    nm_error_nomem(e);
  } else if (kept.err != 0) {
    nm_error_set(e, err, NM_KIND_MESSAGE, "%s is too long", field);
  }
  nm_buf_free(&kept);
  return err;
}

int nm_part_set_transfer_encoding(struct nm_part *p, struct nm_str name, struct nm_error *e) {
  if (p->kind == NM_PART_MULTIPART || p->kind == NM_PART_MESSAGE || p->kind == NM_PART_EXTERNAL) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "TransferEncoding belongs to the parts within: a multipart or message may not be encoded "
        "(RFC 2045 6.4)");
  }
  return nm_cte_wish_set(&p->wish, "TransferEncoding", name, e);
}
