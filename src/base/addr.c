#include "base/addr.h"

#include "base/addr_parts.h"
#include "base/alloc.h"
#include "base/chars.h"
#include "base/utf8.h"

/* Dot-string = Atom *("." Atom)   (RFC 5321 4.1.2)
   atext =/ UTF8-non-ascii          (RFC 6531 3.3) */
static int is_dot_string(struct nm_str s) {
  int was_atext = 0;
  for (size_t i = 0; i < s.n; i++) {
    int is_atext = nm_is((unsigned char)s.p[i], NM_CHAR_ATEXT) || (unsigned char)s.p[i] >= 0x80;
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

struct nm_str nm_addr_wire_domain(const struct nm_addr_parts *parts) {
  return nm_is_ascii(parts->local) ? parts->domain : parts->host;
}

/* Moves *to behind the copy. */
static struct nm_str copy(char **to, struct nm_str s) {
  char *p = *to;
  *to = put(p, s);
  return nm_str(p, s.n);
}

static struct nm_str copy_spec(char **to, struct nm_str local, struct nm_str domain,
                               struct nm_str *domain_out) {
  char *p = *to;
  *to = put_local(p, local);
  *(*to)++ = '@';
  *domain_out = copy(to, domain);
  return nm_str(p, (size_t)(*to - p));
}

int nm_addr_new(const struct nm_addr_parts *parts, struct nm_addr **out, struct nm_error *e) {
  size_t spec = nm_addr_local_size(parts->local) + 1;
  /* One block, with room for both forms; no sum can overflow, since the parser's maxima bound every part. */
  struct nm_addr *a = nm_alloc(sizeof *a + 2 * spec + 2 * parts->domain.n + 2 * parts->host.n +
                               parts->local.n + parts->name.n);
  if (a == NULL) {
    return nm_error_nomem(e);
  }
  a->refs = 1;
  char *to = (char *)(a + 1);
  a->spec = copy_spec(&to, parts->local, nm_addr_wire_domain(parts), &a->domain);
  a->address = a->spec;
  a->host = a->domain;
  if (!nm_str_eq(parts->domain, parts->host)) {
    a->address = copy_spec(&to, parts->local, parts->host, &a->host);
    a->domain = copy(&to, parts->domain);
  }
  a->local = copy(&to, parts->local);
  a->name = copy(&to, parts->name);
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

int nm_addr_is_utf8(const struct nm_addr *a) {
  return !nm_is_ascii(a->spec);
}

static void ref_item(void *item) {
  nm_addr_ref(item);
}

static void unref_item(void *item) {
  struct nm_addr *a = item;
  nm_addr_unref(&a);
}

static const struct nm_list_type list_type = {ref_item, unref_item};

struct nm_list *nm_addr_list_new(void) {
  return nm_list_new(&list_type, NM_ADDR_LIST_MAX);
}

void nm_addr_list_init(struct nm_list *l, unsigned *block) {
  nm_list_init(l, &list_type, NM_ADDR_LIST_MAX, block);
}
