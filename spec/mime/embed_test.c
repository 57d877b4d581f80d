#include "mime/embed.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "mime/part.h"
#include "support/ctest.h"

static char root[64], base[80];

static const char *at(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void write_file(const char *name, const char *text) {
  FILE *f = fopen(at(name), "wb");
  fputs(text, f);
  fclose(f);
}

static void set_up(void) {
  snprintf(root, sizeof root, "/tmp/netmail-embed-XXXXXX");
  CHECK(mkdtemp(root) != NULL);
  snprintf(base, sizeof base, "%s/base", root);
  mkdir(base, 0700);
  mkdir(at("base/img"), 0700);
  write_file("secret.png", "secret");
  write_file("base/a.png", "picture a");
  write_file("base/same.png", "picture a");
  write_file("base/same.gif", "picture a");
  write_file("base/img/b c.jpg", "picture b");
  write_file("base/logo.svg", "<svg/>");
  write_file("base/doc.pdf", "pdf");
  write_file("base/noname", "x");
  CHECK(symlink("../secret.png", at("base/out.png")) == 0);
  CHECK(symlink("/dev/zero", at("base/zero.png")) == 0);
  mkfifo(at("base/pipe.png"), 0600);
  mkdir(at("base/dir.png"), 0700);
}

static void tear_down(void) {
  static const char *const names[] = {
      "secret.png",    "base/a.png",   "base/same.png", "base/same.gif", "base/img/b c.jpg",
      "base/logo.svg", "base/doc.pdf", "base/noname",   "base/out.png",  "base/zero.png",
      "base/pipe.png", "base/dir.png", "base/img",      "base",          ""};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    CHECK_ROW(remove(at(names[i])) == 0, names[i]);
  }
}

static struct nm_message *message_of(const char *html) {
  struct nm_message *m = NULL;
  CHECK(nm_message_new(&m) == 0 && nm_message_set_html(m, nm_str_c(html), NULL) == 0);
  return m;
}

static const struct nm_part *linked(const struct nm_message *m, size_t i) {
  return m->linked->items[i];
}

/* html with "cid:N" for the reference to the N-th linked part. */
static void show(const struct nm_message *m, struct nm_buf *out) {
  struct nm_str html = nm_content_bytes(m->html);
  for (size_t i = 0; i < html.n;) {
    size_t used = 0;
    for (size_t k = 0; k < m->linked->n && used == 0; k++) {
      struct nm_str id = nm_buf_str(&linked(m, k)->content_id);
      if (html.n - i >= id.n && memcmp(html.p + i, id.p, id.n) == 0) {
        nm_buf_addf(out, "%zu", k);
        used = id.n;
      }
    }
    if (used == 0) {
      nm_buf_add_byte(out, html.p[i]);
      used = 1;
    }
    i += used;
  }
}

static void embeds(void) {
  static const struct {
    const char *html;
    const char *shown;
    size_t count;
    const char *parts[3][3]; /* name, type, bytes */
  } rows[] = {
      {"", "", 0, {{0}}},
      {"<p>no picture<img src='http://x/a.png'><img src='cid:x'><img src=/a.png><img src='//h/a.png'><img "
       "src='\\\\h\\a.png'>",
       "<p>no picture<img src='http://x/a.png'><img src='cid:x'><img src=/a.png><img src='//h/a.png'><img "
       "src='\\\\h\\a.png'>",
       0,
       {{0}}},
      {"<img src='file:///etc/passwd'><img src='phar://a.png'><img src='C:\\a.png'><img src=''>x",
       "<img src='file:///etc/passwd'><img src='phar://a.png'><img src='C:\\a.png'><img src=''>x",
       0,
       {{0}}},
      {"a<img src=\"a.png\" alt=x>b",
       "a<img src=\"cid:0\" alt=x>b",
       1,
       {{"a.png", "image/png", "picture a"}}},
      {"<img src=a.png><img src='./img/../img/b.png'",
       "<img src=cid:0><img src='./img/../img/b.png'",
       1,
       {{"a.png", "image/png", "picture a"}}},
      {"<img src=a.png><img src='img/b%20c.jpg?v=2'><td background=a.png style=\"background:url('a.png')\">",
       "<img src=cid:0><img src='cid:1'><td background=cid:0 style=\"background:url('cid:0')\">",
       2,
       {{"a.png", "image/png", "picture a"}, {"b c.jpg", "image/jpeg", "picture b"}}},
      {"<img src=a.png><img src=./a.png><img src=same.png><img src=same.gif>",
       "<img src=cid:0><img src=cid:0><img src=cid:0><img src=cid:1>",
       2,
       {{"a.png", "image/png", "picture a"}, {"same.gif", "image/gif", "picture a"}}},
      {"<img src='data:image/png;base64,aGVsbG8='><img src='data:image/png,hello'><img "
       "src='data:image/svg+xml,<svg/>'>",
       "<img src='cid:0'><img src='cid:0'><img src='cid:1'>",
       2,
       {{"image1.png", "image/png", "hello"}, {"image2.svg", "image/svg+xml", "<svg/>"}}},
      {"<img src='data:image/x-icon,x'>", "<img src='cid:0'>", 1, {{"", "image/x-icon", "x"}}},
      {"<img src=logo.svg srcset='a.png 1x, logo.svg 2x'>",
       "<img src=cid:0 srcset='cid:1 1x, cid:0 2x'>",
       2,
       {{"logo.svg", "image/svg+xml", "<svg/>"}, {"a.png", "image/png", "picture a"}}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_message *m = message_of(rows[i].html);
    struct nm_error e = {0};
    struct nm_buf out = {.max = 10000};
    size_t count = 99;
    CHECK_ROW(nm_embed_images(m, nm_str_c(base), &count, &e) == 0, e.text);
    CHECK_ROW(count == rows[i].count && m->linked->n == count, rows[i].html);
    show(m, &out);
    CHECK_ROW(nm_str_eq(nm_buf_str(&out), nm_str_c(rows[i].shown)), out.p);
    for (size_t k = 0; k < count && k < 3; k++) {
      const struct nm_part *p = linked(m, k);
      CHECK_ROW(nm_str_eq(nm_buf_str(&p->name), nm_str_c(rows[i].parts[k][0])), rows[i].html);
      CHECK_ROW(nm_str_eq(nm_part_type(p), nm_str_c(rows[i].parts[k][1])), rows[i].html);
      CHECK_ROW(nm_str_eq(nm_content_bytes(p->content), nm_str_c(rows[i].parts[k][2])), rows[i].html);
      CHECK_ROW(p->disposition == NM_DISPOSITION_INLINE && p->refs == 1, rows[i].html);
    }
    nm_buf_free(&out);
    nm_message_unref(&m);
  }
}

static void takes_all_or_nothing(void) {
  static const char *const rows[][2] = {
      {"../secret.png", "\"..\""},
      {"../../etc/passwd", "\"..\""},
      {"%2e%2e/secret.png", "\"..\""},
      {"..%2fsecret.png", "\"..\""},
      {"..\\secret.png", "\"..\""},
      {"&#46;./secret.png", "\"..\""},
      {"img/../a.png", "\"..\""},
      {"%2fetc/passwd", "absolute"},
      {"%00a.png", "NUL"},
      {"a.png%00.gif", "NUL"},
      {"out.png", "symbolic link"},
      {"zero.png", "symbolic link"},
      {"pipe.png", "pipe"},
      {"dir.png", "directory"},
      {"missing.png", "does not exist"},
      {"doc.pdf", "application/pdf"},
      {"noname", "application/octet-stream"},
      {"data:text/html,x", "text/html"},
      {"data:,x", "text/plain"},
      {"data:image/png;base64,!", "base64"},
      {"data:image/png", "comma"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char html[300];
    snprintf(html, sizeof html, "<img src=a.png><img src='data:image/png,x'><img src='%s'>", rows[i][0]);
    struct nm_message *m = message_of(html);
    struct nm_content *before = m->html;
    struct nm_error e = {0};
    size_t count = 99;
    CHECK_ROW(nm_embed_images(m, nm_str_c(base), &count, &e) == NM_EINVAL, rows[i][0]);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE && strstr(e.text, rows[i][1]) != NULL, e.text);
    CHECK_ROW(count == 0 && m->linked->n == 0 && m->html == before, rows[i][0]);
    nm_message_unref(&m);
  }
}

static void takes_no_file_without_a_base(void) {
  struct nm_message *m = message_of("<img src=a.png><img src='../x'><img src='data:image/png,x'>");
  struct nm_buf out = {.max = 1000};
  size_t count = 0;
  CHECK(nm_embed_images(m, nm_str(NULL, 0), &count, NULL) == 0 && count == 1);
  show(m, &out);
  CHECK(strcmp(out.p, "<img src=a.png><img src='../x'><img src='cid:0'>") == 0);
  struct nm_error e = {0};
  CHECK(nm_embed_images(m, NM_STR("/no/such"), &count, &e) == NM_EINVAL &&
        strstr(e.text, "/no/such") != NULL);
  CHECK(nm_embed_images(m, NM_STR(""), &count, &e) == NM_EINVAL && strstr(e.text, "base directory") != NULL);
  nm_buf_free(&out);
  nm_message_unref(&m);
  CHECK(nm_message_new(&m) == 0);
  CHECK(nm_embed_images(m, nm_str(NULL, 0), &count, &e) == NM_EINVAL && strstr(e.text, "Html") != NULL);
  nm_message_unref(&m);
}

static void goes_on_where_it_was(void) {
  struct nm_message *m = message_of("<img src=a.png>");
  size_t count = 0;
  CHECK(nm_embed_images(m, nm_str_c(base), &count, NULL) == 0 && count == 1);
  CHECK(nm_embed_images(m, nm_str_c(base), &count, NULL) == 0 && count == 0 && m->linked->n == 1);
  struct nm_buf html = {.max = 1000};
  nm_buf_add_str(&html, nm_content_bytes(m->html));
  nm_buf_add_c(&html, "<img src=logo.svg>");
  CHECK(nm_message_set_html(m, nm_buf_str(&html), NULL) == 0);
  CHECK(nm_embed_images(m, nm_str_c(base), &count, NULL) == 0 && count == 1 && m->linked->n == 2);
  CHECK(!nm_str_eq(nm_buf_str(&linked(m, 0)->content_id), nm_buf_str(&linked(m, 1)->content_id)));
  nm_buf_free(&html);
  nm_message_unref(&m);
}

/* One file for many references, and many parts found again quickly. */
static void finds_many_again(void) {
  struct nm_buf html = {.max = 1 << 24};
  for (int i = 0; i < 20000; i++) {
    nm_buf_addf(&html, "<img src=a.png><img src='data:image/png,%d'>", i % 3000);
  }
  struct nm_message *m = message_of(html.p);
  size_t count = 0;
  CHECK(nm_embed_images(m, nm_str_c(base), &count, NULL) == 0 && count == 3001);
  nm_buf_free(&html);
  nm_message_unref(&m);
}

static void makes_text_of_html(void) {
  struct nm_message *m = message_of("<p>caf\xc3\xa9 &euro;<ul><li>x</ul>");
  struct nm_error e = {0};
  struct nm_stamp stamp = {.message_id = NM_STR("<a@b>")};
  static const char *const charsets[][2] = {
      {"", "charset=utf-8"}, {"iso-8859-15", "charset=iso-8859-15"}, {"iso-8859-1", "charset=utf-8"}};
  CHECK(nm_addr_parse(NM_STR("a@x.org"), &m->from, &e) == 0);
  CHECK(nm_message_set_body_transfer_encoding(m, NM_STR("quoted-printable"), &e) == 0);
  for (size_t i = 0; i < 6; i++) {
    struct nm_source *s = NULL;
    char text[4000];
    size_t n = 0, got = 0;
    m->text_from_html = i < 3;
    CHECK(nm_message_set_body_encoding(m, nm_str_c(charsets[i % 3][0]), &e) == 0);
    CHECK_ROW(nm_message_render(m, &stamp, &s, &e) == 0, e.text);
    while (nm_source_read(s, text + n, sizeof text - 1 - n, &got) == 0 && got > 0) {
      n += got;
    }
    text[n] = '\0';
    const char *plain = strstr(text, "Content-Type: text/plain;");
    CHECK((plain != NULL) == (i < 3) && (strstr(text, "multipart/alternative") != NULL) == (i < 3));
    if (plain != NULL) {
      const char *charset = strstr(plain, charsets[i][1]);
      CHECK_ROW(charset != NULL && charset < strstr(plain, "Content-Type: text/html"), charsets[i][1]);
      CHECK(strstr(plain, "\r\n* x\r\n") != NULL);
    }
    nm_source_free(&s);
  }
  m->text_from_html = 1;
  struct nm_message *copy = NULL;
  CHECK(nm_message_copy(m, &copy) == 0 && copy->text_from_html);
  nm_message_unref(&copy);
  nm_message_unref(&m);
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_message *m = message_of(
        "<img src=a.png><img src='data:image/png;base64,aGVsbG8='><img src=logo.svg><img src=a.png>");
    struct nm_content *before = m->html;
    struct nm_error e = {0};
    size_t count = 0;
    nm_test_alloc_fail_at(n);
    int err = nm_embed_images(m, nm_str_c(base), &count, &e);
    nm_test_alloc_fail_at(0);
    CHECK(err == 0 ? count == 3 && m->linked->n == 3 : count == 0 && m->linked->n == 0 && m->html == before);
    nm_message_unref(&m);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 20);
      return;
    }
    CHECK(err == NM_ENOMEM && e.code == NM_ENOMEM);
  }
}
#endif

int main(void) {
  RUN(set_up);
  RUN(embeds);
  RUN(takes_all_or_nothing);
  RUN(takes_no_file_without_a_base);
  RUN(goes_on_where_it_was);
  RUN(finds_many_again);
  RUN(makes_text_of_html);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  RUN(tear_down);
  return ctest_end();
}
