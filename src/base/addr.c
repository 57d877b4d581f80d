#include "base/addr.h"

#include "base/addr_parts.h"
#include "base/alloc.h"
#include "base/chars.h"

/* Dot-string = Atom *("." Atom)   (RFC 5321 4.1.2) */
static int is_dot_string(struct nm_str s) {
  int was_atext = 0;
  for (size_t i = 0; i < s.n; i++) {
    int is_atext = nm_is((unsigned char)s.p[i], NM_CHAR_ATEXT);
    if (!is_atext && (s.p[i] != '.' || !was_atext)) {
      return 0;
    }
    was_atext = is_atext;
  }
  return was_atext;
}

static int needs_pair(char c) {
  return c == '"' || c == '\\';
}

size_t nm_addr_local_size(struct nm_str local) {
  if (is_dot_string(local)) {
    return local.n;
  }
  size_t size = local.n + 2;
  for (size_t i = 0; i < local.n; i++) {
    size += needs_pair(local.p[i]) ? 1 : 0;
  }
  return size;
}

static char *put(char *to, struct nm_str s) {
  if (s.n > 0) {
    memcpy(to, s.p, s.n);
  }
  return to + s.n;
}

/* Local-part = Dot-string / Quoted-string
   Quoted-string = DQUOTE *QcontentSMTP DQUOTE   (RFC 5321 4.1.2) */
static char *put_local(char *to, struct nm_str local) {
  if (is_dot_string(local)) {
    return put(to, local);
  }
  *to++ = '"';
  for (size_t i = 0; i < local.n; i++) {
    if (needs_pair(local.p[i])) {
      *to++ = '\\';
    }
    *to++ = local.p[i];
  }
  *to++ = '"';
  return to;
}

int nm_addr_new(const struct nm_addr_parts *parts, struct nm_addr **out, struct nm_error *e) {
  size_t spec = nm_addr_local_size(parts->local) + 1 + parts->domain.n;
  /* One block; no sum can overflow, since the parser's maxima bound every part. */
  struct nm_addr *a = nm_alloc(sizeof *a + spec + parts->local.n + parts->name.n);
  if (a == NULL) {
    return nm_error_nomem(e);
  }
  a->refs = 1;
  char *p = (char *)(a + 1);
  char *at = put_local(p, parts->local);
  *at++ = '@';
  a->domain = nm_str(at, parts->domain.n);
  at = put(at, parts->domain);
  a->spec = nm_str(p, spec);
  a->local = nm_str(at, parts->local.n);
  at = put(at, parts->local);
  a->name = nm_str(at, parts->name.n);
  put(at, parts->name);
  *out = a;
  return 0;
}

struct nm_addr *nm_addr_ref(struct nm_addr *a) {
  a->refs++;
  return a;
}

void nm_addr_unref(struct nm_addr **at) {
  struct nm_addr *a = *at;
  *at = NULL;
  if (a != NULL && --a->refs == 0) {
    nm_free(a);
  }
}

int nm_addr_same(const struct nm_addr *a, const struct nm_addr *b) {
  return nm_str_eq(a->local, b->local) && nm_str_ieq(a->domain, b->domain);
}

static void ref_item(void *item) {
  nm_addr_ref(item);
}

static void unref_item(void *item) {
  struct nm_addr *a = item;
  nm_addr_unref(&a);
}

struct nm_list *nm_addr_list_new(void) {
  static const struct nm_list_type type = {ref_item, unref_item};
  return nm_list_new(&type, NM_ADDR_LIST_MAX);
}
