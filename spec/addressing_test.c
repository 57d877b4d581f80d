/* Who sends to whom: message, options and envelope, without a server. */

#include "addressing.h"

#include "base/alloc.h"
#include "recipient.h"
#include "support/ctest.h"

static struct nm_addr *address(const char *text) {
  struct nm_addr *a = NULL;
  struct nm_error e = {0};
  CHECK_ROW(nm_addr_parse(nm_str_c(text), &a, &e) == 0, e.text);
  return a;
}

static struct nm_message *message(const char *from, const char *to, const char *bcc) {
  struct nm_message *m = NULL;
  CHECK(nm_message_new(&m) == 0);
  m->from = from != NULL ? address(from) : NULL;
  CHECK(to == NULL || nm_addr_parse_list(nm_str_c(to), m->to, NULL) == 0);
  CHECK(bcc == NULL || nm_addr_parse_list(nm_str_c(bcc), m->bcc, NULL) == 0);
  return m;
}

static struct nm_send_options *options(void) {
  struct nm_send_options *o = NULL;
  CHECK(nm_send_options_new(&o) == 0);
  return o;
}

static void ask(struct nm_send_options *o, const char *to, unsigned notify, const char *orcpt) {
  struct nm_addr *a = address(to);
  struct nm_recipient *r = NULL;
  o->to = o->to != NULL ? o->to : nm_recipient_list_new();
  CHECK(nm_recipient_new(a, notify, nm_str_c(orcpt), &r, NULL) == 0);
  CHECK(r != NULL && nm_list_add(o->to, r) == 0);
  nm_recipient_unref(&r);
  nm_addr_unref(&a);
}

/* "from>to,to"; of a recipient that is asked something: "to/notify/orcpt". */
static void print(const struct nm_addressing *a, char *out, size_t room) {
  struct nm_envelope env = {0};
  nm_addressing_write(a, &env);
  struct nm_str from = env.from != NULL ? env.from->spec : nm_str("", 0);
  int n = snprintf(out, room, "%.*s>", (int)from.n, from.p);
  for (size_t i = 0; i < env.n_to; i++) {
    const struct nm_rcpt_options *r = env.rcpt != NULL ? &env.rcpt[i] : NULL;
    n += snprintf(out + n, room - (size_t)n, "%s%.*s", i > 0 ? "," : "", (int)env.to[i]->spec.n,
                  env.to[i]->spec.p);
    if (r != NULL) {
      n += snprintf(out + n, room - (size_t)n, "/%u/%.*s", r->notify, (int)r->orcpt.n, r->orcpt.p);
    }
  }
}

static void is(struct nm_message *m, struct nm_send_options *o, const char *expected) {
  struct nm_addressing a = {0};
  struct nm_error e = {0};
  char got[256];
  CHECK_ROW(nm_addressing_take(&a, m, o, &e) == 0, e.text);
  nm_message_unref(&m);
  nm_send_options_unref(&o); /* it keeps what it needs */
  print(&a, got, sizeof got);
  CHECK_ROW(strcmp(got, expected) == 0, got);
  nm_addressing_free(&a);
  nm_addressing_free(&a);
}

static void says_who_sends_to_whom(void) {
  is(message("a@x", "b@x, c@x", "d@x"), NULL, "a@x>b@x,c@x,d@x");
  is(message("a@x", "b@x, b@X, B@x, \"b\"@x", "c@x, b@x"), NULL, "a@x>b@x,B@x,c@x");
  struct nm_message *m = message("a@x", "b@x", NULL);
  m->sender = address("s@x");
  is(m, options(), "s@x>b@x");
  struct nm_send_options *o = options();
  o->has_from = 1;
  is(message("a@x", "b@x", NULL), o, ">b@x");
  o = options();
  o->has_from = 1;
  o->from = address("f@x");
  is(message(NULL, "b@x", NULL), o, "f@x>b@x");
}

static void asks_for_each_what_was_said_of_it(void) {
  struct nm_send_options *o = options();
  o->notify = NM_NOTIFY_DELAY;
  is(message("a@x", "b@x", "c@x"), o, "a@x>b@x/8/,c@x/8/");
  o = options();
  ask(o, "e@x", NM_NOTIFY_NEVER, "");
  ask(o, "f@x", 0, "o@x");
  ask(o, "g@x", 0, "");
  is(message("a@x", "b@x", NULL), o, "a@x>e@x/1/,f@x/0/o@x,g@x/0/");
  o = options();
  CHECK(nm_send_options_set_orcpt(o, NM_STR("p@x"), NULL) == 0);
  o->notify = NM_NOTIFY_FAILURE;
  ask(o, "e@x", NM_NOTIFY_NEVER, "");
  ask(o, "f@x", 0, "o@x");
  is(message("a@x", NULL, NULL), o, "a@x>e@x/1/p@x,f@x/4/o@x");
  o = options();
  ask(o, "e@x", 0, "");
  is(message("a@x", NULL, NULL), o, "a@x>e@x"); /* nothing is asked: nothing is kept for it */
}

/* RFC 3461 4.1, 4.2: the kinds of NOTIFY go together, but for NEVER; ORCPT there is one. */
static void merges_what_the_namings_of_one_ask_for(void) {
  struct nm_send_options *o = options();
  o->notify = NM_NOTIFY_DELAY;
  CHECK(nm_send_options_set_orcpt(o, NM_STR("p@x"), NULL) == 0);
  ask(o, "e@x", NM_NOTIFY_SUCCESS, "");
  ask(o, "f@x", 0, "");
  ask(o, "e@X", NM_NOTIFY_FAILURE, "again");
  ask(o, "\"e\"@x", 0, "again");
  ask(o, "g@x", 0, "");
  ask(o, "f@x", NM_NOTIFY_NEVER, "");
  ask(o, "f@x", NM_NOTIFY_NEVER, "");
  is(message("a@x", "b@x", NULL), o, "a@x>e@x/6/again,f@x/1/p@x,g@x/8/p@x");
}

static void refuses(struct nm_message *m, struct nm_send_options *o, const char *says) {
  struct nm_addressing a = {0};
  struct nm_error e = {0};
  CHECK(nm_addressing_take(&a, m, o, &e) == NM_EINVAL && e.kind == NM_KIND_MESSAGE);
  CHECK_ROW(strstr(e.text, says) != NULL, e.text);
  nm_addressing_free(&a);
  nm_message_unref(&m);
  nm_send_options_unref(&o);
}

static void needs_both_ends(void) {
  refuses(message(NULL, "b@x", NULL), NULL, "no From");
  refuses(message("a@x", NULL, NULL), NULL, "no recipients");
  struct nm_send_options *o = options();
  o->to = nm_recipient_list_new();
  refuses(message("a@x", "b@x", NULL), o, "option To");
}

static void refuses_what_cannot_be_both(void) {
  static const struct {
    unsigned notify[2];
    const char *orcpt[2];
    const char *says;
  } rows[] = {
      {{NM_NOTIFY_NEVER, NM_NOTIFY_DELAY}, {"", ""}, "<e@X> more than once, with Notify \"never\""},
      {{NM_NOTIFY_SUCCESS | NM_NOTIFY_DELAY, NM_NOTIFY_NEVER}, {"", ""}, "Notify \"never\""},
      {{0, 0}, {"o@x", "O@x"}, "<e@X> more than once, with two OriginalRecipients"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_send_options *o = options();
    ask(o, "e@x", rows[i].notify[0], rows[i].orcpt[0]);
    ask(o, "f@x", 0, "");
    ask(o, "e@X", rows[i].notify[1], rows[i].orcpt[1]);
    refuses(message("a@x", NULL, NULL), o, rows[i].says);
  }
}

static void keeps_what_is_right_alone(void) {
  struct nm_send_options *o = options();
  struct nm_mail_options wrong = {.ret = NM_RET_FULL, .has_priority = 1, .priority = 10};
  struct nm_error e;
  CHECK(nm_send_options_set_envid(o, NM_STR("id"), &e) == 0);
  CHECK(nm_send_options_set_envid(o, NM_STR("a\tb"), &e) == NM_EINVAL && o->envid.n == 2);
  CHECK(nm_send_options_set_orcpt(o, NM_STR("\xff"), &e) == NM_EINVAL && o->orcpt.n == 0);
  CHECK(nm_send_options_set_mail(o, &wrong, &e) == NM_EINVAL && o->mail.ret == NM_RET_DEFAULT);
  wrong.priority = 9;
  wrong.envid = NM_STR("not here");
  CHECK(nm_send_options_set_mail(o, &wrong, &e) == 0 && o->mail.ret == NM_RET_FULL && o->mail.envid.n == 0);
  struct nm_send_options *copy = NULL;
  o->is_default = 1;
  CHECK(nm_send_options_copy(o, &copy) == 0);
  CHECK(nm_str_eq(nm_buf_str(&copy->envid), NM_STR("id")) && copy->mail.priority == 9 && !copy->is_default);
  nm_send_options_clear(o);
  CHECK(o->envid.n == 0 && o->mail.ret == NM_RET_DEFAULT && o->all_or_nothing == -1 && o->is_default);
  CHECK(nm_send_options_set_envid(o, NM_STR("again"), &e) == 0); /* as good as new */
  nm_send_options_unref(&copy);
  nm_send_options_unref(&o);
  struct nm_recipient *r = NULL;
  struct nm_addr *a = address("b@x");
  CHECK(nm_recipient_new(a, NM_NOTIFY_NEVER | NM_NOTIFY_DELAY, NM_STR(""), &r, &e) == NM_EINVAL && r == NULL);
  nm_addr_unref(&a);
}

/* All of it with the n-th allocation failing. */
static int try_all(const struct nm_message *m, const struct nm_send_options *said) {
  struct nm_addressing a = {0};
  struct nm_send_options *o = NULL;
  struct nm_list *list = nm_recipient_list_new();
  struct nm_recipient *r = NULL;
  int err = list != NULL ? nm_recipient_new(m->from, 0, NM_STR("x"), &r, NULL) : NM_ENOMEM;
  err = err == 0 ? nm_list_add(list, r) : err;
  err = err == 0 ? nm_recipient_list_add(list, m->from, NULL) : err;
  nm_recipient_unref(&r);
  err = err == 0 ? nm_send_options_copy(said, &o) : err;
  err = err == 0 ? nm_send_options_set_orcpt(o, NM_STR("other"), NULL) : err;
  err = err == 0 ? nm_addressing_take(&a, m, o, NULL) : err;
  nm_addressing_free(&a);
  nm_send_options_unref(&o);
  nm_list_unref(&list);
  return err;
}

static void survives_each_failing_allocation(void) {
  struct nm_message *m = message("a@x", "b@x, c@x", NULL);
  struct nm_send_options *o = options();
  CHECK(nm_send_options_set_envid(o, NM_STR("id"), NULL) == 0 &&
        nm_send_options_set_orcpt(o, NM_STR("b@y"), NULL) == 0);
  ask(o, "e@x", NM_NOTIFY_DELAY, "f@x");
  long live = nm_test_alloc_live();
  int err = NM_ENOMEM;
  for (long n = 1; err != 0 && n < 100; n++) {
    nm_test_alloc_fail_at(n);
    err = try_all(m, o);
    nm_test_alloc_fail_at(0);
    CHECK((err == 0 || err == NM_ENOMEM) && nm_test_alloc_live() == live);
  }
  CHECK(err == 0);
  nm_message_unref(&m);
  nm_send_options_unref(&o);
}

int main(void) {
  RUN(says_who_sends_to_whom);
  RUN(asks_for_each_what_was_said_of_it);
  RUN(merges_what_the_namings_of_one_ask_for);
  RUN(needs_both_ends);
  RUN(refuses_what_cannot_be_both);
  RUN(keeps_what_is_right_alone);
  RUN(survives_each_failing_allocation);
  return ctest_end();
}
