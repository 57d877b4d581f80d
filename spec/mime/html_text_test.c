#include "mime/html_text.h"

#include <time.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "support/ctest.h"

struct row {
  const char *html;
  const char *text;
};

static void check_rows(const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct nm_error e = {0};
    struct nm_buf out = {.max = 10000};
    CHECK_ROW(nm_html_to_text(nm_str_c(rows[i].html), &out, &e) == 0, rows[i].html);
    CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].text)), rows[i].html);
    if (!nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].text))) {
      printf("got:\n%s", out.p != NULL ? out.p : "");
    }
    nm_buf_free(&out);
  }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void collapses_white_space(void) {
  static const struct row rows[] = {
      {"", ""},
      {" \n\t ", ""},
      {"a", "a\n"},
      {"  a \r\n\t b  ", "a b\n"},
      {"a <b> c </b> d", "a c d\n"},
      {"a<b>b</b>c", "abc\n"},
      {"<p> a </p> <p> b </p>", "a\n\nb\n"},
      {"a&nbsp;&nbsp;b&nbsp; c&#8199;d\xe2\x80\xaf"
       "e",
       "a b c d e\n"},
      {"10&nbsp;000&thinsp;€", "10 000 €\n"},
      {"<p>&nbsp;</p><p>a</p><p>&nbsp;</p>", "a\n"},
      {"soft&shy;hyphen zero&#8203;width\xef\xbb\xbf&NoBreak;!", "softhyphen zerowidth!\n"},
      {"a\x01\x7f&#1;&#129;b&#12;c", "ab c\n"},
      {"\xe3\x80\x80x", "\xe3\x80\x80x\n"}, /* an ideographic space is writing, not layout */
      {"👨&zwj;👩 می&zwnj;خواهم", "👨\xe2\x80\x8d👩 می\xe2\x80\x8cخواهم\n"},
      {"a&zwnj;b &zwnj;&nbsp;&#847;&zwnj;&nbsp;c&zwj;", "ab c\n"},
      {"e\xcc\x81", "e\xcc\x81\n"},
  };
  CHECK_ROWS(rows);
}

static void sets_blocks_apart(void) {
  static const struct row rows[] = {
      {"<h1>A</h1>b<h2>C</h2><p>d", "A\n\nb\n\nC\n\nd\n"},
      {"<div>a</div><div>b</div>c", "a\nb\nc\n"},
      {"<div>a<div>b</div></div>", "a\nb\n"},
      {"<p>a<p>b<div>c</div>d", "a\n\nb\n\nc\nd\n"},
      {"a<br>b<br/>c", "a\nb\nc\n"},
      {"a<br><br>b", "a\n\nb\n"},
      {"a<br><br><br><br>b", "a\n\nb\n"},
      {"<div>a</div><div><br></div><div>b</div>", "a\n\nb\n"},
      {"<p>a<br></p><p>b", "a\n\nb\n"},
      {"<br><br>a<br><br>", "a\n"},
      {"a</br>b</p>c", "a\nb\n\nc\n"},
      {"a<hr>b", "a\n\n----------------------------------------\n\nb\n"},
      {"<h1>a</h2>b", "a\n\nb\n"},
      {"<h1>a<h2>b</h2>c", "a\n\nb\n\nc\n"},
      {"say <q>yes</q>.", "say \"yes\".\n"},
      {"<center>a</center><address>b</address>", "a\nb\n"},
      {"<figure><img alt=Cat><figcaption>Our cat</figcaption></figure>x", "Cat\nOur cat\n\nx\n"},
      {"<dl><dt>T<dd>D<dd>E<dt>U<dd>F<p>G</dl>x", "T\n    D\n    E\nU\n    F\n\n    G\n\nx\n"},
  };
  CHECK_ROWS(rows);
}

static void writes_lists(void) {
  static const struct row rows[] = {
      {"a<ul><li>b<li>c</ul>d", "a\n\n* b\n* c\n\nd\n"},
      {"<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"},
      {"<ol start=9><li>a<li>b<li value='3'>c<li>d</ol>", "9. a\n10. b\n3. c\n4. d\n"},
      {"<ol start=-1><li>a<li value=x>b<li>c</ol>", "-1. a\n0. b\n1. c\n"},
      {"<ol start=999999999><li>a<li>b</ol>", "999999999. a\n999999999. b\n"},
      {"<ul><li>a<ul><li>b<ol><li>c<li>d</ol><li>e</ul><li>f</ul>",
       "* a\n  * b\n    1. c\n    2. d\n  * e\n* f\n"},
      {"<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>", "* a\n* b\n* c\n"},
      {"<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>", "* a\n\n  b\n\n* c\n"},
      {"<ul><li>a<br>b<li><li>c</ul>", "* a\n  b\n* c\n"},
      {"<ol><li><ul><li>a</ul></ol>", "1. * a\n"},
      {"<ol><li>a<li><li>c</ol>", "1. a\n3. c\n"},
      {"<li>a<li>b", "* a\n* b\n"},
      {"<ul><li>a<blockquote>b</blockquote>c</ul>", "* a\n\n  > b\n\n  c\n"},
      {"<ul><li>a<div><li>b</div><li>c</ul>", "* a\n* b\n* c\n"},
      {"<ul><li>a</ul></li>b", "* a\n\nb\n"},
  };
  CHECK_ROWS(rows);
}

static void quotes(void) {
  static const struct row rows[] = {
      {"a<blockquote>b</blockquote>c", "a\n\n> b\n\nc\n"},
      {"<blockquote>a<p>b<blockquote>c<br>d</blockquote>e</blockquote>f",
       "> a\n>\n> b\n>\n> > c\n> > d\n>\n> e\n\nf\n"},
      {"<blockquote>a</blockquote><blockquote>b</blockquote>", "> a\n\n> b\n"},
      {"<blockquote><ul><li>a<li>b</ul></blockquote>", "> * a\n> * b\n"},
      {"<blockquote></blockquote>a", "a\n"},
      {"<blockquote><pre>a\n\n b</pre></blockquote>", "> a\n>\n>  b\n"},
  };
  CHECK_ROWS(rows);
}

static void keeps_preformatted_text(void) {
  static const struct row rows[] = {
      {"<pre>a  b\n\tc</pre>", "a  b\n\tc\n"},
      {"<pre>\n  a\n</pre>b", "  a\n\nb\n"},
      {"<pre>\r\na\r\nb\rc\n\n\n\nd</pre>", "a\nb\nc\n\n\n\nd\n"},
      {"x<pre>a  \n  \nb</pre>", "x\n\na\n\nb\n"},
      {"<pre>a <b> b </b>\n<i>c</i></pre>d  e", "a  b\nc\n\nd e\n"},
      {"<div style='white-space: pre-wrap'>a  b\nc</div>d  e", "a  b\nc\nd e\n"},
      {"<xmp><b>&amp;  x</xmp>", "<b>&amp;  x\n"},
      {"<pre>a&#10;b</pre>c&#10;d", "a\nb\n\nc d\n"},
  };
  CHECK_ROWS(rows);
}

static void shows_links(void) {
  static const struct row rows[] = {
      {"<a href='https://x.org/a?b=1&amp;c=2'>text</a>.", "text <https://x.org/a?b=1&c=2>.\n"},
      {"see <a href=https://x.org/> our <b>site</b> </a> now", "see our site <https://x.org/> now\n"},
      {"<a href='https://x.org/'>https://x.org/</a>", "https://x.org/\n"},
      {"<a href='https://X.org/'>x.org</a>", "x.org\n"},
      {"<a href='http://x.org'>https://x.org/</a>", "https://x.org/\n"},
      {"<a href='https://evil.test/'>https://bank.test/</a>", "https://bank.test/ <https://evil.test/>\n"},
      {"<a href='mailto:a@x.org'>a@x.org</a>", "a@x.org\n"},
      {"<a href='MAILTO:a@x.org?subject=Hi'>write</a>", "write <a@x.org>\n"},
      {"<a href='tel:+1-800-1234567'>+1 (800) 123-45-67</a>", "+1 (800) 123-45-67\n"},
      {"<a href='tel:+18001234567'>call</a>", "call <+18001234567>\n"},
      {"<a href='https://x.org/2024'>2024</a>", "2024 <https://x.org/2024>\n"},
      {"<a href='tel:+123'>124</a>", "124 <+123>\n"},
      {"<a href='javascript:alert(1)'>a</a> <a href=' java\nscript:x'>b</a> <a "
       "href='&#1;JavaScript&colon;x'>c</a>",
       "a b c\n"},
      {"<a href='#top'>a</a> <a href=''>b</a> <a name=x>c</a> <a href='data:text/html,x'>d</a> <a "
       "href='cid:1'>e</a>",
       "a b c d e\n"},
      {"<a href='vbscript:x'>a</a> <a href='file:///etc'>b</a> <a href='about:blank'>c</a> <a "
       "href='mailto:?subject=x'>d</a>",
       "a b c d\n"},
      {"<a href='/about'>about</a> <a href='{{unsubscribe}}'>leave</a>",
       "about </about> leave <{{unsubscribe}}>\n"},
      {"<a href='https://x.org/a b><\"&#x202e;&#10;c '>t</a>",
       "t <https://x.org/a%20b%3E%3C%22%E2%80%AEc>\n"},
      {"<a href='https://x.org/ü'>t</a>", "t <https://x.org/ü>\n"},
      {"<a href='https://x.org'><img src=a.png alt='Buy now'></a>", "Buy now <https://x.org>\n"},
      {"a <a href='https://x.org'><img src=a.png></a> b", "a <https://x.org> b\n"},
      {"a<a href='https://x.org'></a>b", "ab\n"},
      {"<a href='https://x.org'><p>a</p><p>b</p></a>c", "a\n\nb <https://x.org>\n\nc\n"},
      {"<p>a<a href='https://x.org'><p>b</p></a>c", "a\n\nb <https://x.org>\n\nc\n"},
      {"<p><a href=http://x><div>Go</div></a>c", "Go <http://x>\nc\n"},
      {"<p><a href=http://x>a<p>b", "a <http://x>\n\nb\n"},
      {"<a href=http://x.org>a<a href=http://y.org>b</a>c", "a <http://x.org>b <http://y.org>c\n"},
      {"<a href='https://x.org'>a", "a <https://x.org>\n"},
      {"<ul><li><a href='https://x.org'>https://x.org</a></ul>", "* https://x.org\n"},
      {"<a href=https://x.org><table><tr><td>Go</td></tr></table></a>", "Go <https://x.org>\n"},
      {"<a href=https://a.org href=https://b.org>x</a>", "x <https://a.org>\n"},
  };
  CHECK_ROWS(rows);
}

static void shows_pictures_by_their_words(void) {
  static const struct row rows[] = {
      {"a <img src=x alt='the &quot;logo&quot;'> b", "a the \"logo\" b\n"},
      {"a<img src=x>b<img alt=''>c", "abc\n"},
      {"<input type=image alt=Go><input type=text value=x>", "Go\n"},
      {"<img alt=x style='display:none'><img hidden alt=y>z", "z\n"},
  };
  CHECK_ROWS(rows);
}

static void hides_what_is_hidden(void) {
  static const struct row rows[] = {
      {"<head><title>t</title><style>p{}</style><script>x</script></head><body>a", "a\n"},
      {"<html><head><meta charset=utf-8><body>a</body></html>", "a\n"},
      {"a<script>b</script>c<style>d</style>e", "ace\n"},
      {"<div style='display:none'>a<p>b</p></div>c", "c\n"},
      {"<div style='color:red; DISPLAY : None !important; x'>a</div>b", "b\n"},
      {"<div style='display:none;display:block'>a</div>", "a\n"},
      {"<div style='display:none!important;display:block'>a</div>b", "b\n"},
      {"<div style='display:/* x */none'>a</div>b", "b\n"},
      {"<div style='background:url(x;display:none)'>a</div>b", "a\nb\n"},
      {"<div style='content:\";display:none;\"'>a</div>b", "a\nb\n"},
      {"<div style='display&colon;none'>a</div>b", "b\n"},
      {"<div style='x-display:none;display:nones'>a</div>b", "a\nb\n"},
      {"<span style='visibility:hidden'>a</span><span style='max-height:0px;overflow:hidden'>b</span>c",
       "c\n"},
      {"<span style='max-height:0.5em;overflow:hidden'>b</span><span style='font-size:0'>c</span>", "bc\n"},
      {"<p hidden>a<p>b", "b\n"},
      {"<div hidden>a<div>b</div>c</div>d", "d\n"},
      {"<b><span hidden>x</b>y", "y\n"},
      {"<div><span hidden>x</div>y", "y\n"},
      {"<a href=http://x><div hidden>x</a>y</div>z", "z\n"},
      {"<ul><li hidden>a<li>b</ul>", "* b\n"},
      {"<table><tr><td hidden>a<td>b<td>c</table>", "b | c\n"},
      {"<template>a</template><select><option>b</select><textarea>c</textarea><svg><text>d</text></svg>e",
       "e\n"},
      {"<iframe>a</iframe><noframes>b</noframes><svg/>c<noscript>d</noscript>", "cd\n"},
      {"a<!-- b -->c<!doctype x>d<?php e ?>f<!--[if mso]>g<![endif]-->h<![if !mso]>i<![endif]>", "acdfhi\n"},
      {"<script>a</scr</script>b", "b\n"},
      {"<div hidden><script></div></script>x</div>y", "y\n"},
      {"<x-y hidden>a<x-z>b</x-z></x-y>c", "c\n"},
  };
  CHECK_ROWS(rows);
}

static void writes_tables_as_lines(void) {
  static const struct row rows[] = {
      {"<table><tr><th>A<th>B<tr><td>1<td>2<tr><td>3<td>4</table>x", "A | B\n1 | 2\n3 | 4\n\nx\n"},
      {"<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td></td><td>2</td></tr>"
       "<tr><td>3</td><td></td><td>4</td></tr></tbody></table>",
       "A | B\n\n2\n\n3 | | 4\n"},
      {"<table><tr><td>a<td>&nbsp;<td>b</table>", "a | b\n"},
      {"<table><tr><td>a</td></tr><tr><td>b</td></tr></table>", "a\n\nb\n"},
      {"<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\n\nb\n\nc\n"},
      {"<table><tr><td><p>a</p></td><td><div>b</div></td></tr></table>", "a | b\n"},
      {"<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", "a | b | c\n"},
      {"<table><tr><td>t<tr><td><table><tr><td>a<td>b<tr><td>c<td>d</table></table>", "t\n\na | b\nc | d\n"},
      {"<table><caption>T</caption><tr><td>a<td>b</table>", "T\n\na | b\n"},
      {"<table><td>a<td>b</table>", "a | b\n"},
      {"<td>a<td>b", "ab\n"},
      {"<table><tr>x<td>a<td>b</tr></table>", "x\n\na\n\nb\n"},
      {"<table><tr><td>a</div><td>b</p></tr></table>c", "a | b\n\nc\n"},
      {"<div><table><tr><td>a</div>b<td>c</table>d</div>e", "ab | c\n\nd\ne\n"},
      {"<blockquote><table><tr><td>a<td>b<tr><td>c<td>d</table></blockquote>", "> a | b\n> c | d\n"},
      {"<table><tr><td>a<td><a href=http://x>b</a><tr><td>c<td>d</table>", "a | b <http://x>\nc | d\n"},
      {"<table><tr><td>a<td>b<tr><td>one<br>two<td>c<tr><td>d<td>e</table>",
       "a | b\n\none\ntwo\n\nc\n\nd | e\n"},
      {"<table><tr><th><th>X<th>Y<tr><th>r<td>1<td></table>", "| X | Y\nr | 1\n"},
      {"<table><tr></tr><tr><td></table>x", "x\n"},
      {"a<tr>b<td>c", "abc\n"},
  };
  CHECK_ROWS(rows);
}

static void keeps_wide_rows_apart(void) {
  struct nm_buf html = {.max = 100000};
  struct nm_buf out = {.max = 100000};
  nm_buf_add_c(&html, "<table><tr>");
  for (int i = 0; i < 40; i++) {
    nm_buf_add_c(&html, "<td>a");
  }
  CHECK(nm_html_to_text(nm_buf_str(&html), &out, NULL) == 0 && strchr(out.p, '|') == NULL);
  CHECK(out.n == 40 * 3 - 1);
  nm_buf_reset(&html);
  nm_buf_reset(&out);
  nm_buf_add_c(&html, "<table><tr><td>");
  for (int i = 0; i < 400; i++) {
    nm_buf_add_c(&html, "abc ");
  }
  nm_buf_add_c(&html, "<td>x");
  CHECK(nm_html_to_text(nm_buf_str(&html), &out, NULL) == 0 && strchr(out.p, '|') == NULL);
  CHECK(strcmp(out.p + out.n - 4, "\n\nx\n") == 0);
  nm_buf_free(&html);
  nm_buf_free(&out);
}

static void refuses_what_is_not_utf8(void) {
  struct nm_error e = {0};
  struct nm_buf out = {.max = 100};
  CHECK(nm_html_to_text(NM_STR("ab\xff"), &out, &e) == NM_EINVAL && e.kind == NM_KIND_MESSAGE);
  CHECK(strstr(e.text, "byte 3") != NULL && out.n == 0);
  CHECK(nm_html_to_text(NM_STR("abc"), &out, NULL) == 0 && out.n == 4);
  nm_buf_free(&out);
  struct nm_buf small = {.max = 3};
  CHECK(nm_html_to_text(NM_STR("abcdefgh<a href=http://x>y</a><table><tr><td>a<td>b</table>"), &small, &e) ==
        NM_ELIMIT);
  CHECK(strstr(e.text, "3 bytes") != NULL);
  nm_buf_free(&small);
  CHECK(nm_html_to_text(nm_str("a\0b", 3), &out, &e) == 0 && nm_str_eq(nm_buf_str(&out), NM_STR("ab\n")));
  nm_buf_free(&out);
}

/* unit n times, also between its beginning and its end; how long it took, and no more than 40 octets out for one in. */
static double seconds(const struct row *r, const char *end, size_t n) {
  struct nm_buf html = {.max = (size_t)1 << 30}, out = {.max = (size_t)1 << 30};
  nm_buf_add_c(&html, r->html);
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_c(&html, r->text);
  }
  nm_buf_add_c(&html, end);
  clock_t from = clock();
  CHECK_ROW(nm_html_to_text(nm_buf_str(&html), &out, NULL) == 0, r->text);
  double took = (double)(clock() - from) / CLOCKS_PER_SEC;
  CHECK_ROW(nm_utf8_valid(nm_buf_str(&out)) == out.n && out.n <= 40 * html.n, r->text);
  nm_buf_free(&html);
  nm_buf_free(&out);
  return took;
}

static void is_linear_and_not_deep(void) {
  static const struct row rows[] = {
      {"", "<div>"},
      {"", "<b>"},
      {"", "<blockquote>"},
      {"", "<ul><li>x"},
      {"<ul>", "<li>x"},
      {"", "<p>x"},
      {"", "<table><tr><td>x<td>"},
      {"<table>", "<tr><td>x<td>y"},
      {"", "a<br>"},
      {"", "&zwj;"},
      {"", "&#"},
      {"", "<a href=http://x>"},
      {"<pre>", "\n"},
      {"<pre>", "a \n"},
      {"<table><tr>", "<td>x"},
      {"<p style='", "a:b;"},
      {"<p style='", "/*"},
      {"<p style='", "(\""},
      {"<a href='x", " "},
      {"", "<dl><dd>"},
      {"", "<i><div hidden>"},
      {"", "</p>"},
      {"", "<img alt=x>"},
      {"<img alt='", "&lt;"},
      {"<ol start=9999999><li><ol start=9999999><li><ol start=9999999><li><blockquote>", "a<br>"}};
  if (getenv("NETMAIL_SLOW") != NULL) {
    SKIP("NETMAIL_SLOW: time means nothing here");
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double some = seconds(&rows[i], "'>x", 5000);
    double many = seconds(&rows[i], "'>x", 50000);
    CHECK_ROW(many < 40 * some + 0.5, rows[i].text);
  }
}

static void flattens_what_is_too_deep(void) {
  struct nm_buf html = {.max = 100000}, out = {.max = 100000};
  for (int i = 0; i < 600; i++) {
    nm_buf_add_c(&html, "<div>");
  }
  nm_buf_add_c(&html, "a<style>b</style><p>c");
  for (int i = 0; i < 600; i++) {
    nm_buf_add_c(&html, "</div>");
  }
  nm_buf_add_c(&html, "<p>d<ul><li>e</ul>");
  CHECK(nm_html_to_text(nm_buf_str(&html), &out, NULL) == 0);
  CHECK(out.p != NULL && strcmp(out.p, "ac\n\nd\n\n* e\n") == 0);
  nm_buf_free(&html);
  nm_buf_free(&out);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  static const char html[] =
      "<h1>A long heading that makes the buffer grow</h1><a "
      "href='https://example.org/a/long/address/that/does/not/fit'>"
      "a link</a><table><tr><td>a cell<td>another one<tr><td>1<td>2</table><ul><li>x</ul>";
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_error e = {0};
    struct nm_buf out = {.max = 1000};
    nm_test_alloc_fail_at(n);
    int err = nm_html_to_text(NM_STR(html), &out, &e);
    nm_test_alloc_fail_at(0);
    nm_buf_free(&out);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 4);
      return;
    }
    CHECK(err == NM_ENOMEM && e.code == NM_ENOMEM);
  }
}
#endif

int main(void) {
  RUN(collapses_white_space);
  RUN(sets_blocks_apart);
  RUN(writes_lists);
  RUN(quotes);
  RUN(keeps_preformatted_text);
  RUN(shows_links);
  RUN(shows_pictures_by_their_words);
  RUN(hides_what_is_hidden);
  RUN(writes_tables_as_lines);
  RUN(keeps_wide_rows_apart);
  RUN(refuses_what_is_not_utf8);
  RUN(is_linear_and_not_deep);
  RUN(flattens_what_is_too_deep);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
