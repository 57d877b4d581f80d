/* The exchanges of RFCs and drafts, and what a hostile server may say, from the file sasl/vectors.json. */

#include "smtp/sasl_login.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "smtp/auth.h"
#include "base/base64_strict.h"
#include "smtp/vectors.h"
#include "support/json.h"

#define FILE_NAME "sasl/vectors.json"

static struct nm_str text_of(const struct json *row, const char *key) {
  const struct json *v = json_get(row, key);
  return v != NULL && v->kind == '"' ? nm_str(v->s, v->n) : nm_str("", 0);
}

static struct nm_str nth(const struct json *list, size_t i) {
  const struct json *v = list != NULL ? list->child : NULL;
  while (v != NULL && i-- > 0) {
    v = v->next;
  }
  return v != NULL ? nm_str(v->s, v->n) : nm_str(NULL, 0);
}

static int is_coded(const struct nm_buf *response, struct nm_str base64) {
  struct nm_buf octets = sasl_room();
  int is = nm_base64_strict(&octets, base64) == 0 && nm_str_eq(nm_buf_str(&octets), nm_buf_str(response));
  nm_buf_free(&octets);
  return is;
}

static int say_coded(struct nm_sasl *s, struct nm_str base64, struct nm_buf *response, struct nm_error *e) {
  struct nm_buf octets = sasl_room();
  int err = nm_base64_strict(&octets, base64);
  err = err != 0 ? err : sasl_say(s, nm_buf_str(&octets), response, e);
  nm_buf_free(&octets);
  return err;
}

static struct nm_sasl_login login_in(const struct json *row) {
  struct nm_sasl_login l = login_of("user", "T0k3n");
  struct nm_str uri = text_of(row, "digest_uri"),
                password = text_of(row, json_get(row, "token") != NULL ? "token" : "password");
  const char *slash = memchr(uri.p, '/', uri.n);
  l.user = text_of(row, "user").n > 0 ? text_of(row, "user") : l.user;
  l.password = password.n > 0 ? password : l.password;
  l.authzid = text_of(row, "authzid");
  l.nonce = text_of(row, json_get(row, "cnonce") != NULL ? "cnonce" : "client_nonce");
  l.host = text_of(row, "host").n > 0 ? text_of(row, "host") : l.host;
  l.port = json_get(row, "port") != NULL ? atoi(json_get(row, "port")->s) : 587;
  if (slash != NULL) {
    l.service = nm_str(uri.p, (size_t)(slash - uri.p));
    l.host = nm_str(slash + 1, uri.n - l.service.n - 1);
  }
  return l;
}

/* What the client says, in base64 or not; then the server's last word. */
static int is_whole(struct nm_sasl *s, const struct json *row, struct nm_buf *response, struct nm_error *e) {
  const struct json *coded = json_get(row, "client"), *plain = json_get(row, "client_plain");
  const struct json *server = json_get(row, "server"), *server_plain = json_get(row, "server_plain");
  size_t n = 0;
  int ok = 1;
  if (nm_sasl_is_client_first(s)) {
    ok = sasl_say(s, NM_STR(""), response, e) == 0;
    ok = ok && (coded == NULL || is_coded(response, nth(coded, n)));
    ok = ok && (plain == NULL || nm_str_eq(nm_buf_str(response), nth(plain, n)));
    n++;
  }
  for (size_t i = 0; ok && (nth(server, i).p != NULL || nth(server_plain, i).p != NULL); i++, n++) {
    ok = server != NULL ? say_coded(s, nth(server, i), response, e) == 0
                        : sasl_say(s, nth(server_plain, i), response, e) == 0;
    ok = ok && (nth(coded, n).p == NULL || is_coded(response, nth(coded, n)));
    ok = ok && (nth(plain, n).p == NULL || nm_str_eq(nm_buf_str(response), nth(plain, n)));
    struct nm_str digest = text_of(row, "response");
    ok = ok && (digest.n == 0 || i > 0 || memmem(response->p, response->n, digest.p, digest.n) != NULL);
  }
  return ok;
}

static int is_good(const struct json *row) {
  struct nm_sasl_login l = login_in(row);
  struct nm_sasl *s = NULL;
  struct nm_error e = {0};
  struct nm_buf response = sasl_room();
  int ok =
      nm_sasl_new(nm_sasl_by_name(text_of(row, "mech")), &l, &s, &e) == 0 && is_whole(s, row, &response, &e);
  struct nm_str refusal = text_of(row, "error_challenge");
  if (ok && refusal.n > 0) {
    ok = say_coded(s, refusal, &response, &e) == 0 && is_coded(&response, text_of(row, "error_client_reply"));
    ok = ok && nm_sasl_server_words(s).n > 0 && nm_sasl_succeed(s, &e) == NM_EPROTO;
  } else if (ok && nth(json_get(row, "server_plain"), 0).n > 0 &&
             nth(json_get(row, "server_plain"), 1).n == 0) {
    ok = response.n > 0 && nm_sasl_succeed(s, &e) == NM_EPROTO; /* the row ends in the middle */
  } else if (ok) {
    ok = nm_sasl_succeed(s, &e) == 0;
  }
  nm_sasl_free(&s);
  nm_buf_free(&response);
  return ok;
}

static void speaks_as_the_rfcs(void) {
  char *text = vectors_load(FILE_NAME);
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS has no " FILE_NAME);
  }
  struct json *all = json_parse(text);
  int n = 0, good = 0;
  for (const struct json *row = json_get(all, "good")->child; row != NULL; row = row->next, n++) {
    int ok = is_good(row);
    CHECK_ROW(ok, text_of(row, "src").p);
    good += ok;
  }
  printf("%s, good: %d of %d\n", FILE_NAME, good, n);
  CHECK(n == 12);
  json_free(all);
  free(text);
}

/* ---- hostile ---- */

static int contains(struct nm_str s, const char *part) {
  return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

static int hear(struct nm_auth *a, int code, struct nm_str text, struct nm_buf *line, struct nm_error *e) {
  int next = nm_auth_reply(a, code, text, line, e);
  while (next == NM_AUTH_WORK) {
    next = nm_auth_work(a, line, e);
  }
  return next;
}

static int hear_plain(struct nm_auth *a, const char *text, struct nm_buf *line, struct nm_error *e) {
  char coded[512];
  return hear(a, 334, nm_str(coded, nm_base64_encode(coded, text, strlen(text))), line, e);
}

/* What comes before the hostile line; our nonce is the "{cn}" of the vectors. */
static int lead_up(struct nm_auth *a, struct nm_str mech, struct nm_str what, struct nm_buf *line,
                   struct nm_error *e) {
  int next = nm_auth_begin(a, line, e);
  if (next == NM_AUTH_SAY && contains(mech, "SCRAM") &&
      (contains(what, "signature") || contains(what, "e="))) {
    next = hear_plain(a, "r={cn}x,s=QSXCR+Q6sek8bf92,i=4096", line, e);
  } else if (next == NM_AUTH_SAY && contains(what, "rspauth")) {
    next = hear_plain(a, "nonce=\"n\",qop=\"auth\",algorithm=md5-sess", line, e);
  } else if (next == NM_AUTH_SAY && contains(what, "third")) {
    next = hear_plain(a, "Username:", line, e);
    next = next == NM_AUTH_SAY ? hear_plain(a, "Password:", line, e) : next;
  }
  return next;
}

/* The line, and again when there is an answer to it; at last the server says yes. */
static int is_refused(const struct json *row, int *is_spoken) {
  struct nm_str mech = text_of(row, "mech"), words = text_of(row, "line");
  struct nm_sasl_choice c = {
      .offered = nm_sasl_offered(mech), .allowed = nm_sasl_offered(mech), .is_named = 1, .is_protected = 1};
  struct nm_sasl_login l = login_of("user", SECRET);
  struct nm_auth *a = NULL;
  struct nm_buf line = {.max = NM_AUTH_LINE_MAX, .secret = 1};
  struct nm_error e = {0};
  l.nonce = NM_STR("{cn}");
  CHECK(c.offered != 0 && nm_auth_new(&c, &l, &a) == 0);
  int next = lead_up(a, mech, text_of(row, "what"), &line, &e);
  *is_spoken = next == NM_AUTH_SAY;
  for (int i = 0; next == NM_AUTH_SAY && i < 12; i++) {
    int is_cancelled = line.p[0] == '*';
    next = is_cancelled ? hear(a, 501, NM_STR("cancelled"), &line, &e)
                        : hear(a, atoi(words.p), words.n > 4 ? nm_str(words.p + 4, words.n - 4) : NM_STR(""),
                               &line, &e);
    CHECK(next != NM_AUTH_SAY || strncmp(line.p, "AUTH ", 5) != 0);
    if (contains(text_of(row, "what"), "then 235") && next == NM_AUTH_SAY) {
      next = hear(a, 235, NM_STR("ok"), &line, &e);
    }
  }
  int ok = next < 0 && e.code == next && strstr(e.text, SECRET) == NULL &&
           hear(a, 235, NM_STR("ok"), &line, &e) == next;
  nm_auth_free(&a);
  nm_buf_free(&line);
  return ok;
}

static void is_not_taken_in(void) {
  char *text = vectors_load(FILE_NAME);
  if (text == NULL) {
    SKIP("NETMAIL_VECTORS has no " FILE_NAME);
  }
  struct json *all = json_parse(text);
  int n = 0, refused = 0, foreign = 0;
  for (const struct json *row = json_get(all, "hostile")->child; row != NULL; row = row->next, n++) {
    int is_spoken = 0, ok = is_refused(row, &is_spoken);
    CHECK_ROW(ok, text_of(row, "what").p);
    CHECK_ROW(is_spoken == ((nm_sasl_offered(text_of(row, "mech")) & NM_SASL_FOREIGN) == 0),
              text_of(row, "what").p);
    refused += ok && is_spoken;
    foreign += !is_spoken;
  }
  printf("%s, hostile: %d of %d refused; %d of mechanisms that are not ours\n", FILE_NAME, refused, n,
         foreign);
  CHECK(n == 35 && refused + foreign == n && foreign == 4);
  json_free(all);
  free(text);
}

int main(void) {
  RUN(speaks_as_the_rfcs);
  RUN(is_not_taken_in);
  return ctest_end();
}
