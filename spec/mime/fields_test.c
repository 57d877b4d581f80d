#include "mime/fields.h"

#include "base/alloc.h"
#include "support/ctest.h"

static int add(struct nm_list *list, const char *name, const char *value) {
  return nm_fields_add(list, nm_str_c(name), nm_str_c(value), NULL);
}

static int set(struct nm_list *list, const char *name, const char *value) {
  return nm_fields_set(list, nm_str_c(name), nm_str_c(value), NULL);
}

/* The list as "A=1;B=2;". */
static int is(const struct nm_list *list, const char *want) {
  char got[500] = "";
  for (size_t i = 0; i < list->n; i++) {
    const struct nm_field *f = list->items[i];
    size_t n = strlen(got);
    snprintf(got + n, sizeof got - n, "%.*s=%.*s;", (int)f->name.n, f->name.p, (int)f->value.n, f->value.p);
  }
  if (strcmp(got, want) != 0) {
    printf("%s\n", got);
  }
  return strcmp(got, want) == 0;
}

static void keeps_order_and_repetition(void) {
  struct nm_list *list = nm_fields_new();
  CHECK(add(list, "X-A", "1") == 0 && add(list, "X-B", "2") == 0 && add(list, "x-a", "3") == 0 &&
        add(list, "X-C", "4") == 0 && add(list, "X-A", "5") == 0);
  CHECK(is(list, "X-A=1;X-B=2;x-a=3;X-C=4;X-A=5;"));
  CHECK(nm_str_eq(nm_fields_get(list, NM_STR("X-a")), NM_STR("1")));
  CHECK(nm_fields_get(list, NM_STR("X-")).p == NULL);
  CHECK(nm_fields_find(list, NM_STR("X-A"), 1) == 2 && nm_fields_find(list, NM_STR("X-A"), 5) == 5);
  CHECK(set(list, "X-a", "6") == 0 && is(list, "X-a=6;X-B=2;X-C=4;"));
  CHECK(set(list, "X-D", "7") == 0 && is(list, "X-a=6;X-B=2;X-C=4;X-D=7;"));
  CHECK(set(list, "X-B", "a\nb") == NM_EINVAL && is(list, "X-a=6;X-B=2;X-C=4;X-D=7;"));
  CHECK(add(list, "X-A", "") == 0);
  CHECK(nm_fields_remove(list, NM_STR("x-A")) && is(list, "X-B=2;X-C=4;X-D=7;"));
  CHECK(!nm_fields_remove(list, NM_STR("x-A")));
  nm_list_unref(&list);
}

static void refuses_a_second_where_one_may_stand(void) {
  static const char *const rows[][2] = {
      {"In-Reply-To", "a@b"},   {"References", "a@b"}, {"List-Help", "mailto:a@b"},     {"List-ID", "a.b"},
      {"Auto-Submitted", "no"}, {"List-Post", "NO"},   {"List-Unsubscribe", "http://x"}};
  struct nm_list *list = nm_fields_new();
  struct nm_error e = {0};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK(add(list, rows[i][0], rows[i][1]) == 0);
    CHECK(nm_fields_add(list, nm_str_c(rows[i][0]), nm_str_c(rows[i][1]), &e) == NM_EINVAL);
    CHECK_ROW(strstr(e.text, "may stand only once") != NULL, e.text);
    CHECK(set(list, rows[i][0], rows[i][1]) == 0);
  }
  CHECK(list->n == 7);
  CHECK(add(list, "Keywords", "a") == 0 && add(list, "Keywords", "b") == 0);
  CHECK(add(list, "Comments", "a") == 0 && add(list, "Comments", "b") == 0);
  nm_list_unref(&list);
}

static void one_click_needs_https(void) {
  struct nm_list *list = nm_fields_new();
  struct nm_error e = {0};
  struct nm_buf b = {.max = 1000};
  CHECK(nm_fields_check_one_click(list, &e) == NM_EINVAL);
  CHECK(set(list, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click") == 0);
  CHECK(set(list, "List-Unsubscribe", "<http://x>, <mailto:a@b>") == 0);
  CHECK(nm_fields_write(&b, list, NM_STR(""), &e) == NM_EINVAL && b.n == 0);
  CHECK(strstr(e.text, "needs an https URL") != NULL);
  CHECK(set(list, "List-Unsubscribe", "<mailto:a@b>, <https://x>") == 0);
  CHECK(nm_fields_write(&b, list, NM_STR(""), &e) == 0);
  CHECK(nm_str_eq(nm_buf_str(&b), NM_STR("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                                         "List-Unsubscribe: <mailto:a@b>, <https://x>\r\n")));
  nm_buf_free(&b);
  nm_list_unref(&list);
}

static void has_an_end(void) {
  struct nm_list *list = nm_fields_new();
  struct nm_error e = {0};
  for (int i = 0; i < NM_FIELDS_MAX; i++) {
    CHECK(add(list, "X-A", "1") == 0);
  }
  CHECK(nm_fields_add(list, NM_STR("X-A"), NM_STR("1"), &e) == NM_ELIMIT);
  CHECK(strstr(e.text, "more than 1000 header fields") != NULL);
  CHECK(nm_fields_set(list, NM_STR("X-B"), NM_STR("1"), &e) == NM_ELIMIT && list->n == NM_FIELDS_MAX);
  CHECK(set(list, "X-A", "2") == 0 && is(list, "X-A=2;"));
  nm_list_unref(&list);
}

static int fill(struct nm_list **list) {
  struct nm_error e = {0};
  *list = nm_fields_new();
  int err = *list == NULL ? NM_ENOMEM : 0;
  err = err != 0 ? err : nm_fields_add(*list, NM_STR("X-A"), NM_STR("1"), &e);
  err = err != 0 ? err : nm_fields_set(*list, NM_STR("X-A"), NM_STR("2"), &e);
  return err != 0 ? err : nm_fields_set(*list, NM_STR("Keywords"), NM_STR("a, \"b\""), &e);
}

static void survives_short_memory(void) {
  long before = nm_test_alloc_live(), n = 1;
  int err = NM_ENOMEM;
  for (; err != 0 && n < 1000; n++) {
    struct nm_list *list = NULL;
    nm_test_alloc_fail_at(n);
    err = fill(&list);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 || err == NM_ENOMEM);
    nm_list_unref(&list);
    CHECK(nm_test_alloc_live() == before);
  }
  CHECK(err == 0 && n > 6);
}

int main(void) {
  RUN(keeps_order_and_repetition);
  RUN(refuses_a_second_where_one_may_stand);
  RUN(one_click_needs_https);
  RUN(has_an_end);
  RUN(survives_short_memory);
  return ctest_end();
}
