#include "mime/part.h"

#include "base/alloc.h"
#include "base/check.h"
#include "mime/eai.h"
#include "mime/mediatype.h"
#include "mime/message.h"

/* RFC 6838 4.2: each half of a type has at most 127 characters. */
#define TYPE_MAX 255
/* A Content-ID field, a Content-Location and a Content-Language each stay below the 998 octets of a line. */
#define CONTENT_ID_MAX 512
#define LINE_MAX 900
#define DESCRIPTION_MAX 65536

static struct nm_part *make(enum nm_part_kind kind) {
  struct nm_part *p = nm_zalloc(sizeof *p);
  if (p != NULL) {
    p->refs = 1;
    p->kind = kind;
    p->height = 1;
    p->name.max = NM_PART_NAME_MAX;
    p->type.max = TYPE_MAX;
    p->content_id.max = CONTENT_ID_MAX;
    p->description.max = DESCRIPTION_MAX;
    p->location.max = LINE_MAX;
    p->language.max = LINE_MAX;
  }
  return p;
}

/* Gives out what was made, or frees it. */
static int done(struct nm_part *p, int err, struct nm_part **out) {
  if (err != 0) {
    nm_part_unref(&p);
  } else {
    *out = p;
  }
  return err;
}

int nm_part_new(struct nm_content *content, struct nm_str name, struct nm_part **out, struct nm_error *e) {
  struct nm_part *p = make(NM_PART_OCTETS);
  if (p == NULL) {
    return nm_error_nomem(e);
  }
  p->content = nm_content_ref(content);
  return done(p, nm_part_set_name(p, name, e), out);
}

int nm_part_new_text(struct nm_content *text, struct nm_part **out, struct nm_error *e) {
  int err = nm_check_text("the text of a part", nm_content_bytes(text), e);
  if (err != 0) {
    return err;
  }
  struct nm_part *p = make(NM_PART_TEXT);
  if (p == NULL) {
    return nm_error_nomem(e);
  }
  p->content = nm_content_ref(text);
  *out = p;
  return 0;
}

static int grow(struct nm_part *p, const struct nm_part *within, struct nm_error *e) {
  p->is_utf8 |= within->is_utf8;
  if (within->height >= NM_PART_HEIGHT_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "parts within parts more than %d levels deep are refused", NM_PART_HEIGHT_MAX);
  }
  if (within->height >= p->height) {
    p->height = within->height + 1;
  }
  return 0;
}

static int grow_by_all(struct nm_part *p, const struct nm_list *parts, struct nm_error *e) {
  int err = 0;
  for (size_t i = 0; i < parts->n && err == 0; i++) {
    err = grow(p, parts->items[i], e);
  }
  return err;
}

int nm_part_new_multipart(struct nm_str type, const struct nm_list *children, struct nm_part **out,
                          struct nm_error *e) {
  if (children->n == 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "a multipart needs at least one part");
  }
  struct nm_part *p = make(NM_PART_MULTIPART);
  if (p == NULL) {
    return nm_error_nomem(e);
  }
  p->children = nm_part_list_new();
  if (p->children == NULL || nm_list_assign(p->children, children) != 0) {
    return done(p, nm_error_nomem(e), out);
  }
  int err = type.n == 0 ? nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                                       "a multipart needs a type; write \"mixed\", \"related\", ...")
                        : nm_part_set_type(p, type, e);
  return done(p, err == 0 ? grow_by_all(p, children, e) : err, out);
}

static int grow_by_message(struct nm_part *p, struct nm_message *m, struct nm_error *e) {
  int err = grow_by_all(p, m->attachments, e);
  err = err == 0 ? grow_by_all(p, m->linked, e) : err;
  err = err == 0 ? grow_by_all(p, m->views, e) : err;
  return err == 0 && m->root != NULL ? grow(p, m->root, e) : err;
}

int nm_part_new_message(const struct nm_message *m, struct nm_part **out, struct nm_error *e) {
  struct nm_part *p = make(NM_PART_MESSAGE);
  if (p == NULL || nm_message_copy(m, &p->message) != 0) {
    nm_part_unref(&p);
    return nm_error_nomem(e);
  }
  p->height = 2;
  p->is_utf8 = nm_message_check_header(m, NULL) != 0;
  return done(p, grow_by_message(p, p->message, e), out);
}

/* access-type = "URL" / "FTP" / "ANON-FTP" / "TFTP" / "LOCAL-FILE" / "MAIL-SERVER" / x-token   (RFC 2046 5.2.3, RFC 2017) */
static int check_access(const struct nm_params *access, struct nm_error *e) {
  static const struct {
    const char *type;
    const char *needs[2];
  } known[] = {
      {"URL", {"URL", NULL}},     {"FTP", {"NAME", "SITE"}},      {"ANON-FTP", {"NAME", "SITE"}},
      {"TFTP", {"NAME", "SITE"}}, {"LOCAL-FILE", {"NAME", NULL}}, {"MAIL-SERVER", {"SERVER", NULL}},
  };
  struct nm_str type = nm_params_get(access, NM_STR("access-type"));
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    for (size_t k = 0; k < 2 && nm_str_ieq(type, nm_str_c(known[i].type)); k++) {
      if (known[i].needs[k] != NULL && nm_params_get(access, nm_str_c(known[i].needs[k])).n == 0) {
        return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                            "an external body with the access type %s needs the parameter %s", known[i].type,
                            known[i].needs[k]);
      }
    }
    if (nm_str_ieq(type, nm_str_c(known[i].type))) {
      return 0;
    }
  }
  if (type.n > 2 && nm_str_istarts(type, NM_STR("x-"))) {
    return 0;
  }
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "\"%.*s\" is not an access type; write URL, FTP, ANON-FTP, TFTP, LOCAL-FILE, MAIL-SERVER "
      "or one that begins with x-",
      nm_shown(type, 100), type.n > 0 ? type.p : "");
}

int nm_part_new_external(const struct nm_params *access, struct nm_part **out, struct nm_error *e) {
  int err = check_access(access, e);
  if (err != 0) {
    return err;
  }
  struct nm_part *p = make(NM_PART_EXTERNAL);
  if (p == NULL || nm_params_assign(&p->access, access) != 0) {
    nm_part_unref(&p);
    return nm_error_nomem(e);
  }
  *out = p;
  return 0;
}

struct nm_part *nm_part_ref(struct nm_part *p) {
  p->refs++;
  return p;
}

static void clear(struct nm_part *p) {
  nm_content_unref(&p->content);
  nm_list_unref(&p->children);
  nm_message_unref(&p->message);
  nm_list_unref(&p->fields);
  nm_params_free(&p->access);
  nm_params_free(&p->params);
  nm_buf_free(&p->name);
  nm_buf_free(&p->type);
  nm_buf_free(&p->content_id);
  nm_buf_free(&p->description);
  nm_buf_free(&p->location);
  nm_buf_free(&p->language);
}

/* As deep as parts are high: NM_PART_HEIGHT_MAX. */
void nm_part_unref(struct nm_part **at) {
  struct nm_part *p = *at;
  *at = NULL;
  if (p != NULL && --p->refs == 0) {
    clear(p);
    nm_free(p);
  }
}

struct nm_str nm_part_type(const struct nm_part *p) {
  if (p->type.n > 0) {
    return nm_buf_str(&p->type);
  }
  switch (p->kind) {
    case NM_PART_TEXT:
      return NM_STR("text/plain");
    case NM_PART_MESSAGE: /* "message/global ... MUST be used" for a header in UTF-8 (RFC 6532 3.7) */
      return p->is_utf8 ? NM_STR("message/global") : NM_STR("message/rfc822");
    default:
      return nm_str_c(nm_media_type_by_name(nm_buf_str(&p->name)));
  }
}

static void ref_item(void *item) {
  nm_part_ref(item);
}

static void unref_item(void *item) {
  struct nm_part *p = item;
  nm_part_unref(&p);
}

static const struct nm_list_type list_type = {ref_item, unref_item};

struct nm_list *nm_part_list_new(void) {
  return nm_list_new(&list_type, NM_PART_LIST_MAX);
}

void nm_part_list_init(struct nm_list *l, struct nm_block *block) {
  nm_list_init(l, &list_type, NM_PART_LIST_MAX, block);
}

int nm_part_list_has_type(const struct nm_list *parts, struct nm_str type) {
  int found = 0;
  for (size_t i = 0; i < parts->n && !found; i++) {
    found = nm_str_ieq(nm_part_type(parts->items[i]), type);
  }
  return found;
}

int nm_part_is_shown(const struct nm_part *p) {
  return p->disposition == NM_DISPOSITION_INLINE && p->content_id.n > 0;
}
