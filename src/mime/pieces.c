#include "mime/pieces.h"

#include "base/alloc.h"
#include "mime/fold.h"
#include "mime/pieces_own.h"

/* All headers of a message: 100000 recipients and 100000 attachments with long names are below this. */
#define TEXT_MAX ((size_t)1 << 30)

/* What is kept for the next message is no more than a small one needs. */
#define RECYCLED_MAX 16384

/* A tail of so many octets is copied: then the whole message is one run of bytes. */
#define TAIL_COPY_MAX 16384

static struct nm_piece *add_piece(struct nm_pieces *p) {
  if (p->n == p->cap) {
    size_t cap = p->cap * 2;
    int is_few = p->pieces == p->few;
    struct nm_piece *pieces = nm_realloc_array(is_few ? NULL : p->pieces, cap, sizeof *pieces);
    if (pieces == NULL) {
      return NULL;
    }
    if (is_few) {
      memcpy(pieces, p->few, sizeof p->few);
    }
    p->pieces = pieces;
    p->cap = cap;
  }
  struct nm_piece *piece = &p->pieces[p->n++];
  *piece = (struct nm_piece){0};
  return piece;
}

static void add_size(struct nm_pieces *p, int64_t n) {
  p->size = p->size < 0 || n < 0 || p->size > INT64_MAX - n ? -1 : p->size + n;
}

/* The text written since the last piece becomes one. */
static int add_text(struct nm_pieces *p) {
  size_t n = p->text.n - p->text_done;
  if (p->text.err != 0 || n == 0) {
    return p->text.err;
  }
  struct nm_piece *piece = add_piece(p);
  if (piece == NULL) {
    return NM_ENOMEM;
  }
  piece->at = p->text_done;
  piece->size = (int64_t)n;
  p->text_done = p->text.n;
  add_size(p, piece->size);
  return 0;
}

struct nm_buf *nm_pieces_text(struct nm_pieces *p) {
  return &p->text;
}

int nm_pieces_content(struct nm_pieces *p, struct nm_content *content, int64_t raw_size,
                      const struct nm_encoding *how, struct nm_error *e) {
  struct nm_source *fed = NULL;
  if (p->text.err == 0 && nm_content_feed(content) != NULL) {
    int err = nm_content_open(content, &fed, e);
    if (err != 0) {
      return err;
    }
  }
  int err = add_text(p);
  struct nm_piece *piece = err == 0 ? add_piece(p) : NULL;
  if (piece == NULL) {
    nm_source_free(&fed);
    return err == 0 || err == NM_ENOMEM ? nm_error_nomem(e) : nm_fold_status(&p->text, e);
  }
  piece->content = nm_content_ref(content);
  piece->fed = fed;
  piece->raw_size = raw_size;
  piece->how = *how;
  piece->size = how->size;
  add_size(p, piece->size);
  return 0;
}

/* What others have too. */
static void drop(struct nm_pieces *p) {
  nm_source_free(&p->open);
  nm_pieces_free(&p->tail);
  for (size_t i = 0; i < p->n; i++) {
    nm_source_free(&p->pieces[i].fed);
    nm_content_unref(&p->pieces[i].content);
  }
}

static void free_rooms(struct nm_pieces *p) {
  if (p->pieces != p->few) {
    nm_free(p->pieces);
  }
  nm_buf_free(&p->text);
}

void nm_pieces_unref(struct nm_source *s) {
  struct nm_pieces *p = (struct nm_pieces *)s;
  if (--p->refs == 0) {
    drop(p);
    free_rooms(p);
    nm_free(p);
  }
}

/* An empty one, with that room for text. */
static void begin(struct nm_pieces *p, const struct nm_buf *text) {
  p->source.ops = &nm_pieces_ops;
  nm_error_clear(&p->source.error);
  p->refs = 1;
  p->text = *text;
  p->pieces = p->few;
  p->n = 0;
  p->cap = sizeof p->few / sizeof p->few[0];
  p->text_done = 0;
  p->size = 0;
  p->cte = NM_CTE_7BIT;
  p->tail = NULL;
  p->at = 0;
  p->done = 0;
  p->open = NULL;
}

struct nm_pieces *nm_pieces_new(void) {
  struct nm_pieces *p = nm_zalloc(sizeof *p);
  if (p != NULL) {
    begin(p, &(struct nm_buf){.max = TEXT_MAX});
  }
  return p;
}

void nm_pieces_recycle(struct nm_source **at, struct nm_pieces **out) {
  struct nm_pieces *p = (struct nm_pieces *)*at;
  if (p == NULL || p->refs > 1 || p->pieces != p->few || p->text.cap > RECYCLED_MAX) {
    nm_source_free(at);
    return;
  }
  *at = NULL;
  nm_pieces_free(out);
  drop(p);
  nm_buf_reset(&p->text);
  begin(p, &p->text);
  *out = p;
}

void nm_pieces_free(struct nm_pieces **p) {
  if (*p != NULL) {
    nm_pieces_unref(&(*p)->source);
    *p = NULL;
  }
}

struct nm_pieces *nm_pieces_ref(struct nm_pieces *p) {
  p->refs++;
  return p;
}

/* The last text becomes a piece. */
int nm_pieces_end(struct nm_pieces *p, struct nm_error *e) {
  int err = add_text(p);
  if (err == 0 || err == NM_ENOMEM) {
    return err == 0 ? 0 : nm_error_nomem(e);
  }
  return nm_error_set(e, err, NM_KIND_MESSAGE,
                      "the message has too many recipients and attachments: its headers are over %zu bytes",
                      TEXT_MAX);
}

int nm_pieces_join(struct nm_pieces *p, struct nm_pieces *tail, struct nm_error *e) {
  p->cte = tail->cte;
  if (tail->n == 1 && tail->pieces[0].content == NULL && tail->text.n <= TAIL_COPY_MAX) {
    nm_buf_add_str(&p->text, nm_buf_str(&tail->text));
    return 0;
  }
  int err = nm_pieces_end(p, e);
  if (err == 0) {
    p->tail = nm_pieces_ref(tail);
    add_size(p, tail->size);
  }
  return err;
}

int nm_pieces_source(struct nm_pieces **at, struct nm_source **out, struct nm_error *e) {
  int err = nm_pieces_end(*at, e);
  if (err != 0) {
    nm_pieces_free(at);
    return err;
  }
  *out = &(*at)->source;
  *at = NULL;
  return 0;
}

void nm_pieces_set_cte(struct nm_pieces *p, enum nm_cte cte) {
  p->cte = cte;
}

enum nm_cte nm_pieces_cte_of(const struct nm_pieces *p) {
  return p->cte;
}

enum nm_cte nm_pieces_cte(const struct nm_source *s) {
  return nm_pieces_cte_of((const struct nm_pieces *)s);
}
