#include "mime/parse_state.h"

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
  int err = cte < 0 || (composite && !is_sendable(octets)) ? NM_EINVAL : nm_parse_type(part, entity);
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
  int err = nm_parse_octets(p, entity, &octets, &cte);
  err = err == 0 ? nm_part_new(octets, nm_str("", 0), out, p->e) : err;
  err = err == 0 ? octets_type(*out, entity, nm_content_bytes(octets), cte) : err;
  err = err == 0 ? nm_parse_fields(p, entity, *out) : err == NM_ENOMEM ? nm_error_nomem(p->e) : err;
  err = err == 0 ? nm_parse_wish(p, *out, octets, 0, nm_entity_is(entity, "text", "*"), cte) : err;
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
  err = err == 0 ? nm_parse_fields(p, entity, *out) : err;
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
  for (size_t i = entity->child; err == 0 && i != NM_ENTITY_NONE; i = nm_parse_entity(p, i)->next) {
    err = nm_parse_part_into(p, i, children);
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
  err = err == 0 ? nm_parse_fields(p, entity, *out) : err;
  nm_buf_free(&type);
  nm_list_unref(&children);
  return err;
}

static int make_leaf(struct nm_parse *p, size_t i, struct nm_part **out) {
  const struct nm_entity *entity = nm_parse_entity(p, i);
  int err = 0;
  if (nm_entity_is(entity, "message", "rfc822") || nm_entity_is(entity, "message", "global")) {
    err = nm_parse_embedded(p, entity, out);
    err = err == 0 && *out != NULL ? nm_parse_fields(p, entity, *out) : err;
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
  const struct nm_entity *entity = nm_parse_entity(p, i);
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

int nm_parse_part_into(struct nm_parse *p, size_t i, struct nm_list *list) {
  struct nm_part *part = NULL;
  int err = nm_parse_part(p, i, &part);
  err = err == 0 && nm_list_add(list, part) != 0 ? nm_error_nomem(p->e) : err;
  nm_part_unref(&part);
  return err;
}
