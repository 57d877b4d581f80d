#include "mime/html_link.h"

#include "base/chars.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "mime/html_ref.h"

static int begins(struct nm_str s, const char *with) {
  return nm_str_istarts(s, nm_str_c(with));
}

static struct nm_str from(struct nm_str s, size_t at) {
  return nm_str(s.p + at, s.n - at);
}

static struct nm_str up_to(struct nm_str s, char c) {
  const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
  return at != NULL ? nm_str(s.p, (size_t)(at - s.p)) : s;
}

static void add_escaped(struct nm_buf *b, uint32_t cp) {
  static const char hex[] = "0123456789ABCDEF";
  char utf8[NM_UTF8_MAX];
  size_t n = nm_utf8_put(utf8, cp);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)utf8[i];
    char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
    nm_buf_add(b, escaped, sizeof escaped);
  }
}

/* As browsers read it: without spaces around it, without tabs and line ends anywhere (WHATWG URL 4.4). What would end the
   brackets, break the line or not be seen is percent-encoded. */
static void add_clean(struct nm_buf *b, struct nm_str href) {
  size_t begin = b->n, spaces = 0;
  for (size_t at = 0; at < href.n;) {
    uint32_t cp;
    at += nm_html_char(from(href, at), 1, &cp);
    if (cp == '\t' || cp == '\n' || cp == '\r') {
      continue;
    }
    if (cp <= ' ') {
      spaces += b->n > begin;
      continue;
    }
    for (; spaces > 0; spaces--) {
      add_escaped(b, ' ');
    }
    if (cp == '<' || cp == '>' || cp == '"' || cp == 0x7f || nm_is_invisible(cp)) {
      add_escaped(b, cp);
    } else {
      char utf8[NM_UTF8_MAX];
      nm_buf_add(b, utf8, nm_utf8_put(utf8, cp));
    }
  }
}

/* What there is to see of a clean URL. */
static struct nm_str shown(struct nm_str url) {
  static const char *const useless[] = {
      "#", "javascript:", "vbscript:", "data:", "cid:", "file:", "about:", "blob:", NULL};
  static const char *const bare[] = {"mailto:", "tel:", "sms:", NULL};
  for (size_t i = 0; useless[i] != NULL; i++) {
    if (begins(url, useless[i])) {
      return nm_str("", 0);
    }
  }
  for (size_t i = 0; bare[i] != NULL; i++) {
    if (begins(url, bare[i])) {
      return up_to(from(url, strlen(bare[i])), '?');
    }
  }
  return url;
}

void nm_html_link(struct nm_buf *b, struct nm_str href) {
  struct nm_buf clean = {.max = b->max};
  add_clean(&clean, href);
  nm_buf_add_str(b, shown(nm_buf_str(&clean)));
  b->err = b->err != 0 ? b->err : clean.err;
  nm_buf_free(&clean);
}

/* "https://example.org/" and "example.org" say the same. */
static struct nm_str without_frame(struct nm_str s) {
  s = begins(s, "https://") ? from(s, 8) : begins(s, "http://") ? from(s, 7) : s;
  return s.n > 0 && s.p[s.n - 1] == '/' ? nm_str(s.p, s.n - 1) : s;
}

static int is_digit(char c) {
  return nm_is((unsigned char)c, NM_CHAR_DIGIT);
}

static int is_number(struct nm_str s) {
  size_t digits = 0;
  for (size_t i = 0; i < s.n; i++) {
    digits += (size_t)is_digit(s.p[i]);
    if (!is_digit(s.p[i]) && memchr("+-(). ", s.p[i], 6) == NULL) {
      return 0;
    }
  }
  return digits > 0;
}

/* The digits of a telephone number; the signs between them are taste. */
static int is_same_number(struct nm_str text, struct nm_str url) {
  size_t i = 0;
  if (!is_number(text) || !is_number(url)) {
    return 0;
  }
  for (size_t at = 0; at < text.n; at++) {
    while (is_digit(text.p[at]) && i < url.n && !is_digit(url.p[i])) {
      i++;
    }
    if (is_digit(text.p[at]) && (i == url.n || url.p[i++] != text.p[at])) {
      return 0;
    }
  }
  while (i < url.n && !is_digit(url.p[i])) {
    i++;
  }
  return i == url.n;
}

int nm_html_link_is_said(struct nm_str text, struct nm_str url) {
  return nm_str_ieq(without_frame(text), without_frame(url)) || is_same_number(text, url);
}
