#include "mime/field_read.h"

#include "base/chars.h"
#include "mime/comment.h"
#include "mime/encword_read.h"
#include "mime/fields.h"
#include "mime/field_value.h"
#include "mime/phrase.h"

/* RFC 5322 2.1.1 */
#define LINE_MAX 998
/* One octet becomes at most so many: U+FFFD, or the nine of a character of TSCII in an encoded word. */
#define GROWTH 12

/* ---- the bytes ---- */

/* One line of a value may be sent: HTAB and printable ASCII, and not white space alone where it was folded (some take such a line for
   the end of the header). */
static int is_line(struct nm_str line, size_t begun, int folded) {
  size_t blanks = 0;
  for (size_t i = 0; i < line.n; i++) {
    unsigned char c = (unsigned char)line.p[i];
    if (!nm_is(c, NM_CHAR_PRINT) && c != '\t') {
      return 0;
    }
    blanks += nm_is(c, NM_CHAR_WSP) ? 1 : 0;
  }
  return begun + line.n <= LINE_MAX && !(folded && blanks == line.n);
}

/* Whether its bytes may be sent as they are: printable ASCII in lines of at most 998 octets, none of them of white space alone. */
static int is_kept(struct nm_str name, struct nm_str value) {
  size_t at = 0;
  do {
    size_t end, next = nm_line_next(value, at, &end);
    if (!is_line(nm_str(value.p + at, end - at), at == 0 ? name.n + 1 : 0, at > 0)) {
      return 0;
    }
    at = next;
  } while (at < value.n);
  return 1;
}

/* value with CRLF line ends. */
static void add_lines(struct nm_buf *raw, struct nm_str value) {
  size_t at = 0;
  do {
    size_t end, next = nm_line_next(value, at, &end);
    nm_buf_add_c(raw, at > 0 ? "\r\n" : "");
    nm_buf_add(raw, value.p + at, end - at);
    at = next;
  } while (at < value.n);
}

/* ---- what they mean ---- */

/* Where a phrase ends: at a comma outside of quotes and comments. */
static size_t phrase_end(struct nm_str s, size_t at, unsigned *open) {
  while (at < s.n && s.p[at] != ',') {
    size_t comment = s.p[at] == '(' ? nm_comment_end(s, at, open) : at;
    if (comment > at) {
      at = comment;
      continue;
    }
    if (s.p[at] == '"') {
      for (at++; at < s.n && s.p[at] != '"'; at++) {
        at += s.p[at] == '\\' && at + 1 < s.n;
      }
    }
    at += at < s.n;
  }
  return at;
}

static int add_phrase(struct nm_buf *b, struct nm_str raw) {
  struct nm_buf phrase = {.max = b->max};
  nm_encword_read_phrase(&phrase, raw, NULL);
  int n = phrase.n > 0;
  if (n) {
    nm_phrase_add(b, nm_buf_str(&phrase));
  }
  b->err = b->err == 0 ? phrase.err : b->err;
  nm_buf_free(&phrase);
  return n;
}

/* phrase *("," phrase)   (RFC 5322 3.6.5) as nm_phrase_next takes it; empty ones are left out. */
static void decode_phrases(struct nm_buf *b, struct nm_str value) {
  int comma = 0;
  unsigned open = 0;
  for (size_t at = 0; at < value.n;) {
    size_t end = phrase_end(value, at, &open), before = b->n;
    if (comma) {
      nm_buf_add_c(b, ", ");
    }
    if (add_phrase(b, nm_str(value.p + at, end - at))) {
      comma = 1;
    } else if (b->err == 0 && b->p != NULL) {
      b->n = before;
      b->p[before] = '\0';
    }
    at = end + 1;
  }
}

/* list-id-header = "List-ID:" [phrase] "<" list-id ">"   (RFC 2919 3) */
static void decode_list_id(struct nm_buf *b, struct nm_str value) {
  size_t angle = value.n;
  while (angle > 0 && value.p[angle - 1] != '<') {
    angle--;
  }
  if (angle == 0) {
    nm_encword_read_text(b, value, NULL);
    return;
  }
  if (add_phrase(b, nm_str(value.p, angle - 1))) {
    nm_buf_add_byte(b, ' ');
  }
  nm_encword_read_text(b, nm_str(value.p + angle - 1, value.n - angle + 1), NULL);
}

/* The value as it is shown. Only text and phrases have encoded words (RFC 2047 5). */
static void decode(struct nm_buf *b, const struct nm_field_rule *rule, struct nm_str value) {
  if (rule->kind == NM_FIELD_PHRASES) {
    decode_phrases(b, value);
  } else if (rule->kind == NM_FIELD_LIST_ID) {
    decode_list_id(b, value);
  } else if (nm_field_rule_is_text(rule)) {
    nm_encword_read_text(b, value, NULL);
  } else {
    nm_encword_unfold(b, value, NULL);
  }
}

/* Whether canonical holds the value in the form of its grammar now. */
static int canonize(struct nm_buf *canonical, const struct nm_field_rule *rule, struct nm_str value) {
  struct nm_buf text = {.max = NM_FIELD_VALUE_MAX};
  if (rule->kind != NM_FIELD_OWNED) { /* the property would have taken it */
    decode(&text, rule, value);
  }
  int err = rule->kind == NM_FIELD_OWNED ? NM_EINVAL
            : text.err != 0              ? text.err
                            : nm_field_value_read(canonical, rule->kind, "", nm_buf_str(&text), NULL);
  canonical->err = canonical->err != 0 ? canonical->err : err == NM_ENOMEM ? NM_ENOMEM : 0;
  nm_buf_free(&text);
  return err == 0 && canonical->err == 0;
}

static int add(struct nm_list *list, struct nm_field *f, struct nm_error *e) {
  int err = nm_list_add(list, f);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE, "more than %zu header fields are refused", list->max);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

static int too_long(struct nm_str name, struct nm_error *e) {
  return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE,
                      "the header field %.*s is too long: at most %d bytes are allowed", nm_shown(name, 200),
                      name.p, NM_FIELD_VALUE_MAX);
}

/* What it says, where that is not in the form of its grammar. */
static void show(struct nm_buf *b, const struct nm_field_rule *rule, struct nm_str value) {
  nm_buf_reset(b);
  if (nm_field_rule_is_text(rule)) {
    nm_encword_read_text(b, value, NULL);
  } else {
    nm_encword_unfold(b, value, NULL);
  }
}

/* The bytes can be kept: raw has them, and value what they say. */
static int make_raw(struct nm_field **out, const struct nm_field_rule *rule, struct nm_str name,
                    const struct nm_head_field *from) {
  struct nm_buf raw = {.max = 2 * from->value.n + 1}, value = {.max = NM_FIELD_VALUE_MAX};
  nm_buf_add_c(&raw, from->name.n > 0 ? "" : " ");
  add_lines(&raw, from->value);
  int is_canonical = canonize(&value, rule, from->value);
  if (!is_canonical && value.err == 0) {
    value.max = from->value.n * GROWTH;
    show(&value, rule, from->value);
  }
  int err = raw.err != 0 ? raw.err : value.err;
  if (err == 0) {
    *out = nm_field_keep(name, nm_str(raw.p != NULL ? raw.p : "", raw.n), nm_buf_str(&value), 0);
    err = *out != NULL ? 0 : NM_ENOMEM;
  }
  nm_buf_free(&raw);
  nm_buf_free(&value);
  return err;
}

/* They cannot: what can be written anew. *out NULL: nothing. */
static int make_value(struct nm_field **out, const struct nm_field_rule *rule, struct nm_str name,
                      struct nm_str from) {
  struct nm_buf value = {.max = NM_FIELD_VALUE_MAX};
  int is_canonical = canonize(&value, rule, from), is_text = nm_field_rule_is_text(rule);
  if (!is_canonical && is_text && value.err == 0) {
    show(&value, rule, from);
  }
  int err = value.err;
  if (err == 0 && (is_canonical || is_text)) {
    err = name.n > NM_FIELD_NAME_MAX ? NM_ELIMIT : 0;
    *out = err == 0 ? nm_field_keep(name, nm_str(NULL, 0), nm_buf_str(&value), is_text) : NULL;
    err = err == 0 && *out == NULL ? NM_ENOMEM : err;
  }
  nm_buf_free(&value);
  return err;
}

int nm_field_read(struct nm_list *list, const struct nm_head_field *from, struct nm_error *e) {
  struct nm_str name = from->name.n > 0 ? from->name : NM_STR(NM_FIELD_UNPARSED);
  const struct nm_field_rule *rule = nm_field_rule(name);
  struct nm_field *f = NULL;
  int err =
      is_kept(name, from->value) ? make_raw(&f, rule, name, from) : make_value(&f, rule, name, from->value);
  if (err == NM_ELIMIT) {
    return too_long(name, e);
  }
  err = err != 0 ? nm_error_nomem(e) : f != NULL ? add(list, f, e) : 0;
  nm_field_unref(&f);
  return err;
}
