#include "mime/html_style.h"

#include "base/chars.h"
#include "mime/html_ref.h"
#include "mime/html_scan.h"

/* A character that no CSS keyword has. */
#define ALIEN 0x7f
#define WORD_MAX 24

/* ---- characters ---- */

/* The character at css->at with comments as one space, ASCII letters in lower case, anything beyond ASCII as ALIEN; 0 at the
   end. *next_out: where the following one begins. */
static char plain(const struct nm_html_css *css, size_t at, size_t *next_out) {
  uint32_t cp = 0;
  if (at >= css->value.n) {
    *next_out = at;
    return 0;
  }
  *next_out = at + nm_html_char(nm_str(css->value.p + at, css->value.n - at), 1, &cp);
  return cp == 0 || cp > 0x7e ? ALIEN : nm_lower((char)cp);
}

/* at: behind a "/". Where the comment ends, or at when it begins none. */
static size_t comment_end(const struct nm_html_css *css, size_t at) {
  size_t next;
  if (plain(css, at, &next) != '*') {
    return at;
  }
  char last = 0;
  for (at = next; at < css->value.n; at = next) {
    char c = plain(css, at, &next);
    if (c == '/' && last == '*') {
      return next;
    }
    last = c;
  }
  return at;
}

static char take(struct nm_html_css *css) {
  size_t next;
  char c = plain(css, css->at, &next);
  css->at = next;
  if (c == '/') {
    size_t end = comment_end(css, next);
    c = end != next ? ' ' : c;
    css->at = end;
  }
  return c;
}

/* ---- declarations ---- */

/* A word of letters, digits and "-", in lower case; its end. */
struct word {
  char p[WORD_MAX];
  size_t n;
};

static int is_word_char(char c) {
  return nm_is((unsigned char)c, NM_CHAR_LDH) || c == '_';
}

/* The first word of what comes, behind white space; *stop_out: the character that ended it (taken too). A word that is too long
   is cut: none of ours begins so. */
static struct word take_word(struct nm_html_css *css, char *stop_out) {
  struct word w = {.n = 0};
  char c = take(css);
  while (nm_html_is_space(c)) {
    c = take(css);
  }
  for (; is_word_char(c) || c == '.'; c = take(css)) {
    if (w.n < WORD_MAX) {
      w.p[w.n++] = c;
    }
  }
  *stop_out = c;
  return w;
}

static int is(const struct word *w, const char *s) {
  return nm_str_eq(nm_str(w->p, w->n), nm_str_c(s));
}

/* "0", "0px", "0.0em": of no size. */
static int is_zero(const struct word *w) {
  size_t i = 0;
  while (i < w->n && (w->p[i] == '0' || w->p[i] == '.')) {
    i++;
  }
  return i > 0 && (i == w->n || !nm_is((unsigned char)w->p[i], NM_CHAR_DIGIT));
}

/* To the end of a declaration; strings and parentheses may hold a ";". Whether "!important" stands there. */
static int skip_declaration(struct nm_html_css *css, char c) {
  size_t depth = 0;
  char quote = 0;
  int important = 0;
  for (; c != 0 && (c != ';' || depth > 0 || quote != 0); c = take(css)) {
    important = important || (c == '!' && quote == 0);
    if (quote != 0 || c == '"' || c == '\'') {
      quote = quote == 0 ? c : c == quote ? 0 : quote;
    } else if (c == '(') {
      depth++;
    } else if (c == ')' && depth > 0) {
      depth--;
    }
  }
  return important;
}

/* A property that we look at: its last value counts, unless an earlier one was "!important". */
struct value {
  const char *property;
  struct word word;
  int important;
};

enum { DISPLAY, VISIBILITY, MAX_HEIGHT, OVERFLOW, WHITE_SPACE, VALUES };

static void note(struct value *values, const struct word *property, const struct word *word, int important) {
  for (size_t i = 0; i < VALUES; i++) {
    if (is(property, values[i].property) && (important || !values[i].important)) {
      values[i].word = *word;
      values[i].important = important;
    }
  }
}

/* What newsletters hide their preheader with. Sizes of text and colours are not looked at: layout tables have "font-size:0"
   around cells that are shown. */
struct nm_html_style nm_html_style(struct nm_str value) {
  struct value values[VALUES] = {{.property = "display"},
                                 {.property = "visibility"},
                                 {.property = "max-height"},
                                 {.property = "overflow"},
                                 {.property = "white-space"}};
  struct nm_html_css css = {.value = value};
  while (css.at < value.n) {
    char stop;
    struct word word = {.n = 0}, property = take_word(&css, &stop);
    while (nm_html_is_space(stop)) {
      stop = take(&css);
    }
    if (stop == ':') {
      word = take_word(&css, &stop);
    }
    note(values, &property, &word, skip_declaration(&css, stop));
  }
  const struct word *space = &values[WHITE_SPACE].word;
  return (struct nm_html_style){
      .hidden = is(&values[DISPLAY].word, "none") || is(&values[VISIBILITY].word, "hidden") ||
                (is_zero(&values[MAX_HEIGHT].word) && is(&values[OVERFLOW].word, "hidden")),
      .pre = is(space, "pre") || is(space, "pre-wrap") || is(space, "break-spaces")};
}

/* ---- url(...) ---- */

/* A character reference without its ";" right before at: what takes the place of the URL could be read as more of it. */
static int is_behind_bare_reference(const struct nm_html_css *css, size_t at) {
  return nm_is((unsigned char)css->value.p[at - 1], NM_CHAR_ALPHA | NM_CHAR_DIGIT);
}

/* "url(" is behind us. Where it is one of plain text, *out is what stands in it. */
static int take_url(struct nm_html_css *css, struct nm_str *out) {
  size_t begin = css->at, next;
  char c = plain(css, begin, &next);
  while (nm_html_is_space(c)) {
    begin = next;
    c = plain(css, begin, &next);
  }
  char quote = c == '"' || c == '\'' ? c : 0;
  begin = quote != 0 ? next : begin;
  int good = !is_behind_bare_reference(css, begin);
  size_t at = begin, end = begin;
  for (c = plain(css, at, &next); c != 0; c = plain(css, at, &next)) {
    if (quote != 0 ? c == quote : c == ')') {
      break;
    }
    good = good && c != '\\' && c != '\n' && (quote != 0 || (c != '(' && c != '"' && c != '\''));
    end = nm_html_is_space(c) && quote == 0 ? end : next;
    at = next;
  }
  css->at = next;
  *out = nm_str(css->value.p + begin, end - begin);
  return good && c != 0 && end > begin;
}

/* Out of a string; an escaped quote does not end it. */
static void skip_string(struct nm_html_css *css, char quote) {
  size_t next;
  for (char c = plain(css, css->at, &next); c != 0 && c != quote; c = plain(css, css->at, &next)) {
    css->at = next;
    if (c == '\\') {
      (void)plain(css, css->at, &next);
      css->at = next;
    }
  }
  css->at = next;
}

int nm_html_css_url(struct nm_html_css *css, struct nm_str *out) {
  static const char url[] = "url(";
  size_t match = 0; /* characters of url that stand before css->at */
  char last = 0;
  while (css->at < css->value.n) {
    char c = take(css);
    if (c == '"' || c == '\'') {
      skip_string(css, c);
    }
    match =
        c == url[match] && (match > 0 || !is_word_char(last)) ? match + 1 : c == 'u' && !is_word_char(last);
    last = c;
    if (match == sizeof url - 1) {
      match = 0;
      if (take_url(css, out)) {
        return 1;
      }
    }
  }
  return 0;
}
