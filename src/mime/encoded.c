#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mime/encoder.h"

/* Read at once from the inner source: few calls and few system calls, and still within the second level cache with
   what it becomes. */
#define IN_MAX ((size_t)NM_LINE_OCTETS * 512)
/* Encoded at once when the caller's buffer is too small for that: the result waits in spill. */
#define SPILL_OCTETS ((size_t)NM_LINE_OCTETS * 4)

struct encoded {
  struct nm_source source;
  struct nm_source *inner;
  struct nm_encoding how;
  struct nm_encoder encoder;
  struct nm_scan scan; /* of 7bit and 8bit */
  int flushed;
  const char *from;   /* in, or what inner has lent */
  size_t in_at, in_n; /* of that: input not yet encoded */
  size_t in_cap;
  size_t spill_at, spill_n; /* output not yet taken */
  char spill[NM_ENCODER_ROOM(SPILL_OCTETS)];
  char in[];
};

/* Text whose line ends are written as they stand must have no others than before. The last octet may be the CR of a CRLF. */
static int has_lines(const struct encoded *e) {
  const struct nm_scan *s = &e->scan;
  return !e->how.as_is || !e->how.text || (s->lf == 0 && s->cr == (uint64_t)s->after_cr);
}

/* The header has said already what the content is. */
static int check(struct encoded *e, const char *p, size_t n) {
  enum nm_cte cte = e->how.cte;
  if (e->how.is_sure || (cte != NM_CTE_7BIT && cte != NM_CTE_8BIT)) {
    return 0;
  }
  nm_scan_step(&e->scan, p, n);
  if ((cte == NM_CTE_7BIT ? nm_scan_is_7bit(&e->scan) : nm_scan_is_8bit(&e->scan)) && has_lines(e)) {
    return 0;
  }
  return nm_error_set(&e->source.error, NM_EIO, NM_KIND_MESSAGE,
                      "the content changed while it was sent: it was %s text when the message was made",
                      nm_cte_name(cte));
}

/* What lies in memory is encoded from there. */
static int refill(struct encoded *e) {
  size_t n = nm_source_lend(e->inner, 1, IN_MAX, &e->from);
  int err = 0;
  if (n == 0) {
    e->from = e->in;
    err = nm_source_read(e->inner, e->in, e->in_cap, &n);
  }
  if (err < 0) {
    e->source.error = e->inner->error;
    return err;
  }
  if (err == 0) {
    err = check(e, e->from, n);
  }
  if (err == 0) {
    e->in_at = 0;
    e->in_n = n;
  }
  return err;
}

/* Encodes what is at hand, or asks for more, or ends; writes at most room octets. room is at least that of SPILL_OCTETS.
   *n_out == 0 and 0: the end. */
static int produce(struct encoded *e, char *out, size_t room, size_t *n_out) {
  *n_out = 0;
  while (*n_out == 0 && !e->flushed) {
    if (e->in_at == e->in_n) {
      int err = refill(e);
      if (err != 0) {
        return err;
      }
    }
    size_t n = e->in_n - e->in_at;
    if (n == 0) {
      *n_out = nm_encoder_flush(&e->encoder, out);
      e->flushed = 1;
    } else {
      size_t fits = nm_encoder_fits(&e->encoder, room);
      n = n < fits ? n : fits;
      *n_out = nm_encoder_step(&e->encoder, e->from + e->in_at, n, out);
      e->in_at += n;
    }
  }
  return 0;
}

static size_t take_spill(struct encoded *e, char *p, size_t cap) {
  size_t n = e->spill_n - e->spill_at;
  n = n < cap ? n : cap;
  memcpy(p, e->spill + e->spill_at, n);
  e->spill_at += n;
  return n;
}

/* One piece, into p when it is large enough. */
static int read_piece(struct encoded *e, char *p, size_t cap, size_t *n_out) {
  if (e->spill_at == e->spill_n && cap >= sizeof e->spill) {
    return produce(e, p, cap, n_out);
  }
  if (e->spill_at == e->spill_n) {
    e->spill_at = 0;
    int err = produce(e, e->spill, sizeof e->spill, &e->spill_n);
    if (err != 0) {
      return err;
    }
  }
  *n_out = take_spill(e, p, cap);
  return 0;
}

static int read_as_is(struct encoded *e, char *p, size_t cap, size_t *n_out) {
  if (e->source.error.code != 0) {
    return e->source.error.code;
  }
  int err = nm_source_read(e->inner, p, cap, n_out);
  if (err < 0) {
    e->source.error = e->inner->error;
  }
  return err == 0 ? check(e, p, *n_out) : err;
}

static int encoded_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct encoded *e = (struct encoded *)s;
  size_t got = 0;
  if (e->how.as_is) {
    return read_as_is(e, p, cap, n_out);
  }
  while (got < cap) {
    size_t n = 0;
    int err = s->error.code != 0 ? s->error.code : read_piece(e, p + got, cap - got, &n);
    if (err != 0 && got == 0) {
      return err;
    }
    if (err != 0 || n == 0) { /* what came before goes first; the inner source will say the same again */
      break;
    }
    got += n;
  }
  *n_out = got;
  return 0;
}

static void begin(struct encoded *e) {
  e->encoder = (struct nm_encoder){.cte = e->how.cte, .text = e->how.text};
  e->scan = (struct nm_scan){.utf8_known = 1};
}

static int encoded_rewind(struct nm_source *s) {
  struct encoded *e = (struct encoded *)s;
  int err = nm_source_rewind(e->inner);
  if (err != 0) {
    s->error = e->inner->error;
    return err;
  }
  s->error = (struct nm_error){0};
  begin(e);
  e->flushed = 0;
  e->in_at = e->in_n = 0;
  e->spill_at = e->spill_n = 0;
  return 0;
}

static int64_t encoded_size(struct nm_source *s) {
  return ((struct encoded *)s)->how.size;
}

static void encoded_free(struct nm_source *s) {
  nm_source_free(&((struct encoded *)s)->inner);
  nm_free(s);
}

static const struct nm_source_ops encoded_ops = {encoded_read, encoded_rewind, encoded_size,
                                                 encoded_free, NULL,           NULL};

struct nm_source *nm_encoded_source(struct nm_source *inner, const struct nm_encoding *how) {
  int64_t size = nm_source_size(inner);
  size_t in_cap = size >= 0 && size < (int64_t)IN_MAX ? (size_t)size + 1 : IN_MAX; /* + 1: to meet the end */
  in_cap = how->as_is ? 0 : in_cap;
  struct encoded *e = nm_alloc(sizeof *e + in_cap);
  if (e == NULL) {
    nm_source_free(&inner);
    return NULL;
  }
  memset(e, 0, sizeof *e);
  e->source.ops = &encoded_ops;
  e->inner = inner;
  e->how = *how;
  begin(e);
  e->in_cap = in_cap;
  return &e->source;
}
