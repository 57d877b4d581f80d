#include "mime/charset.h"
#include "mime/decoder.h"
#include "mime/encword_read.h"
#include "mime/field_read.h"
#include "mime/fields.h"
#include "mime/head_read.h"
#include "mime/parse_state.h"

struct nm_str nm_entity_field(const struct nm_entity *entity, struct nm_str name) {
  struct nm_head_field f;
  size_t at = 0;
  while (nm_head_next(entity->head, &at, &f) > 0) {
    if (nm_str_ieq(f.name, name)) {
      return f.value;
    }
  }
  return nm_str(NULL, 0);
}

/* Content-Type and Content-Transfer-Encoding are what a part is made of; MIME-Version belongs to messages, and some write it here. */
int nm_entity_is_type_field(struct nm_str name) {
  return nm_str_ieq(name, NM_STR("Content-Type")) || nm_str_ieq(name, NM_STR("Content-Transfer-Encoding")) ||
         nm_str_ieq(name, NM_STR("MIME-Version"));
}

int nm_entity_is_plain(const struct nm_entity *entity, int is_root) {
  struct nm_head_field f;
  size_t at = 0;
  for (size_t i = 0; i < entity->type.n; i++) {
    struct nm_str name = entity->type.items[i].name;
    int is_made = nm_str_ieq(name, NM_STR("boundary")) ||
                  (nm_str_ieq(name, NM_STR("type")) && nm_entity_is(entity, "multipart", "related"));
    if (!is_made) {
      return 0;
    }
  }
  while (!is_root && nm_head_next(entity->head, &at, &f) > 0) {
    if (!nm_entity_is_type_field(f.name)) {
      return 0;
    }
  }
  return 1;
}

/* ---- header ---- */

/* A property took it: 0. It could not: the field is kept as it is. */
static int keep(struct nm_parse *p, struct nm_part *part, const struct nm_head_field *f, int err) {
  if (err == 0 || err == NM_ENOMEM) {
    return err == 0 ? 0 : nm_error_nomem(p->e);
  }
  if (part->fields == NULL) {
    part->fields = nm_fields_new();
  }
  return part->fields != NULL ? nm_field_read(part->fields, f, p->e) : nm_error_nomem(p->e);
}

static int set_text(struct nm_part *part, int (*set)(struct nm_part *, struct nm_str, struct nm_error *),
                    struct nm_str value, int has_one) {
  struct nm_buf text = {.max = NM_FIELD_VALUE_MAX};
  struct nm_error why = {0};
  size_t lost = 0;
  nm_encword_read_text(&text, value, &lost);
  int err = text.err != 0                        ? text.err
            : lost > 0 || has_one || text.n == 0 ? NM_EINVAL
                                                 : set(part, nm_buf_str(&text), &why);
  nm_buf_free(&text);
  return err;
}

/* Content-Disposition (RFC 2183 2): "Unrecognized disposition types should be treated as attachment". */
static int set_disposition(struct nm_part *part, struct nm_str value, enum nm_disposition *out) {
  struct nm_typed d;
  struct nm_error why = {0};
  int err = nm_typed_read(&d, value);
  if (err != 0) {
    return err;
  }
  if (d.type.n > 0) {
    *out = nm_str_ieq(d.type, NM_STR("inline")) ? NM_DISPOSITION_INLINE : NM_DISPOSITION_ATTACHMENT;
  }
  struct nm_str name = nm_typed_get(&d, NM_STR("filename"));
  err = name.n > 0 ? nm_part_set_name(part, name, &why) : 0;
  nm_typed_free(&d);
  return err == NM_ENOMEM ? err : 0;
}

static int set_params(struct nm_part *part, const struct nm_typed *type) {
  struct nm_error why = {0};
  for (size_t i = 0; i < type->n; i++) {
    const struct nm_param *param = &type->items[i];
    if (nm_str_ieq(param->name, NM_STR("boundary"))) {
      continue;
    }
    int err = nm_str_ieq(param->name, NM_STR("name"))
                  ? nm_part_set_name(part, param->value, &why)
                  : nm_part_set_param(part, param->name, param->value, &why);
    if (err == NM_ENOMEM) {
      return err;
    }
  }
  return 0;
}

static int read_part_field(struct nm_parse *p, struct nm_part *part, const struct nm_head_field *f,
                           enum nm_disposition *disposition) {
  if (nm_entity_is_type_field(f->name)) {
    return 0;
  }
  int err = NM_EINVAL;
  if (nm_str_ieq(f->name, NM_STR("Content-Disposition")) && *disposition == NM_DISPOSITION_NONE) {
    err = set_disposition(part, f->value, disposition);
  } else if (nm_str_ieq(f->name, NM_STR("Content-ID"))) {
    err = set_text(part, nm_part_set_content_id, f->value, part->content_id.n > 0);
  } else if (nm_str_ieq(f->name, NM_STR("Content-Description"))) {
    err = set_text(part, nm_part_set_description, f->value, part->description.n > 0);
  } else if (nm_str_ieq(f->name, NM_STR("Content-Location"))) {
    err = set_text(part, nm_part_set_location, f->value, part->location.n > 0);
  } else if (nm_str_ieq(f->name, NM_STR("Content-Language"))) {
    err = set_text(part, nm_part_set_language, f->value, part->language.n > 0);
  }
  return keep(p, part, f, err);
}

/* What an entity says of itself but for its type. "no specification of the header fields in a body part except those that begin with
   Content-" (RFC 2046 5.1): kept, they would become those of the message when the part becomes its root. */
static int read_fields(struct nm_parse *p, const struct nm_entity *entity, struct nm_part *part) {
  enum nm_disposition disposition = NM_DISPOSITION_NONE;
  struct nm_head_field f;
  size_t at = 0;
  int err = set_params(part, &entity->type);
  while (err == 0 && nm_head_next(entity->head, &at, &f) > 0) {
    if (nm_str_istarts(f.name, NM_STR("Content-"))) {
      err = read_part_field(p, part, &f, &disposition);
    }
  }
  part->disposition = disposition;
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : err;
}

static int set_type(struct nm_part *part, const struct nm_entity *entity) {
  struct nm_buf type = {.max = 1000};
  struct nm_error why = {0};
  if (nm_entity_is(entity, "multipart", "*") &&
      part->kind != NM_PART_MULTIPART) { /* without parts: what is there is text */
    nm_buf_add_c(&type, "text/plain");
  } else if (entity->type.type.n == 0 || entity->type.subtype.n == 0) {
    nm_buf_add_c(&type, entity->in_digest ? "message/rfc822" : "text/plain");
  } else {
    nm_buf_add_str(&type, entity->type.type);
    nm_buf_add_byte(&type, '/');
    nm_buf_add_str(&type, entity->type.subtype);
  }
  int err = type.err != 0 ? type.err : nm_part_set_type(part, nm_buf_str(&type), &why);
  nm_buf_free(&type);
  return err;
}

/* ---- contents ---- */

/* The octets of a leaf, decoded. An encoding that nobody knows: as they are, and *cte is -1. */
static int read_octets(struct nm_parse *p, const struct nm_entity *entity, struct nm_content **out,
                       int *cte) {
  struct nm_decoder d = {.cte = NM_CTE_7BIT};
  struct nm_buf octets = {.max = NM_PARSE_MAX + NM_DECODER_ROOM(0)};
  *cte = nm_cte_read(nm_entity_field(entity, NM_STR("Content-Transfer-Encoding")), &d.cte) == 0 ? (int)d.cte
                                                                                                : -1;
  char *room = nm_buf_room(&octets, NM_DECODER_ROOM(entity->body.n));
  if (room == NULL) {
    return nm_error_nomem(p->e);
  }
  octets.n = nm_decoder_step(&d, entity->body.p, entity->body.n, room);
  octets.n += nm_decoder_flush(&d, room + octets.n);
  int err = nm_content_take(&octets, out, p->e);
  nm_buf_free(&octets);
  return err;
}

/* The encoding that is chosen for these octets; NM_EINVAL when the wish cannot be had. */
static int choose(struct nm_content *octets, int text, const struct nm_cte_wish *wish, enum nm_cte *out) {
  struct nm_source *s = NULL;
  struct nm_scan scan;
  struct nm_encoding how = {.cte = NM_CTE_BASE64};
  int err = nm_content_open(octets, &s, NULL);
  err = err == 0 ? nm_encoding_choose(s, text, wish, &scan, &how) : err;
  nm_source_free(&s);
  *out = how.cte;
  return err;
}

/* The encoding in which it came is the one to write it in, where that is not the one we would choose, and can be. What is not
   looked_at goes in base64 (mime/leaf.c). */
static int set_wish(struct nm_parse *p, struct nm_part *part, struct nm_content *octets, int text,
                    int looked_at, int cte) {
  struct nm_cte_wish wish = {.is_forced = 1, .allowed = NM_ALLOW_8BIT | NM_ALLOW_BINARY};
  enum nm_cte ours = NM_CTE_BASE64, forced = NM_CTE_BASE64;
  int err = looked_at ? choose(octets, text, NULL, &ours) : 0;
  if (err == 0 && cte >= 0 && ours != (enum nm_cte)cte) {
    wish.forced = (enum nm_cte)cte;
    err = choose(octets, text, &wish, &forced);
    if (err == 0 && forced == wish.forced) {
      wish.allowed = 0;
      part->wish = wish;
    }
  }
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : 0;
}

static struct nm_str charset_of(const struct nm_entity *entity) {
  struct nm_str charset = nm_typed_get(&entity->type, NM_STR("charset"));
  return charset.p != NULL ? charset : nm_str("", 0);
}

/* A part's octets as UTF-8; NM_EINVAL when they are no text in that charset, or too much of it. */
static int to_utf8(struct nm_parse *p, struct nm_str charset, struct nm_str octets, struct nm_content **out) {
  size_t bad = 0, left = p->budget->text;
  struct nm_buf utf8 = {.max = left < NM_BODY_MAX ? left : NM_BODY_MAX};
  nm_buf_add(&utf8, "", 0);
  int err = nm_charset_decode(charset, octets, &utf8, &bad);
  if (err == 0 && (bad > 0 || memchr(utf8.p, '\0', utf8.n) != NULL)) {
    err = NM_EINVAL;
  }
  if (err == NM_ELIMIT) { /* no other one is tried in vain */
    p->budget->text = 0;
  } else if (err == 0) {
    p->budget->text -= utf8.n;
    err = nm_content_take(&utf8, out, p->e);
  }
  nm_buf_free(&utf8);
  return err == NM_ENOMEM ? nm_error_nomem(p->e) : err == 0 ? 0 : NM_EINVAL;
}

/* The octets of a leaf, decoded, and their text. */
static int read_text(struct nm_parse *p, const struct nm_entity *entity, struct nm_content **octets, int *cte,
                     struct nm_content **text) {
  int err = read_octets(p, entity, octets, cte);
  err = err == 0 && *cte < 0 ? NM_EINVAL : err;
  return err == 0 ? to_utf8(p, charset_of(entity), nm_content_bytes(*octets), text) : err;
}

int nm_parse_text(struct nm_parse *p, size_t i, struct nm_content **out) {
  struct nm_content *octets = NULL;
  int cte;
  int err = read_text(p, &p->entities.items[i], &octets, &cte, out);
  nm_content_unref(&octets);
  return err;
}

/* 0 when the text in that charset has these octets (us-ascii is read as UTF-8, and is not that); NM_EINVAL. */
static int comes_back(struct nm_parse *p, struct nm_str charset, struct nm_content *utf8,
                      struct nm_content *octets) {
  int gives = nm_charset_is_utf8(charset)
                  ? 1
                  : nm_charset_gives(charset, nm_content_bytes(utf8), nm_content_bytes(octets));
  if (gives == 0) {
    p->budget->text += nm_content_bytes(utf8).n; /* it is not kept */
  }
  return gives < 0 ? nm_error_nomem(p->e) : gives ? 0 : NM_EINVAL;
}

/* text, of those octets, as a part. */
static int make_text(struct nm_parse *p, const struct nm_entity *entity, struct nm_content *octets,
                     struct nm_content *text, int cte, struct nm_part **out) {
  int err = nm_part_new_text(text, out, p->e);
  err = err == 0 ? set_type(*out, entity) : err;
  err = err == 0 ? read_fields(p, entity, *out) : err;
  err = err == 0 ? set_wish(p, *out, octets, 1, 1, cte) : err;
  if (err != 0) {
    nm_part_unref(out);
  }
  return err;
}

int nm_parse_text_part(struct nm_parse *p, size_t i, struct nm_part **out) {
  const struct nm_entity *entity = &p->entities.items[i];
  struct nm_content *octets = NULL, *text = NULL;
  int cte;
  *out = NULL;
  int err = read_text(p, entity, &octets, &cte, &text);
  err = err == 0 ? comes_back(p, charset_of(entity), text, octets) : err;
  err = err == 0 ? make_text(p, entity, octets, text, cte, out) : err;
  nm_content_unref(&octets);
  nm_content_unref(&text);
  return err;
}

/* ---- parts ---- */

/* What may not be encoded must be fit to go as it is (see mime/leaf.c). */
static int is_sendable(struct nm_str octets) {
  struct nm_scan scan = nm_scan_of(octets.p, octets.n);
  return nm_scan_is_7bit(&scan) && scan.cr == 0;
}

/* The same where 8BITMIME is offered. What is not was broken on its way here, and so is its signature. */
static int is_fit(struct nm_str octets) {
  struct nm_scan scan = nm_scan_of(octets.p, octets.n);
  return nm_scan_is_8bit(&scan) && scan.cr == 0;
}

static int octets_type(struct nm_part *part, const struct nm_entity *entity, struct nm_str octets, int cte) {
  int composite = nm_entity_is(entity, "message", "*") && !nm_entity_is(entity, "message", "global");
  int err = cte < 0 || (composite && !is_sendable(octets)) ? NM_EINVAL : set_type(part, entity);
  struct nm_error why = {0};
  if (err == NM_EINVAL ||
      err == NM_ELIMIT) { /* "must be treated as "application/octet-stream"" (RFC 2045 6.4) */
    err = nm_part_set_type(part, NM_STR("application/octet-stream"), &why);
  }
  return err;
}

static int make_octets(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out) {
  struct nm_content *octets = NULL;
  int cte;
  int err = read_octets(p, entity, &octets, &cte);
  err = err == 0 ? nm_part_new(octets, nm_str("", 0), out, p->e) : err;
  err = err == 0 ? octets_type(*out, entity, nm_content_bytes(octets), cte) : err;
  err = err == 0 ? read_fields(p, entity, *out) : err == NM_ENOMEM ? nm_error_nomem(p->e) : err;
  err = err == 0 ? set_wish(p, *out, octets, 0, nm_entity_is(entity, "text", "*"), cte) : err;
  nm_content_unref(&octets);
  return err;
}

/* multipart/signed and multipart/encrypted: the octets with their boundary. */
static int make_opaque(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out) {
  struct nm_content *content = NULL;
  struct nm_buf type = {.max = 1000};
  nm_buf_add_str(&type, entity->type.type);
  nm_buf_add_byte(&type, '/');
  nm_buf_add_str(&type, entity->type.subtype);
  int err = type.err != 0 ? nm_error_nomem(p->e) : nm_content_memory(entity->body, &content, p->e);
  err = err == 0 ? nm_part_new(content, nm_str("", 0), out, p->e) : err;
  err = err == 0 ? read_fields(p, entity, *out) : err;
  err = err == 0 ? nm_buf_replace(&(*out)->type, "the part's type", nm_buf_str(&type), p->e) : err;
  err = err == 0 ? nm_params_set(&(*out)->params, NM_STR("boundary"),
                                 nm_typed_get(&entity->type, NM_STR("boundary")), p->e)
                 : err;
  nm_content_unref(&content);
  nm_buf_free(&type);
  return err;
}

/* As deep as entities are nested: NM_ENTITY_DEPTH_MAX. */
static int make_multipart(struct nm_parse *p, const struct nm_entity *entity, struct nm_part **out) {
  struct nm_list *children = nm_part_list_new();
  struct nm_buf type = {.max = 1000};
  int err = children != NULL ? 0 : nm_error_nomem(p->e);
  for (size_t i = entity->child; err == 0 && i != NM_ENTITY_NONE; i = p->entities.items[i].next) {
    struct nm_part *child = NULL;
    err = nm_parse_part(p, i, &child);
    err = err == 0 && nm_list_add(children, child) != 0 ? nm_error_nomem(p->e) : err;
    nm_part_unref(&child);
  }
  nm_buf_add_c(&type, "multipart/");
  nm_buf_add_str(&type, entity->type.subtype);
  if (err == 0) {
    err = type.err == NM_ENOMEM   ? nm_error_nomem(p->e)
          : type.err == NM_ELIMIT ? NM_EINVAL
                                  : nm_part_new_multipart(nm_buf_str(&type), children, out, p->e);
  }
  if (err == NM_EINVAL) { /* "multipart/mixed" is what an unknown one is treated as (RFC 2046 5.1.7) */
    err = nm_part_new_multipart(NM_STR("multipart/mixed"), children, out, p->e);
  }
  err = err == 0 ? read_fields(p, entity, *out) : err;
  nm_buf_free(&type);
  nm_list_unref(&children);
  return err;
}

int nm_entity_is_attached(const struct nm_entity *entity) {
  struct nm_typed d;
  struct nm_str value = nm_entity_field(entity, NM_STR("Content-Disposition"));
  int err = value.p != NULL ? nm_typed_read(&d, value) : NM_EINVAL;
  int attached = nm_typed_get(&entity->type, NM_STR("name")).p != NULL;
  if (err == 0) {
    attached |= !nm_str_ieq(d.type, NM_STR("inline")) || nm_typed_get(&d, NM_STR("filename")).p != NULL;
    nm_typed_free(&d);
  }
  return err == NM_ENOMEM ? err : attached;
}

static int make_leaf(struct nm_parse *p, size_t i, struct nm_part **out) {
  const struct nm_entity *entity = &p->entities.items[i];
  int err = 0;
  if (nm_entity_is(entity, "message", "rfc822") || nm_entity_is(entity, "message", "global")) {
    err = nm_parse_embedded(p, entity, out);
    err = err == 0 && *out != NULL ? read_fields(p, entity, *out) : err;
  } else if (nm_entity_is(entity, "message", "external-body")) {
    err = nm_parse_external(p, entity, out);
  } else if (nm_entity_is(entity, "text", "*") || nm_entity_is(entity, "multipart", "*")) {
    int attached = nm_entity_is_attached(entity);
    err = attached < 0 ? nm_error_nomem(p->e) : attached ? 0 : nm_parse_text_part(p, i, out);
    err = err == NM_EINVAL ? 0 : err;
  }
  return err == 0 && *out == NULL ? make_octets(p, entity, out) : err;
}

int nm_parse_part(struct nm_parse *p, size_t i, struct nm_part **out) {
  const struct nm_entity *entity = &p->entities.items[i];
  *out = NULL;
  int opaque =
      is_fit(entity->body) &&
      ((nm_entity_is(entity, "multipart", "signed") || nm_entity_is(entity, "multipart", "encrypted")) &&
       nm_typed_get(&entity->type, NM_STR("boundary")).n > 0);
  int err = entity->child != NM_ENTITY_NONE ? make_multipart(p, entity, out)
            : opaque                        ? make_opaque(p, entity, out)
                                            : make_leaf(p, i, out);
  if (err != 0) {
    nm_part_unref(out);
  }
  return err;
}
