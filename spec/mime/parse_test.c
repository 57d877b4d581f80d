#include "mime/parse.h"

#include "base/alloc.h"
#include "support/ctest.h"

/* A message that goes through every file of the parser. */
static const char whole[] =
    "Received: by x\r\n\tfor y; 1 Jan 2020 00:00:00 +0000\r\n"
    "Resent-Date: Wed, 01 Jan 2020 00:00:00 +0000\r\nResent-From: r@x.org\r\nResent-To: s@x.org\r\n"
    "From: =?koi8-r?B?8A==?= <a@x.org>\r\nTo: =?utf-8?Q?a,b?= <b@y.org>, c@y.org\r\n"
    "Subject: =?koi8-r?B?8A==?=\r\nDate: Wed, 01 Jan 2020 00:00:00 +0000\r\nMessage-ID: <1@x.org>\r\n"
    "Keywords: a, \"b c\"\r\nX-Broken: \xff\r\nSender: nobody\r\nX-Priority: 5\r\nno field\r\nMIME-Version: "
    "1.0\r\n"
    "Content-Language: en\r\nContent-Type: multipart/mixed; boundary=\"a\"\r\n\r\n"
    "--a\r\nContent-Type: multipart/related; boundary=b; type=\"multipart/alternative\"\r\n\r\n"
    "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    "--c\r\nContent-Type: text/plain; charset=koi8-r; format=flowed\r\n\r\n\xf0\r\n"
    "--c\r\nContent-Type: text/enriched\r\n\r\nx\r\n"
    "--c\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\n=D0=9F\r\n--c--\r\n"
    "--b\r\nContent-Type: image/png; name=p.png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <p>\r\n"
    "Content-Disposition: inline; filename*=utf-8''%D0%9F.png\r\n\r\ncG5n\r\n--b--\r\n"
    "--a\r\nContent-Type: message/rfc822\r\nContent-Description: d\r\n\r\nFrom: i@x.org\r\n\r\ninner\r\n"
    "--a\r\nContent-Type: message/external-body; access-type=URL; URL=\"http://x.org/\"\r\n\r\n"
    "Content-Type: application/pdf\r\nContent-ID: <e>\r\nContent-Transfer-Encoding: binary\r\n\r\n\r\n"
    "--a\r\nContent-Type: multipart/signed; boundary=d\r\n\r\n--d\r\n\r\ns\r\n--d--\r\n"
    "--a\r\nContent-Type: multipart/digest; boundary=f\r\n\r\n--f\r\n\r\nFrom: j@x.org\r\n\r\nk\r\n--f--\r\n"
    "--a--\r\n";

static struct nm_content *bytes_of(const char *text) {
  struct nm_content *c = NULL;
  CHECK(nm_content_memory(nm_str_c(text), &c, NULL) == 0);
  return c;
}

static void reads_all_of_it(void) {
  struct nm_content *bytes = bytes_of(whole);
  struct nm_message *m = NULL;
  struct nm_error e = {0};
  CHECK_ROW(nm_message_parse(bytes, &m, &e) == 0, e.text);
  CHECK(m->resent->n == 1 && m->to->n == 2 && m->sender == NULL && m->priority == NM_PRIORITY_LOW);
  CHECK(nm_str_eq(m->from->name, NM_STR("П")) && nm_str_eq(nm_buf_str(&m->subject), NM_STR("П")));
  CHECK(nm_str_eq(((struct nm_addr *)m->to->items[0])->name, NM_STR("a,b")));
  CHECK(nm_str_eq(nm_content_bytes(m->text), NM_STR("П")) && m->text_part != NULL);
  CHECK(nm_str_eq(nm_content_bytes(m->html), NM_STR("П")));
  CHECK(m->views->n == 1 && m->linked->n == 1 && m->attachments->n == 4 && m->root == NULL);
  const struct nm_part *image = m->linked->items[0];
  CHECK(nm_str_eq(nm_buf_str(&image->name), NM_STR("П.png")) && nm_content_size(image->content) == 3);
  static const enum nm_part_kind kinds[] = {NM_PART_OCTETS, NM_PART_EXTERNAL, NM_PART_OCTETS,
                                            NM_PART_MULTIPART};
  for (size_t i = 0; i < 4; i++) {
    CHECK(((struct nm_part *)m->attachments->items[i])->kind == kinds[i]);
  }
  nm_message_unref(&m);
  nm_content_unref(&bytes);
}

/* Any beginning of it is a message, or none. */
static void reads_every_beginning(void) {
  for (size_t n = 0; n < sizeof whole; n++) {
    struct nm_content *bytes = NULL;
    struct nm_message *m = NULL;
    struct nm_error e = {0};
    CHECK(nm_content_memory(nm_str(whole, n), &bytes, NULL) == 0);
    int err = nm_message_parse(bytes, &m, &e);
    CHECK(err == 0 ? m != NULL : err == NM_EINVAL && n < 10 && m == NULL);
    nm_message_unref(&m);
    nm_content_unref(&bytes);
  }
}

#ifdef NM_TEST_ALLOC
static void survives_each_failed_allocation(void) {
  struct nm_content *bytes = bytes_of(whole);
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_message *m = NULL;
    struct nm_error e = {0};
    nm_test_alloc_fail_at(n);
    int err = nm_message_parse(bytes, &m, &e);
    nm_test_alloc_fail_at(0);
    CHECK((err == 0) == (m != NULL));
    if (err == 0) {
      int complete = m->attachments->n == 4 && m->resent->n == 1 && m->to->n == 2 && m->linked->n == 1 &&
                     m->views->n == 1 && m->from != NULL && m->from->name.n == 2 && m->text_part != NULL &&
                     m->subject_encoding.n > 0 && m->message_id.n > 0;
      struct nm_part *external = m->attachments->n > 1 ? m->attachments->items[1] : NULL;
      CHECK(complete && external->kind == NM_PART_EXTERNAL);
    }
    nm_message_unref(&m);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 200);
      break;
    }
    if (err != NM_ENOMEM || e.code != NM_ENOMEM) {
      printf("allocation %ld: %d, %d %s\n", n, err, e.code, e.text);
    }
    CHECK(err == NM_ENOMEM && e.code == NM_ENOMEM);
  }
  nm_content_unref(&bytes);
}
#endif

int main(void) {
  RUN(reads_all_of_it);
  RUN(reads_every_beginning);
#ifdef NM_TEST_ALLOC
  RUN(survives_each_failed_allocation);
#endif
  return ctest_end();
}
