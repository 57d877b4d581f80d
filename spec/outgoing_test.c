/* A message made ready to be sent, in memory that others were in before. */

#include "outgoing.h"

#include "base/alloc.h"
#include "mime/pieces.h"
#include "mime/template.h"
#include "support/ctest.h"

static struct nm_client client;

static void set(struct nm_message *m, const char *from, const char *to, const char *subject) {
  struct nm_error e = {0};
  CHECK_ROW(nm_addr_parse(nm_str_c(from), &m->from, &e) == 0, e.text);
  CHECK_ROW(nm_addr_parse_list(nm_str_c(to), m->to, &e) == 0, e.text);
  CHECK_ROW(nm_message_set_subject(m, nm_str_c(subject), &e) == 0, e.text);
}

/* What there is of each sort: plain, 8bit that is kept, large, for many, from a template, to an address in UTF-8, one that cannot be sent, with
   a Message-ID and date of its own, and as it is. */
enum { PLAIN, WIDE, LARGE, MANY, PERSONAL, GLOBAL, WRONG, DATED, RAW, SORTS };

static void set_text(struct nm_message *m, const char *text, size_t times) {
  struct nm_buf b = {.max = 1 << 20};
  for (size_t i = 0; i < times; i++) {
    nm_buf_add_c(&b, text);
  }
  CHECK(nm_message_set_text(m, nm_buf_str(&b), NULL) == 0);
  nm_buf_free(&b);
}

static void add_many(struct nm_message *m) {
  for (int i = 0; i < 100; i++) {
    char text[40];
    snprintf(text, sizeof text, "u%d@b.org", i % 90);
    CHECK(nm_addr_parse_list(nm_str_c(text), m->cc, NULL) == 0);
  }
}

static void make_personal(struct nm_message **m) {
  static const struct nm_stamp stamp = {0};
  struct nm_template *t = NULL;
  CHECK(nm_template_make(*m, &stamp, &t, NULL) == 0);
  nm_message_unref(m);
  CHECK(nm_template_mail(t, m) == 0);
  nm_template_unref(&t);
}

static void set_raw(struct nm_message *m) {
  struct nm_content *raw = NULL;
  CHECK(nm_content_memory(NM_STR("From: a@b\r\nMessage-ID: <raw@b>\r\n\r\nText\r\n"), &raw, NULL) == 0);
  CHECK(nm_message_set_raw(m, raw, NULL) == 0);
  nm_content_unref(&raw);
}

static struct nm_message *message(int sort) {
  struct nm_message *m = NULL;
  CHECK(nm_message_new(&m) == 0);
  set(m, "Ann <a@a.org>", sort == GLOBAL ? "\xd0\xbf@b.org" : "b@b.org, c@b.org", "Word");
  set_text(m, sort == WIDE ? "\xc3\xa9\n" : "Text\n", sort == LARGE ? 3200 : 3);
  if (sort == WIDE) {
    CHECK(nm_message_set_body_transfer_encoding(m, NM_STR("8bit"), NULL) == 0);
  } else if (sort == MANY) {
    add_many(m);
  } else if (sort == PERSONAL) {
    make_personal(&m);
  } else if (sort == WRONG) {
    nm_list_clear(m->to);
  } else if (sort == DATED) {
    m->has_date = 1;
    CHECK(nm_message_set_message_id(m, NM_STR("<mine@a.org>"), NULL) == 0);
  } else if (sort == RAW) {
    set_raw(m);
  }
  return m;
}

/* The octets, with what differs from send to send blanked out. */
static void read_all(struct nm_outgoing *o, struct nm_buf *out) {
  char piece[4096];
  size_t n = 0;
  out->max = 1 << 20;
  while (nm_source_read(o->content, piece, sizeof piece, &n) == 0 && n > 0) {
    nm_buf_add(out, piece, n);
  }
  struct nm_str id = nm_buf_str(&o->now.id);
  for (size_t i = 0; id.n > 34 && i + id.n <= out->n; i++) {
    if (memcmp(out->p + i, id.p, id.n) == 0) {
      memset(out->p + i, '-', id.n);
    }
  }
  if (out->n > 37 && memcmp(out->p, "Date: ", 6) == 0) {
    memset(out->p + 6, '-', 31);
  }
}

static int is_same_envelope(const struct nm_envelope *a, const struct nm_envelope *b) {
  int same = a->n_to == b->n_to && a->size == b->size && a->body == b->body && a->is_utf8 == b->is_utf8 &&
             a->rcpt == b->rcpt && a->chunking == b->chunking && a->all_or_nothing == b->all_or_nothing &&
             nm_addr_same(a->from, b->from);
  for (size_t i = 0; same && i < a->n_to; i++) {
    same = nm_addr_same(a->to[i], b->to[i]);
  }
  return same;
}

/* In o, which was reset, as in a new one. */
static void take_both(struct nm_outgoing *o, int sort) {
  struct nm_message *m = message(sort);
  struct nm_outgoing fresh = {0};
  struct nm_error e = {0}, e2 = {0};
  struct nm_buf got = {0}, want = {0};
  int err = nm_outgoing_take(o, &client, m, &e);
  CHECK(nm_outgoing_take(&fresh, &client, m, &e2) == err && strcmp(e.text, e2.text) == 0);
  CHECK((err != 0) == (sort == WRONG) && (o->kept == NULL) == (fresh.kept == NULL));
  CHECK((o->utf8 != NULL) == (sort == GLOBAL) && (o->kept != NULL) == (sort == WIDE));
  nm_message_unref(&m);
  if (err == 0) {
    CHECK(is_same_envelope(&o->env, &fresh.env) && o->allowed == fresh.allowed);
    CHECK(o->now.stamp.message_id.n == fresh.now.stamp.message_id.n);
    CHECK(!o->now.stamp.is_id_made ||
          !nm_str_eq(o->now.stamp.message_id, fresh.now.stamp.message_id)); /* each has its own */
    read_all(o, &got);
    read_all(&fresh, &want);
    CHECK(got.n > 0 && (int64_t)got.n == o->env.size && nm_str_eq(nm_buf_str(&got), nm_buf_str(&want)));
  }
  nm_buf_free(&got);
  nm_buf_free(&want);
  nm_outgoing_free(&fresh);
}

static void knows_nothing_of_the_message_before(void) {
  struct nm_outgoing o = {0};
  for (int first = 0; first < SORTS; first++) {
    for (int second = 0; second < SORTS; second++) {
      take_both(&o, first);
      nm_outgoing_reset(&o);
      take_both(&o, second);
      nm_outgoing_reset(&o);
      CHECK(o.content == NULL && o.kept == NULL && o.utf8 == NULL && o.options == NULL && o.who.from == NULL);
    }
  }
  nm_outgoing_free(&o);
  nm_outgoing_free(&o);
  CHECK(nm_test_alloc_live() == 0);
}

static void gives_large_rooms_back(void) {
  struct nm_outgoing o = {0};
  struct nm_message *large = message(LARGE), *many = message(MANY);
  for (int i = 0; i < 2; i++) {
    CHECK(nm_outgoing_take(&o, &client, i == 0 ? large : many, NULL) == 0);
    long before = nm_test_alloc_octets();
    nm_outgoing_reset(&o);
    CHECK(nm_test_alloc_octets() < before);
  }
  nm_message_unref(&large);
  nm_message_unref(&many);
  CHECK(nm_test_alloc_octets() < 16384 + 4096);
  nm_outgoing_free(&o);
  CHECK(nm_test_alloc_live() == 0);
}

static void asks_for_no_memory_for_the_next_small_one(void) {
  struct nm_outgoing o = {0};
  struct nm_message *m = message(PLAIN);
  CHECK(nm_outgoing_take(&o, &client, m, NULL) == 0);
  nm_outgoing_reset(&o);
  nm_test_alloc_fail_at(1);
  CHECK(nm_outgoing_take(&o, &client, m, NULL) == 0);
  nm_test_alloc_fail_at(0);
  nm_message_unref(&m);
  nm_outgoing_free(&o);
}

static void survives_short_memory(void) {
  for (int sort = 0; sort < SORTS; sort++) {
    struct nm_message *m = message(sort);
    int err = NM_ENOMEM;
    for (long n = 1; err == NM_ENOMEM && n < 100; n++) {
      struct nm_outgoing o = {0};
      struct nm_error e = {0};
      nm_test_alloc_fail_at(n);
      err = nm_outgoing_take(&o, &client, m, &e);
      nm_test_alloc_fail_at(0);
      CHECK(err == 0 || e.code == err);
      nm_outgoing_reset(&o);
      CHECK(sort == WRONG || nm_outgoing_take(&o, &client, m, &e) == 0);
      nm_outgoing_free(&o);
    }
    CHECK(err == (sort == WRONG ? NM_EINVAL : 0));
    nm_message_unref(&m);
    CHECK(nm_test_alloc_live() == 0);
  }
}

int main(void) {
  RUN(knows_nothing_of_the_message_before);
  RUN(gives_large_rooms_back);
  RUN(asks_for_no_memory_for_the_next_small_one);
  RUN(survives_short_memory);
  return ctest_end();
}
