/* DATA and BDAT, and the content behind them. */

#include "testing/number.h"
#include "testing/visit_own.h"

/* Where the content's octets stand; data = CRLF "." CRLF ends it, and a dot at the beginning of a line was put there (RFC 5321 4.5.2). */
enum { IN_LINE, AFTER_CR, AT_START, AFTER_DOT, AFTER_DOT_CR };

/* ---- beginning ---- */

/* The fault that waits for so many octets. */
static void begin_content(struct nm_visit *v) {
  const struct nm_fault *f = nm_faults_find(&v->house->faults, "CONTENT", nm_str("", 0), v->number);
  v->size = 0;
  v->late.is_set = f != NULL;
  if (f == NULL) {
    return;
  }
  v->late.fault = *f;
  v->late.after = f->after;
  nm_buf_reset(&v->late.reply);
  nm_buf_reset(&v->late.inject);
  nm_buf_add_str(&v->late.reply, f->say == NM_SAY_TEXT ? nm_buf_str(&f->reply) : nm_str("", 0));
  nm_buf_add_str(&v->late.inject, nm_buf_str(&f->inject));
}

void nm_visit_data(struct nm_visit *v, struct nm_str argument) {
  int is_right = 0;
  if (argument.n > 0) {
    nm_visit_usual(v, 501, "5.5.4", "DATA has no parameters");
  } else if (v->mail == NULL || v->in_chunks || v->is_binary) { /* RFC 3030 3: nor for BINARYMIME */
    nm_visit_usual(v, 503, "5.5.1", v->mail == NULL ? "say MAIL first" : "say BDAT");
  } else if (v->rcpts == 0) {
    nm_visit_usual(v, v->house->setup.lmtp ? 503 : 554, "5.5.1", "no valid recipients");
  } else {
    nm_visit_usual(v, 354, "", "go on, and end with a dot on a line of its own");
    is_right = 1;
  }
  if (nm_visit_answer(v, "DATA", argument) && is_right && v->stage == NM_STAGE_LINE) {
    v->stage = NM_STAGE_DOT;
    v->dot = AT_START;
    begin_content(v);
  }
}

/* bdat-cmd = "BDAT" SP chunk-size [SP "LAST"]. Its octets come whether it is wanted or not. */
void nm_visit_bdat(struct nm_visit *v, struct nm_str argument) {
  struct nm_str rest = argument, size = nm_word(&rest);
  uint64_t n;
  int is_last = nm_str_ieq(rest, NM_STR("LAST"));
  if (!nm_number(size, &n) || (rest.n > 0 && !is_last)) {
    nm_visit_usual(v, 501, "5.5.4", "BDAT size and perhaps LAST are wanted");
    nm_visit_answer(v, "BDAT", argument);
    return;
  }
  if (!nm_visit_offers(v, "CHUNKING") || v->mail == NULL || v->rcpts == 0) {
    v->content_fails = 503;
  }
  if (!v->in_chunks) {
    begin_content(v);
  }
  v->in_chunks = 1;
  v->chunk_left = n;
  v->chunk_last = is_last;
  v->stage = NM_STAGE_CHUNK;
}

/* ---- end ---- */

static void usual_end(struct nm_visit *v, uint64_t number, struct nm_str recipient) {
  switch (v->content_fails) {
    case 0:
      nm_visit_usual(v, 250, recipient.n > 0 ? "2.1.5" : "2.0.0", "%.*s%squeued as T%llu",
                     (int)(recipient.n < 300 ? recipient.n : 300), recipient.n > 0 ? recipient.p : "",
                     recipient.n > 0 ? " " : "", (unsigned long long)number);
      break;
    case 503:
      nm_visit_usual(v, 503, "5.5.1", "BDAT is not wanted here");
      break;
    case 552:
      nm_visit_usual(v, 552, "5.3.4", "the message is too large");
      break;
    default:
      nm_visit_usual(v, 452, "4.3.1", "no room for more messages (MaxMessages, MaxBytes)");
  }
}

/* LMTP: a reply for each recipient (RFC 2033 4.2). Those that are refused are none of the message's. How many are left. */
static size_t answer_each(struct nm_visit *v, struct nm_mail *m) {
  struct nm_texts kept = {.b.max = m->to.b.max};
  struct nm_str address, parameters;
  for (size_t at = 0; nm_texts_next(&m->to, &at, &address) && nm_texts_next(&m->to, &at, &parameters);) {
    usual_end(v, m->number, address);
    int is_taken =
        v->stage == NM_STAGE_LINE && v->end == NM_END_NONE ? nm_visit_answer(v, "DOT", address) : 1;
    if (is_taken && v->content_fails == 0) {
      nm_texts_add(&kept, address);
      nm_texts_add(&kept, parameters);
    }
  }
  v->out.err = kept.b.err != 0 ? kept.b.err : v->out.err;
  size_t n = kept.n;
  nm_texts_free(&m->to);
  m->to = kept;
  return n;
}

static void end_content(struct nm_visit *v) {
  struct nm_record *record = &v->house->record;
  struct nm_mail *m = v->mail;
  int is_recorded = 0;
  v->stage = NM_STAGE_LINE;
  v->late.is_set = 0;
  if (!v->in_chunks) {
    nm_record_line(record, v->number, NM_STR("."));
  }
  if (v->content_fails == 0) {
    m->number = ++record->mails_made;
    m->chunked = v->in_chunks;
    is_recorded = nm_record_mail(record, m) == 0;
    v->content_fails = is_recorded ? 0 : 452;
  }
  int is_taken;
  if (m != NULL && m->lmtp) {
    is_taken = answer_each(v, m) > 0;
  } else {
    usual_end(v, m != NULL ? m->number : 0, nm_str("", 0));
    is_taken = nm_visit_answer(v, "DOT", m != NULL ? nm_buf_str(&m->data) : nm_str("", 0));
  }
  if (is_recorded && !is_taken) {
    nm_record_drop_last(record);
  }
  v->mails += is_recorded && is_taken;
  nm_visit_rset(v);
}

/* A chunk is complete that is not the last one. */
static void end_chunk(struct nm_visit *v) {
  v->stage = NM_STAGE_LINE;
  if (v->content_fails != 0) {
    usual_end(v, 0, nm_str("", 0));
  } else {
    nm_visit_usual(v, 250, "2.0.0", "%llu octets so far", (unsigned long long)v->size);
  }
  if (!nm_visit_answer(v, "BDAT", nm_str("", 0)) && v->content_fails == 0) {
    v->content_fails = 503; /* RFC 3030 2: after a failure nothing but RSET helps */
  }
}

/* ---- octets ---- */

static void keep(struct nm_visit *v, const char *p, size_t n) {
  if (v->content_fails != 0 || v->mail == NULL) {
    return;
  }
  struct nm_buf *data = &v->mail->data;
  nm_buf_add(data, p, n);
  if (data->n > nm_setup_number(&v->house->setup, "SIZE", UINT64_MAX)) {
    v->content_fails = 552;
  } else if (data->err != 0) {
    v->content_fails = 452;
  }
  if (v->content_fails != 0) {
    nm_buf_free(data);
  }
}

/* One octet, or those up to the next CR; how many. */
static size_t hear_dotted(struct nm_visit *v, const char *p, size_t n) {
  const char *cr;
  switch (v->dot) {
    case AFTER_DOT_CR: /* the dot is the line's own, and the CR is content after all */
      keep(v, "\r", 1);
      v->dot = AFTER_CR;
      return hear_dotted(v, p, n);
    case AFTER_DOT:
      if (*p == '\r') {
        v->dot = AFTER_DOT_CR;
        return 1;
      }
      break;
    case AT_START:
      if (*p == '.') {
        v->dot = AFTER_DOT;
        return 1;
      }
      break;
    case AFTER_CR:
      if (*p == '\n') {
        keep(v, p, 1);
        v->dot = AT_START;
        return 1;
      }
      break;
    default:
      break;
  }
  cr = memchr(p, '\r', n);
  size_t used = cr != NULL ? (size_t)(cr - p) + 1 : n;
  v->dot = cr != NULL ? AFTER_CR : IN_LINE;
  keep(v, p, used);
  return used;
}

/* Returns 1 when the content is complete. */
static int hear_data(struct nm_visit *v, const char *p, size_t n, size_t *used_out) {
  size_t used = 0;
  while (used < n) {
    if (v->dot == AFTER_DOT_CR && p[used] == '\n') {
      *used_out = used + 1;
      return 1;
    }
    used += hear_dotted(v, p + used, n - used);
  }
  *used_out = used;
  return 0;
}

static int hear_chunk(struct nm_visit *v, const char *p, size_t n, size_t *used_out) {
  size_t used = n < v->chunk_left ? n : (size_t)v->chunk_left;
  keep(v, p, used);
  v->chunk_left -= used;
  *used_out = used;
  return v->chunk_left == 0;
}

/* Up to the octet that a fault waits for, when that has not come. */
static size_t octets_now(const struct nm_visit *v) {
  size_t n = v->in.n - v->in_at;
  uint64_t until = v->late.is_set ? v->late.after - v->size : UINT64_MAX;
  return n < until ? n : (size_t)until;
}

void nm_visit_content(struct nm_visit *v) {
  size_t used = 0;
  if (v->late.is_set && v->size >= v->late.after) {
    v->late.is_set = 0;
    nm_visit_act(v, &v->late.fault, nm_buf_str(&v->late.reply), nm_buf_str(&v->late.inject));
    return;
  }
  size_t n = octets_now(v);
  const char *p = n > 0 ? v->in.p + v->in_at : "";
  int is_data = v->stage == NM_STAGE_DOT;
  int is_complete = is_data ? hear_data(v, p, n, &used) : hear_chunk(v, p, n, &used);
  v->in_at += used;
  v->size += used;
  if (!is_complete) {
    return;
  }
  if (is_data || v->chunk_last) {
    end_content(v);
  } else {
    end_chunk(v);
  }
}
