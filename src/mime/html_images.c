#include "mime/html_images.h"

#include "base/chars.h"
#include "base/percent.h"
#include "mime/data_uri.h"
#include "mime/html_ref.h"

/* ---- where ---- */

enum place { NOWHERE, URL, URLS, STYLE };

static int is_one_of(struct nm_str s, const char *const *names) {
  for (; *names != NULL; names++) {
    if (nm_str_ieq(s, nm_str_c(*names))) {
      return 1;
    }
  }
  return 0;
}

static int is(struct nm_str s, const char *name) {
  return nm_str_ieq(s, nm_str_c(name));
}

/* The attributes that may name pictures, each with its bit in seen. */
static enum place place_of(const struct nm_html_images *it, struct nm_str name, unsigned *bit_out) {
  static const char *const with_background[] = {"body", "table", "thead", "tbody", "tfoot",
                                                "tr",   "td",    "th",    NULL};
  struct nm_str element = it->token.name;
  if (is(name, "src")) {
    *bit_out = 1;
    return is(element, "img") || it->is_button ? URL : NOWHERE;
  }
  if (is(name, "srcset")) {
    *bit_out = 2;
    return is(element, "img") || is(element, "source") ? URLS : NOWHERE;
  }
  if (is(name, "poster")) {
    *bit_out = 4;
    return is(element, "video") ? URL : NOWHERE;
  }
  if (is(name, "background")) {
    *bit_out = 8;
    return is_one_of(element, with_background) ? URL : NOWHERE;
  }
  *bit_out = 16;
  return is(name, "style") ? STYLE : NOWHERE;
}

/* type may stand behind src. */
static int is_image_button(const struct nm_html_token *token) {
  struct nm_html_attribute a;
  size_t at = 0;
  if (!is(token->name, "input")) {
    return 0;
  }
  while (nm_html_attribute_next(token->attributes, &at, &a)) {
    if (is(a.name, "type")) {
      return is(a.value, "image");
    }
  }
  return 0;
}

/* ---- srcset ---- */

/* srcset = 1#( URL [ descriptor ] ): a URL ends at white space; commas at its end are not its own, and a descriptor goes up to the
   next comma outside parentheses (WHATWG HTML 4.8.4.3.11). */
static int next_of_srcset(struct nm_str *rest, struct nm_str *out) {
  size_t at = 0;
  while (at < rest->n && (nm_html_is_space(rest->p[at]) || rest->p[at] == ',')) {
    at++;
  }
  size_t begin = at;
  while (at < rest->n && !nm_html_is_space(rest->p[at])) {
    at++;
  }
  size_t end = at;
  while (end > begin && rest->p[end - 1] == ',') {
    end--;
  }
  if (end == at) { /* no comma: a descriptor may follow */
    int depth = 0;
    for (; at < rest->n && (rest->p[at] != ',' || depth > 0); at++) {
      depth += (rest->p[at] == '(') - (rest->p[at] == ')' && depth > 0);
    }
  }
  *out = nm_str(rest->p + begin, end - begin);
  *rest = nm_str(rest->p + at, rest->n - at);
  return end > begin;
}

/* ---- the walk ---- */

static int next_in_value(struct nm_html_images *it, struct nm_str *out) {
  if (it->srcset.n > 0 && next_of_srcset(&it->srcset, out)) {
    return 1;
  }
  it->srcset = nm_str("", 0);
  return nm_html_css_url(&it->css, out);
}

/* What the tag's next attribute says of pictures; 0 at the tag's end. *out is empty where there is none yet. */
static int next_attribute(struct nm_html_images *it, struct nm_str *out) {
  struct nm_html_attribute a;
  unsigned bit = 0;
  *out = nm_str("", 0);
  if (!nm_html_attribute_next(it->token.attributes, &it->at, &a)) {
    return 0;
  }
  enum place place = place_of(it, a.name, &bit);
  if (place == NOWHERE || (it->seen & bit) != 0 || a.value.n == 0) {
    it->seen |= place != NOWHERE ? bit : 0;
    return 1;
  }
  it->seen |= bit;
  if (place == URL) {
    *out = a.value;
  } else if (place == URLS) {
    it->srcset = a.value;
  } else {
    it->css = (struct nm_html_css){.value = a.value};
  }
  return 1;
}

static int next_tag(struct nm_html_images *it) {
  enum nm_html_kind kind;
  do {
    kind = nm_html_next(&it->scan, &it->token);
  } while (kind != NM_HTML_START && kind != NM_HTML_OVER);
  it->at = 0;
  it->seen = 0;
  it->is_button = kind == NM_HTML_START && is_image_button(&it->token);
  return kind == NM_HTML_START;
}

int nm_html_images_next(struct nm_html_images *it, struct nm_str *out) {
  for (;;) {
    if (next_in_value(it, out)) {
      return 1;
    }
    if (next_attribute(it, out)) {
      if (out->n > 0) {
        return 1;
      }
    } else if (!next_tag(it)) {
      return 0;
    }
  }
}

/* ---- what ---- */

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"   (RFC 3986 3.1). So has "C:\x". */
static int has_scheme(struct nm_str url) {
  size_t i = 0;
  while (i < url.n && (nm_is((unsigned char)url.p[i], NM_CHAR_ALPHA | NM_CHAR_DIGIT) ||
                       memchr("+-.", url.p[i], 3) != NULL)) {
    i++;
  }
  return i > 0 && i < url.n && url.p[i] == ':' && nm_is((unsigned char)url.p[0], NM_CHAR_ALPHA);
}

/* As browsers read a URL (WHATWG URL 4.4): no controls and spaces around it, no tab, LF and CR in it. */
static struct nm_str clean(struct nm_buf *b) {
  size_t to = 0, from = 0;
  while (from < b->n && (unsigned char)b->p[from] <= ' ') {
    from++;
  }
  for (; from < b->n; from++) {
    if (b->p[from] != '\t' && b->p[from] != '\n' && b->p[from] != '\r') {
      b->p[to++] = b->p[from];
    }
  }
  while (to > 0 && (unsigned char)b->p[to - 1] <= ' ') {
    to--;
  }
  return nm_str(b->p, to);
}

/* What stands before the query and the fragment, at the beginning of b. A backslash is a slash to browsers, and to those who write
   HTML on Windows. */
static struct nm_str path_of(struct nm_buf *b, struct nm_str url) {
  size_t n = 0;
  for (; n < url.n && url.p[n] != '?' && url.p[n] != '#'; n++) {
    b->p[n] = url.p[n] == '\\' ? '/' : url.p[n];
  }
  return nm_str(b->p, n);
}

enum nm_html_image nm_html_image_read(struct nm_str reference, struct nm_buf *target) {
  struct nm_buf raw = {.max = target->max};
  enum nm_html_image kind = NM_IMAGE_OTHER;
  nm_html_decode(&raw, reference, 1);
  if (raw.err == 0 && raw.n > 0) {
    struct nm_str url = clean(&raw);
    if (nm_data_uri_is(url)) {
      kind = NM_IMAGE_DATA;
      nm_buf_add_str(target, url);
    } else if (!has_scheme(url)) {
      struct nm_str path = path_of(&raw, url);
      if (path.n > 0 && path.p[0] != '/') {
        kind = NM_IMAGE_FILE;
        nm_percent_decode(target, path);
      }
    }
  }
  target->err = target->err != 0 ? target->err : raw.err;
  nm_buf_free(&raw);
  return kind;
}
