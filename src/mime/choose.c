#include "base/error.h"
#include "mime/encoder.h"
#include "mime/obstacle.h"

#define PIECE 4096

/* What is done with each piece of a content. */
typedef void visit_fn(void *state, const char *p, size_t n);

/* What is looked at: a source, or bytes that are at hand. */
struct input {
  struct nm_source *source; /* NULL: bytes */
  struct nm_str bytes;
  struct nm_error *e;
};

static int visit_bytes(struct nm_str bytes, visit_fn *each, void *state) {
  while (bytes.n > 0) {
    size_t n = bytes.n < PIECE ? bytes.n : PIECE;
    each(state, bytes.p, n);
    bytes = nm_str(bytes.p + n, bytes.n - n);
  }
  return 0;
}

static int visit(const struct input *in, visit_fn *each, void *state) {
  char piece[PIECE];
  struct nm_source *s = in->source;
  if (s == NULL) {
    return visit_bytes(in->bytes, each, state);
  }
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

static int quoted_size(const struct input *in, int text, int64_t *out) {
  struct measure m = {.encoder = {.cte = NM_CTE_QP, .text = text}};
  int err = visit(in, measure, &m);
  if (err == 0) {
    char last[NM_ENCODER_ROOM(1)];
    *out = m.n + (int64_t)nm_encoder_flush(&m.encoder, last);
  }
  return err;
}

static int crlf_only(const struct nm_scan *s) {
  return s->lf == 0 && s->cr == 0;
}

/* Octets of the input to an encoder, which makes every line end a CRLF if text. */
static int64_t input_size(const struct nm_scan *s, int text) {
  return (int64_t)(s->bytes + (text ? s->lf + s->cr : 0));
}

static void use_copy(struct nm_encoding *how, enum nm_cte cte, int text, const struct nm_scan *found) {
  *how = (struct nm_encoding){.cte = cte, .text = text, .size = input_size(found, text)};
  how->line_end = text ? nm_scan_line_end(found) : nm_scan_crlf_end(found);
  how->as_is = !text || crlf_only(found);
}

static void use_base64(struct nm_encoding *how, int text, const struct nm_scan *found) {
  *how = (struct nm_encoding){.cte = NM_CTE_BASE64, .text = text};
  how->size = nm_encoder_base64_size(input_size(found, text));
  how->line_end = how->size > 0;
}

static int use_quoted(const struct input *in, struct nm_encoding *how, int text,
                      const struct nm_scan *found) {
  int64_t size = 0;
  int err = quoted_size(in, text, &size);
  *how = (struct nm_encoding){.cte = NM_CTE_QP, .text = text, .size = size};
  how->line_end = text && nm_scan_line_end(found); /* else it is =0D=0A, and the line goes on */
  return err;
}

/* Quoted-printable is measured only where it may win: it can be no shorter than this. */
static int quoted_may_win(const struct nm_scan *s, int64_t base64_size) {
  return input_size(s, 1) + 2 * (int64_t)s->escapes <= base64_size;
}

static int use_best(const struct input *in, int text, const struct nm_scan *found, struct nm_encoding *how) {
  if (!text && (!crlf_only(found) || found->not_utf8 || found->nul)) {
    use_base64(how, 0, found);
    return 0;
  }
  if (nm_scan_is_7bit(found) && !found->from_line) {
    use_copy(how, NM_CTE_7BIT, 1, found);
    return 0;
  }
  use_base64(how, 1, found);
  if (!quoted_may_win(found, how->size)) {
    return 0;
  }
  struct nm_encoding quoted;
  int err = use_quoted(in, &quoted, 1, found);
  if (err == 0 && quoted.size <= how->size) {
    *how = quoted;
  }
  return err;
}

static void look(void *state, const char *p, size_t n) {
  nm_obstacle_step(state, p, n);
}

static int refuse_7bit(const struct input *in, int text) {
  struct nm_obstacle o = {.text = text};
  int err = visit(in, look, &o);
  return err != 0 ? err : nm_obstacle_error(&o, in->e);
}

static int use_forced(const struct input *in, int text, const struct nm_cte_wish *wish,
                      const struct nm_scan *found, struct nm_encoding *how) {
  int lines = text || crlf_only(found); /* every line end may be, or is, a CRLF */
  switch (wish->forced) {
    case NM_CTE_QP:
      return use_quoted(in, how, text || (lines && !found->nul), found);
    case NM_CTE_BASE64:
      use_base64(how, text, found);
      return 0;
    case NM_CTE_7BIT:
      if (!lines || !nm_scan_is_7bit(found)) {
        return refuse_7bit(in, text);
      }
      use_copy(how, NM_CTE_7BIT, 1, found);
      return 0;
    case NM_CTE_8BIT:
      if ((wish->allowed & NM_ALLOW_8BIT) == 0 || !lines || !nm_scan_is_8bit(found)) {
        break;
      }
      use_copy(how, NM_CTE_8BIT, 1, found);
      return 0;
    case NM_CTE_BINARY:
      if ((wish->allowed & NM_ALLOW_BINARY) == 0) {
        break;
      }
      use_copy(how, NM_CTE_BINARY, text, found);
      return 0;
  }
  return use_best(in, text, found, how);
}

/* Most texts are ASCII, and of those there is less to know. 0: it is none, or not fit for 7bit as it is. */
static int is_plain(struct nm_str bytes, int text, struct nm_scan *found) {
  *found = (struct nm_scan){.utf8_known = 1, .look = NM_LOOK_7BIT};
  while (bytes.n > 0 && nm_scan_is_7bit(found) && !found->from_line) {
    size_t n = bytes.n < NM_LOOK_MAX ? bytes.n : NM_LOOK_MAX;
    nm_scan_step(found, bytes.p, n);
    bytes = nm_str(bytes.p + n, bytes.n - n);
  }
  return nm_scan_is_7bit(found) && !found->from_line && (text || crlf_only(found));
}

static int choose(const struct input *in, int text, const struct nm_cte_wish *wish, struct nm_scan *found,
                  struct nm_encoding *out) {
  int is_forced = wish != NULL && wish->is_forced;
  if (in->source == NULL && !is_forced && is_plain(in->bytes, text, found)) {
    use_copy(out, NM_CTE_7BIT, 1, found);
    return 0;
  }
  *found = (struct nm_scan){.utf8_known = text};
  int err = visit(in, scan, found);
  if (err != 0) {
    return err;
  }
  nm_scan_end(found);
  return is_forced ? use_forced(in, text, wish, found, out) : use_best(in, text, found, out);
}

int nm_encoding_choose(struct nm_source *s, int text, const struct nm_cte_wish *wish, struct nm_scan *found,
                       struct nm_encoding *out) {
  struct input in = {.source = s, .e = &s->error};
  return choose(&in, text, wish, found, out);
}

int nm_encoding_choose_bytes(struct nm_str bytes, int text, const struct nm_cte_wish *wish,
                             struct nm_scan *found, struct nm_encoding *out, struct nm_error *e) {
  struct input in = {.bytes = bytes, .e = e};
  return choose(&in, text, wish, found, out);
}
