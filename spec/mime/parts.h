#ifndef NM_SPEC_PARTS_H
#define NM_SPEC_PARTS_H

/* Parts in few words for the tests of the tree, and a tree as a line of text. All of it must succeed. */

#include "mime/tree.h"
#include "support/ctest.h"
#include "support/letter.h"

#define ICS "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"

static inline struct nm_content *bytes_of(struct nm_str s) {
  struct nm_content *c = NULL;
  letter_must(nm_content_memory(s, &c, NULL));
  return c;
}

static inline struct nm_part *octets(const char *type, struct nm_str s) {
  struct nm_part *p = NULL;
  struct nm_content *c = bytes_of(s);
  letter_must(nm_part_new(c, NM_STR(""), &p, NULL));
  letter_must(nm_part_set_type(p, nm_str_c(type), NULL));
  nm_content_unref(&c);
  return p;
}

static inline struct nm_part *text(const char *type, const char *s) {
  struct nm_part *p = NULL;
  struct nm_content *c = bytes_of(nm_str_c(s));
  letter_must(nm_part_new_text(c, &p, NULL));
  letter_must(nm_part_set_type(p, nm_str_c(type), NULL));
  nm_content_unref(&c);
  return p;
}

static inline struct nm_part *shown(struct nm_part *p, const char *id) {
  letter_must(nm_part_set_content_id(p, nm_str_c(id), NULL));
  return p;
}

/* The list takes p. */
static inline void put(struct nm_list *list, struct nm_part *p) {
  letter_must(nm_list_add(list, p));
  nm_part_unref(&p);
}

/* Takes up to three children. */
static inline struct nm_part *multi(const char *type, struct nm_part *a, struct nm_part *b,
                                    struct nm_part *c) {
  struct nm_list *children = nm_part_list_new();
  struct nm_part *p = NULL, *all[] = {a, b, c};
  for (size_t i = 0; i < 3 && children != NULL; i++) {
    if (all[i] != NULL) {
      put(children, all[i]);
    }
  }
  letter_must(nm_part_new_multipart(nm_str_c(type), children, &p, NULL));
  nm_list_unref(&children);
  return p;
}

/* Takes m. */
static inline struct nm_part *within(struct nm_message *m) {
  struct nm_part *p = NULL;
  letter_must(nm_part_new_message(m, &p, NULL));
  nm_message_unref(&m);
  return p;
}

static inline struct nm_part *external(const char *url) {
  struct nm_params access = {0};
  struct nm_part *p = NULL;
  letter_must(nm_params_set(&access, NM_STR("access-type"), NM_STR("URL"), NULL));
  letter_must(nm_params_set(&access, NM_STR("URL"), nm_str_c(url), NULL));
  letter_must(nm_part_new_external(&access, &p, NULL));
  nm_params_free(&access);
  return p;
}

/* A message with that text and no more (NULL: none). */
static inline struct nm_message *note(const char *body) {
  struct nm_message *m = letter_new();
  letter_must(nm_message_set_text(m, body != NULL ? nm_str_c(body) : nm_str(NULL, 0), NULL));
  return m;
}

/* "mixed(text/plain application/pdf)", a message as "message/rfc822(...)", a body elsewhere as "external(...)". */
static inline void sketch(struct nm_buf *b, const struct nm_node *n) {
  struct nm_str type = nm_node_type(n), word = NM_STR("multipart/");
  int is_multi = n->kind == NM_PART_MULTIPART;
  nm_buf_add_c(b, n->kind == NM_PART_EXTERNAL ? "external(" : "");
  nm_buf_add_str(b, is_multi ? nm_str(type.p + word.n, type.n - word.n) : type);
  nm_buf_add_c(b, n->child != NULL ? "(" : "");
  for (const struct nm_node *c = n->child; c != NULL; c = c->next) {
    sketch(b, c);
    nm_buf_add_c(b, c->next != NULL ? " " : "");
  }
  nm_buf_add_c(b, n->child != NULL || n->kind == NM_PART_EXTERNAL ? ")" : "");
}

/* The message as it would be sent; error empty or the sentence. */
static inline int render_to(struct nm_buf *b, const struct nm_message *m, unsigned allowed,
                            struct nm_error *e) {
  struct nm_stamp stamp = letter_stamp();
  struct nm_source *s = NULL;
  stamp.allowed = allowed;
  int err = nm_message_render(m, &stamp, &s, e);
  if (err == 0) {
    b->max = (size_t)1 << 30;
    letter_must(source_read_all(s, 65536, b));
    CHECK(nm_source_size(s) == -1 || nm_source_size(s) == (int64_t)b->n);
  }
  nm_source_free(&s);
  return err;
}

/* How often it is there. (strstr under ASan measures the whole text at each call.) */
static inline size_t count_of(const struct nm_buf *b, const char *word) {
  size_t n = strlen(word), found = 0;
  for (size_t i = 0; i + n <= b->n; i++) {
    found += b->p[i] == word[0] && memcmp(b->p + i, word, n) == 0;
  }
  return found;
}

#endif
