/* What an entity says of itself in its header. */

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

/* ---- as a part ---- */

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
int nm_parse_fields(struct nm_parse *p, const struct nm_entity *entity, struct nm_part *part) {
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

int nm_parse_type(struct nm_part *part, const struct nm_entity *entity) {
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
