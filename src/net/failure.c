#include "net/conn.h"

#include <errno.h>
#include <string.h>

/* Which of ours a code of libcurl's is. What is not listed is a mistake in how libcurl was used or built. */
static const struct meaning {
  CURLcode rc;
  int code;
  enum nm_kind kind;
} meanings[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, NM_EIO, NM_KIND_CONNECT},
    {CURLE_COULDNT_RESOLVE_HOST, NM_EIO, NM_KIND_CONNECT},
    {CURLE_COULDNT_CONNECT, NM_EIO, NM_KIND_CONNECT},
    {CURLE_GOT_NOTHING, NM_EIO, NM_KIND_CONNECT},
    {CURLE_SEND_ERROR, NM_EIO, NM_KIND_CONNECT},
    {CURLE_RECV_ERROR, NM_EIO, NM_KIND_CONNECT},
    {CURLE_PROXY, NM_EIO, NM_KIND_CONNECT},
    {CURLE_REMOTE_ACCESS_DENIED, NM_EREJECT, NM_KIND_CONNECT},
    {CURLE_SSL_CONNECT_ERROR, NM_EIO, NM_KIND_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_CERTPROBLEM, NM_EINVAL, NM_KIND_TLS},
    {CURLE_BAD_FUNCTION_ARGUMENT, NM_EINVAL,
     NM_KIND_TLS}, /* what newer versions call a key they cannot read */
    {CURLE_SSL_CIPHER, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_CACERT_BADFILE, NM_EINVAL, NM_KIND_TLS},
    {CURLE_SSL_CRL_BADFILE, NM_EINVAL, NM_KIND_TLS},
    {CURLE_SSL_ISSUER_ERROR, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_ENGINE_NOTFOUND, NM_EINVAL, NM_KIND_TLS},
    {CURLE_SSL_ENGINE_SETFAILED, NM_EINVAL, NM_KIND_TLS},
    {CURLE_SSL_ENGINE_INITFAILED, NM_EINVAL, NM_KIND_TLS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_CLIENTCERT, NM_EIO, NM_KIND_TLS},
    {CURLE_SSL_SHUTDOWN_FAILED, NM_EIO, NM_KIND_TLS},
    {CURLE_USE_SSL_FAILED, NM_EREJECT, NM_KIND_TLS},
    {CURLE_LOGIN_DENIED, NM_EREJECT, NM_KIND_AUTH},
    {CURLE_AUTH_ERROR, NM_EINVAL, NM_KIND_AUTH},
    {CURLE_OPERATION_TIMEDOUT, NM_ETIME, NM_KIND_TIMEOUT},
    {CURLE_WEIRD_SERVER_REPLY, NM_EPROTO, NM_KIND_PROTOCOL},
    {CURLE_WRITE_ERROR, NM_EPROTO, NM_KIND_PROTOCOL},
    {(CURLcode)100, NM_EPROTO, NM_KIND_PROTOCOL}, /* CURLE_TOO_LARGE, since 8.6 */
    {CURLE_OUT_OF_MEMORY, NM_ENOMEM, NM_KIND_NONE},
};

static struct meaning meaning_of(CURLcode rc) {
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
    if (meanings[i].rc == rc) {
      return meanings[i];
    }
  }
  return (struct meaning){rc, NM_EINVAL, NM_KIND_CONNECT};
}

static int says(const struct nm_conn *c, const char *text) {
  return strstr(c->words, text) != NULL;
}

/* libcurl's own sentence. Some of its sentences about a proxy repeat the URL with user and password in it: any with an @ behind a
   proxy is replaced by the general one. */
static const char *words(const struct nm_conn *c, CURLcode rc) {
  if (c->words[0] == '\0' || (c->is_local && rc == CURLE_COULDNT_CONNECT) ||
      (c->proxied && strchr(c->words, '@') != NULL)) {
    return curl_easy_strerror(rc);
  }
  return c->words;
}

/* X509_V_ERR_* of OpenSSL (openssl-verification-options(1)), which CURLINFO_SSL_VERIFYRESULT passes on. */
static const struct {
  long result;
  const char *text;
} verdicts[] = {
    {2, "the server's certificate is signed by a CA that is not trusted here; if it should be, set CaFile to "
        "that "
        "CA's certificate"},
    {9, "the server's certificate is not yet valid; is the clock of this machine right?"},
    {10, "the server's certificate has expired"},
    {18, "the server's certificate is self-signed; to trust exactly this one, set CaFile to a file with it"},
    {19, "the server's certificate is signed by a CA that is not trusted here; if it should be, set CaFile "
         "to that "
         "CA's certificate"},
    {20, "the server's certificate is signed by a CA that is not trusted here; if it should be, set CaFile "
         "to that "
         "CA's certificate"},
    {21, "the server's certificate is signed by a CA that is not trusted here; if it should be, set CaFile "
         "to that "
         "CA's certificate"},
    {62, "the server's certificate is for another name; set Host to the name it is for"},
};

static const char *certificate_advice(const struct nm_conn *c) {
  long result = 0;
  /* libcurl compares the name by itself, and some versions do so before they note OpenSSL's verdict. */
  if (says(c, "subject name")) {
    return "the server's certificate is for another name; set Host to the name it is for";
  }
  const char *backend = nm_curl_info()->ssl_version;
  if (backend == NULL || strstr(backend, "OpenSSL") == NULL ||
      curl_easy_getinfo(c->easy, CURLINFO_SSL_VERIFYRESULT, &result) != CURLE_OK) {
    return "the server's certificate is not trusted here; if it should be, set CaFile";
  }
  for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
    if (verdicts[i].result == result) {
      return verdicts[i].text;
    }
  }
  return "the server's certificate is not trusted here; if it should be, set CaFile";
}

/* The line broke within the handshake. libcurl has one code for all that ends a handshake; these are its own words, and no
   locale's: around an error of the socket (before and since 8.10), around OpenSSL's silence about the end of the line, OpenSSL 3's
   about the same, and GnuTLS's. */
static int is_cut_off(const struct nm_conn *c, CURLcode rc) {
  return rc == CURLE_SSL_CONNECT_ERROR &&
         (says(c, "Recv failure: ") || says(c, "Send failure: ") ||
          (says(c, "SSL_connect: ") && says(c, " in connection to ")) || says(c, "unexpected eof") ||
          says(c, "non-properly terminated") || says(c, "in the pull function") ||
          says(c, "in the push function"));
}

/* What the server's alert means (RFC 8446 6.2), in OpenSSL's words. */
static const char *alert_advice(const struct nm_conn *c) {
  return says(c, "alert certificate required")
             ? "the server wants a certificate of ours; set ClientCertificate"
         : says(c, "alert bad certificate") || says(c, "alert certificate unknown") ||
                 says(c, "alert certificate expired") || says(c, "alert unknown ca")
             ? "the server does not take our certificate; check ClientCertificate"
         : says(c, "alert protocol version") ? "the server has no TLS of version 1.2 or newer"
         : says(c, "alert handshake failure")
             ? "the server found no way to make TLS with us; it may be too old, "
               "or want a certificate (ClientCertificate)"
             : NULL;
}

static const char *no_tls_advice(const struct nm_conn *c) {
  if (is_cut_off(c, CURLE_SSL_CONNECT_ERROR)) {
    return "the server broke the connection off while TLS was being made; it may be too busy, or not take "
           "TLS "
           "1.2";
  }
  /* OpenSSL's words for "those bytes are no TLS". */
  if (!says(c, "wrong version number")) {
    return alert_advice(c);
  }
  return c->tls == NM_TLS_IMPLICIT ? "the server does not begin with TLS on this port; implicit TLS is for "
                                     "port 465, STARTTLS for the others"
                                   : "what follows the server's answer to STARTTLS is not TLS";
}

static const char *login_advice(const struct nm_conn *c) {
  if (c->last_code == 250) { /* EHLO's: no AUTH was tried */
    return "no mechanism that was asked for is offered by the server and usable here";
  }
  return c->last_code / 100 == 4 ? "authentication is not possible now; try again later"
                                 : "authentication failed; check user name and password";
}

static const char *timeout_advice(const struct nm_conn *c) {
  if ((c->reached & NM_DIAL_RESOLVED) == 0) {
    return "the name server did not answer in time";
  }
  return (c->reached & NM_DIAL_CONNECTED) == 0 ? "no address of the server answered in time" : NULL;
}

/* Of a socket of this machine's. */
static const char *socket_advice(const struct nm_conn *c) {
  long number = 0;
  (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
  return number == ENOENT                      ? "there is no such socket"
         : number == EACCES || number == EPERM ? "this user may not use that socket"
                                               : "nobody listens at that socket";
}

/* What is known about a failure beyond libcurl's sentence; NULL: nothing. */
static const char *advice(const struct nm_conn *c, CURLcode rc) {
  switch (rc) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificate_advice(c);
    case CURLE_SSL_CONNECT_ERROR:
      return no_tls_advice(c);
    case CURLE_SSL_CLIENTCERT:
      return alert_advice(c);
    case CURLE_SSL_CACERT_BADFILE:
      return "CaFile or CaPath holds no certificate that can be read";
    case CURLE_COULDNT_CONNECT:
      return c->is_local ? socket_advice(c) : NULL;
    case CURLE_USE_SSL_FAILED:
      return c->replies <= 2 ? "the server does not offer STARTTLS; use its submission port (587), or 465 "
                               "with TLS from the first byte"
                             : "the server refuses STARTTLS";
    case CURLE_LOGIN_DENIED:
      return login_advice(c);
    case CURLE_AUTH_ERROR:
      return "the Kerberos ticket cannot be used; is there one? (klist, kinit)";
    case CURLE_OPERATION_TIMEDOUT:
      return timeout_advice(c);
    case CURLE_RECV_ERROR:
      return says(c, "response reading failed") ? "the server closed the connection" : NULL;
    case CURLE_WEIRD_SERVER_REPLY:
      return c->tls == NM_TLS_STARTTLS && c->replies == 3 && c->last_code == 220
                 ? "more than the answer to STARTTLS came before TLS began"
                 : NULL;
    default:
      return NULL;
  }
}

/* libcurl has a bound of its own, which some versions (7.88 with its security fixes) reach earlier than ours: they count what
   was read so far again for each line. */
static int is_flood(const struct nm_conn *c) {
  return c->flood || says(c, "Too large response headers");
}

/* The line that came last, without its end. */
static struct nm_str last_line(const struct nm_conn *c) {
  struct nm_str all = nm_buf_str(&c->lines);
  while (all.n > 0 && (all.p[all.n - 1] == '\n' || all.p[all.n - 1] == '\r')) {
    all.n--;
  }
  size_t at = all.n;
  while (at > 0 && all.p[at - 1] != '\n') {
    at--;
  }
  return nm_str(all.p + at, all.n - at);
}

static int explain(struct nm_conn *c, CURLcode rc) {
  struct nm_error *e = &c->error;
  struct meaning m = meaning_of(rc);
  m.kind = is_cut_off(c, rc) ? NM_KIND_CONNECT : m.kind; /* no word against us: another try may do */
  const char *more = advice(c, rc);
  if (c->refused) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS, "without TLS only a loopback address may be reached");
  }
  if (c->garbage) {
    struct nm_str line = last_line(c);
    return nm_error_set(e, NM_EPROTO, NM_KIND_PROTOCOL, "\"%.*s\" is no reply of an SMTP server; check Port",
                        line.n < 80 ? (int)line.n : 80, line.p);
  }
  if (is_flood(c)) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_PROTOCOL,
                        "the server sends more reply lines than any server has reason to");
  }
  if (m.code == NM_ENOMEM || c->lines.err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  if (c->is_over || (rc == CURLE_WEIRD_SERVER_REPLY && c->last_code >= 400 && c->last_code < 600)) {
    return nm_error_set(e, NM_EREJECT, NM_KIND_CONNECT, "the server refuses the connection");
  }
  if (more != NULL) {
    return nm_error_set(e, m.code, m.kind, "%s (%s)", more, words(c, rc));
  }
  return nm_error_set(e, m.code, m.kind, "%s", words(c, rc));
}

int nm_failure_of_line(const struct nm_conn *c, struct nm_error *e) {
  const char *why = alert_advice(c);
  return why != NULL ? nm_error_set(e, NM_EIO, NM_KIND_TLS, "%s (%s)", why, words(c, CURLE_RECV_ERROR)) : 0;
}

int nm_failure_explain(struct nm_conn *c, CURLcode rc) {
  c->state = NM_CONN_FAILED;
  return explain(c, rc);
}
