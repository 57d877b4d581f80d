#ifndef NM_SPEC_JSON_H
#define NM_SPEC_JSON_H

/* As much of JSON as test vectors need: a tree of values. Anything malformed ends the program: the vectors are what they
   are. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json {
  char kind; /* '{', '[', '"', '0' (a number, true or false: its text), 'n' (null) */
  char *s;   /* of '"' and '0'; followed by a NUL */
  size_t n;  /* octets of s, or members */
  char *key; /* of a member of an object */
  struct json *child, *next;
};

static inline void json_must(int ok) {
  if (!ok) {
    printf("vectors: malformed JSON\n");
    exit(1);
  }
}

static inline const char *json_space(const char *p) {
  return p + strspn(p, " \t\r\n");
}

static inline char *json_utf8(char *to, unsigned cp) {
  if (cp < 0x80) {
    *to++ = (char)cp;
  } else if (cp < 0x800) {
    *to++ = (char)(0xc0 | cp >> 6);
    *to++ = (char)(0x80 | (cp & 63));
  } else if (cp < 0x10000) {
    *to++ = (char)(0xe0 | cp >> 12);
    *to++ = (char)(0x80 | (cp >> 6 & 63));
    *to++ = (char)(0x80 | (cp & 63));
  } else {
    *to++ = (char)(0xf0 | cp >> 18);
    *to++ = (char)(0x80 | (cp >> 12 & 63));
    *to++ = (char)(0x80 | (cp >> 6 & 63));
    *to++ = (char)(0x80 | (cp & 63));
  }
  return to;
}

static inline unsigned json_hex(const char *p) {
  char four[5] = {p[0], p[1], p[2], p[3], 0};
  return (unsigned)strtoul(four, NULL, 16);
}

static inline char *json_string(const char **at, size_t *n_out) {
  const char *p = *at;
  json_must(*p++ == '"');
  char *s = malloc(strlen(p) < 131072 ? strlen(p) + 1 : 131072),
       *to = s; /* no string of the vectors is longer */
  while (*p != '"') {
    json_must(*p != '\0' && to - s < 131000);
    if (*p != '\\') {
      *to++ = *p++;
      continue;
    }
    p++;
    const char *names = "\"\\/bfnrt", *name = strchr(names, *p);
    if (*p == 'u') {
      unsigned cp = json_hex(p + 1);
      p += 5;
      if (cp >= 0xd800 && cp < 0xdc00 && p[0] == '\\' && p[1] == 'u') {
        cp = 0x10000 + ((cp - 0xd800) << 10) + (json_hex(p + 2) - 0xdc00);
        p += 6;
      }
      to = json_utf8(to, cp);
    } else {
      json_must(name != NULL && *p != '\0');
      *to++ = "\"\\/\b\f\n\r\t"[name - names];
      p++;
    }
  }
  *to = '\0';
  *at = p + 1;
  *n_out = (size_t)(to - s);
  return realloc(s, *n_out + 1);
}

static inline struct json *json_value(const char **at) {
  struct json *v = calloc(1, sizeof *v), **tail = &v->child;
  const char *p = json_space(*at);
  v->kind = *p;
  if (*p == '"') {
    v->s = json_string(&p, &v->n);
  } else if (*p == '{' || *p == '[') {
    char end = *p == '{' ? '}' : ']';
    p = json_space(p + 1);
    while (*p != end) {
      char *key = NULL;
      size_t n = 0;
      if (v->kind == '{') {
        key = json_string(&p, &n);
        p = json_space(p);
        json_must(*p++ == ':');
      }
      *tail = json_value(&p);
      (*tail)->key = key;
      tail = &(*tail)->next;
      v->n++;
      p = json_space(p);
      json_must(*p == ',' || *p == end);
      p = *p == ',' ? json_space(p + 1) : p;
    }
    p++;
  } else {
    size_t n = strcspn(p, ",]} \t\r\n");
    json_must(n > 0);
    v->kind = *p == 'n' ? 'n' : '0';
    v->s = calloc(1, n + 1);
    memcpy(v->s, p, n);
    v->n = n;
    p += n;
  }
  *at = p;
  return v;
}

static inline struct json *json_parse(const char *text) {
  return json_value(&text);
}

static inline void json_free(struct json *v) {
  while (v != NULL) {
    struct json *next = v->next;
    json_free(v->child);
    free(v->s);
    free(v->key);
    free(v);
    v = next;
  }
}

/* The member of that key, or NULL. */
static inline struct json *json_get(const struct json *v, const char *key) {
  struct json *m = v != NULL && v->kind == '{' ? v->child : NULL;
  while (m != NULL && strcmp(m->key, key) != 0) {
    m = m->next;
  }
  return m;
}

static inline int json_is(const struct json *v, const char *p, size_t n) {
  return v != NULL && v->kind == '"' && v->n == n && (n == 0 || memcmp(v->s, p, n) == 0);
}

#endif
