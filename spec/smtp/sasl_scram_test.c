#include "smtp/sasl_login.h"

#include "base/alloc.h"
#include "base/base64.h"

#define NONCE_1 "fyko+d2lbbFgONRv9qkxdawL"
#define NONCE_256 "rOprNGfwEbeRWgbNEkqO"

static const unsigned char binding[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

static const struct row {
  const char *what;
  unsigned bit;
  const char *user, *password, *authzid, *nonce;
  int can_bind, offers_plus;
  const char *first, *server_first, *final, *server_final;
} rows[] = {
    {"RFC 5802 5", NM_SASL_SCRAM_SHA_1, "user", "pencil", "", NONCE_1, 0, 0, "n,,n=user,r=" NONCE_1,
     "r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {"RFC 7677 3", NM_SASL_SCRAM_SHA_256, "user", "pencil", "", NONCE_256, 0, 0, "n,,n=user,r=" NONCE_256,
     "r=" NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=" NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    /* The rest was computed with Python's hashlib. */
    {"SHA-512", NM_SASL_SCRAM_SHA_512, "user", "pencil", "", NONCE_1, 0, 0, "n,,n=user,r=" NONCE_1,
     "r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=" NONCE_1
     "3rfcNHYJY1ZVvWVs7j,p=VdS8LkrURiej1tG6iX+fqCXQfUnBb//d9llXYaH+ylUbDwBUz9geyR9fC4TewskRUM2tlYSa"
     "lhAT4Aay1Q5dTA==",
     "v=14PAAuavk9hxBEkgB0brDxUhvWu+N16meYk+qxVNFqchR8QPohM09Y4Z6WaTCuX4C6nqMB9KIJTDm6RpSM990g=="},
    {"bound, names with commas, a password that SASLprep changes", NM_SASL_SCRAM_SHA_256_PLUS, "us,er=",
     "pa\xc2\xad\xc3\x9f", "ad,min", NONCE_256, 1, 1, "p=tls-exporter,a=ad=2Cmin,n=us=2Cer=3D,r=" NONCE_256,
     "r=" NONCE_256 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4097",
     "c=cD10bHMtZXhwb3J0ZXIsYT1hZD0yQ21pbiwAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==,r=" NONCE_256
     "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=I0X2+k7HY06UO2PcliCuEqLwGlm8ynM49NhESyb4yfs=",
     "v=dgVm2X8Q9UrdowykFBVhGuAW7KpkVLCWJo0WvZc5RSY="},
    {"could bind, not offered: y; more than a slice of work", NM_SASL_SCRAM_SHA_1, "user", "pencil", "",
     NONCE_1, 1, 0, "y,,n=user,r=" NONCE_1, "r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=10000",
     "c=eSws,r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,p=ROuM1511zBAb/nVHV38uF63RMVA=",
     "v=EBqoBqfZtn+MAer2hYNILJ7FsR4="},
    {"could bind, offered, and not chosen: n", NM_SASL_SCRAM_SHA_1, "user", "pencil", "", NONCE_1, 1, 1,
     "n,,n=user,r=" NONCE_1, "r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=" NONCE_1 "3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
};

static struct nm_sasl_login row_login(const struct row *r) {
  struct nm_sasl_login l = login_of(r->user, r->password);
  l.authzid = nm_str_c(r->authzid);
  l.nonce = nm_str_c(r->nonce);
  if (r->can_bind) {
    l.binding_type = NM_STR("tls-exporter");
    l.binding = nm_str((const char *)binding, sizeof binding);
  }
  l.offers_plus = r->offers_plus;
  return l;
}

static void is_as_the_rfcs_say(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *r = &rows[i];
    struct nm_sasl_login l = row_login(r);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK_ROW(nm_sasl_new(r->bit, &l, &s, &e) == 0, e.text);
    CHECK_ROW(sasl_say(s, NM_STR(""), &response, &e) == 0 &&
                  nm_str_eq(nm_buf_str(&response), nm_str_c(r->first)),
              r->what);
    CHECK_ROW(sasl_say(s, nm_str_c(r->server_first), &response, &e) == 0, e.text);
    CHECK_ROW(nm_str_eq(nm_buf_str(&response), nm_str_c(r->final)), r->what);
    CHECK_ROW(sasl_say(s, nm_str_c(r->server_final), &response, &e) == 0 && response.n == 0, e.text);
    CHECK_ROW(nm_sasl_succeed(s, &e) == 0, r->what);
    CHECK_ROW(sasl_say(s, NM_STR(""), &response, &e) == NM_EPROTO && nm_sasl_succeed(s, &e) == NM_EPROTO,
              r->what);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

/* A server's part, computed here: what our proof proves, and v=. The first message may have more in it than the RFC's. */
static void works_with(const char *extra, uint32_t iterations) {
  struct nm_sasl_login l = login_of("user", SECRET);
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  struct nm_buf response = sasl_room(), first = sasl_room(), message = {.max = 4096}, bare = sasl_room();
  CHECK(nm_sasl_new(NM_SASL_SCRAM_SHA_256, &l, &s, &e) == 0);
  CHECK(sasl_say(s, NM_STR(""), &response, &e) == 0);
  nm_buf_add(&bare, response.p + 3, response.n - 3);
  CHECK(strncmp(response.p, "n,,n=user,r=", 12) == 0 && response.n == 12 + 24); /* 144 random bits */
  nm_buf_addf(&first, "r=%sServer,s=c2FsdA==,i=%u%s", response.p + 12, (unsigned)iterations, extra);
  CHECK_ROW(sasl_say(s, nm_buf_str(&first), &response, &e) == 0, e.text);
  const char *proof = strstr(response.p, ",p=");
  CHECK(proof != NULL);
  nm_buf_addf(&message, "%s,%s,%.*s", bare.p, first.p, (int)(proof - response.p), response.p);
  unsigned char salted[NM_HASH_MAX], key[NM_HASH_MAX], signature[NM_HASH_MAX];
  struct nm_pbkdf2 *p = NULL;
  CHECK(digests_pbkdf2_new(NM_HASH_SHA256, NM_STR(SECRET), NM_STR("salt"), iterations, &p) == 0);
  CHECK(digests_pbkdf2_run(p, iterations, salted) == 0);
  digests_pbkdf2_free(&p);
  struct nm_str label = NM_STR("Server Key"), text = nm_buf_str(&message);
  digests_hmac(NM_HASH_SHA256, nm_str((char *)salted, 32), &label, 1, key);
  digests_hmac(NM_HASH_SHA256, nm_str((char *)key, 32), &text, 1, signature);
  char coded[NM_BASE64_SIZE(32) + 1] = "";
  nm_base64_encode(coded, (char *)signature, 32);
  nm_buf_reset(&message);
  nm_buf_addf(&message, "v=%s%s", coded, extra);
  CHECK_ROW(sasl_say(s, nm_buf_str(&message), &response, &e) == 0, e.text);
  CHECK(nm_sasl_succeed(s, &e) == 0);
  nm_sasl_free(&s);
  nm_buf_free(&response);
  nm_buf_free(&first);
  nm_buf_free(&message);
  nm_buf_free(&bare);
}

static void draws_a_nonce_of_its_own(void) {
  char seen[2][64] = {"", ""};
  for (int i = 0; i < 2; i++) {
    struct nm_sasl_login l = login_of("user", SECRET);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    CHECK(nm_sasl_new(NM_SASL_SCRAM_SHA_1, &l, &s, &e) == 0 && sasl_say(s, NM_STR(""), &response, &e) == 0);
    CHECK(response.n == 12 + 24);
    snprintf(seen[i], sizeof seen[i], "%s", response.p);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
  CHECK(strcmp(seen[0], seen[1]) != 0);
}

/* ---- hostile ---- */

#define R "r=" NONCE_1 "x"
#define S ",s=QSXCR+Q6sek8bf92"
#define V "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="

static const struct {
  const char *text;
  enum nm_sasl_fault fault;
  const char *why;
} bad_first[] = {
    {"", NM_SASL_FAULT_MECHANISM, "no attributes"},
    {"r", NM_SASL_FAULT_MECHANISM, "no attributes"},
    {"r=", NM_SASL_FAULT_MECHANISM, "no attributes"},
    {R, NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S, NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R ",i=4096" S, NM_SASL_FAULT_MECHANISM, "not in their order"},
    {"s=QSXCR+Q6sek8bf92," R ",i=4096", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R ",s=,i=4096", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",,i=4096", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,i=1", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,r=x", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,m=x", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,v=x", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,t=1,t=2", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {R S ",i=4096,1=2", NM_SASL_FAULT_MECHANISM, "not in their order"},
    {"m=ext," R S ",i=4096", NM_SASL_FAULT_MECHANISM, "extension"},
    {R ",s=*,i=4096", NM_SASL_FAULT_MECHANISM, "salt"},
    {R ",s=QSX,i=4096", NM_SASL_FAULT_MECHANISM, "salt"},
    {R ",s=QSXCR+Q6sek8bf9 2,i=4096", NM_SASL_FAULT_MECHANISM, "salt"},
    {"r=" NONCE_1 S ",i=4096", NM_SASL_FAULT_SERVER, "nonce"},
    {"r=evil" S ",i=4096", NM_SASL_FAULT_SERVER, "nonce"},
    {"r=x" NONCE_1 S ",i=4096", NM_SASL_FAULT_SERVER, "nonce"},
    {R "\x7f" S ",i=4096", NM_SASL_FAULT_SERVER, "nonce"},
    {R "\x01" S ",i=4096", NM_SASL_FAULT_SERVER, "nonce"},
    {R S ",i=0", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=-1", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=+4096", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=04096", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=4096x", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i= 4096", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=0x1000", NM_SASL_FAULT_SERVER, "no number"},
    {R S ",i=1", NM_SASL_FAULT_SERVER, "fewer than 4096"},
    {R S ",i=4095", NM_SASL_FAULT_SERVER, "fewer than 4096"},
    {R S ",i=1000001", NM_SASL_FAULT_SERVER, "more than 1000000"},
    {R S ",i=4294967295", NM_SASL_FAULT_SERVER, "more than 1000000"},
    {R S ",i=4294971392", NM_SASL_FAULT_SERVER, "no number"}, /* 2^32 + 4096 */
    {R S ",i=99999999999999999999999999", NM_SASL_FAULT_SERVER, "more than 1000000"},
    {"e=other-error", NM_SASL_FAULT_SERVER, "other-error"},
    {"e=unknown-user", NM_SASL_FAULT_SECRET, "unknown-user"},
    {"e=extensions-not-supported", NM_SASL_FAULT_MECHANISM, "extensions-not-supported"},
    {"e=you are <b>owned</b>", NM_SASL_FAULT_SERVER, "refuses: other-error"},
    {"e=pencil", NM_SASL_FAULT_SERVER, "refuses: other-error"},
};

static struct nm_sasl *begun(const char *password, struct nm_buf *response) {
  struct nm_sasl_login l = login_of("user", password);
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  l.nonce = NM_STR(NONCE_1);
  CHECK(nm_sasl_new(NM_SASL_SCRAM_SHA_1, &l, &s, &e) == 0);
  CHECK(sasl_say(s, NM_STR(""), response, &e) == 0);
  return s;
}

/* Nothing that follows from the password is said to such a server, and no success of its is believed. */
static void refuses_a_bad_first_message(void) {
  for (size_t i = 0; i < sizeof bad_first / sizeof bad_first[0]; i++) {
    struct nm_buf response = sasl_room();
    struct nm_sasl *s = begun(SECRET, &response);
    struct nm_error e = {0};
    int err = sasl_say(s, nm_str_c(bad_first[i].text), &response, &e);
    CHECK_ROW((err == NM_EPROTO || err == NM_EREJECT) && e.code == err && response.n == 0, bad_first[i].text);
    CHECK_ROW(nm_sasl_fault(s) == bad_first[i].fault, bad_first[i].text);
    CHECK_ROW(strstr(e.text, bad_first[i].why) != NULL && strncmp(e.text, "SCRAM-SHA-1: ", 13) == 0, e.text);
    CHECK_ROW(strstr(e.text, SECRET) == NULL, e.text);
    CHECK(nm_sasl_succeed(s, &e) == err);
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

static const struct {
  const char *text;
  enum nm_sasl_fault fault;
  const char *why;
} bad_final[] = {
    {"", NM_SASL_FAULT_MECHANISM, "no server signature"},
    {"v=", NM_SASL_FAULT_MECHANISM, "no server signature"},
    {"x=rmF9pqV8S7suAoZWja4dJRkFsKQ=", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {"v=AmF9pqV8S7suAoZWja4dJRkFsKQ=", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKR=", NM_SASL_FAULT_SERVER, "signature is wrong"}, /* bits left over */
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {"v=rmF9pqV8S7suAoZWja4dJRkF", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {"v=rmF9pqV8S7suAoZWja4dJRkFsKQArmF9", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {"v=!!!!", NM_SASL_FAULT_SERVER, "signature is wrong"},
    {V "," V, NM_SASL_FAULT_MECHANISM, "no server signature"},
    {V ",", NM_SASL_FAULT_MECHANISM, "no server signature"},
    {"e=invalid-proof", NM_SASL_FAULT_SECRET, "invalid-proof"},
    {"e=channel-bindings-dont-match", NM_SASL_FAULT_SERVER, "channel-bindings-dont-match"},
    {"e=server-does-support-channel-binding", NM_SASL_FAULT_SERVER, "server-does-support"},
    {"e=unsupported-channel-binding-type", NM_SASL_FAULT_MECHANISM, "unsupported"},
    {"e=no-resources", NM_SASL_FAULT_SERVER, "no-resources"},
};

static void believes_nothing_without_the_signature(void) {
  for (size_t i = 0; i <= sizeof bad_final / sizeof bad_final[0]; i++) {
    struct nm_buf response = sasl_room();
    struct nm_sasl *s = begun(SECRET, &response);
    struct nm_error e = {0};
    CHECK(sasl_say(s, nm_str_c(rows[0].server_first), &response, &e) == 0 && response.n > 0);
    if (i == sizeof bad_final / sizeof bad_final[0]) { /* 235 comes at once */
      CHECK(nm_sasl_succeed(s, &e) == NM_EPROTO && nm_sasl_fault(s) == NM_SASL_FAULT_SERVER);
      CHECK(strstr(e.text, "not proved") != NULL);
    } else {
      int err = sasl_say(s, nm_str_c(bad_final[i].text), &response, &e);
      CHECK_ROW((err == NM_EPROTO || err == NM_EREJECT) && response.n == 0, bad_final[i].text);
      CHECK_ROW(nm_sasl_fault(s) == bad_final[i].fault && strstr(e.text, bad_final[i].why) != NULL, e.text);
      CHECK(nm_sasl_succeed(s, &e) == err && strstr(e.text, SECRET) == NULL);
    }
    nm_sasl_free(&s);
    nm_buf_free(&response);
  }
}

/* An optional extension in either message is part of what is signed, and no more. */
static void passes_over_optional_extensions(void) {
  works_with("", 4096);
  works_with(",t=1,x=y=z", 4096);
}

static void takes_other_bounds(void) {
  static const struct {
    uint32_t min, max;
    const char *iterations;
    int is_fine;
  } bounds[] = {
      {1, 0, "1", 1}, {0, 0, "4096", 1}, {10000, 0, "4096", 0}, {0, 5000, "5000", 1}, {0, 5000, "5001", 0}};
  for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
    struct nm_sasl_login l = login_of("user", SECRET);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room(), first = sasl_room();
    l.nonce = NM_STR(NONCE_1);
    l.iterations_min = bounds[i].min;
    l.iterations_max = bounds[i].max;
    nm_buf_addf(&first, "%s%s,i=%s", R, S, bounds[i].iterations);
    CHECK(nm_sasl_new(NM_SASL_SCRAM_SHA_1, &l, &s, &e) == 0 && sasl_say(s, NM_STR(""), &response, &e) == 0);
    CHECK_ROW((sasl_say(s, nm_buf_str(&first), &response, &e) == 0) == bounds[i].is_fine,
              bounds[i].iterations);
    nm_sasl_free(&s);
    nm_buf_free(&response);
    nm_buf_free(&first);
  }
}

static void works_in_slices(void) {
  struct nm_buf response = sasl_room();
  struct nm_sasl *s = begun(SECRET, &response);
  struct nm_error e = {0};
  int slices = 0, err;
  nm_buf_reset(&response);
  CHECK(nm_sasl_work(s, &response, &e) == NM_EINVAL); /* nothing to do yet, and no harm done */
  err = nm_sasl_step(s, NM_STR(R S ",i=20000"), &response, &e);
  CHECK(err == NM_AGAIN && response.n == 0);
  CHECK(nm_sasl_step(s, NM_STR("v=x"), &response, &e) == NM_EINVAL); /* not its turn */
  while (err == NM_AGAIN) {
    err = nm_sasl_work(s, &response, &e);
    slices++;
  }
  CHECK(err == 0 && slices == 20000 / NM_SASL_SLICE && response.n > 0);
  nm_sasl_free(&s);
  s = begun(SECRET, &response); /* freed in the middle of it */
  nm_buf_reset(&response);
  CHECK(nm_sasl_step(s, NM_STR(R S ",i=20000"), &response, &e) == NM_AGAIN);
  CHECK(nm_sasl_succeed(s, &e) == NM_EPROTO);
  nm_sasl_free(&s);
  nm_buf_free(&response);
}

static void survives_failed_allocations(void) {
  long live = nm_test_alloc_live();
  const struct row *r = &rows[3];
  for (long n = 1;; n++) {
    struct nm_sasl_login l = row_login(r);
    struct nm_sasl *s = NULL;
    struct nm_error e = {0};
    struct nm_buf response = sasl_room();
    nm_test_alloc_fail_at(n);
    int err = nm_sasl_new(r->bit, &l, &s, &e);
    err = err != 0 ? err : sasl_say(s, NM_STR(""), &response, &e);
    err = err != 0 ? err : sasl_say(s, nm_str_c(r->server_first), &response, &e);
    err = err != 0 ? err : sasl_say(s, nm_str_c(r->server_final), &response, &e);
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
  RUN(is_as_the_rfcs_say);
  RUN(draws_a_nonce_of_its_own);
  RUN(refuses_a_bad_first_message);
  RUN(believes_nothing_without_the_signature);
  RUN(passes_over_optional_extensions);
  RUN(takes_other_bounds);
  RUN(works_in_slices);
  RUN(survives_failed_allocations);
  return ctest_end();
}
