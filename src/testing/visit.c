#include "testing/visit_own.h"

#include "base/alloc.h"
#include "base/error.h"

/* A command line: RFC 5321 has 512 octets, AUTH 12288 (RFC 4954 4); so long is nobody's by good intent. */
#define LINE_MAX_OCTETS 32768u
/* Taken before it is worked on, beside the line that is not complete. */
#define INPUT_MAX 65536u
/* Said and not yet taken by the client: then it is not heard. */
#define OUTPUT_ENOUGH 65536u
/* Two texts of a fault, and more than enough. */
#define OUTPUT_MAX (4 * NM_FAULT_TEXT_MAX)
#define NAME_MAX_OCTETS LINE_MAX_OCTETS

static void be_recorded(struct nm_visit *v) {
  struct nm_visitor *visitor;
  if (nm_record_visitor(&v->house->record, &v->number) != 0) {
    v->number = 0;
  }
  visitor = nm_record_get(&v->house->record, v->number);
  if (visitor != NULL && v->is_secure) {
    nm_buf_add_c(&visitor->tls, v->house->tls->version(v->tls_end));
  }
}

int nm_visit_new(struct nm_house *house, struct nm_visit **out) {
  struct nm_visit *v = nm_zalloc(sizeof *v);
  *out = v;
  if (v == NULL) {
    return NM_ENOMEM;
  }
  v->house = house;
  v->in.max = INPUT_MAX;
  v->out.max = OUTPUT_MAX;
  v->usual.max = INPUT_MAX;
  v->name.max = NAME_MAX_OCTETS;
  v->user.max = NM_EXCHANGE_MAX;
  v->mechanism.max = NM_EXCHANGE_MAX;
  v->late.reply.max = NM_FAULT_TEXT_MAX;
  v->late.inject.max = NM_FAULT_TEXT_MAX;
  v->certificate = house->setup.certificate;
  v->stage = house->setup.tls == NM_SETUP_IMPLICIT ? NM_STAGE_TLS_NEXT : NM_STAGE_GREETING;
  be_recorded(v);
  return 0;
}

void nm_visit_free(struct nm_visit **visit) {
  struct nm_visit *v = *visit;
  if (v == NULL) {
    return;
  }
  struct nm_visitor *visitor = nm_record_get(&v->house->record, v->number);
  if (visitor != NULL) {
    visitor->is_over = 1;
  }
  nm_buf_free(&v->in);
  nm_buf_free(&v->out);
  nm_buf_free(&v->usual);
  nm_buf_free(&v->name);
  nm_buf_free(&v->user);
  nm_buf_free(&v->mechanism);
  nm_buf_free(&v->late.reply);
  nm_buf_free(&v->late.inject);
  nm_exchange_free(&v->exchange);
  nm_mail_unref(&v->mail);
  nm_free(v);
  *visit = NULL;
}

void nm_visit_renumber(struct nm_visit *v) {
  be_recorded(v);
}

/* ---- out ---- */

static size_t unsaid(const struct nm_visit *v) {
  return v->out.n - v->out_at;
}

/* Nothing is heard before that has been said, or that time has come. */
static int is_held(const struct nm_visit *v) {
  return v->end != NM_END_NONE || v->stalls || v->endless != NM_ENDLESS_NONE || v->now < v->pause ||
         (v->paces && unsaid(v) > 0) || unsaid(v) > OUTPUT_ENOUGH;
}

size_t nm_visit_output(const struct nm_visit *v, const char **p) {
  size_t n = unsaid(v);
  *p = n > 0 ? v->out.p + v->out_at : "";
  if (v->is_gone || !v->paces || n == 0) {
    return v->is_gone ? 0 : n;
  }
  if (v->out_at < v->pace_at) {
    return v->pace_at - v->out_at;
  }
  return v->now < v->pace_next ? 0 : v->drip > 0 ? 1 : n;
}

void nm_visit_sent(struct nm_visit *v, size_t n) {
  int is_drop = v->paces && v->out_at >= v->pace_at;
  v->out_at += n;
  if (is_drop && v->drip > 0) {
    v->pace_next = v->now + v->drip;
  }
  if (unsaid(v) == 0) {
    nm_buf_reset(&v->out);
    v->out_at = 0;
    v->paces = 0;
  }
}

static void go_on_endlessly(struct nm_visit *v) {
  static const char line[] = "250-there is more to come\r\n";
  if (unsaid(v) > 0) {
    return;
  }
  for (size_t i = 0; i < 512 && v->endless_left > 0; i++) {
    struct nm_str piece = v->endless == NM_ENDLESS_LINE ? nm_str("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32)
                                                        : nm_str(line, sizeof line - 1);
    nm_buf_add_str(&v->out, piece);
    v->endless_left -= piece.n < v->endless_left ? piece.n : v->endless_left;
  }
  if (v->endless_left == 0) {
    nm_visit_finish(v, NM_END_CUT, "dropped");
  }
}

/* ---- in ---- */

size_t nm_visit_room(const struct nm_visit *v) {
  if (v->is_gone || v->is_eof) {
    return 0;
  }
  if (v->stage == NM_STAGE_DEAF && v->end == NM_END_NONE) {
    return INPUT_MAX / 4;
  }
  size_t held = v->in.n - v->in_at;
  return is_held(v) || held > INPUT_MAX / 2 ? 0 : INPUT_MAX / 4;
}

void nm_visit_input(struct nm_visit *v, const char *p, size_t n) {
  if (v->in_at == v->in.n) {
    nm_buf_reset(&v->in);
  } else if (v->in_at > 0) {
    memmove(v->in.p, v->in.p + v->in_at, v->in.n - v->in_at);
    v->in.n -= v->in_at;
  }
  v->scanned = v->in_at < v->scanned && v->in.n > 0 ? v->scanned - v->in_at : 0;
  v->in_at = 0;
  if (v->stage != NM_STAGE_DEAF) {
    nm_buf_add(&v->in, p, n);
  }
}

void nm_visit_eof(struct nm_visit *v, const char *how) {
  v->is_eof = 1;
  nm_visit_finish(v, v->end, how);
}

void nm_visit_lost(struct nm_visit *v, const char *how) {
  v->is_gone = 1;
  nm_visit_finish(v, NM_END_CUT, how);
}

struct nm_str nm_visit_rest(const struct nm_visit *v) {
  return v->in.n > v->in_at ? nm_str(v->in.p + v->in_at, v->in.n - v->in_at) : nm_str("", 0);
}

/* A line without its LF; 0 when there is none yet. */
static int take_line(struct nm_visit *v, struct nm_str *out) {
  size_t from = v->scanned > v->in_at ? v->scanned : v->in_at;
  const char *lf = v->in.n > from ? memchr(v->in.p + from, '\n', v->in.n - from) : NULL;
  if (lf != NULL) {
    *out = nm_str(v->in.p + v->in_at, (size_t)(lf - v->in.p) - v->in_at);
    v->in_at += out->n + 1;
    return 1;
  }
  v->scanned = v->in.n;
  if (v->in.n - v->in_at > LINE_MAX_OCTETS) {
    v->in_at = v->in.n;
    v->skips = 1;
  }
  return 0;
}

/* command CRLF: neither CR, LF nor NUL are in it (RFC 5321 2.3.8, 4.1.2) */
static int check_line(struct nm_visit *v, struct nm_str *line) {
  if (v->skips || line->n > LINE_MAX_OCTETS) {
    v->skips = 0;
    nm_visit_usual(v, 500, "5.5.2", "line too long");
    return 0;
  }
  nm_record_line(&v->house->record, v->number,
                 nm_str(line->p, line->n > 0 && line->p[line->n - 1] == '\r' ? line->n - 1 : line->n));
  if (line->n == 0 || line->p[line->n - 1] != '\r') {
    nm_visit_usual(v, 500, "5.5.2", "the line ends with LF alone");
    return 0;
  }
  line->n--;
  if (memchr(line->p, '\r', line->n) != NULL || memchr(line->p, '\0', line->n) != NULL) {
    nm_visit_usual(v, 500, "5.5.2", "CR or NUL within the line");
    return 0;
  }
  return 1;
}

static int hear_line(struct nm_visit *v) {
  struct nm_str line;
  if (!take_line(v, &line)) {
    return 0;
  }
  if (!check_line(v, &line)) {
    nm_exchange_free(&v->exchange);
    v->stage = NM_STAGE_LINE;
    nm_visit_answer(v, "*", nm_str("", 0));
  } else if (v->stage == NM_STAGE_RESPONSE) {
    nm_visit_response(v, line);
  } else {
    nm_visit_command(v, line);
  }
  return 1;
}

/* ---- TLS ---- */

/* Once the client speaks, as a server would. Or a fault in place of the handshake: octets that are none of TLS, or nothing at all. */
static int begin_tls(struct nm_visit *v) {
  if (unsaid(v) > 0 || v->in_at == v->in.n) {
    return 0;
  }
  v->stage = NM_STAGE_TLS;
  const struct nm_fault *f = nm_faults_find(&v->house->faults, "TLS", nm_str("", 0), v->number);
  if (f != NULL) {
    v->certificate = f->certificate != NM_TLS_CERT_GOOD ? f->certificate : v->certificate;
    struct nm_str reply = f->say == NM_SAY_TEXT ? nm_buf_str(&f->reply) : nm_str("", 0);
    nm_visit_act(v, f, reply, nm_buf_str(&f->inject));
    if (f->say == NM_SAY_TEXT || f->endless != NM_ENDLESS_NONE) {
      v->stage = NM_STAGE_DEAF;
    }
  }
  return 1;
}

enum nm_tls_certificate nm_visit_certificate(const struct nm_visit *v) {
  return v->certificate;
}

void nm_visit_shaking(struct nm_visit *v, const struct nm_tls_end *end) {
  v->stage = NM_STAGE_SHAKING;
  v->tls_end = end;
  v->in_at = v->in.n;
}

int nm_visit_is_shaking(const struct nm_visit *v) {
  return v->stage == NM_STAGE_SHAKING;
}

void nm_visit_secured(struct nm_visit *v) {
  struct nm_visitor *visitor = nm_record_get(&v->house->record, v->number);
  v->is_secure = 1;
  v->stage = v->house->setup.tls == NM_SETUP_IMPLICIT ? NM_STAGE_GREETING : NM_STAGE_LINE;
  if (visitor != NULL) {
    nm_buf_add_c(&visitor->tls, v->house->tls->version(v->tls_end));
  }
}

void nm_visit_insecure(struct nm_visit *v, const char *why) {
  struct nm_visitor *visitor = nm_record_get(&v->house->record, v->number);
  if (visitor != NULL && v->stage == NM_STAGE_SHAKING) {
    nm_buf_add_c(&visitor->tls, why);
  }
  nm_visit_finish(v, NM_END_CUT, v->is_secure ? "tls failed" : "no tls");
}

/* ---- on ---- */

/* One thing; 0 when there is nothing to do. */
static int advance(struct nm_visit *v) {
  switch (v->stage) {
    case NM_STAGE_TLS_NEXT:
      return begin_tls(v);
    case NM_STAGE_GREETING:
      nm_visit_greet(v);
      return 1;
    case NM_STAGE_LINE:
    case NM_STAGE_RESPONSE:
      return hear_line(v);
    case NM_STAGE_DOT:
    case NM_STAGE_CHUNK: {
      size_t before = v->in_at;
      enum nm_stage stage = v->stage;
      nm_visit_content(v);
      return v->in_at > before || v->stage != stage;
    }
    default:
      return 0;
  }
}

void nm_visit_work(struct nm_visit *v, int64_t now) {
  v->now = now;
  while (!v->is_gone && !is_held(v) && advance(v)) {
  }
  if (v->stage == NM_STAGE_DEAF) {
    v->in_at = v->in.n;
  }
  if (v->endless != NM_ENDLESS_NONE && v->end == NM_END_NONE) {
    go_on_endlessly(v);
  }
  if (v->in.err != 0 || v->out.err != 0 || v->usual.err != 0 || v->name.err != 0 || v->user.err != 0 ||
      v->mechanism.err != 0 || v->late.reply.err != 0 || v->late.inject.err != 0) {
    nm_visit_lost(v, "no memory");
  }
}

enum nm_visit_want nm_visit_want(const struct nm_visit *v) {
  if (v->is_gone) {
    return NM_VISIT_OVER;
  }
  if (unsaid(v) > 0) {
    return NM_VISIT_LINE;
  }
  if (v->end != NM_END_NONE || (v->is_eof && v->now >= v->pause)) {
    return v->now < v->pause ? NM_VISIT_LINE : NM_VISIT_OVER;
  }
  return v->stage == NM_STAGE_TLS && !is_held(v) ? NM_VISIT_TLS : NM_VISIT_LINE;
}

int nm_visit_is_gone(const struct nm_visit *v) {
  return v->is_gone;
}

enum nm_end nm_visit_end(const struct nm_visit *v) {
  return v->end;
}

int64_t nm_visit_due(const struct nm_visit *v) {
  if (v->now < v->pause) {
    return v->pause;
  }
  return v->paces && v->out_at >= v->pace_at && unsaid(v) > 0 ? v->pace_next : -1;
}
