#include "support/ctest.h"

#include "base/alloc.h"
#include "smtp/secret.h"

static const struct {
  const char *text;
  const char *password;
  int is_shown; /* by a user named "user" */
} rows[] = {
    {"pencil", "pencil", 1},
    {"535 not a pencil, you say", "pencil", 1},
    {"penci", "pencil", 0},
    {"Pencil", "pencil", 0},
    {"", "pencil", 0},
    {"x cGVuY2ls y", "pencil", 1},                             /* base64 */
    {"what is AUTH PLAIN AHVzZXIAcGVuY2ls?", "pencil", 1},     /* as PLAIN sends it */
    {"cGVuY2lsc2hhcnBlbmVyIGFuZCBtb3Jl", "pencilsharpene", 1}, /* with something after it */
    {"a b c", "", 0},
    {"a b c", "b", 0}, /* too short to be hidden */
};

static void is_found(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int shown = nm_secret_shown(nm_str_c(rows[i].text), NM_STR("user"), nm_str_c(rows[i].password));
    CHECK_ROW(shown == rows[i].is_shown, rows[i].text);
  }
}

static void a_quotation_is_found(void) {
  struct nm_str sent = NM_STR("AHVzZXIAcGVuY2ls");
  CHECK(nm_secret_quoted(NM_STR("no: AHVzZXIAcGVuY2ls"), sent));
  CHECK(nm_secret_quoted(NM_STR("no: AHVzZXIAcGVu..."), sent)); /* cut */
  CHECK(!nm_secret_quoted(NM_STR("no: AHVzZXIA"), sent) && !nm_secret_quoted(NM_STR("no"), NM_STR("")));
}

/* What cannot be looked through is not shown. */
static void is_hidden_when_memory_is_short(void) {
  long live = nm_test_alloc_live();
  for (long n = 1; n <= 2; n++) {
    nm_test_alloc_fail_at(n);
    CHECK(nm_secret_shown(NM_STR("harmless"), NM_STR("user"), NM_STR("pencil")) == 1);
    nm_test_alloc_fail_at(0);
  }
  CHECK(nm_test_alloc_live() == live);
}

int main(void) {
  RUN(is_found);
  RUN(a_quotation_is_found);
  RUN(is_hidden_when_memory_is_short);
  return ctest_end();
}
