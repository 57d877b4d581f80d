#include "mime/field_read.h"

#include "base/alloc.h"
#include "mime/fields.h"
#include "support/ctest.h"

#define LONG_WORD_50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_WORD_500                                                                                        \
  LONG_WORD_50 LONG_WORD_50 LONG_WORD_50 LONG_WORD_50 LONG_WORD_50 LONG_WORD_50 LONG_WORD_50 LONG_WORD_50    \
      LONG_WORD_50 LONG_WORD_50

/* value NULL: the field is left out. wire NULL: it is written as it came. */
struct row {
  const char *field;
  const char *value;
  const char *wire;
};

static const struct row rows[] = {
    {"X-A: b\r\n\tc", "b\tc", NULL},
    {"X-A: =?utf-8?q?=D0=9A?=", "К", NULL},
    {"X-A: \xd0\x9a", "К", "X-A: =?utf-8?B?0Jo=?=\r\n"},
    {"X-A: Gr\xfc", "Gr\xef\xbf\xbd", "X-A: =?utf-8?B?R3Lvv70=?=\r\n"},
    {"X-A: a\x1b[31m", "a\x1b[31m", "X-A: =?utf-8?B?YRtbMzFt?=\r\n"},
    {"Subject: Gr\xfc", "Gr\xef\xbf\xbd", "Subject: =?utf-8?B?R3Lvv70=?=\r\n"},
    {"Content-Description: \xd0\x9a", "К", "Content-Description: =?utf-8?B?0Jo=?=\r\n"},
    {"Content-Unknown: \x7f", "\x7f", "Content-Unknown: =?utf-8?Q?=7F?=\r\n"},
    /* structured, and fit to be sent: an encoded word is no syntax */
    {"To: <<broken =?utf-8?q?, evil=40evil.test?=", "<<broken =?utf-8?q?, evil=40evil.test?=", NULL},
    {"List-Unsubscribe: =?utf-8?q?<http://evil.test>?=", "=?utf-8?q?<http://evil.test>?=", NULL},
    {"In-Reply-To: =?utf-8?q?<a=40b>?=", "=?utf-8?q?<a=40b>?=", NULL},
    /* structured, and not fit: nothing may stand for it */
    {"To: <<broken \xd0\x9a =?utf-8?q?, evil=40evil.test?=", NULL, NULL},
    {"To: <<" LONG_WORD_500 LONG_WORD_500, NULL, NULL},
    {"From: \x1b[31m\x01\x7f\xff", NULL, NULL},
    {"Sender: <<\x7f", NULL, NULL},
    {"Reply-To: <\xc2\x9b", NULL, NULL},
    {"Resent-To: <\xc2\x9b", NULL, NULL},
    {"Resent-Date: \xff", NULL, NULL},
    {"Date: \xff", NULL, NULL},
    {"Message-ID: <\xff@x>", NULL, NULL},
    {"Priority: \xff", NULL, NULL},
    {"Importance: \x01", NULL, NULL},
    {"Content-Disposition: \xff", NULL, NULL},
    {"Content-ID: <\xff>", NULL, NULL},
    {"List-Post: =?utf-8?q?<http://evil.test>?= \xff", NULL, NULL},
    {"Auto-Submitted: \xff", NULL, NULL},
    {"Keywords: a, =?utf-8?q?b=2C_c?= \xd0\x9a", "a, \"b, c К\"",
     "Keywords: a, =?utf-8?B?YiwgYyDQmg==?=\r\n"},
};

static struct nm_list *read_row(const struct row *row, int *err_out) {
  struct nm_list *list = nm_fields_new();
  struct nm_head_field f;
  struct nm_error e = {0};
  size_t at = 0;
  if (list == NULL) {
    *err_out = NM_ENOMEM;
    return NULL;
  }
  CHECK_ROW(nm_head_next(nm_str_c(row->field), &at, &f) == 1, row->field);
  *err_out = nm_field_read(list, &f, &e);
  return list;
}

static void keeps_what_can_be_sent(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i];
    int err;
    struct nm_list *list = read_row(row, &err);
    CHECK_ROW(err == 0 && list->n == (row->value != NULL ? 1u : 0u), row->field);
    if (list->n == 1) {
      const struct nm_field *f = list->items[0];
      struct nm_buf b = {.max = 10000}, kept = {.max = 10000};
      nm_buf_addf(&kept, "%s\r\n", row->field);
      CHECK_ROW(row->value != NULL && nm_str_eq(f->value, nm_str_c(row->value)), row->field);
      CHECK_ROW(nm_field_write(&b, f, nm_str("", 0), NULL) == 0, row->field);
      CHECK_ROW(nm_str_eq(nm_buf_str(&b), row->wire != NULL ? nm_str_c(row->wire) : nm_buf_str(&kept)),
                row->field);
      nm_buf_free(&b);
      nm_buf_free(&kept);
    }
    nm_list_unref(&list);
  }
}

#ifdef NM_TEST_ALLOC
static void tells_that_memory_is_short(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int err = NM_ENOMEM;
    for (long nth = 1; err == NM_ENOMEM && nth < 1000; nth++) {
      nm_test_alloc_fail_at(nth);
      struct nm_list *list = read_row(&rows[i], &err);
      nm_test_alloc_fail_at(0);
      CHECK_ROW(err == 0 || err == NM_ENOMEM, rows[i].field);
      nm_list_unref(&list);
    }
    CHECK_ROW(err == 0, rows[i].field);
  }
}
#endif

int main(void) {
  RUN(keeps_what_can_be_sent);
#ifdef NM_TEST_ALLOC
  RUN(tells_that_memory_is_short);
#endif
  return ctest_end();
}
