#include "mime/scan.h"

#include <stdlib.h>

#include "base/str.h"
#include "support/ctest.h"

struct row {
  struct nm_str in;
  unsigned crlf, lf, cr, escapes;
  /* h: high, n: NUL, f: "From ", u: not UTF-8, e: the last line has its end, c: which is CRLF, 7: fit for 7bit, 8: for 8bit */
  const char *flags;
};

static const struct row rows[] = {
    {NM_STR(""), 0, 0, 0, 0, "78"},
    {NM_STR("a"), 0, 0, 0, 0, "78"},
    {NM_STR("ab\r\nc\n\rd\r\r\n\n"), 2, 2, 2, 0, "e78"},
    {NM_STR("\n\r"), 0, 1, 1, 0, "e78"},
    {NM_STR("x\r\n\r"), 1, 0, 1, 0, "e78"},
    {NM_STR("a=b\t\x7f\x01 c"), 0, 0, 0, 3, "78"},
    {NM_STR("a\0b\n"), 0, 1, 0, 1, "ne"},
    {NM_STR("From x"), 0, 0, 0, 0, "f78"},
    {NM_STR("x\r\nFrom "), 1, 0, 0, 0, "f78"},
    {NM_STR("x\rFrom y"), 0, 0, 1, 0, "f78"},
    {NM_STR("From\nFrom: x\n From y\nFroFrom z\nfrom w"), 0, 4, 0, 0, "78"},
    {NM_STR("long enough for words = and\x7fmore than eight octets\r\n"), 1, 0, 0, 2, "ec78"},
    {NM_STR("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 and so on, in words"), 0, 0, 0, 9, "h8"},
    {NM_STR("caf\xe9"), 0, 0, 0, 1, "hu8"},
    {NM_STR("caf\xe9 and much more text"), 0, 0, 0, 1, "hu8"},
    {NM_STR("\xc3"), 0, 0, 0, 1, "hu8"},
    {NM_STR("\xe2\x82"), 0, 0, 0, 2, "hu8"},
    {NM_STR("\xf0\x9f\x98"), 0, 0, 0, 3, "hu8"},
    {NM_STR("\xc3 \xa9"), 0, 0, 0, 2, "hu8"},
    {NM_STR("\xed\xa0\x80"), 0, 0, 0, 3, "hu8"},
    {NM_STR("\x80\x81\x82\x83\x84\x85\x86\x87\x88=\xff\xfe\xfd\xfc\xfb\xfa\xf9"), 0, 0, 0, 17, "hu8"},
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
  CHECK_ROW(s->escapes == r->escapes && !s->too_long, r->in.p);
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
  CHECK(!nm_scan_is_7bit(&s) && !nm_scan_is_8bit(&s) && s.too_long);
}

/* ---- texts of many sorts, long enough to be looked at in blocks ---- */

static size_t pick(unsigned long long *chance, size_t below) {
  *chance ^= *chance << 13;
  *chance ^= *chance >> 7;
  *chance ^= *chance << 17;
  return (size_t)((*chance >> 11) % below);
}

/* Lines that mostly have one sort of end, with here and there what makes a difference. */
static size_t write_text(char *p, size_t cap, unsigned long long *chance) {
  static const char *const ends[] = {"\r\n", "\n", "\r"};
  size_t sort = pick(chance, 3), width = pick(chance, 4) == 0 ? 1040 : 90, n = 0;
  int is_odd = pick(chance, 3) == 0;
  while (n + width + 16 < cap) {
    if (pick(chance, 12) == 0) {
      size_t begun = 1 + pick(chance, 5);
      memcpy(p + n, "From ", begun);
      n += begun;
    }
    for (size_t i = pick(chance, width); i > 0; i--) {
      p[n++] = is_odd && pick(chance, 500) == 0 ? "\0=\t\x7f\xe9\x01\n\r"[pick(chance, 8)]
                                                : (char)('E' + pick(chance, 9));
    }
    const char *end = ends[is_odd && pick(chance, 100) == 0 ? pick(chance, 3) : sort];
    memcpy(p + n, end, strlen(end));
    n += strlen(end);
  }
  return n;
}

static int is_same(const struct nm_scan *a, const struct nm_scan *b) {
  return a->bytes == b->bytes && a->crlf == b->crlf && a->lf == b->lf && a->cr == b->cr &&
         a->escapes == b->escapes && a->line == b->line && a->too_long == b->too_long && a->high == b->high &&
         a->nul == b->nul && a->from_line == b->from_line && a->not_utf8 == b->not_utf8 &&
         nm_scan_line_end(a) == nm_scan_line_end(b) && nm_scan_crlf_end(a) == nm_scan_crlf_end(b);
}

static void finds_the_same_in_blocks_as_octet_by_octet(void) {
  static char text[12000];
  unsigned long long chance = 88172645463325252u;
  for (int i = 0; i < 300; i++) {
    size_t n = write_text(text, 1100 + pick(&chance, sizeof text - 1100), &chance);
    size_t from = pick(&chance, 40); /* any alignment */
    struct nm_scan whole = {0}, cut = {0}, each = {0};
    nm_scan_step(&whole, text + from, n - from);
    for (size_t at = from; at < n; at++) {
      nm_scan_step(&each, text + at, 1);
    }
    for (size_t at = from; at < n;) {
      size_t piece = 1 + pick(&chance, 3000);
      piece = piece < n - at ? piece : n - at;
      nm_scan_step(&cut, text + at, piece);
      at += piece;
    }
    char row[24];
    snprintf(row, sizeof row, "text %d", i);
    CHECK_ROW(is_same(&whole, &each) && is_same(&cut, &each), row);
    struct nm_scan plain = {.look = NM_LOOK_7BIT}, lines = {.look = NM_LOOK_LINES};
    nm_scan_step(&plain, text + from, n - from);
    nm_scan_step(&lines, text + from, n - from);
    plain.escapes = lines.escapes = whole.escapes;
    lines.from_line = whole.from_line;
    CHECK_ROW(is_same(&plain, &each) && is_same(&lines, &each), row);
  }
}

static int has_seen(const struct nm_seen *a, const struct nm_seen *b) {
  return a->lf == b->lf && a->odd_pair == b->odd_pair && a->behind_cr == b->behind_cr && a->high == b->high &&
         a->nul == b->nul && a->f == b->f && a->escapes == b->escapes;
}

static void every_processor_sees_the_same(void) {
  static char text[NM_LOOK_MAX];
  unsigned long long chance = 362436069u;
  for (int i = 0; i < 600; i++) {
    const struct nm_look_kernel *k = NULL;
    for (size_t at = write_text(text, sizeof text, &chance); at < sizeof text; at++) {
      text[at] = '\n';
    }
    size_t n = 1 + pick(&chance, i % 2 == 0 ? NM_LOOK_MAX : 100);
    n -= text[n - 1] == '\r' ? n % NM_LOOK_UNIT : 0;
    struct nm_seen first = {.before = "\r\nx"[i % 3]};
    char *copy = malloc(n > 0 ? n : 1); /* exact: a look beyond it is caught */
    memcpy(copy, text, n);
    nm_look_kernel(0)->look(&first, copy, n);
    for (size_t which = 0; (k = nm_look_kernel(which)) != NULL; which++) {
      struct nm_seen seen = {.before = first.before}, plain = {.look = NM_LOOK_7BIT, .before = first.before},
                     lines = {.look = NM_LOOK_LINES, .before = first.before};
      k->look(&seen, copy, n);
      k->look(&plain, copy, n);
      k->look(&lines, copy, n);
      CHECK_ROW(plain.escapes == 0 && lines.escapes == 0 && !lines.f, k->name);
      plain.escapes = lines.escapes = first.escapes;
      lines.f = first.f;
      CHECK_ROW(has_seen(&seen, &first) && has_seen(&plain, &first) && has_seen(&lines, &first), k->name);
    }
    free(copy);
  }
}

int main(void) {
  RUN(counts_the_same_at_every_split);
  RUN(finds_the_same_in_blocks_as_octet_by_octet);
  RUN(every_processor_sees_the_same);
  RUN(a_line_may_have_998_octets);
  return ctest_end();
}
