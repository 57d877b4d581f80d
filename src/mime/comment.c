#include "mime/comment.h"

#include "base/chars.h"

size_t nm_comment_end(struct nm_str s, size_t at, unsigned *open) {
  if (*open == NM_COMMENT_OPEN_MAX) {
    return at;
  }
  size_t depth = 0;
  size_t last = s.n - at > NM_COMMENT_MAX ? at + NM_COMMENT_MAX : s.n;
  for (size_t i = at; i < last; i++) {
    if (s.p[i] == '\\') {
      i++;
    } else if (s.p[i] == '(') {
      depth++;
    } else if (s.p[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  ++*open;
  return at;
}

size_t nm_comment_skip(struct nm_str s, size_t at, unsigned *open) {
  while (at < s.n) {
    size_t next = at;
    if (s.p[at] == '(') {
      next = nm_comment_end(s, at, open);
    } else if (nm_is_fws(s.p[at])) {
      next = at + 1;
    }
    if (next == at) {
      break;
    }
    at = next;
  }
  return at;
}
