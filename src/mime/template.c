#include "mime/template.h"

#include "base/alloc.h"
#include "mime/eai.h"
#include "mime/render.h"

/* What is no larger than this is encoded once for all messages. A larger content would lie twice in memory, and is encoded as it is sent,
   like files. */
#define ENCODE_ONCE_MAX ((size_t)1 << 20)

/* ---- what has to stay the same ---- */

static int refuse_fed(const struct nm_node *n, struct nm_error *e) {
  return nm_error_set(
      e, NM_EINVAL, NM_KIND_MESSAGE,
      "the content of \"%.*s\" comes from a function or an open file, which can be read by one "
      "send at a time; a template needs it as a string, bytes or a path",
      nm_shown(n->name, 200), n->name.p);
}

/* As deep as the tree is, whose parts are NM_PART_HEIGHT_MAX high at most. */
static int pin_contents(struct nm_node *n, struct nm_error *e) {
  int err = 0;
  for (; n != NULL && err == 0; n = n->next) {
    if (n->content != NULL && nm_content_feed(n->content) != NULL) {
      return refuse_fed(n, e);
    }
    if (n->content != NULL) {
      struct nm_content *pinned = NULL;
      err = nm_content_pin(n->content, &pinned, e);
      if (err == 0) {
        nm_content_unref(&n->content);
        n->content = pinned;
      }
    }
    err = err == 0 ? pin_contents(n->child, e) : err;
  }
  return err;
}

/* ---- the body ---- */

static int write_tree(const struct nm_tree *tree, const struct nm_stamp *stamp, unsigned allowed,
                      struct nm_pieces **out, struct nm_error *e) {
  static const struct nm_render_ahead ahead = {.text_max = ENCODE_ONCE_MAX, .octets_max = ENCODE_ONCE_MAX};
  struct nm_stamp own = *stamp;
  struct nm_pieces *p = nm_pieces_new();
  if (p == NULL) {
    return nm_error_nomem(e);
  }
  own.allowed = allowed;
  int err = nm_render_tree(p, tree, &own, &ahead, e);
  err = err == 0 ? nm_pieces_end(p, e) : err;
  if (err != 0) {
    nm_pieces_free(&p);
  }
  *out = p;
  return err;
}

/* With a tree of its own: choosing the encodings changes it. */
static int write_body(const struct nm_message *m, const struct nm_stamp *stamp, unsigned allowed,
                      struct nm_pieces **out, struct nm_error *e) {
  struct nm_tree tree;
  int err = nm_tree_make(&tree, m, e);
  if (err != 0) {
    return err;
  }
  err = pin_contents(tree.root, e);
  err = err == 0 ? write_tree(&tree, stamp, allowed, out, e) : err;
  nm_tree_free(&tree);
  return err;
}

/* A part that may only go in 8bit makes no template impossible, but the ways that do not take it. */
static int write_narrower(struct nm_template *t, const struct nm_message *m, const struct nm_stamp *stamp,
                          unsigned allowed, struct nm_error *e) {
  struct nm_error why = {0};
  int err = write_body(m, stamp, allowed, &t->bodies[allowed], &why);
  if (err == NM_EINVAL) {
    t->refusal = why;
    return 0;
  }
  return err != 0 ? nm_error_set(e, err, why.kind, "%s", why.text) : 0;
}

/* What is all 7bit where anything may go is the same everywhere. */
static int write_bodies(struct nm_template *t, const struct nm_message *m, const struct nm_stamp *stamp,
                        struct nm_error *e) {
  const unsigned widest = NM_ALLOW_8BIT | NM_ALLOW_BINARY;
  int err = write_body(m, stamp, widest, &t->bodies[widest], e);
  int is_7bit = err == 0 && nm_pieces_cte_of(t->bodies[widest]) != NM_CTE_8BIT &&
                nm_pieces_cte_of(t->bodies[widest]) != NM_CTE_BINARY;
  for (unsigned allowed = 0; allowed < widest && err == 0; allowed++) {
    if (is_7bit) {
      t->bodies[allowed] = nm_pieces_ref(t->bodies[widest]);
    } else {
      err = write_narrower(t, m, stamp, allowed, e);
    }
  }
  return err;
}

int nm_template_write_body(const struct nm_template *t, unsigned allowed, struct nm_pieces *p,
                           struct nm_error *e) {
  struct nm_pieces *body = t->bodies[allowed & (NM_ALLOW_8BIT | NM_ALLOW_BINARY)];
  if (body == NULL) {
    return nm_error_set(e, t->refusal.code, t->refusal.kind, "%s", t->refusal.text);
  }
  return nm_pieces_join(p, body, e);
}

size_t nm_template_size(const struct nm_template *t) {
  const unsigned narrowest = 0, widest = NM_ALLOW_8BIT | NM_ALLOW_BINARY;
  size_t n = nm_pieces_text(t->bodies[widest])->n;
  return t->bodies[narrowest] != t->bodies[widest] ? 4 * n : n;
}

/* ---- the fields ---- */

static void drop_body(struct nm_message *m) {
  nm_content_unref(&m->text);
  nm_content_unref(&m->html);
  nm_content_unref(&m->calendar);
  nm_part_unref(&m->text_part);
  nm_part_unref(&m->html_part);
  nm_part_unref(&m->root);
  nm_list_clear(m->attachments);
  nm_list_clear(m->views);
  nm_list_clear(m->linked);
}

/* One Message-ID for all would make them one message to many a reader. */
static int make_head(struct nm_template *t, const struct nm_message *m, struct nm_error *e) {
  if (nm_message_copy(m, &t->common) != 0) {
    return nm_error_nomem(e);
  }
  drop_body(t->common);
  nm_buf_free(&t->common->message_id);
  (void)nm_message_check_parts(m, &t->utf8);
  return nm_head_keep(&t->head, t->common, e);
}

/* ---- the whole ---- */

static int check(const struct nm_message *m, struct nm_error *e) {
  if (m->raw != NULL || m->template != NULL) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "a message that is sent as it is (Raw) has one header for all; give Send its recipients "
        "with the option To");
  }
  if (nm_message_resent(m) != NULL) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "a message that was resent goes to the recipients of its Resend alone; make the template "
        "before, and resend what it gives");
  }
  return 0;
}

int nm_template_make(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_template **out,
                     struct nm_error *e) {
  *out = NULL;
  int err = check(m, e);
  if (err != 0) {
    return err;
  }
  struct nm_template *t = nm_zalloc(sizeof *t);
  if (t == NULL) {
    return nm_error_nomem(e);
  }
  t->refs = 1;
  err = write_bodies(t, m, stamp, e);
  err = err == 0 ? make_head(t, m, e) : err;
  if (err != 0) {
    nm_template_unref(&t);
  }
  *out = t;
  return err;
}

struct nm_template *nm_template_ref(struct nm_template *t) {
  t->refs++;
  return t;
}

void nm_template_unref(struct nm_template **at) {
  struct nm_template *t = *at;
  *at = NULL;
  if (t == NULL || --t->refs > 0) {
    return;
  }
  for (size_t i = 0; i < sizeof t->bodies / sizeof t->bodies[0]; i++) {
    nm_pieces_free(&t->bodies[i]);
  }
  nm_head_kept_free(&t->head);
  nm_message_unref(&t->common);
  nm_free(t);
}

int nm_template_mail(struct nm_template *t, struct nm_message **out) {
  int err = nm_message_copy(t->common, out);
  if (err == 0) {
    (*out)->template = nm_template_ref(t);
  }
  return err;
}
