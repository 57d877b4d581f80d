#include "mime/calendar.h"

#include "base/alloc.h"
#include "mime/parts.h"

#define B "BEGIN:VCALENDAR\r\n"
#define V "VERSION:2.0\r\n"
#define EVENT "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n"
#define E "END:VCALENDAR\r\n"

struct row {
  struct nm_str ics;
  const char *method; /* or a word of the refusal */
};

static const struct row good[] = {
    {NM_STR(B "METHOD:PUBLISH\r\n" E), "PUBLISH"},
    {NM_STR(B V "METHOD:REQUEST\r\n" EVENT E), "REQUEST"},
    {NM_STR(B "METHOD:REPLY\r\n" EVENT EVENT E), "REPLY"},
    {NM_STR(B EVENT "METHOD:ADD\r\n" E), "ADD"},
    {NM_STR(B "METHOD:CANCEL\r\n" E), "CANCEL"},
    {NM_STR(B "METHOD:REFRESH\r\n" E), "REFRESH"},
    {NM_STR(B "METHOD:COUNTER\r\n" E), "COUNTER"},
    {NM_STR(B "METHOD:DECLINECOUNTER\r\n" E), "DECLINECOUNTER"},
    {NM_STR("begin:vcalendar\r\nmethod:request\r\nend:vcalendar\r\n"), "REQUEST"},
    {NM_STR("BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"), "REQUEST"},
    {NM_STR("BEGIN:VCALENDAR\rMETHOD:REQUEST\rEND:VCALENDAR\r"), "REQUEST"},
    {NM_STR(B "METHOD:REQUEST\r\nEND:VCALENDAR"), "REQUEST"},
    {NM_STR("\r\n" B "\r\nMETHOD:REQUEST\r\n" E "\r\n\r\n"), "REQUEST"},
    /* folds are undone: RFC 5545 3.1 */
    {NM_STR(B "METHOD:REQ\r\n UEST\r\n" E), "REQUEST"},
    {NM_STR(B "MET\r\n\tHOD:R\n EPLY\r\n" E), "REPLY"},
    {NM_STR("B\r\n EGIN:VCA\r\n LENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n \r\n"), "REPLY"},
    {NM_STR(B "METHOD:REQUEST\r\nX-A:a\r\n METHOD:CANCEL\r\n" E), "REQUEST"},
    {NM_STR(B "METHOD:REQUEST\r\nSUMMARY:x\r\n BEGIN:VEVENT\r\n" E), "REQUEST"},
    /* parameters: metparam = *(";" other-param)   (RFC 5545 3.7.2) */
    {NM_STR(B "METHOD;X-A=b:REQUEST\r\n" E), "REQUEST"},
    {NM_STR(B "METHOD;X-A=\"b:c;d\";X-B=e,\":\":REPLY\r\n" E), "REPLY"},
    /* not the object's: */
    {NM_STR(B "METHOD:REQUEST\r\nBEGIN:VEVENT\r\nMETHOD:CANCEL\r\nEND:VEVENT\r\n" E), "REQUEST"},
    {NM_STR(B "METHOD:REQUEST\r\nX-METHOD:CANCEL\r\nMETHODS:CANCEL\r\nMETHOD\r\n" E), "REQUEST"},
    {NM_STR(B "METHOD:REQUEST\r\nBEGIN:VEVENT\r\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\n" E), "REQUEST"},
};

static const struct row bad[] = {
    {NM_STR(""), "not one whole"},
    {NM_STR("\r\n"), "not one whole"},
    {NM_STR("Invitation"), "not an iCalendar"},
    {NM_STR(B E), "no METHOD"},
    {NM_STR(B V EVENT E), "no METHOD"},
    {NM_STR(B "BEGIN:VEVENT\r\nMETHOD:REQUEST\r\nEND:VEVENT\r\n" E), "no METHOD"},
    {NM_STR(B "SUMMARY:\r\n METHOD:REQUEST\r\n" E), "no METHOD"},
    {NM_STR(B "X-METHOD:REQUEST\r\n" E), "no METHOD"},
    {NM_STR(B "METHOD:REQUEST\r\nMETHOD:REQUEST\r\n" E), "more than one"},
    {NM_STR(B "METHOD:REQUEST\r\nmethod:CANCEL\r\n" E), "more than one"},
    {NM_STR(B "METHOD:REQUEST\r\nMETHOD;X=y:CANCEL\r\n" E), "more than one"},
    {NM_STR(B "METHOD:REQUEST\r\nX:y\rMETHOD:CANCEL\r\n" E),
     "more than one"}, /* mail makes the CR a line end */
    {NM_STR(B "METHOD:\r\n" E), "does not know"},
    {NM_STR(B "METHOD:INVITE\r\n" E), "does not know"},
    {NM_STR(B "METHOD:REQUEST \r\n" E), "does not know"},
    {NM_STR(B "METHOD: REQUEST\r\n" E), "does not know"},
    {NM_STR(B "METHOD:REQUEST\r\n X\r\n" E), "does not know"},
    {NM_STR(B "METHOD:REQUESTREQUESTREQUESTREQUEST\r\n" E), "does not know"},
    {NM_STR(B "METHOD:REQUEST\0\r\n" E), "does not know"},
    {NM_STR(B "METHOD:\"REQUEST\"\r\n" E), "does not know"},
    {NM_STR(B "METHOD:REQUEST\r\n"), "not one whole"},
    {NM_STR(B "METHOD:REQUEST\r\nEND:VCALENDA"), "must begin"},
    {NM_STR(B "METHOD:REQUEST\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n"), "not one whole"},
    {NM_STR(B "METHOD:REQUEST\r\nEND:VEVENT\r\n" E), "must begin"},
    {NM_STR(B "METHOD:REQUEST\r\n" E E), "must begin"},
    {NM_STR(B "METHOD:REQUEST\r\n" E "METHOD:CANCEL\r\n"), "must begin"},
    {NM_STR(B "METHOD:REQUEST\r\n" E B "METHOD:REQUEST\r\n" E), "more than one"},
    {NM_STR(B "METHOD:REQUEST\r\n" E B E), "not one whole"},
    {NM_STR("X:y\r\n" B "METHOD:REQUEST\r\n" E), "must begin"},
    {NM_STR(" " B "METHOD:REQUEST\r\n" E), "must begin"},
    {NM_STR("BEGIN:VEVENT\r\nMETHOD:REQUEST\r\nEND:VEVENT\r\n"), "must begin"},
    {NM_STR("BEGIN:VCALENDAR2\r\nMETHOD:REQUEST\r\n" E), "must begin"},
    {NM_STR(E), "must begin"},
};

static void the_method_is_the_objects_own(void) {
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    struct nm_buf method = {.max = 32};
    struct nm_error e = {0};
    CHECK_ROW(nm_calendar_method(good[i].ics, &method, &e) == 0, good[i].ics.p);
    CHECK_ROW(nm_str_eq(nm_buf_str(&method), nm_str_c(good[i].method)), good[i].ics.p);
    nm_buf_free(&method);
  }
}

static void others_are_refused_with_a_sentence(void) {
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct nm_buf method = {.max = 32};
    struct nm_error e = {0};
    CHECK_ROW(nm_calendar_method(bad[i].ics, &method, &e) == NM_EINVAL, bad[i].ics.p);
    CHECK_ROW(e.kind == NM_KIND_MESSAGE && strncmp(e.text, "Calendar ", 9) == 0, e.text);
    CHECK_ROW(strstr(e.text, bad[i].method) != NULL, e.text);
    CHECK(method.n == 0);
    nm_buf_free(&method);
  }
}

/* No end of a text is read beyond, wherever it is cut, and none but the whole one is taken. */
static void a_beginning_is_no_calendar(void) {
  static const char whole[] = "\n" B "MET\r\n HOD;A=\"b\":REQ\r\n\tUEST\r\n" EVENT "END:VCALENDAR";
  for (size_t n = 0; n < sizeof whole; n++) {
    char *cut = malloc(n + 1); /* exact */
    cut = n > 0 ? realloc(cut, n) : cut;
    memcpy(cut, whole, n);
    struct nm_buf method = {.max = 32};
    CHECK((nm_calendar_method(nm_str(cut, n), &method, NULL) == 0) == (n == sizeof whole - 1));
    nm_buf_free(&method);
    free(cut);
  }
}

static void the_message_keeps_the_old_one(void) {
  struct nm_message *m = letter_new();
  struct nm_error e = {0};
  CHECK(nm_message_set_calendar(m, NM_STR(ICS), &e) == 0);
  struct nm_content *old = m->calendar;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    CHECK_ROW(nm_message_set_calendar(m, bad[i].ics, &e) == NM_EINVAL, bad[i].ics.p);
  }
  CHECK(nm_message_set_calendar(m, NM_STR(B "METHOD:REPLY\r\nX:\xff\r\n" E), &e) == NM_EINVAL);
  CHECK_ROW(strstr(e.text, "Calendar is not valid UTF-8") != NULL, e.text);
  CHECK(nm_message_set_calendar(m, NM_STR(B "METHOD:REPLY\r\nX:\0\r\n" E), &e) == NM_EINVAL);
  for (long n = 1; n <= 2; n++) {
    nm_test_alloc_fail_at(n);
    CHECK(nm_message_set_calendar(m, NM_STR(B "METHOD:REPLY\r\n" E), &e) == NM_ENOMEM);
  }
  nm_test_alloc_fail_at(0);
  CHECK(m->calendar == old && nm_str_eq(nm_buf_str(&m->calendar_method), NM_STR("REQUEST")));
  CHECK(nm_message_set_calendar(m, nm_str(NULL, 0), &e) == 0);
  CHECK(m->calendar == NULL && m->calendar_method.n == 0);
  nm_message_unref(&m);
}

static void a_byte_order_mark_is_left_out(void) {
  struct nm_message *m = letter_new();
  struct nm_error e = {0};
  CHECK_ROW(nm_message_set_calendar(m, NM_STR("\xef\xbb\xbf" ICS), &e) == 0, e.text);
  CHECK(nm_str_eq(nm_content_bytes(m->calendar), NM_STR(ICS)));
  CHECK(nm_message_set_calendar(m, NM_STR("\xef\xbb\xbf\xef\xbb\xbf" ICS), &e) == NM_EINVAL);
  CHECK(nm_message_set_calendar(m, NM_STR("\xef\xbb\xbf"), &e) == NM_EINVAL);
  CHECK(nm_message_set_calendar(m, NM_STR("\xef\xbb"), &e) == NM_EINVAL);
  nm_message_unref(&m);
}

/* RFC 6047 2.4: method and charset beside the type; the file in the lines of RFC 5545 whatever those of the input. */
static void it_goes_in_both_forms(void) {
  struct nm_message *m = letter_new();
  struct nm_buf got = {0};
  struct nm_error e = {0};
  letter_must(nm_message_set_body_encoding(m, NM_STR("koi8-r"), NULL)); /* not the calendar's */
  letter_must(nm_message_set_calendar(
      m, NM_STR("BEGIN:VCALENDAR\nmethod:re\n ply\nX:\xe2\x82\xac\rEND:VCALENDAR"), NULL));
  CHECK_ROW(render_to(&got, m, 0, &e) == 0, e.text);
  CHECK_ROW(count_of(&got,
                     "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                     "BEGIN:VCALENDAR\r\nmethod:re\r\n ply\r\nX:=E2=82=AC\r\nEND:VCALENDAR\r\n--=_") == 1,
            got.p);
  CHECK_ROW(count_of(&got,
                     "Content-Type: application/ics; name=invite.ics\r\n"
                     "Content-Transfer-Encoding: base64\r\n"
                     "Content-Disposition: attachment; filename=invite.ics\r\n\r\n"
                     "QkVHSU46VkNBTEVOREFSDQptZXRob2Q6cmUNCiBwbHkNClg64oKsDQpFTkQ6VkNBTEVOREFS\r\n") == 1,
            got.p);
  nm_buf_free(&got);
  nm_message_unref(&m);
}

static void a_long_one_takes_linear_time(void) {
  struct nm_buf ics = {.max = 1 << 24};
  nm_buf_add_c(&ics, B "METHOD:REQUEST\r\n");
  for (int i = 0; i < 100000; i++) {
    nm_buf_add_c(&ics, "BEGIN:X\r\n Y\r\n");
  }
  for (int i = 0; i < 100000; i++) {
    nm_buf_add_c(&ics, "END:XY\r\n");
  }
  nm_buf_add_c(&ics, E);
  struct nm_buf method = {.max = 32};
  CHECK(nm_calendar_method(nm_buf_str(&ics), &method, NULL) == 0);
  nm_buf_free(&ics);
  nm_buf_free(&method);
}

int main(void) {
  RUN(the_method_is_the_objects_own);
  RUN(others_are_refused_with_a_sentence);
  RUN(a_beginning_is_no_calendar);
  RUN(the_message_keeps_the_old_one);
  RUN(a_byte_order_mark_is_left_out);
  RUN(it_goes_in_both_forms);
  RUN(a_long_one_takes_linear_time);
  return ctest_end();
}
