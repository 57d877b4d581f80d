#include "mime/list_urls.h"

#include "base/chars.h"

/* Something follows the scheme. */
static int has(struct nm_str url, struct nm_str scheme) {
  return url.n > scheme.n && nm_str_istarts(url, scheme);
}

/* "The contents of the list header fields mostly consist of angle-bracket ('<', '>') enclosed URLs ... A list of multiple,
   alternate, URLs MAY be specified by a comma-separated list of angle-bracket enclosed URLs."   (RFC 2369 2)
   Its comments are refused: nobody needs them and readers disagree about their ends. */
int nm_list_url_next(struct nm_str text, size_t *at, struct nm_str *url_out) {
  size_t begin = nm_skip(text, *at, NM_CHAR_WSP);
  *url_out = nm_str(text.n > 0 ? text.p + begin : "", text.n - begin);
  if (*at > 0) {
    if (begin == text.n) {
      return 0;
    }
    begin = text.p[begin] == ',' ? nm_skip(text, begin + 1, NM_CHAR_WSP) : text.n;
  }
  if (begin >= text.n) {
    return NM_EINVAL;
  }
  if (*at == 0 && text.p[begin] != '<') {
    *at = text.n;
    return 1;
  }
  const char *end = memchr(text.p + begin, '>', text.n - begin);
  if (text.p[begin] != '<' || end == NULL) {
    return NM_EINVAL;
  }
  *url_out = nm_str(text.p + begin + 1, (size_t)(end - text.p) - begin - 1);
  *at = (size_t)(end - text.p) + 1;
  return 1;
}

/* No "=?" either, which a reader could take for an encoded word.
   unreserved / gen-delims / sub-delims / "%"   (RFC 3986 2.1 to 2.3) */
static int is_url_char(char c) {
  return nm_is((unsigned char)c, NM_CHAR_ALPHA | NM_CHAR_DIGIT) ||
         (c != '\0' && strchr("-._~:/?#[]@!$&'()*+,;=%", c) != NULL);
}

static int has_only_url_chars(struct nm_str url) {
  for (size_t i = 0; i < url.n; i++) {
    if (!is_url_char(url.p[i]) || (i > 0 && url.p[i] == '?' && url.p[i - 1] == '=')) {
      return 0;
    }
  }
  return 1;
}

/* An authority must follow the slashes (RFC 3986 3.2), an address or a query the "mailto:" (RFC 6068 2). */
static int has_scheme(struct nm_str url) {
  size_t http = has(url, NM_STR("https://"))  ? sizeof "https://" - 1
                : has(url, NM_STR("http://")) ? sizeof "http://" - 1
                                              : 0;
  return http > 0 ? strchr("/?#", url.p[http]) == NULL : has(url, NM_STR("mailto:"));
}

static int check_url(const char *field, struct nm_str url, struct nm_error *e) {
  int n = nm_shown(url, 200);
  if (url.n > NM_LIST_URL_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "%s: a URL of %zu bytes is too long, at most %d are allowed", field, url.n,
                        NM_LIST_URL_MAX);
  }
  if (!has_only_url_chars(url)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s: \"%.*s\" has a character that no URL may have; write it as %%XX, or several "
                        "URLs as <url>, <url>",
                        field, n, url.p);
  }
  if (!has_scheme(url)) {
    return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                        "%s: \"%.*s\" is no https:, http: or mailto: URL, and no other will do", field, n,
                        url.p);
  }
  return 0;
}

int nm_list_urls(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  struct nm_str url;
  size_t at = 0;
  int got, n = 0;
  while ((got = nm_list_url_next(text, &at, &url)) > 0) {
    int err = check_url(field, url, e);
    if (err != 0) {
      return err;
    }
    nm_buf_add_c(b, n++ > 0 ? ", <" : "<");
    nm_buf_add_str(b, url);
    nm_buf_add_byte(b, '>');
  }
  return got == 0 ? 0
                  : nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE,
                                 "%s: \"%.*s\" is no list of URLs; write it as <url>, <url>", field,
                                 nm_shown(url, 200), url.p);
}

int nm_list_urls_has_https(struct nm_str value) {
  struct nm_str url;
  size_t at = 0;
  while (nm_list_url_next(value, &at, &url) > 0) {
    if (has(url, NM_STR("https://"))) {
      return 1;
    }
  }
  return 0;
}
