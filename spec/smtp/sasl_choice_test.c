#include "support/ctest.h"

#include "base/error.h"
#include "smtp/sasl_choice.h"

#define ALL                                                                                                  \
  "EXTERNAL GSSAPI SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 "      \
  "SCRAM-SHA-1 "                                                                                             \
  "DIGEST-MD5 CRAM-MD5 NTLM OAUTHBEARER XOAUTH2 PLAIN LOGIN"

static void knows_the_names(void) {
  CHECK(nm_sasl_offered(NM_STR(ALL)) == (NM_SASL_LAST << 1) - 1);
  CHECK(nm_sasl_offered(NM_STR("")) == 0 && nm_sasl_offered(NM_STR("  X-FOO ANONYMOUS PLAI PLAINX ")) == 0);
  CHECK(nm_sasl_offered(NM_STR("plain  Login")) == (NM_SASL_PLAIN | NM_SASL_LOGIN));
  CHECK(nm_sasl_by_name(NM_STR("kerberos")) == NM_SASL_GSSAPI && nm_sasl_by_name(NM_STR("")) == NM_SASL_ANY);
  for (unsigned bit = 1; bit <= NM_SASL_LAST; bit <<= 1) {
    CHECK_ROW(nm_sasl_by_name(nm_str_c(nm_sasl_name(bit))) == bit && nm_sasl_strength(bit) > 0,
              nm_sasl_name(bit));
  }
  CHECK(strcmp(nm_sasl_name(3), "") == 0 && nm_sasl_strength(0) == 0);
  CHECK((NM_SASL_ANY & (NM_SASL_FOREIGN | NM_SASL_EXTERNAL | NM_SASL_OAUTHBEARER | NM_SASL_XOAUTH2)) == 0);
}

/* Every set bit is a step: '+': TLS, 'b': can bind, 'c': has a certificate, 'n': named. */
static const struct {
  const char *line;
  const char *offered;
  const char *allowed; /* names; "": any */
  const char *minimum; /* a name */
  const char *order;   /* each after the one before did not work; then none */
  const char *why;     /* the first is none: what the sentence has in it */
} rows[] = {
    {"+bc", ALL, "", "",
     "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 "
     "DIGEST-MD5 "
     "CRAM-MD5 PLAIN LOGIN",
     NULL},
    {"+", ALL, "", "", "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5 PLAIN LOGIN", NULL},
    {"+", "LOGIN PLAIN CRAM-MD5", "", "", "CRAM-MD5 PLAIN LOGIN", NULL},
    {"+", "LOGIN PLAIN CRAM-MD5", "", "PLAIN", "CRAM-MD5 PLAIN LOGIN", NULL},
    {"+", "LOGIN PLAIN CRAM-MD5", "", "CRAM-MD5", "CRAM-MD5", NULL},
    {"+", "LOGIN PLAIN CRAM-MD5 XOAUTH2", "XOAUTH2 PLAIN", "XOAUTH2", "XOAUTH2", NULL},
    {"+", "SCRAM-SHA-1 SCRAM-SHA-256 PLAIN", "", "SCRAM-SHA-256", "SCRAM-SHA-256", NULL},
    {"+b", "SCRAM-SHA-1-PLUS SCRAM-SHA-512", "", "", "SCRAM-SHA-1-PLUS SCRAM-SHA-512", NULL},
    {"+b", "SCRAM-SHA-1-PLUS SCRAM-SHA-512", "", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS", NULL},
    {"+n", ALL, "PLAIN", "", "PLAIN", NULL},
    {"+n", ALL, "XOAUTH2 OAUTHBEARER", "", "OAUTHBEARER XOAUTH2", NULL},
    {"+n", ALL, "GSSAPI PLAIN", "", "GSSAPI PLAIN", NULL},
    {"+cn", ALL, "EXTERNAL", "", "EXTERNAL", NULL},
    /* in clear */
    {"n", ALL, "CRAM-MD5 PLAIN SCRAM-SHA-1", "", "SCRAM-SHA-1 CRAM-MD5", NULL},
    {"", ALL, "", "", "", "not encrypted"},
    {"n", ALL, "PLAIN", "", "", "not encrypted"},
    {"n", ALL, "XOAUTH2", "", "", "not encrypted"},
    {"cn", ALL, "EXTERNAL", "", "", "not encrypted"},
    /* none */
    {"+", "", "", "", "", "offers nothing that netmail knows"},
    {"+", "X-FOO", "", "", "", "offers nothing that netmail knows"},
    {"+n", "PLAIN LOGIN", "CRAM-MD5", "", "", "offers PLAIN, LOGIN for logging in, and CRAM-MD5 is allowed"},
    {"+", "GSSAPI NTLM EXTERNAL XOAUTH2", "", "", "", "allow one of its mechanisms"},
    {"+n", ALL, "EXTERNAL", "", "", "client certificate"},
    {"+n", ALL, "SCRAM-SHA-1-PLUS", "", "", "channel binding"},
    {"+", "PLAIN LOGIN", "", "SCRAM-SHA-1", "", "MinimumAuth"},
};

static struct nm_sasl_choice choice_of(size_t i) {
  return (struct nm_sasl_choice){
      .offered = nm_sasl_offered(nm_str_c(rows[i].offered)),
      .allowed = rows[i].allowed[0] != '\0' ? nm_sasl_offered(nm_str_c(rows[i].allowed)) : NM_SASL_ANY,
      .is_named = strchr(rows[i].line, 'n') != NULL,
      .is_protected = strchr(rows[i].line, '+') != NULL,
      .can_bind = strchr(rows[i].line, 'b') != NULL,
      .has_certificate = strchr(rows[i].line, 'c') != NULL,
      .minimum =
          rows[i].minimum[0] != '\0' ? nm_sasl_strength(nm_sasl_by_name(nm_str_c(rows[i].minimum))) : 0};
}

static void chooses(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct nm_sasl_choice c = choice_of(i);
    struct nm_error e = {0};
    char order[512] = "";
    unsigned bit;
    while ((bit = nm_sasl_choose(&c, &e)) != 0) {
      strcat(order, order[0] != '\0' ? " " : "");
      strcat(order, nm_sasl_name(bit));
      c.tried |= bit;
    }
    CHECK_ROW(strcmp(order, rows[i].order) == 0, order);
    CHECK(e.code == NM_EINVAL && e.kind == NM_KIND_AUTH);
    CHECK_ROW(strstr(e.text, rows[i].why != NULL ? rows[i].why : "") != NULL, e.text);
  }
}

/* Whatever is tried and allowed: never below the minimum, never what is not offered, never the secret in clear, each once. */
static void keeps_its_promises(void) {
  for (unsigned seed = 1; seed < 20000; seed++) {
    unsigned a = seed * 2654435761u, b = seed * 40503u ^ a >> 7;
    struct nm_sasl_choice c = {.offered = a >> 3 & 0x7fff,
                               .allowed = b & 0x7fff,
                               .is_named = a >> 20 & 1,
                               .is_protected = a >> 21 & 1,
                               .can_bind = a >> 22 & 1,
                               .has_certificate = a >> 23 & 1,
                               .minimum = (int)(a >> 24) % 13};
    unsigned bit, last = 0;
    while ((bit = nm_sasl_choose(&c, NULL)) != 0) {
      CHECK((bit & c.offered & c.allowed & ~c.tried) == bit && (bit & (bit - 1)) == 0);
      CHECK(nm_sasl_strength(bit) >= c.minimum);
      CHECK(last == 0 || nm_sasl_strength(bit) <= nm_sasl_strength(last));
      CHECK(c.is_protected || (c.is_named && (bit & NM_SASL_CLEAR) == 0));
      CHECK(c.can_bind || (bit & NM_SASL_PLUS) == 0);
      c.tried |= bit;
      last = bit;
    }
  }
}

int main(void) {
  RUN(knows_the_names);
  RUN(chooses);
  RUN(keeps_its_promises);
  return ctest_end();
}
