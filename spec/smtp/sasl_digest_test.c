#include "smtp/sasl_login.h"

#include "base/alloc.h"

static const struct row {
  const char *what;
  const char *user, *password, *authzid, *realm, *service, *host, *cnonce;
  const char *challenge, *response, *rspauth;
} rows[] = {
    {"RFC 2831 4, first", "chris", "secret", "", "", "imap", "elwood.innosoft.com", "OA6MHXh6VqTrRk",
     "realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,"
     "cnonce=\"OA6MHXh6VqTrRk\","
     "digest-uri=\"imap/elwood.innosoft.com\",response=d388dad90d4bbd760a152321f2143af7,qop=auth",
     "rspauth=ea40f60335c427b5527b84dbabcdfffd"},
    {"RFC 2831 4, second", "chris", "secret", "", "", "acap", "elwood.innosoft.com", "OA9BSuZWMSpW8m",
     "realm=\"elwood.innosoft.com\",nonce=\"OA9BSXrbuRhWay\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA9BSXrbuRhWay\",nc=00000001,"
     "cnonce=\"OA9BSuZWMSpW8m\","
     "digest-uri=\"acap/elwood.innosoft.com\",response=6084c6db3fede7352c551284490fd0fc,qop=auth",
     "rspauth=2f0b3d7c3c2e486600ef710726aa2eae"},
    /* The rest was computed with Python's hashlib. */
    {"as Dovecot says it", "user", "pencil", "", "", "", "mail.example.org", "OA6MHXh6VqTrRk",
     "realm=\"\",nonce=\"Tax9oyYEP2k2uu/Y/ZL1iA==\",qop=\"auth\",charset=\"utf-8\",algorithm=\"md5-sess\"",
     "charset=utf-8,username=\"user\",realm=\"\",nonce=\"Tax9oyYEP2k2uu/Y/"
     "ZL1iA==\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"smtp/"
     "mail.example.org\",response=b37c78790da449dc528a7037e3f597b6,qop=auth",
     "rspauth=f10db74c3e5036bf591e1f0f0e9ec015"},
    {"no realm, nor one wanted", "user", "pencil", "", "", "", "mail.example.org", "OA6MHXh6VqTrRk",
     "nonce=n1,algorithm=md5-sess",
     "username=\"user\",nonce=\"n1\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"smtp/"
     "mail.example.org\",response=dd4475ce0630d67bf3097613448664ab,qop=auth",
     "rspauth=6d1de017f8d9cef7bfe6bdfb5aeb1bcc"},
    {"the domain is the realm", "user", "pencil", "boss", "work", "", "mail.example.org", "OA6MHXh6VqTrRk",
     "realm=\"a\",realm=\"b\",nonce=n1,algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"user\",realm=\"work\",nonce=\"n1\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\","
     "digest-uri=\"smtp/"
     "mail.example.org\",response=08084dc28575959f7e212b3aa8638a40,qop=auth,authzid=\"boss\"",
     "rspauth=4319749c61111927622d9424c6aa8e3c"},
    {"the first of two realms; names with quotes", "us\"e\\r", "pen\"cil", "", "", "", "mail.example.org",
     "OA6MHXh6VqTrRk", "realm=\"a\\\"b\",realm=\"c\",nonce=n1,algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"us\\\"e\\\\r\",realm=\"a\\\"b\",nonce=\"n1\",nc=00000001,cnonce="
     "\"OA6MHXh6VqTrRk\",digest-uri=\"smtp/"
     "mail.example.org\",response=a6fd10de6aba9164824afa34080022dc,qop=auth",
     "rspauth=5ff773e6a28aaea94b5d63d8bfda2ac3"},
    {"UTF-8 that ISO 8859-1 has: digested as that", "bj\xc3\xb6rn", "p\xc3\xa4ss", "", "", "",
     "mail.example.org", "OA6MHXh6VqTrRk", "realm=\"x\",nonce=n1,algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"bj\xc3\xb6rn\",realm=\"x\",nonce=\"n1\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\","
     "digest-uri=\"smtp/mail.example.org\",response=93fd6886762561bcc06d7d81d020b6e6,qop=auth",
     "rspauth=96969d52254f749acfa2548c2eea4361"},
    {"UTF-8", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd", "\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c", "", "",
     "", "mail.example.org", "OA6MHXh6VqTrRk", "realm=\"x\",nonce=n1,algorithm=md5-sess,charset=utf-8",
     "charset=utf-8,username=\"\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd\",realm=\"x\",nonce=\"n1\",nc=00000001,"
     "cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"smtp/"
     "mail.example.org\",response=f2274e5c9f2079647ae28cdac5fc685a,qop=auth",
     "rspauth=fceedcf8b299de1ee4a2f648deaed7e1"},
    {"ISO 8859-1", "bj\xc3\xb6rn", "p\xc3\xa4ss", "", "", "", "mail.example.org", "OA6MHXh6VqTrRk",
     "realm=\"x\",nonce=n1,algorithm=md5-sess",
     "username=\"bj\xf6rn\",realm=\"x\",nonce=\"n1\",nc=00000001,cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"smtp/"
     "mail.example.org\",response=93fd6886762561bcc06d7d81d020b6e6,qop=auth",
     "rspauth=96969d52254f749acfa2548c2eea4361"},
};

static struct nm_sasl_login row_login(const struct row *r) {
  struct nm_sasl_login l = login_of(r->user, r->password);
  l.authzid = nm_str_c(r->authzid);
  l.realm = nm_str_c(r->realm);
  l.service = nm_str_c(r->service);
  l.host = nm_str_c(r->host);
  l.nonce = nm_str_c(r->cnonce);
  return l;
}

static void is_as_the_rfc_says(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    struct nm_sasl_login l = row_login(r);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK_ROW(nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e) == 0 && !nm_sasl_is_client_first(s), r->what);
    CHECK_ROW(sasl_say(s, nm_str_c(r->challenge), &response, &e) == 0, e.text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&response), nm_str_c(r->response)),
              response.p != NULL ? response.p : r->what);
    CHECK_ROW(sasl_say(s, nm_str_c(r->rspauth), &response, &e) == 0 && response.n == 0, e.text);
    CHECK_ROW(nm_sasl_succeed(s, &e) == 0, r->what);
    CHECK_ROW(sasl_say(s, NM_STR(""), &response, &e) == NM_EPROTO && nm_sasl_succeed(s, &e) == NM_EPROTO,
              r->what);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

#define REST ",qop=\"auth\",algorithm=md5-sess"

static const struct {
  const char *challenge;
  const char *why; /* NULL: it is taken */
} challenges[] = {
    /* every value with and without quotes, folds and blanks, empty elements, unknown directives, a quoted pair */
    {"realm=\"\",nonce=\"Tax9oyYEP2k2uu/Y/ZL1iA==\",qop=\"auth\",charset=\"utf-8\",algorithm=\"md5-sess\"",
     NULL},
    {"nonce=abc,algorithm=md5-sess", NULL},
    {"NONCE=abc,QOP=AUTH,ALGORITHM=MD5-SESS,CHARSET=UTF-8", NULL},
    {" , ,nonce = \"a\\\"b\" ,\r\n\tqop=\"auth-int, auth\",algorithm=md5-sess,,", NULL},
    {"nonce=x" REST ",maxbuf=65536,cipher=\"rc4,des\",stale=true,future=\"x\"", NULL},
    {"realm=a,realm=b,nonce=x" REST, NULL},
    {"", "no nonce"},
    {"realm=\"x\",qop=\"auth\"", "no nonce"},
    {"nonce=\"\"" REST, "malformed"},
    {"nonce=x,qop=auth", "no algorithm"},
    {"nonce=x,qop=auth,algorithm=md5", "malformed"},
    {"nonce=x,qop=\"auth-int,auth-conf\",algorithm=md5-sess", "security layer"},
    {"nonce=x,qop=\"xauth\",algorithm=md5-sess", "security layer"},
    {"nonce=x,nonce=y" REST, "malformed"},
    {"nonce=x,algorithm=md5-sess" REST, "malformed"},
    {"nonce=x,qop=auth" REST, "malformed"},
    {"nonce=x,charset=utf-8,charset=utf-8" REST, "malformed"},
    {"nonce=x,charset=koi8-r" REST, "malformed"},
    {"realm=\"x,nonce=\"y", "malformed"},
    {"realm=\"x,nonce=y", "malformed"},
    {"nonce=\"x\\", "malformed"},
    {"nonce=\"x\"y" REST, "malformed"},
    {"nonce=", "malformed"},
    {"nonce", "malformed"},
    {"=x", "malformed"},
    {"nonce=x y" REST, "malformed"},
    {"nonce=x;qop=auth", "malformed"},
    {"\xff\xfe", "malformed"},
};

static void reads_challenges(void) {
  for (size_t i = 0; i < sizeof challenges / sizeof challenges[0]; i++) {
    const char *text = challenges[i].challenge;
    struct nm_sasl_login l = login_of("user", SECRET);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e) == 0);
    int err = sasl_say(s, nm_str_c(text), &response, &e);
    if (challenges[i].why == NULL) {
      CHECK_ROW(err == 0 && strstr(response.p, "response=") != NULL && strstr(response.p, SECRET) == NULL,
                text);
    } else {
      CHECK_ROW(err == NM_EPROTO && response.n == 0 && nm_sasl_fault(s) == NM_SASL_FAULT_MECHANISM, text);
      CHECK_ROW(strstr(e.text, challenges[i].why) != NULL, e.text);
    }
    CHECK(nm_sasl_succeed(s, &e) == NM_EPROTO); /* the proof is still to come */
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

/* A NUL within quotes, and every beginning of a right challenge. */
static void reads_cut_challenges(void) {
  const char *whole = rows[0].challenge;
  for (size_t n = 0; n <= strlen(whole) + 1; n++) {
    struct nm_sasl_login l = row_login(&rows[0]);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e) == 0);
    int err = n <= strlen(whole)
                  ? sasl_say(s, nm_str(whole, n), &response, &e)
                  : sasl_say(s, nm_str("nonce=\"a\0b\",algorithm=md5-sess", 31), &response, &e);
    CHECK(err == 0 || (err == NM_EPROTO && response.n == 0));
    CHECK(n <= strlen(whole) || err == NM_EPROTO);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

static void wants_the_proof(void) {
  static const char *const answers[] = {"",
                                        "rspauth=00000000000000000000000000000000",
                                        "rspauth=ea40f60335c427b5527b84dbabcdfff",
                                        "rspauth=ea40f60335c427b5527b84dbabcdfffd0",
                                        "rspauth=EA40F60335C427B5527B84DBABCDFFFD",
                                        "rspauth=ea40f60335c427b5527b84dbabcdfffd,rspauth=x",
                                        "nonce=x",
                                        "rspauth"};
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    struct nm_sasl_login l = row_login(&rows[0]);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e) == 0);
    CHECK(sasl_say(s, nm_str_c(rows[0].challenge), &response, &e) == 0);
    CHECK_ROW(sasl_say(s, nm_str_c(answers[i]), &response, &e) == NM_EPROTO && response.n == 0, answers[i]);
    CHECK(nm_sasl_fault(s) != NM_SASL_FINE && nm_sasl_succeed(s, &e) == NM_EPROTO);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

/* Characters that the server's charset has not. */
static void needs_a_charset(void) {
  struct nm_sasl_login l = login_of("user", "пароль");
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  struct nm_buf response = sasl_room();
  CHECK(nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e) == 0);
  CHECK(sasl_say(s, NM_STR("nonce=x" REST), &response, &e) == NM_EINVAL && strstr(e.text, "8859-1") != NULL);
  CHECK(nm_sasl_fault(s) == NM_SASL_FAULT_MECHANISM);
  nm_sasl_free(&s);
  nm_buf_free(&response);
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  for (long n = 1;; n++) {
    struct nm_sasl_login l = row_login(&rows[0]);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    nm_test_alloc_fail_at(n);
    int err = nm_sasl_new(NM_SASL_DIGEST_MD5, &l, &s, &e);
    err = err != 0 ? err : sasl_say(s, nm_str_c(rows[0].challenge), &response, &e);
    err = err != 0 ? err : sasl_say(s, nm_str_c(rows[0].rspauth), &response, &e);
    nm_test_alloc_fail_at(0);
    nm_sasl_free(&s);
    nm_buf_free(&response);
    CHECK(nm_test_alloc_live() == live);
    if (err == 0) {
      CHECK(n > 10);
      break;
    }
    CHECK_ROW(err == NM_ENOMEM && e.code == NM_ENOMEM, e.text);
  }
}

int main(void) {
  RUN(is_as_the_rfc_says);
  RUN(reads_challenges);
  RUN(reads_cut_challenges);
  RUN(wants_the_proof);
  RUN(needs_a_charset);
  RUN(survives_failed_allocations);
  return ctest_end();
}
