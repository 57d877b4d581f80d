#include "mime/tree.h"

#include "base/alloc.h"
#include "mime/charset.h"

/* Besides the attachments: two bodies, three multiparts. */
#define PARTS_EXTRA 5

static struct nm_node *add_part(struct nm_tree *t, const char *multipart) {
  struct nm_node *part = &t->parts[t->n++];
  *part = (struct nm_node){.multipart = multipart};
  return part;
}

/* The text in the charset of BodyEncoding; UTF-8 is taken as it is. */
static int convert(struct nm_str charset, struct nm_content *utf8, const char *field, struct nm_content **out,
                   struct nm_error *e) {
  if (nm_charset_is_utf8(charset)) {
    *out = nm_content_ref(utf8);
    return 0;
  }
  struct nm_buf text = {.max = NM_BODY_MAX};
  struct nm_error why = {0};
  int err = nm_charset_encode(charset, nm_content_bytes(utf8), &text, &why);
  if (err == 0 && text.err != 0) {
    err = text.err;
    nm_error_set(&why, err, NM_KIND_MESSAGE, "it is too long in this charset");
  }
  if (err == 0) {
    err = nm_content_memory(nm_buf_str(&text), out, &why);
  }
  nm_buf_free(&text);
  if (err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  return err == 0 ? 0 : nm_error_set(e, err, NM_KIND_MESSAGE, "%s: %s", field, why.text);
}

static int add_body(struct nm_tree *t, const struct nm_message *m, int html, struct nm_node **out,
                    struct nm_error *e) {
  struct nm_content *utf8 = html ? m->html : m->text;
  *out = NULL;
  if (utf8 == NULL) {
    return 0;
  }
  struct nm_node *part = add_part(t, NULL);
  part->type = html ? "text/html" : "text/plain";
  *out = part;
  return convert(nm_buf_str(&m->body_encoding), utf8, html ? "Html" : "Text", &part->content, e);
}

static int is_shown_by(const struct nm_node *html, const struct nm_part *a) {
  return html != NULL && a->inline_part && a->content_id.n > 0;
}

/* The attachments that are shown by the HTML, or the others, as parts after *at; returns where the list ends. */
static struct nm_node **add_attachments(struct nm_tree *t, const struct nm_message *m,
                                        const struct nm_node *html, int shown, struct nm_node **at) {
  for (size_t i = 0; i < m->attachments->n; i++) {
    struct nm_part *a = m->attachments->items[i];
    if (is_shown_by(html, a) == shown) {
      struct nm_node *part = add_part(t, NULL);
      part->content = nm_content_ref(a->content);
      part->attachment = a;
      *at = part;
      at = &part->next;
    }
  }
  return at;
}

/* body and the attachments of one sort in a multipart; body alone (it may be NULL) when there are none. */
static struct nm_node *join(struct nm_tree *t, const struct nm_message *m, const char *multipart,
                            struct nm_node *body, const struct nm_node *html) {
  struct nm_node *list = NULL;
  int shown = strcmp(multipart, "related") == 0;
  add_attachments(t, m, html, shown, body != NULL ? &body->next : &list);
  if (body != NULL ? body->next == NULL : list == NULL) {
    return body;
  }
  struct nm_node *joined = add_part(t, multipart);
  joined->child = body != NULL ? body : list;
  if (shown) {
    joined->root = body->multipart != NULL ? "multipart/alternative" : body->type;
  }
  return joined;
}

static int build(struct nm_tree *t, const struct nm_message *m, struct nm_error *e) {
  struct nm_node *text = NULL, *html = NULL;
  int err = add_body(t, m, 0, &text, e);
  if (err == 0) {
    err = add_body(t, m, 1, &html, e);
  }
  if (err != 0) {
    return err;
  }
  struct nm_node *body = text != NULL ? text : html;
  if (text != NULL && html != NULL) {
    body = add_part(t, "alternative");
    body->child = text; /* the plainest first (RFC 2046 5.1.4) */
    text->next = html;
  }
  if (html != NULL) {
    body = join(t, m, "related", body, html);
  }
  t->root = join(t, m, "mixed", body, html);
  if (t->root == NULL) {
    t->root = add_part(t, NULL);
    t->root->type = "text/plain";
  }
  return 0;
}

int nm_tree_make(struct nm_tree *t, const struct nm_message *m, struct nm_error *e) {
  *t = (struct nm_tree){0};
  t->parts = nm_realloc_array(NULL, m->attachments->n + PARTS_EXTRA, sizeof *t->parts);
  if (t->parts == NULL) {
    return nm_error_nomem(e);
  }
  int err = build(t, m, e);
  if (err != 0) {
    nm_tree_free(t);
  }
  return err;
}

void nm_tree_free(struct nm_tree *t) {
  for (size_t i = 0; i < t->n; i++) {
    nm_content_unref(&t->parts[i].content);
  }
  nm_free(t->parts);
  *t = (struct nm_tree){0};
}
