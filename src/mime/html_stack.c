#include "mime/html_stack.h"

/* A set of ids. */
#define BIT(id) (1u << (id))
#define TABLE BIT(NM_EL_TABLE)
#define LIST (BIT(NM_EL_UL) | BIT(NM_EL_OL))
#define AROUND_ITEM (LIST | BIT(NM_EL_DL) | BIT(NM_EL_BLOCKQUOTE))

static unsigned bit_of(const struct nm_html_open *o) {
  return BIT(o->element->id);
}

/* The innermost of ids, unless one of stops, or with a flag of walls, is further in; n: none. */
static size_t find(const struct nm_html_stack *s, unsigned ids, unsigned stops, int walls) {
  for (size_t i = s->n; i > 0; i--) {
    const struct nm_html_open *o = &s->open[i - 1];
    if ((bit_of(o) & ids) != 0) {
      return i - 1;
    }
    if ((bit_of(o) & stops) != 0 || (o->element->flags & walls) != 0) {
      break;
    }
  }
  return s->n;
}

size_t nm_html_stack_find(const struct nm_html_stack *s, enum nm_html_id id) {
  return find(s, BIT(id), 0, NM_EL_SCOPE);
}

size_t nm_html_stack_list(const struct nm_html_stack *s) {
  return find(s, LIST, 0, NM_EL_SCOPE);
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t nm_html_stack_before(const struct nm_html_stack *s, const struct nm_html_element *element) {
  size_t left = s->n;
  if ((element->flags & NM_EL_BLOCK) != 0) {
    left = nm_html_stack_find(s, NM_EL_P);
  }
  switch (element->id) {
    case NM_EL_LI:
      return smaller(left, find(s, BIT(NM_EL_LI), AROUND_ITEM, NM_EL_SCOPE));
    case NM_EL_DT:
    case NM_EL_DD:
      return smaller(left, find(s, BIT(NM_EL_DT) | BIT(NM_EL_DD), AROUND_ITEM, NM_EL_SCOPE));
    case NM_EL_HEADING:
      return left > 0 && s->open[left - 1].element->id == NM_EL_HEADING ? left - 1 : left;
    case NM_EL_CELL:
      return find(s, BIT(NM_EL_CELL), TABLE, 0);
    case NM_EL_ROW:
      return smaller(find(s, BIT(NM_EL_ROW), TABLE, 0), find(s, BIT(NM_EL_CELL), TABLE, 0));
    case NM_EL_ROWGROUP: {
      size_t group = find(s, BIT(NM_EL_ROWGROUP), TABLE, 0), row = find(s, BIT(NM_EL_ROW), TABLE, 0);
      return smaller(smaller(group, row), find(s, BIT(NM_EL_CELL), TABLE, 0));
    }
    default:
      return left;
  }
}

static int is_same(const struct nm_html_open *o, const struct nm_html_element *element, struct nm_str name) {
  if (element->id == NM_EL_HEADING) { /* "</h2>" ends an h1 */
    return o->element->id == NM_EL_HEADING;
  }
  return o->element == element && (element->name[0] != '\0' || nm_str_ieq(o->name, name));
}

size_t nm_html_stack_ended(const struct nm_html_stack *s, const struct nm_html_element *element,
                           struct nm_str name, int *alone_out) {
  int is_table = (BIT(element->id) & (TABLE | BIT(NM_EL_ROW) | BIT(NM_EL_ROWGROUP) | BIT(NM_EL_CELL))) != 0;
  int own_walls = (element->flags & (NM_EL_SPECIAL | NM_EL_FORMAT)) != 0 ? NM_EL_SCOPE : NM_EL_SPECIAL;
  int walls = is_table ? 0 : own_walls;
  unsigned stops = is_table ? TABLE : element->id == NM_EL_LI ? LIST : 0;
  *alone_out = 0;
  for (size_t i = s->n; i > 0; i--) {
    const struct nm_html_open *o = &s->open[i - 1];
    if (is_same(o, element, name)) {
      *alone_out = *alone_out && (element->flags & NM_EL_FORMAT) != 0;
      return i - 1;
    }
    if ((bit_of(o) & stops) != 0 || (o->element->flags & walls) != 0) {
      break;
    }
    *alone_out = *alone_out || (o->element->flags & NM_EL_SPECIAL) != 0;
  }
  return s->n;
}
