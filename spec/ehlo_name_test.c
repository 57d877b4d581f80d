/* Which name EHLO says. */

#include "ehlo_name.h"
#include "smtp/command.h"
#include "support/ctest.h"

static void reads_a_hosts_file(void) {
  static const struct {
    const char *hosts, *name, *full; /* full NULL: none */
  } rows[] = {
      {"127.0.0.1 localhost\n127.0.1.1 box.example.org box\n", "box", "box.example.org"},
      {"127.0.1.1\tbox\tbox.example.org\n", "box", "box.example.org"},
      {"127.0.1.1 BOX.example.org Box", "box", "BOX.example.org"}, /* no line end, any case */
      {"127.0.1.1 box.example.org box\r\n", "box", "box.example.org"},
      {"127.0.0.1 localhost box\n", "box", NULL},
      {"127.0.1.1 other.example.org other\n", "box", NULL},
      {"127.0.1.1 box.example.org # box\n", "box", NULL},
      {"# 127.0.1.1 box.example.org box\n", "box", NULL},
      {"127.0.1.1 b$d.example.org box\n", "box", NULL}, /* no domain */
      {"127.0.0.1 box\n10.0.0.1 box.example.org box\n", "box", "box.example.org"},
      {"box.example.org box\n", "box", NULL}, /* the address is missing */
      {"\n\n  \n", "box", NULL},
      {"", "box", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char out[NM_EHLO_NAME_MAX] = "";
    int err = nm_ehlo_name_of(nm_str_c(rows[i].hosts), nm_str_c(rows[i].name), out);
    CHECK_ROW((err == 0) == (rows[i].full != NULL), rows[i].hosts);
    CHECK_ROW(err != 0 || strcmp(out, rows[i].full) == 0, out);
  }
}

static void says_what_servers_take(void) {
  char out[NM_EHLO_NAME_MAX];
  nm_ehlo_name("given.example", out);
  CHECK(strcmp(out, "given.example") == 0);
  nm_ehlo_name(NULL, out);
  CHECK(nm_ehlo_name_check(nm_str_c(out)) == 0);
  CHECK_ROW(out[0] == '[' || strchr(out, '.') != NULL, out);
}

int main(void) {
  RUN(reads_a_hosts_file);
  RUN(says_what_servers_take);
  return ctest_end();
}
