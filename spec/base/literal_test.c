#include "support/ctest.h"

#include "base/literal.h"

static const struct {
  struct nm_str s;
  int is;
} rows[] = {
    {NM_STR("[127.0.0.1]"), 1},
    {NM_STR("[0.0.0.0]"), 1},
    {NM_STR("[255.255.255.255]"), 1},
    {NM_STR("[256.0.0.1]"), 0},
    {NM_STR("[0.0.0.256]"), 0},
    {NM_STR("[1.2.3]"), 0},
    {NM_STR("[1.2.3.4.5]"), 0},
    {NM_STR("[1.2.3.]"), 0},
    {NM_STR("[1..2.3]"), 0},
    {NM_STR("[.1.2.3]"), 0},
    {NM_STR("[1.2.3.4.]"), 0},
    {NM_STR("[01.2.3.4]"), 0},
    {NM_STR("[1.2.3.00]"), 0},
    {NM_STR("[1.2.3.0004]"), 0},
    {NM_STR("[1.2.3.4 ]"), 0},
    {NM_STR("[1.2.3.-4]"), 0},
    {NM_STR("[1.2.3.+4]"), 0},
    {NM_STR("[1.2.3.0x4]"), 0},
    {NM_STR("[2130706433]"), 0},
    {NM_STR("[1.2.3.4\0]"), 0},
    {NM_STR("[1.2.3.4\r\n]"), 0},
    {NM_STR(""), 0},
    {{NULL, 0}, 0},
    {NM_STR("["), 0},
    {NM_STR("]"), 0},
    {NM_STR("[]"), 0},
    {NM_STR("127.0.0.1"), 0},
    {NM_STR("[127.0.0.1"), 0},
    {NM_STR("127.0.0.1]"), 0},
    {NM_STR("[[127.0.0.1]]"), 0},
    /* full */
    {NM_STR("[IPv6:1:2:3:4:5:6:7:8]"), 1},
    {NM_STR("[IPv6:2001:DB8:0:0:8:800:200c:417a]"), 1},
    {NM_STR("[ipV6:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"), 1},
    {NM_STR("[IPv6:1:2:3:4:5:6:7]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:8:9]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:8:]"), 0},
    {NM_STR("[IPv6::1:2:3:4:5:6:7:8]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:12345]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:g]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:8%eth0]"), 0},
    /* "::" stands for two groups at least (RFC 5321 4.1.3) */
    {NM_STR("[IPv6:::]"), 1},
    {NM_STR("[IPv6:::1]"), 1},
    {NM_STR("[IPv6:1::]"), 1},
    {NM_STR("[IPv6:fe80::1:2]"), 1},
    {NM_STR("[IPv6:1:2:3::4:5:6]"), 1},
    {NM_STR("[IPv6:::1:2:3:4:5:6]"), 1},
    {NM_STR("[IPv6:1:2:3:4:5:6::]"), 1},
    {NM_STR("[IPv6:1:2:3::4:5:6:7]"), 0},
    {NM_STR("[IPv6:::1:2:3:4:5:6:7]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7::]"), 0},
    {NM_STR("[IPv6:1::2::3]"), 0},
    {NM_STR("[IPv6::::]"), 0},
    {NM_STR("[IPv6::::1]"), 0},
    {NM_STR("[IPv6:1:::2]"), 0},
    {NM_STR("[IPv6:1::2:]"), 0},
    {NM_STR("[IPv6::1]"), 0},
    {NM_STR("[IPv6:1:]"), 0},
    {NM_STR("[IPv6::]"), 0},
    {NM_STR("[IPv6:]"), 0},
    {NM_STR("[IPv6]"), 0},
    {NM_STR("[::1]"), 0},
    {NM_STR("[1:2:3:4:5:6:7:8]"), 0},
    {NM_STR("[IPv6:flierp]"), 0},
    {NM_STR("[IPv6: ::1]"), 0},
    /* with an IPv4 tail */
    {NM_STR("[IPv6:::1.2.3.4]"), 1},
    {NM_STR("[IPv6:1:2:3:4:5:6:1.2.3.4]"), 1},
    {NM_STR("[IPv6:1:2::3:4:1.2.3.4]"), 1},
    {NM_STR("[IPv6:::ffff:127.0.0.1]"), 1},
    {NM_STR("[IPv6:1:2:3:4:5:1.2.3.4]"), 0},
    {NM_STR("[IPv6:1:2:3:4:5:6:7:1.2.3.4]"), 0},
    {NM_STR("[IPv6:1:2:3::4:5:1.2.3.4]"), 0},
    {NM_STR("[IPv6:::1.2.3.4:5]"), 0},
    {NM_STR("[IPv6:::1.2.3]"), 0},
    {NM_STR("[IPv6:::1.2.3.256]"), 0},
    {NM_STR("[IPv6:1.2.3.4]"), 0},
    {NM_STR("[IPv6:1.2.3.4::]"), 0},
    /* tags that nobody registered */
    {NM_STR("[Gen:Hopsa]"), 0},
    {NM_STR("[IPv4:127.0.0.1]"), 0},
    {NM_STR("[IPv7:::1]"), 0},
};

/* In a block of its own size, so that a byte read beyond it is caught. */
static void knows_an_address_literal(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t n = 0; n <= rows[i].s.n; n++) {
      char *copy = malloc(n > 0 ? n : 1);
      memcpy(copy, n > 0 ? rows[i].s.p : "", n);
      int is = nm_is_address_literal(nm_str(copy, n));
      CHECK_ROW(n < rows[i].s.n ? !is : is == rows[i].is, rows[i].s.p);
      free(copy);
    }
  }
}

static void takes_linear_time(void) {
  static const char *const pieces[] = {"1:", "::", ":", "1.", "f", "0"};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    size_t n = 1 << 20;
    char *p = malloc(n);
    memcpy(p, "[IPv6:", 6);
    for (size_t k = 6; k < n; k++) {
      p[k] = pieces[i][k % strlen(pieces[i])];
    }
    p[n - 1] = ']';
    CHECK_ROW(!nm_is_address_literal(nm_str(p, n)), pieces[i]);
    free(p);
  }
}

int main(void) {
  RUN(knows_an_address_literal);
  RUN(takes_linear_time);
  return ctest_end();
}
