#include "smtp/sasl_login.h"

#include "base/alloc.h"

/* What one side says may have NULs in it. */
struct turn {
  const char *challenge; /* NULL: the exchange is over before */
  const char *response;
  size_t n; /* of the response; 0: up to its NUL */
};

static const struct row {
  unsigned bit;
  const char *user, *password, *authzid;
  struct turn turns[3];
} rows[] = {
    /* RFC 4616 4 */
    {NM_SASL_PLAIN, "tim", "tanstaaftanstaaf", "", {{"", "\0tim\0tanstaaftanstaaf", 21}}},
    {NM_SASL_PLAIN, "Kurt", "xipj3plmq", "Ursel", {{"", "Ursel\0Kurt\0xipj3plmq", 20}}},
    /* as it is, whatever it is */
    {NM_SASL_PLAIN, "\xc2\xaa", "\xff \t", "", {{"", "\0\xc2\xaa\0\xff \t", 7}}},
    {NM_SASL_LOGIN, "tim", "tanstaaf", "", {{"User Name", "tim", 0}, {"Password", "tanstaaf", 0}}},
    {NM_SASL_LOGIN, "tim", "tanstaaf", "", {{"Username:", "tim", 0}, {"password:", "tanstaaf", 0}}},
    {NM_SASL_LOGIN, "tim", "tanstaaf", "", {{"", "tim", 0}, {"", "tanstaaf", 0}}},
    /* by their order, not by what they say: the password is never the first */
    {NM_SASL_LOGIN, "tim", "tanstaaf", "", {{"Password:", "tim", 0}, {"Username:", "tanstaaf", 0}}},
    /* RFC 2195 2 */
    {NM_SASL_CRAM_MD5,
     "tim",
     "tanstaaftanstaaf",
     "",
     {{"<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890", 0}}},
    {NM_SASL_EXTERNAL, "", "", "", {{"", "", 0}}},
    {NM_SASL_EXTERNAL, "tim", "", "", {{"", "tim", 0}}},
    {NM_SASL_EXTERNAL, "tim", "", "kurt", {{"", "kurt", 0}}},
    /* Google's example */
    {NM_SASL_XOAUTH2,
     "someuser@example.com",
     "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
     "",
     {{"", "user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1", 0}}},
    {NM_SASL_OAUTHBEARER,
     "user@example.com",
     "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
     "",
     {{"",
       "n,a=user@example.com,\1host=mail.example.org\1port=587\1auth=Bearer "
       "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1",
       0}}},
    {NM_SASL_OAUTHBEARER,
     "",
     "T0k",
     "",
     {{"", "n,,\1host=mail.example.org\1port=587\1auth=Bearer T0k\1\1", 0}}},
    {NM_SASL_OAUTHBEARER,
     "a,b=c",
     "T0k",
     "",
     {{"", "n,a=a=2Cb=3Dc,\1host=mail.example.org\1port=587\1auth=Bearer T0k\1\1", 0}}},
};

static struct nm_sasl_login row_login(const struct row *r) {
  struct nm_sasl_login l = login_of(r->user, r->password);
  l.authzid = nm_str_c(r->authzid);
  return l;
}

static void says_what_the_mechanism_has(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    struct nm_sasl_login l = row_login(r);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    const char *name = nm_sasl_name(r->bit);
    CHECK_ROW(nm_sasl_new(r->bit, &l, &s, &e) == 0, name);
    for (size_t k = 0; k < 3 && r->turns[k].challenge != NULL; k++) {
      const struct turn *t = &r->turns[k];
      CHECK_ROW(sasl_say(s, nm_str_c(t->challenge), &response, &e) == 0, name);
      size_t n = t->n > 0 ? t->n : strlen(t->response);
      CHECK_ROW(nm_str_eq(nm_buf_str(&response), nm_str(t->response, n)),
                response.p != NULL ? response.p : name);
    }
    CHECK_ROW(nm_sasl_succeed(s, &e) == 0 && nm_sasl_fault(s) == NM_SASL_FINE, name);
    nm_sasl_free(&s);
    nm_sasl_free(&s);
    CHECK(s == NULL);
    nm_buf_free(&response);
  }
}

/* Before the last of what it has to say, no success is one. */
static void believes_no_early_success(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    for (size_t said = 0; said < 3 && r->turns[said].challenge != NULL; said++) {
      struct nm_sasl_login l = row_login(r);
      struct nm_sasl *s = NULL;
      struct nm_error e = {0};
      struct nm_buf response = sasl_room();
      CHECK(nm_sasl_new(r->bit, &l, &s, &e) == 0);
      for (size_t k = 0; k < said; k++) {
        CHECK(sasl_say(s, nm_str_c(r->turns[k].challenge), &response, &e) == 0);
      }
      CHECK_ROW(nm_sasl_succeed(s, &e) == NM_EPROTO && e.code == NM_EPROTO && e.kind == NM_KIND_AUTH,
                nm_sasl_name(r->bit));
      CHECK(nm_sasl_fault(s) == NM_SASL_FAULT_SERVER);
      /* and so it stays */
      CHECK(sasl_say(s, NM_STR(""), &response, &e) == NM_EPROTO && response.n == 0);
      CHECK(nm_sasl_succeed(s, &e) == NM_EPROTO && nm_sasl_work(s, &response, &e) == NM_EPROTO);
      nm_sasl_free(&s);
      nm_buf_free(&response);
    }
  }
}

/* One challenge more than there is something to say to; OAuth's two answer one that is a refusal. */
static void does_not_go_on_for_ever(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    int is_token = (r->bit & (NM_SASL_XOAUTH2 | NM_SASL_OAUTHBEARER)) != 0;
    struct nm_sasl_login l = row_login(r);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(r->bit, &l, &s, &e) == 0);
    for (size_t k = 0; k < 3 && r->turns[k].challenge != NULL; k++) {
      CHECK(sasl_say(s, nm_str_c(r->turns[k].challenge), &response, &e) == 0);
    }
    if (is_token) {
      CHECK(sasl_say(s, NM_STR("{\"status\":\"401\"}"), &response, &e) == 0);
      CHECK(nm_str_eq(nm_buf_str(&response), r->bit == NM_SASL_XOAUTH2 ? NM_STR("") : NM_STR("\1")));
      CHECK(nm_str_eq(nm_sasl_server_words(s), NM_STR("{\"status\":\"401\"}")));
    }
    CHECK_ROW(sasl_say(s, NM_STR("more"), &response, &e) == NM_EPROTO && response.n == 0,
              nm_sasl_name(r->bit));
    CHECK(nm_sasl_fault(s) == NM_SASL_FAULT_MECHANISM && nm_sasl_succeed(s, &e) == NM_EPROTO);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

static void believes_no_token_that_was_refused(void) {
  static const unsigned bits[] = {NM_SASL_XOAUTH2, NM_SASL_OAUTHBEARER};
  for (size_t i = 0; i < 2; i++) {
    struct nm_sasl_login l = login_of("user", "tokentoken123");
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(bits[i], &l, &s, &e) == 0 && sasl_say(s, NM_STR(""), &response, &e) == 0);
    CHECK(sasl_say(s, NM_STR("{\"you\":\"said tokentoken123\"}"), &response, &e) == 0);
    CHECK(nm_sasl_server_words(s).n == 0); /* it repeats the token */
    CHECK(nm_sasl_succeed(s, &e) == NM_EPROTO && nm_sasl_fault(s) == NM_SASL_FAULT_SERVER);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

static const struct {
  unsigned bit;
  struct nm_str user, password;
  const char *why;
} unsuitable[] = {
    {NM_SASL_PLAIN, {"a\0b", 3}, {"x", 1}, "user name has a NUL"},
    {NM_SASL_PLAIN, {"a", 1}, {"x\0y", 3}, "password has a NUL"},
    {NM_SASL_LOGIN, {"", 0}, {"x", 1}, "UserName is empty"},
    {NM_SASL_LOGIN, {"a", 1}, {"", 0}, "password is empty"},
    {NM_SASL_CRAM_MD5, {"a", 1}, {"", 0}, "password is empty"},
    {NM_SASL_SCRAM_SHA_256, {"a", 1}, {"\xc2\xad", 2}, "password is empty"},
    {NM_SASL_SCRAM_SHA_256, {"a", 1}, {"x\ny", 3}, "password has a control character"},
    {NM_SASL_SCRAM_SHA_256, {"\xff", 1}, {"x", 1}, "user name is not UTF-8"},
    {NM_SASL_SCRAM_SHA_256_PLUS, {"a", 1}, {"x", 1}, "nothing of this TLS connection"},
    {NM_SASL_XOAUTH2, {"a", 1}, {"x\n", 2}, "a line end?"},
    {NM_SASL_XOAUTH2, {"a\1auth=Bearer y", 15}, {"x", 1}, "user name has a control"},
    {NM_SASL_OAUTHBEARER, {"a", 1}, {"x\1", 2}, "a line end?"},
    {NM_SASL_GSSAPI, {"a", 1}, {"x", 1}, "none of ours"},
    {NM_SASL_NTLM, {"a", 1}, {"x", 1}, "none of ours"},
    {0, {"a", 1}, {"x", 1}, "no mechanism"},
    {NM_SASL_PLAIN | NM_SASL_LOGIN, {"a", 1}, {"x", 1}, "no mechanism"},
};

static void refuses_a_login_that_does_not_suit(void) {
  for (size_t i = 0; i < sizeof unsuitable / sizeof unsuitable[0]; i++) {
    struct nm_sasl_login l = {
        .user = unsuitable[i].user, .password = unsuitable[i].password, .digest = &digests};
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    CHECK_ROW(nm_sasl_new(unsuitable[i].bit, &l, &s, &e) == NM_EINVAL && s == NULL, unsuitable[i].why);
    CHECK_ROW(strstr(e.text, unsuitable[i].why) != NULL && e.kind == NM_KIND_AUTH, e.text);
  }
}

static void needs_a_table_of_its_own_version(void) {
  struct nm_digest_api other = digests;
  other.version++;
  const struct nm_digest_api *tables[] = {NULL, &other};
  for (size_t i = 0; i < 2; i++) {
    struct nm_sasl_login l = login_of("user", SECRET);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    l.digest = tables[i];
    CHECK(nm_sasl_new(NM_SASL_SCRAM_SHA_256, &l, &s, &e) == NM_EINVAL &&
          strstr(e.text, "netmail.crypto") != NULL);
    CHECK(nm_sasl_new(NM_SASL_PLAIN, &l, &s, &e) == 0);
    nm_sasl_free(&s);
  }
}

static int has_no_md5(enum nm_hash h, struct nm_str key, const struct nm_str *parts, size_t n,
                      unsigned char *out) {
  return h == NM_HASH_MD5 ? NM_EINVAL : digests_hmac(h, key, parts, n, out);
}

/* As OpenSSL in FIPS mode. */
static void can_do_without_md5(void) {
  struct nm_digest_api fips = digests;
  fips.hmac = has_no_md5;
  struct nm_sasl_login l = login_of("user", SECRET);
  l.digest = &fips;
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  struct nm_buf response = sasl_room();
  CHECK(nm_sasl_new(NM_SASL_CRAM_MD5, &l, &s, &e) == 0);
  CHECK(sasl_say(s, NM_STR("<x@y>"), &response, &e) == NM_EINVAL && strstr(e.text, "FIPS") != NULL);
  CHECK(nm_sasl_fault(s) == NM_SASL_FAULT_MECHANISM);
  nm_sasl_free(&s);
  nm_buf_free(&response);
}

static void limits_lengths(void) {
  char *text = malloc(NM_SASL_MESSAGE_MAX + 1);
  memset(text, 'x', NM_SASL_MESSAGE_MAX + 1);
  struct nm_sasl_login l = login_of("user", SECRET);
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  struct nm_buf response = sasl_room();
  CHECK(nm_sasl_new(NM_SASL_CRAM_MD5, &l, &s, &e) == 0);
  CHECK(sasl_say(s, nm_str(text, NM_SASL_MESSAGE_MAX + 1), &response, &e) == NM_ELIMIT &&
        e.code == NM_ELIMIT);
  nm_sasl_free(&s);
  l.password = nm_str(text, NM_SASL_TEXT_MAX + 1);
  CHECK(nm_sasl_new(NM_SASL_PLAIN, &l, &s, &e) == NM_ELIMIT && s == NULL);
  l.password = nm_str(text, NM_SASL_TEXT_MAX);
  l.user = nm_str(text, NM_SASL_TEXT_MAX);
  CHECK(nm_sasl_new(NM_SASL_PLAIN, &l, &s, &e) == 0);
  CHECK(sasl_say(s, NM_STR(""), &response, &e) == NM_ELIMIT && nm_sasl_fault(s) == NM_SASL_FAULT_MECHANISM);
  nm_sasl_free(&s);
  nm_buf_free(&response);
  free(text);
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    for (long n = 1;; n++) {
      struct nm_sasl_login l = row_login(r);
      struct nm_sasl *s = NULL;
      struct nm_error e = {0};
      struct nm_buf response = sasl_room();
      nm_test_alloc_fail_at(n);
      int err = nm_sasl_new(r->bit, &l, &s, &e);
      for (size_t k = 0; err == 0 && k < 3 && r->turns[k].challenge != NULL; k++) {
        err = sasl_say(s, nm_str_c(r->turns[k].challenge), &response, &e);
      }
      nm_test_alloc_fail_at(0);
      nm_sasl_free(&s);
      nm_buf_free(&response);
      CHECK(nm_test_alloc_live() == live);
      if (err == 0) {
        CHECK(n > 1);
        break;
      }
      CHECK_ROW(err == NM_ENOMEM && e.code == NM_ENOMEM, nm_sasl_name(r->bit));
    }
  }
}

int main(void) {
  RUN(says_what_the_mechanism_has);
  RUN(believes_no_early_success);
  RUN(does_not_go_on_for_ever);
  RUN(believes_no_token_that_was_refused);
  RUN(refuses_a_login_that_does_not_suit);
  RUN(needs_a_table_of_its_own_version);
  RUN(can_do_without_md5);
  RUN(limits_lengths);
  RUN(survives_failed_allocations);
  return ctest_end();
}
