#include "smtp/sasl_login.h"

#include "base/alloc.h"
#include "smtp/auth.h"

#define B64_SCRAM_FIRST "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8="
#define B64_SCRAM_SERVER_FIRST                                                                               \
  "cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9" \
  "PSxpPTQwOTY="
#define B64_SCRAM_FINAL                                                                                      \
  "Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD1kSHpiWmFwV0lrNGpVaE4r" \
  "VXRlOXl0YWc5empmTUhn"                                                                                     \
  "c3FtbWl6N0FuZFZRPQ=="
#define B64_SCRAM_SERVER_FINAL "dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ=="

/* Each line: "C: " what we must say, "S: " what the server says. */
static const struct row {
  const char *what;
  const char *offered;
  const char *allowed; /* "": any */
  const char *lines[9];
  int err; /* 0: logged in */
  enum nm_sasl_fault fault;
  const char *text; /* in the error */
} rows[] = {
    {"PLAIN", "PLAIN LOGIN", "", {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 235 2.7.0 ok"}, 0, 0, ""},
    {"LOGIN",
     "LOGIN",
     "",
     {"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: dXNlcg==", "S: 334 UGFzc3dvcmQ6", "C: cGVuY2ls",
      "S: 235 ok"},
     0,
     0,
     ""},
    {"SCRAM",
     "PLAIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 334 " B64_SCRAM_SERVER_FIRST, "C: " B64_SCRAM_FINAL,
      "S: 334 " B64_SCRAM_SERVER_FINAL, "C: ", "S: 235 ok"},
     0,
     0,
     ""},
    {"SCRAM, and in without a proof",
     "PLAIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 334 " B64_SCRAM_SERVER_FIRST, "C: " B64_SCRAM_FINAL,
      "S: 235 ok"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "not proved"},
    {"SCRAM, wrong proof: no other mechanism",
     "PLAIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 334 " B64_SCRAM_SERVER_FIRST, "C: " B64_SCRAM_FINAL,
      "S: 334 dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ==", "C: *", "S: 501 cancelled"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "signature is wrong"},
    {"wrong password: no other mechanism",
     "PLAIN LOGIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 334 " B64_SCRAM_SERVER_FIRST, "C: " B64_SCRAM_FINAL,
      "S: 535 5.7.8 no such luck"},
     NM_EREJECT,
     NM_SASL_FAULT_SECRET,
     "SCRAM-SHA-256: the server refuses: 535 5.7.8 no such luck"},
    {"wrong password, in SCRAM's own words",
     "PLAIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 334 " B64_SCRAM_SERVER_FIRST, "C: " B64_SCRAM_FINAL,
      "S: 334 ZT1pbnZhbGlkLXByb29m", "C: *", "S: 535 bad"},
     NM_EREJECT,
     NM_SASL_FAULT_SECRET,
     "invalid-proof"},
    {"not spoken after all: the next",
     "SCRAM-SHA-256 PLAIN LOGIN",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 504 5.5.4 unrecognized", "C: AUTH PLAIN AHVzZXIAcGVuY2ls",
      "S: 504 no", "C: AUTH LOGIN", "S: 504 neither"},
     NM_EREJECT,
     NM_SASL_FAULT_MECHANISM,
     "LOGIN: the server refuses: 504 neither"},
    {"too weak, too long, a transition, encryption: the next",
     "CRAM-MD5 PLAIN LOGIN SCRAM-SHA-256",
     "",
     {"C: AUTH SCRAM-SHA-256 " B64_SCRAM_FIRST, "S: 432 4.7.12 transition", "C: AUTH CRAM-MD5",
      "S: 534 5.7.9 weak", "C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 538 5.7.11 no", "C: AUTH LOGIN",
      "S: 454 4.7.0 later"},
     NM_EREJECT,
     NM_SASL_FAULT_SERVER,
     "454 4.7.0 later"},
    {"a challenge that is no base64: cancelled, and the next",
     "CRAM-MD5 PLAIN",
     "",
     {"C: AUTH CRAM-MD5", "S: 334 !!!!", "C: *", "S: 501 cancelled", "C: AUTH PLAIN AHVzZXIAcGVuY2ls",
      "S: 235 ok"},
     0,
     0,
     ""},
    {"and there is no next",
     "CRAM-MD5 PLAIN",
     "CRAM-MD5",
     {"C: AUTH CRAM-MD5", "S: 334", "C: *", "S: 501 cancelled"},
     NM_EPROTO,
     NM_SASL_FAULT_MECHANISM,
     "challenge is empty"},
    {"it goes on with what was cancelled",
     "CRAM-MD5 PLAIN",
     "",
     {"C: AUTH CRAM-MD5", "S: 334 x", "C: *", "S: 334 PGFAYj4="},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "cancelled"},
    {"it says yes to what was cancelled",
     "CRAM-MD5 PLAIN",
     "",
     {"C: AUTH CRAM-MD5", "S: 334 x", "C: *", "S: 235 ok"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "cancelled"},
    {"it hangs up then",
     "CRAM-MD5 PLAIN",
     "",
     {"C: AUTH CRAM-MD5", "S: 334 x", "C: *", "S: 421 bye"},
     NM_EREJECT,
     NM_SASL_FAULT_SERVER,
     "421 bye"},
    {"it hangs up",
     "PLAIN LOGIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 421 bye"},
     NM_EREJECT,
     NM_SASL_FAULT_SERVER,
     "421 bye"},
    {"yes before we said anything",
     "LOGIN",
     "",
     {"C: AUTH LOGIN", "S: 235 ok"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "not believed"},
    {"PLAIN is asked for more",
     "PLAIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 334 ", "C: *", "S: 501 ok"},
     NM_EPROTO,
     NM_SASL_FAULT_MECHANISM,
     "asks for more"},
    {"a reply of another kind",
     "PLAIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 250 ok"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "no answer to AUTH"},
    {"and another",
     "PLAIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 354 go"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "no answer to AUTH"},
    {"the token is refused with a reason",
     "XOAUTH2 PLAIN",
     "XOAUTH2",
     {"C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHBlbmNpbAEB",
      "S: 334 eyJzdGF0dXMiOiI0MDEifQ==", "C: ", "S: 535 5.7.8 no"},
     NM_EREJECT,
     NM_SASL_FAULT_SECRET,
     "535 5.7.8 no; reason: {\"status\":\"401\"}"},
    {"the token is refused, and then it is not",
     "OAUTHBEARER",
     "OAUTHBEARER",
     {"C: AUTH OAUTHBEARER "
      "bixhPXVzZXIsAWhvc3Q9bWFpbC5leGFtcGxlLm9yZwFwb3J0PTU4NwFhdXRoPUJlYXJlciBwZW5jaWwBAQ==",
      "S: 334 eyJzdGF0dXMiOiI0MDEifQ==", "C: AQ==", "S: 235 welcome"},
     NM_EPROTO,
     NM_SASL_FAULT_SERVER,
     "not believed"},
    {"a server that repeats what it was told",
     "PLAIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 500 what is AUTH PLAIN AHVzZXIAcGVuY2ls?"},
     NM_EREJECT,
     NM_SASL_FAULT_MECHANISM,
     "500 (its words repeat"},
    {"or the password itself",
     "PLAIN",
     "",
     {"C: AUTH PLAIN AHVzZXIAcGVuY2ls", "S: 535 not pencil"},
     NM_EREJECT,
     NM_SASL_FAULT_SECRET,
     "535 (its words repeat"},
    {"nothing fits", "NTLM GSSAPI", "", {NULL}, NM_EINVAL, 0, "offers GSSAPI, NTLM"},
    {"libcurl's are not ours",
     "NTLM GSSAPI",
     "GSSAPI",
     {NULL},
     NM_EINVAL,
     0,
     "nothing that netmail knows is allowed"},
};

static struct nm_sasl_choice choice_of(const char *offered, const char *allowed) {
  return (struct nm_sasl_choice){.offered = nm_sasl_offered(nm_str_c(offered)),
                                 .allowed =
                                     allowed[0] != '\0' ? nm_sasl_offered(nm_str_c(allowed)) : NM_SASL_ANY,
                                 .is_named = allowed[0] != '\0',
                                 .is_protected = 1};
}

static struct nm_buf line_room(void) {
  return (struct nm_buf){.max = NM_AUTH_LINE_MAX, .secret = 1};
}

/* The reply "S: 334 text". */
static int hear(struct nm_auth *a, const char *reply, struct nm_buf *line, struct nm_error *e) {
  const char *text = strlen(reply) > 7 ? reply + 7 : "";
  int next = nm_auth_reply(a, atoi(reply + 3), nm_str_c(text), line, e);
  while (next == NM_AUTH_WORK) {
    next = nm_auth_work(a, line, e);
  }
  return next;
}

static int is_line(const struct nm_buf *line, const char *want) {
  size_t n = strlen(want + 3);
  return line->n == n + 2 && memcmp(line->p, want + 3, n) == 0 && memcmp(line->p + n, "\r\n", 2) == 0;
}

/* All but the words of the command is secret. */
static int marks_secret(const struct nm_auth *a, const struct nm_buf *line) {
  size_t at = nm_auth_secret_at(a);
  if (line->n < 2 || at > line->n - 2) {
    return 0;
  }
  if (strncmp(line->p, "AUTH ", 5) == 0) {
    const char *space = memchr(line->p + 5, ' ', line->n - 5);
    return at == (space != NULL ? (size_t)(space - line->p) + 1 : line->n - 2);
  }
  return line->p[0] == '*' ? at == 1 : at == 0;
}

static int run(const struct row *r, struct nm_auth *a, struct nm_buf *line, struct nm_error *e) {
  int next = nm_auth_begin(a, line, e);
  for (size_t k = 0; k < 8 && r->lines[k] != NULL; k++) {
    if (r->lines[k][0] == 'C') {
      if (next == NM_AUTH_SAY) {
        CHECK_ROW(is_line(line, r->lines[k]), line->p);
        CHECK_ROW(marks_secret(a, line), line->p);
      }
    } else if (next == NM_AUTH_SAY) {
      next = hear(a, r->lines[k], line, e);
      CHECK_ROW(r->lines[k + 1] == NULL || next == NM_AUTH_SAY || next == NM_ENOMEM, r->what);
    }
  }
  return next;
}

static struct nm_auth *auth_of(const struct row *r) {
  struct nm_sasl_choice c = choice_of(r->offered, r->allowed);
  struct nm_sasl_login l = login_of("user", SECRET);
  struct nm_auth *a = NULL;
  l.nonce = NM_STR("rOprNGfwEbeRWgbNEkqO");
  (void)nm_auth_new(&c, &l, &a);
  return a;
}

static void goes_as_written(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    struct nm_auth *a = auth_of(r);
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    CHECK_ROW(run(r, a, &line, &e) == r->err && line.n == 0, r->what);
    CHECK_ROW(r->err == 0 || (e.code == r->err && e.kind == NM_KIND_AUTH && nm_auth_fault(a) == r->fault),
              r->what);
    CHECK_ROW(strstr(e.text, r->text) != NULL && strstr(e.text, SECRET) == NULL, e.text);
    /* and so it stays */
    CHECK_ROW(nm_auth_reply(a, 235, NM_STR("ok"), &line, &e) == r->err && line.n == 0, r->what);
    CHECK_ROW(nm_auth_work(a, &line, &e) == r->err && nm_auth_begin(a, &line, &e) == r->err, r->what);
    nm_auth_free(&a);
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (long n = 1;; n++) {
      struct nm_buf line = line_room();
      struct nm_error e = {0};
      nm_test_alloc_fail_at(n);
      struct nm_auth *a = auth_of(&rows[i]);
      int err = a != NULL ? run(&rows[i], a, &line, &e) : NM_ENOMEM;
      nm_test_alloc_fail_at(0);
      nm_auth_free(&a);
      nm_buf_free(&line);
      CHECK(nm_test_alloc_live() == live);
      if (err != NM_ENOMEM) {
        /* a word of the server's that could not be looked at is not shown, and that is all */
        CHECK_ROW(err == rows[i].err, rows[i].what);
        struct nm_error whole = {0};
        struct nm_auth *b = auth_of(&rows[i]);
        struct nm_buf other = line_room();
        CHECK(run(&rows[i], b, &other, &whole) == err);
        nm_auth_free(&b);
        nm_buf_free(&other);
        if (strcmp(whole.text, e.text) == 0) {
          break;
        }
      }
    }
  }
}

/* An initial response waits for the server when the command would be too long with it (RFC 4954 4). */
static void splits_a_long_command(void) {
  char password[9000];
  memset(password, 'p', sizeof password);
  for (size_t n = 360; n < 370; n++) {
    struct nm_sasl_choice c = choice_of("PLAIN", "");
    struct nm_sasl_login l = login_of("user", "");
    struct nm_auth *a = NULL;
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    l.password = nm_str(password, n);
    CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
    int is_split = strcmp(line.p, "AUTH PLAIN\r\n") == 0;
    CHECK(line.n <= NM_AUTH_COMMAND_MAX && is_split == (11 + (6 + n + 2) / 3 * 4 + 2 > NM_AUTH_COMMAND_MAX));
    if (is_split) {
      CHECK(nm_auth_secret_at(a) == line.n - 2);
      CHECK(nm_auth_reply(a, 334, NM_STR(""), &line, &e) == NM_AUTH_SAY && line.n == (6 + n + 2) / 3 * 4 + 2);
      CHECK(nm_auth_secret_at(a) == 0);
    }
    CHECK(nm_auth_reply(a, 235, NM_STR("ok"), &line, &e) == NM_AUTH_DONE);
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
  static const struct {
    const char *reply;
    int err;
  } wrong[] = {{"S: 334 aGVsbG8=", NM_AUTH_SAY}, {"S: 235 ok", NM_EPROTO}, {"S: 334 x", NM_AUTH_SAY}};
  for (size_t i = 0; i < 3; i++) { /* a challenge where there is none, or a yes: the password is not said */
    struct nm_sasl_choice c = choice_of("PLAIN", "");
    struct nm_sasl_login l = login_of("user", "");
    struct nm_auth *a = NULL;
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    l.password = nm_str(password, 1000);
    CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
    CHECK(hear(a, wrong[i].reply, &line, &e) == wrong[i].err);
    CHECK(wrong[i].err != NM_AUTH_SAY || strcmp(line.p, "*\r\n") == 0);
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
}

static void never_writes_a_longer_line(void) {
  static char password[20000];
  memset(password, 'p', sizeof password);
  for (size_t n = 8180; n < 8200; n += 3) {
    struct nm_sasl_choice c = choice_of("LOGIN PLAIN", "");
    struct nm_sasl_login l = login_of("user", "");
    struct nm_auth *a = NULL;
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    l.password = nm_str(password, n);
    CHECK(nm_auth_new(&c, &l, &a) == 0);
    int next = nm_auth_begin(a, &line, &e);
    CHECK(next == (n <= NM_SASL_TEXT_MAX ? NM_AUTH_SAY : NM_ELIMIT));
    if (next == NM_AUTH_SAY) {
      CHECK(nm_auth_reply(a, 334, NM_STR(""), &line, &e) == NM_AUTH_SAY && line.n <= NM_AUTH_LINE_MAX);
    }
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
}

/* netmail.crypto is loaded only when a mechanism is chosen that needs it. */
static void asks_for_digests_when_it_needs_them(void) {
  static const char *const offers[] = {"PLAIN", "SCRAM-SHA-256 PLAIN"};
  for (size_t i = 0; i < 2; i++) {
    struct nm_sasl_choice c = choice_of(offers[i], "");
    struct nm_sasl_login l = login_of("user", SECRET);
    struct nm_auth *a = NULL;
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    l.digest = NULL;
    CHECK(nm_auth_new(&c, &l, &a) == 0);
    int next = nm_auth_begin(a, &line, &e);
    CHECK(next == (i == 0 ? NM_AUTH_SAY : NM_AUTH_DIGEST));
    if (next == NM_AUTH_DIGEST) {
      CHECK(line.n == 0 && nm_auth_bit(a) == NM_SASL_SCRAM_SHA_256);
      nm_auth_give_digest(a, &digests);
      CHECK(nm_auth_begin(a, &line, &e) == NM_AUTH_SAY && strncmp(line.p, "AUTH SCRAM-SHA-256 ", 19) == 0);
    }
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
}

/* The first mechanism needs none and does not work; the next one does. */
static void asks_for_digests_halfway(void) {
  struct nm_sasl_choice c = choice_of("EXTERNAL SCRAM-SHA-256", "EXTERNAL SCRAM-SHA-256");
  struct nm_sasl_login l = login_of("user", SECRET);
  struct nm_auth *a = NULL;
  struct nm_buf line = line_room();
  struct nm_error e = {0};
  c.has_certificate = 1;
  l.digest = NULL;
  CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
  CHECK(nm_auth_reply(a, 504, NM_STR("no"), &line, &e) == NM_AUTH_DIGEST && line.n == 0);
  CHECK(nm_auth_begin(a, &line, &e) == NM_AUTH_DIGEST); /* as long as there is none */
  nm_auth_give_digest(a, &digests);
  CHECK(nm_auth_begin(a, &line, &e) == NM_AUTH_SAY && strncmp(line.p, "AUTH SCRAM-SHA-256 ", 19) == 0);
  nm_auth_free(&a);
  nm_buf_free(&line);
}

static void says_an_empty_initial_response(void) {
  struct nm_sasl_choice c = choice_of("EXTERNAL", "EXTERNAL");
  struct nm_sasl_login l = login_of("", "");
  struct nm_auth *a = NULL;
  struct nm_buf line = line_room();
  struct nm_error e = {0};
  c.has_certificate = 1;
  CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
  CHECK(is_line(&line, "C: AUTH EXTERNAL ="));
  CHECK(nm_auth_reply(a, 235, NM_STR("ok"), &line, &e) == NM_AUTH_DONE);
  nm_auth_free(&a);
  nm_buf_free(&line);
}

/* A password that SASLprep refuses goes as it is where the mechanism takes it so. */
static void goes_past_what_the_login_does_not_suit(void) {
  struct nm_sasl_choice c = choice_of("SCRAM-SHA-256 PLAIN", "");
  struct nm_sasl_login l = login_of("user", "a\tb");
  struct nm_auth *a = NULL;
  struct nm_buf line = line_room();
  struct nm_error e = {0};
  CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
  CHECK(strncmp(line.p, "AUTH PLAIN ", 11) == 0);
  CHECK(nm_auth_begin(a, &line, &e) == NM_EINVAL); /* a login is under way, and goes on */
  CHECK(nm_auth_reply(a, 235, NM_STR("ok"), &line, &e) == NM_AUTH_DONE);
  nm_auth_free(&a);
  nm_buf_free(&line);
}

/* Servers disagree on what DIGEST-MD5 digests of characters beyond ASCII. */
static void leaves_digest_md5_out_when_it_is_doubtful(void) {
  static const struct {
    const char *offered, *allowed, *password, *want;
  } doubts[] = {
      {"DIGEST-MD5 PLAIN", "", "pencil", "AUTH DIGEST-MD5\r\n"},
      {"DIGEST-MD5 PLAIN", "", "bj\xc3\xb6rn", "AUTH PLAIN AHVzZXIAYmrDtnJu\r\n"},
      {"DIGEST-MD5", "", "bj\xc3\xb6rn", "AUTH DIGEST-MD5\r\n"},
      {"DIGEST-MD5 PLAIN", "DIGEST-MD5 PLAIN", "bj\xc3\xb6rn", "AUTH DIGEST-MD5\r\n"},
  };
  for (size_t i = 0; i < sizeof doubts / sizeof doubts[0]; i++) {
    struct nm_sasl_choice c = choice_of(doubts[i].offered, doubts[i].allowed);
    struct nm_sasl_login l = login_of("user", doubts[i].password);
    struct nm_auth *a = NULL;
    struct nm_buf line = line_room();
    struct nm_error e = {0};
    CHECK(nm_auth_new(&c, &l, &a) == 0 && nm_auth_begin(a, &line, &e) == NM_AUTH_SAY);
    CHECK_ROW(strcmp(line.p, doubts[i].want) == 0, line.p);
    nm_auth_free(&a);
    nm_buf_free(&line);
  }
}

int main(void) {
  RUN(goes_as_written);
  RUN(survives_failed_allocations);
  RUN(splits_a_long_command);
  RUN(never_writes_a_longer_line);
  RUN(asks_for_digests_when_it_needs_them);
  RUN(asks_for_digests_halfway);
  RUN(says_an_empty_initial_response);
  RUN(goes_past_what_the_login_does_not_suit);
  RUN(leaves_digest_md5_out_when_it_is_doubtful);
  return ctest_end();
}
