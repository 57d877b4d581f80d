#ifndef NM_SPEC_FIELD_READER_H
#define NM_SPEC_FIELD_READER_H

/* Reads a written field back and compares it with what it was made of; each fault is told as a text. */

#include "mime/field.h"
#include "mime/phrase.h"
#include "mime/reader.h"

/* One field and no more: lines of printable ASCII that end in CRLF, each but the first a fold. A line over 78 has nothing in it
   where it could be folded, and none is over 998. */
static inline const char *lines_fault(const char *p, size_t n) {
  for (size_t begin = 0; begin < n;) {
    size_t end = begin, words = 0;
    for (; end < n && p[end] != '\r'; end++) {
      if (p[end] < 32 || p[end] > 126) {
        return "an octet that is not printable ASCII";
      }
      words += p[end] != ' ' && (end == begin || p[end - 1] == ' ');
    }
    if (end + 1 >= n || p[end + 1] != '\n') {
      return "no CRLF";
    }
    if (begin > 0 && (p[begin] != ' ' || words == 0)) {
      return begin > 0 && words == 0 ? "a line of spaces" : "a second field";
    }
    if (end - begin > 998 || (end - begin > 78 && words > (begin == 0 ? 2 : 1))) {
      return "a line that is too long";
    }
    begin = end + 2;
  }
  return NULL;
}

/* phrase *("," phrase) at p, compared with the canonical form. */
static inline const char *phrases_fault(const char *p, size_t n, struct nm_str canonical) {
  struct nm_buf want = {.max = NM_FIELD_VALUE_MAX};
  size_t at = 0, i = 0;
  const char *fault = NULL;
  while (fault == NULL && nm_phrase_next(canonical, &at, &want) > 0) {
    struct octets got = {0};
    while (i < n && p[i] == ' ') {
      i++;
    }
    if (i < n && p[i] == '"') {
      size_t used = read_quoted(p + i, n - i, &got);
      fault = used == 0 ? "a faulty quoted string" : NULL;
      i += used;
    } else {
      size_t end = i;
      while (end < n && p[end] != ',') {
        end++;
      }
      size_t next = end;
      while (end > i && p[end - 1] == ' ') {
        end--;
      }
      fault = read_text(p + i, end - i, 1, &got) != 0 ? "a faulty encoded word" : NULL;
      i = next;
    }
    while (i < n && p[i] == ' ') {
      i++;
    }
    int more = at <= canonical.n;
    fault = fault == NULL && !octets_are(&got, want.p, want.n) ? "another phrase" : fault;
    fault = fault == NULL && (more ? i >= n || p[i++] != ',' : i != n) ? "another number of phrases" : fault;
    octets_free(&got);
    nm_buf_reset(&want);
  }
  nm_buf_free(&want);
  return fault;
}

static inline const char *value_fault(const struct nm_field *f, const char *p, size_t n) {
  struct octets got = {0};
  const char *fault = NULL;
  size_t angle = n;
  switch (f->rule->kind) {
    case NM_FIELD_TEXT:
      fault = read_text(p, n, 0, &got) != 0               ? "a faulty encoded word"
              : !octets_are(&got, f->value.p, f->value.n) ? "another text"
                                                          : NULL;
      octets_free(&got);
      return fault;
    case NM_FIELD_PHRASES:
      return phrases_fault(p, n, f->value);
    case NM_FIELD_LIST_ID:
      while (angle > 0 && p[angle - 1] != '<') {
        angle--;
      }
      size_t tail = n - (angle - 1);
      if (angle == 0 || f->value.n < tail ||
          memcmp(f->value.p + f->value.n - tail, p + angle - 1, tail) != 0) {
        return "another list-id";
      }
      if (f->value.n == tail) {
        return n == tail ? NULL : "a phrase from nowhere";
      }
      return phrases_fault(p, angle - 2, nm_str(f->value.p, f->value.n - tail - 1));
    default:
      return nm_str_eq(f->value, nm_str(p, n)) ? NULL : "another value";
  }
}

/* The n octets at p are this field, as a reader sees it. */
static inline const char *written_fault(const struct nm_field *f, const char *p, size_t n) {
  const char *fault = lines_fault(p, n);
  if (fault == NULL && (n < f->name.n + 3 || memcmp(p, f->name.p, f->name.n) != 0 || p[f->name.n] != ':')) {
    return "another name";
  }
  struct octets value = {0};
  if (fault == NULL) {
    value = unfold(p, n);
    size_t begin =
        value.n > 0 && value.p[0] == ' '; /* a fold right behind the name, where a word needs all of a line */
    fault = value_fault(f, value.p + begin, value.n - begin);
  }
  octets_free(&value);
  return fault;
}

#endif
