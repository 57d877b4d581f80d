#include "mime/charset.h"
#include "mime/field_read.h"
#include "mime/head_read.h"
#include "mime/parse_shape.h"
#include "mime/parse_state.h"

static struct nm_str charset_of(const struct nm_part *part) {
  struct nm_str charset = part != NULL ? nm_params_get(&part->params, NM_STR("charset")) : nm_str("", 0);
  return charset.p != NULL ? charset : nm_str("", 0);
}

/* Nothing is said of it but its type, encoding, name and disposition. */
static int is_bare(const struct nm_part *part) {
  return part->content_id.n == 0 && part->description.n == 0 && part->location.n == 0 &&
         part->language.n == 0 && part->fields == NULL;
}

/* Whether part says no more than the message does: its charset and encoding. */
static int is_said(const struct nm_message *m, const struct nm_part *part) {
  struct nm_str charset = charset_of(part), body = nm_buf_str(&m->body_encoding);
  int same_charset = nm_str_ieq(charset, body) || (nm_charset_is_utf8(charset) && nm_charset_is_utf8(body));
  int same_wish = part->wish.is_forced == m->body_wish.is_forced &&
                  (!part->wish.is_forced || part->wish.forced == m->body_wish.forced);
  return same_charset && same_wish && part->params.n <= (charset.n > 0 ? 1u : 0u) && is_bare(part) &&
         part->disposition == NM_DISPOSITION_NONE;
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

static int commit_bodies(struct nm_parse *p, struct nm_shape *s) {
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
  int is_view = view->kind == NM_PART_TEXT && nm_str_eq(nm_part_type(view), NM_STR("text/calendar")) &&
                nm_str_eq(charset_of(view), NM_STR("utf-8")) && view->params.n == 2 &&
                nm_str_eq(said, method) && !view->wish.is_forced && is_bare(view) &&
                view->disposition == NM_DISPOSITION_NONE;
  int is_file = file->kind == NM_PART_OCTETS && nm_str_eq(nm_part_type(file), NM_STR("application/ics")) &&
                nm_str_eq(nm_buf_str(&file->name), NM_STR("invite.ics")) && file->params.n == 0 &&
                !file->wish.is_forced && is_bare(file) && file->disposition == NM_DISPOSITION_ATTACHMENT;
  return is_view && is_file && nm_str_eq(nm_content_bytes(view->content), nm_content_bytes(file->content));
}

static int take_calendar(struct nm_parse *p, struct nm_shape *s, struct nm_list *attachments) {
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

static int commit(struct nm_parse *p, struct nm_shape *s, struct nm_list *attachments) {
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
  struct nm_head_field f;
  size_t at = 0;
  int err = 0;
  while (err == 0 && nm_head_next(nm_parse_entity(p, 0)->head, &at, &f) > 0) {
    int is_content = f.name.n > 8 && nm_str_istarts(f.name, NM_STR("Content-"));
    if (is_content && !nm_entity_is_type_field(f.name)) {
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
  struct nm_shape s;
  int took = nm_shape_read(p, i, attachments, &s);
  if (took == 1) {
    int err = commit(p, &s, attachments);
    took = err == 0 ? 1 : err;
  }
  nm_shape_free(&s);
  return took;
}

static int read_mixed(struct nm_parse *p, int attached) {
  const struct nm_entity *root = nm_parse_entity(p, 0);
  struct nm_list *attachments = nm_part_list_new();
  int err = attachments != NULL ? 0 : nm_error_nomem(p->e);
  int is_body = !attached;
  size_t first = is_body ? nm_parse_entity(p, root->child)->next : root->child;
  for (size_t k = first; err == 0 && k != NM_ENTITY_NONE; k = nm_parse_entity(p, k)->next) {
    err = nm_parse_part_into(p, k, attachments);
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
  int is_multipart = nm_parse_entity(p, 0)->child != NM_ENTITY_NONE;
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
  const struct nm_entity *root = nm_parse_entity(p, 0);
  if (root->child == NM_ENTITY_NONE || !nm_entity_is(root, "multipart", "mixed") ||
      !nm_entity_is_plain(root, 1)) {
    return read_single(p);
  }
  const struct nm_entity *first = nm_parse_entity(p, root->child);
  int attached = first->child == NM_ENTITY_NONE ? nm_entity_is_attached(first) : 0;
  if (attached < 0) {
    return nm_error_nomem(p->e);
  }
  return root->n > 1 || attached ? read_mixed(p, attached) : read_single(p);
}
