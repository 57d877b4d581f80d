#include "mime/tree.h"

#include "base/alloc.h"
#include "mime/mediatype.h"
#include "mime/tree_text.h"

#define BLOCK_NODES 64
/* One part may stand in many places, and so be many nodes: what can be attached to a message, twice. */
#define NODES_MAX ((size_t)2 * NM_PART_LIST_MAX)

struct nm_tree_block {
  struct nm_tree_block *next;
  struct nm_node nodes[BLOCK_NODES];
};

struct build {
  struct nm_tree *t;
  struct nm_error *e;
  int err; /* the first failure; then no node is added any more */
};

/* What becomes of a list of nodes under construction. */
struct chain {
  struct nm_node *first;
  struct nm_node **end;
  size_t n;
};

static struct nm_node *new_node(struct nm_tree *t) {
  if (t->n < NM_TREE_NODES) {
    return &t->first[t->n++];
  }
  size_t at = (t->n - NM_TREE_NODES) % BLOCK_NODES;
  if (at == 0) {
    struct nm_tree_block *block = nm_zalloc(sizeof *block);
    if (block == NULL) {
      return NULL;
    }
    block->next = t->blocks;
    t->blocks = block;
  }
  t->n++;
  return &t->blocks->nodes[at];
}

/* NULL after any failure. */
static struct nm_node *add(struct build *b, enum nm_part_kind kind, const char *type) {
  if (b->err == 0 && b->t->n >= NODES_MAX) {
    b->err = nm_error_set(b->e, NM_ELIMIT, NM_KIND_MESSAGE, "a message of more than %zu parts is refused",
                          NODES_MAX);
  }
  struct nm_node *node = b->err == 0 ? new_node(b->t) : NULL;
  if (node == NULL) {
    b->err = b->err != 0 ? b->err : nm_error_nomem(b->e);
    return NULL;
  }
  *node = (struct nm_node){.kind = kind, .type = type, .raw_size = -1};
  return node;
}

static void append(struct chain *c, struct nm_node *node) {
  if (node != NULL) {
    if (c->n++ == 0) {
      c->end = &c->first;
    }
    *c->end = node;
    c->end = &node->next;
  }
}

/* What TextFromHtml asks for. */
static struct nm_node *add_text_of_html(struct build *b, const struct nm_message *m) {
  struct nm_node *node = add(b, NM_PART_TEXT, "text/plain");
  if (node != NULL) {
    node->wish = m->body_wish;
    node->charset = nm_buf_str(&m->body_encoding);
    b->err = nm_node_set_text_of_html(node, m->html, b->e);
  }
  return node;
}

static struct nm_node *add_part(struct build *b, const struct nm_part *part, enum nm_disposition by_default);

/* Text or html of a message; NULL for none. */
static struct nm_node *add_body(struct build *b, const struct nm_message *m, int html) {
  struct nm_content *utf8 = html ? m->html : m->text;
  const struct nm_part *part = html ? m->html_part : m->text_part;
  if (utf8 != NULL && part != NULL) {
    return add_part(b, part, NM_DISPOSITION_NONE);
  }
  struct nm_node *node = utf8 != NULL ? add(b, NM_PART_TEXT, html ? "text/html" : "text/plain") : NULL;
  if (node != NULL) {
    node->charset = nm_buf_str(&m->body_encoding);
    node->wish = m->body_wish;
    b->err = nm_node_set_text(node, utf8, html ? "Html" : "Text", b->e);
  }
  return node;
}

static struct nm_node *build_message(struct build *b, const struct nm_message *m);

static struct nm_node *add_raw(struct build *b, const struct nm_message *m) {
  struct nm_node *node = add(b, NM_PART_OCTETS, "message/rfc822");
  if (node != NULL) {
    node->is_raw = 1;
    node->content = nm_content_ref(m->raw);
  }
  return node;
}

/* As deep as parts are high: NM_PART_HEIGHT_MAX, and one level of a message's own for each. */
static struct nm_node *add_part(struct build *b, const struct nm_part *part, enum nm_disposition by_default) {
  struct nm_node *node = add(b, part->kind, NULL);
  if (node == NULL) {
    return NULL;
  }
  node->part = part;
  node->name = nm_buf_str(&part->name);
  node->wish = part->wish;
  node->disposition = part->disposition;
  if (part->disposition == NM_DISPOSITION_DEFAULT && part->kind != NM_PART_MULTIPART) {
    node->disposition = by_default;
  }
  if (part->kind == NM_PART_TEXT) {
    node->charset = nm_params_get(&part->params, NM_STR("charset"));
    b->err = nm_node_set_text(node, part->content, "the text of a part", b->e);
  } else if (part->kind == NM_PART_OCTETS) {
    node->content = nm_content_ref(part->content);
  } else if (part->kind == NM_PART_MESSAGE) {
    node->message = part->message;
    node->child = part->message->raw != NULL ? add_raw(b, part->message) : build_message(b, part->message);
  } else if (part->kind == NM_PART_MULTIPART) {
    struct chain children = {0};
    for (size_t i = 0; i < part->children->n && b->err == 0; i++) {
      append(&children, add_part(b, part->children->items[i], NM_DISPOSITION_DEFAULT));
    }
    node->child = children.first;
  }
  return node;
}

/* "the best choice last" (RFC 2046 5.1.4): every other text is plainer than HTML, or made for readers that show less (AMP, which Gmail
   wants before it, and what a watch takes). */
static int is_below_html(const struct nm_part *view) {
  struct nm_str type = nm_part_type(view);
  return nm_media_type_is_text(type) && !nm_str_ieq(type, NM_STR("text/html")) &&
         !nm_str_ieq(type, NM_STR("text/calendar"));
}

static void add_views(struct build *b, const struct nm_message *m, int below_html, struct chain *c) {
  for (size_t i = 0; i < m->views->n; i++) {
    if (is_below_html(m->views->items[i]) == below_html) {
      append(c, add_part(b, m->views->items[i], NM_DISPOSITION_DEFAULT));
    }
  }
}

/* RFC 6047 2.4: method and charset are parameters of the type, and the same METHOD as within. */
static struct nm_node *add_calendar(struct build *b, const struct nm_message *m) {
  struct nm_node *node = m->calendar != NULL ? add(b, NM_PART_TEXT, "text/calendar") : NULL;
  if (node != NULL) {
    node->content = nm_content_ref(m->calendar);
    node->charset = NM_STR("utf-8");
    node->method = nm_buf_str(&m->calendar_method);
  }
  return node;
}

static struct nm_node *add_calendar_file(struct build *b, const struct nm_message *m) {
  struct nm_node *node = m->calendar != NULL ? add(b, NM_PART_TEXT, "application/ics") : NULL;
  if (node != NULL) { /* a text, as lines of an iCalendar object end in CRLF (RFC 5545 3.1) */
    node->wish = (struct nm_cte_wish){.is_forced = 1, .forced = NM_CTE_BASE64};
    node->content = nm_content_ref(m->calendar);
    node->name = NM_STR("invite.ics");
    node->disposition = NM_DISPOSITION_ATTACHMENT;
  }
  return node;
}

/* One node of the chain: itself when it is alone, else a multipart of all. */
static struct nm_node *join(struct build *b, const char *type, const struct chain *c) {
  struct nm_node *node = c->n > 1 ? add(b, NM_PART_MULTIPART, type) : c->first;
  if (c->n > 1 && node != NULL) {
    node->child = c->first;
  }
  return node;
}

static int wants_text_of_html(const struct nm_message *m) {
  return m->text_from_html && m->text == NULL && m->html != NULL &&
         !nm_part_list_has_type(m->views, NM_STR("text/plain"));
}

static struct nm_node *add_alternatives(struct build *b, const struct nm_message *m) {
  struct chain c = {0};
  append(&c, wants_text_of_html(m) ? add_text_of_html(b, m) : add_body(b, m, 0));
  add_views(b, m, 1, &c);
  append(&c, add_body(b, m, 1));
  add_views(b, m, 0, &c);
  append(&c, add_calendar(b, m));
  return join(b, "multipart/alternative", &c);
}

static struct nm_node *add_related(struct build *b, const struct nm_message *m, int html) {
  struct chain c = {0};
  append(&c, add_alternatives(b, m));
  for (size_t i = 0; i < m->linked->n && html; i++) {
    append(&c, add_part(b, m->linked->items[i], NM_DISPOSITION_INLINE));
  }
  for (size_t i = 0; i < m->attachments->n && html; i++) {
    if (nm_part_is_shown(m->attachments->items[i])) {
      append(&c, add_part(b, m->attachments->items[i], NM_DISPOSITION_INLINE));
    }
  }
  return join(b, "multipart/related", &c);
}

static void check_root(struct build *b, const struct nm_message *m) {
  if (m->text != NULL || m->html != NULL || m->views->n > 0 || m->linked->n > 0 || m->calendar != NULL) {
    b->err =
        nm_error_set(b->e, NM_EINVAL, NM_KIND_MESSAGE,
                     "RootPart stands for the whole body: set it to nil, or take Text, Html, AlternateViews, "
                     "LinkedResources and Calendar away");
  }
}

static struct nm_node *add_content(struct build *b, const struct nm_message *m, int html) {
  if (m->root == NULL) {
    return add_related(b, m, html);
  }
  check_root(b, m);
  return b->err == 0 ? add_part(b, m->root, NM_DISPOSITION_DEFAULT) : NULL;
}

/* NULL after a failure. */
static struct nm_node *build_message(struct build *b, const struct nm_message *m) {
  struct chain c = {0};
  int html = m->root == NULL && (m->html != NULL || nm_part_list_has_type(m->views, NM_STR("text/html")));
  append(&c, add_content(b, m, html));
  size_t bodies = c.n;
  append(&c, add_calendar_file(b, m));
  for (size_t i = 0; i < m->linked->n && m->root == NULL && !html; i++) {
    append(&c, add_part(b, m->linked->items[i], NM_DISPOSITION_INLINE));
  }
  for (size_t i = 0; i < m->attachments->n; i++) {
    if (!html || !nm_part_is_shown(m->attachments->items[i])) {
      append(&c, add_part(b, m->attachments->items[i], NM_DISPOSITION_ATTACHMENT));
    }
  }
  if (c.n == 0) {
    append(&c, add(b, NM_PART_TEXT, "text/plain"));
    bodies = c.n;
  }
  struct nm_node *root = c.n > bodies ? add(b, NM_PART_MULTIPART, "multipart/mixed") : c.first;
  if (c.n > bodies && root != NULL) {
    root->child = c.first;
  }
  return b->err == 0 ? root : NULL;
}

static void mark_delimited(struct nm_node *node, int in_multipart) {
  for (; node != NULL; node = node->next) {
    node->is_delimited = in_multipart;
    mark_delimited(node->child, node->kind == NM_PART_MULTIPART || in_multipart);
  }
}

int nm_tree_make(struct nm_tree *t, const struct nm_message *m, struct nm_error *e) {
  struct build b = {.t = t, .e = e};
  t->n = 0;
  t->blocks = NULL;
  t->root = build_message(&b, m);
  if (b.err != 0) {
    nm_tree_free(t);
    return b.err;
  }
  mark_delimited(t->root, 0);
  return 0;
}

void nm_tree_free(struct nm_tree *t) {
  for (size_t i = 0; i < t->n && i < NM_TREE_NODES; i++) {
    nm_content_unref(&t->first[i].content);
  }
  while (t->blocks != NULL) {
    struct nm_tree_block *block = t->blocks;
    for (size_t i = 0; i < BLOCK_NODES; i++) {
      nm_content_unref(&block->nodes[i].content);
    }
    t->blocks = block->next;
    nm_free(block);
  }
  t->root = NULL;
  t->n = 0;
}

struct nm_str nm_node_type(const struct nm_node *n) {
  return n->part != NULL ? nm_part_type(n->part) : nm_str_c(n->type);
}
