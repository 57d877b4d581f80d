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

/* How much is written, so that one allocation is enough; no sum can overflow, since the parser's maxima bound every part. */
struct sizes {
  int has_two;   /* the address as it is shown is not the one that goes on the wire */
  int is_quoted; /* the local part as it is meant is not as it is written */
  size_t local;
  size_t all;
};

static struct sizes measure(const struct nm_addr_parts *parts) {
  struct sizes s = {.local = parts->local.n};
  struct nm_str wire = parts->domain;
  if (!parts->is_plain) {
    wire = nm_addr_wire_domain(parts);
    s.is_quoted = !is_dot_string(parts->local);
    s.has_two = !nm_str_eq(parts->domain, parts->host);
    s.local = s.is_quoted ? nm_addr_local_size(parts->local) : s.local;
  }
  s.all = s.local + 1 + wire.n + parts->name.n + (s.is_quoted ? parts->local.n : 0) +
          (s.has_two ? s.local + 1 + parts->host.n + parts->domain.n : 0);
  return s;
}

/* What most have: local part and domain are pieces of the one form. */
static char *put_plain(struct nm_addr *a, const struct nm_addr_parts *parts, char *to) {
  size_t n = parts->local.n;
  a->spec = a->address = copy(&to, nm_str(parts->local.p, n + 1 + parts->domain.n));
  a->local = nm_str(a->spec.p, n);
  a->domain = a->host = nm_str(a->spec.p + n + 1, parts->domain.n);
  return to;
}

static char *put_parts(struct nm_addr *a, const struct nm_addr_parts *parts, const struct sizes *s,
                       char *to) {
  a->spec = copy_spec(&to, parts->local, nm_addr_wire_domain(parts), &a->domain);
  a->address = a->spec;
  a->host = a->domain;
  if (s->has_two) {
    a->address = copy_spec(&to, parts->local, parts->host, &a->host);
    a->domain = copy(&to, parts->domain);
  }
  a->local = s->is_quoted ? copy(&to, parts->local) : nm_str(a->spec.p, s->local);
  return to;
}

static void fill(struct nm_addr *a, struct nm_block *block, const struct nm_addr_parts *parts,
                 const struct sizes *s) {
  char *to = (char *)(a + 1);
  a->refs = 1;
  a->block = block;
  to = parts->is_plain ? put_plain(a, parts, to) : put_parts(a, parts, s, to);
  a->name = copy(&to, parts->name);
}

static int make(struct nm_block *room, const struct nm_addr_parts *parts, const struct sizes *s,
                struct nm_addr **out, struct nm_error *e) {
  struct nm_addr *a = room != NULL ? nm_block_take(room, sizeof *a + s->all) : NULL;
  struct nm_block *block = a != NULL ? room : NULL;
  a = a != NULL ? a : nm_alloc(sizeof *a + s->all);
  if (a == NULL) {
    return nm_error_nomem(e);
  }
  fill(a, block, parts, s);
  *out = a;
  return 0;
}

int nm_addr_new(struct nm_block *room, const struct nm_addr_parts *parts, struct nm_addr **out,
                struct nm_error *e) {
  struct sizes s = measure(parts);
  return make(room, parts, &s, out, e);
}

int nm_addr_new_item(struct nm_list *list, const struct nm_addr_parts *parts, struct nm_error *e) {
  struct sizes s = measure(parts);
  struct nm_block *room = NULL;
  struct nm_addr *a = NULL;
  if (nm_list_room(list, sizeof *a + s.all, &room) != 0) {
    return nm_error_nomem(e);
  }
  int err = make(room, parts, &s, &a, e);
  if (err != 0) {
    return err;
  }
  err = nm_list_give(list, a);
  if (err == NM_ELIMIT) {
    return nm_error_set(e, err, NM_KIND_MESSAGE,
                        "a list of more than %zu addresses is refused; make several messages", list->max);
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

struct nm_addr *nm_addr_ref(struct nm_addr *a) {
  a->refs++;
  return a;
}

void nm_addr_unref(struct nm_addr **at) {
  struct nm_addr *a = *at;
  *at = NULL;
  if (a == NULL || --a->refs > 0) {
    return;
  }
  if (a->block != NULL) {
    nm_block_drop(a->block);
  } else {
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

void nm_addr_list_init(struct nm_list *l, struct nm_block *block) {
  nm_list_init(l, &list_type, NM_ADDR_LIST_MAX, block);
}
