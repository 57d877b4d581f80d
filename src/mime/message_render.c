#include "mime/fold.h"
#include "mime/head.h"
#include "mime/message.h"
#include "mime/raw.h"
#include "mime/render.h"
#include "mime/template.h"

/* A body in memory up to this is encoded at once: the whole message is then one run of bytes. */
#define ENCODE_NOW_MAX 16384

/* A small message's header. */
#define HEAD_EXPECTED 1500

/* The header and the bodies that are encoded at once, as base64 and a little more: saves the buffer from growing to that by doubling. */
static size_t expected(const struct nm_message *m) {
  const struct nm_content *const bodies[] = {m->text, m->html};
  size_t n = HEAD_EXPECTED;
  for (size_t i = 0; i < 2; i++) {
    size_t body = bodies[i] != NULL ? nm_content_bytes(bodies[i]).n : 0;
    n += body <= ENCODE_NOW_MAX ? body + body / 2 : 0;
  }
  return n;
}

static int write_tree(struct nm_pieces *p, const struct nm_message *m, const struct nm_stamp *stamp,
                      const struct nm_tree *tree, struct nm_error *e) {
  static const struct nm_render_ahead ahead = {.text_max = ENCODE_NOW_MAX, .octets_max = 0};
  nm_buf_room(nm_pieces_text(p), expected(m));
  int err = nm_head_write(nm_pieces_text(p), m, stamp, e);
  return err == 0 ? nm_render_tree(p, tree, stamp, &ahead, e) : err;
}

/* A tree that cannot be is said before what is wrong in the header. */
static int write_built(struct nm_pieces *p, const struct nm_message *m, const struct nm_stamp *stamp,
                       struct nm_error *e) {
  struct nm_tree tree;
  int err = nm_tree_make(&tree, m, e);
  if (err == 0) {
    err = write_tree(p, m, stamp, &tree, e);
    nm_tree_free(&tree);
  }
  return err;
}

/* What is in memory was looked at when it was set. */
static int find_how(const struct nm_message *m, struct nm_encoding *how, int64_t *size_out,
                    struct nm_error *e) {
  struct nm_str bytes = nm_content_bytes(m->raw);
  if (bytes.p == NULL) {
    return nm_raw_scan(m->raw, how, size_out, NULL, e);
  }
  *how = m->raw_how;
  *size_out = (int64_t)bytes.n;
  return 0;
}

/* Only Resent- blocks come before what is there. */
static int write_raw(struct nm_pieces *p, const struct nm_message *m, struct nm_error *e) {
  struct nm_encoding how;
  int64_t size = -1;
  int err = find_how(m, &how, &size, e);
  err = err != 0 ? err : nm_head_write_resent(nm_pieces_text(p), m, e);
  err = err != 0 ? err : nm_pieces_content(p, m->raw, size, &how, e);
  if (err == 0 && !how.line_end) {
    nm_fold_end(nm_pieces_text(p));
  }
  nm_pieces_set_cte(p, how.cte);
  return err;
}

static int write_personal(struct nm_pieces *p, const struct nm_message *m, const struct nm_stamp *stamp,
                          struct nm_error *e) {
  size_t body = nm_template_size(m->template);
  nm_buf_room(nm_pieces_text(p), HEAD_EXPECTED + (body <= ENCODE_NOW_MAX ? body : 0));
  int err = nm_head_write(nm_pieces_text(p), m, stamp, e);
  return err == 0 ? nm_template_write_body(m->template, stamp->allowed, p, e) : err;
}

int nm_message_render(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_source **out,
                      struct nm_error *e) {
  struct nm_pieces *none = NULL;
  return nm_message_render_into(m, stamp, &none, out, e);
}

int nm_message_render_into(const struct nm_message *m, const struct nm_stamp *stamp, struct nm_pieces **spare,
                           struct nm_source **out, struct nm_error *e) {
  struct nm_pieces *p = *spare != NULL ? *spare : nm_pieces_new();
  *spare = NULL;
  if (p == NULL) {
    return nm_error_nomem(e);
  }
  int err = m->raw != NULL        ? write_raw(p, m, e)
            : m->template != NULL ? write_personal(p, m, stamp, e)
                                  : write_built(p, m, stamp, e);
  err = err != 0 ? err : nm_pieces_source(&p, out, e);
  nm_pieces_free(&p);
  return err;
}
