#include "mime/charset.h"
#include "mime/fold.h"
#include "mime/head.h"
#include "mime/mediatype.h"
#include "mime/message.h"
#include "mime/param.h"
#include "mime/tree.h"
#include "mime/pieces.h"
#include "mime/stamp.h"

/* A body in memory up to this is encoded at once: the whole message is then one run of bytes. */
#define ENCODE_NOW_MAX 16384

/* A small message's header with a short body: saves the buffer from growing to it by doubling. */
#define HEAD_EXPECTED 2000

struct render {
  struct nm_pieces *pieces;
  struct nm_buf *b; /* the literal bytes of pieces */
  const struct nm_message *message;
  const struct nm_stamp *stamp;
  unsigned boundaries; /* made so far */
  int open_line;       /* the bytes before are a content whose last line end, if any, is its own */
  struct nm_error *e;
};

/* A leaf on its way: what it is and how it will be written. */
struct leaf {
  const struct nm_node *part;
  struct nm_str type;
  struct nm_str charset; /* empty: none */
  struct nm_source *source;
  int64_t raw_size;
  struct nm_scan scan;
  struct nm_encoding how;
};

static int starts_with(struct nm_str s, struct nm_str with) {
  return s.n >= with.n && nm_str_ieq(nm_str(s.p, with.n), with);
}

/* RFC 2045 6.4: "If an entity is of type "multipart" the Content-Transfer-Encoding is not permitted to have any value other than
   "7bit", "8bit" or "binary"", and for "message" likewise. The newer message/global may have any (RFC 6532 3.7). */
static int is_7bit_only(struct nm_str type) {
  return starts_with(type, NM_STR("message/")) && !starts_with(type, NM_STR("message/global"));
}

static int fail(struct render *r, int err, const struct nm_error *why) {
  if (err == NM_ENOMEM) {
    return nm_error_nomem(r->e);
  }
  return nm_error_set(r->e, err, NM_KIND_MESSAGE, "%s", why->text);
}

static int choose(struct render *r, struct leaf *l, int text) {
  int err = nm_encoding_choose(l->source, text, NULL, &l->scan, &l->how);
  return err != 0 ? fail(r, err, &l->source->error) : 0;
}

static void use_base64(struct leaf *l) {
  l->how = (struct nm_encoding){.cte = NM_CTE_BASE64, .size = nm_encoder_base64_size(l->raw_size)};
}

static int prepare_body(struct render *r, struct leaf *l) {
  struct nm_str charset = nm_buf_str(&r->message->body_encoding);
  l->type = nm_str_c(l->part->type);
  l->charset = nm_charset_is_utf8(charset) ? NM_STR("utf-8") : charset;
  return choose(r, l, 1);
}

/* The bytes are the author's, so their charset is only named where it can be seen. */
static int prepare_text_file(struct render *r, struct leaf *l) {
  int err = choose(r, l, 0);
  if (err == 0 && !l->scan.high && !l->scan.nul) {
    l->charset = NM_STR("us-ascii");
  } else if (err == 0 && !l->scan.not_utf8 && !l->scan.nul) {
    l->charset = NM_STR("utf-8");
  }
  return err;
}

/* Such a type comes from the author alone (no file name suggests one), who thereby allows what mail itself does with line
   ends, but no more than that. */
static int prepare_message(struct render *r, struct leaf *l) {
  struct nm_str name = nm_buf_str(&l->part->attachment->name);
  int err = choose(r, l, 1);
  if (err != 0) {
    return err;
  }
  if (!nm_scan_is_7bit(&l->scan) || l->scan.cr > 0) {
    return nm_error_set(
        r->e, NM_EINVAL, NM_KIND_MESSAGE,
        "the attachment \"%.*s\" cannot be sent as %.*s: it has 8-bit or NUL octets, a bare CR or "
        "a line over %d octets, and RFC 2045 allows no encoding for this type; set its type to "
        "application/octet-stream",
        (int)name.n, name.p, (int)l->type.n, l->type.p, NM_SCAN_LINE_MAX);
  }
  l->how.cte = NM_CTE_7BIT; /* "From " lines too */
  l->how.size = (int64_t)(l->scan.bytes + l->scan.lf);
  return 0;
}

/* Nobody has seen it yet, so only base64 is sure to fit. */
static int prepare_fed(struct render *r, struct leaf *l) {
  struct nm_str name = nm_buf_str(&l->part->attachment->name);
  if (is_7bit_only(l->type)) {
    return nm_error_set(
        r->e, NM_EINVAL, NM_KIND_MESSAGE,
        "the content of \"%.*s\" cannot be sent as %.*s from a function or an open file, because "
        "this type must be looked at first; give it as a string or a path",
        (int)name.n, name.p, (int)l->type.n, l->type.p);
  }
  use_base64(l);
  return 0;
}

/* Only what may be written otherwise than in base64 is read now: a large file is read once, when it is sent. */
static int prepare_attachment(struct render *r, struct leaf *l) {
  l->type = nm_part_type(l->part->attachment);
  if (nm_content_feed(l->part->content) != NULL) {
    return prepare_fed(r, l);
  }
  if (nm_media_type_is_text(l->type)) {
    return prepare_text_file(r, l);
  }
  if (is_7bit_only(l->type)) {
    return prepare_message(r, l);
  }
  use_base64(l);
  return 0;
}

static int prepare(struct render *r, struct leaf *l) {
  struct nm_error why = {0};
  int err = nm_content_open(l->part->content, &l->source, &why);
  if (err != 0) {
    return fail(r, err, &why);
  }
  l->raw_size = nm_source_size(l->source);
  err = l->part->attachment != NULL ? prepare_attachment(r, l) : prepare_body(r, l);
  nm_source_free(&l->source);
  return err;
}

static void write_type(struct render *r, const struct leaf *l) {
  const struct nm_part *a = l->part->attachment;
  size_t col = nm_fold_token(r->b, nm_fold_name(r->b, "Content-Type"), l->type);
  if (l->charset.n > 0) {
    col = nm_param_write(r->b, col, "charset", l->charset);
  }
  if (a != NULL && a->name.n > 0) {
    nm_param_write_fallback(r->b, col, "name", nm_buf_str(&a->name));
  }
  nm_fold_end(r->b);
}

static void write_disposition(struct render *r, const struct nm_part *a) {
  if (a->content_id.n > 0) {
    nm_buf_add_c(r->b, "Content-ID: <");
    nm_buf_add_str(r->b, nm_buf_str(&a->content_id));
    nm_buf_add_c(r->b, ">\r\n");
  }
  size_t col = nm_fold_name(r->b, "Content-Disposition");
  col = nm_fold_token(r->b, col, a->inline_part ? NM_STR("inline") : NM_STR("attachment"));
  if (a->name.n > 0) {
    nm_param_write(r->b, col, "filename", nm_buf_str(&a->name));
  }
  nm_fold_end(r->b);
}

static void encode_now(struct nm_buf *b, struct nm_str raw, const struct nm_encoding *how) {
  struct nm_encoder encoder = {.cte = how->cte, .text = how->text};
  char *room = nm_buf_room(b, NM_ENCODER_ROOM(raw.n));
  if (room != NULL) {
    size_t n = nm_encoder_step(&encoder, raw.p, raw.n, room);
    b->n += n + nm_encoder_flush(&encoder, room + n);
  }
}

static int write_content(struct render *r, const struct leaf *l) {
  struct nm_str raw = nm_content_bytes(l->part->content);
  r->open_line = l->how.cte != NM_CTE_BASE64 || l->how.size == 0;
  if (l->part->attachment == NULL && raw.p != NULL && raw.n <= ENCODE_NOW_MAX) {
    encode_now(r->b, raw, &l->how);
    return 0;
  }
  return nm_pieces_content(r->pieces, l->part->content, l->raw_size, &l->how, r->e);
}

static int write_leaf(struct render *r, const struct nm_node *part, struct leaf *l) {
  *l = (struct leaf){.part = part};
  int err = part->content != NULL ? prepare(r, l) : 0;
  if (err != 0) {
    return err;
  }
  if (part->content == NULL) { /* no body at all */
    l->type = nm_str_c(part->type);
    l->charset = NM_STR("utf-8");
    l->how.line_end = 1;
  }
  write_type(r, l);
  nm_buf_add_c(r->b, "Content-Transfer-Encoding: ");
  nm_buf_add_c(r->b, nm_cte_name(l->how.cte));
  nm_fold_end(r->b);
  if (part->attachment != NULL) {
    write_disposition(r, part->attachment);
  }
  nm_fold_end(r->b);
  return part->content != NULL ? write_content(r, l) : 0;
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

static int write_part(struct render *r, const struct nm_node *part);

/* Three levels at most: mixed, related, alternative. */
static int write_multipart(struct render *r, const struct nm_node *part) {
  struct nm_buf boundary = {.max = 70};
  nm_boundary_write(&boundary, r->stamp, ++r->boundaries);
  if (boundary.err != 0) {
    nm_buf_free(&boundary);
    return nm_error_nomem(r->e);
  }
  nm_buf_add_c(r->b, "Content-Type: multipart/");
  nm_buf_add_c(r->b, part->multipart);
  size_t col = sizeof "Content-Type: multipart/" - 1 + strlen(part->multipart);
  if (part->root != NULL) {
    col = nm_param_write(r->b, col, "type", nm_str_c(part->root));
  }
  nm_param_write(r->b, col, "boundary", nm_buf_str(&boundary));
  nm_buf_add_c(r->b, "\r\n\r\n");
  int err = 0;
  for (const struct nm_node *child = part->child; child != NULL && err == 0; child = child->next) {
    write_delimiter(r, nm_buf_str(&boundary), "");
    err = write_part(r, child);
  }
  write_delimiter(r, nm_buf_str(&boundary), "--");
  nm_buf_free(&boundary);
  return err;
}

static int write_part(struct render *r, const struct nm_node *part) {
  struct leaf leaf;
  return part->multipart != NULL ? write_multipart(r, part) : write_leaf(r, part, &leaf);
}

/* A message ends in CRLF: the end of DATA would add it anyway, and its size must be known before. */
static int write_root(struct render *r, const struct nm_node *root) {
  if (root->multipart != NULL) {
    return write_multipart(r, root);
  }
  struct leaf leaf;
  int err = write_leaf(r, root, &leaf);
  if (r->open_line && leaf.how.size > 0 && !leaf.how.line_end) {
    nm_fold_end(r->b);
  }
  return err;
}

int nm_message_render(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_source **out,
                      struct nm_error *e) {
  struct nm_tree tree;
  int err = nm_tree_make(&tree, m, e);
  if (err != 0) {
    return err;
  }
  struct render r = {.pieces = nm_pieces_new(), .message = m, .stamp = stamp, .e = e};
  if (r.pieces != NULL) {
    r.b = nm_pieces_text(r.pieces);
    nm_buf_room(r.b, HEAD_EXPECTED);
    err = nm_head_write(r.b, m, stamp, e);
    err = err != 0 ? err : write_root(&r, tree.root);
    err = err != 0 ? err : nm_pieces_source(&r.pieces, out, e);
  } else {
    err = nm_error_nomem(e);
  }
  nm_pieces_free(&r.pieces);
  nm_tree_free(&tree);
  return err;
}
