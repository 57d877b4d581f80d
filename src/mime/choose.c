#include "base/error.h"
#include "mime/encoder.h"

#define PIECE 4096

/* What is done with each piece of a content. */
typedef void visit_fn(void *state, const char *p, size_t n);

static int visit(struct nm_source *s, visit_fn *each, void *state) {
  char piece[PIECE];
  for (;;) {
    size_t n = 0;
    int err = nm_source_read(s, piece, sizeof piece, &n);
    if (err == NM_AGAIN) {
      return nm_error_set(&s->error, NM_EINVAL, NM_KIND_MESSAGE,
                          "a content that is not all there yet cannot be looked at");
    }
    if (err != 0) {
      return err;
    }
    if (n == 0) {
      return nm_source_rewind(s);
    }
    each(state, piece, n);
  }
}

static void scan(void *state, const char *p, size_t n) {
  nm_scan_step(state, p, n);
}

struct measure {
  struct nm_encoder encoder;
  int64_t n;
};

static void measure(void *state, const char *p, size_t n) {
  struct measure *m = state;
  char out[NM_ENCODER_ROOM(PIECE)];
  m->n += (int64_t)nm_encoder_step(&m->encoder, p, n, out);
}

static int quoted_size(struct nm_source *s, int64_t *out) {
  struct measure m = {.encoder = {.cte = NM_CTE_QP, .text = 1}};
  int err = visit(s, measure, &m);
  if (err == 0) {
    char last[NM_ENCODER_ROOM(1)];
    *out = m.n + (int64_t)nm_encoder_flush(&m.encoder, last);
  }
  return err;
}

/* Octets with every line end a CRLF. */
static int64_t canonical_size(const struct nm_scan *s) {
  return (int64_t)(s->bytes + s->lf + s->cr);
}

static void use(struct nm_encoding *how, enum nm_cte cte, int text, int64_t size) {
  how->cte = cte;
  how->text = text;
  how->size = size;
}

/* Quoted-printable is measured only where it may win: it can be no shorter than this. */
static int quoted_may_win(const struct nm_scan *s, int64_t base64_size) {
  return canonical_size(s) + 2 * (int64_t)s->escapes <= base64_size;
}

int nm_encoding_choose(struct nm_source *s, int text, struct nm_scan *found, struct nm_encoding *out) {
  *found = (struct nm_scan){.utf8_known = text};
  int err = visit(s, scan, found);
  if (err != 0) {
    return err;
  }
  nm_scan_end(found);
  out->line_end = nm_scan_line_end(found);
  int crlf_only = found->lf == 0 && found->cr == 0;
  if (!text && (!crlf_only || found->not_utf8 || found->nul)) {
    use(out, NM_CTE_BASE64, 0, nm_encoder_base64_size((int64_t)found->bytes));
  } else if (nm_scan_is_7bit(found) && !found->from_line) {
    use(out, NM_CTE_7BIT, 1, canonical_size(found));
  } else {
    use(out, NM_CTE_BASE64, 1, nm_encoder_base64_size(canonical_size(found)));
    int64_t quoted = 0;
    int measured = quoted_may_win(found, out->size);
    err = measured ? quoted_size(s, &quoted) : 0;
    if (err == 0 && measured && quoted <= out->size) {
      use(out, NM_CTE_QP, 1, quoted);
    }
  }
  return err;
}
