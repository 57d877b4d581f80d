#include "mime/parse_shape.h"

#include "mime/head_read.h"

/* ---- a text ---- */

/* Nothing is said of it that the text alone would not keep, but for a charset that is not that of its octets. */
static int is_simple(const struct nm_entity *entity, int is_root) {
  struct nm_head_field f;
  size_t at = 0;
  for (size_t i = 0; i < entity->type.n; i++) {
    if (!nm_str_ieq(entity->type.items[i].name, NM_STR("charset"))) {
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

/* 1: it is text now; 0: it is none. */
static int take_text(struct nm_parse *p, size_t i, struct nm_content **text, struct nm_part **part) {
  const struct nm_entity *entity = nm_parse_entity(p, i);
  int attached = entity->child != NM_ENTITY_NONE ? 1 : nm_entity_is_attached(entity);
  if (attached != 0) {
    return attached < 0 ? nm_error_nomem(p->e) : 0;
  }
  int err = nm_parse_text_part(p, i, part);
  if (err == 0) {
    *text = nm_content_ref((*part)->content);
    return 1;
  }
  if (err == NM_EINVAL && is_simple(entity, i == 0)) {
    err = nm_parse_text(p, i, text);
  }
  return err == 0 ? 1 : err == NM_EINVAL ? 0 : err;
}

static int take_body(struct nm_parse *p, size_t i, struct nm_shape *s) {
  const struct nm_entity *entity = nm_parse_entity(p, i);
  if (nm_entity_is(entity, "text", "html") && s->html == NULL) {
    return take_text(p, i, &s->html, &s->html_part);
  }
  if (nm_entity_is(entity, "text", "plain") && s->text == NULL && s->html == NULL && s->views->n == 0) {
    return take_text(p, i, &s->text, &s->text_part);
  }
  return 0;
}

/* ---- multiparts ---- */

static int is_made(const struct nm_parse *p, size_t i, const char *subtype) {
  const struct nm_entity *entity = nm_parse_entity(p, i);
  return entity->n > 1 && nm_entity_is(entity, "multipart", subtype) && nm_entity_is_plain(entity, i == 0);
}

static int is_below_html(const struct nm_entity *entity) {
  return nm_entity_is(entity, "text", "*") && !nm_entity_is(entity, "text", "html") &&
         !nm_entity_is(entity, "text", "calendar");
}

/* alternative(text, related(html, pictures)): where Thunderbird and Apple Mail put the pictures, which is the same to every
   reader as related(alternative(text, html), pictures). */
static int take_html_related(struct nm_parse *p, size_t i, struct nm_shape *s) {
  size_t k = nm_parse_entity(p, i)->child;
  if (!is_made(p, i, "related") || !nm_entity_is(nm_parse_entity(p, k), "text", "html")) {
    return 0;
  }
  int took = take_body(p, k, s);
  for (k = nm_parse_entity(p, k)->next; took == 1 && k != NM_ENTITY_NONE; k = nm_parse_entity(p, k)->next) {
    int err = nm_parse_part_into(p, k, s->linked);
    took = err == 0 ? 1 : err;
  }
  return took;
}

/* text, views below html, html, other views, in that order. 1; 0: another shape. */
static int take_alternative(struct nm_parse *p, size_t i, struct nm_shape *s) {
  int others = 0;
  for (size_t k = nm_parse_entity(p, i)->child; k != NM_ENTITY_NONE; k = nm_parse_entity(p, k)->next) {
    int took = take_body(p, k, s);
    took = took == 0 ? take_html_related(p, k, s) : took;
    if (took < 0) {
      return took;
    }
    int below = !took && is_below_html(nm_parse_entity(p, k));
    if ((took && s->html != NULL && others) || (below && (s->html != NULL || others))) {
      return 0;
    }
    int err = took ? 0 : nm_parse_part_into(p, k, s->views);
    if (err != 0) {
      return err;
    }
    others |= !took && !below;
  }
  return 1;
}

/* By mime/tree.c, what is linked stands beside html only. */
static int has_html(const struct nm_shape *s) {
  return s->html != NULL || nm_part_list_has_type(s->views, NM_STR("text/html"));
}

static int take_related(struct nm_parse *p, size_t i, struct nm_shape *s) {
  size_t k = nm_parse_entity(p, i)->child;
  int took = is_made(p, k, "alternative") ? take_alternative(p, k, s) : take_body(p, k, s);
  if (took <= 0 || !has_html(s)) {
    return took < 0 ? took : 0;
  }
  for (k = nm_parse_entity(p, k)->next; k != NM_ENTITY_NONE; k = nm_parse_entity(p, k)->next) {
    int err = nm_parse_part_into(p, k, s->linked);
    if (err != 0) {
      return err;
    }
  }
  return 1;
}

static int take_content(struct nm_parse *p, size_t i, struct nm_shape *s) {
  return is_made(p, i, "related")       ? take_related(p, i, s)
         : is_made(p, i, "alternative") ? take_alternative(p, i, s)
                                        : take_body(p, i, s);
}

/* An attachment that html could show would be written beside it: this is another message then. */
static int would_move(const struct nm_shape *s, const struct nm_list *attachments) {
  for (size_t i = 0; i < attachments->n && has_html(s); i++) {
    if (nm_part_is_shown(attachments->items[i])) {
      return 1;
    }
  }
  return 0;
}

/* ---- the whole ---- */

int nm_shape_read(struct nm_parse *p, size_t i, const struct nm_list *attachments, struct nm_shape *s) {
  *s = (struct nm_shape){.views = nm_part_list_new(), .linked = nm_part_list_new()};
  if (s->views == NULL || s->linked == NULL) {
    return nm_error_nomem(p->e);
  }
  int took = take_content(p, i, s);
  return took == 1 && would_move(s, attachments) ? 0 : took;
}

void nm_shape_free(struct nm_shape *s) {
  nm_content_unref(&s->text);
  nm_content_unref(&s->html);
  nm_part_unref(&s->text_part);
  nm_part_unref(&s->html_part);
  nm_list_unref(&s->views);
  nm_list_unref(&s->linked);
}
