#include "mime/scan.h"

#include "base/str.h"
#include "support/ctest.h"

struct row {
  struct nm_str in;
  unsigned crlf, lf, cr, escapes, longest;
  /* h: high, n: NUL, f: "From ", u: not UTF-8, e: the last line has its end, c: which is CRLF, 7: fit for 7bit, 8: for 8bit */
  const char *flags;
};

static const struct row rows[] = {
    {NM_STR(""), 0, 0, 0, 0, 0, "78"},
    {NM_STR("a"), 0, 0, 0, 0, 1, "78"},
    {NM_STR("ab\r\nc\n\rd\r\r\n\n"), 2, 2, 2, 0, 2, "e78"},
    {NM_STR("\n\r"), 0, 1, 1, 0, 0, "e78"},
    {NM_STR("x\r\n\r"), 1, 0, 1, 0, 1, "e78"},
    {NM_STR("a=b\t\x7f\x01 c"), 0, 0, 0, 3, 8, "78"},
    {NM_STR("a\0b\n"), 0, 1, 0, 1, 3, "ne"},
    {NM_STR("From x"), 0, 0, 0, 0, 6, "f78"},
    {NM_STR("x\r\nFrom "), 1, 0, 0, 0, 5, "f78"},
    {NM_STR("x\rFrom y"), 0, 0, 1, 0, 6, "f78"},
    {NM_STR("From\nFrom: x\n From y\nFroFrom z\nfrom w"), 0, 4, 0, 0, 9, "78"},
    {NM_STR("long enough for words = and\x7fmore than eight octets\r\n"), 1, 0, 0, 2, 50, "ec78"},
    {NM_STR("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 and so on, in words"), 0, 0, 0, 9, 34, "h8"},
    {NM_STR("caf\xe9"), 0, 0, 0, 1, 4, "hu8"},
    {NM_STR("caf\xe9 and much more text"), 0, 0, 0, 1, 23, "hu8"},
    {NM_STR("\xc3"), 0, 0, 0, 1, 1, "hu8"},
    {NM_STR("\xe2\x82"), 0, 0, 0, 2, 2, "hu8"},
    {NM_STR("\xf0\x9f\x98"), 0, 0, 0, 3, 3, "hu8"},
    {NM_STR("\xc3 \xa9"), 0, 0, 0, 2, 3, "hu8"},
    {NM_STR("\xed\xa0\x80"), 0, 0, 0, 3, 3, "hu8"},
    {NM_STR("\x80\x81\x82\x83\x84\x85\x86\x87\x88=\xff\xfe\xfd\xfc\xfb\xfa\xf9"), 0, 0, 0, 17, 17, "hu8"},
};

static void check(const struct row *r, const struct nm_scan *s) {
  char flags[10] = "";
  strcat(flags, s->high ? "h" : "");
  strcat(flags, s->nul ? "n" : "");
  strcat(flags, s->from_line ? "f" : "");
  strcat(flags, s->not_utf8 ? "u" : "");
  strcat(flags, nm_scan_line_end(s) ? "e" : "");
  strcat(flags, nm_scan_crlf_end(s) ? "c" : "");
  strcat(flags, nm_scan_is_7bit(s) ? "7" : "");
  strcat(flags, nm_scan_is_8bit(s) ? "8" : "");
  CHECK_ROW(strcmp(flags, r->flags) == 0, flags);
  CHECK_ROW(s->bytes == r->in.n && s->crlf == r->crlf && s->lf == r->lf && s->cr == r->cr, r->in.p);
  CHECK_ROW(s->escapes == r->escapes && s->longest == r->longest, r->in.p);
}

static void counts_the_same_at_every_split(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    for (size_t a = 0; a <= r->in.n; a++) {
      for (size_t b = a; b <= r->in.n; b++) {
        struct nm_scan s = {0};
        nm_scan_step(&s, r->in.p, a);
        nm_scan_step(&s, r->in.p + a, b - a);
        nm_scan_step(&s, r->in.p + b, r->in.n - b);
        nm_scan_end(&s);
        check(r, &s);
      }
    }
    struct nm_scan s = {0};
    for (size_t at = 0; at < r->in.n; at++) {
      nm_scan_step(&s, r->in.p + at, 1);
    }
    nm_scan_end(&s);
    check(r, &s);
    struct nm_scan whole = nm_scan_of(r->in.p, r->in.n);
    CHECK_ROW(!whole.not_utf8, r->in.p);
    whole.not_utf8 = s.not_utf8;
    check(r, &whole);
  }
}

static void a_line_may_have_998_octets(void) {
  char line[999];
  memset(line, 'x', sizeof line);
  struct nm_scan s = {0};
  nm_scan_step(&s, line, 998);
  CHECK(nm_scan_is_7bit(&s));
  nm_scan_step(&s, line, 1);
  CHECK(!nm_scan_is_7bit(&s) && !nm_scan_is_8bit(&s) && s.longest == 999);
}

int main(void) {
  RUN(counts_the_same_at_every_split);
  RUN(a_line_may_have_998_octets);
  return ctest_end();
}
