#include "mime/html_images.h"

#include <time.h>

#include "base/alloc.h"
#include "mime/data_uri.h"
#include "support/ctest.h"

/* Each reference as "?path", "=URI" or "-what stands there", with "|" between. */
static void show(struct nm_str html, struct nm_buf *out) {
  struct nm_html_images it = {.scan.in = html};
  struct nm_str reference;
  while (nm_html_images_next(&it, &reference)) {
    struct nm_buf target = {.max = 10000};
    enum nm_html_image kind = nm_html_image_read(reference, &target);
    CHECK(reference.n > 0 && reference.p >= html.p && reference.p + reference.n <= html.p + html.n);
    nm_buf_add_c(out, out->n > 0 ? "|" : "");
    nm_buf_add_c(out, kind == NM_IMAGE_FILE ? "?" : kind == NM_IMAGE_DATA ? "=" : "-");
    nm_buf_add_str(out, kind == NM_IMAGE_OTHER ? reference : nm_buf_str(&target));
    CHECK(kind != NM_IMAGE_OTHER || target.n == 0);
    nm_buf_free(&target);
  }
}

struct row {
  const char *html;
  const char *shown;
};

static void check_rows(const struct row *rows, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct nm_buf out = {.max = 10000};
    show(nm_str_c(rows[i].html), &out);
    CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].shown)), rows[i].html);
    if (!nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].shown))) {
      printf("got: %s\n", out.p != NULL ? out.p : "");
    }
    nm_buf_free(&out);
  }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows)[0])

static void finds_the_places(void) {
  static const struct row rows[] = {
      {"", ""},
      {"<img src=a.png>", "?a.png"},
      {"<IMG alt=x SRC='a.png'><img src=\"b.png\"/>", "?a.png|?b.png"},
      {"<img src=a.png src=b.png>", "?a.png"},
      {"<img src src=b.png>", ""},
      {"<img><img src=''><img src=>", ""},
      {"<input type=image src=a.png><input src=b.png type=IMAGE><input src=c.png><input type=text src=d.png>",
       "?a.png|?b.png"},
      {"<video poster=a.png src=b.mp4><source src=c.mp4 srcset='d.png 2x'></video>", "?a.png|?d.png"},
      {"<body background=a.png><table background=b.png><tr background=c.png><td background=d.png><th "
       "background=e.png>",
       "?a.png|?b.png|?c.png|?d.png|?e.png"},
      {"<div background=a.png><p src=b.png><a href=c.png><script src=d.js></script><iframe "
       "src=e.html></iframe>",
       ""},
      {"<img srcset='a.png, b.png 2x,c.png  300w , d.png' src=e.png>", "?a.png|?b.png|?c.png|?d.png|?e.png"},
      {"<img srcset=' ,, a.png,b.png 1x, data:image/png,x,y 2x, e.png calc(1, 2), f.png'>",
       "?a.png,b.png|=data:image/png,x,y|?e.png|?f.png"},
      {"<p style='background:url(a.png)'>", "?a.png"},
      {"<p style=\"background:red URL( 'a b.png' ) no-repeat, url(b.png );list-style:url(\tc.png)\">",
       "?a b.png|?b.png|?c.png"},
      {"<p style='background:url(&quot;a.png&quot;)'><p style='a:url(&#39;b&amp;c.png&apos;)'>",
       "?a.png|?b&c.png"},
      {"<p style='content:\"url(a.png)\";x:myurl(b.png);/*url(c.png)*/y:url(d.png)'>", "?d.png"},
      {"<p style='background:url(a\\.png),url(b(.png),url(\"c.png),url(d.png)'>", ""},
      {"<p style='background:url()'><p style='background:url(\"\")'><p style='background:url(a.png'>", ""},
      {"<p style='a:uurl(x) u rl(x) url (x) url(y)'>", "?y"},
      {"<p style='a:url(&quot./x&quot),url&#x28;y),url(&#x20./z)'>", "?y"},
      {"<p style='a:url(x)url(y)'>", "?x|?y"},
      {"<p style='a:\"\\\"url(x)\";b:url(y)'>", "?y"},
      {"<!-- <img src=a.png> --><script><img src=b.png></script><style>a{b:url(c.png)}</style>", ""},
      {"<img src='a.png' style='background:url(b.png)' srcset='c.png'>", "?a.png|?b.png|?c.png"},
      {"<img src='a.png", ""},
  };
  CHECK_ROWS(rows);
}

static void tells_what_they_lead_to(void) {
  static const struct row rows[] = {
      {"<img src='img/a.png'>", "?img/a.png"},
      {"<img src='./a.png?v=1#x'>", "?./a.png"},
      {"<img src='a%20b%2Bc.png'>", "?a b+c.png"},
      {"<img src='100%.png'>", "?100%.png"},
      {"<img src='%2e%2e/%2e%2E/etc/passwd'>", "?../../etc/passwd"},
      {"<img src='%252e%252e/x'>", "?%2e%2e/x"}, /* decoded once */
      {"<img src='../../etc/passwd'>", "?../../etc/passwd"},
      {"<img src='..\\..\\x'>", "?../../x"},
      {"<img src='img\\a.png'>", "?img/a.png"},
      {"<img src='%2fetc/passwd'>", "?/etc/passwd"}, /* which nm_beneath_read refuses */
      {"<img src='&#46;&period;/x'>", "?../x"},
      {"<img src=' \n a.\tp\nng '>", "?a.png"},
      {"<img src='картинка.png'>", "?картинка.png"},
      {"<img src='a:b.png'>", "-a:b.png"},
      {"<img src='./a:b.png'>", "?./a:b.png"},
      {"<img src='1:b.png'>", "?1:b.png"}, /* no scheme begins with a digit */
      {"<img src='http://x/a.png'><img src='HTTPS://x/a.png'>", "-http://x/a.png|-HTTPS://x/a.png"},
      {"<img src='ht\ntp://x/a.png'><img src='&#x1;http&colon;//x'>",
       "-ht\ntp://x/a.png|-&#x1;http&colon;//x"},
      {"<img src='cid:a@b'><img src='file:///etc/passwd'><img src='phar://x'><img src='ftp://x'>",
       "-cid:a@b|-file:///etc/passwd|-phar://x|-ftp://x"},
      {"<img src='//host/x'><img src='\\\\host\\x'><img src='/etc/passwd'><img src='\\x'>",
       "-//host/x|-\\\\host\\x|-/etc/passwd|-\\x"},
      {"<img src='C:\\x.png'><img src='c:x.png'>", "-C:\\x.png|-c:x.png"},
      {"<img src='php://filter/x'><img src='javascript:x'><img src='gopher://x'>",
       "-php://filter/x|-javascript:x|-gopher://x"},
      {"<img src='#x'><img src='?x'><img src=' '>", "-#x|-?x|- "},
      {"<img src='DATA:image/png;base64,AAAA'>", "=DATA:image/png;base64,AAAA"},
      {"<img src='data:image/svg+xml,<svg a=&quot;b&quot;/>'>", "=data:image/svg+xml,<svg a=\"b\"/>"},
      {"<img src='{{logo}}'>", "?{{logo}}"},
  };
  CHECK_ROWS(rows);
}

static void reads_data_uris(void) {
  static const struct {
    const char *uri;
    const char *type; /* NULL: refused, with why in data */
    const char *data;
  } rows[] = {
      {"data:image/png;base64,aGVsbG8=", "image/png", "hello"},
      {"data:image/png;base64,aGVsbG8", "image/png", "hello"},
      {"data:image/png;base64,aGVs%0D%0A bG8%3D", "image/png", "hello"},
      {"Data:IMAGE/PNG;x=y;Base64 ,aGVsbG8=", "image/png", "hello"},
      {"data:image/svg+xml;utf8,<svg>%3c/svg>", "image/svg+xml", "<svg></svg>"},
      {"data:image/svg+xml;charset=utf-8,a%20b", "image/svg+xml", "a b"},
      {"data:,A%20brief%20note", "text/plain", "A brief note"},
      {"data:;base64,QQ==", "text/plain", "A"},
      {"data:;charset=x,y", "text/plain", "y"},
      {"data: image/gif ,x,y", "image/gif", "x,y"},
      {"data:image/gif;base64,", "image/gif", ""},
      {"data:image/gif,100%", "image/gif", "100%"},
      {"data:image/png;base64", NULL, "comma"},
      {"data:", NULL, "comma"},
      {"data:png,x", NULL, "media type"},
      {"data:a/b/c,x", NULL, "media type"},
      {"data:image/png;base64,aGVsbG8=x", NULL, "base64"},
      {"data:image/png;base64,aGVsb", NULL, "base64"},
      {"data:image/png;base64,aGVsbG8==", NULL, "base64"},
      {"data:image/png;base64,====", NULL, "base64"},
      {"data:image/png;base64,aGV$", NULL, "base64"},
      {"data:image/png;base64,a-_b", NULL, "base64"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_error e = {0};
    struct nm_buf type = {.max = 100}, data = {.max = 100};
    int err = nm_data_uri_read(nm_str_c(rows[i].uri), &type, &data, &e);
    if (rows[i].type == NULL) {
      CHECK_ROW(err == NM_EINVAL && strstr(e.text, rows[i].data) != NULL, rows[i].uri);
    } else {
      CHECK_ROW(err == 0 && nm_str_eq(nm_buf_str(&type), nm_str_c(rows[i].type)), rows[i].uri);
      CHECK_ROW(nm_str_eq(nm_buf_str(&data), nm_str_c(rows[i].data)), rows[i].uri);
    }
    nm_buf_free(&type);
    nm_buf_free(&data);
  }
  struct nm_error e = {0};
  struct nm_buf type = {.max = 100}, data = {.max = 4};
  CHECK(nm_data_uri_read(NM_STR("data:,hello"), &type, &data, &e) == NM_ELIMIT && e.code == NM_ELIMIT);
  nm_buf_free(&type);
  nm_buf_free(&data);
  CHECK(!nm_data_uri_is(NM_STR("data")) && !nm_data_uri_is(NM_STR("")) && nm_data_uri_is(NM_STR("dAta:")));
}

static double seconds(const char *begin, const char *unit, size_t n, const char *end) {
  struct nm_buf html = {.max = (size_t)1 << 30}, target = {.max = (size_t)1 << 30};
  nm_buf_add_c(&html, begin);
  for (size_t i = 0; i < n; i++) {
    nm_buf_add_c(&html, unit);
  }
  nm_buf_add_c(&html, end);
  clock_t from = clock();
  struct nm_html_images it = {.scan.in = nm_buf_str(&html)};
  struct nm_str reference;
  while (nm_html_images_next(&it, &reference)) {
    nm_buf_reset(&target);
    if (nm_html_image_read(reference, &target) == NM_IMAGE_DATA) {
      struct nm_buf type = {.max = 100}, data = {.max = (size_t)1 << 30};
      (void)nm_data_uri_read(nm_buf_str(&target), &type, &data, NULL);
      nm_buf_free(&type);
      nm_buf_free(&data);
    }
  }
  double took = (double)(clock() - from) / CLOCKS_PER_SEC;
  nm_buf_free(&html);
  nm_buf_free(&target);
  return took;
}

static void is_linear(void) {
  static const char *const rows[][3] = {{"<img src=\"data:", ";", "\">"},
                                        {"<img src=\"data:", ";", ""},
                                        {"<img src=\"data:image/png;a", ";a", ",\">"},
                                        {"<img src=\"data:image/png;base64,", "QUFB", "\">"},
                                        {"", "<img src=a>", ""},
                                        {"<img ", "src=a ", ">"},
                                        {"<img srcset='", "a,", "'>"},
                                        {"<img srcset='", "a (", "'>"},
                                        {"<img srcset='", ", ", "'>"},
                                        {"<p style='", "url(", "'>"},
                                        {"<p style='", "url(a)", "'>"},
                                        {"<p style='", "/*", "'>"},
                                        {"<p style='", "\"", "'>"},
                                        {"<p style='", "u", "'>"},
                                        {"<img src='", "%2e", "'>"},
                                        {"<input ", "type=image ", "src=a>"},
                                        {"<p style='", "url(\"", "'>"},
                                        {"<p style='url(", "\\", "'>"},
                                        {"<p style='", "url(\\", "'>"},
                                        {"", "<input src=a type=image>", ""}};
  if (getenv("NETMAIL_SLOW") != NULL) {
    SKIP("NETMAIL_SLOW: time means nothing here");
  }
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double some = seconds(rows[i][0], rows[i][1], 20000, rows[i][2]);
    double many = seconds(rows[i][0], rows[i][1], 200000, rows[i][2]);
    CHECK_ROW(many < 40 * some + 0.5, rows[i][1]);
  }
}

int main(void) {
  RUN(finds_the_places);
  RUN(tells_what_they_lead_to);
  RUN(reads_data_uris);
  RUN(is_linear);
  return ctest_end();
}
