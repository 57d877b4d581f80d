#include "mime/render.h"

#include "mime/encword.h"
#include "mime/fold.h"
#include "mime/head.h"
#include "mime/leaf.h"
#include "mime/param.h"
#include "mime/stamp.h"

struct render {
  struct nm_pieces *pieces;
  struct nm_buf *b; /* the literal bytes of pieces */
  const struct nm_stamp *stamp;
  const struct nm_render_ahead *ahead;
  unsigned boundaries; /* made so far */
  int open_line;       /* the bytes before are a content whose last line end, if any, is its own */
  int line_end;        /* and it has one */
  struct nm_error *e;
};

static int is_related(const struct nm_node *n) {
  return nm_str_ieq(nm_node_type(n), NM_STR("multipart/related"));
}

/* but: the name of one that is written already. */
static size_t write_params(struct render *r, size_t col, const struct nm_params *params, struct nm_str but) {
  for (size_t i = 0; i < params->n; i++) {
    if (!nm_str_ieq(params->items[i].name, but)) {
      col = nm_param_write(r->b, col, params->items[i].name.p, params->items[i].value);
    }
  }
  return col;
}

/* Text and html of most messages: too short to be folded, and nothing that had to be quoted. */
static int is_usual(const struct nm_node *n) {
  return n->part == NULL && n->method.n == 0 && n->name.n == 0 && nm_str_eq(n->charset, NM_STR("utf-8"));
}

static void write_type(struct render *r, const struct nm_node *n) {
  if (is_usual(n)) {
    nm_buf_add_c(r->b, "Content-Type: ");
    nm_buf_add_c(r->b, n->type);
    nm_buf_add_c(r->b, "; charset=utf-8\r\n");
    return;
  }
  size_t col = nm_fold_token(r->b, nm_fold_name(r->b, "Content-Type"), nm_node_type(n));
  if (n->charset.n > 0) {
    col = nm_param_write(r->b, col, "charset", n->charset);
  }
  if (n->method.n > 0) {
    col = nm_param_write(r->b, col, "method", n->method);
  }
  if (n->part != NULL) {
    col = write_params(r, col, &n->part->params, n->charset.n > 0 ? NM_STR("charset") : NM_STR(""));
  }
  if (n->name.n > 0) {
    nm_param_write_fallback(r->b, col, "name", n->name);
  }
  nm_fold_end(r->b);
}

static void write_cte(struct render *r, enum nm_cte cte) {
  nm_fold_line(r->b, NM_STR("Content-Transfer-Encoding"), nm_str_c(nm_cte_name(cte)));
}

static void write_content_id(struct render *r, const struct nm_part *part) {
  if (part->content_id.n > 0) {
    nm_buf_add_c(r->b, "Content-ID: <");
    nm_buf_add_str(r->b, nm_buf_str(&part->content_id));
    nm_buf_add_c(r->b, ">\r\n");
  }
}

static void write_token_field(struct render *r, const char *field, const struct nm_buf *value) {
  if (value->n > 0) {
    nm_fold_name(r->b, field);
    nm_buf_add_byte(r->b, ' ');
    nm_buf_add_str(r->b, nm_buf_str(value));
    nm_fold_end(r->b);
  }
}

static int write_description(struct render *r, const struct nm_part *part) {
  if (part->description.n == 0) {
    return 0;
  }
  size_t col = nm_fold_name(r->b, "Content-Description");
  int err = nm_encword_text(r->b, &col, nm_buf_str(&part->description), NM_STR("utf-8"), r->e);
  nm_fold_end(r->b);
  return err;
}

static void write_disposition(struct render *r, const struct nm_node *n) {
  if (n->disposition == NM_DISPOSITION_DEFAULT || n->disposition == NM_DISPOSITION_NONE) {
    return;
  }
  size_t col = nm_fold_name(r->b, "Content-Disposition");
  col = nm_fold_token(r->b, col,
                      n->disposition == NM_DISPOSITION_INLINE ? NM_STR("inline") : NM_STR("attachment"));
  if (n->name.n > 0) {
    nm_param_write(r->b, col, "filename", n->name);
  }
  nm_fold_end(r->b);
}

static int write_others(struct render *r, const struct nm_node *n) {
  if (n->part != NULL) {
    write_token_field(r, "Content-Location", &n->part->location);
    write_token_field(r, "Content-Language", &n->part->language);
  }
  write_disposition(r, n);
  return n->part != NULL && n->part->fields != NULL
             ? nm_fields_write(r->b, n->part->fields, NM_STR("utf-8"), r->e)
             : 0;
}

/* What may stand in the header of any part, behind its type and encoding. */
static int write_fields(struct render *r, const struct nm_node *n) {
  int err = 0;
  if (n->part != NULL) {
    write_content_id(r, n->part);
    err = write_description(r, n->part);
  }
  return err == 0 ? write_others(r, n) : err;
}

static void encode_now(struct nm_buf *b, struct nm_str raw, const struct nm_encoding *how) {
  struct nm_encoder encoder = {.cte = how->cte, .text = how->text};
  if (how->as_is) {
    nm_buf_add_str(b, raw);
    return;
  }
  int is_exact = how->cte != NM_CTE_QP && how->size >= 0;
  char *room = nm_buf_room(b, is_exact ? (size_t)how->size : NM_ENCODER_ROOM(raw.n));
  if (room != NULL) {
    size_t n = nm_encoder_step(&encoder, raw.p, raw.n, room);
    b->n += n + nm_encoder_flush(&encoder, room + n);
  }
}

static int write_content(struct render *r, const struct nm_node *n) {
  struct nm_str raw = nm_content_bytes(n->content);
  r->open_line = n->how.cte != NM_CTE_BASE64 || n->how.size == 0;
  r->line_end = n->how.line_end || n->how.size == 0;
  size_t max = n->kind == NM_PART_TEXT ? r->ahead->text_max : r->ahead->octets_max;
  if (raw.p != NULL && raw.n <= max) {
    encode_now(r->b, raw, &n->how);
    return 0;
  }
  return nm_pieces_content(r->pieces, n->content, n->raw_size, &n->how, r->e);
}

/* The empty line behind a header stays one: no delimiter takes its CRLF. */
static void write_nothing(struct render *r) {
  r->open_line = 1;
  r->line_end = 1;
}

static int write_leaf(struct render *r, const struct nm_node *n) {
  write_type(r, n);
  write_cte(r, n->how.cte);
  int err = write_fields(r, n);
  nm_fold_end(r->b);
  write_nothing(r);
  return err == 0 && n->content != NULL ? write_content(r, n) : err;
}

/* The header of what is elsewhere stands where the content would be, and has to have a Content-ID (RFC 2046 5.2.3). */
static int write_external(struct render *r, const struct nm_node *n) {
  static const char field[] = "Content-Type: message/external-body";
  nm_buf_add_c(r->b, field);
  write_params(r, sizeof field - 1, &n->part->access, NM_STR(""));
  nm_fold_end(r->b);
  int err = write_description(r, n->part);
  nm_fold_end(r->b);
  write_type(r, n);
  if (n->part->content_id.n > 0) {
    write_content_id(r, n->part);
  } else {
    struct nm_buf unique = {.max = 70};
    nm_boundary_write(&unique, r->stamp, ++r->boundaries);
    nm_buf_add_c(r->b, "Content-ID: <");
    nm_buf_add_str(r->b, nm_buf_str(&unique));
    nm_buf_add_c(r->b, "@external.invalid>\r\n");
    err = err == 0 && unique.err != 0 ? nm_error_nomem(r->e) : err;
    nm_buf_free(&unique);
  }
  write_cte(r, NM_CTE_BINARY);
  err = err == 0 ? write_others(r, n) : err;
  nm_fold_end(r->b);
  write_nothing(r);
  return err;
}

/* delimiter = CRLF "--" boundary   (RFC 2046 5.1.1): the CRLF is the delimiter's and not the content's, so it is only
   left out behind lines that are nobody's content (a header, the last line of base64, another delimiter). */
static void write_delimiter(struct render *r, struct nm_str boundary, const char *tail) {
  nm_buf_add_c(r->b, r->open_line ? "\r\n--" : "--");
  nm_buf_add_str(r->b, boundary);
  nm_buf_add_c(r->b, tail);
  nm_fold_end(r->b);
  r->open_line = 0;
}

static int write_node(struct render *r, const struct nm_node *n);

static int write_children(struct render *r, const struct nm_node *n, struct nm_str boundary) {
  int err = 0;
  for (const struct nm_node *child = n->child; child != NULL && err == 0; child = child->next) {
    write_delimiter(r, boundary, "");
    err = write_node(r, child);
  }
  write_delimiter(r, boundary, "--");
  return err;
}

static int write_multipart(struct render *r, const struct nm_node *n) {
  struct nm_buf boundary = {.max = 70};
  nm_boundary_write(&boundary, r->stamp, ++r->boundaries);
  if (boundary.err != 0) {
    nm_buf_free(&boundary);
    return nm_error_nomem(r->e);
  }
  size_t col = nm_fold_token(r->b, nm_fold_name(r->b, "Content-Type"), nm_node_type(n));
  if (is_related(n)) { /* "the media type of the "root" body part" (RFC 2387 3.1) */
    col = nm_param_write(r->b, col, "type", nm_node_type(n->child));
  }
  if (n->part != NULL) {
    col = write_params(r, col, &n->part->params, is_related(n) ? NM_STR("type") : NM_STR(""));
  }
  nm_param_write(r->b, col, "boundary", nm_buf_str(&boundary));
  nm_fold_end(r->b);
  if (n->how.cte != NM_CTE_7BIT) {
    write_cte(r, n->how.cte);
  }
  int err = write_fields(r, n);
  nm_fold_end(r->b);
  err = err == 0 ? write_children(r, n, nm_buf_str(&boundary)) : err;
  nm_buf_free(&boundary);
  return err;
}

/* The header with the date and id that the message has of itself; one that was never sent has no id. */
static int write_message(struct render *r, const struct nm_node *n) {
  const struct nm_message *m = n->message;
  struct nm_stamp stamp = *r->stamp;
  stamp.message_id = nm_buf_str(&m->message_id);
  stamp.is_id_made = 0;
  if (m->has_date) {
    stamp.dated[0] = '\0';
    stamp.date = m->date;
    stamp.offset = m->date_offset;
  }
  write_type(r, n);
  if (n->how.cte != NM_CTE_7BIT) {
    write_cte(r, n->how.cte);
  }
  int err = write_fields(r, n);
  nm_fold_end(r->b);
  if (err == 0 && m->raw != NULL) {
    err = nm_head_write_resent(r->b, m, r->e);
    return err == 0 ? write_content(r, n->child) : err;
  }
  if (err == 0) {
    struct nm_error why = {0};
    err = nm_head_write(r->b, m, &stamp, &why);
    if (err != 0) {
      return nm_error_set(r->e, err, err == NM_ENOMEM ? NM_KIND_NONE : NM_KIND_MESSAGE,
                          "an attached message: %s", why.text);
    }
  }
  return err == 0 ? write_node(r, n->child) : err;
}

/* As deep as the tree is, whose parts are NM_PART_HEIGHT_MAX high at most. */
static int write_node(struct render *r, const struct nm_node *n) {
  switch (n->kind) {
    case NM_PART_MULTIPART:
      return write_multipart(r, n);
    case NM_PART_MESSAGE:
      return write_message(r, n);
    case NM_PART_EXTERNAL:
      return write_external(r, n);
    default:
      return write_leaf(r, n);
  }
}

/* A message ends in CRLF: the end of DATA would add it anyway, and its size must be known before. */
static int write_root(struct render *r, const struct nm_node *root) {
  int err = write_node(r, root);
  if (err == 0 && r->open_line && !r->line_end) {
    nm_fold_end(r->b);
  }
  return err;
}

int nm_render_tree(struct nm_pieces *p, const struct nm_tree *tree, const struct nm_stamp *stamp,
                   const struct nm_render_ahead *ahead, struct nm_error *e) {
  struct render r = {.pieces = p,
                     .b = nm_pieces_text(p),
                     .stamp = stamp,
                     .ahead = ahead,
                     .boundaries = stamp->boundaries,
                     .e = e};
  int err = nm_leaf_prepare(tree->root, stamp->allowed, e);
  err = err != 0 ? err : write_root(&r, tree->root);
  nm_pieces_set_cte(p, tree->root->how.cte);
  return err;
}
