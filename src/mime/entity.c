#include "mime/entity.h"

#include "base/alloc.h"
#include "base/chars.h"
#include "mime/head_read.h"

/* A multipart whose end has not come yet. */
struct open {
  size_t entity;
  size_t last; /* its last child so far */
  struct nm_str boundary;
  int is_closed; /* behind its close-delimiter */
};

struct splitter {
  struct nm_entities *all;
  struct nm_str bytes;
  struct open open[NM_ENTITY_DEPTH_MAX];
  size_t depth, depth_max;
  size_t leaf; /* the one that the line belongs to; NM_ENTITY_NONE: to a preamble or epilogue */
  int in_head; /* of it */
  size_t *budget;
  struct nm_error *e;
};

/* ---- types ---- */

static int is_word(struct nm_str s, const char *word) {
  return word[0] == '*' || nm_str_ieq(s, nm_str_c(word));
}

int nm_entity_is(const struct nm_entity *entity, const char *type, const char *subtype) {
  struct nm_str t = entity->type.type, s = entity->type.subtype;
  if (t.n == 0 || s.n == 0) {
    t = entity->in_digest ? NM_STR("message") : NM_STR("text");
    s = entity->in_digest ? NM_STR("rfc822") : NM_STR("plain");
  }
  return is_word(t, type) && is_word(s, subtype);
}

static struct nm_str slice(struct nm_str bytes, size_t begin, size_t end) {
  return nm_str(bytes.p + begin, end - begin);
}

static int read_type(struct nm_entity *entity) {
  struct nm_head_field f;
  size_t at = 0;
  while (nm_head_next(entity->head, &at, &f) > 0) {
    if (nm_str_ieq(f.name, NM_STR("Content-Type"))) {
      int err = nm_typed_read(&entity->type, f.value);
      return err == NM_ELIMIT ? 0 : err; /* nobody needs such a type */
    }
  }
  return 0;
}

/* ---- the tree ---- */

static int grow(struct splitter *s) {
  size_t cap = s->all->cap > 0 ? 2 * s->all->cap : 8;
  struct nm_entity *items = nm_realloc_array(s->all->items, cap, sizeof *items);
  if (items == NULL) {
    return nm_error_nomem(s->e);
  }
  s->all->items = items;
  s->all->cap = cap;
  return 0;
}

/* A new entity whose header begins at that octet, the next child of the innermost open multipart. */
static int begin(struct splitter *s, size_t at) {
  if (*s->budget == 0) {
    return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE, "a message of more than %d parts is refused",
                        NM_ENTITIES_MAX);
  }
  --*s->budget;
  int err = s->all->n == s->all->cap ? grow(s) : 0;
  if (err != 0) {
    return err;
  }
  size_t i = s->all->n++;
  s->all->items[i] =
      (struct nm_entity){.head = nm_str(s->bytes.p + at, 0), .child = NM_ENTITY_NONE, .next = NM_ENTITY_NONE};
  if (s->depth > 0) {
    struct open *o = &s->open[s->depth - 1];
    struct nm_entity *parent = &s->all->items[o->entity];
    *(o->last == NM_ENTITY_NONE ? &parent->child : &s->all->items[o->last].next) = i;
    s->all->items[i].in_digest = nm_entity_is(parent, "multipart", "digest");
    o->last = i;
    parent->n++;
  }
  s->leaf = i;
  s->in_head = 1;
  return 0;
}

/* multipart/signed and multipart/encrypted: every octet counts (RFC 1847). */
static int is_opened(const struct nm_entity *entity) {
  return nm_entity_is(entity, "multipart", "*") && !nm_entity_is(entity, "multipart", "signed") &&
         !nm_entity_is(entity, "multipart", "encrypted") &&
         nm_typed_get(&entity->type, NM_STR("boundary")).n > 0;
}

/* The header of the leaf ends before end, its body begins at body. */
static int end_head(struct splitter *s, size_t end, size_t body) {
  struct nm_entity *entity = &s->all->items[s->leaf];
  size_t from = (size_t)(entity->head.p - s->bytes.p);
  entity->head.n = end - from;
  entity->body = nm_str(s->bytes.p + body, 0);
  s->in_head = 0;
  int err = read_type(entity);
  if (err != 0) {
    return nm_error_nomem(s->e);
  }
  if (is_opened(entity)) {
    if (s->depth >= s->depth_max) {
      return nm_error_set(s->e, NM_ELIMIT, NM_KIND_MESSAGE,
                          "parts within parts more than %d levels deep are refused", NM_ENTITY_DEPTH_MAX);
    }
    struct nm_str boundary = nm_typed_get(&entity->type, NM_STR("boundary"));
    s->open[s->depth++] = (struct open){s->leaf, NM_ENTITY_NONE, boundary, 0};
    s->leaf = NM_ENTITY_NONE;
  }
  return 0;
}

/* The body of an entity ends before the octet end; trimmed: before the line end there, which is that of a delimiter. */
static void end_body(struct splitter *s, size_t i, size_t end, int trimmed) {
  struct nm_entity *entity = &s->all->items[i];
  size_t from = (size_t)(entity->body.p - s->bytes.p);
  if (trimmed && end > from && s->bytes.p[end - 1] == '\n') {
    end--;
    end -= end > from && s->bytes.p[end - 1] == '\r';
  }
  entity->body.n = end - from;
}

/* All that is open ends at at, down to that many multiparts. */
static int end_all(struct splitter *s, size_t at, size_t depth, int trimmed) {
  int err = 0;
  if (s->leaf != NM_ENTITY_NONE && s->in_head) {
    err = end_head(s, at, at);
  }
  if (s->leaf != NM_ENTITY_NONE) {
    end_body(s, s->leaf, at, trimmed);
  }
  while (s->depth > depth) {
    end_body(s, s->open[--s->depth].entity, at, trimmed);
  }
  s->leaf = NM_ENTITY_NONE;
  return err;
}

/* ---- lines ---- */

/* delimiter := "--" boundary   close-delimiter := delimiter "--"   each followed by transport-padding := *LWSP-char
   (RFC 2046 5.1.1). 1 and 2; 0: neither. */
static int is_delimiter(struct nm_str line, struct nm_str boundary) {
  if (line.n < boundary.n + 2 || memcmp(line.p + 2, boundary.p, boundary.n) != 0) {
    return 0;
  }
  struct nm_str rest = nm_str(line.p + 2 + boundary.n, line.n - 2 - boundary.n);
  int kind = 1;
  if (rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-') {
    rest = nm_str(rest.p + 2, rest.n - 2);
    kind = 2;
  }
  return rest.n == 0 || nm_all(rest, NM_CHAR_WSP) ? kind : 0;
}

/* "Boundary delimiters must not appear within the encapsulated material"; "an outer level boundary … recognized even within an
   inner one" (RFC 2046 5.1.1, 5.1.2). Which open multipart the line is of, or depth. */
static size_t delimited(const struct splitter *s, struct nm_str line, int *kind) {
  for (size_t i = s->depth; i > 0 && line.n >= 2 && line.p[0] == '-' && line.p[1] == '-'; i--) {
    *kind = s->open[i - 1].is_closed ? 0 : is_delimiter(line, s->open[i - 1].boundary);
    if (*kind != 0) {
      return i - 1;
    }
  }
  return s->depth;
}

static int at_delimiter(struct splitter *s, size_t at, size_t next, size_t level, int kind) {
  int err = end_all(s, at, level + 1, 1);
  if (kind == 2 || next == s->bytes.n) { /* behind the last octet no part begins */
    s->open[level].is_closed = 1;
    return err;
  }
  return err == 0 ? begin(s, next) : err;
}

/* In a header: at the empty line it ends; and so does that of a part whose first line is no field: somebody forgot it. */
static int at_head_line(struct splitter *s, size_t at, size_t end, size_t next) {
  if (at == end) {
    return end_head(s, at, next);
  }
  int is_first = s->all->items[s->leaf].head.p == s->bytes.p + at;
  if (s->depth > 0 && is_first) {
    struct nm_head_field f;
    size_t begun = 0;
    nm_head_next(slice(s->bytes, at, next), &begun, &f);
    return f.name.n == 0 ? end_head(s, at, at) : 0;
  }
  return 0;
}

static int split(struct splitter *s) {
  size_t at = nm_head_begin(s->bytes), end;
  int err = begin(s, at), kind = 0;
  while (at < s->bytes.n && err == 0) {
    size_t next = nm_line_next(s->bytes, at, &end);
    size_t level = delimited(s, slice(s->bytes, at, end), &kind);
    if (level < s->depth) {
      err = at_delimiter(s, at, next, level, kind);
    } else if (s->leaf != NM_ENTITY_NONE && s->in_head) {
      err = at_head_line(s, at, end, next);
    } else if (s->depth == 0) { /* one leaf, which reaches to the end */
      break;
    }
    at = next;
  }
  return err == 0 ? end_all(s, s->bytes.n, 0, 0) : err;
}

int nm_entities_read(struct nm_entities *all, struct nm_str bytes, unsigned depth, size_t *budget,
                     struct nm_error *e) {
  struct splitter s = {.all = all, .bytes = bytes, .leaf = NM_ENTITY_NONE, .budget = budget, .e = e};
  *all = (struct nm_entities){0};
  s.depth_max = depth < NM_ENTITY_DEPTH_MAX ? NM_ENTITY_DEPTH_MAX - depth : 0;
  int err = split(&s);
  if (err != 0) {
    nm_entities_free(all);
  }
  return err;
}

void nm_entities_free(struct nm_entities *all) {
  for (size_t i = 0; i < all->n; i++) {
    nm_typed_free(&all->items[i].type);
  }
  nm_free(all->items);
  *all = (struct nm_entities){0};
}
