#include "mime/charset.h"
#include "mime/field_read.h"
#include "mime/head_read.h"
#include "mime/parse_state.h"

/* What a body of the shape in mime/tree.h is made of, before it becomes that of the message. Nothing is taken back from a message. */
struct shape {
  struct nm_content *text, *html;
  struct nm_part *text_part, *html_part; /* NULL: a text that is no TEXT (mime/parse_state.h) */
  struct nm_list *views, *linked;
};

static const struct nm_entity *entity_at(const struct nm_parse *p, size_t i) {
  return &p->entities.items[i];
}

static int shape_new(struct nm_parse *p, struct shape *s) {
  *s = (struct shape){.views = nm_part_list_new(), .linked = nm_part_list_new()};
  return s->views != NULL && s->linked != NULL ? 0 : nm_error_nomem(p->e);
}

static void shape_free(struct shape *s) {
  nm_content_unref(&s->text);
  nm_content_unref(&s->html);
  nm_part_unref(&s->text_part);
  nm_part_unref(&s->html_part);
  nm_list_unref(&s->views);
  nm_list_unref(&s->linked);
}

static int add_part(struct nm_parse *p, size_t i, struct nm_list *list) {
  struct nm_part *part = NULL;
  int err = nm_parse_part(p, i, &part);
  err = err == 0 && nm_list_add(list, part) != 0 ? nm_error_nomem(p->e) : err;
  nm_part_unref(&part);
  return err;
}

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
  const struct nm_entity *entity = entity_at(p, i);
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

static int take_body(struct nm_parse *p, size_t i, struct shape *s) {
  const struct nm_entity *entity = entity_at(p, i);
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
  const struct nm_entity *entity = entity_at(p, i);
  return entity->n > 1 && nm_entity_is(entity, "multipart", subtype) && nm_entity_is_plain(entity, i == 0);
}

static int is_below_html(const struct nm_entity *entity) {
  return nm_entity_is(entity, "text", "*") && !nm_entity_is(entity, "text", "html") &&
         !nm_entity_is(entity, "text", "calendar");
}

/* alternative(text, related(html, pictures)): where Thunderbird and Apple Mail put the pictures, which is the same to every
   reader as related(alternative(text, html), pictures). */
static int take_html_related(struct nm_parse *p, size_t i, struct shape *s) {
  size_t k = entity_at(p, i)->child;
  if (!is_made(p, i, "related") || !nm_entity_is(entity_at(p, k), "text", "html")) {
    return 0;
  }
  int took = take_body(p, k, s);
  for (k = entity_at(p, k)->next; took == 1 && k != NM_ENTITY_NONE; k = entity_at(p, k)->next) {
    int err = add_part(p, k, s->linked);
    took = err == 0 ? 1 : err;
  }
  return took;
}

/* text, views below html, html, other views, in that order. 1; 0: another shape. */
static int take_alternative(struct nm_parse *p, size_t i, struct shape *s) {
  int others = 0;
  for (size_t k = entity_at(p, i)->child; k != NM_ENTITY_NONE; k = entity_at(p, k)->next) {
    int took = take_body(p, k, s);
    took = took == 0 ? take_html_related(p, k, s) : took;
    if (took < 0) {
      return took;
    }
    int below = !took && is_below_html(entity_at(p, k));
    if ((took && s->html != NULL && others) || (below && (s->html != NULL || others))) {
      return 0;
    }
    int err = took ? 0 : add_part(p, k, s->views);
    if (err != 0) {
      return err;
    }
    others |= !took && !below;
  }
  return 1;
}

/* As mime/tree.c has it. */
static int has_html(const struct shape *s) {
  int found = s->html != NULL;
  for (size_t i = 0; i < s->views->n && !found; i++) {
    found = nm_str_ieq(nm_part_type(s->views->items[i]), NM_STR("text/html"));
  }
  return found;
}

static int take_related(struct nm_parse *p, size_t i, struct shape *s) {
  size_t k = entity_at(p, i)->child;
  int took = is_made(p, k, "alternative") ? take_alternative(p, k, s) : take_body(p, k, s);
  if (took <= 0 || !has_html(s)) {
    return took < 0 ? took : 0;
  }
  for (k = entity_at(p, k)->next; k != NM_ENTITY_NONE; k = entity_at(p, k)->next) {
    int err = add_part(p, k, s->linked);
    if (err != 0) {
      return err;
    }
  }
  return 1;
}

static int take_content(struct nm_parse *p, size_t i, struct shape *s) {
  return is_made(p, i, "related")       ? take_related(p, i, s)
         : is_made(p, i, "alternative") ? take_alternative(p, i, s)
                                        : take_body(p, i, s);
}

/* An attachment that html could show would be written beside it: this is another message then. */
static int would_move(const struct shape *s, const struct nm_list *attachments) {
  for (size_t i = 0; i < attachments->n && has_html(s); i++) {
    const struct nm_part *part = attachments->items[i];
    if (part->disposition == NM_DISPOSITION_INLINE && part->content_id.n > 0) {
      return 1;
    }
  }
  return 0;
}

/* ---- into the message ---- */

static struct nm_str charset_of(const struct nm_part *part) {
  struct nm_str charset = part != NULL ? nm_params_get(&part->params, NM_STR("charset")) : nm_str("", 0);
  return charset.p != NULL ? charset : nm_str("", 0);
}

/* Whether part says no more than the message does: its charset and encoding. */
static int is_said(const struct nm_message *m, const struct nm_part *part) {
  struct nm_str charset = charset_of(part), body = nm_buf_str(&m->body_encoding);
  int same_charset = nm_str_ieq(charset, body) || (nm_charset_is_utf8(charset) && nm_charset_is_utf8(body));
  int same_wish = part->wish.is_forced == m->body_wish.is_forced &&
                  (!part->wish.is_forced || part->wish.forced == m->body_wish.forced);
  return same_charset && same_wish && part->params.n <= (charset.n > 0 ? 1u : 0u) &&
         part->content_id.n == 0 && part->description.n == 0 && part->location.n == 0 &&
         part->language.n == 0 && part->fields == NULL && part->disposition == NM_DISPOSITION_NONE;
}

static void keep_part(struct nm_part **slot, const struct nm_message *m, struct nm_part **part) {
  if (*part != NULL && !is_said(m, *part)) {
    *slot = *part;
    *part = NULL;
  }
}

/* The charset of both, if they have one. Not us-ascii: the part is kept that is in it, and what is written anew may be any text. */
static int set_encoding(struct nm_message *m, struct nm_str charset, const struct nm_part *html,
                        struct nm_error *e) {
  int is_one = html == NULL || nm_str_ieq(charset_of(html), charset);
  if (!is_one || nm_charset_is_utf8(charset) || nm_str_ieq(charset, NM_STR("us-ascii"))) {
    return 0;
  }
  return nm_message_set_body_encoding(m, charset, e);
}

static int commit_bodies(struct nm_parse *p, struct shape *s) {
  struct nm_message *m = p->m;
  int all_parts = (s->text == NULL || s->text_part != NULL) && (s->html == NULL || s->html_part != NULL);
  struct nm_part *first = s->text_part != NULL ? s->text_part : s->html_part;
  if (all_parts && first != NULL) {
    struct nm_error why = {0};
    int err = set_encoding(m, charset_of(first), s->html_part, &why);
    if (err == NM_ENOMEM) {
      return nm_error_nomem(p->e);
    }
    if (first->wish.forced == NM_CTE_QP ||
        first->wish.forced == NM_CTE_BASE64) { /* what any text can be written in */
      m->body_wish = first->wish;
    }
  }
  m->text = s->text;
  m->html = s->html;
  s->text = s->html = NULL;
  keep_part(&m->text_part, m, &s->text_part);
  keep_part(&m->html_part, m, &s->html_part);
  m->is_body_html = m->html != NULL && m->text == NULL;
  return 0;
}

/* The last view and the first attachment are what Calendar makes of one text (mime/tree.c). */
static int is_calendar(const struct nm_part *view, const struct nm_part *file, struct nm_str method) {
  struct nm_str said = nm_params_get(&view->params, NM_STR("method"));
  return view->kind == NM_PART_TEXT && nm_str_eq(nm_part_type(view), NM_STR("text/calendar")) &&
         nm_str_eq(charset_of(view), NM_STR("utf-8")) && view->params.n == 2 && nm_str_eq(said, method) &&
         !view->wish.is_forced && view->fields == NULL && view->content_id.n == 0 &&
         view->description.n == 0 && view->location.n == 0 && view->language.n == 0 &&
         view->disposition == NM_DISPOSITION_NONE && file->kind == NM_PART_OCTETS &&
         nm_str_eq(nm_part_type(file), NM_STR("application/ics")) &&
         nm_str_eq(nm_buf_str(&file->name), NM_STR("invite.ics")) && file->params.n == 0 &&
         !file->wish.is_forced && file->fields == NULL && file->content_id.n == 0 &&
         file->description.n == 0 && file->location.n == 0 && file->language.n == 0 &&
         file->disposition == NM_DISPOSITION_ATTACHMENT &&
         nm_str_eq(nm_content_bytes(view->content), nm_content_bytes(file->content));
}

static int take_calendar(struct nm_parse *p, struct shape *s, struct nm_list *attachments) {
  struct nm_error why = {0};
  if (s->views->n == 0 || attachments->n == 0) {
    return 0;
  }
  struct nm_part *view = s->views->items[s->views->n - 1];
  if (view->kind != NM_PART_TEXT ||
      nm_message_set_calendar(p->m, nm_content_bytes(view->content), &why) != 0) {
    return why.code == NM_ENOMEM ? nm_error_nomem(p->e) : 0;
  }
  if (is_calendar(view, attachments->items[0], nm_buf_str(&p->m->calendar_method))) {
    nm_list_remove(s->views, s->views->n - 1);
    nm_list_remove(attachments, 0);
    return 0;
  }
  return nm_message_set_calendar(p->m, nm_str(NULL, 0), p->e);
}

static int commit(struct nm_parse *p, struct shape *s, struct nm_list *attachments) {
  int err = take_calendar(p, s, attachments);
  err = err == 0 ? commit_bodies(p, s) : err;
  if (err == 0 &&
      (nm_list_assign(p->m->views, s->views) != 0 || nm_list_assign(p->m->linked, s->linked) != 0 ||
       nm_list_assign(p->m->attachments, attachments) != 0)) {
    err = nm_error_nomem(p->e);
  }
  return err;
}

/* What the header of the whole says of its content, where no part is made of it that could say it. */
static int keep_content_fields(struct nm_parse *p) {
  static const struct nm_str made[] = {{"Content-Type", 12}, {"Content-Transfer-Encoding", 25}};
  struct nm_head_field f;
  size_t at = 0;
  int err = 0;
  while (err == 0 && nm_head_next(entity_at(p, 0)->head, &at, &f) > 0) {
    int is_content = f.name.n > 8 && nm_str_istarts(f.name, NM_STR("Content-"));
    if (is_content && !nm_str_ieq(f.name, made[0]) && !nm_str_ieq(f.name, made[1])) {
      err = nm_field_read(p->m->fields, &f, p->e);
    }
  }
  return err;
}

/* A root nested by hand, or attachments alone: whatever the first part is. */
static int by_hand(struct nm_parse *p, size_t i, int is_body, struct nm_list *attachments) {
  int err = is_body ? nm_parse_part(p, i, &p->m->root) : 0;
  if (err == 0 && nm_list_assign(p->m->attachments, attachments) != 0) {
    err = nm_error_nomem(p->e);
  }
  return err;
}

/* An empty body of the simplest kind is none. */
static void forget_nothing(struct nm_message *m) {
  if (m->text != NULL && m->text_part == NULL && nm_content_size(m->text) == 0 && m->body_encoding.n == 0 &&
      !m->body_wish.is_forced && m->html == NULL && m->views->n == 0 && m->attachments->n == 0) {
    nm_content_unref(&m->text);
  }
}

/* The whole, or the first part of a mixed, as a shape; 0: it is none. */
static int take_shape(struct nm_parse *p, size_t i, struct nm_list *attachments) {
  struct shape s;
  int took = shape_new(p, &s);
  took = took == 0 ? take_content(p, i, &s) : took;
  if (took == 1 && would_move(&s, attachments)) {
    took = 0;
  }
  if (took == 1) {
    int err = commit(p, &s, attachments);
    took = err == 0 ? 1 : err;
  }
  shape_free(&s);
  return took;
}

static int read_mixed(struct nm_parse *p, int attached) {
  const struct nm_entity *root = entity_at(p, 0);
  struct nm_list *attachments = nm_part_list_new();
  int err = attachments != NULL ? 0 : nm_error_nomem(p->e);
  int is_body = !attached;
  size_t first = is_body ? entity_at(p, root->child)->next : root->child;
  for (size_t k = first; err == 0 && k != NM_ENTITY_NONE; k = entity_at(p, k)->next) {
    err = add_part(p, k, attachments);
  }
  int took = err == 0 && is_body ? take_shape(p, root->child, attachments) : err;
  if (took == 0) {
    took = by_hand(p, root->child, is_body, attachments);
  }
  nm_list_unref(&attachments);
  err = took < 0 ? took : 0;
  return err == 0 ? keep_content_fields(p) : err;
}

static int read_single(struct nm_parse *p) {
  struct nm_list *none = nm_part_list_new();
  int took = none != NULL ? take_shape(p, 0, none) : nm_error_nomem(p->e);
  int is_multipart = entity_at(p, 0)->child != NM_ENTITY_NONE;
  if (took == 1 && (is_multipart || (p->m->text_part == NULL && p->m->html_part == NULL))) {
    int err = keep_content_fields(p);
    took = err == 0 ? 1 : err;
  }
  if (took == 0) {
    took = by_hand(p, 0, 1, none);
  }
  nm_list_unref(&none);
  forget_nothing(p->m);
  return took < 0 ? took : 0;
}

int nm_parse_body(struct nm_parse *p) {
  const struct nm_entity *root = entity_at(p, 0);
  if (root->child == NM_ENTITY_NONE || !nm_entity_is(root, "multipart", "mixed") ||
      !nm_entity_is_plain(root, 1)) {
    return read_single(p);
  }
  const struct nm_entity *first = entity_at(p, root->child);
  int attached = first->child == NM_ENTITY_NONE ? nm_entity_is_attached(first) : 0;
  if (attached < 0) {
    return nm_error_nomem(p->e);
  }
  return root->n > 1 || attached ? read_mixed(p, attached) : read_single(p);
}
