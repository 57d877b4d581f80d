#include "net/conn.h"

#include <sys/stat.h>
#include <unistd.h>
#include "base/chars.h"

/* What is refused of a dial before libcurl is told anything. */

static int refuse(struct nm_error *e, enum nm_kind kind, const char *what, const char *value) {
  return nm_error_set(e, NM_EINVAL, kind, "%s: %s", what, value);
}

/* The callers have parsed these; what could leave its place in the URL is refused here once more. */
static int is_plain(const char *s, const char *also) {
  if (s == NULL || *s == '\0') {
    return 0;
  }
  for (; *s != '\0'; s++) {
    if (!nm_is((unsigned char)*s, NM_CHAR_LDH) && strchr(also, *s) == NULL) {
      return 0;
    }
  }
  return 1;
}

static int check(const struct nm_dial *d, struct nm_error *e) {
  if (!is_plain(d->host, "._:%")) { /* % before the zone of a link-local IPv6 address */
    return refuse(e, NM_KIND_CONNECT, "not a host name or IP address", d->host != NULL ? d->host : "(none)");
  }
  if (!is_plain(d->ehlo_name, "._:[]")) {
    return refuse(e, NM_KIND_CONNECT, "not a name for EHLO", d->ehlo_name != NULL ? d->ehlo_name : "(none)");
  }
  if (d->user != NULL && !is_plain(d->mechanisms, "_ ")) {
    return refuse(e, NM_KIND_AUTH, "no list of authentication mechanisms",
                  d->mechanisms != NULL ? d->mechanisms : "(none)");
  }
  if (d->is_bare && (d->tls == NM_TLS_STARTTLS || d->user != NULL)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT,
                        "on a bare line libcurl says neither STARTTLS nor AUTH");
  }
  if (d->port < 1 || d->port > 65535) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT, "not a port number: %d", d->port);
  }
  if (d->timeout_ms < 1) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT, "not a time in milliseconds: %d", d->timeout_ms);
  }
  return 0;
}

/* A file that is named and missing must never mean "without it". libcurl would notice too, but some versions
   only say that the handshake failed. */
static int check_file(const char *option, const char *path, int directory, struct nm_error *e) {
  struct stat st;
  if (path == NULL) {
    return 0;
  }
  if (stat(path, &st) != 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS, "%s: there is no %s", option, path);
  }
  if (directory ? !S_ISDIR(st.st_mode) : S_ISDIR(st.st_mode)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS, "%s: %s is %s directory", option, path,
                        directory ? "no" : "a");
  }
  if (access(path, directory ? R_OK | X_OK : R_OK) != 0) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_TLS, "%s: %s cannot be read", option, path);
  }
  return 0;
}

static int check_files(const struct nm_dial *d, struct nm_error *e) {
  int rc = check_file("CaFile", d->ca_file, 0, e);
  if (rc == 0) {
    rc = check_file("CaPath", d->ca_path, 1, e);
  }
  if (rc == 0) {
    rc = check_file("ClientCertificate", d->cert_file, 0, e);
  }
  return rc != 0 ? rc : check_file("ClientCertificate's key", d->key_file, 0, e);
}

/* Read by the parser libcurl itself uses, so that it cannot fail there with the whole URL, and the password in
   it, in its words. The URL is then handed over as it is: user and password as options of their own would
   be decoded by some versions (7.88) and not by others. */
static int check_proxy(const char *proxy, struct nm_error *e) {
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  char *scheme = NULL;
  int known = 0;
  CURLU *u = curl_url();
  if (u == NULL) {
    return nm_error_nomem(e);
  }
  if (curl_url_set(u, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
      known = known || nm_str_ieq(nm_str_c(scheme), nm_str_c(schemes[i]));
    }
  }
  curl_free(scheme);
  curl_url_cleanup(u);
  if (known) {
    return 0;
  }
  return nm_error_set(e, NM_EINVAL, NM_KIND_CONNECT,
                      "Proxy: not a URL that begins with http, https, socks4, socks4a, socks5 or socks5h");
}

int nm_dial_options_check(const struct nm_dial *d, struct nm_error *e) {
  int rc = check(d, e);
  if (rc == 0) {
    rc = check_files(d, e);
  }
  return rc == 0 && d->proxy != NULL ? check_proxy(d->proxy, e) : rc;
}
