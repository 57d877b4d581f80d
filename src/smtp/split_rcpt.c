#include "smtp/split_rcpt.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Of the words that refused a whole transaction, for each of its recipients. */
#define SHARED_TEXT_MAX 256

/* Up to the texts of errors that there are not. */
static void clear(struct nm_split *s) {
  memset(s, 0, offsetof(struct nm_split, result) + offsetof(struct nm_txn_result, error));
  nm_error_clear(&s->result.error);
  nm_error_clear(&s->rest);
}

void nm_split_init(struct nm_split *s, const struct nm_envelope *env, size_t rcpt_max) {
  clear(s);
  s->env = env;
  s->rcpt_max = rcpt_max;
  s->n_pending = env->n_to;
}

/* From here on there may be several transactions: each recipient has a place in the result, and one among those that are pending. */
static int expand(struct nm_split *s) {
  const struct nm_envelope *env = s->env;
  size_t n = env->n_to > 0 ? env->n_to : 1;
  s->pending = nm_realloc_array(NULL, n, sizeof *s->pending);
  s->to = nm_realloc_array(NULL, n, sizeof *s->to);
  s->rcpt = nm_realloc_array(NULL, n, sizeof *s->rcpt);
  s->result.rcpt = nm_realloc_array(NULL, n, sizeof *s->result.rcpt);
  if (s->pending == NULL || s->to == NULL || s->rcpt == NULL || s->result.rcpt == NULL) {
    nm_free(s->pending);
    nm_free(s->to);
    nm_free(s->rcpt);
    nm_free(s->result.rcpt);
    s->pending = NULL;
    s->to = NULL;
    s->rcpt = NULL;
    s->result.rcpt = NULL;
    return NM_ENOMEM;
  }
  for (size_t i = 0; i < env->n_to; i++) {
    s->pending[i] = (struct nm_split_entry){env->to[i], i};
    s->result.rcpt[i] = (struct nm_rcpt){.addr = env->to[i]};
  }
  s->n_pending = s->result.n_rcpt = env->n_to;
  return 0;
}

/* One that was refused with all others, and heard no refusal of its own. */
static void share_refusal(struct nm_rcpt *to, const struct nm_reply *r, struct nm_words *before) {
  if (to->fate == NM_FATE_REFUSED && nm_rcpt_class(to) < 4) {
    nm_rcpt_answer(to, r, SHARED_TEXT_MAX, before);
  }
}

/* What refused them all is each one's answer: what the next transaction hears takes its place. */
static void share_refusals(struct nm_txn_result *r) {
  struct nm_words *before = NULL;
  for (size_t i = 0; i < r->n_rcpt && nm_reply_class(&r->reply) >= 4; i++) {
    share_refusal(&r->rcpt[i], &r->reply, before);
    before = r->rcpt[i].words;
  }
}

static int may_be_tried_again(const struct nm_rcpt *r) {
  return r->fate == NM_FATE_NOT_SENT || (r->fate == NM_FATE_REFUSED && nm_rcpt_class(r) == 4);
}

/* A result without recipients is that of a message that never came to a transaction. */
int nm_split_resume(struct nm_split *s, const struct nm_envelope *env, size_t rcpt_max,
                    struct nm_txn_result *r) {
  nm_split_init(s, env, rcpt_max);
  if (r->n_rcpt == 0) {
    return 0;
  }
  if (expand(s) != 0) {
    return NM_ENOMEM;
  }
  share_refusals(r);
  s->n_pending = 0;
  int is_good = 0;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    is_good |= r->rcpt[i].fate == NM_FATE_ACCEPTED;
    if (may_be_tried_again(&r->rcpt[i])) {
      s->pending[s->n_pending++] = (struct nm_split_entry){env->to[i], i};
    }
  }
  if (s->n_pending == 0) {
    nm_split_free(s);
    return NM_EINVAL;
  }
  nm_free(s->result.rcpt);
  nm_txn_result_move(&s->result, r);
  s->is_good = is_good;
  s->is_unknown = s->result.outcome == NM_OUTCOME_UNKNOWN;
  s->n_runs = 1;
  return 0;
}

void nm_split_free(struct nm_split *s) {
  nm_txn_result_free(&s->result);
  nm_free(s->pending);
  nm_free(s->to);
  nm_free(s->rcpt);
  clear(s);
}

/* ---- which are next ---- */

static size_t least(size_t a, size_t b) {
  return b == 0 || (a != 0 && a < b) ? a : b;
}

/* 0: no limit. */
static size_t limit(const struct nm_split *s, const struct nm_caps *caps) {
  return least(least(s->rcpt_max, s->learned), caps->rcpt_max);
}

/* How many of those pending, from the first, have no more than max domains; they stand together, so a change is a new one. */
static size_t within_domains(const struct nm_split *s, size_t n, size_t max) {
  size_t domains = 0;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || !nm_str_ieq(s->pending[i].addr->domain, s->pending[i - 1].addr->domain)) {
      domains++;
    }
    if (domains > max) {
      return i;
    }
  }
  return n;
}

static int by_domain(const void *p, const void *q) {
  const struct nm_split_entry *a = p, *b = q;
  int order = nm_addr_compare(a->addr, b->addr);
  return order != 0 ? order : a->at < b->at ? -1 : 1;
}

static size_t choose(struct nm_split *s, const struct nm_caps *caps) {
  size_t max = limit(s, caps);
  size_t n = max > 0 && max < s->n_pending ? max : s->n_pending;
  if (caps->domain_max == 0) {
    return n;
  }
  qsort(s->pending, s->n_pending, sizeof *s->pending, by_domain);
  return within_domains(s, n, caps->domain_max);
}

static void fill(struct nm_split *s, size_t n) {
  const struct nm_envelope *env = s->env;
  for (size_t i = 0; i < n; i++) {
    s->to[i] = s->pending[i].addr;
    if (env->rcpt != NULL) {
      s->rcpt[i] = env->rcpt[s->pending[i].at];
    }
  }
  s->part = *env;
  s->part.to = s->to;
  s->part.n_to = n;
  s->part.rcpt = env->rcpt != NULL ? s->rcpt : NULL;
}

/* One transaction will do, as far as anybody knows. */
static int is_whole(const struct nm_split *s, const struct nm_caps *caps) {
  size_t max = limit(s, caps);
  return s->pending == NULL && (max == 0 || s->n_pending <= max) &&
         (caps->domain_max == 0 || s->n_pending <= 1);
}

int nm_split_next(struct nm_split *s, const struct nm_caps *caps) {
  if (s->is_over || (s->n_pending == 0 && s->n_runs > 0)) {
    return 0;
  }
  if (is_whole(s, caps)) {
    s->part = *s->env;
    return 1;
  }
  if (s->pending == NULL && expand(s) != 0) {
    s->is_over = 1;
    return nm_error_nomem(&s->result.error);
  }
  size_t n = choose(s, caps);
  if (s->env->all_or_nothing && n < s->n_pending) {
    s->is_over = 1;
    return nm_error_set(
        &s->result.error, NM_ELIMIT, NM_KIND_RECIPIENT,
        "%zu recipients need several transactions, as the server takes %zu of them in one, and then "
        "it cannot be promised that all get the message or nobody",
        s->n_pending, n);
  }
  fill(s, n);
  return 1;
}

int nm_split_has_more(const struct nm_split *s) {
  return !s->is_over && s->n_pending > 0;
}

/* ---- what became of them ---- */

/* RFC 5321 4.5.3.1.10: "452 Too many recipients", by older servers 552. RFC 3463 3.6 has x.5.3 for it, so another enhanced code
   means another thing (a mailbox that is full, say), and 552 without one always does. */
static int is_too_many(const struct nm_rcpt *r) {
  if (r->enhanced[0] != 0) {
    return (r->code == 452 || r->code == 552) && r->enhanced[1] == 5 && r->enhanced[2] == 3;
  }
  return r->code == 452;
}

static int has_too_many(const struct nm_txn_result *r) {
  for (size_t i = 0; i < r->n_rcpt; i++) {
    if (r->rcpt[i].fate == NM_FATE_REFUSED && is_too_many(&r->rcpt[i])) {
      return 1;
    }
  }
  return 0;
}

/* Of all at once, and nobody is to be repeated: or memory is short for that. */
static void take_all(struct nm_split *s, struct nm_txn_result *r) {
  s->result.rcpt = r->rcpt;
  s->result.n_rcpt = r->n_rcpt;
  s->n_pending = 0;
  r->rcpt = NULL;
  r->n_rcpt = 0;
}

/* What the part's recipients say goes to their places. Those that were one too many come again, before all others. */
static void take_rcpts(struct nm_split *s, struct nm_txn_result *r, int may_repeat) {
  size_t again = 0;
  struct nm_words *before = NULL;
  for (size_t i = 0; i < r->n_rcpt; i++) {
    struct nm_rcpt *to = &s->result.rcpt[s->pending[i].at];
    nm_rcpt_take(to, &r->rcpt[i]);
    if (may_repeat && to->fate == NM_FATE_REFUSED && is_too_many(to)) {
      s->pending[again++] = s->pending[i];
    } else if (s->n_runs > 1) {
      share_refusal(to, &r->reply, before);
      before = to->words;
    }
  }
  if (again > 0) {
    s->learned = r->n_accepted;
  }
  size_t rest = s->n_pending - s->part.n_to;
  memmove(s->pending + again, s->pending + s->part.n_to, rest * sizeof *s->pending);
  s->n_pending = again + rest;
}

static int is_last(const struct nm_split *s, const struct nm_txn_result *r) {
  switch (r->outcome) {
    case NM_OUTCOME_ACCEPTED:
    case NM_OUTCOME_PARTIAL:
      return 0;
    case NM_OUTCOME_REJECTED: /* of all its recipients: others may be welcome */
      return r->error.kind != NM_KIND_RECIPIENT || s->env->all_or_nothing;
    case NM_OUTCOME_NOT_SENT:
    case NM_OUTCOME_UNKNOWN:
      break;
  }
  return 1;
}

/* A word of acceptance is not replaced by one of refusal; that is the recipients' and rest's. */
static void take_words(struct nm_split *s, struct nm_txn_result *r) {
  int is_good = r->outcome == NM_OUTCOME_ACCEPTED || r->outcome == NM_OUTCOME_PARTIAL;
  if (s->is_good && !is_good) {
    nm_error_copy(&s->rest, &r->error);
  }
  if (!s->is_good || is_good || r->outcome == NM_OUTCOME_UNKNOWN) {
    nm_reply_free(&s->result.reply);
    s->result.reply = r->reply;
    s->result.command = r->command;
    nm_error_copy(&s->result.error, &r->error);
    r->reply = (struct nm_reply){0};
  }
  s->is_good |= is_good;
  s->result.outcome = r->outcome;
  s->result.n_accepted += r->n_accepted;
}

/* The lack of progress ends it too: whoever is repeated has one that was accepted before them. */
void nm_split_add(struct nm_split *s, struct nm_txn_result *r) {
  s->n_runs++;
  int is_partial = r->outcome == NM_OUTCOME_PARTIAL && r->n_accepted > 0;
  s->is_over = is_last(s, r);
  s->result.left_out |= r->left_out;
  s->is_unknown |= r->outcome == NM_OUTCOME_UNKNOWN;
  int may_repeat = is_partial && !s->env->all_or_nothing;
  if (s->pending == NULL && !(may_repeat && has_too_many(r) && expand(s) == 0)) {
    take_all(s, r);
  } else if (r->n_rcpt == s->part.n_to) {
    take_rcpts(s, r, may_repeat);
  }
  take_words(s, r);
  nm_txn_result_free(r);
}

void nm_split_stop(struct nm_split *s, const struct nm_error *why) {
  s->is_over = 1;
  nm_error_copy(&s->rest, why);
  if (!s->is_good) {
    s->result.outcome = NM_OUTCOME_NOT_SENT;
    nm_error_copy(&s->result.error, why);
  }
}

void nm_split_finish(struct nm_split *s, struct nm_txn_result *out) {
  struct nm_txn_result *res = &s->result;
  size_t accepted = 0;
  for (size_t i = 0; i < res->n_rcpt; i++) {
    accepted += res->rcpt[i].fate == NM_FATE_ACCEPTED;
  }
  if (s->n_runs > 1) {
    res->n_accepted = accepted;
  }
  if (s->is_unknown) {
    res->outcome = NM_OUTCOME_UNKNOWN;
  } else if (accepted > 0) {
    res->outcome = accepted == res->n_rcpt ? NM_OUTCOME_ACCEPTED : NM_OUTCOME_PARTIAL;
  }
  nm_txn_result_move(out, res);
  if (s->rest.code == 0) {
    nm_split_free(s);
  } else {
    struct nm_error rest = s->rest;
    nm_split_free(s);
    s->rest = rest;
  }
}
