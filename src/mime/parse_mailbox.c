#include "base/addr.h"
#include "base/chars.h"
#include "base/utf8.h"
#include "mime/comment.h"
#include "mime/encword_read.h"
#include "mime/parse_state.h"

/* An encoded word has 75 octets (RFC 2047 2), and many write longer ones. */
#define WORD_MAX 1000

/* A display name may hold no control characters. */
static void without_controls(struct nm_buf *out, struct nm_str s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c < 32 || c == 127) {
      nm_buf_add_c(out, "\xef\xbf\xbd"); /* U+FFFD */
    } else {
      nm_buf_add_byte(out, s.p[i]);
    }
  }
}

static int has_word(struct nm_str s) {
  return nm_encword_charset(s).p != NULL;
}

/* The same mailbox with its name decoded; itself where that makes no name. */
static int add_decoded(struct nm_list *list, struct nm_addr *a) {
  struct nm_buf text = {.max = 8 * NM_ADDR_NAME_MAX}, name = {.max = 8 * NM_ADDR_NAME_MAX};
  struct nm_addr *decoded = NULL;
  nm_encword_read(&text, a->name, NULL);
  without_controls(&name, nm_buf_str(&text));
  int err = text.err != 0 ? text.err : name.err;
  err = err == 0 ? nm_addr_make(a->address, nm_buf_str(&name), &decoded, NULL) : err;
  nm_buf_free(&text);
  nm_buf_free(&name);
  if (err != NM_ENOMEM) {
    err = nm_list_add(list, decoded != NULL ? decoded : a);
  }
  nm_addr_unref(&decoded);
  return err;
}

/* Where an encoded word ends that begins at, whatever is in it but white space and a "?=": at when there is none. */
static size_t word_end(struct nm_str s, size_t at) {
  size_t i = at + 2, marks = 0;
  while (i + 1 < s.n && i - at < WORD_MAX && nm_is((unsigned char)s.p[i], NM_CHAR_PRINT) && s.p[i] != ' ') {
    if (marks >= 2 && s.p[i] == '?' && s.p[i + 1] == '=') {
      return i + 2;
    }
    marks += s.p[i] == '?';
    i++;
  }
  return at;
}

/* Encoded words with commas, brackets and the like in them, which RFC 2047 5(3) forbids, as quoted strings, so that nothing in them
   is taken for a part of the address. */
static void quote_words(struct nm_buf *out, struct nm_str s) {
  int quoted = 0;
  for (size_t at = 0; at < s.n;) {
    size_t end = !quoted && s.p[at] == '=' && at + 1 < s.n && s.p[at + 1] == '?' ? word_end(s, at) : at;
    if (end > at) {
      nm_buf_add_byte(out, '"');
      for (; at < end; at++) {
        nm_buf_add_c(out, s.p[at] == '"' || s.p[at] == '\\' ? "\\" : "");
        nm_buf_add_byte(out, s.p[at]);
      }
      nm_buf_add_c(out, "\" ");
      continue;
    }
    if (quoted && s.p[at] == '\\' && at + 1 < s.n) {
      nm_buf_add_byte(out, s.p[at++]);
    } else if (s.p[at] == '"') {
      quoted = !quoted;
    }
    nm_buf_add_byte(out, s.p[at++]);
  }
}

static int read_list(struct nm_str value, struct nm_list *list) {
  int err = nm_addr_parse_list_lenient(value, list, NULL);
  if (err == 0 || err == NM_ENOMEM || !has_word(value)) {
    return err;
  }
  struct nm_buf quoted = {.max = NM_ADDR_TEXT_MAX};
  quote_words(&quoted, value);
  err = quoted.err != 0 ? quoted.err : nm_addr_parse_list_lenient(nm_buf_str(&quoted), list, NULL);
  nm_buf_free(&quoted);
  return err;
}

/* Appends those of found, with their names decoded. */
static int add_all(struct nm_list *list, const struct nm_list *found) {
  int err = found->n > list->max - list->n ? NM_ELIMIT : 0;
  for (size_t i = 0; err == 0 && i < found->n; i++) {
    struct nm_addr *a = found->items[i];
    err = has_word(a->name) ? add_decoded(list, a) : nm_list_add(list, a);
  }
  return err;
}

int nm_parse_mailboxes(struct nm_str value, struct nm_list *list) {
  unsigned open = 0;
  if (nm_comment_skip(value, 0, &open) == value.n) { /* nobody */
    return 0;
  }
  struct nm_list *found = nm_addr_list_new();
  int err = found != NULL ? read_list(value, found) : NM_ENOMEM;
  err = err == 0 ? add_all(list, found) : err;
  nm_list_unref(&found);
  return err == 0 || err == NM_ENOMEM ? err : NM_EINVAL;
}

/* ---- what is good of a list that is not ---- */

/* Where the mailbox or group ends that begins at: at a comma or semicolon that is in no quotes, comment, brackets or encoded word, a
   group at its semicolon. s.n + 1: something is open up to the end, so that nobody knows what stands there. */
static size_t element_end(struct nm_str s, size_t at, unsigned *open) {
  int quoted = 0, angle = 0, group = 0;
  for (; at < s.n; at++) {
    char c = s.p[at];
    if (quoted) {
      at += c == '\\' && at + 1 < s.n;
      quoted = c != '"';
    } else if (c == '(') {
      size_t end = nm_comment_end(s, at, open);
      if (end == at) {
        return s.n + 1;
      }
      at = end - 1;
    } else if (c == '=' && at + 1 < s.n && s.p[at + 1] == '?' && word_end(s, at) > at) {
      at = word_end(s, at) - 1;
    } else if (c == '"') {
      quoted = 1;
    } else if (c == '<' || c == '>') {
      angle = c == '<';
    } else if (c == ':' && !angle) {
      group = 1;
    } else if (!angle && (c == ';' || (c == ',' && !group))) {
      return at;
    }
  }
  return quoted || angle || group ? s.n + 1 : s.n;
}

int nm_parse_good_mailboxes(struct nm_str value, struct nm_list *list) {
  size_t before = list->n, at = 0;
  unsigned open = 0;
  int err = nm_parse_mailboxes(value, list);
  if (err != NM_EINVAL || list->n > before) {
    return err;
  }
  while (at < value.n) {
    size_t end = element_end(value, at, &open);
    if (end > value.n) {
      break;
    }
    struct nm_str element = nm_str(value.p + at, end - at);
    int is_group = end < value.n && value.p[end] == ';' && memchr(element.p, ':', element.n) != NULL;
    element.n += is_group ? 1 : 0; /* its own semicolon */
    err = nm_parse_mailboxes(element, list);
    if (err == NM_ENOMEM) {
      return err;
    }
    at = end + 1;
  }
  return list->n > before ? 0 : NM_EINVAL;
}
