/* SASL's server side against the client's, which was written apart from it. */

#include "testing/exchange.h"

#include "smtp/sasl.h"
#include "testing/house.h"

static const struct row {
  const char *mechanism;
  unsigned bit;
  int by_token;
} rows[] = {
    {"SCRAM-SHA-512-PLUS", NM_SASL_SCRAM_SHA_512_PLUS, 0},
    {"SCRAM-SHA-256-PLUS", NM_SASL_SCRAM_SHA_256_PLUS, 0},
    {"SCRAM-SHA-1-PLUS", NM_SASL_SCRAM_SHA_1_PLUS, 0},
    {"scram-sha-512", NM_SASL_SCRAM_SHA_512, 0},
    {"SCRAM-SHA-256", NM_SASL_SCRAM_SHA_256, 0},
    {"SCRAM-SHA-1", NM_SASL_SCRAM_SHA_1, 0},
    {"DIGEST-MD5", NM_SASL_DIGEST_MD5, 0},
    {"CRAM-MD5", NM_SASL_CRAM_MD5, 0},
    {"PLAIN", NM_SASL_PLAIN, 0},
    {"LOGIN", NM_SASL_LOGIN, 0},
    {"OAUTHBEARER", NM_SASL_OAUTHBEARER, 1},
    {"XOAUTH2", NM_SASL_XOAUTH2, 1},
    {"EXTERNAL", NM_SASL_EXTERNAL, 0},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* A name with all that has a meaning in one of the mechanisms. */
#define USER "iv,a=n\"o\\v"
#define SECRET "pe\"n\\c,i=l"

static struct nm_house open_house(void) {
  struct nm_house h = house_open();
  house_add_user(&h, "other", "x");
  house_add_user(&h, USER, SECRET);
  house_add_token(&h, "me@example.test", "tok");
  return h;
}

static struct nm_exchange_facts facts_of(const struct nm_house *h) {
  return (struct nm_exchange_facts){
      .setup = &h->setup, .digest = h->digest, .tls = h->tls, .end = HOUSE_TLS_END};
}

static struct nm_sasl_login login_of(const struct row *r, const char *secret) {
  return (struct nm_sasl_login){.user = nm_str_c(r->by_token                  ? "me@example.test"
                                                 : r->bit == NM_SASL_EXTERNAL ? ""
                                                                              : USER),
                                .password = nm_str_c(r->bit == NM_SASL_EXTERNAL ? "" : secret),
                                .host = NM_STR("mail.example.test"),
                                .port = 25,
                                .binding_type = NM_STR("tls-exporter"),
                                .binding = NM_STR("the octets of this line"),
                                .offers_plus = 1,
                                .iterations_min = 1,
                                .digest = &digests};
}

/* What the client says to what the server said; NM_AGAIN never. */
static int client_step(struct nm_sasl *s, struct nm_str challenge, struct nm_buf *response) {
  nm_buf_reset(response);
  int err = nm_sasl_step(s, challenge, response, NULL);
  while (err == NM_AGAIN) {
    err = nm_sasl_work(s, response, NULL);
  }
  return err;
}

/* Both sides to their end. What the server thinks of it; a failure of the client's is its own code, or NM_EINVAL. */
static int converse(struct nm_exchange *x, struct nm_sasl *s, int initial) {
  struct nm_buf challenge = {.max = NM_EXCHANGE_MAX}, response = {.max = NM_SASL_MESSAGE_MAX, .secret = 1};
  int err = 0, has_response = 0;
  if (initial && nm_sasl_is_client_first(s)) {
    err = client_step(s, nm_str("", 0), &response);
    has_response = 1;
  }
  while (err == 0) {
    struct nm_str said = nm_buf_str(&response);
    nm_buf_reset(&challenge);
    err = nm_exchange_step(x, has_response ? &said : NULL, &challenge);
    if (err != NM_AGAIN) {
      break;
    }
    err = client_step(s, nm_buf_str(&challenge), &response);
    has_response = 1;
    err = err == NM_EREJECT ? 0 : err; /* the server's words: it is answered, and says no then */
  }
  nm_buf_free(&challenge);
  nm_buf_free(&response);
  return err;
}

static int run(const struct row *r, const char *secret, int initial, struct nm_str *user_out, char *name) {
  struct nm_house h = open_house();
  struct nm_exchange_facts facts = facts_of(&h);
  struct nm_sasl_login login = login_of(r, secret);
  struct nm_exchange *x = NULL;
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  int err = house_finish(&h, &e);
  err = err != 0 ? err : nm_exchange_new(nm_str_c(r->mechanism), &facts, &x);
  err = err != 0 ? err : nm_sasl_new(r->bit, &login, &s, &e);
  err = err != 0 ? err : converse(x, s, initial);
  if (err == 0) {
    err = nm_sasl_succeed(s, &e);
    *user_out = nm_exchange_user(x);
    memcpy(name, user_out->p, user_out->n);
    user_out->p = name;
  }
  nm_sasl_free(&s);
  nm_exchange_free(&x);
  house_close(&h);
  return err;
}

static void takes_who_is_right(void) {
  char name[64];
  for (size_t i = 0; i < ROWS; i++) {
    for (int initial = 0; initial < 2; initial++) {
      const struct row *r = &rows[i];
      struct nm_str user = {NULL, 0};
      int err = run(r, r->by_token ? "tok" : SECRET, initial, &user, name);
      CHECK_ROW(err == 0, r->mechanism);
      const char *right = r->by_token ? "me@example.test" : r->bit == NM_SASL_EXTERNAL ? "ivanov" : USER;
      CHECK_ROW(nm_str_eq(user, nm_str_c(right)), r->mechanism);
    }
  }
}

static void refuses_who_is_not(void) {
  char name[64];
  for (size_t i = 0; i < ROWS; i++) {
    const struct row *r = &rows[i];
    struct nm_str user;
    int err = r->bit == NM_SASL_EXTERNAL ? NM_EREJECT : run(r, "wrong", 1, &user, name);
    CHECK_ROW(err == NM_EREJECT, r->mechanism);
  }
}

static void survives_failed_allocations(void) {
  char name[64];
  long live = nm_test_alloc_live();
  for (size_t i = 0; i < ROWS; i++) {
    for (long n = 1;; n++) {
      struct nm_str user;
      nm_test_alloc_fail_at(n);
      int err = run(&rows[i], rows[i].by_token ? "tok" : SECRET, 1, &user, name);
      nm_test_alloc_fail_at(0);
      CHECK_ROW(nm_test_alloc_live() == live, rows[i].mechanism);
      if (err == 0) {
        CHECK(n > 1);
        break;
      }
      CHECK_ROW(err == NM_ENOMEM, rows[i].mechanism);
    }
  }
}

/* A message that is none of the mechanism. {r} stands for the challenge's nonce. */
static const struct {
  const char *mechanism;
  const char *responses[3];
  int err;
} wrong[] = {
    {"PLAIN", {"x"}, NM_EPROTO},
    {"PLAIN", {"x|x"}, NM_EPROTO},
    {"PLAIN", {"|x|x|x"}, NM_EPROTO},
    {"PLAIN", {"other|x|x"}, NM_EREJECT},
    {"PLAIN", {"|other|x"}, 0},
    {"PLAIN", {"other|other|x"}, 0},
    {"LOGIN", {"other", "x"}, 0},
    {"CRAM-MD5", {"x"}, NM_EPROTO},
    {"CRAM-MD5", {"0123456789abcdef0123456789abcdef"}, NM_EPROTO},
    {"CRAM-MD5", {"other 0123456789abcdef0123456789abcdef"}, NM_EREJECT},
    {"DIGEST-MD5", {"x"}, NM_EPROTO},
    {"DIGEST-MD5", {"username=\"x"}, NM_EPROTO},
    {"DIGEST-MD5", {"username=\"x\"y=z"}, NM_EPROTO},
    {"DIGEST-MD5", {"username=\"x\",username=\"y\""}, NM_EPROTO},
    {"DIGEST-MD5", {"username=\"other\",cnonce=\"a\",digest-uri=\"b\",nonce=\"c\""}, NM_EREJECT},
    {"SCRAM-SHA-1", {""}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,n=other"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,n=other,r="}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,n=ot=3her,r=x"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,m=x,n=other,r=x"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"y,,n=other,r=x"}, NM_EREJECT},
    {"SCRAM-SHA-1", {"p=tls-exporter,,n=other,r=x"}, NM_EREJECT},
    {"SCRAM-SHA-1-PLUS", {"n,,n=other,r=x"}, NM_EREJECT},
    {"SCRAM-SHA-1", {"n,,n=other,r=x", ""}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,n=other,r=x", "c=biws,r=x"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,,n=other,r=x", "c=biws,r=x,p=,x"}, NM_EPROTO},
    {"SCRAM-SHA-1", {"n,a=x,n=other,r=x", "c=biws,r=x,p=AAAA"}, NM_EREJECT},
    {"SCRAM-SHA-1-PLUS", {"p=tls-unique,,n=other,r=x", "c=cD10bHMtdW5pcXVlLCw=,r=x,p=AAAA"}, NM_EREJECT},
    {"XOAUTH2", {"x"}, NM_EPROTO},
    {"XOAUTH2", {"user=x!auth=Bearer y!"}, NM_EPROTO},
    {"XOAUTH2", {"user=x!auth=Basic y!!"}, NM_EPROTO},
    {"XOAUTH2", {"user=x!auth=Bearer y!!", ""}, NM_EREJECT},
    {"OAUTHBEARER", {"x"}, NM_EPROTO},
    {"OAUTHBEARER", {"y,a=x,!auth=Bearer tok!!"}, NM_EPROTO},
    {"OAUTHBEARER", {"n,a=x,!auth=Bearer tok!"}, NM_EPROTO},
    {"OAUTHBEARER", {"n,a=x,!host=y!!"}, NM_EPROTO},
    {"OAUTHBEARER", {"n,,!auth=Bearer tok!!", "!"}, NM_EREJECT},
    {"OAUTHBEARER", {"n,,!auth=Bearer tok!!", ""}, NM_EPROTO},
    {"OAUTHBEARER", {"n,a=me@example.test,!host=x!port=25!auth=Bearer tok!!"}, 0},
    {"EXTERNAL", {"other"}, NM_EREJECT},
};

/* | for NUL, ! for ^A */
static struct nm_str octets_of(const char *text, char *out) {
  size_t n = strlen(text);
  for (size_t i = 0; i < n; i++) {
    out[i] = text[i] == '|' ? '\0' : text[i] == '!' ? '\1' : text[i];
  }
  return nm_str(out, n);
}

static void knows_what_is_no_message(void) {
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct nm_house h = open_house();
    struct nm_exchange_facts facts = facts_of(&h);
    struct nm_exchange *x = NULL;
    h.setup.tls = NM_SETUP_IMPLICIT; /* so that -PLUS is offered */
    CHECK(house_finish(&h, NULL) == 0);
    CHECK(nm_exchange_new(nm_str_c(wrong[i].mechanism), &facts, &x) == 0);
    struct nm_buf challenge = {.max = NM_EXCHANGE_MAX};
    int err = nm_exchange_step(x, NULL, &challenge);
    for (size_t k = 0; k < 3 && wrong[i].responses[k] != NULL; k++) {
      char room[256];
      struct nm_str response = octets_of(wrong[i].responses[k], room);
      CHECK_ROW(err == NM_AGAIN, wrong[i].responses[k]);
      nm_buf_reset(&challenge);
      err = nm_exchange_step(x, &response, &challenge);
    }
    CHECK_ROW(err == wrong[i].err, wrong[i].responses[0]);
    nm_buf_free(&challenge);
    nm_exchange_free(&x);
    house_close(&h);
  }
}

static void offers_what_it_can_decide(void) {
  struct nm_texts t = {.b.max = 4096};
  nm_exchange_add_usual(&t, 1, 0, 0);
  CHECK(t.n == 7);
  nm_texts_free(&t);
  nm_exchange_add_usual(&t, 1, 1, 1);
  CHECK(t.n == 12); /* all but EXTERNAL */
  nm_texts_free(&t);
  CHECK(!nm_exchange_knows(NM_STR("GSSAPI")) && nm_exchange_knows(NM_STR("plain")));
  CHECK(!nm_exchange_fits(NM_STR("EXTERNAL"), 0) && nm_exchange_fits(NM_STR("EXTERNAL"), 1));
}

int main(void) {
  RUN(takes_who_is_right);
  RUN(refuses_who_is_not);
  RUN(knows_what_is_no_message);
  RUN(offers_what_it_can_decide);
  RUN(survives_failed_allocations);
  return ctest_end();
}
