#include "mime/html_scan.h"

#include <time.h>

#include "base/alloc.h"
#include "mime/html_ref.h"
#include "support/ctest.h"

/* A document as "kind:name{attribute=value,...}:text" pieces with "|" between. */
static void show(struct nm_str html, struct nm_buf *out) {
  static const char kinds[] = "TSEC";
  struct nm_html_scan s = {.in = html};
  struct nm_html_token t;
  size_t covered = 0;
  while (nm_html_next(&s, &t) != NM_HTML_OVER) {
    struct nm_html_attribute a;
    size_t at = 0;
    covered += t.all.n;
    nm_buf_addf(out, "%s%c:", out->n > 0 ? "|" : "", kinds[t.kind]);
    if (t.kind == NM_HTML_TEXT || t.kind == NM_HTML_COMMENT) {
      nm_buf_add_str(out, t.all);
      nm_buf_add_c(out, t.raw ? "!" : "");
    } else {
      nm_buf_add_str(out, t.name);
      nm_buf_add_c(out, t.self_closing ? "/" : "");
    }
    while (nm_html_attribute_next(t.attributes, &at, &a)) {
      nm_buf_add_c(out, " ");
      nm_buf_add_str(out, a.name);
      if (a.value.p != NULL) {
        nm_buf_addf(out, "=%c%.*s%c", a.quote != 0 ? a.quote : '(', (int)a.value.n, a.value.p,
                    a.quote != 0 ? a.quote : ')');
      }
    }
  }
  nm_buf_addf(out, "%s", covered + t.all.n == html.n ? "" : " NOT COVERED");
}

static void cuts_as_browsers_do(void) {
  static const struct {
    const char *html;
    const char *shown;
  } rows[] = {
      {"", ""},
      {"text", "T:text"},
      {"a<b>c</b>d", "T:a|S:b|T:c|E:b|T:d"},
      {"<IMG SRC=a.png alt='x y' title=\"q\">", "S:IMG SRC=(a.png) alt='x y' title=\"q\""},
      {"<a b>", "S:a b"},
      {"<a b=>", "S:a b=()"},
      {"<a b='' c>", "S:a b='' c"},
      {"<a  b = c  d>", "S:a b=(c) d"},
      {"<a b='x'c='y'>", "S:a b='x' c='y'"},
      {"<a =b=c>", "S:a =b=(c)"},
      {"<a b=c=d>", "S:a b=(c=d)"},
      {"<a b=\"x>y\">z", "S:a b=\"x>y\"|T:z"},
      {"<a b=x>y", "S:a b=(x)|T:y"},
      {"<br/>", "S:br/"},
      {"<br / >", "S:br"},
      {"<a href=x/>", "S:a href=(x/)"},
      {"<a/b/c>", "S:a b c"},
      {"<a b=\"c\"/>", "S:a/ b=\"c\""},
      {"<o:p></o:p>", "S:o:p|E:o:p"},
      {"</a b='c>'>x", "E:a b='c>'|T:x"},
      {"1 < 2", "T:1 < 2"},
      {"a<", "T:a<"},
      {"a</", "T:a</"},
      {"a<<b>", "T:a<|S:b"},
      {"a<1>", "T:a<1>"},
      {"a</>b", "T:a|C:</>|T:b"},
      {"a</ b>c", "T:a|C:</ b>|T:c"},
      {"<a", ""},
      {"x<a b=\"c>", "T:x"},
      {"x<a b='c", "T:x"},
      {"x<a b=c", "T:x"},
      {"x</a", "T:x"},
      {"<!-- a > b -->c", "C:<!-- a > b -->|T:c"},
      {"<!-->a", "C:<!-->|T:a"},
      {"<!--->a", "C:<!--->|T:a"},
      {"<!---->a", "C:<!---->|T:a"},
      {"<!--a--!>b", "C:<!--a--!>|T:b"},
      {"<!--!>b-->c", "C:<!--!>b-->|T:c"},
      {"<!---!>b-->c", "C:<!---!>b-->|T:c"},
      {"<!--a", "C:<!--a"},
      {"<!-a>b", "C:<!-a>|T:b"},
      {"<!DOCTYPE html>a", "C:<!DOCTYPE html>|T:a"},
      {"<?xml version='1'?>a", "C:<?xml version='1'?>|T:a"},
      {"<![CDATA[a>b", "C:<![CDATA[a>|T:b"},
      {"<!", "C:<!"},
      {"<!--[if mso]><b>x</b><![endif]-->y", "C:<!--[if mso]><b>x</b><![endif]-->|T:y"},
      {"<![if !mso]>y<![endif]>", "C:<![if !mso]>|T:y|C:<![endif]>"},
      {"<script>a<b>\"</p>\"</script>x", "S:script|T:a<b>\"</p>\"!|E:script|T:x"},
      {"<STYLE>a</style >x", "S:STYLE|T:a!|E:style|T:x"},
      {"<style></style>x", "S:style|E:style|T:x"},
      {"<script>a</scripts></script>", "S:script|T:a</scripts>!|E:script"},
      {"<script>a", "S:script|T:a!"},
      {"<script>a</script", "S:script|T:a</script!"},
      {"<title>a<b>&amp;</title>x", "S:title|T:a<b>&amp;|E:title|T:x"},
      {"<textarea><p></textarea>x", "S:textarea|T:<p>|E:textarea|T:x"},
      {"<noscript><p>a</noscript>", "S:noscript|S:p|T:a|E:noscript"},
      {"<plaintext><b></plaintext>", "S:plaintext|T:<b></plaintext>!"},
      {"<xmp><b></xmp>", "S:xmp|T:<b>!|E:xmp"},
      {"</script>a<b>", "E:script|T:a|S:b"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_buf out = {.max = 1000};
    size_t n = strlen(rows[i].html);
    char *exact = malloc(n + (n == 0)); /* so that a read beyond the end is found */
    memcpy(exact, rows[i].html, n);
    show(nm_str(exact, n), &out);
    CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].shown)), out.p);
    nm_buf_free(&out);
    free(exact);
  }
  struct nm_buf none = {.max = 10};
  show(nm_str(NULL, 0), &none);
  CHECK(none.n == 0);
  nm_buf_free(&none);
}

static void survives_every_cut(void) {
  static const char html[] = "a<!-- x --><a b='c' d=e f>&amp;<script>x</script></a><!x></ y><br/>&#x41;&lt";
  for (size_t n = 0; n <= sizeof html - 1; n++) {
    struct nm_buf out = {.max = 1000};
    char *exact = malloc(n + (n == 0));
    memcpy(exact, html, n);
    show(nm_str(exact, n), &out);
    CHECK(out.err == 0 && (out.n == 0 || strstr(out.p, "NOT COVERED") == NULL));
    nm_html_decode(&out, nm_str(exact, n), 0);
    CHECK(out.err == 0);
    nm_buf_free(&out);
    free(exact);
  }
}

static void replaces_references(void) {
  static const struct {
    const char *html;
    const char *text;
    const char *attribute; /* NULL: the same */
  } rows[] = {
      {"a &amp; b &lt; &gt; &quot; &apos;", "a & b < > \" '", NULL},
      {"&euro;&nbsp;&mdash;&hellip;&Acy;&scaron;&AElig;", "€\xc2\xa0—…АšÆ", NULL},
      {"&zwj;&zwnj;&shy;&rarr;&check;&thetasym;&fnof;", "\xe2\x80\x8d\xe2\x80\x8c\xc2\xad→✓ϑƒ", NULL},
      {"&lang;", "\xe2\x9f\xa8", NULL}, /* HTML 5's, not HTML 4's */
      {"&#65;&#x42;&#X43;&#068;", "ABCD", NULL},
      {"&#65&#x42 &#67x", "AB Cx", NULL},
      {"&#0;&#xd800;&#x110000;&#99999999999999999999;",
       "���"
       "�",
       NULL},
      {"&#128;&#x93;&#150;&#129;", "€“–\xc2\x81", NULL},
      {"&#x1F600;", "😀", NULL},
      {"&#;&#x;&#xg;&#", "&#;&#x;&#xg;&#", NULL},
      {"&amp &ampx &amp=", "& &x &=", "& &ampx &amp="},
      {"?a=1&copy=2&lt1&reg", "?a=1©=2<1®", "?a=1&copy=2&lt1®"},
      {"?a&copy;=1", "?a©=1", NULL},
      {"&notit; &notin; &not;", "¬it; ∉ ¬", "&notit; ∉ ¬"},
      {"&euro &nosuch; &; & &\x7f", "&euro &nosuch; &; & &\x7f", NULL},
      {"&ALPHA; &Alpha; &alpha;", "&ALPHA; Α α", NULL},
      {"&amp;lt;", "&lt;", NULL},
      {"&zzzzzzzzzzzzzzzzzzzzzzzz;", "&zzzzzzzzzzzzzzzzzzzzzzzz;", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int in_attribute = 0; in_attribute <= 1; in_attribute++) {
      struct nm_buf out = {.max = 1000};
      const char *want = in_attribute && rows[i].attribute != NULL ? rows[i].attribute : rows[i].text;
      nm_html_decode(&out, nm_str_c(rows[i].html), in_attribute);
      CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(want)), out.p);
      nm_buf_free(&out);
    }
  }
}

/* Ten times as much may not take much more than ten times as long. */
static double seconds(const char *begin, const char *unit, size_t n) {
  struct nm_buf html = {.max = (size_t)1 << 30};
  nm_buf_add_c(&html, begin);
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_c(&html, unit);
  }
  clock_t from = clock();
  struct nm_html_scan s = {.in = nm_buf_str(&html)};
  struct nm_html_token t;
  while (nm_html_next(&s, &t) != NM_HTML_OVER) {
    struct nm_html_attribute a;
    size_t at = 0;
    while (nm_html_attribute_next(t.attributes, &at, &a)) {
    }
  }
  double took = (double)(clock() - from) / CLOCKS_PER_SEC;
  nm_buf_free(&html);
  return took;
}

static void is_linear(void) {
  static const struct {
    const char *begin;
    const char *unit;
  } rows[] = {{"<img src=\"data:", ";"},
              {"", "<"},
              {"", "<a b=\""},
              {"", "<!--"},
              {"<!--", "->"},
              {"<!--", ">"},
              {"<a ", " a=b"},
              {"", "</"},
              {"<title>", "</titl"},
              {"<script>", "</"},
              {"<a b=c ", "/ / = '"},
              {"", "<?"}};
  if (getenv("NETMAIL_SLOW") != NULL) {
    SKIP("NETMAIL_SLOW: time means nothing here");
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double some = seconds(rows[i].begin, rows[i].unit, 100000);
    double many = seconds(rows[i].begin, rows[i].unit, 1000000);
    CHECK_ROW(many < 40 * some + 0.5, rows[i].unit);
  }
}

int main(void) {
  RUN(cuts_as_browsers_do);
  RUN(survives_every_cut);
  RUN(replaces_references);
  RUN(is_linear);
  return ctest_end();
}
