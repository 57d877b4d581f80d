#include "mime/eai.h"

#include "mime/resent.h"
#include "support/ctest.h"

static struct nm_addr *address(const char *text) {
  struct nm_addr *a = NULL;
  struct nm_error e = {0};
  CHECK_ROW(nm_addr_parse(nm_str_c(text), &a, &e) == 0, e.text);
  return a;
}

static void add(struct nm_list *list, const char *text) {
  CHECK(nm_addr_parse_list(nm_str_c(text), list, NULL) == 0);
}

static struct nm_message *message(void) {
  struct nm_message *m = NULL;
  CHECK(nm_message_new(&m) == 0);
  m->from = address("Имя <a@пример.рф>");
  add(m->to, "b@x.test, \"c d\"@пример.рф");
  return m;
}

static struct nm_resent *block(void) {
  struct nm_resent *r = NULL;
  CHECK(nm_resent_new(&r) == 0);
  r->from = address("e@x.test");
  add(r->to, "f@x.test");
  return r;
}

static void resend(struct nm_message *m, struct nm_resent *r) {
  struct nm_error e = {0};
  CHECK_ROW(nm_message_resend(m, r, &e) == 0, e.text);
  nm_resent_unref(&r);
}

static void check(struct nm_message *m, const char *says) {
  struct nm_error e = {0};
  int err = nm_message_check_header(m, &e);
  if (says == NULL) {
    CHECK_ROW(err == 0 && e.code == 0, e.text);
  } else {
    CHECK_ROW(err == NM_EINVAL && e.kind == NM_KIND_MESSAGE && strstr(e.text, says) != NULL, e.text);
    CHECK_ROW(strstr(e.text, "<и@пример.рф>") != NULL && strstr(e.text, "SMTPUTF8") != NULL, e.text);
  }
  nm_message_unref(&m);
}

/* The lists of a message, each with one such address in it. */
static void names_the_field(void) {
  check(message(), NULL);
  static const char *const fields[] = {"in ReplyTo is", "in To is", "in CC is",
                                       "in DispositionNotificationTo is"};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    struct nm_message *m = message();
    struct nm_list *lists[] = {m->reply_to, m->to, m->cc, m->notify};
    add(lists[i], "g@x.test, Имя <и@пример.рф>");
    check(m, fields[i]);
  }
  struct nm_message *m = message();
  m->sender = address("и@пример.рф");
  check(m, "in Sender is");
  m = message();
  nm_addr_unref(&m->from);
  m->from = address("и@пример.рф");
  check(m, "in From is");
  m = message();
  nm_addr_unref(&m->from);
  check(m, NULL); /* that there is none is said elsewhere */
  m = message();
  add(m->bcc, "и@пример.рф"); /* is in no header */
  check(m, NULL);
}

/* Its own members are its envelope, and not its header. */
static void of_a_raw_message_only_the_blocks_count(void) {
  struct nm_message *m = message();
  struct nm_content *raw = NULL;
  struct nm_error e = {0};
  CHECK(nm_content_memory(NM_STR("Subject: x\r\n\r\n"), &raw, &e) == 0);
  CHECK_ROW(nm_message_set_raw(m, raw, &e) == 0, e.text);
  nm_content_unref(&raw);
  add(m->to, "и@пример.рф");
  check(nm_message_ref(m), NULL);
  struct nm_resent *r = block();
  add(r->cc, "и@пример.рф");
  resend(m, r);
  check(m, "in CC of Resend");
}

static void looks_into_resent_blocks(void) {
  static const char *const fields[] = {"in To of Resend", "in CC of Resend", NULL};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    struct nm_message *m = message();
    struct nm_resent *r = block();
    struct nm_list *lists[] = {r->to, r->cc, r->bcc};
    add(lists[i], "и@пример.рф");
    resend(m, r);
    check(m, fields[i]);
  }
  struct nm_message *m = message();
  struct nm_resent *r = block();
  r->sender = address("и@пример.рф");
  resend(m, r);
  resend(m, block());
  check(m, "in Sender of Resend");
  m = message();
  r = block();
  nm_addr_unref(&r->from);
  r->from = address("и@пример.рф");
  resend(m, r);
  check(m, "in From of Resend");
}

int main(void) {
  RUN(names_the_field);
  RUN(looks_into_resent_blocks);
  RUN(of_a_raw_message_only_the_blocks_count);
  return ctest_end();
}
