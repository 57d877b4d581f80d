#include "mime/field_value.h"

#include "base/chars.h"
#include "base/check.h"
#include "mime/encword.h"
#include "mime/fold.h"
#include "mime/list_urls.h"
#include "mime/msgid.h"
#include "mime/phrase.h"
#include "mime/qstring.h"

/* A word that is not folded or encoded: with its fold below the 998 octets of a line (RFC 5322 2.1.1). */
#define WORD_MAX NM_LIST_URL_MAX
/* Message ids of one field: a thread of that depth has outlived its readers. */
#define MSGIDS_MAX 1000
#define LIST_ID_MAX 255

/* ---- what the caller gave ---- */

static int refuse(const char *field, const char *what, struct nm_error *e) {
  return nm_error_set(e, NM_EINVAL, NM_KIND_MESSAGE, "%s: %s", field, what);
}

static int read_phrases(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  struct nm_buf phrase = {.max = text.n};
  size_t at = 0;
  int got;
  while ((got = nm_phrase_next(text, &at, &phrase)) > 0) {
    nm_buf_add_c(b, b->n > 0 ? ", " : "");
    nm_phrase_add(b, nm_buf_str(&phrase));
    nm_buf_reset(&phrase);
  }
  nm_buf_free(&phrase);
  if (got == NM_EINVAL) {
    return refuse(field,
                  "an empty word, or a double quote that is not closed; write it as one, \"two, three\"", e);
  }
  return got == 0 ? 0 : nm_error_nomem(e);
}

/* list-id = list-label "." list-id-namespace, dot-atom-text both   (RFC 2919 2, 8) */
static int is_list_id(struct nm_str s) {
  return nm_is_dot_atom(s) && memchr(s.p, '.', s.n) != NULL && s.n <= LIST_ID_MAX && nm_qstring_can(s);
}

/* Where the "<" of the id stands; text.n: nowhere. */
static size_t list_id_at(struct nm_str text) {
  size_t at = text.n;
  while (at > 0 && text.p[at - 1] != '<') {
    at--;
  }
  return at > 0 && text.p[text.n - 1] == '>' ? at - 1 : text.n;
}

/* A label with a comma outside quotes would be two phrases. */
static int read_label(struct nm_buf *b, struct nm_str label) {
  struct nm_buf phrase = {.max = label.n};
  size_t at = 0;
  int got = nm_phrase_next(label, &at, &phrase);
  if (got > 0 && at > label.n) {
    nm_phrase_add(b, nm_buf_str(&phrase));
    nm_buf_add_byte(b, ' ');
  }
  nm_buf_free(&phrase);
  return got > 0 ? (at > label.n ? 0 : NM_EINVAL) : got;
}

/* list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF   (RFC 2919 3). The id alone will do, too. */
static int read_list_id(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  size_t angle = list_id_at(text);
  struct nm_str id = angle < text.n ? nm_str(text.p + angle + 1, text.n - angle - 2) : text;
  struct nm_str label = nm_str(text.p, angle < text.n ? angle : 0);
  while (label.n > 0 && label.p[label.n - 1] == ' ') {
    label.n--;
  }
  int err = label.n > 0 ? read_label(b, label) : 0;
  if (err == NM_ENOMEM) {
    return nm_error_nomem(e);
  }
  if (err != 0 || !is_list_id(id)) {
    return refuse(field, "write it as Name <list.example.org>, a Name with a comma in double quotes", e);
  }
  nm_buf_add_byte(b, '<');
  nm_buf_add_str(b, id);
  nm_buf_add_byte(b, '>');
  return 0;
}

/* auto-submitted = ( "no" / "auto-generated" / "auto-replied" / extension )   (RFC 3834 5); auto-notified: RFC 5436 2.7.1 */
static int read_auto(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  static const char *const words[] = {"no", "auto-generated", "auto-replied", "auto-notified"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (nm_str_ieq(text, nm_str_c(words[i]))) {
      nm_buf_add_c(b, words[i]);
      return 0;
    }
  }
  return refuse(field, "it is one of no, auto-generated, auto-replied, auto-notified", e);
}

/* "MUST contain the single key/value pair "List-Unsubscribe=One-Click""   (RFC 8058 3.1) */
static int read_one_click(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  if (!nm_str_eq(text, NM_STR("List-Unsubscribe=One-Click"))) {
    return refuse(field, "it is List-Unsubscribe=One-Click and nothing else; set ListUnsubscribeOneClick", e);
  }
  nm_buf_add_str(b, text);
  return 0;
}

/* RFC 8689 3: the one parameter there is is No, and the field stands once. */
static int read_tls_required(struct nm_buf *b, const char *field, struct nm_str text, struct nm_error *e) {
  if (!nm_str_ieq(text, NM_STR("No"))) {
    return refuse(
        field, "it is No and nothing else; TLS on every hop is asked for with the option RequireTls of Send",
        e);
  }
  nm_buf_add_c(b, "No");
  return 0;
}

int nm_field_value_read(struct nm_buf *b, enum nm_field_kind kind, const char *field, struct nm_str text,
                        struct nm_error *e) {
  int err = nm_check_line(field, text, e);
  if (err != 0) {
    return err;
  }
  switch (kind) {
    case NM_FIELD_MSGIDS:
      return nm_msgid_list(b, field, text, MSGIDS_MAX, e);
    case NM_FIELD_PHRASES:
      return read_phrases(b, field, text, e);
    case NM_FIELD_POST:
      if (nm_str_eq(text, NM_STR("NO"))) { /* RFC 2369 3.4 */
        nm_buf_add_str(b, text);
        return 0;
      }
      return nm_list_urls(b, field, text, e);
    case NM_FIELD_URLS:
      return nm_list_urls(b, field, text, e);
    case NM_FIELD_LIST_ID:
      return read_list_id(b, field, text, e);
    case NM_FIELD_AUTO:
      return read_auto(b, field, text, e);
    case NM_FIELD_ONE_CLICK:
      return read_one_click(b, field, text, e);
    case NM_FIELD_TLS_REQUIRED:
      return read_tls_required(b, field, text, e);
    case NM_FIELD_TEXT:
    case NM_FIELD_OWNED:
    case NM_FIELD_OWNED_TEXT:
      break;
  }
  nm_buf_add_str(b, text);
  return 0;
}

/* ---- what is written ---- */

/* Printable ASCII words with one space between them, each fit for a line. */
static int is_words(struct nm_str s) {
  size_t word = 0;
  for (size_t i = 0; i <= s.n; i++) {
    if (i < s.n && s.p[i] != ' ') {
      word++;
    } else if (word == 0 || word > WORD_MAX) {
      return 0;
    } else {
      word = 0;
    }
  }
  return nm_qstring_can(s);
}

/* Folded at the spaces. The first word stays on the line of the name: there are readers that see no value, or keep the
   white space, where a fold stands right behind the colon. */
static void write_words(struct nm_buf *b, size_t *col, struct nm_str s) {
  for (size_t i = 0, begin = 0; i <= s.n; i++) {
    if (i < s.n && s.p[i] != ' ') {
      continue;
    }
    struct nm_str word = nm_str(s.p + begin, i - begin);
    if (begin == 0) {
      nm_buf_add_byte(b, ' ');
      nm_buf_add_str(b, word);
      *col += 1 + word.n;
    } else {
      *col = nm_fold_token(b, *col, word);
    }
    begin = i + 1;
  }
}

/* Words that no line may hold stand as they are: whoever reads the field may know nothing of encoded words, and of those
   who do none misses them. */
static int write_text(struct nm_buf *b, size_t *col, struct nm_str value, struct nm_str charset,
                      struct nm_error *e) {
  if (is_words(value)) {
    write_words(b, col, value);
    return 0;
  }
  return nm_encword_text(b, col, value, charset, e);
}

/* "separated from any adjacent 'word', 'text' or 'special' by 'linear-white-space'"   (RFC 2047 5(3)): so behind an encoded word
   there is a space, and where the line is full there is a fold. */
static void write_comma(struct nm_buf *b, size_t *col) {
  int encoded = b->n >= 2 && memcmp(b->p + b->n - 2, "?=", 2) == 0;
  if (encoded || *col >= NM_FOLD_COLUMN) {
    *col = nm_fold_space(b, *col, 1);
  }
  nm_buf_add_byte(b, ',');
  ++*col;
}

/* keywords = "Keywords:" phrase *("," phrase) CRLF   (RFC 5322 3.6.5) */
static int write_phrases(struct nm_buf *b, size_t *col, struct nm_str value, struct nm_str charset,
                         struct nm_error *e) {
  struct nm_buf phrase = {.max = value.n};
  size_t at = 0;
  int err = 0;
  while (err == 0 && at <= value.n) {
    nm_buf_reset(&phrase);
    err = nm_phrase_next(value, &at, &phrase) < 0 ? nm_error_nomem(e) : 0;
    err = err != 0 ? err : nm_encword_phrase(b, col, nm_buf_str(&phrase), charset, e);
    if (err == 0 && at <= value.n) {
      write_comma(b, col);
    }
  }
  nm_buf_free(&phrase);
  return err;
}

static int write_list_id(struct nm_buf *b, size_t *col, struct nm_str value, struct nm_str charset,
                         struct nm_error *e) {
  size_t angle = list_id_at(value);
  int err = angle > 0 ? write_phrases(b, col, nm_str(value.p, angle - 1), charset, e) : 0;
  *col = nm_fold_token(b, *col, nm_str(value.p + angle, value.n - angle));
  return err;
}

int nm_field_value_write(struct nm_buf *b, size_t *col, enum nm_field_kind kind, struct nm_str value,
                         struct nm_str charset, struct nm_error *e) {
  switch (kind) {
    case NM_FIELD_PHRASES:
      return write_phrases(b, col, value, charset, e);
    case NM_FIELD_LIST_ID:
      return write_list_id(b, col, value, charset, e);
    case NM_FIELD_TEXT:
      return write_text(b, col, value, charset, e);
    default: /* tokens: what was read has no word that is too long */
      write_words(b, col, value);
      return 0;
  }
}
