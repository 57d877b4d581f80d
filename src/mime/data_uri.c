#include "mime/data_uri.h"

#include "base/base64.h"
#include "base/chars.h"
#include "base/percent.h"
#include "mime/html_scan.h"
#include "mime/mediatype.h"

#define SCHEME "data:"

static int fail(struct nm_str uri, const char *why, struct nm_error *e) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "the data: URI \"%.*s%s\" %s", nm_shown(uri, 60), uri.p,
                      uri.n <= 60 ? "" : "...", why);
}

int nm_data_uri_is(struct nm_str uri) {
  return nm_str_istarts(uri, NM_STR(SCHEME));
}

static struct nm_str trim(struct nm_str s) {
  return nm_str_trim(s, NM_HTML_SPACES);
}

/* The last of the parameters is "base64", without "=": it is no parameter. */
static int is_base64(struct nm_str head) {
  size_t at = head.n;
  while (at > 0 && head.p[at - 1] != ';') {
    at--;
  }
  return at > 0 && nm_str_ieq(trim(nm_str(head.p + at, head.n - at)), NM_STR("base64"));
}

/* mediatype = [ type "/" subtype ] *( ";" parameter )   (RFC 2397 3); the parameters are not looked at. */
static int read_type(struct nm_str uri, struct nm_str head, struct nm_buf *type, struct nm_error *e) {
  const char *end = head.n > 0 ? memchr(head.p, ';', head.n) : NULL;
  struct nm_str name = trim(end != NULL ? nm_str(head.p, (size_t)(end - head.p)) : head);
  if (name.n == 0) {
    name = NM_STR("text/plain");
  } else if (nm_media_type_check(name, NULL) != 0) {
    return fail(uri, "has no media type at its beginning; write it as data:image/png;base64,...", e);
  }
  for (size_t i = 0; i < name.n; i++) {
    nm_buf_add_byte(type, nm_lower(name.p[i]));
  }
  return 0;
}

/* Takes the white space out of the octets from begin on. */
static void drop_spaces(struct nm_buf *b, size_t begin) {
  size_t to = begin;
  for (size_t i = begin; i < b->n; i++) {
    if (!nm_html_is_space(b->p[i])) {
      b->p[to++] = b->p[i];
    }
  }
  b->n = to;
}

/* Digits, at most two "=" behind them and only to fill up four, and no single digit at the end. */
static int is_base64_text(struct nm_str s) {
  size_t digits = s.n, padding = 0;
  while (padding < 2 && digits > 0 && s.p[digits - 1] == '=') {
    digits--;
    padding++;
  }
  for (size_t i = 0; i < digits; i++) {
    if (!nm_is((unsigned char)s.p[i], NM_CHAR_ALPHA | NM_CHAR_DIGIT) && s.p[i] != '+' && s.p[i] != '/') {
      return 0;
    }
  }
  return digits % 4 != 1 && (padding == 0 || s.n % 4 == 0);
}

/* The digits from begin on become the octets that they stand for. These are fewer, but the reader does not promise to stay behind
   itself. */
static int undo_base64(struct nm_str uri, struct nm_buf *b, size_t begin, struct nm_error *e) {
  struct nm_base64_reader reader = {0};
  drop_spaces(b, begin);
  struct nm_str digits = nm_str(b->p + begin, b->n - begin);
  if (!is_base64_text(digits)) {
    return fail(uri, "is not valid base64", e);
  }
  struct nm_buf out = {.max = NM_BASE64_ROOM(digits.n)};
  char *room = nm_buf_room(&out, out.max);
  if (room == NULL) {
    return nm_error_nomem(e);
  }
  size_t n = nm_base64_step(&reader, digits.p, digits.n, room);
  n += nm_base64_flush(&reader, room + n);
  b->n = begin;
  nm_buf_add(b, room, n);
  nm_buf_free(&out);
  return 0;
}

/* dataurl = "data:" [ mediatype ] [ ";base64" ] "," data   (RFC 2397 3) */
int nm_data_uri_read(struct nm_str uri, struct nm_buf *type, struct nm_buf *data, struct nm_error *e) {
  struct nm_str rest = nm_str(uri.p + sizeof SCHEME - 1, uri.n - (sizeof SCHEME - 1));
  const char *comma = rest.n > 0 ? memchr(rest.p, ',', rest.n) : NULL;
  if (comma == NULL) {
    return fail(uri, "has no comma, so there is no data in it", e);
  }
  struct nm_str head = nm_str(rest.p, (size_t)(comma - rest.p));
  size_t begin = data->n;
  int err = read_type(uri, head, type, e);
  if (err != 0) {
    return err;
  }
  nm_percent_decode(data, nm_str(comma + 1, rest.n - head.n - 1));
  if (data->err == 0 && is_base64(head)) {
    err = undo_base64(uri, data, begin, e);
  }
  if (err == 0 && data->err == NM_ELIMIT) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                        "the data: URI \"%.*s...\" is too long: at most %zu bytes are allowed",
                        nm_shown(uri, 60), uri.p, data->max);
  }
  return err != 0 ? err : data->err != 0 || type->err != 0 ? nm_error_nomem(e) : 0;
}
