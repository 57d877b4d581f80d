#include "smtp/split_rcpt.h"

#include "base/alloc.h"
#include "support/ctest.h"

/* A row is played: recipients are letters, "a1" is a@1.org; each run says which of them must be in the part and what became of
   it. */
struct run {
  const char *part;  /* "a b": the letters that must be chosen, in order */
  const char *codes; /* one reply to RCPT for each: "250 452"; "t452": with 4.2.2; "m452": with 4.5.3 */
  enum nm_outcome outcome;
  int code; /* of the reply that decided */
  enum nm_kind kind;
};

struct row {
  const char *name;
  const char *to;
  size_t rcpt_max;
  uint32_t server_max, domain_max;
  struct run runs[6];
  enum nm_outcome outcome;
  const char *fates; /* a letter for each: A accepted, R refused, N not sent, U unknown */
  int code;
  int rest; /* rest says something */
};

static const struct row rows[] = {
    {"one goes",
     "a1",
     0,
     0,
     0,
     {{"a", "250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_ACCEPTED,
     "A",
     250,
     0},
    {"the caller's limit",
     "a1 b1 c1",
     2,
     0,
     0,
     {{"a b", "250 250", NM_OUTCOME_ACCEPTED, 250, 0}, {"c", "250", NM_OUTCOME_ACCEPTED, 251, 0}},
     NM_OUTCOME_ACCEPTED,
     "AAA",
     251,
     0},
    {"the server's limit is lower",
     "a1 b1 c1",
     2,
     1,
     0,
     {{"a", "250", NM_OUTCOME_ACCEPTED, 250, 0},
      {"b", "550", NM_OUTCOME_REJECTED, 550, NM_KIND_RECIPIENT},
      {"c", "250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_PARTIAL,
     "ARA",
     250,
     1},
    {"exactly the limit",
     "a1 b1",
     0,
     2,
     0,
     {{"a b", "250 250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_ACCEPTED,
     "AA",
     250,
     0},
    {"domains stand together, and in their order within",
     "a1 b2 c1 d2 e1",
     0,
     0,
     1,
     {{"a c e", "250 250 250", NM_OUTCOME_ACCEPTED, 250, 0}, {"b d", "250 250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_ACCEPTED,
     "AAAAA",
     250,
     0},
    {"both limits",
     "a1 b2 c1 d2 e1",
     0,
     2,
     1,
     {{"a c", "250 250", NM_OUTCOME_ACCEPTED, 250, 0},
      {"e", "250", NM_OUTCOME_ACCEPTED, 250, 0},
      {"b d", "250 250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_ACCEPTED,
     "AAAAA",
     250,
     0},
    {"452: those come again, and no more than that at once",
     "a1 b1 c1 d1 e1",
     0,
     0,
     0,
     {{"a b c d e", "250 250 452 452 452", NM_OUTCOME_PARTIAL, 250, 0},
      {"c d", "250 250", NM_OUTCOME_ACCEPTED, 250, 0},
      {"e", "250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_ACCEPTED,
     "AAAAA",
     250,
     0},
    {"452 4.5.3, 552 5.5.3; other refusals stay",
     "a1 b1 c1 d1",
     0,
     0,
     0,
     {{"a b c d", "250 550 m452 m552", NM_OUTCOME_PARTIAL, 250, 0},
      {"c", "250", NM_OUTCOME_ACCEPTED, 250, 0},
      {"d", "250", NM_OUTCOME_ACCEPTED, 250, 0}},
     NM_OUTCOME_PARTIAL,
     "ARAA",
     250,
     0},
    {"452 4.2.2 and 552 are mailboxes that are full",
     "a1 b1 c1",
     0,
     0,
     0,
     {{"a b c", "250 t452 552", NM_OUTCOME_PARTIAL, 250, 0}},
     NM_OUTCOME_PARTIAL,
     "ARR",
     250,
     0},
    {"452 to all is no progress",
     "a1 b1",
     0,
     0,
     0,
     {{"a b", "452 452", NM_OUTCOME_REJECTED, 452, NM_KIND_RECIPIENT}},
     NM_OUTCOME_REJECTED,
     "RR",
     452,
     0},
    {"all refused, transaction by transaction",
     "a1 b1",
     1,
     0,
     0,
     {{"a", "550", NM_OUTCOME_REJECTED, 550, NM_KIND_RECIPIENT},
      {"b", "551", NM_OUTCOME_REJECTED, 551, NM_KIND_RECIPIENT}},
     NM_OUTCOME_REJECTED,
     "RR",
     551,
     0},
    {"the content refused: the last",
     "a1 b1",
     1,
     0,
     0,
     {{"a", "250", NM_OUTCOME_REJECTED, 554, NM_KIND_DATA}},
     NM_OUTCOME_REJECTED,
     "RN",
     554,
     0},
    {"accepted, then the sender is refused",
     "a1 b1 c1",
     1,
     0,
     0,
     {{"a", "250", NM_OUTCOME_ACCEPTED, 250, 0}, {"b", "503", NM_OUTCOME_REJECTED, 452, NM_KIND_SENDER}},
     NM_OUTCOME_PARTIAL,
     "ARN",
     250,
     1},
    {"accepted, then the line breaks before the end",
     "a1 b1 c1",
     1,
     0,
     0,
     {{"a", "250", NM_OUTCOME_ACCEPTED, 250, 0}, {"b", "250", NM_OUTCOME_NOT_SENT, 0, NM_KIND_CONNECT}},
     NM_OUTCOME_PARTIAL,
     "ANN",
     250,
     1},
    {"accepted, then nobody knows",
     "a1 b1 c1",
     1,
     0,
     0,
     {{"a", "250", NM_OUTCOME_ACCEPTED, 250, 0}, {"b", "250", NM_OUTCOME_UNKNOWN, 0, NM_KIND_CONNECT}},
     NM_OUTCOME_UNKNOWN,
     "AUN",
     0,
     1},
    {"refused, then the line breaks: nobody has it",
     "a1 b1",
     1,
     0,
     0,
     {{"a", "550", NM_OUTCOME_REJECTED, 550, NM_KIND_RECIPIENT},
      {"b", "0", NM_OUTCOME_NOT_SENT, 0, NM_KIND_CONNECT}},
     NM_OUTCOME_NOT_SENT,
     "RN",
     0,
     0},
};

static const char *const specs[] = {"a@1.org", "b@1.org", "c@1.org", "d@1.org", "e@1.org",
                                    "a@2.org", "b@2.org", "c@2.org", "d@2.org", "e@2.org"};

/* An envelope with all that it points to. */
struct stage {
  struct nm_envelope env;
  struct nm_addr addrs[5];
  struct nm_addr *to[5];
};

static void set_up(struct stage *st, const char *list) {
  struct nm_envelope *env = &st->env;
  struct nm_addr *addrs = st->addrs;
  struct nm_addr **to = st->to;
  *env = (struct nm_envelope){.to = to, .size = -1};
  for (; *list != '\0'; list += list[2] == ' ' ? 3 : 2) {
    const char *spec = specs[(list[1] - '1') * 5 + list[0] - 'a'];
    addrs[env->n_to] = (struct nm_addr){
        .refs = 1, .spec = nm_str_c(spec), .local = nm_str(spec, 1), .domain = nm_str_c(spec + 2)};
    to[env->n_to] = &addrs[env->n_to];
    env->n_to++;
  }
}

static enum nm_fate fate_of(enum nm_outcome outcome, int code) {
  if (code >= 400) {
    return NM_FATE_REFUSED;
  }
  switch (outcome) {
    case NM_OUTCOME_UNKNOWN:
      return NM_FATE_UNKNOWN;
    case NM_OUTCOME_NOT_SENT:
      return NM_FATE_NOT_SENT;
    case NM_OUTCOME_REJECTED:
      return NM_FATE_REFUSED;
    default:
      return NM_FATE_ACCEPTED;
  }
}

/* What a session would give for the part. */
static void make_result(const struct nm_envelope *part, const struct run *run, struct nm_txn_result *r) {
  const char *codes = run->codes;
  *r = (struct nm_txn_result){.outcome = run->outcome, .command = "MAIL", .n_rcpt = part->n_to};
  r->rcpt = nm_zalloc(part->n_to * sizeof *r->rcpt);
  r->reply.code = run->code;
  r->reply.text.max = 100;
  nm_buf_add_c(&r->reply.text, "because");
  if (run->outcome != NM_OUTCOME_ACCEPTED && run->outcome != NM_OUTCOME_PARTIAL) {
    nm_error_set(&r->error, NM_EREJECT, run->kind, "why");
  }
  for (size_t i = 0; i < part->n_to; i++) {
    struct nm_rcpt *rcpt = &r->rcpt[i];
    int with = *codes == 't' ? 2 : *codes == 'm' ? 5 : 0;
    rcpt->addr = part->to[i];
    codes += with != 0;
    struct nm_reply said = {.code = atoi(codes)};
    if (with != 0) {
      said.enhanced[0] = said.code / 100;
      said.enhanced[1] = with;
      said.enhanced[2] = with == 2 ? 2 : 3;
    }
    nm_rcpt_answer(rcpt, &said, 0, NULL);
    rcpt->fate = fate_of(run->outcome, said.code);
    r->n_accepted += said.code == 250;
    codes += strcspn(codes, " ");
    codes += *codes == ' ';
  }
}

static void check_part(const struct nm_envelope *part, const char *want, const char *name) {
  char got[40] = "";
  size_t n = 0;
  for (size_t i = 0; i < part->n_to && n < sizeof got - 2; i++) {
    n += (size_t)snprintf(got + n, sizeof got - n, "%s%c", i > 0 ? " " : "", part->to[i]->spec.p[0]);
  }
  CHECK_ROW(strcmp(got, want) == 0, name);
}

static void check_end(const struct row *row, const struct nm_split *s, const struct nm_txn_result *r) {
  size_t accepted = 0;
  CHECK_ROW(r->outcome == row->outcome && r->reply.code == row->code && r->n_rcpt == strlen(row->fates),
            row->name);
  for (size_t i = 0; i < r->n_rcpt; i++) {
    CHECK_ROW("NRAU"[r->rcpt[i].fate] == row->fates[i], row->name);
    CHECK_ROW(r->rcpt[i].addr->spec.p[0] == 'a' + (char)i, row->name);
    accepted += row->fates[i] == 'A';
  }
  int is_good = row->outcome == NM_OUTCOME_ACCEPTED || row->outcome == NM_OUTCOME_PARTIAL;
  CHECK_ROW((r->error.code == 0) == is_good && (s->rest.code != 0) == row->rest, row->name);
  CHECK_ROW(!is_good || r->n_accepted == accepted, row->name);
}

/* The next part, with those whom the run names, and what became of it. */
static void run_part(struct nm_split *s, const struct nm_caps *caps, const struct run *run) {
  struct nm_txn_result r;
  CHECK_ROW(nm_split_next(s, caps) == 1, run->part);
  check_part(&s->part, run->part, run->part);
  make_result(&s->part, run, &r);
  nm_split_add(s, &r);
}

static void play(const struct row *row) {
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {.rcpt_max = row->server_max, .domain_max = row->domain_max};
  set_up(&st, row->to);
  nm_split_init(&s, &st.env, row->rcpt_max);
  for (size_t i = 0; i < 6 && row->runs[i].part != NULL; i++) {
    CHECK_ROW(nm_split_next(&s, &caps) == 1, row->name);
    run_part(&s, &caps, &row->runs[i]);
  }
  CHECK_ROW(!nm_split_has_more(&s) && nm_split_next(&s, &caps) == 0, row->name);
  nm_split_finish(&s, &r);
  check_end(row, &s, &r);
  nm_txn_result_free(&r);
  nm_split_free(&s);
}

static void plays_rows(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    long live = nm_test_alloc_live();
    play(&rows[i]);
    CHECK_ROW(nm_test_alloc_live() == live, rows[i].name);
  }
}

/* What was refused for all is each one's answer, in the transactions behind the first. */
static void gives_each_the_common_refusal(void) {
  static const struct run first = {"a", "250", NM_OUTCOME_ACCEPTED, 250, 0};
  static const struct run second = {"b", "250", NM_OUTCOME_REJECTED, 451, NM_KIND_DATA};
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {.rcpt_max = 1};
  set_up(&st, "a1 b1");
  nm_split_init(&s, &st.env, 0);
  run_part(&s, &caps, &first);
  run_part(&s, &caps, &second);
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_PARTIAL && r.rcpt[1].fate == NM_FATE_REFUSED && r.rcpt[1].code == 451);
  CHECK(strcmp(r.rcpt[1].words->text, "because") == 0 && s.rest.kind == NM_KIND_DATA);
  nm_txn_result_free(&r);
}

static void options_go_with_their_recipients(void) {
  static const struct nm_rcpt_options options[] = {{.notify = 1}, {.notify = 2}, {.notify = 4}};
  struct stage st;
  struct nm_split s;
  struct nm_caps caps = {.domain_max = 1};
  set_up(&st, "a1 b2 c1");
  st.env.rcpt = options;
  st.env.mail.ret = NM_RET_FULL;
  nm_split_init(&s, &st.env, 0);
  CHECK(nm_split_next(&s, &caps) == 1);
  CHECK(s.part.n_to == 2 && s.part.rcpt[0].notify == 1 && s.part.rcpt[1].notify == 4);
  CHECK(s.part.mail.ret == NM_RET_FULL);
  nm_split_free(&s);
  nm_split_free(&s);
}

static void all_or_nothing_is_one_transaction(void) {
  static const struct run run = {"a b", "250 452", NM_OUTCOME_REJECTED, 452, NM_KIND_RECIPIENT};
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {.rcpt_max = 1}, open = {0};
  set_up(&st, "a1 b1");
  st.env.all_or_nothing = 1;
  nm_split_init(&s, &st.env, 0);
  CHECK(nm_split_next(&s, &caps) == NM_ELIMIT);
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_NOT_SENT && r.error.code == NM_ELIMIT &&
        strstr(r.error.text, "2 recipients") != NULL);
  nm_txn_result_free(&r);
  nm_split_init(&s, &st.env, 0);
  run_part(&s, &open, &run);
  CHECK(nm_split_next(&s, &open) == 0);
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_REJECTED);
  nm_txn_result_free(&r);
}

/* The way to the next server is closed; and a part that could not even be begun. */
static void stops(void) {
  static const struct run run = {"a", "250", NM_OUTCOME_ACCEPTED, 250, 0};
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {.rcpt_max = 1};
  struct nm_error why;
  nm_error_set(&why, NM_EIO, NM_KIND_CONNECT, "no route");
  set_up(&st, "a1 b1");
  nm_split_init(&s, &st.env, 0);
  run_part(&s, &caps, &run);
  nm_split_stop(&s, &why);
  CHECK(nm_split_next(&s, &caps) == 0);
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_PARTIAL && r.error.code == 0 && r.rcpt[1].fate == NM_FATE_NOT_SENT);
  CHECK(strcmp(s.rest.text, "no route") == 0);
  nm_txn_result_free(&r);
  nm_split_init(&s, &st.env, 0);
  CHECK(nm_split_next(&s, &caps) == 1);
  r = (struct nm_txn_result){.error = why};
  nm_split_add(&s, &r);
  CHECK(nm_split_next(&s, &caps) == 0);
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_NOT_SENT && r.error.code == NM_EIO && r.rcpt[0].fate == NM_FATE_NOT_SENT);
  nm_txn_result_free(&r);
}

/* Several transactions cost memory, one does not. */
static void survives_short_memory(void) {
  static const struct run run = {"a b", "250 452", NM_OUTCOME_PARTIAL, 250, 0};
  struct stage st;
  struct nm_txn_result r;
  struct nm_caps one = {.rcpt_max = 1}, open = {0};
  set_up(&st, "a1 b1");
  long live = nm_test_alloc_live();
  for (long k = 1; k <= 5; k++) {
    struct nm_split s;
    nm_split_init(&s, &st.env, 0);
    nm_test_alloc_fail_at(k);
    CHECK(nm_split_next(&s, &one) == (k <= 4 ? NM_ENOMEM : 1));
    CHECK(k > 4 || (s.result.error.code == NM_ENOMEM && !nm_split_has_more(&s)));
    nm_test_alloc_fail_at(0);
    nm_split_free(&s);
    CHECK(nm_test_alloc_live() == live);
  }
  for (long k = 1; k <= 5; k++) { /* those that were one too many have their refusal */
    struct nm_split s;
    nm_split_init(&s, &st.env, 0);
    CHECK(nm_split_next(&s, &open) == 1);
    make_result(&s.part, &run, &r);
    nm_test_alloc_fail_at(k);
    nm_split_add(&s, &r);
    nm_test_alloc_fail_at(0);
    CHECK(nm_split_has_more(&s) == (k > 4));
    nm_split_finish(&s, &r);
    CHECK(r.n_rcpt == 2 && r.outcome == NM_OUTCOME_PARTIAL && r.rcpt[1].code == 452);
    nm_txn_result_free(&r);
    CHECK(nm_test_alloc_live() == live);
  }
}

/* Tried again: those who have not got it and were not refused for good; the others keep what was said of them. */
static void resumes(void) {
  static const struct run first = {"a b c", "250 550 451", NM_OUTCOME_PARTIAL, 250, 0};
  static const struct run second = {"c", "250", NM_OUTCOME_ACCEPTED, 250, 0};
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {0};
  set_up(&st, "a1 b1 c1");
  nm_split_init(&s, &st.env, 0);
  run_part(&s, &caps, &first);
  nm_split_finish(&s, &r);
  CHECK(nm_split_resume(&s, &st.env, 0, &r) == 0 && r.n_rcpt == 0);
  CHECK(nm_split_next(&s, &caps) == 1 && s.part.n_to == 1 && s.part.to[0] == st.to[2]);
  make_result(&s.part, &second, &r);
  nm_split_add(&s, &r);
  CHECK(!nm_split_has_more(&s));
  nm_split_finish(&s, &r);
  CHECK(r.outcome == NM_OUTCOME_PARTIAL && r.n_accepted == 2 && r.rcpt[0].fate == NM_FATE_ACCEPTED);
  CHECK(r.rcpt[1].code == 550 && r.rcpt[2].fate == NM_FATE_ACCEPTED);
  CHECK(nm_split_resume(&s, &st.env, 0, &r) == NM_EINVAL && r.n_rcpt == 3);
  nm_txn_result_free(&r);
  CHECK(nm_split_resume(&s, &st.env, 0, &r) == 0); /* it never came to a transaction */
  CHECK(nm_split_next(&s, &caps) == 1 && s.part.n_to == 3);
  nm_split_free(&s);
}

/* Refused with all others, at MAIL, DATA or the content's end: that answer, and not the 250 to RCPT, says whether it may go again. */
static void resumes_what_was_refused_for_all(void) {
  static const struct run rows_of[] = {
      {"a b", "250 550", NM_OUTCOME_REJECTED, 451, NM_KIND_DATA},
      {"a", "250", NM_OUTCOME_REJECTED, 452, NM_KIND_SENDER},
      {"a", "250", NM_OUTCOME_REJECTED, 554, NM_KIND_DATA},
  };
  long live = nm_test_alloc_live();
  struct stage st;
  struct nm_split s;
  struct nm_txn_result r;
  struct nm_caps caps = {0};
  set_up(&st, "a1 b1");
  nm_split_init(&s, &st.env, 0);
  for (size_t i = 0; i < 3; i++) {
    run_part(&s, &caps, &rows_of[i]);
    nm_split_finish(&s, &r);
    CHECK(r.outcome == NM_OUTCOME_REJECTED && r.reply.code == rows_of[i].code);
    CHECK(nm_split_resume(&s, &st.env, 0, &r) == (i < 2 ? 0 : NM_EINVAL));
  }
  CHECK(r.n_rcpt == 2 && r.rcpt[0].code == 554 && r.rcpt[1].code == 550);
  nm_txn_result_free(&r);
  nm_split_free(&s);
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(plays_rows);
  RUN(gives_each_the_common_refusal);
  RUN(options_go_with_their_recipients);
  RUN(all_or_nothing_is_one_transaction);
  RUN(stops);
  RUN(resumes);
  RUN(resumes_what_was_refused_for_all);
  RUN(survives_short_memory);
  return ctest_end();
}
