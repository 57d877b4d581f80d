#include <stdarg.h>
#include <stdio.h>

#include "base/chars.h"
#include "net/conn.h"

/* What a dial says, for who wants to see it. libcurl shows each line as it goes: CURLINFO_HEADER_OUT, CURLINFO_HEADER_IN. */

#define LOG_MAX (256 << 10)

/* Without its end. */
static struct nm_str trimmed(struct nm_str line) {
  while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
    line.n--;
  }
  return line;
}

static void add(struct nm_conn *c, char from, struct nm_str line) {
  nm_buf_add_byte(&c->log, from); /* when it is full, or memory short, the rest is missing */
  nm_buf_add_str(&c->log, trimmed(line));
  nm_buf_add_byte(&c->log, '\n');
}

static int begins(struct nm_str line, const char *with) {
  size_t n = strlen(with);
  return line.n >= n && memcmp(line.p, with, n) == 0;
}

/* Only what is known to be no secret is shown: all that libcurl says to a mail server but AUTH has one of these forms. */
static void add_said(struct nm_conn *c, struct nm_str line) {
  static const char *const open[] = {"EHLO ", "HELO ", "STARTTLS", "QUIT"};
  for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
    if (begins(line, open[i])) {
      add(c, 'C', line);
      return;
    }
  }
  struct nm_buf shown = {.max = 64};
  if (begins(line, "AUTH ")) {
    size_t n = 5;
    while (n < line.n && strchr(" \r\n", line.p[n]) == NULL) {
      n++;
    }
    nm_buf_add(&shown, line.p, n);
    nm_buf_add_c(&shown, n < line.n && line.p[n] == ' ' ? " ***" : "");
    c->in_login = 1;
  } else {
    nm_buf_add_c(&shown, "***");
  }
  add(c, 'C', nm_buf_str(&shown));
  nm_buf_free(&shown);
}

/* "535 5.7.8 no such user": a server that does not understand a line of AUTH may quote it, so of what it answers to AUTH the numbers are shown. */
static void add_answer(struct nm_conn *c, struct nm_str line) {
  struct nm_buf shown = {.max = 64};
  size_t n = 0;
  while (n < line.n && n < 16 &&
         (nm_is((unsigned char)line.p[n], NM_CHAR_DIGIT) || strchr(" -.", line.p[n]) != NULL)) {
    n++;
  }
  nm_buf_add(&shown, line.p, n);
  nm_buf_add_c(&shown, "***");
  add(c, 'S', nm_buf_str(&shown));
  nm_buf_free(&shown);
}

/* An HTTP proxy: CONNECT with all its fields, the password among them, in one piece; then its answer, up to the empty line. */
static int take_tunnel(struct nm_conn *c, int is_out, struct nm_str line) {
  if (is_out && begins(line, "CONNECT ")) {
    c->in_tunnel = 1;
    nm_dial_log_event(c, "the proxy is asked for the way");
    return 1;
  }
  if (!is_out && c->in_tunnel && begins(line, "HTTP/")) {
    nm_dial_log_event(c, "the proxy says: %.*s", (int)trimmed(line).n, line.p);
  }
  if (c->in_tunnel && !is_out && trimmed(line).n == 0) {
    c->in_tunnel = 0;
    return 1;
  }
  return c->in_tunnel;
}

/* CURLOPT_DEBUGFUNCTION. Before a line stands what had to be reached for it. */
static int take(CURL *easy, curl_infotype what, char *p, size_t n, void *owner) {
  struct nm_conn *c = owner;
  struct nm_str line = nm_str(p, n);
  (void)easy;
  if ((what != CURLINFO_HEADER_OUT && what != CURLINFO_HEADER_IN) || n == 0) {
    return 0;
  }
  nm_dial_log_reached(c);
  if (c->proxied && take_tunnel(c, what == CURLINFO_HEADER_OUT, line)) {
    return 0;
  }
  if (what == CURLINFO_HEADER_OUT) {
    add_said(c, line);
  } else if (c->in_login && !begins(line, "235")) {
    add_answer(c, line);
  } else {
    add(c, 'S', line);
  }
  return 0;
}

int nm_dial_log_begin(struct nm_conn *c) {
  c->log.max = LOG_MAX;
  return curl_easy_setopt(c->easy, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
                 curl_easy_setopt(c->easy, CURLOPT_DEBUGFUNCTION, take) == CURLE_OK &&
                 curl_easy_setopt(c->easy, CURLOPT_DEBUGDATA, c) == CURLE_OK
             ? 0
             : NM_ENOMEM;
}

void nm_dial_log_event(struct nm_conn *c, const char *fmt, ...) {
  char text[256];
  va_list args;
  if (c->log.max == 0) {
    return;
  }
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  add(c, '-', nm_str_c(text));
}

static void log_once(struct nm_conn *c, unsigned bit, CURLINFO when, const char *text) {
  curl_off_t us = 0;
  if ((c->logged & bit) != 0) {
    return;
  }
  if ((c->reached & bit) != 0 || (curl_easy_getinfo(c->easy, when, &us) == CURLE_OK && us > 0)) {
    c->logged |= bit;
    nm_dial_log_event(c, "%s", text);
  }
}

void nm_dial_log_reached(struct nm_conn *c) {
  if (c->log.max > 0) {
    log_once(c, NM_DIAL_CONNECTED, CURLINFO_CONNECT_TIME_T, "connected");
    log_once(c, NM_DIAL_SECURE, CURLINFO_APPCONNECT_TIME_T,
             "the line is encrypted, and the certificate is the server's");
  }
}

void nm_dial_log(const struct nm_conn *c, const char **p, size_t *n) {
  struct nm_str s = nm_buf_str(&c->log);
  *p = s.p;
  *n = s.n;
}
