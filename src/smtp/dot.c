#include "smtp/dot.h"

#include <string.h>

#include "base/alloc.h"
#include "smtp/clean.h"

/* A multiple of what one read of the message gives; what fits a core's first cache. */
#define IN_SIZE 16384

/* Reads smaller than this are not passed on to inner. */
#define STRAIGHT_MIN 256

struct dot_source {
  struct nm_source source;
  struct nm_source *inner;
  enum nm_wire_form form;
  const char *from; /* what is to be sent next: in, or what inner has lent */
  size_t at;        /* of it, the next byte */
  size_t n;         /* bytes of it */
  int is_sure;      /* they go out as they are: inner vouches for it */
  int rc;           /* negative: inner failed, and stays so */
  /* The state that lives across reads, all about what was sent so far: */
  int line_begun; /* the current line has a byte: what comes next is not at its begin */
  int any;        /* something was sent */
  int skip_lf;    /* the last byte taken was a CR, sent as CRLF: an LF that follows belongs to it */
  int ended;      /* inner is at its end, pend holds the rest */
  /* Bytes that are due before anything else: at most CRLF, dot, CRLF. */
  char pend[5];
  unsigned char pend_at;
  unsigned char pend_n;
  char in[IN_SIZE];
};

static void set_pend(struct dot_source *d, const char *p, size_t n) {
  memcpy(d->pend, p, n);
  d->pend_at = 0;
  d->pend_n = (unsigned char)n;
}

static size_t take_pend(struct dot_source *d, char *p, size_t cap) {
  size_t n = (size_t)(d->pend_n - d->pend_at);
  n = n < cap ? n : cap;
  if (n > 0) {
    memcpy(p, d->pend + d->pend_at, n);
  }
  d->pend_at = (unsigned char)(d->pend_at + n);
  return n;
}

static size_t clean_run(const struct dot_source *d, const char *p, size_t n) {
  return nm_clean_run(p, n, d->form == NM_WIRE_DOTTED);
}

/* What inner gives next need not be looked at. In a chunk the worst that a mistake could do is to send a line end as it stands; behind DATA a
   line could become a command, so there only what has no dot at all is believed. */
static int is_sure(const struct dot_source *d) {
  unsigned need = d->form == NM_WIRE_DOTTED ? NM_VOUCHED_LINES | NM_VOUCHED_DOTLESS : NM_VOUCHED_LINES;
  return d->form == NM_WIRE_OCTETS || (nm_source_vouches(d->inner) & need) == need;
}

/* All but a CR whose LF comes with the next read: nobody may be asked in between. */
static size_t sure_run(const struct dot_source *d, const char *p, size_t n) {
  return n - (d->form != NM_WIRE_OCTETS && n > 0 && p[n - 1] == '\r');
}

/* RFC 5321 4.1.1.4: the content ends with CRLF "." CRLF; the first CRLF is the last line's own. An empty content has no
   line, and is sent as one empty line. Of octets nothing is added. */
static void end_content(struct dot_source *d) {
  static const char end[] = "\r\n.\r\n";
  if (d->form == NM_WIRE_OCTETS) {
    d->ended = 1;
    return;
  }
  size_t from = d->line_begun || !d->any ? 0 : 2;
  size_t to = d->form == NM_WIRE_DOTTED ? 5 : 2;
  d->ended = 1;
  set_pend(d, end + from, to - from);
}

/* Of inner; at its end what is still due lies in pend. */
static int pull(struct dot_source *d, char *p, size_t cap, size_t *n_out) {
  int rc = d->rc != 0 ? d->rc : nm_source_read(d->inner, p, cap, n_out);
  if (rc < 0) {
    d->rc = rc;
    d->source.error = d->inner->error;
  } else if (rc == 0 && *n_out == 0) {
    end_content(d);
  }
  return rc;
}

static int fill(struct dot_source *d) {
  size_t n = 0;
  int rc = pull(d, d->in, sizeof d->in, &n);
  d->is_sure = 0;
  d->from = d->in;
  d->at = 0;
  d->n = n;
  return rc;
}

static void note_run(struct dot_source *d, const char *p, size_t n) {
  if (n > 0) {
    d->line_begun = p[n - 1] != '\n';
    d->any = 1;
  }
}

/* Most contents go as they are: inner reads to where the octets are to stand, and only from the first on that must go otherwise they are
   taken aside. */
static int read_straight(struct dot_source *d, char *p, size_t cap, size_t *n_out) {
  size_t got = 0;
  int sure = is_sure(d), rc = pull(d, p, sure || cap < sizeof d->in ? cap : sizeof d->in, &got);
  int is_dot = !sure && got > 0 && p[0] == '.' && !d->line_begun && d->form == NM_WIRE_DOTTED;
  size_t run = is_dot ? 0 : sure ? sure_run(d, p, got) : clean_run(d, p, got);
  d->from = d->in;
  d->at = 0;
  d->n = got - run;
  if (d->n > 0) {
    memcpy(d->in, p + run, d->n);
  }
  note_run(d, p, run);
  *n_out = run;
  return rc;
}

/* Copies what goes out as it is; there is at least one byte. */
static size_t copy_run(struct dot_source *d, char *p, size_t cap) {
  size_t left = d->n - d->at;
  size_t run = clean_run(d, d->from + d->at, left < cap ? left : cap);
  if (run > 0) {
    memcpy(p, d->from + d->at, run);
    d->at += run;
    note_run(d, p, run);
  }
  return run;
}

/* What must be sent otherwise than it stands, if the next byte is such a one. */
static void take_special(struct dot_source *d) {
  char c = d->from[d->at];
  if (c == '\r' || c == '\n') {
    set_pend(d, "\r\n", 2);
    d->at++;
    d->skip_lf = c == '\r';
    d->line_begun = 0;
    d->any = 1;
  } else if (c == '.' && !d->line_begun && d->form == NM_WIRE_DOTTED) {
    /* RFC 5321 4.5.2: one additional period; the line's own follows as any other byte. */
    set_pend(d, ".", 1);
    d->line_begun = 1;
    d->any = 1;
  }
}

static int read_octets(struct dot_source *d, char *p, size_t cap, size_t *n_out) {
  if (d->at == d->n) {
    return pull(d, p, cap, n_out);
  }
  *n_out = d->n - d->at < cap ? d->n - d->at : cap;
  memcpy(p, d->from + d->at, *n_out);
  d->at += *n_out;
  return 0;
}

static int dot_read(struct nm_source *s, char *p, size_t cap, size_t *n_out) {
  struct dot_source *d = (struct dot_source *)s;
  size_t n = 0;
  int rc = 0;
  if (d->form == NM_WIRE_OCTETS) {
    return read_octets(d, p, cap, n_out);
  }
  while (n < cap && rc == 0) {
    n += take_pend(d, p + n, cap - n);
    if (n == cap || (d->ended && d->pend_at == d->pend_n)) {
      break;
    }
    if (d->at == d->n) {
      if (n > 0) { /* a "not now" of inner is then the next read's, and not asked for twice */
        break;
      }
      rc = !d->skip_lf && cap >= STRAIGHT_MIN ? read_straight(d, p, cap, &n) : fill(d);
      continue;
    }
    if (d->skip_lf) {
      d->at += d->from[d->at] == '\n';
      d->skip_lf = 0;
      continue;
    }
    if (d->line_begun || d->from[d->at] != '.' || d->form != NM_WIRE_DOTTED) {
      n += copy_run(d, p + n, cap - n);
    }
    if (n < cap && d->at < d->n) {
      take_special(d);
    }
  }
  *n_out = n;
  return n > 0 ? 0 : rc;
}

/* Of inner, to be sent next, without a copy. */
static size_t borrow(struct dot_source *d, size_t min, size_t max) {
  d->is_sure = is_sure(d);
  d->n = nm_source_lend(d->inner, min, max, &d->from);
  d->at = 0;
  return d->n;
}

size_t nm_wire_lend(struct nm_source *s, size_t min, size_t max, const char **p_out) {
  struct dot_source *d = (struct dot_source *)s;
  if (d->pend_at < d->pend_n || d->skip_lf || d->ended || d->rc != 0) {
    return 0;
  }
  size_t left = d->at < d->n ? d->n - d->at : borrow(d, min, max);
  const char *p = d->from + d->at;
  int is_dot = !d->is_sure && left > 0 && *p == '.' && !d->line_begun && d->form == NM_WIRE_DOTTED;
  if (d->from == d->in || left < min || is_dot) {
    return 0;
  }
  left = left < max ? left : max;
  size_t run = d->is_sure ? sure_run(d, p, left) : clean_run(d, p, left);
  if (run < min) {
    return 0;
  }
  d->at += run;
  note_run(d, p, run);
  *p_out = p;
  return run;
}

void nm_wire_look(struct nm_source *s, size_t min, size_t max) {
  struct dot_source *d = (struct dot_source *)s;
  int has_none = d->at == d->n && d->pend_at == d->pend_n && !d->ended && d->rc == 0;
  if (has_none && (d->skip_lf || borrow(d, min, max) == 0)) {
    (void)fill(d);
  }
}

/* All that lives across reads. */
static void forget(struct dot_source *d) {
  d->from = d->in;
  d->at = d->n = 0;
  d->is_sure = 0;
  d->rc = 0;
  d->line_begun = d->any = d->skip_lf = d->ended = 0;
  d->pend_at = d->pend_n = 0;
}

static int dot_rewind(struct nm_source *s) {
  struct dot_source *d = (struct dot_source *)s;
  int rc = nm_source_rewind(d->inner);
  if (rc != 0) {
    d->source.error = d->inner->error;
    return rc;
  }
  forget(d);
  return 0;
}

static int64_t dot_size(struct nm_source *s) {
  (void)s;
  return -1;
}

static void dot_free(struct nm_source *s) {
  nm_free(s);
}

static const struct nm_source_ops dot_ops = {dot_read, dot_rewind, dot_size, dot_free, NULL, NULL};

struct nm_source *nm_wire_source(void) {
  struct dot_source *d = nm_alloc(sizeof *d);
  if (d == NULL) {
    return NULL;
  }
  memset(d, 0, offsetof(struct dot_source, in));
  d->source.ops = &dot_ops;
  return &d->source;
}

void nm_wire_source_set(struct nm_source *wire, struct nm_source *inner, enum nm_wire_form form) {
  struct dot_source *d = (struct dot_source *)wire;
  forget(d);
  d->source.error.code = 0;
  d->inner = inner;
  d->form = form;
}

int nm_wire_ended(const struct nm_source *s) {
  const struct dot_source *d = (const struct dot_source *)s;
  return d->ended && d->pend_at == d->pend_n;
}
