#include "net/conn.h"

#include <limits.h>
#include <unistd.h>
#include "base/chars.h"

/* scheme, brackets, port and slashes beside a host of at most 255 and an EHLO name of at most 255 octets, each of which may
   become three. */
#define URL_MAX 2048
/* "AUTH=" and ";" around each of the dozen mechanisms that libcurl knows. */
#define LOGIN_OPTIONS_MAX 512
/* Seconds for which libcurl keeps the loaded CAs. */
#define A_DAY 86400

/* The first option that libcurl does not take ends the dial: none of them may be missing unnoticed. */
struct setter {
  CURL *easy;
  CURLcode rc;
  CURLoption which;
};

static void note(struct setter *s, CURLoption which, CURLcode rc) {
  if (s->rc == CURLE_OK && rc != CURLE_OK) {
    s->rc = rc;
    s->which = which;
  }
}

static void set_long(struct setter *s, CURLoption which, long value) {
  note(s, which, curl_easy_setopt(s->easy, which, value));
}

static void set_text(struct setter *s, CURLoption which, const char *value) {
  note(s, which, curl_easy_setopt(s->easy, which, value));
}

/* For options that make things better where libcurl knows them: the headers may be newer than the library. */
static inline void try_long(struct setter *s, CURLoption which, long value) {
  CURLcode rc = curl_easy_setopt(s->easy, which, value);
  note(s, which, rc == CURLE_UNKNOWN_OPTION ? CURLE_OK : rc);
}

/* A bare line is one of HTTP's, whose client says nothing until a request is made. (So is telnet's; but libcurl is often built without
   that.) */
static const char *scheme(const struct nm_dial *d) {
  int is_tls = d->tls == NM_TLS_IMPLICIT;
  return d->is_bare ? (is_tls ? "https://" : "http://") : (is_tls ? "smtps://" : "smtp://");
}

/* RFC 3986 2.1; 3.2.2 for the brackets. The path is what libcurl says in EHLO. */
static void write_url(struct nm_buf *b, const struct nm_dial *d) {
  int literal = strchr(d->host, ':') != NULL;
  nm_buf_add_c(b, scheme(d));
  nm_buf_add_c(b, literal ? "[" : "");
  for (const char *p = d->host; *p != '\0'; p++) {
    nm_buf_add_c(b, *p == '%' ? "%25" : ((char[]){*p, '\0'}));
  }
  nm_buf_addf(b, "%s:%d/", literal ? "]" : "", d->port);
  if (d->is_bare) {
    return;
  }
  for (const char *p = d->ehlo_name; *p != '\0'; p++) {
    if (nm_is((unsigned char)*p, NM_CHAR_LDH) || *p == '.' || *p == '_') {
      nm_buf_add_byte(b, *p);
    } else {
      nm_buf_addf(b, "%%%02X", (unsigned)(unsigned char)*p);
    }
  }
}

static void set_url(struct setter *s, const struct nm_dial *d) {
  struct nm_buf url = {.max = URL_MAX};
  write_url(&url, d);
  if (url.err != 0) {
    note(s, CURLOPT_URL, url.err == NM_ENOMEM ? CURLE_OUT_OF_MEMORY : CURLE_URL_MALFORMAT);
  } else {
    set_text(s, CURLOPT_URL, url.p);
  }
  nm_buf_free(&url);
}

#ifndef CURL_IGNORE_DEPRECATION /* since 7.87 */
#  define CURL_IGNORE_DEPRECATION(statements) statements
#endif

/* Nothing but SMTP is ever spoken, wherever a name or a proxy may lead. */
static void set_protocols(struct setter *s, int is_bare) {
  const long set = is_bare ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_SMTP | CURLPROTO_SMTPS;
#if LIBCURL_VERSION_NUM >= 0x075500
  CURLcode rc = curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, is_bare ? "http,https" : "smtp,smtps");
  if (rc != CURLE_UNKNOWN_OPTION) {
    note(s, CURLOPT_PROTOCOLS_STR, rc);
    (void)set;
    return;
  }
#endif
  CURL_IGNORE_DEPRECATION(set_long(s, CURLOPT_PROTOCOLS, set);)
}

static void set_connection(struct setter *s, const struct nm_dial *d) {
  static const long resolve[] = {CURL_IPRESOLVE_WHATEVER, CURL_IPRESOLVE_V4, CURL_IPRESOLVE_V6};
  set_long(s, CURLOPT_CONNECT_ONLY, 1);
  set_long(s, CURLOPT_NOSIGNAL, 1);
  set_long(s, CURLOPT_TCP_NODELAY, 1);
  if (d->socket_path ==
      NULL) { /* a socket of this machine's is none of either version, and would be passed over */
    set_long(s, CURLOPT_IPRESOLVE, resolve[d->ip_version == 4 ? 1 : d->ip_version == 6 ? 2 : 0]);
  }
  /* For names and addresses; dial.c lifts it once TCP is up. The other clock of libcurl's for each reply would
     cut a slow server off after two minutes: only the caller's clock counts. */
  set_long(s, CURLOPT_CONNECTTIMEOUT_MS, d->timeout_ms);
  set_long(s, CURLOPT_SERVER_RESPONSE_TIMEOUT, INT_MAX / 1000);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* A resolver thread that hangs must not hold up conn_close: it is left to end by itself. */
  try_long(s, CURLOPT_QUICK_EXIT, 1);
#endif
  set_long(s, CURLOPT_NETRC, CURL_NETRC_IGNORED);
  if (d->is_bare) {
    set_long(s, CURLOPT_SSL_ENABLE_ALPN, 0); /* it is not HTTP that will be spoken */
  }
  if (d->socket_path != NULL) {
    set_text(s, CURLOPT_UNIX_SOCKET_PATH, d->socket_path);
  }
}

/* "" rather than nothing: the environment's http_proxy, all_proxy and no_proxy have no say. */
static void set_proxy(struct setter *s, const struct nm_dial *d) {
  set_text(s, CURLOPT_PROXY, d->proxy != NULL ? d->proxy : "");
  set_text(s, CURLOPT_NOPROXY, "");
  set_long(s, CURLOPT_HTTPPROXYTUNNEL, 1);
  set_long(s, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1); /* they are no lines of the server's */
  /* Only what the URL says: no Kerberos ticket of the user's for a proxy that asks for one. */
  set_long(s, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  set_long(s, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
}

/* The caller's file or directory and nothing else; without, the default bundle alone, because the loaded store is cached in
   the multi handle only when there is no directory (18 ms a connection); without a bundle, libcurl's defaults (NULL). */
static const char *file_of_cas(const struct nm_dial *d) {
  const char *bundle = nm_curl_info()->cainfo;
  if (d->ca_file != NULL || d->ca_path != NULL) {
    return d->ca_file;
  }
  return bundle != NULL && access(bundle, R_OK) == 0 ? bundle : NULL;
}

static void set_trust(struct setter *s, const struct nm_dial *d, const char *file) {
  const char *path = d->ca_path;
  if (file == NULL && path == NULL) {
    return;
  }
  set_text(s, CURLOPT_CAINFO, file);
  set_text(s, CURLOPT_CAPATH, path);
  if ((nm_curl_info()->features & CURL_VERSION_HTTPS_PROXY) != 0) {
    set_text(s, CURLOPT_PROXY_CAINFO, file);
    set_text(s, CURLOPT_PROXY_CAPATH, path);
  }
}

/* Those that are loaded are put in by nm_ticket_use: libcurl has none of its own, and without them it would trust nobody. */
static void set_no_trust(struct setter *s) {
  set_text(s, CURLOPT_CAINFO, NULL);
  set_text(s, CURLOPT_CAPATH, NULL);
}

/* How old a store may be that libcurl has kept for the name of the file. None, where ours are kept by what is in the file. */
static void set_age_of_cas(struct setter *s, const struct nm_conn *c, const char *file) {
#if LIBCURL_VERSION_NUM >= 0x075700
  long age = c->ticket != NULL ? 0 : nm_net_ca_age(c->net, file);
  if (age >= 0 && age < A_DAY) {
    try_long(s, CURLOPT_CA_CACHE_TIMEOUT, age);
  }
#else
  (void)s;
  (void)c;
  (void)file;
#endif
}

/* A proxy may speak TLS too, and libcurl would not tell its SSL_CTX from the server's: there it keeps what sessions and CAs it keeps. */
static void set_ticket(struct setter *s, struct nm_conn *c, const struct nm_dial *d, const char *ca_file) {
  if (c->proxied || d->tls == NM_TLS_NONE || !nm_tickets_can()) {
    return;
  }
  c->ticket = nm_tickets_find(&c->net->shared->tickets, d, ca_file, d->ca_path);
  note(s, CURLOPT_SSL_CTX_FUNCTION,
       c->ticket != NULL ? nm_ticket_use(c->ticket, s->easy) : CURLE_OUT_OF_MEMORY);
}

static void set_tls(struct setter *s, struct nm_conn *c, const struct nm_dial *d) {
  const char *ca_file = file_of_cas(d);
  /* Never CURLUSESSL_TRY: whoever can strip STARTTLS from the EHLO reply would read the password. */
  set_long(s, CURLOPT_USE_SSL, d->tls == NM_TLS_STARTTLS ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
  set_long(s, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  set_long(s, CURLOPT_SSL_VERIFYPEER, 1);
  set_long(s, CURLOPT_SSL_VERIFYHOST, 2);
  try_long(s, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  set_ticket(s, c, d, ca_file);
  if (c->ticket != NULL && nm_ticket_has_cas(c->ticket)) {
    set_no_trust(s);
  } else {
    set_trust(s, d, ca_file);
  }
  set_age_of_cas(s, c, ca_file);
  if (d->cert_file != NULL) {
    set_text(s, CURLOPT_SSLCERT, d->cert_file);
    set_text(s, CURLOPT_SSLKEY, d->key_file); /* NULL: libcurl looks for the key in cert_file */
    /* "" rather than nothing: without a password to try, OpenSSL asks for one on the terminal and waits. */
    set_text(s, CURLOPT_KEYPASSWD, d->key_password != NULL ? d->key_password : "");
  }
}

/* "PLAIN LOGIN" as "AUTH=PLAIN;AUTH=LOGIN". Always said: left to itself libcurl prefers the Kerberos ticket that happens to be
   there to the password that was given. */
static void set_mechanisms(struct setter *s, const char *mechanisms) {
  struct nm_buf b = {.max = LOGIN_OPTIONS_MAX};
  for (const char *p = mechanisms; *p != '\0';) {
    size_t n = strcspn(p, " ");
    nm_buf_add_c(&b, b.n == 0 ? "AUTH=" : ";AUTH=");
    nm_buf_add(&b, p, n);
    p += n;
    p += strspn(p, " ");
  }
  if (b.err != 0) {
    note(s, CURLOPT_LOGIN_OPTIONS, b.err == NM_ENOMEM ? CURLE_OUT_OF_MEMORY : CURLE_BAD_FUNCTION_ARGUMENT);
  } else {
    set_text(s, CURLOPT_LOGIN_OPTIONS, b.p);
  }
  nm_buf_free(&b);
}

/* With GSSAPI alone the ticket says who it is and the user name never goes on the wire, but libcurl looks at it all the same: it
   tries GSSAPI only for a name with a domain; for an empty one most versions do too, newer ones (8.19) not. */
static const char *user_name(const struct nm_dial *d) {
  return strcmp(d->mechanisms, "GSSAPI") == 0 ? "ticket@domain" : d->user;
}

/* libcurl keeps copies of user and password until the handle is freed, and frees them without wiping: that is out of our
   hands. Ours makes none. */
static void set_login(struct setter *s, const struct nm_dial *d) {
  if (d->user == NULL) {
    return;
  }
  set_text(s, CURLOPT_USERNAME, user_name(d));
  set_text(s, CURLOPT_PASSWORD, d->password != NULL ? d->password : "");
  /* What comes of a ticket is too long for the line of AUTH. libcurl (seen with 7.88) finds that out when it has made it, wants to
     make it once more for the server's reply, and fails: a context begins but once. spec/lua/kerberos_spec.lua */
  set_long(s, CURLOPT_SASL_IR, strstr(d->mechanisms, "GSSAPI") == NULL);
  set_mechanisms(s, d->mechanisms);
}

int nm_dial_options_set(struct nm_conn *c, const struct nm_dial *d, struct nm_error *e) {
  struct setter s = {.easy = c->easy};
  int rc = nm_dial_options_check(d, e);
  if (rc != 0) {
    return rc;
  }
  set_url(&s, d);
  set_protocols(&s, d->is_bare);
  set_connection(&s, d);
  set_proxy(&s, d);
  set_tls(&s, c, d);
  set_login(&s, d);
  if (s.rc == CURLE_OUT_OF_MEMORY) {
    return nm_error_nomem(e);
  }
  if (s.rc != CURLE_OK) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT, "libcurl %s does not take its option %d: %s",
                        nm_curl_info()->version, (int)s.which, curl_easy_strerror(s.rc));
  }
  return 0;
}
