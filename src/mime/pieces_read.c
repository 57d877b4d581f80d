/* A rendered message is read. */

#include "mime/pieces_own.h"

#include <string.h>

/* Of those that are read as this message; NULL behind the last. */
static struct nm_piece *piece_at(const struct nm_pieces *p, size_t i) {
  if (i < p->n) {
    return &p->pieces[i];
  }
  return p->tail != NULL && i - p->n < p->tail->n ? &p->tail->pieces[i - p->n] : NULL;
}

/* The content is not what it was when the message was made. */
static int changed(struct nm_pieces *p, const struct nm_piece *piece) {
  struct nm_str path = nm_content_path(piece->content);
  return nm_error_set(&p->source.error, NM_EIO, NM_KIND_MESSAGE,
                      "%.*s changed after the message was made; send it again", path.n > 0 ? (int)path.n : 9,
                      path.n > 0 ? path.p : "a content");
}

/* Takes over the error of a source or content below. */
static int failed(struct nm_pieces *p, int err, const struct nm_error *why) {
  if (err == NM_ENOMEM) {
    return nm_error_nomem(&p->source.error);
  }
  return nm_error_set(&p->source.error, err, NM_KIND_MESSAGE, "%s", why->text);
}

/* What it has is in memory, in the form in which it is sent, and as it was looked at: nobody can change it. */
static int is_at_hand(const struct nm_piece *piece) {
  return piece->content != NULL && piece->how.as_is && nm_content_bytes(piece->content).p != NULL;
}

static int open_content(struct nm_pieces *p, struct nm_piece *piece) {
  struct nm_source *inner = piece->fed;
  struct nm_error why = {0};
  if (inner != NULL) { /* never of a tail, which is others' too */
    piece->fed = NULL;
  }
  int err = inner == NULL ? nm_content_open(piece->content, &inner, &why) : 0;
  if (err != 0) {
    return failed(p, err, &why);
  }
  if (nm_source_size(inner) != piece->raw_size) {
    nm_source_free(&inner);
    return changed(p, piece);
  }
  struct nm_encoding how = piece->how;
  how.is_sure = nm_content_bytes(piece->content).p != NULL;
  p->open = is_at_hand(piece) ? inner : nm_encoded_source(inner, &how);
  return p->open != NULL ? 0 : nm_error_nomem(&p->source.error);
}

/* What is left of the literal piece it stands at. */
static struct nm_str rest_of_text(const struct nm_pieces *p, const struct nm_piece *piece) {
  const char *text = p->at < p->n ? p->text.p : p->tail->text.p;
  return nm_str(text + piece->at + (size_t)p->done, (size_t)(piece->size - p->done));
}

static int read_text(struct nm_pieces *p, const struct nm_piece *piece, char *to, size_t cap, size_t *n_out) {
  struct nm_str rest = rest_of_text(p, piece);
  *n_out = rest.n < cap ? rest.n : cap;
  memcpy(to, rest.p, *n_out);
  return 0;
}

static int read_content(struct nm_pieces *p, struct nm_piece *piece, char *to, size_t cap, size_t *n_out) {
  int err = p->open == NULL ? open_content(p, piece) : 0;
  if (err != 0) {
    return err;
  }
  err = nm_source_read(p->open, to, cap, n_out);
  if (err < 0) {
    return failed(p, err, &p->open->error);
  }
  int64_t left = piece->size - p->done;
  if (err == 0 && piece->size >= 0 && ((int64_t)*n_out > left || (*n_out == 0 && left > 0))) {
    return changed(p, piece);
  }
  return err;
}

static void next_piece(struct nm_pieces *p) {
  nm_source_free(&p->open);
  p->at++;
  p->done = 0;
}

/* Reads from the piece it stands at; 0 octets: that one is at its end. */
static int read_piece(struct nm_pieces *p, char *to, size_t cap, size_t *n_out) {
  struct nm_piece *piece = piece_at(p, p->at);
  *n_out = 0;
  int err =
      piece->content != NULL ? read_content(p, piece, to, cap, n_out) : read_text(p, piece, to, cap, n_out);
  if (err != 0) {
    *n_out = 0;
    return err;
  }
  p->done += (int64_t)*n_out;
  if (*n_out == 0) {
    next_piece(p);
  }
  return 0;
}

/* What is written by an encoder ends its lines with CRLF, whatever it is given; what is at hand was looked at. 7bit and 8bit from elsewhere are
   copied, and nobody knows what a file has become. */
static unsigned vouched_for(const struct nm_piece *piece) {
  switch (piece->how.cte) {
    case NM_CTE_BASE64:
      return NM_VOUCHED_LINES | NM_VOUCHED_DOTLESS;
    case NM_CTE_QP:
      return NM_VOUCHED_LINES;
    case NM_CTE_7BIT:
    case NM_CTE_8BIT:
      return piece->how.text && (!piece->how.as_is || is_at_hand(piece)) ? NM_VOUCHED_LINES : 0;
    case NM_CTE_BINARY:
      break;
  }
  return 0;
}

/* It is read alone, so that it may be lent, and what is said of it is said of nothing else. */
static int stands_alone(const struct nm_piece *piece) {
  return piece->content != NULL && piece->size >= NM_LEND_MIN &&
         (is_at_hand(piece) || vouched_for(piece) != 0);
}

static int pieces_read(struct nm_source *s, char *to, size_t cap, size_t *n_out) {
  struct nm_pieces *p = (struct nm_pieces *)s;
  size_t got = 0;
  const struct nm_piece *piece;
  while (got < cap && (piece = piece_at(p, p->at)) != NULL && !(got > 0 && stands_alone(piece))) {
    int is_alone = stands_alone(piece);
    size_t n = 0;
    int err = s->error.code != 0 ? s->error.code : read_piece(p, to + got, cap - got, &n);
    if (err != 0 && got == 0) {
      return err;
    }
    if (err != 0) { /* what came before goes first; the error is said next time */
      break;
    }
    got += n;
    if (is_alone && got > 0) {
      break;
    }
  }
  *n_out = got;
  return 0;
}

/* At the end of a piece nothing is known of the next. */
static unsigned pieces_vouches(const struct nm_source *s) {
  const struct nm_pieces *p = (const struct nm_pieces *)s;
  const struct nm_piece *piece = piece_at(p, p->at);
  return piece != NULL && stands_alone(piece) && p->done < piece->size ? vouched_for(piece) : 0;
}

static size_t lend_text(const struct nm_pieces *p, const struct nm_piece *piece, size_t min, size_t max,
                        const char **p_out) {
  struct nm_str rest = rest_of_text(p, piece);
  size_t n = rest.n < max ? rest.n : max;
  *p_out = rest.p;
  return n >= min ? n : 0;
}

/* One that cannot be opened says why at the next read. */
static size_t lend_content(struct nm_pieces *p, struct nm_piece *piece, size_t min, size_t max,
                           const char **p_out) {
  if (!is_at_hand(piece) || (p->open == NULL && open_content(p, piece) != 0)) {
    return 0;
  }
  return nm_source_lend(p->open, min, max, p_out);
}

/* From the piece it stands at; what is lent of a content is the content's, which stays as long as this. */
static size_t pieces_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  struct nm_pieces *p = (struct nm_pieces *)s;
  struct nm_piece *piece = piece_at(p, p->at);
  if (s->error.code != 0 || piece == NULL) {
    return 0;
  }
  size_t n =
      piece->content != NULL ? lend_content(p, piece, min, max, p_out) : lend_text(p, piece, min, max, p_out);
  p->done += (int64_t)n;
  return n;
}

/* Those that are fed wait again from the first byte on, where they can. */
static int rewind_fed(struct nm_pieces *p) {
  for (size_t i = 0; i < p->n; i++) {
    struct nm_piece *piece = &p->pieces[i];
    if (piece->content != NULL && piece->fed == NULL && nm_content_feed(piece->content) != NULL) {
      struct nm_error why = {0};
      int err = nm_content_open(piece->content, &piece->fed, &why);
      if (err != 0) {
        return failed(p, err, &why);
      }
    }
  }
  return 0;
}

static int pieces_rewind(struct nm_source *s) {
  struct nm_pieces *p = (struct nm_pieces *)s;
  nm_source_free(&p->open);
  s->error = (struct nm_error){0};
  p->at = 0;
  p->done = 0;
  return rewind_fed(p);
}

static int64_t pieces_size(struct nm_source *s) {
  return ((struct nm_pieces *)s)->size;
}

const struct nm_source_ops nm_pieces_ops = {pieces_read,     pieces_rewind, pieces_size,
                                            nm_pieces_unref, pieces_lend,   pieces_vouches};

struct nm_str nm_pieces_bytes(const struct nm_source *s) {
  const struct nm_pieces *p = (const struct nm_pieces *)s;
  int is_text = s->ops == &nm_pieces_ops && p->n == 1 && p->tail == NULL && p->pieces[0].content == NULL;
  return is_text && p->at == 0 && p->done == 0 ? nm_str(p->text.p + p->pieces[0].at, (size_t)p->size)
                                               : nm_str(NULL, 0);
}

struct nm_feed *nm_pieces_waiting(struct nm_source *s) {
  struct nm_pieces *p = (struct nm_pieces *)s;
  const struct nm_piece *piece = s->ops == &nm_pieces_ops ? piece_at(p, p->at) : NULL;
  if (piece == NULL || piece->content == NULL) {
    return NULL;
  }
  struct nm_feed *feed = nm_content_feed(piece->content);
  return feed != NULL && nm_feed_wants(feed) ? feed : NULL;
}
