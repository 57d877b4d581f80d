#include "base/addr.h"
#include "base/chars.h"
#include "base/utf8.h"
#include "mime/comment.h"
#include "mime/encword_read.h"
#include "mime/parse_state.h"

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
  while (i + 1 < s.n && nm_is((unsigned char)s.p[i], NM_CHAR_PRINT) && s.p[i] != ' ') {
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

int nm_parse_mailboxes(struct nm_str value, struct nm_list *list) {
  unsigned open = 0;
  if (nm_comment_skip(value, 0, &open) == value.n) { /* nobody */
    return 0;
  }
  struct nm_list *found = nm_addr_list_new();
  int err = found != NULL ? read_list(value, found) : NM_ENOMEM;
  if (err == 0 && found->n > list->max - list->n) {
    err = NM_ELIMIT;
  }
  for (size_t i = 0; err == 0 && i < found->n; i++) {
    struct nm_addr *a = found->items[i];
    err = has_word(a->name) ? add_decoded(list, a) : nm_list_add(list, a);
  }
  nm_list_unref(&found);
  return err == 0 || err == NM_ENOMEM ? err : NM_EINVAL;
}
