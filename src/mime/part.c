#include "mime/part.h"

#include "base/alloc.h"
#include "base/chars.h"
#include "mime/check.h"
#include "mime/mediatype.h"

/* RFC 6838 4.2: each half of a type has at most 127 characters. */
#define TYPE_MAX 255
/* A Content-ID field stays below the 998 octets of a line. */
#define CONTENT_ID_MAX 512

struct nm_str nm_part_file_name(struct nm_str path) {
  size_t at = path.n;
  while (at > 0 && path.p[at - 1] != '/' && path.p[at - 1] != '\\') {
    at--;
  }
  return nm_str(path.p + at, path.n - at);
}

int nm_part_new(struct nm_content *content, struct nm_str name, struct nm_part **out, struct nm_error *e) {
  struct nm_part *a = nm_zalloc(sizeof *a);
  if (a == NULL) {
    return nm_error_nomem(e);
  }
  a->refs = 1;
  a->name.max = NM_PART_NAME_MAX;
  a->type.max = TYPE_MAX;
  a->content_id.max = CONTENT_ID_MAX;
  a->content = nm_content_ref(content);
  int err = nm_part_set_name(a, name, e);
  if (err != 0) {
    nm_part_unref(&a);
    return err;
  }
  *out = a;
  return 0;
}

struct nm_part *nm_part_ref(struct nm_part *a) {
  a->refs++;
  return a;
}

void nm_part_unref(struct nm_part **at) {
  struct nm_part *a = *at;
  *at = NULL;
  if (a != NULL && --a->refs == 0) {
    nm_content_unref(&a->content);
    nm_buf_free(&a->name);
    nm_buf_free(&a->type);
    nm_buf_free(&a->content_id);
    nm_free(a);
  }
}

int nm_part_set_name(struct nm_part *a, struct nm_str path, struct nm_error *e) {
  static const char field[] = "the attachment's name";
  struct nm_str name = path.n > 0 ? nm_part_file_name(path) : NM_STR("");
  int err = nm_check_line(field, path, e);
  if (err != 0) {
    return err;
  }
  if (path.n > 0 && (name.n == 0 || nm_str_eq(name, NM_STR(".")) || nm_str_eq(name, NM_STR("..")))) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s \"%.*s\" names a folder, not a file; give it a file name", field,
                        path.n < 200 ? (int)path.n : 200, path.p);
  }
  return nm_buf_replace(&a->name, field, name, e);
}

/* RFC 2045 6.4: a composite type may not be encoded, so it cannot hold bytes of any kind. message/... is judged by its
   bytes when the message is rendered; a multipart's boundary is a parameter that we would have to take on trust. */
int nm_part_set_type(struct nm_part *a, struct nm_str type, struct nm_error *e) {
  static const char field[] = "the attachment's type";
  int err = type.n > 0 ? nm_check_line(field, type, e) : 0;
  if (err == 0 && type.n > 0) {
    err = nm_media_type_check(type, e);
  }
  if (err != 0) {
    return err;
  }
  if (type.n >= 10 && nm_str_ieq(nm_str(type.p, 10), NM_STR("multipart/"))) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "%s cannot be \"%.*s\": a multipart is made of parts; attach each part, or attach the "
        "file as application/octet-stream",
        field, type.n < 200 ? (int)type.n : 200, type.p);
  }
  return nm_buf_replace(&a->type, field, type, e);
}

/* dot-atom-text = 1*atext *("." 1*atext)   (RFC 5322 3.2.3) */
static int is_dot_atom(struct nm_str s) {
  size_t atom = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '.' ? atom == 0 : !nm_is((unsigned char)s.p[i], NM_CHAR_ATEXT)) {
      return 0;
    }
    atom = s.p[i] == '.' ? 0 : atom + 1;
  }
  return atom > 0;
}

/* msg-id = "<" id-left "@" id-right ">"   id-left = dot-atom-text   id-right = dot-atom-text / no-fold-literal
   no-fold-literal = "[" *dtext "]"   (RFC 5322 3.6.4; without its brackets here, "@" id-right optional) */
static int is_id(struct nm_str s) {
  const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
  if (at == NULL) {
    return is_dot_atom(s);
  }
  struct nm_str left = nm_str(s.p, (size_t)(at - s.p));
  struct nm_str right = nm_str(at + 1, s.n - left.n - 1);
  if (right.n >= 2 && right.p[0] == '[' && right.p[right.n - 1] == ']') {
    return is_dot_atom(left) && (right.n == 2 || nm_all(nm_str(right.p + 1, right.n - 2), NM_CHAR_DTEXT));
  }
  return is_dot_atom(left) && is_dot_atom(right);
}

int nm_part_set_content_id(struct nm_part *a, struct nm_str id, struct nm_error *e) {
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
        id.n < 200 ? (int)id.n : 200, id.p);
  }
  err = nm_buf_replace(&a->content_id, field, id, e);
  if (err == 0) {
    a->inline_part = id.n > 0;
  }
  return err;
}

struct nm_str nm_part_type(const struct nm_part *a) {
  return a->type.n > 0 ? nm_buf_str(&a->type) : nm_str_c(nm_media_type_by_name(nm_buf_str(&a->name)));
}

static void ref_item(void *item) {
  nm_part_ref(item);
}

static void unref_item(void *item) {
  struct nm_part *a = item;
  nm_part_unref(&a);
}

struct nm_list *nm_part_list_new(void) {
  static const struct nm_list_type type = {ref_item, unref_item};
  return nm_list_new(&type, NM_PART_LIST_MAX);
}
