#include "mime/params.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/chars.h"
#include "base/check.h"

/* So that a parameter fits on its line beside the beginning of its value. */
#define NAME_MAX_OCTETS 40

static void free_one(struct nm_param *p) {
  nm_free((void *)(uintptr_t)p->name.p);
  *p = (struct nm_param){0};
}

void nm_params_free(struct nm_params *p) {
  for (size_t i = 0; i < p->n; i++) {
    free_one(&p->items[i]);
  }
  nm_free(p->items);
  *p = (struct nm_params){0};
}

/* n when there is none. */
static size_t find(const struct nm_params *p, struct nm_str name) {
  size_t i = 0;
  while (i < p->n && !nm_str_ieq(p->items[i].name, name)) {
    i++;
  }
  return i;
}

struct nm_str nm_params_get(const struct nm_params *p, struct nm_str name) {
  size_t i = find(p, name);
  return i < p->n ? p->items[i].value : nm_str(NULL, 0);
}

/* Name and value in one block, each with a NUL behind it. */
static int make(struct nm_str name, struct nm_str value, struct nm_param *out) {
  char *block = nm_alloc(name.n + value.n + 2);
  if (block == NULL) {
    return NM_ENOMEM;
  }
  memcpy(block, name.p, name.n);
  block[name.n] = '\0';
  char *at = block + name.n + 1;
  if (value.n > 0) {
    memcpy(at, value.p, value.n);
  }
  at[value.n] = '\0';
  *out = (struct nm_param){nm_str(block, name.n), nm_str(at, value.n)};
  return 0;
}

static int append(struct nm_params *p, const struct nm_param *made) {
  struct nm_param *items = nm_realloc_array(p->items, p->n + 1, sizeof *items);
  if (items == NULL) {
    return NM_ENOMEM;
  }
  p->items = items;
  p->items[p->n++] = *made;
  return 0;
}

static int check(const struct nm_params *p, struct nm_str name, struct nm_str value, struct nm_error *e) {
  char what[NAME_MAX_OCTETS + 20] = "the parameter ";
  if (name.n == 0 || name.n > NAME_MAX_OCTETS || !nm_all(name, NM_CHAR_TOKEN) ||
      memchr(name.p, '*', name.n) != NULL) {
    return nm_error_set(
        e, NM_EINVAL, NM_KIND_MESSAGE,
        "\"%.*s\" is not the name of a parameter; write ASCII letters, digits and hyphens, at "
        "most %d of them",
        nm_shown(name, 100), name.n > 0 ? name.p : "", NAME_MAX_OCTETS);
  }
  memcpy(what + strlen(what), name.p, name.n);
  if (value.n > NM_PARAM_VALUE_MAX) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "%s is too long: %zu bytes, at most %d are allowed",
                        what, value.n, NM_PARAM_VALUE_MAX);
  }
  if (p->n >= NM_PARAMS_MAX && find(p, name) == p->n) {
    return nm_error_set(e, NM_ELIMIT, NM_KIND_MESSAGE, "more than %d parameters of a type are refused",
                        NM_PARAMS_MAX);
  }
  return nm_check_line(what, value, e);
}

int nm_params_set(struct nm_params *p, struct nm_str name, struct nm_str value, struct nm_error *e) {
  struct nm_param made;
  int err = check(p, name, value, e);
  if (err != 0) {
    return err;
  }
  err = make(name, value, &made);
  size_t i = find(p, name);
  if (err == 0 && i < p->n) {
    free_one(&p->items[i]);
    p->items[i] = made;
  } else if (err == 0) {
    err = append(p, &made);
    if (err != 0) {
      free_one(&made);
    }
  }
  return err != 0 ? nm_error_nomem(e) : 0;
}

int nm_params_remove(struct nm_params *p, struct nm_str name) {
  size_t i = find(p, name);
  if (i == p->n) {
    return 0;
  }
  free_one(&p->items[i]);
  p->n--;
  memmove(&p->items[i], &p->items[i + 1], (p->n - i) * sizeof *p->items);
  return 1;
}

static int is_before(const struct nm_param *a, const struct nm_param *b, struct nm_str first) {
  if (nm_str_ieq(a->name, first) || nm_str_ieq(b->name, first)) {
    return nm_str_ieq(a->name, first);
  }
  return strcmp(a->name.p, b->name.p) < 0;
}

void nm_params_sort(struct nm_params *p, struct nm_str first) {
  for (size_t i = 1; i < p->n; i++) {
    struct nm_param moved = p->items[i];
    size_t at = i;
    for (; at > 0 && is_before(&moved, &p->items[at - 1], first); at--) {
      p->items[at] = p->items[at - 1];
    }
    p->items[at] = moved;
  }
}

int nm_params_assign(struct nm_params *to, const struct nm_params *from) {
  struct nm_params copy = {0};
  for (size_t i = 0; i < from->n; i++) {
    struct nm_param made;
    int err = make(from->items[i].name, from->items[i].value, &made);
    if (err == 0 && append(&copy, &made) != 0) {
      free_one(&made);
      err = NM_ENOMEM;
    }
    if (err != 0) {
      nm_params_free(&copy);
      return NM_ENOMEM;
    }
  }
  nm_params_free(to);
  *to = copy;
  return 0;
}
